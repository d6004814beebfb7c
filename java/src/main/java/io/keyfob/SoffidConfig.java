package io.keyfob;

/**
 * What Soffid's {@code OtpConfig} says of verification, under its names. Immutable.
 *
 * <p>The rest of it is not the engine's: which kinds are allowed, how messages are sent. Digits and
 * algorithm of a TOTP or HOTP device stand in its row, and are taken from the configuration at
 * enrolment only; for HOTP rows of add-ons of before January 2022 see {@link #complete}. SMS and
 * e-mail rows have none, so their {@link SoffidRow.Builder#digits} is {@code smsDigits} or {@code
 * emailDigits}, 6 to 10.
 */
public final class SoffidConfig {
    /** Local times repeat one at the end of summer. */
    static final int HOUR = 3600;

    /** Parts per billion. */
    private static final int CERTAIN = 1_000_000_000;

    private final int[] locks;
    private final int pinMinLength;
    private final int pinDigits;
    private final Integer hotpDigits;
    private final String hotpAlgorithm;

    private SoffidConfig(Builder from) {
        locks = from.locks.clone();
        pinMinLength = from.pinMinLength;
        pinDigits = from.pinDigits;
        hotpDigits = from.hotpDigits;
        hotpAlgorithm = from.hotpAlgorithm;
    }

    /**
     * Starts from Soffid's own numbers: lock at 10 fails; 3 positions of a PIN of 8 digits.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The policy for devices of one kind: {@link Policy#SOFFID} with this configuration's numbers.
     * What is configured for the other kinds has no part in it, and refuses nothing.
     *
     * <p>The lock falls on the fail that reaches the configured number; Soffid's own falls on the
     * one after it. A configuration that makes guessing likelier than the policy's bounds allow is
     * refused in building: raise them there, knowingly. The clock may stand an hour behind the last
     * use, since the columns are local times, which summer ends by repeating an hour.
     *
     * @param kind the kind of device
     * @return a builder of the policy
     */
    public Policy.Builder policy(Kind kind) {
        Policy.Builder policy = Policy.SOFFID.toBuilder().lock(locks[kind.ordinal()]).clockSkew(HOUR);
        if (kind != Kind.TOTP) {
            policy.window(0);
        }
        if (kind != Kind.HOTP) {
            policy.lookAhead(0);
        }
        if (kind != Kind.PIN) {
            return policy.pinGuessBound(CERTAIN);
        }
        // Soffid asks for all digits of a PIN that has no more than pinDigits.
        return policy.guessBound(CERTAIN).pinMinLength(pinMinLength).pinPositions(pinDigits > pinMinLength ? 0 : pinDigits);
    }

    /**
     * A row with what the configuration says in its place: digits and algorithm of a HOTP row that
     * has neither. Call this only if the add-on that judged the rows until now is one of before
     * January 2022: those wrote neither, and judged codes by the configuration. Later ones take
     * NULL for 6 and {@code HmacSHA1}, as {@link SoffidDevice} does: after this call it would judge
     * each right code of such a row as wrong where the configuration says another.
     *
     * <p>What was filled in is written with the first attempt, so {@link
     * SoffidDevice.Table#compareAndSwap} is to compare with the row as it was before: give {@link
     * SoffidDevice#store} the completed row, and let its table compare with the one that was read.
     *
     * @param row a row as it was read
     * @return a row to be closed, equal to the one given if nothing is missing
     */
    public SoffidRow complete(SoffidRow row) {
        SoffidRow.Builder complete = row.toBuilder();
        boolean hasDigits = row.digits() != null && row.digits() != 0;
        boolean hasAlgorithm = row.algorithm() != null && !row.algorithm().isEmpty();
        if (row.type() == Kind.HOTP && !hasDigits && !hasAlgorithm) {
            complete.digits(hotpDigits).algorithm(hotpAlgorithm);
        }
        return complete.build();
    }

    /** Builds a {@link SoffidConfig}. Null stands for Soffid's own number, as it does in {@code OtpConfig}. */
    public static final class Builder {
        private static final int LOCK = 10;

        private final int[] locks = {LOCK, LOCK, LOCK, LOCK, LOCK};
        private int pinMinLength = 8;
        private int pinDigits = 3;
        private Integer hotpDigits;
        private String hotpAlgorithm;

        private Builder() {}

        /**
         * After how many fails a device of kind TOTP is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder totpLock(Integer fails) {
            return lock(Kind.TOTP, fails);
        }

        /**
         * After how many fails a device of kind HOTP is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder hotpLock(Integer fails) {
            return lock(Kind.HOTP, fails);
        }

        /**
         * After how many fails a device of kind SMS is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder smsLock(Integer fails) {
            return lock(Kind.SMS, fails);
        }

        /**
         * After how many fails a device of kind EMAIL is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder emailLock(Integer fails) {
            return lock(Kind.EMAIL, fails);
        }

        /**
         * After how many fails a device of kind PIN is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder pinLock(Integer fails) {
            return lock(Kind.PIN, fails);
        }

        private Builder lock(Kind kind, Integer fails) {
            locks[kind.ordinal()] = fails == null ? LOCK : fails;
            return this;
        }

        /**
         * The fewest digits of a new PIN.
         *
         * @param digits 4 to 64
         * @return this builder
         */
        public Builder pinMinLength(Integer digits) {
            pinMinLength = digits == null ? 8 : digits;
            return this;
        }

        /**
         * How many digits of a PIN are asked for.
         *
         * @param digits 2 or more
         * @return this builder
         */
        public Builder pinDigits(Integer digits) {
            pinDigits = digits == null ? 3 : digits;
            return this;
        }

        /**
         * How many digits the codes of a HOTP row have that does not say it.
         *
         * @param digits 6 to 10
         * @return this builder
         */
        public Builder hotpDigits(Integer digits) {
            hotpDigits = digits;
            return this;
        }

        /**
         * The algorithm of a HOTP row that does not say it.
         *
         * @param algorithm {@code HmacSHA1}, {@code HmacSHA256} or {@code HmacSHA512}
         * @return this builder
         */
        public Builder hotpAlgorithm(String algorithm) {
            hotpAlgorithm = algorithm;
            return this;
        }

        /**
         * The configuration.
         *
         * @return a configuration of what was set
         */
        public SoffidConfig build() {
            return new SoffidConfig(this);
        }
    }
}
