package io.keyfob;

/**
 * The settings of Soffid's {@code OtpConfig} for verification, under its names. Immutable.
 *
 * <p>Other settings do not concern the engine: the allowed kinds, the delivery of messages. Digits
 * and algorithm of a TOTP or HOTP device are in its row, and come from the configuration at
 * enrolment only. For HOTP rows of add-ons before January 2022 see {@link #complete}. SMS and
 * e-mail rows have no digits: set {@link SoffidRow.Builder#digits} to {@code smsDigits} or {@code
 * emailDigits}, 6 to 10.
 */
public final class SoffidConfig {
    /** The hour of local time that comes twice at the end of summer. */
    static final int HOUR_SECONDS = 3600;

    /** The chance of a certain event, in parts per billion. */
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
     * The settings of the other kinds have no effect on it.
     *
     * <p>The lock falls on the fail that reaches the configured number. Soffid's own falls on the
     * next one. Building refuses a configuration that makes guessing likelier than the policy's
     * bounds allow. Raise the bounds only after weighing that risk. The clock may be an hour behind
     * the last use: the columns are local times, and at the end of summer one hour comes twice.
     *
     * @param kind the kind of device
     * @return a builder of the policy
     * @throws OtpException {@link OtpError#WRONG_KIND} for recovery codes, which Soffid does not
     *         know
     */
    public Policy.Builder policy(Kind kind) {
        if (kind == Kind.RECOVERY) {
            throw Native.exception(OtpError.WRONG_KIND);
        }
        Policy.Builder policy = Policy.SOFFID.toBuilder().lock(locks[kind.ordinal()]).clockSkew(HOUR_SECONDS);
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
     * Completes a HOTP row without digits and algorithm from the configuration. Call this only for
     * rows of an add-on before January 2022, which wrote neither and judged codes by the
     * configuration. Later ones take NULL for 6 and {@code HmacSHA1}, as {@link SoffidDevice} does.
     * For their rows, with other numbers in the configuration, this call would make each right code
     * wrong.
     *
     * <p>The first attempt writes the completed columns. So {@link
     * SoffidDevice.Table#compareAndSwap} must compare with the row before completion: pass the
     * completed row to {@link SoffidDevice#storeFor}, and have its table compare with the row that
     * was read.
     *
     * @param row a row as it was read
     * @return a row to be closed, equal to {@code row} if nothing is missing
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

    /**
     * Builds a {@link SoffidConfig}. Null stands for Soffid's own number, as in {@code OtpConfig}.
     */
    public static final class Builder {
        private static final int DEFAULT_LOCK = 10;

        private final int[] locks = {DEFAULT_LOCK, DEFAULT_LOCK, DEFAULT_LOCK, DEFAULT_LOCK, DEFAULT_LOCK};
        private int pinMinLength = 8;
        private int pinDigits = 3;
        private Integer hotpDigits;
        private String hotpAlgorithm;

        private Builder() {}

        /**
         * The fail on which a device of kind TOTP is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder totpLock(Integer fails) {
            return lock(Kind.TOTP, fails);
        }

        /**
         * The fail on which a device of kind HOTP is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder hotpLock(Integer fails) {
            return lock(Kind.HOTP, fails);
        }

        /**
         * The fail on which a device of kind SMS is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder smsLock(Integer fails) {
            return lock(Kind.SMS, fails);
        }

        /**
         * The fail on which a device of kind EMAIL is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder emailLock(Integer fails) {
            return lock(Kind.EMAIL, fails);
        }

        /**
         * The fail on which a device of kind PIN is locked.
         *
         * @param fails 1 or more
         * @return this builder
         */
        public Builder pinLock(Integer fails) {
            return lock(Kind.PIN, fails);
        }

        private Builder lock(Kind kind, Integer fails) {
            locks[kind.ordinal()] = fails == null ? DEFAULT_LOCK : fails;
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
         * The number of digits of a PIN that are asked.
         *
         * @param digits 2 or more
         * @return this builder
         */
        public Builder pinDigits(Integer digits) {
            pinDigits = digits == null ? 3 : digits;
            return this;
        }

        /**
         * The digits of the codes of a HOTP row without digits.
         *
         * @param digits 6 to 10
         * @return this builder
         */
        public Builder hotpDigits(Integer digits) {
            hotpDigits = digits;
            return this;
        }

        /**
         * The algorithm of a HOTP row without one.
         *
         * @param algorithm {@code HmacSHA1}, {@code HmacSHA256} or {@code HmacSHA512}
         * @return this builder
         */
        public Builder hotpAlgorithm(String algorithm) {
            hotpAlgorithm = algorithm;
            return this;
        }

        /**
         * Builds the configuration.
         *
         * @return the configuration
         */
        public SoffidConfig build() {
            return new SoffidConfig(this);
        }
    }
}
