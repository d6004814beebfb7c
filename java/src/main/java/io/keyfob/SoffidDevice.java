package io.keyfob;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Objects;

/**
 * Devices in rows of Soffid's table {@code SCO_DEVICE}, as Soffid's own add-on writes and reads
 * them: no migration, and no column of its own.
 *
 * <pre>{@code
 * try (SoffidRow row = rowOf(entity); OtpDevice device = SoffidDevice.read(row, policy)) {
 *     return device.verify(policy, typed, now, SoffidDevice.store(row, policy, table)).isRight();
 * }
 * }</pre>
 *
 * <p>TOTP and HOTP rows hold all there is to a device, but for a throttle and a learned drift: give them a policy with a lock and without drift,
 * as {@link SoffidConfig} makes it. Soffid opens devices without resetting their fails, so of an open row no more count than leave one before
 * the policy's lock.
 *
 * <p>For the other kinds the add-on keeps a hash of the pending code in {@code OTP_AUTKEY}. This class keeps the record there instead, as
 * {@code keyfob:} and its Base64, 231 characters: for SMS and EMAIL, whose secret is nowhere else, from the first challenge on, and for PIN while
 * a challenge is pending. If somebody else has changed a column since, the columns are right, and the pending challenge has ended.
 *
 * <p>The add-on may go on working on the same table. TOTP and HOTP devices can be verified by both in turns. A challenge is to be answered where
 * it was requested: the one side cannot judge a code that the other has sent, and counts it as a fail. The last challenge ends the one before,
 * of either side. So that the add-on sends its next message at once, {@code OTP_LASISS} is NULL while a code of this class is pending: the add-on
 * sends none for a minute after the time there. It also writes 0 fails with each message, so that it, not this class, bounds how often a code
 * of SMS or EMAIL can be guessed there. {@code OTP_PIN} holds what Soffid's {@code Password} encodes, which refuses digits: the host decodes the
 * column for {@link SoffidRow.Builder#pin}, and encodes what it writes.
 */
public final class SoffidDevice {
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

    private static final char[] PREFIX = "keyfob:".toCharArray();

    private SoffidDevice() {}

    /**
     * The table: {@link Store} in terms of rows, also in what becomes of exceptions.
     */
    @FunctionalInterface
    public interface Table {
        /**
         * Writes {@code next} if the stored row still has the columns of {@code read}, in one step,
         * and durably. There is no column for a revision: status, fails, {@code OTP_LASCOU}, {@code
         * OTP_AUTKEY}, {@code OTP_PIN}, {@code OTP_DIGITS} and {@code OTP_ALGORI} together are one.
         * A row that was locked when it was read (SELECT FOR UPDATE) has them.
         *
         * <p>Compare no time: a driver reads a local time that the end of winter leaves out as
         * another one, and then no attempt on that row is ever stored. Write times only where they
         * differ, for the same reason. This is called only where a column changes, so an UPDATE
         * without a change is lost as well: a driver that counts the rows that it finds would
         * report it as stored, to each of two threads.
         *
         * @param read the row that was read
         * @param next the row to write, which belongs to the table: it may keep it, or close it
         * @return false if the stored row has other columns or {@code next} has the same, and
         *         nothing was written
         * @throws Exception if storing failed
         */
        boolean compareAndSwap(SoffidRow read, SoffidRow next) throws Exception;
    }

    /**
     * A store for an attempt on a device of this row. It does not call the table where the attempt
     * changes no column, as where the code that was accepted last is repeated: that is refused, and
     * no fail.
     *
     * @param read the row that was read
     * @param policy the one that it was read with
     * @param table where it is stored
     * @return a store to be given to {@link OtpDevice#verify(Policy, char[], long, Store)} and the
     *         others
     */
    public static Store store(SoffidRow read, Policy policy, Table table) {
        return (record, revision) -> {
            try (OtpDevice device = OtpDevice.fromRecord(record)) {
                SoffidRow next = write(device, read, policy);
                if (next.equals(read)) {
                    // As with a repeated code, which is refused and is no fail: nothing to store,
                    // and a driver may count such an UPDATE as no row.
                    next.close();
                    return true;
                }
                return table.compareAndSwap(read, next);
            } finally {
                Arrays.fill(record, (byte) 0);
            }
        };
    }

    /**
     * The device of a row.
     *
     * <p>If the record that a PIN, SMS or EMAIL row keeps in {@code OTP_AUTKEY} is refused, setting
     * that column to NULL ends the pending challenge and heals the row; SMS and EMAIL get another
     * secret.
     *
     * @param row the row
     * @param policy the one that attempts are judged by, whose lock says how many fails count
     * @return a device to be closed
     * @throws OtpException {@link OtpError#SECRET_BASE32}, {@link OtpError#SECRET_LENGTH} for
     *         secrets of less than 16 bytes, {@link OtpError#ALGORITHM}, {@link OtpError#DIGITS},
     *         {@link OtpError#PIN_LENGTH}, {@link OtpError#PIN_DIGITS}; of a record that is kept,
     *         {@link OtpError#RECORD_DAMAGED}, {@link OtpError#RECORD_FOREIGN}, {@link
     *         OtpError#RECORD_LENGTH}, {@link OtpError#RECORD_NEWER}; {@link OtpError#RANDOMNESS}
     *         if the system has none for a secret to be drawn
     */
    public static OtpDevice read(SoffidRow row, Policy policy) {
        byte[] struct = struct(row, policy);
        byte[] secret = new byte[0];
        try (OtpDevice kept = kept(row)) {
            if (kept != null) {
                putHours(kept, struct);
                if (isOf(kept, row, struct)) {
                    return kept.duplicate();
                }
            }
            if (isMessage(row.type())) {
                // What a PIN has kept are its digits, which whoever knows them would make codes of.
                if (kept != null && isMessage(kept.info().kind())) {
                    secret = kept.secret();
                    keepIssues(kept, struct);
                } else {
                    secret = drawn();
                }
            }
            byte[] own = secret;
            return OtpDevice.filled(made -> Native.engine().soffidImport(struct, own, made));
        } finally {
            Arrays.fill(struct, (byte) 0);
            Arrays.fill(secret, (byte) 0);
        }
    }

    /**
     * The row of a device: {@code before} with what an attempt changed, or a {@linkplain
     * OtpDevice#replaceFactor replaced factor}. What none has changed stays, even where the engine
     * counts otherwise: of an open row that Soffid unlocked with its fails, not all count. An
     * {@linkplain OtpDevice#unlock unlock} by a clock that is behind {@code OTP_CREATED} or {@code
     * OTP_LASUSE} takes both down to it.
     *
     * @param device the device
     * @param before the row that it was read from
     * @param policy the one that it was read with
     * @return a row to be closed
     * @throws OtpException {@link OtpError#WRONG_KIND} if the row is of another kind; {@link
     *         OtpError#SOFFID_PARAMETERS} if the device has a period or a T0 that no row can say
     */
    public static SoffidRow write(OtpDevice device, SoffidRow before, Policy policy) {
        byte[] was = struct(before, policy);
        byte[] struct = was.clone();
        try {
            Native.check(device.onRecord(record -> Native.engine().soffidUpdate(record, struct)));
            SoffidRow.Builder row = before.toBuilder().status(status(struct)).fails(Struct.getInt(struct, FAILS));
            row.created(time(struct, CREATED, before.created())).lastUsed(time(struct, HAS_LAST_USED, LAST_USED, before.lastUsed()));
            if (before.type() != Kind.PIN) {
                row.lastUsedValue(lastUsedValue(struct));
            }
            boolean isPending = device.info().pendingSince().isPresent();
            if (isMessage(before.type()) && isPending) {
                row.lastIssued(null);
            }
            if (before.type() == Kind.PIN && !isPending && isKept(before)) {
                row.authKey(null);
            }
            boolean hasFactor = !isSame(was, struct, DIGITS, Integer.BYTES) || !isSame(was, struct, ALGORITHM, SIZE - ALGORITHM);
            // What the add-on has in OTP_AUTKEY may be the hash of a code that it has sent: that
            // stays until a challenge takes its place.
            boolean hasIssued = !Objects.equals(lastUsedValue(was), lastUsedValue(struct));
            boolean isToKeep = isPending || isMessage(before.type()) && (hasIssued || hasFactor || isKept(before));
            return build(row, device, struct, hasFactor, isToKeep);
        } finally {
            Arrays.fill(was, (byte) 0);
            Arrays.fill(struct, (byte) 0);
        }
    }

    /**
     * The row of a device that was enrolled here and has none yet; {@link SoffidRow#toBuilder} adds
     * the address.
     *
     * @param device the device
     * @return a row to be closed
     * @throws OtpException {@link OtpError#SOFFID_PARAMETERS} if the device has a period or a T0
     *         that no row can say
     */
    public static SoffidRow create(OtpDevice device) {
        byte[] struct = Struct.ofSize(SIZE);
        try {
            Native.check(device.onRecord(record -> Native.engine().soffidExport(record, struct)));
            SoffidRow.Builder row = SoffidRow.builder().type(device.info().kind()).status(status(struct)).fails(Struct.getInt(struct, FAILS))
                    .created(Instant.ofEpochSecond(Struct.getLong(struct, CREATED))).lastUsedValue(lastUsedValue(struct))
                    .lastUsed(time(struct, HAS_LAST_USED, LAST_USED, null));
            return build(row, device, struct, true, isMessage(device.info().kind()) || device.info().pendingSince().isPresent());
        } finally {
            Arrays.fill(struct, (byte) 0);
        }
    }

    /** The row of a device, with what the struct says of its factor if it is to be said, and with the record if it is to be kept. */
    private static SoffidRow build(SoffidRow.Builder row, OtpDevice device, byte[] struct, boolean hasFactor, boolean isToKeep) {
        Kind kind = device.info().kind();
        char[] key = null;
        char[] pin = null;
        try {
            if (hasFactor && kind == Kind.PIN) {
                pin = Text.take(struct, PIN, PIN_SIZE);
                row.pin(pin);
            } else if (hasFactor) {
                row.digits(Struct.getInt(struct, DIGITS)).algorithm(new String(Text.take(struct, ALGORITHM, ALGORITHM_SIZE)));
            }
            if (kind == Kind.TOTP || kind == Kind.HOTP) {
                if (hasFactor) {
                    key = Text.take(struct, AUTH_KEY, AUTH_KEY_SIZE);
                    row.authKey(key);
                }
            } else if (isToKeep) {
                key = keep(device);
                row.authKey(key);
            }
            return row.build();
        } finally {
            SoffidRow.wipe(key);
            SoffidRow.wipe(pin);
        }
    }

    private static boolean isSame(byte[] one, byte[] other, int at, int size) {
        return ByteBuffer.wrap(one, at, size).equals(ByteBuffer.wrap(other, at, size));
    }

    private static Status status(byte[] struct) {
        return Status.of((char) Struct.getInt(struct, STATUS));
    }

    private static Long lastUsedValue(byte[] struct) {
        return Struct.getFlag(struct, HAS_LAST_COUNTER) ? Struct.getLong(struct, LAST_COUNTER) : null;
    }

    /** The column's time, with its fraction of a second, unless the engine has another second. */
    private static Instant time(byte[] struct, int flag, int at, Instant before) {
        return Struct.getFlag(struct, flag) ? time(struct, at, before) : null;
    }

    private static Instant time(byte[] struct, int at, Instant before) {
        long seconds = Struct.getLong(struct, at);
        return before != null && before.getEpochSecond() == seconds ? before : Instant.ofEpochSecond(seconds);
    }

    /** The engine's struct of a row. */
    private static byte[] struct(SoffidRow row, Policy policy) {
        byte[] struct = Struct.ofSize(SIZE);
        Struct.putInt(struct, FAILS, row.fails());
        // A throttle never closes for good: all fails count.
        Struct.putInt(struct, MAX_FAILS, policy.isThrottle() ? NEVER : policy.maxFails());
        Struct.putInt(struct, STATUS, row.status().letter());
        Struct.putLong(struct, CREATED, row.created().getEpochSecond());
        Text.put(row.type().name().toCharArray(), struct, KIND, KIND_SIZE);
        if (row.lastUsed() != null) {
            Struct.putInt(struct, HAS_LAST_USED, 1);
            Struct.putLong(struct, LAST_USED, row.lastUsed().getEpochSecond());
        }
        if (row.type() == Kind.PIN) {
            put(row.pin(), struct, PIN, PIN_SIZE);
            return struct;
        }
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
                SoffidRow.wipe(key);
            }
        }
        return struct;
    }

    private static void put(char[] text, byte[] struct, int at, int size) {
        if (text != null) {
            Text.put(text, struct, at, size);
            SoffidRow.wipe(text);
        }
    }

    /**
     * Puts the record's times in place of those that stand exactly an hour beside them: in the hour
     * that summer repeats a local time is one of two, and the record knows which.
     */
    private static void putHours(OtpDevice kept, byte[] struct) {
        DeviceInfo info = kept.info();
        if (Math.abs(Struct.getLong(struct, CREATED) - info.created()) == SoffidConfig.HOUR) {
            Struct.putLong(struct, CREATED, info.created());
        }
        if (Struct.getFlag(struct, HAS_LAST_USED) && info.lastUsed().isPresent()
                && Math.abs(Struct.getLong(struct, LAST_USED) - info.lastUsed().getAsLong()) == SoffidConfig.HOUR) {
            Struct.putLong(struct, LAST_USED, info.lastUsed().getAsLong());
        }
    }

    /** Whether the columns are still those of the record that was kept; when a code was issued is not compared. */
    private static boolean isOf(OtpDevice kept, SoffidRow row, byte[] struct) {
        DeviceInfo info = kept.info();
        boolean isOpen = info.status() == Status.CREATED || info.status() == Status.VALIDATED;
        // Under a lock that was made lower, the columns leave one more fail, and the record none.
        boolean isDue = isOpen && Integer.compareUnsigned(info.fails(), Struct.getInt(struct, MAX_FAILS)) >= 0;
        if (info.kind() != row.type() || info.created() != Math.max(Struct.getLong(struct, CREATED), 0) || isDue) {
            return false;
        }
        byte[] updated = struct.clone();
        try {
            Native.check(kept.onRecord(record -> Native.engine().soffidUpdate(record, updated)));
            return Arrays.equals(updated, struct);
        } finally {
            Arrays.fill(updated, (byte) 0);
        }
    }

    /** Counts each issue of a record, the pending one too, as used, whatever the column says: its secret must not make these codes again. */
    private static void keepIssues(OtpDevice kept, byte[] struct) {
        DeviceInfo info = kept.info();
        boolean isPending = info.pendingSince().isPresent();
        if (!isPending && info.movingFactor() == 0) {
            return;
        }
        long last = isPending ? info.movingFactor() : info.movingFactor() - 1;
        if (last < 0) {
            // As a column it would be a negative number, which stands for none.
            throw new OtpException(OtpError.EXHAUSTED);
        }
        if (!Struct.getFlag(struct, HAS_LAST_COUNTER) || Struct.getLong(struct, LAST_COUNTER) < last) {
            Struct.putInt(struct, HAS_LAST_COUNTER, 1);
            Struct.putLong(struct, LAST_COUNTER, last);
        }
    }

    private static boolean isMessage(Kind kind) {
        return kind == Kind.SMS || kind == Kind.EMAIL;
    }

    private static byte[] drawn() {
        try (Secret secret = Secret.random(Algorithm.SHA1)) {
            return secret.bytes();
        }
    }

    private static boolean isKept(SoffidRow row) {
        char[] key = row.authKey();
        boolean isKept = isKept(key);
        SoffidRow.wipe(key);
        return isKept;
    }

    private static boolean isKept(char[] key) {
        if (key == null || key.length <= PREFIX.length) {
            return false;
        }
        // In place: the key may be a secret, and a copy of its start would be one to wipe.
        for (int at = 0; at < PREFIX.length; at++) {
            if (key[at] != PREFIX[at]) {
                return false;
            }
        }
        return true;
    }

    /** The device whose record is kept in {@code OTP_AUTKEY}; null if there is none. */
    private static OtpDevice kept(SoffidRow row) {
        char[] key = row.authKey();
        if (!isKept(key)) {
            SoffidRow.wipe(key);
            return null;
        }
        char[] base64 = Arrays.copyOfRange(key, PREFIX.length, key.length);
        byte[] encoded = Text.ascii(base64);
        byte[] record = new byte[0];
        try {
            record = Base64.getDecoder().decode(encoded);
            return OtpDevice.fromRecord(record);
        } catch (IllegalArgumentException cause) {
            throw new OtpException(OtpError.RECORD_DAMAGED);
        } finally {
            SoffidRow.wipe(key);
            SoffidRow.wipe(base64);
            Arrays.fill(encoded, (byte) 0);
            Arrays.fill(record, (byte) 0);
        }
    }

    private static char[] keep(OtpDevice device) {
        byte[] record = device.toRecord();
        byte[] base64 = Base64.getEncoder().encode(record);
        char[] key = Arrays.copyOf(PREFIX, PREFIX.length + base64.length);
        for (int at = 0; at < base64.length; at++) {
            key[PREFIX.length + at] = (char) base64[at];
        }
        Arrays.fill(record, (byte) 0);
        Arrays.fill(base64, (byte) 0);
        return key;
    }
}
