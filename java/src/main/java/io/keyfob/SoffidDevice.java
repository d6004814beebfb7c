package io.keyfob;

import java.time.Instant;
import java.util.Arrays;

/**
 * Devices in rows of Soffid's table {@code SCO_DEVICE}, as Soffid's own add-on writes and reads
 * them, without a migration and without an additional column.
 *
 * <pre>{@code
 * try (SoffidRow row = rowOf(entity); OtpDevice device = SoffidDevice.importRow(row, policy)) {
 *     Store store = SoffidDevice.storeFor(row, policy, table);
 *     return device.verify(policy, typed, now, store).isRight();
 * }
 * }</pre>
 *
 * <p>TOTP and HOTP rows hold a whole device, except for a throttle and a learned drift. Use a
 * policy with a lock and without drift, as {@link SoffidConfig} makes it. A row keeps no
 * learned drift, so a resync is useful for HOTP only. A device with a {@linkplain
 * OtpDevice#setValidity validity} cannot be written to a row. Soffid opens devices
 * without resetting their fails. Therefore an open row counts at most one fail less than the
 * policy's lock.
 *
 * <p>For the other kinds the add-on keeps a hash of the pending code in {@code OTP_AUTKEY}. This
 * class keeps the record there instead, as {@code keyfob:} and its Base64, 231 characters. SMS and
 * EMAIL rows, whose secret is nowhere else, have it from the first challenge on. PIN rows have it
 * while a challenge is pending. If another program has changed a column since, the columns take
 * precedence, and the pending challenge has ended.
 *
 * <p>Soffid has no recovery codes, and a row holds none.
 *
 * <p>The add-on may continue to work on the same table:
 *
 * <ul>
 * <li>Both sides can verify TOTP and HOTP devices in turns.
 * <li>A challenge must be answered on the side that it was requested from. The other side cannot
 * judge the code, and counts it as a fail. A new challenge of either side ends the one before.
 * <li>{@code OTP_LASISS} is NULL while a code of this class is pending, so that the add-on sends
 * its next message at once. It sends none for a minute after the time in that column.
 * <li>The add-on writes 0 fails with each message. On its side it alone limits the guesses of a
 * code of SMS or EMAIL.
 * <li>{@code OTP_PIN} is encoded by Soffid's {@code Password}, and this class needs digits. The
 * host decodes the column for {@link SoffidRow.Builder#pin}, and encodes it for writing.
 * </ul>
 */
public final class SoffidDevice {
    private SoffidDevice() {}

    /** The table: a {@link Store} of rows, with the same rules for exceptions. */
    @FunctionalInterface
    public interface Table {
        /**
         * Writes {@code next} if the stored row still has the columns of {@code read}, in one step,
         * and durably. The table has no column for a revision. Status, fails, {@code OTP_LASCOU},
         * {@code OTP_AUTKEY}, {@code OTP_PIN}, {@code OTP_DIGITS} and {@code OTP_ALGORI} together
         * serve as one. A row that was locked for reading (SELECT FOR UPDATE) needs no comparison.
         *
         * <p>Do not compare times. A driver reads a local time that the beginning of summer skips
         * as another one, and then no attempt on that row would ever be stored. For the same reason
         * write only times that differ.
         *
         * <p>This is called only if a column changes, so an UPDATE that changes no row has lost. A
         * driver that counts found rows would report such an UPDATE as stored, to each of two
         * threads.
         *
         * @param read the row that was read
         * @param next the row to write, which belongs to the table: it keeps it or closes it
         * @return false if the stored row has other columns or {@code next} has the same, and
         *         nothing was written
         * @throws Exception if storing failed
         */
        boolean compareAndSwap(SoffidRow read, SoffidRow next) throws Exception;
    }

    /**
     * A store for attempts on the device of a row. It does not call the table if an attempt changes
     * no column. An example is a repetition of the code that was accepted last, which is refused
     * and is no fail.
     *
     * @param read the row that was read
     * @param policy the policy of {@link #importRow}
     * @param table the table of the row
     * @return a store for {@link OtpDevice#verify(Policy, char[], long, Store)} and the other
     *         attempts
     */
    public static Store storeFor(SoffidRow read, Policy policy, Table table) {
        return (record, revision) -> {
            try (OtpDevice device = OtpDevice.fromRecord(record)) {
                SoffidRow next = updateRow(device, read, policy);
                if (next.equals(read)) {
                    // Nothing to store, and a driver may count an UPDATE without a change as no
                    // row.
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
     * Reads the device of a row.
     *
     * <p>If the record that a PIN, SMS or EMAIL row keeps in {@code OTP_AUTKEY} is refused, set
     * that column to NULL. That ends the pending challenge and repairs the row. SMS and EMAIL get
     * another secret.
     *
     * @param row the row
     * @param policy the policy of the attempts; its lock limits the fails that count
     * @return a device to be closed
     * @throws OtpException {@link OtpError#SECRET_BASE32}, {@link OtpError#SECRET_LENGTH} for
     *         secrets of less than 16 bytes, {@link OtpError#ALGORITHM}, {@link OtpError#DIGITS},
     *         {@link OtpError#PIN_LENGTH}, {@link OtpError#PIN_DIGITS}; for a record in the row
     *         {@link OtpError#RECORD_DAMAGED}, {@link OtpError#RECORD_FOREIGN}, {@link
     *         OtpError#RECORD_LENGTH}, {@link OtpError#RECORD_NEWER}; {@link OtpError#RANDOMNESS}
     *         if the system has none for a new secret; {@link OtpError#WRONG_KIND} for recovery
     *         codes
     */
    public static OtpDevice importRow(SoffidRow row, Policy policy) {
        byte[] secret = new byte[0];
        try (SoffidStruct columns = SoffidStruct.fromRow(row, policy); OtpDevice kept = SoffidRecord.read(row)) {
            if (kept != null) {
                SoffidRecord.putHours(kept, columns);
                if (SoffidRecord.isCurrent(kept, row, columns)) {
                    return new OtpDevice(kept.record().duplicate());
                }
            }
            if (isMessage(row.type())) {
                // Not a PIN's record: its secret is its digits, and codes made of them could be
                // computed by anyone who knows the PIN.
                if (kept != null && isMessage(kept.info().kind())) {
                    secret = kept.secret();
                    SoffidRecord.keepIssues(kept, columns);
                } else {
                    secret = drawSecret();
                }
            }
            return new OtpDevice(columns.toRecord(secret));
        } finally {
            Arrays.fill(secret, (byte) 0);
        }
    }

    /**
     * The row of a device after an attempt or a {@linkplain OtpDevice#replaceFactor replaced
     * factor}: {@code before} with the changed columns. Unchanged columns stay as they are, even
     * where the engine counts differently: of an open row that Soffid unlocked with its fails, not
     * all count. An {@linkplain OtpDevice#unlock unlock} by a clock that is behind {@code
     * OTP_CREATED} or {@code OTP_LASUSE} lowers both to its time.
     *
     * @param device the device
     * @param before the row that it was read from
     * @param policy the policy of {@link #importRow}
     * @return a row to be closed
     * @throws OtpException {@link OtpError#WRONG_KIND} if the row is of another kind; {@link
     *         OtpError#SOFFID_PARAMETERS} if the device has a period, a T0, a counter or a validity
     *         that no row can express
     */
    public static SoffidRow updateRow(OtpDevice device, SoffidRow before, Policy policy) {
        try (SoffidStruct was = SoffidStruct.fromRow(before, policy); SoffidStruct columns = was.copy()) {
            columns.update(device.record());
            SoffidRow.Builder row = before.toBuilder().status(columns.status()).fails(columns.fails())
                    .created(SoffidStruct.toColumn(columns.created(), before.created()))
                    .lastUsed(SoffidStruct.toColumn(columns.lastUsed(), before.lastUsed()));
            if (before.type() != Kind.PIN) {
                row.lastUsedValue(columns.lastCounter());
            }
            boolean isPending = device.info().pendingSince().isPresent();
            if (isMessage(before.type()) && isPending) {
                row.lastIssued(null);
            }
            boolean hasRecord = SoffidRecord.isIn(before);
            if (before.type() == Kind.PIN && !isPending && hasRecord) {
                row.authKey(null);
            }
            boolean isNewFactor = !columns.hasFactorOf(was);
            // OTP_AUTKEY may be the add-on's hash of a code that it has sent. The hash stays until
            // a challenge replaces it.
            boolean hasIssued = !columns.hasLastCounterOf(was);
            boolean needsRecord = isPending || isMessage(before.type()) && (hasIssued || isNewFactor || hasRecord);
            return build(row, device, columns, isNewFactor, needsRecord);
        }
    }

    /**
     * The row of a newly enrolled device; {@link SoffidRow#toBuilder} adds the address.
     *
     * @param device the device
     * @return a row to be closed
     * @throws OtpException {@link OtpError#SOFFID_PARAMETERS} if the device has a period, a T0, a
     *         counter or a validity that no row can express; {@link OtpError#WRONG_KIND} for
     *         recovery codes
     */
    public static SoffidRow exportRow(OtpDevice device) {
        try (SoffidStruct columns = SoffidStruct.create()) {
            columns.export(device.record());
            DeviceInfo info = device.info();
            SoffidRow.Builder row = SoffidRow.builder().type(info.kind()).status(columns.status()).fails(columns.fails())
                    .created(Instant.ofEpochSecond(columns.created())).lastUsedValue(columns.lastCounter())
                    .lastUsed(SoffidStruct.toColumn(columns.lastUsed(), null));
            return build(row, device, columns, true, isMessage(info.kind()) || info.pendingSince().isPresent());
        }
    }

    /**
     * Builds the row of a device, with the columns of a new factor and with the record that it
     * needs.
     */
    private static SoffidRow build(SoffidRow.Builder row, OtpDevice device, SoffidStruct columns, boolean isNewFactor, boolean needsRecord) {
        Kind kind = device.info().kind();
        char[] key = null;
        char[] pin = null;
        try {
            if (isNewFactor && kind == Kind.PIN) {
                pin = columns.takePin();
                row.pin(pin);
            } else if (isNewFactor) {
                row.digits(columns.digits()).algorithm(columns.takeAlgorithm());
            }
            if (kind == Kind.TOTP || kind == Kind.HOTP) {
                if (isNewFactor) {
                    key = columns.takeAuthKey();
                    row.authKey(key);
                }
            } else if (needsRecord) {
                key = SoffidRecord.write(device);
                row.authKey(key);
            }
            return row.build();
        } finally {
            Text.wipe(key);
            Text.wipe(pin);
        }
    }

    private static boolean isMessage(Kind kind) {
        return kind == Kind.SMS || kind == Kind.EMAIL;
    }

    private static byte[] drawSecret() {
        try (Secret secret = Secret.random(Algorithm.SHA1)) {
            return secret.toBytes();
        }
    }
}
