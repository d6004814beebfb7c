package io.keyfob;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;

/**
 * The columns of a row as the engine's {@code keyfob_soffid_row}. Holds secrets until {@link
 * #close}.
 */
final class SoffidStruct implements AutoCloseable {
    private static final int SIZE = 272;
    private static final int FAILS = 4;
    private static final int STATUS = 8;
    private static final int DIGITS = 12;
    private static final int HAS_LAST_COUNTER = 16;
    private static final int HAS_LAST_USED = 20;
    private static final int MAX_FAILS = 28;
    private static final int LAST_COUNTER = 32;
    private static final int CREATED = 40;
    private static final int LAST_USED = 48;
    private static final int KIND = 64;
    private static final int KIND_SIZE = 8;
    private static final int ALGORITHM = 72;
    private static final int ALGORITHM_SIZE = 16;
    private static final int AUTH_KEY = 88;
    private static final int AUTH_KEY_SIZE = 112;
    private static final int PIN = 200;
    private static final int PIN_SIZE = 72;

    /** As an unsigned number, more fails than a device counts. */
    private static final int NEVER = -1;

    private final byte[] struct;

    private SoffidStruct(byte[] struct) {
        this.struct = struct;
    }

    /** A struct for the engine to fill. */
    static SoffidStruct create() {
        return new SoffidStruct(Struct.create(SIZE));
    }

    /** The columns of a row, with the lock of a policy. */
    static SoffidStruct fromRow(SoffidRow row, Policy policy) {
        byte[] struct = Struct.create(SIZE);
        Struct.putInt(struct, FAILS, row.fails());
        // Without a lock all fails count.
        Struct.putInt(struct, MAX_FAILS, policy.lockingFail().orElse(NEVER));
        Struct.putInt(struct, STATUS, row.status().letter());
        Struct.putLong(struct, CREATED, row.created().getEpochSecond());
        // Without a NUL, so that RECOVERY fits, which the engine refuses by name.
        Text.put(row.type().name().toCharArray(), struct, KIND, KIND_SIZE + 1);
        if (row.lastUsed() != null) {
            Struct.putInt(struct, HAS_LAST_USED, 1);
            Struct.putLong(struct, LAST_USED, row.lastUsed().getEpochSecond());
        }
        if (row.type() == Kind.PIN) {
            put(row.pin(), struct, PIN, PIN_SIZE);
        } else {
            putCodes(row, struct);
        }
        return new SoffidStruct(struct);
    }

    /** The columns of devices with codes. */
    private static void putCodes(SoffidRow row, byte[] struct) {
        Struct.putInt(struct, DIGITS, row.digits() == null ? 0 : row.digits());
        put(row.algorithm() == null ? null : row.algorithm().toCharArray(), struct, ALGORITHM, ALGORITHM_SIZE);
        if (row.lastUsedValue() != null) {
            Struct.putInt(struct, HAS_LAST_COUNTER, 1);
            Struct.putLong(struct, LAST_COUNTER, row.lastUsedValue());
        }
        if (row.type() == Kind.TOTP || row.type() == Kind.HOTP) {
            char[] key = row.authKey();
            if (key != null) {
                Text.putBase32(key, struct, AUTH_KEY, AUTH_KEY_SIZE);
                Text.wipe(key);
            }
        }
    }

    private static void put(char[] text, byte[] struct, int at, int size) {
        if (text != null) {
            Text.put(text, struct, at, size);
            Text.wipe(text);
        }
    }

    SoffidStruct copy() {
        return new SoffidStruct(struct.clone());
    }

    /** Fills the struct from a device. */
    void export(DeviceRecord record) {
        record.call(memory -> Native.engine().soffidExport(memory, struct));
    }

    /** Brings the struct up to date with a device. */
    void update(DeviceRecord record) {
        record.call(memory -> Native.engine().soffidUpdate(memory, struct));
    }

    /** Makes the device of these columns, with {@code secret} for messages. */
    DeviceRecord toRecord(byte[] secret) {
        return DeviceRecord.create(memory -> Native.engine().soffidImport(struct, secret, memory));
    }

    boolean isLike(SoffidStruct other) {
        return Arrays.equals(struct, other.struct);
    }

    /** Whether another struct has the same digits, algorithm, secret and PIN. */
    boolean hasFactorOf(SoffidStruct other) {
        return isSame(other, DIGITS, Integer.BYTES) && isSame(other, ALGORITHM, SIZE - ALGORITHM);
    }

    private boolean isSame(SoffidStruct other, int at, int size) {
        return ByteBuffer.wrap(struct, at, size).equals(ByteBuffer.wrap(other.struct, at, size));
    }

    int fails() {
        return Struct.getInt(struct, FAILS);
    }

    /** The fail on which the lock falls, as an unsigned number. */
    int maxFails() {
        return Struct.getInt(struct, MAX_FAILS);
    }

    Status status() {
        return Status.fromLetter((char) Struct.getInt(struct, STATUS));
    }

    int digits() {
        return Struct.getInt(struct, DIGITS);
    }

    /** Null if there is none. */
    Long lastCounter() {
        return Struct.getFlag(struct, HAS_LAST_COUNTER) ? Struct.getLong(struct, LAST_COUNTER) : null;
    }

    /** Raises the last counter, unless it is as high. */
    void raiseLastCounter(long counter) {
        if (!Struct.getFlag(struct, HAS_LAST_COUNTER) || Struct.getLong(struct, LAST_COUNTER) < counter) {
            Struct.putInt(struct, HAS_LAST_COUNTER, 1);
            Struct.putLong(struct, LAST_COUNTER, counter);
        }
    }

    boolean hasLastCounterOf(SoffidStruct other) {
        return Objects.equals(lastCounter(), other.lastCounter());
    }

    /** Unix seconds. */
    long created() {
        return Struct.getLong(struct, CREATED);
    }

    void setCreated(long time) {
        Struct.putLong(struct, CREATED, time);
    }

    /** Unix seconds; null if it was never used. */
    Long lastUsed() {
        return Struct.getFlag(struct, HAS_LAST_USED) ? Struct.getLong(struct, LAST_USED) : null;
    }

    void setLastUsed(long time) {
        Struct.putLong(struct, LAST_USED, time);
    }

    /** A time as a column: with the fraction of the column before, if that is the same second. */
    static Instant toColumn(Long time, Instant before) {
        if (time == null) {
            return null;
        }
        return before != null && before.getEpochSecond() == time ? before : Instant.ofEpochSecond(time);
    }

    /** Takes the algorithm's name out of the struct. */
    String takeAlgorithm() {
        return new String(Text.take(struct, ALGORITHM, ALGORITHM_SIZE));
    }

    /** Takes the secret in Base32 out of the struct. */
    char[] takeAuthKey() {
        return Text.take(struct, AUTH_KEY, AUTH_KEY_SIZE);
    }

    /** Takes the PIN out of the struct. */
    char[] takePin() {
        return Text.take(struct, PIN, PIN_SIZE);
    }

    /** Overwrites the struct. */
    @Override
    public void close() {
        Arrays.fill(struct, (byte) 0);
    }
}
