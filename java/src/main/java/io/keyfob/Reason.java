package io.keyfob;

/** Why an answer was accepted or refused: for the host's audit, not for whoever answered. */
public enum Reason {
    /** The right answer. */
    RIGHT,
    /** A wrong answer. */
    WRONG,
    /** A code that was accepted before, or is older than one that was. A fail. */
    REPLAYED,
    /** The challenge had expired. A fail. */
    EXPIRED,
    /** No challenge was pending. A fail. */
    NO_CHALLENGE,
    /** A throttle was on. Nothing was counted. */
    THROTTLED,
    /** The device was locked before. Nothing was counted. */
    LOCKED,
    /** The device is disabled. Nothing was counted. */
    DISABLED
}
