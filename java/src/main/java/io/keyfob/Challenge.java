package io.keyfob;

import java.util.Arrays;

/**
 * A challenge: the code to deliver, or the positions of a PIN to ask for. Immutable, except that
 * {@link #close} overwrites the code.
 */
public final class Challenge implements AutoCloseable {
    private static final int SIZE = 48;
    private static final int KIND = 4;
    private static final int FRESH = 8;
    private static final int CODE = 12;
    private static final int ISSUED_AT = 24;
    private static final int EXPIRES_AT = 32;
    private static final int POSITIONS = 40;

    /** The kind of a challenge. */
    public enum Kind {
        /** TOTP, HOTP, recovery codes: nothing to do, since the user has the code. */
        AUTHENTICATOR,
        /** SMS, e-mail: deliver {@link Challenge#code}. */
        MESSAGE,
        /** PIN: ask for the digits at {@link Challenge#positions}. */
        POSITIONS
    }

    private final byte[] struct;
    private final Guarded<byte[]> code;

    /** Takes ownership of a struct that the engine has filled. */
    Challenge(byte[] struct) {
        byte[] digits = Arrays.copyOfRange(struct, CODE, CODE + Sizes.CODE_SIZE);
        Arrays.fill(struct, CODE, CODE + Sizes.CODE_SIZE, (byte) 0);
        this.struct = struct;
        this.code = Guarded.forArray("the challenge", digits);
    }

    /** An empty struct for the engine to fill. */
    static byte[] struct() {
        return Struct.create(SIZE);
    }

    /**
     * What the program has to do.
     *
     * @return the kind of challenge
     */
    public Kind kind() {
        return Kind.values()[Struct.getInt(struct, KIND)];
    }

    /**
     * {@link Kind#MESSAGE}: the code to deliver, in ASCII digits.
     *
     * @return a copy, for the caller to overwrite; empty for other kinds
     * @throws IllegalStateException after {@link #close}
     */
    public char[] code() {
        return code.use(bytes -> Text.take(bytes.clone(), 0, bytes.length));
    }

    /**
     * {@link Kind#MESSAGE}: whether the code is new. Otherwise it was issued before.
     *
     * @return true for a new one
     */
    public boolean isFresh() {
        return Struct.getFlag(struct, FRESH);
    }

    /**
     * {@link Kind#MESSAGE}: when the code was issued.
     *
     * @return Unix seconds; 0 for other kinds
     */
    public long issuedAt() {
        return Struct.getLong(struct, ISSUED_AT);
    }

    /**
     * {@link Kind#MESSAGE}: the time from which the code is refused.
     *
     * @return Unix seconds; 0 for other kinds
     */
    public long expiresAt() {
        return Struct.getLong(struct, EXPIRES_AT);
    }

    /**
     * {@link Kind#POSITIONS}: the positions asked of the PIN, counted from 1, ascending. The answer
     * is the digits at these positions, in this order.
     *
     * @return a new array; empty for other kinds
     */
    public int[] positions() {
        return positions(Struct.getLong(struct, POSITIONS));
    }

    static int[] positions(long mask) {
        int[] positions = new int[Long.bitCount(mask)];
        long rest = mask;
        for (int at = 0; at < positions.length; at++) {
            positions[at] = Long.numberOfTrailingZeros(rest) + 1;
            rest &= rest - 1;
        }
        return positions;
    }

    /** Overwrites the code. */
    @Override
    public void close() {
        code.close();
    }

    @Override
    public String toString() {
        return "Challenge(" + kind() + ")";
    }
}
