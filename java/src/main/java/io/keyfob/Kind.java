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
    PIN;

    int number() {
        return ordinal() + 1;
    }

    static Kind fromNumber(int number) {
        return values()[number - 1];
    }
}
