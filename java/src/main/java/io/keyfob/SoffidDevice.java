package io.keyfob;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;

/**
 * Devices in rows of Soffid's table {@code SCO_DEVICE}, as Soffid's own add-on writes and reads them: no migration, and no column of its own.
 *
 * <pre>{@code
 * try (SoffidRow row = rowOf(entity); OtpDevice device = SoffidDevice.read(row)) {
 *     return device.verify(policy, typed, now, SoffidDevice.store(row, table)).isRight();
 * }
 * }</pre>
 *
 * <p>TOTP and HOTP rows hold all there is to a device, but for a throttle and a learned drift: give them a policy with a lock and without drift,
 * as {@link SoffidConfig} makes it. They are locked on the tenth fail at the latest: Soffid opens devices without resetting their fails, so that
 * of an open row nine at most count, and a later lock would never fall.
 *
 * <p>For the other kinds the add-on keeps a hash of the pending code in {@code OTP_AUTKEY}. This class keeps the record there instead, as
 * {@code keyfob:} and its Base64, 231 characters: always for SMS and EMAIL, whose secret is nowhere else, and while a challenge is pending for
 * PIN. A code that the add-on has sent is not taken over: the next challenge is the first. If somebody else has changed a column since, the
 * columns are right, and the pending challenge has ended.
 */
public final class SoffidDevice {
    private static final int SIZE = 272;
    private static final int FAILS = 4;
    private static final int STATUS = 8;
    private static final int DIGITS = 12;
    private static final int HAS_LAST_COUNTER = 16;
    private static final int HAS_LAST_USED = 20;
    private static final int HAS_LAST_ISSUED = 24;
    private static final int LAST_COUNTER = 32;
    private static final int CREATED = 40;
    private static final int LAST_USED = 48;
    private static final int LAST_ISSUED = 56;
    private static final int KIND = 64;
    private static final int KIND_SIZE = 8;
    private static final int ALGORITHM = 72;
    private static final int ALGORITHM_SIZE = 16;
    private static final int AUTH_KEY = 88;
    private static final int AUTH_KEY_SIZE = 112;
    private static final int PIN = 200;
    private static final int PIN_SIZE = 72;

    /** The fail that locks a row which keeps no record, whatever the policy says: an open one with more fails would be read with fewer. */
    private static final int LAST_FAIL = 10;

    private static final char[] PREFIX = "keyfob:".toCharArray();

    private SoffidDevice() {}

    /**
     * The table: {@link Store} in terms of rows.
     *
     * @param <X> what storing may throw
     */
    @FunctionalInterface
    public interface Table<X extends Exception> {
        /**
         * Writes {@code next} if the stored row still has the columns of {@code read}, in one step, and durably. There is no column for a
         * revision: status, fails, {@code OTP_LASCOU}, {@code OTP_LASUSE} and {@code OTP_AUTKEY} together are one. A row that was locked when it
         * was read (SELECT FOR UPDATE) has them.
         *
         * @param read the row that was read
         * @param next the row to write, valid during the call only
         * @return false if the stored row has other columns, and nothing was written
         * @throws X if storing failed
         */
        boolean compareAndSwap(SoffidRow read, SoffidRow next) throws X;
    }

    /**
     * A store for an attempt on a device of this row.
     *
     * @param <X> what storing may throw
     * @param read the row that was read
     * @param table where it is stored
     * @return a store to be given to {@link OtpDevice#verify(Policy, char[], long, Store)} and the others
     */
    public static <X extends Exception> Store<X> store(SoffidRow read, Table<X> table) {
        return (record, revision) -> {
            try (OtpDevice device = OtpDevice.fromRecord(record); SoffidRow next = write(device, read)) {
                return table.compareAndSwap(read, next);
            }
        };
    }

    /**
     * The device of a row.
     *
     * @param row the row
     * @return a device to be closed
     * @throws OtpException {@link OtpError#SECRET_BASE32}, {@link OtpError#SECRET_LENGTH} for secrets of less than 16 bytes,
     *         {@link OtpError#ALGORITHM}, {@link OtpError#DIGITS}, {@link OtpError#PIN_LENGTH}, {@link OtpError#PIN_DIGITS},
     *         {@link OtpError#EXHAUSTED}
     */
    public static OtpDevice read(SoffidRow row) {
        byte[] struct = struct(row);
        byte[] record = kept(row);
        byte[] secret = new byte[0];
        try (OtpDevice kept = record == null ? null : OtpDevice.fromRecord(record)) {
            if (kept != null && isOf(kept, row.type(), struct)) {
                return OtpDevice.fromRecord(record);
            }
            if (isMessage(row.type())) {
                // What a PIN has kept are its digits, which whoever knows them would make codes of.
                OtpDevice message = kept != null && isMessage(kept.info().kind()) ? kept : null;
                secret = message == null ? drawn() : message.secret();
                endPending(message, struct);
            }
            byte[] own = secret;
            return OtpDevice.filled(made -> Native.ENGINE.soffidImport(struct, own, made));
        } finally {
            Arrays.fill(struct, (byte) 0);
            Arrays.fill(secret, (byte) 0);
            if (record != null) {
                Arrays.fill(record, (byte) 0);
            }
        }
    }

    /**
     * The row of a device: {@code before} with what an attempt changed. What none has changed stays, even where the engine counts otherwise: of an
     * open row that Soffid unlocked with its fails, nine at most count.
     *
     * @param device the device
     * @param before the row that it was read from
     * @return a row to be closed
     * @throws OtpException {@link OtpError#WRONG_KIND} if the row is of another kind; {@link OtpError#SOFFID_PARAMETERS} if the device has a period
     *         or a T0 that no row can say
     */
    public static SoffidRow write(OtpDevice device, SoffidRow before) {
        byte[] struct = struct(before);
        update(device, struct);
        SoffidRow.Builder row = before.toBuilder().status(status(device.info())).fails(Struct.getInt(struct, FAILS));
        row.lastUsed(time(struct, HAS_LAST_USED, LAST_USED, before.lastUsed()));
        if (before.type() != Kind.PIN) {
            row.lastUsedValue(Struct.getFlag(struct, HAS_LAST_COUNTER) ? Struct.getLong(struct, LAST_COUNTER) : null);
        }
        boolean isPending = Struct.getFlag(struct, HAS_LAST_ISSUED);
        boolean isMessage = before.type() == Kind.SMS || before.type() == Kind.EMAIL;
        if (isMessage && isPending) {
            row.lastIssued(time(struct, HAS_LAST_ISSUED, LAST_ISSUED, before.lastIssued()));
        }
        Arrays.fill(struct, (byte) 0);
        char[] key = before.authKey();
        if (isMessage || before.type() == Kind.PIN) {
            boolean wasKept = isKept(key);
            if (isMessage || isPending || wasKept) {
                SoffidRow.wipe(key);
                key = isMessage || isPending ? keep(device) : null;
            }
        }
        try {
            return row.authKey(key).build();
        } finally {
            SoffidRow.wipe(key);
        }
    }

    private static Status status(DeviceInfo info) {
        boolean isOpen = info.status() == Status.CREATED || info.status() == Status.VALIDATED;
        boolean hasNoRecord = info.kind() == Kind.TOTP || info.kind() == Kind.HOTP;
        return isOpen && hasNoRecord && Integer.compareUnsigned(info.fails(), LAST_FAIL) >= 0 ? Status.LOCKED : info.status();
    }

    /** The column's time, with its fraction of a second, unless the engine has another second. */
    private static Instant time(byte[] struct, int flag, int at, Instant before) {
        if (!Struct.getFlag(struct, flag)) {
            return null;
        }
        long seconds = Struct.getLong(struct, at);
        return before != null && before.getEpochSecond() == seconds ? before : Instant.ofEpochSecond(seconds);
    }

    /** The engine's struct of a row. */
    private static byte[] struct(SoffidRow row) {
        byte[] struct = Struct.ofSize(SIZE);
        Struct.putInt(struct, FAILS, row.fails());
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
        // NULL is what the add-on takes it for, so that a row compares equal with what the engine writes.
        Struct.putInt(struct, DIGITS, row.digits() == null ? 6 : row.digits());
        put((row.algorithm() == null ? "HmacSHA1" : row.algorithm()).toCharArray(), struct, ALGORITHM, ALGORITHM_SIZE);
        if (row.lastUsedValue() != null) {
            Struct.putInt(struct, HAS_LAST_COUNTER, 1);
            Struct.putLong(struct, LAST_COUNTER, row.lastUsedValue());
        }
        if (row.type() == Kind.TOTP || row.type() == Kind.HOTP) {
            put(row.authKey(), struct, AUTH_KEY, AUTH_KEY_SIZE);
        }
        return struct;
    }

    private static void put(char[] text, byte[] struct, int at, int size) {
        if (text != null) {
            Text.put(text, struct, at, size);
            SoffidRow.wipe(text);
        }
    }

    /** Writes into the struct of a row what attempts have changed. */
    private static void update(OtpDevice device, byte[] struct) {
        try {
            Native.check(device.onRecord(record -> Native.ENGINE.soffidUpdate(record, struct)));
        } catch (RuntimeException refused) {
            Arrays.fill(struct, (byte) 0);
            throw refused;
        }
    }

    private static byte[] export(OtpDevice device) {
        byte[] struct = Struct.ofSize(SIZE);
        Native.check(device.onRecord(record -> Native.ENGINE.soffidExport(record, struct)));
        return struct;
    }

    /** Whether the columns are still those of the record that was kept; when a code was issued is not compared. */
    private static boolean isOf(OtpDevice kept, Kind kind, byte[] struct) {
        if (kept.info().kind() != kind) {
            return false;
        }
        byte[] own = export(kept);
        byte[] updated = struct.clone();
        try {
            // More fails than the record has, if the engine takes them for the same: it leaves those alone.
            update(kept, updated);
            Struct.putInt(own, FAILS, Struct.getInt(updated, FAILS));
            Struct.putInt(own, HAS_LAST_ISSUED, 0);
            Struct.putLong(own, LAST_ISSUED, 0);
            return Arrays.equals(own, struct);
        } finally {
            Arrays.fill(own, (byte) 0);
            Arrays.fill(updated, (byte) 0);
        }
    }

    /** Counts the pending issue of a record whose columns were changed as used: its code must not be issued again. */
    private static void endPending(OtpDevice kept, byte[] struct) {
        if (kept != null && kept.info().pendingSince().isPresent()) {
            Struct.putInt(struct, HAS_LAST_COUNTER, 1);
            Struct.putLong(struct, LAST_COUNTER, kept.info().movingFactor());
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

    private static boolean isKept(char[] key) {
        return key != null && key.length > PREFIX.length && Arrays.equals(Arrays.copyOf(key, PREFIX.length), PREFIX);
    }

    /** The record kept in {@code OTP_AUTKEY}; null if there is none. */
    private static byte[] kept(SoffidRow row) {
        char[] key = row.authKey();
        try {
            if (!isKept(key)) {
                return null;
            }
            ByteBuffer base64 = StandardCharsets.ISO_8859_1.encode(CharBuffer.wrap(key, PREFIX.length, key.length - PREFIX.length));
            byte[] encoded = Arrays.copyOf(base64.array(), base64.limit());
            try {
                return Base64.getDecoder().decode(encoded);
            } catch (IllegalArgumentException cause) {
                throw new OtpException(OtpError.RECORD_DAMAGED);
            } finally {
                Arrays.fill(encoded, (byte) 0);
                Arrays.fill(base64.array(), (byte) 0);
            }
        } finally {
            SoffidRow.wipe(key);
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
