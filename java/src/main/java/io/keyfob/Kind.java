package io.keyfob;

/** The kind of a device. */
public enum Kind {
    /** A time-based authenticator (RFC 6238). */
    TOTP,
    /** A counter-based authenticator (RFC 4226). */
    HOTP,
    /** Codes sent to a telephone. */
    SMS,
    /** Codes sent by e-mail. */
    EMAIL,
    /** A security PIN. */
    PIN,
    /** Recovery codes (look-up secrets, NIST SP 800-63B-4 section 3.1.2). */
    RECOVERY;

    int number() {
        return ordinal() + 1;
    }

    static Kind fromNumber(int number) {
        return values()[number - 1];
    }
}
