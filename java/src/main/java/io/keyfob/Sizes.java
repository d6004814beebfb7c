package io.keyfob;

/** The sizes of {@code keyfob.h} in bytes, under its names without {@code KEYFOB_}. */
final class Sizes {
    static final int RECORD_SIZE = 168;
    static final int SEALED_SIZE = 216;
    static final int SEAL_KEY_SIZE = 32;
    static final int SEAL_NONCE_SIZE = 24;
    static final int SECRET_MIN_SIZE = 16;
    static final int SHORT_SECRET_MIN_SIZE = 10;
    static final int SECRET_MAX_SIZE = 64;
    static final int CODE_SIZE = 12;
    static final int RECOVERY_CODES_MAX = 64;
    static final int RECOVERY_CODE_SIZE = 17;
    static final int BASE32_SIZE = 104;
    static final int HEX_SIZE = 129;
    static final int URI_SIZE = 2048;

    /** Room for a record and the first byte of a longer one, in whole longs. */
    static final int RECORD_ROOM = RECORD_SIZE + Long.BYTES;

    /** The most bytes of a text, its NUL included. */
    static final int TEXT_MAX = 4096;

    /** The most bytes of a device's name in sealing. */
    static final int DEVICE_ID_MAX = 1024;

    /** The size of {@code keyfob_verdict}. */
    static final int VERDICT_SIZE = 48;

    /** A PIN has at most 64 digits, a typed recovery code 64 bytes. No longer answer is right. */
    static final int ANSWER_MAX = 65;

    /** Room for any answer, in whole longs. */
    static final int ANSWER_ROOM = 72;

    /** The size of a {@code size_t}. */
    static final int LENGTH_SIZE = 8;

    /** The size of a {@code uint32_t}. */
    static final int NUMBER_SIZE = 4;

    /** The size of a {@code uint64_t}. */
    static final int COUNTER_SIZE = 8;

    private Sizes() {}
}
