package io.keyfob;

/** The hash under the HMAC that makes codes. */
public enum Algorithm {
    /** HMAC-SHA-1, which every authenticator supports. */
    SHA1,
    /** HMAC-SHA-256. */
    SHA256,
    /** HMAC-SHA-512. */
    SHA512;

    int number() {
        return ordinal() + 1;
    }

    static Algorithm fromNumber(int number) {
        return number == 0 ? null : values()[number - 1];
    }
}
