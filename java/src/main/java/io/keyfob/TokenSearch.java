package io.keyfob;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Which of many devices an unlabelled token is, by the codes that it shows: for an administrator
 * who holds a token without a label.
 *
 * <p>It identifies and does not authenticate. So it changes no device and counts no fail, ignores
 * status, locks and validity, and takes codes that are used up. Never let an answer in by it, and
 * give it to administrators only, with a limit and a line in a log for each search: it tells right
 * codes from wrong ones as often as it is asked.
 *
 * <p>It looks where {@link OtpDevice#verify(Policy, char[], long)} does. The second of two codes
 * may be one step further. Devices of the other kinds are never found.
 *
 * <pre>{@code
 * BitSet found = TokenSearch.findByTwoCodes(policy, first, second, now, records);
 * found.stream().forEach(place -> show(devices.get(place)));
 * }</pre>
 */
public final class TokenSearch {
    /** How many records the engine looks at in one call. */
    private static final int BATCH_SIZE = 32;

    private TokenSearch() {}

    /** A call of the engine that finds codes in records. */
    private interface Find {
        int find(byte[] records, byte[] matches);
    }

    /**
     * Finds the devices that show two codes in a row. Give it many records at once: they are
     * computed side by side.
     *
     * @param policy the server's policy
     * @param first a code, without blanks and hyphens
     * @param second the next one
     * @param now Unix seconds
     * @param records what {@link OtpDevice#toRecord} returned; they are copied, and the copy is
     *         overwritten
     * @return the places in {@code records} of the devices that show the codes
     * @throws OtpException {@link OtpError#RECORD_LENGTH}, {@link OtpError#RECORD_FOREIGN}, {@link
     *         OtpError#RECORD_NEWER}, {@link OtpError#RECORD_DAMAGED} for any of the records
     */
    public static BitSet findByTwoCodes(Policy policy, char[] first, char[] second, long now, List<byte[]> records) {
        byte[] one = Text.answer(first);
        byte[] next = Text.answer(second);
        try {
            byte[] struct = policy.struct();
            return find(records, (bytes, matches) -> Native.engine().deviceFindByTwoCodes(bytes, struct, one, next, now, matches));
        } finally {
            Arrays.fill(one, (byte) 0);
            Arrays.fill(next, (byte) 0);
        }
    }

    /**
     * Finds the devices that show one code. Among many devices, some soon show it by chance: of
     * 100,000 with codes of six digits and three right codes each, one in three searches for a
     * made-up code finds one. {@link #findByTwoCodes} is for those.
     *
     * @param policy the server's policy
     * @param code the code, without blanks and hyphens
     * @param now Unix seconds
     * @param records what {@link OtpDevice#toRecord} returned; they are copied, and the copy is
     *         overwritten
     * @return the places in {@code records} of the devices that show the code
     * @throws OtpException as {@link #findByTwoCodes}
     */
    public static BitSet findByCode(Policy policy, char[] code, long now, List<byte[]> records) {
        byte[] one = Text.answer(code);
        try {
            byte[] struct = policy.struct();
            return find(records, (bytes, matches) -> Native.engine().deviceFindByCode(bytes, struct, one, now, matches));
        } finally {
            Arrays.fill(one, (byte) 0);
        }
    }

    private static BitSet find(List<byte[]> records, Find find) {
        BitSet found = new BitSet(records.size());
        byte[] matches = new byte[Sizes.COUNTER_SIZE];
        for (int begin = 0; begin < records.size(); begin += BATCH_SIZE) {
            List<byte[]> batch = records.subList(begin, Math.min(begin + BATCH_SIZE, records.size()));
            byte[] bytes = new byte[batch.size() * Sizes.RECORD_SIZE];
            try {
                copy(batch, bytes);
                Native.check(find.find(bytes, matches));
            } finally {
                Arrays.fill(bytes, (byte) 0);
            }
            long mask = Struct.getLong(matches, 0);
            for (int place = 0; place < batch.size(); place++) {
                found.set(begin + place, (mask >>> place & 1) == 1);
            }
        }
        return found;
    }

    private static void copy(List<byte[]> records, byte[] to) {
        int at = 0;
        for (byte[] record : records) {
            if (record.length != Sizes.RECORD_SIZE) {
                throw Native.exception(OtpError.RECORD_LENGTH);
            }
            System.arraycopy(record, 0, to, at, record.length);
            at += record.length;
        }
    }
}
