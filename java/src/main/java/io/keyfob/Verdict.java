package io.keyfob;

import java.util.OptionalLong;

/**
 * The verdict on an attempt. Show the person only {@link #isRight} and {@link #isLocked}, which are
 * the same for a wrong, an expired and a replayed code. The rest is for the host's audit.
 * Immutable, and without secrets.
 */
public final class Verdict {
    private static final int RIGHT = 4;
    private static final int LOCKED = 8;
    private static final int REASON = 12;
    private static final int FAILS = 16;
    private static final int RECOVERY_CODES_LEFT = 20;
    private static final int MATCHED = 24;
    private static final int DRIFT = 32;
    private static final int RETRY_AT = 40;

    private static final Reason[] REASONS = Reason.values();

    private final byte[] struct;

    /** Takes ownership of a struct that the engine has filled. */
    Verdict(byte[] struct) {
        this.struct = struct;
    }

    /** An empty struct for the engine to fill. */
    static byte[] struct() {
        return Struct.create(Sizes.VERDICT_SIZE);
    }

    /**
     * Whether the answer was right, on an open device, for the first time.
     *
     * @return true if so
     */
    public boolean isRight() {
        return Struct.getFlag(struct, RIGHT);
    }

    /**
     * Whether the device is locked or throttled after this attempt. True from the fail that locks
     * it.
     *
     * @return true if so
     */
    public boolean isLocked() {
        return Struct.getFlag(struct, LOCKED);
    }

    /**
     * The reason of the verdict.
     *
     * @return the reason
     */
    public Reason reason() {
        return REASONS[Struct.getInt(struct, REASON)];
    }

    /**
     * Fails after this attempt.
     *
     * @return an unsigned number of 32 bits
     */
    public int fails() {
        return Struct.getInt(struct, FAILS);
    }

    /**
     * Recovery codes: how many are left after this attempt. Remind the user to renew them in time,
     * as {@link RecoveryCodes} describes.
     *
     * @return 0 to 64; 0 for other kinds
     */
    public int recoveryCodesLeft() {
        return Struct.getInt(struct, RECOVERY_CODES_LEFT);
    }

    /**
     * The matched step (TOTP), counter (HOTP) or issue (SMS, e-mail), the index of a recovery code,
     * or 0 for a PIN. After a resync the match of the second code.
     *
     * @return the unsigned number; empty if the answer was not right
     */
    public OptionalLong matched() {
        return ifRight(MATCHED);
    }

    /**
     * By how many steps the authenticator's clock is ahead (TOTP; negative if behind; by the second
     * code after a resync), or how many counters were skipped (HOTP; before the first of the two
     * codes of a resync).
     *
     * @return steps or counters, 0 for other kinds; empty if the answer was not right
     */
    public OptionalLong drift() {
        return ifRight(DRIFT);
    }

    /**
     * The time from which a throttled device accepts attempts again.
     *
     * @return Unix seconds; empty if it is not throttled
     */
    public OptionalLong retryAt() {
        long time = Struct.getLong(struct, RETRY_AT);
        return time == 0 ? OptionalLong.empty() : OptionalLong.of(time);
    }

    private OptionalLong ifRight(int at) {
        return isRight() ? OptionalLong.of(Struct.getLong(struct, at)) : OptionalLong.empty();
    }

    @Override
    public String toString() {
        return "Verdict(" + reason() + ", " + Integer.toUnsignedString(fails()) + " fails" + (isLocked() ? ", locked)" : ")");
    }
}
