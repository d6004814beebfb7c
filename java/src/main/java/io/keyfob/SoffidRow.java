package io.keyfob;

import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * A row of Soffid's table {@code SCO_DEVICE}: the columns that concern the engine, under the names
 * of Soffid's {@code OtpDeviceEntity}. Immutable, except that {@link #close} overwrites the key and
 * the PIN.
 *
 * <p>{@code null} stands for NULL. Two rows are equal if all columns are equal. A closed row equals
 * only itself.
 */
public final class SoffidRow implements AutoCloseable {
    private final Kind type;
    private final Status status;
    private final int fails;
    private final char[] authKey;
    private final Long lastUsedValue;
    private final Instant created;
    private final Instant lastUsed;
    private final Instant lastIssued;
    private final String email;
    private final String phone;
    private final char[] pin;
    private final Integer digits;
    private final String algorithm;
    private boolean isClosed;

    private SoffidRow(Builder from) {
        type = Objects.requireNonNull(from.type, "type");
        status = Objects.requireNonNull(from.status, "status");
        created = Objects.requireNonNull(from.created, "created");
        fails = from.fails;
        authKey = from.authKey.get();
        lastUsedValue = from.lastUsedValue;
        lastUsed = from.lastUsed;
        lastIssued = from.lastIssued;
        email = from.email;
        phone = from.phone;
        pin = from.pin.get();
        digits = from.digits;
        algorithm = from.algorithm;
    }

    private static char[] copy(char[] text) {
        return text == null ? null : text.clone();
    }

    /** A copy of a secret column, of an open row. */
    private synchronized char[] secret(char[] text) {
        if (isClosed) {
            throw new IllegalStateException("the row is closed");
        }
        return copy(text);
    }

    /**
     * Starts from a row without fails and with NULL in all columns. Set at least type, status and
     * created.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Starts from this row, which must stay open until the new row is built.
     *
     * @return a builder
     */
    public Builder toBuilder() {
        Builder builder = new Builder().type(type).status(status).fails(fails).lastUsedValue(lastUsedValue).created(created)
                .lastUsed(lastUsed).lastIssued(lastIssued).email(email).phone(phone).digits(digits).algorithm(algorithm);
        builder.authKey = this::authKey;
        builder.pin = this::pin;
        return builder;
    }

    /** {@return {@code OTP_TYPE}: the kind of device} */
    public Kind type() {
        return type;
    }

    /** {@return {@code OTP_STATUS}} */
    public Status status() {
        return status;
    }

    /** {@return {@code OTP_FAILS}: the fails since the last right answer} */
    public int fails() {
        return fails;
    }

    /**
     * {@code OTP_AUTKEY}. TOTP, HOTP: the secret in Base32. Other kinds: see {@link SoffidDevice}.
     *
     * @return a copy, for the caller to overwrite, or null
     */
    public char[] authKey() {
        return secret(authKey);
    }

    /**
     * {@code OTP_LASCOU}: the highest accepted step or counter. A negative number stands for none,
     * as NULL does.
     *
     * @return a number, or null
     */
    public Long lastUsedValue() {
        return lastUsedValue;
    }

    /** {@return {@code OTP_CREATED}: the time of enrolment} */
    public Instant created() {
        return created;
    }

    /** {@return {@code OTP_LASUSE}: the time of the last right answer, or null} */
    public Instant lastUsed() {
        return lastUsed;
    }

    /** {@return {@code OTP_LASISS}: the time of the last issue of a code, or null} */
    public Instant lastIssued() {
        return lastIssued;
    }

    /** {@return {@code OTP_EMAIL}: the address for codes, or null} */
    public String email() {
        return email;
    }

    /** {@return {@code OTP_PHONE}: the number for codes, or null} */
    public String phone() {
        return phone;
    }

    /**
     * {@code OTP_PIN}, decoded by Soffid's {@code Password}: ASCII digits.
     *
     * @return a copy, for the caller to overwrite, or null
     */
    public char[] pin() {
        return secret(pin);
    }

    /**
     * {@code OTP_DIGITS}.
     *
     * @return the digits of a code, or null for 6; for a HOTP row with neither digits nor algorithm
     *         see {@link SoffidConfig#complete}
     */
    public Integer digits() {
        return digits;
    }

    /**
     * {@code OTP_ALGORI}.
     *
     * @return {@code HmacSHA1}, {@code HmacSHA256} or {@code HmacSHA512}, or null for the first;
     *         see {@link #digits}
     */
    public String algorithm() {
        return algorithm;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof SoffidRow)) {
            return false;
        }
        SoffidRow that = (SoffidRow) other;
        return this == that || Arrays.equals(columns(), that.columns()) && that.hasSecretsOf(this);
    }

    /**
     * Whether both rows are open and have the same secrets. Copies the secrets of the other row:
     * otherwise two threads that compare the same rows could deadlock.
     */
    private boolean hasSecretsOf(SoffidRow other) {
        char[] key = null;
        char[] digits = null;
        try {
            key = other.authKey();
            digits = other.pin();
            synchronized (this) {
                return !isClosed && Text.isSame(authKey, key) & Text.isSame(pin, digits);
            }
        } catch (IllegalStateException closed) {
            return false;
        } finally {
            Text.wipe(key);
            Text.wipe(digits);
        }
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(columns());
    }

    private Object[] columns() {
        return new Object[] {type, status, fails, lastUsedValue, created, lastUsed, lastIssued, email, phone, digits, algorithm};
    }

    @Override
    public String toString() {
        return "SoffidRow(" + type + ", " + status + ", " + fails + " fails)";
    }

    /** Overwrites the key and the PIN. */
    @Override
    public synchronized void close() {
        isClosed = true;
        Text.wipe(authKey);
        Text.wipe(pin);
    }

    /** Builds a {@link SoffidRow}. {@link #build} copies arrays; the caller overwrites its own. */
    public static final class Builder {
        private Kind type;
        private Status status;
        private int fails;
        private Supplier<char[]> authKey = () -> null;
        private Long lastUsedValue;
        private Instant created;
        private Instant lastUsed;
        private Instant lastIssued;
        private String email;
        private String phone;
        private Supplier<char[]> pin = () -> null;
        private Integer digits;
        private String algorithm;

        private Builder() {}

        /**
         * {@code OTP_TYPE}.
         *
         * @param type the column's value
         * @return this builder
         */
        public Builder type(Kind type) {
            this.type = type;
            return this;
        }

        /**
         * {@code OTP_STATUS}.
         *
         * @param status the column's value
         * @return this builder
         */
        public Builder status(Status status) {
            this.status = status;
            return this;
        }

        /**
         * {@code OTP_FAILS}.
         *
         * @param fails the column's value
         * @return this builder
         */
        public Builder fails(int fails) {
            this.fails = fails;
            return this;
        }

        /**
         * {@code OTP_AUTKEY}.
         *
         * @param authKey the column's value
         * @return this builder
         */
        public Builder authKey(char[] authKey) {
            this.authKey = () -> copy(authKey);
            return this;
        }

        /**
         * {@code OTP_LASCOU}.
         *
         * @param lastUsedValue the column's value
         * @return this builder
         */
        public Builder lastUsedValue(Long lastUsedValue) {
            this.lastUsedValue = lastUsedValue;
            return this;
        }

        /**
         * {@code OTP_CREATED}.
         *
         * @param created the column's value
         * @return this builder
         */
        public Builder created(Instant created) {
            this.created = created;
            return this;
        }

        /**
         * {@code OTP_LASUSE}.
         *
         * @param lastUsed the column's value
         * @return this builder
         */
        public Builder lastUsed(Instant lastUsed) {
            this.lastUsed = lastUsed;
            return this;
        }

        /**
         * {@code OTP_LASISS}.
         *
         * @param lastIssued the column's value
         * @return this builder
         */
        public Builder lastIssued(Instant lastIssued) {
            this.lastIssued = lastIssued;
            return this;
        }

        /**
         * {@code OTP_EMAIL}.
         *
         * @param email the column's value
         * @return this builder
         */
        public Builder email(String email) {
            this.email = email;
            return this;
        }

        /**
         * {@code OTP_PHONE}.
         *
         * @param phone the column's value
         * @return this builder
         */
        public Builder phone(String phone) {
            this.phone = phone;
            return this;
        }

        /**
         * {@code OTP_PIN}, decoded by Soffid's {@code Password}.
         *
         * @param pin the column's value
         * @return this builder
         */
        public Builder pin(char[] pin) {
            this.pin = () -> copy(pin);
            return this;
        }

        /**
         * {@code OTP_DIGITS}. NULL stands for 6. For a HOTP row without an algorithm see {@link
         * SoffidConfig#complete}.
         *
         * @param digits the column's value
         * @return this builder
         */
        public Builder digits(Integer digits) {
            this.digits = digits;
            return this;
        }

        /**
         * {@code OTP_ALGORI}. NULL stands for {@code HmacSHA1}. For a HOTP row without digits see
         * {@link SoffidConfig#complete}.
         *
         * @param algorithm the column's value
         * @return this builder
         */
        public Builder algorithm(String algorithm) {
            this.algorithm = algorithm;
            return this;
        }

        /**
         * Builds the row.
         *
         * @return a row to be closed
         */
        public SoffidRow build() {
            return new SoffidRow(this);
        }
    }
}
