package io.keyfob;

/** The numbers of {@code keyfob_policy} in keyfob.h: where each is in the struct, in bytes. */
final class PolicyStruct {
    static final int SIZE = 72;
    static final int WINDOW = 4;
    static final int LOOK_AHEAD = 8;
    static final int RESYNC_WINDOW = 12;
    static final int MAX_DRIFT = 16;
    static final int LOCK = 20;
    static final int MAX_FAILS = 24;
    static final int FIRST_DELAY = 28;
    static final int MAX_DELAY = 32;
    static final int CODE_LIFETIME = 36;
    static final int CODE_REUSE = 40;
    static final int PIN_POSITIONS = 44;
    static final int PIN_MIN_LENGTH = 48;
    static final int CLOCK_SKEW = 52;
    static final int GUESS_BOUND = 56;
    static final int PIN_GUESS_BOUND = 60;
    static final int FIRST_WINDOW = 64;
    static final int TOTAL_FAILS = 68;

    /* The values of LOCK. */
    static final int HARD = 0;
    static final int THROTTLE = 1;
    static final int THROTTLE_THEN_LOCK = 2;

    private PolicyStruct() {}
}
