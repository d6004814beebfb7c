package io.keyfob;

/**
 * The engine's errors, with the numbers of {@code keyfob.h}. A number never changes its meaning.
 * Later versions may add numbers.
 */
public enum OtpError {
    /** A pointer that must not be NULL is NULL. */
    NULL_POINTER(1),
    /**
     * A struct's size is smaller than its first version or larger than 4096, or it has a non-zero
     * tail unknown to this library.
     */
    STRUCT_SIZE(2),
    /** A length is larger than any memory, or a text has no NUL within 4096 bytes. */
    LENGTH(3),
    /** A buffer is too small. */
    BUFFER_TOO_SMALL(4),
    /** The store failed, and the verdict is unknown. */
    STORE_FAILED(5),
    /** The store holds another revision: read the record again and retry. */
    STORE_CONFLICT(6),
    /** A defect of this library; please report it. */
    PANIC(7),
    /** Secret: not 16 to 64 bytes; where short ones are allowed, not 10 to 64. */
    SECRET_LENGTH(20),
    /** Secret: not Base32. */
    SECRET_BASE32(21),
    /** Secret: not hexadecimal. */
    SECRET_HEX(22),
    /** Algorithm: not one of {@link Algorithm}. */
    ALGORITHM(23),
    /** Digits: not 6 to 10. */
    DIGITS(24),
    /** Period: 0 seconds. */
    PERIOD(25),
    /** Status: not one of {@link Status}. */
    STATUS(26),
    /** Kind: not one of {@link Kind}. */
    KIND(27),
    /** The operation does not exist for this kind of device. */
    WRONG_KIND(28),
    /** PIN: too short for the policy, shorter than 4 or longer than 64 digits. */
    PIN_LENGTH(29),
    /** PIN: not ASCII digits only. */
    PIN_DIGITS(30),
    /** Recovery codes: not 1 to 64. */
    RECOVERY_CODE_COUNT(31),
    /** Policy: window above 1000 steps. */
    WINDOW(40),
    /** Policy: look-ahead above 1000 counters. */
    LOOK_AHEAD(41),
    /** Policy: resync window of 0 or above 10000 counters. */
    RESYNC_WINDOW(42),
    /** Policy: largest learned drift above 1000 steps. */
    MAX_DRIFT(43),
    /** Policy: lock after 0 fails. */
    MAX_FAILS(44),
    /** Policy: first delay of 0 seconds. */
    FIRST_DELAY(45),
    /** Policy: lifetime of 0 seconds. */
    CODE_LIFETIME(46),
    /** Policy: positions asked of a PIN, fewer than 2 or more than the shortest PIN has. */
    PIN_POSITIONS(47),
    /** Policy: a guess would succeed more often than its bound allows. */
    GUESS_BOUND(48),
    /** Policy: the same for the positions of a PIN. */
    PIN_GUESS_BOUND(49),
    /** Policy: longest delay shorter than the first. */
    MAX_DELAY(50),
    /** Policy: time of reuse longer than the lifetime. */
    CODE_REUSE(51),
    /** Policy: shortest PIN not 4 to 64 digits. */
    PIN_MIN_LENGTH(52),
    /** Policy: clock skew above 3600 seconds. */
    CLOCK_SKEW(53),
    /** Policy: neither a lock, a throttle nor a throttle that ends in a lock. */
    LOCK_KIND(54),
    /**
     * Policy: first window above 1000 steps, or above window and largest learned drift together.
     */
    FIRST_WINDOW(55),
    /** Policy: the fail that locks does not come after the one that begins the first delay. */
    TOTAL_FAILS(56),
    /** Time: before T0, or before what the device has seen. */
    CLOCK(60),
    /** A counter is at the end of its range. */
    EXHAUSTED(61),
    /** Record: not a record of keyfob. */
    RECORD_FOREIGN(62),
    /** Record: of a newer version. */
    RECORD_NEWER(63),
    /** Record: of a wrong length. */
    RECORD_LENGTH(64),
    /** Record: damaged. */
    RECORD_DAMAGED(65),
    /** Device: locked. */
    LOCKED(66),
    /** Device: throttled. */
    THROTTLED(67),
    /** Device: disabled. */
    DISABLED(68),
    /** Device: no challenge is pending. */
    NO_CHALLENGE(69),
    /** Randomness: the generator failed, or there is none. */
    RANDOMNESS(70),
    /**
     * Device: a TOTP step beyond the window was accepted while a clock was ahead. No code is right
     * until its time comes.
     */
    CLOCK_WAS_AHEAD(71),
    /** Device: the time is outside of its validity. */
    OUTSIDE_VALIDITY(72),
    /** Validity: ends before it begins. */
    VALIDITY(73),
    /** TOTP resync: the policy learns no drift. */
    NO_DRIFT(74),
    /** URI: not otpauth://totp/ or otpauth://hotp/. */
    URI_TYPE(80),
    /**
     * URI: account or issuer too long, not UTF-8, or with a control character. In writing also a
     * colon in either, or an empty account.
     */
    URI_LABEL(81),
    /** URI: wrong percent-encoding. */
    URI_ENCODING(82),
    /** URI: no secret. */
    URI_NO_SECRET(83),
    /** URI: a HOTP URI without a valid counter. */
    URI_COUNTER(84),
    /** URI: a parameter twice. */
    URI_REPEATED(85),
    /** URI: a T0 other than 0, which a URI cannot express. */
    URI_T0(86),
    /** Sealed record: not a sealed record of keyfob. */
    SEAL_FOREIGN(90),
    /** Sealed record: changed, of another device or under another key. */
    SEAL_BROKEN(91),
    /** Sealed record: under another key id. */
    SEAL_KEY_ID(92),
    /** Sealed record: of a newer version. */
    SEAL_NEWER(93),
    /**
     * Soffid row: a period other than 30 seconds, a T0 other than 0, a counter of 2^63 or more, a
     * validity or a short secret. A row can express none of them.
     */
    SOFFID_PARAMETERS(100),
    /** A number of a newer engine: see {@link OtpException#number()}. */
    UNKNOWN(-1);

    private final int number;

    OtpError(int number) {
        this.number = number;
    }

    /**
     * The engine's number.
     *
     * @return the number, or -1 for {@link #UNKNOWN}
     */
    public int number() {
        return number;
    }

    static OtpError fromNumber(int number) {
        for (OtpError error : values()) {
            if (error.number == number) {
                return error;
            }
        }
        return UNKNOWN;
    }
}
