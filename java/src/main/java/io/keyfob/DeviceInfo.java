package io.keyfob;

import java.util.OptionalLong;

/** A snapshot of a device without its secret. Immutable. Times are Unix seconds. */
public final class DeviceInfo {
    static final int SIZE = 136;
    private static final int KIND = 4;
    private static final int STATUS = 8;
    private static final int ALGORITHM = 12;
    private static final int DIGITS = 16;
    private static final int PERIOD = 20;
    private static final int FAILS = 24;
    private static final int DRIFT = 28;
    private static final int WAS_USED = 32;
    private static final int IS_PENDING = 36;
    private static final int T0 = 40;
    private static final int MOVING_FACTOR = 48;
    private static final int CREATED = 56;
    private static final int LAST_USED = 64;
    private static final int PENDING_SINCE = 72;
    private static final int POSITIONS = 80;
    private static final int THROTTLED_UNTIL = 88;
    private static final int REVISION = 96;
    private static final int WAS_LOCKED = 104;
    private static final int HAS_SHORT_SECRET = 108;
    private static final int NOT_BEFORE = 112;
    private static final int NOT_AFTER = 120;
    private static final int RECOVERY_CODES = 128;
    private static final int RECOVERY_CODES_LEFT = 132;

    private final byte[] struct = Struct.create(SIZE);

    DeviceInfo(Memory record) {
        Native.check(Native.engine().deviceInfo(record, struct));
    }

    /**
     * The kind of the device.
     *
     * @return the kind
     */
    public Kind kind() {
        return Kind.fromNumber(Struct.getInt(struct, KIND));
    }

    /**
     * The status.
     *
     * @return the status
     */
    public Status status() {
        return Status.fromLetter((char) Struct.getInt(struct, STATUS));
    }

    /**
     * The hash of its codes.
     *
     * @return the algorithm, or null for a PIN and for recovery codes
     */
    public Algorithm algorithm() {
        return Algorithm.fromNumber(Struct.getInt(struct, ALGORITHM));
    }

    /**
     * The digits of its codes.
     *
     * @return 6 to 10, or 0 for a PIN and for recovery codes
     */
    public int digits() {
        return Struct.getInt(struct, DIGITS);
    }

    /**
     * TOTP: the length of a step.
     *
     * @return seconds, an unsigned number of 32 bits; 0 for other kinds
     */
    public int period() {
        return Struct.getInt(struct, PERIOD);
    }

    /**
     * TOTP: the time from which steps are counted.
     *
     * @return Unix seconds; 0 for other kinds
     */
    public long t0() {
        return Struct.getLong(struct, T0);
    }

    /**
     * Fails since the last right answer or unlocking.
     *
     * @return an unsigned number of 32 bits
     */
    public int fails() {
        return Struct.getInt(struct, FAILS);
    }

    /**
     * TOTP: the learned drift, in steps by which the authenticator's clock is ahead.
     *
     * @return steps, negative if it is behind
     */
    public int drift() {
        return Struct.getInt(struct, DRIFT);
    }

    /**
     * TOTP: the lowest step that may still be accepted. HOTP: the expected counter. SMS, e-mail:
     * the number of the issue.
     *
     * @return an unsigned number; 0 for a PIN and for recovery codes
     */
    public long movingFactor() {
        return Struct.getLong(struct, MOVING_FACTOR);
    }

    /**
     * The time of enrolment.
     *
     * @return Unix seconds
     */
    public long created() {
        return Struct.getLong(struct, CREATED);
    }

    /**
     * The time of the last right answer.
     *
     * @return Unix seconds; empty if never
     */
    public OptionalLong lastUsed() {
        return given(WAS_USED, LAST_USED);
    }

    /**
     * SMS, e-mail, PIN: the time of the pending challenge. It may have expired.
     *
     * @return Unix seconds; empty if no challenge is pending
     */
    public OptionalLong pendingSince() {
        return given(IS_PENDING, PENDING_SINCE);
    }

    /**
     * PIN: the positions asked by the pending challenge, counted from 1.
     *
     * @return a new array; empty if no challenge is pending
     */
    public int[] positions() {
        return Challenge.positions(Struct.getLong(struct, POSITIONS));
    }

    /**
     * The time until which a throttle refuses every attempt.
     *
     * @return Unix seconds; empty if the device is not throttled
     */
    public OptionalLong throttledUntil() {
        return unlessZero(THROTTLED_UNTIL);
    }

    /**
     * The number of changes to the device, on which a {@link Store} compares and swaps.
     *
     * @return an unsigned number
     */
    public long revision() {
        return Struct.getLong(struct, REVISION);
    }

    /**
     * Whether it was locked when it was disabled. Such a device can be enabled only after {@link
     * OtpDevice#unlock}.
     *
     * @return true if so
     */
    public boolean wasLocked() {
        return Struct.getFlag(struct, WAS_LOCKED);
    }

    /**
     * Whether the secret has fewer than 16 bytes: see {@link Secret#fromBytesAllowingShort}.
     *
     * @return true if so; false for a PIN and for recovery codes
     */
    public boolean hasShortSecret() {
        return Struct.getFlag(struct, HAS_SHORT_SECRET);
    }

    /**
     * TOTP, HOTP: the first second of the device's validity.
     *
     * @return Unix seconds; empty without a limit
     */
    public OptionalLong notBefore() {
        return unlessZero(NOT_BEFORE);
    }

    /**
     * TOTP, HOTP: the last second of the device's validity.
     *
     * @return Unix seconds; empty without a limit
     */
    public OptionalLong notAfter() {
        return unlessZero(NOT_AFTER);
    }

    /**
     * Recovery codes: how many there are, those that are used up among them.
     *
     * @return 1 to 64; 0 for other kinds
     */
    public int recoveryCodeCount() {
        return Struct.getInt(struct, RECOVERY_CODES);
    }

    /**
     * Recovery codes: how many are left.
     *
     * @return 0 to 64; 0 for other kinds
     */
    public int recoveryCodesLeft() {
        return Struct.getInt(struct, RECOVERY_CODES_LEFT);
    }

    private OptionalLong unlessZero(int at) {
        long time = Struct.getLong(struct, at);
        return time == 0 ? OptionalLong.empty() : OptionalLong.of(time);
    }

    private OptionalLong given(int flag, int at) {
        return Struct.getFlag(struct, flag) ? OptionalLong.of(Struct.getLong(struct, at)) : OptionalLong.empty();
    }

    @Override
    public String toString() {
        return "DeviceInfo(" + kind() + ", " + status() + ", " + Integer.toUnsignedString(fails()) + " fails)";
    }
}
