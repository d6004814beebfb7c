package io.keyfob;

/** Why an answer was accepted or refused. For the host's audit, not for the person. */
public enum Reason {
    /** The right answer. */
    RIGHT,
    /** A wrong answer. */
    WRONG,
    /**
     * A code that was accepted before, or is older than an accepted one. A fail, except for the
     * code accepted last, and for recovery codes.
     */
    REPLAYED,
    /** The challenge had expired. A fail. */
    EXPIRED,
    /** No challenge was pending. A fail. */
    NO_CHALLENGE,
    /** The device is throttled. Nothing was counted. */
    THROTTLED,
    /** The device was locked before. Nothing was counted. */
    LOCKED,
    /** The device is disabled. Nothing was counted. */
    DISABLED,
    /**
     * TOTP: a step ahead of the present time was accepted while a clock was ahead, and used up this
     * code. Nothing was counted. Lasts until that time comes, or until {@link
     * OtpDevice#forgetSteps}.
     */
    CLOCK_WAS_AHEAD,
    /** TOTP, HOTP: the time is outside of the device's validity. Nothing was counted. */
    OUTSIDE_VALIDITY
}
