package io.keyfob;

/** Why an answer was accepted or refused: for the host's audit, not for whoever answered. */
public enum Reason {
    /** The right answer. */
    RIGHT,
    /** A wrong answer. */
    WRONG,
    /** A code that was accepted before, or is older than one that was. A fail, unless it is the very code accepted last. */
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
    DISABLED,
    /**
     * TOTP: the highest accepted step lies ahead of the present time and has used up this code: a
     * clock was ahead when it was accepted. Nothing was counted. Lasts until that time comes, or
     * until {@link OtpDevice#forgetSteps}.
     */
    CLOCK_WAS_AHEAD
}
