package io.keyfob;

import java.util.Arrays;

/**
 * The parameters of an authenticator's codes. They are chosen at enrolment and stored in the
 * record. Immutable.
 *
 * <p>The methods that take parameters refuse numbers out of range.
 */
public final class Parameters {
    private static final int SIZE = 32;
    private static final int ALGORITHM = 4;
    private static final int DIGITS = 8;
    private static final int PERIOD = 12;
    private static final int T0 = 16;
    private static final int ALLOW_SHORT_SECRET = 24;

    /** SHA-1, 6 digits, 30 seconds, T0 = 0: which every authenticator app supports. */
    public static final Parameters DEFAULT = new Builder().build();

    private final byte[] struct;

    private Parameters(byte[] struct) {
        this.struct = struct;
    }

    /**
     * Starts from {@link #DEFAULT}.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The hash.
     *
     * @return the algorithm
     */
    public Algorithm algorithm() {
        return Algorithm.fromNumber(Struct.getInt(struct, ALGORITHM));
    }

    /**
     * The digits of a code.
     *
     * @return a number from 6 to 10
     */
    public int digits() {
        return Struct.getInt(struct, DIGITS);
    }

    /**
     * TOTP: the length of a step.
     *
     * @return seconds, an unsigned number of 32 bits
     */
    public int period() {
        return Struct.getInt(struct, PERIOD);
    }

    /**
     * TOTP: the time from which steps are counted.
     *
     * @return Unix seconds
     */
    public long t0() {
        return Struct.getLong(struct, T0);
    }

    byte[] struct() {
        return struct;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Parameters && Arrays.equals(struct, ((Parameters) other).struct);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(struct);
    }

    @Override
    public String toString() {
        return "Parameters(" + algorithm() + ", " + digits() + " digits, " + Integer.toUnsignedString(period()) + " s)";
    }

    /** Builds {@link Parameters}. */
    public static final class Builder {
        private final byte[] struct = Struct.create(SIZE);

        private Builder() {
            algorithm(Algorithm.SHA1).digits(6).period(30);
            // Secret decides: its methods refuse a short secret unless their name allows it.
            Struct.putInt(struct, ALLOW_SHORT_SECRET, 1);
        }

        /**
         * The hash; SHA-1 by default.
         *
         * @param algorithm the algorithm
         * @return this builder
         */
        public Builder algorithm(Algorithm algorithm) {
            Struct.putInt(struct, ALGORITHM, algorithm.number());
            return this;
        }

        /**
         * The digits of a code; 6 by default.
         *
         * @param digits a number from 6 to 10
         * @return this builder
         */
        public Builder digits(int digits) {
            Struct.putInt(struct, DIGITS, digits);
            return this;
        }

        /**
         * TOTP: the length of a step; 30 seconds by default.
         *
         * @param seconds seconds, 1 or more
         * @return this builder
         */
        public Builder period(int seconds) {
            Struct.putInt(struct, PERIOD, seconds);
            return this;
        }

        /**
         * TOTP: the time from which steps are counted; 0 by default.
         *
         * @param time Unix seconds
         * @return this builder
         */
        public Builder t0(long time) {
            Struct.putLong(struct, T0, time);
            return this;
        }

        /**
         * Builds the parameters.
         *
         * @return the parameters
         */
        public Parameters build() {
            return new Parameters(struct.clone());
        }
    }
}
