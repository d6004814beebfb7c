package io.keyfob;

import java.util.Arrays;
import java.util.Base64;

/**
 * The record of a device that a row keeps in {@code OTP_AUTKEY}: {@code keyfob:} and Base64. A
 * host may change the row's other columns. They take precedence over the record.
 */
final class SoffidRecord {
    private static final char[] PREFIX = "keyfob:".toCharArray();

    private SoffidRecord() {}

    /** Whether a row keeps a record. */
    static boolean isIn(SoffidRow row) {
        char[] key = row.authKey();
        boolean isRecord = isRecord(key);
        Text.wipe(key);
        return isRecord;
    }

    private static boolean isRecord(char[] key) {
        if (key == null || key.length <= PREFIX.length) {
            return false;
        }
        // In place: the key may be a secret, and a copy of its beginning would have to be wiped.
        for (int at = 0; at < PREFIX.length; at++) {
            if (key[at] != PREFIX[at]) {
                return false;
            }
        }
        return true;
    }

    /** The device of the record that a row keeps; null without one. */
    static OtpDevice read(SoffidRow row) {
        char[] key = row.authKey();
        if (!isRecord(key)) {
            Text.wipe(key);
            return null;
        }
        char[] base64 = Arrays.copyOfRange(key, PREFIX.length, key.length);
        byte[] encoded = Text.ascii(base64);
        byte[] record = new byte[0];
        try {
            record = Base64.getDecoder().decode(encoded);
            return OtpDevice.fromRecord(record);
        } catch (IllegalArgumentException cause) {
            throw Native.exception(OtpError.RECORD_DAMAGED);
        } finally {
            Text.wipe(key);
            Text.wipe(base64);
            Arrays.fill(encoded, (byte) 0);
            Arrays.fill(record, (byte) 0);
        }
    }

    /** The column {@code OTP_AUTKEY} with a device's record, for the caller to overwrite. */
    static char[] write(OtpDevice device) {
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

    /**
     * Takes the record's times where the columns' differ by exactly an hour. At the end of summer
     * one hour of local time comes twice, and the record knows which of the two it was.
     */
    static void putHours(OtpDevice kept, SoffidStruct columns) {
        DeviceInfo info = kept.info();
        if (Math.abs(columns.created() - info.created()) == SoffidConfig.HOUR_SECONDS) {
            columns.setCreated(info.created());
        }
        Long lastUsed = columns.lastUsed();
        if (lastUsed != null && info.lastUsed().isPresent()
                && Math.abs(lastUsed - info.lastUsed().getAsLong()) == SoffidConfig.HOUR_SECONDS) {
            columns.setLastUsed(info.lastUsed().getAsLong());
        }
    }

    /** Whether the columns still agree with the record. Does not compare the time of issue. */
    static boolean isCurrent(OtpDevice kept, SoffidRow row, SoffidStruct columns) {
        DeviceInfo info = kept.info();
        boolean isOpen = info.status() == Status.CREATED || info.status() == Status.VALIDATED;
        // After the lock was lowered, the columns leave one more fail, and the record none.
        boolean isDue = isOpen && Integer.compareUnsigned(info.fails(), columns.maxFails()) >= 0;
        if (info.kind() != row.type() || info.created() != Math.max(columns.created(), 0) || isDue) {
            return false;
        }
        try (SoffidStruct updated = columns.copy()) {
            updated.update(kept.record());
            return updated.isLike(columns);
        }
    }

    /**
     * Counts each issue of a record as used, the pending one included, whatever the column says.
     * Its secret must not make these codes again.
     */
    static void keepIssues(OtpDevice kept, SoffidStruct columns) {
        DeviceInfo info = kept.info();
        boolean isPending = info.pendingSince().isPresent();
        if (!isPending && info.movingFactor() == 0) {
            return;
        }
        long last = isPending ? info.movingFactor() : info.movingFactor() - 1;
        if (last < 0) {
            // The column would be negative, and a negative number stands for none.
            throw Native.exception(OtpError.EXHAUSTED);
        }
        columns.raiseLastCounter(last);
    }
}
