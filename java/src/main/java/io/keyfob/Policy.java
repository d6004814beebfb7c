package io.keyfob;

import java.util.Arrays;

/**
 * The server's choices: how far from its own clock or counter it looks, when it locks, how long
 * codes live. Immutable; build it once.
 *
 * <p>Building refuses a policy under which guessing would succeed too often: see {@link #guessChance}. All numbers are checked when it is built.
 */
public final class Policy {
    private static final int SIZE = 64;
    private static final int WINDOW = 4;
    private static final int LOOK_AHEAD = 8;
    private static final int RESYNC_WINDOW = 12;
    private static final int MAX_DRIFT = 16;
    private static final int LOCK = 20;
    private static final int MAX_FAILS = 24;
    private static final int FIRST_DELAY = 28;
    private static final int MAX_DELAY = 32;
    private static final int CODE_LIFETIME = 36;
    private static final int CODE_REUSE = 40;
    private static final int PIN_POSITIONS = 44;
    private static final int PIN_MIN_LENGTH = 48;
    private static final int CLOCK_SKEW = 52;
    private static final int BOUND = 56;
    private static final int PIN_GUESS_BOUND = 60;

    /** keyfob's defaults: window of 1 step each way, look-ahead of 10, lock at 10 fails, 3 positions of a PIN of 8 digits or more. */
    public static final Policy DEFAULT = preset(Native.engine()::policyDefault);

    /** Soffid's numbers: window of 10 steps each way, look-ahead of 24. A guess is seven times likelier than by default. */
    public static final Policy SOFFID = preset(Native.engine()::policySoffid);

    private final byte[] struct;
    private final Memory memory;

    private Policy(byte[] struct) {
        this.struct = struct;
        memory = Native.engine().policy(struct);
    }

    private interface Preset {
        int fill(byte[] struct);
    }

    private static Policy preset(Preset preset) {
        byte[] struct = Struct.ofSize(SIZE);
        Native.check(preset.fill(struct));
        return new Policy(struct);
    }

    /**
     * Starts from {@link #DEFAULT}.
     *
     * @return a builder
     */
    public static Builder builder() {
        return DEFAULT.toBuilder();
    }

    /**
     * Starts from this policy, its bounds included.
     *
     * @return a builder
     */
    public Builder toBuilder() {
        return new Builder(struct.clone());
    }

    /**
     * The chance that somebody who guesses until the lock falls succeeds; under a throttle, within
     * a year of guessing.
     *
     * @param kind the kind of device
     * @param digits the digits of its codes, 6 to 10; ignored for a PIN
     * @return parts per billion
     * @throws OtpException {@link OtpError#DIGITS}
     */
    public long guessChance(Kind kind, int digits) {
        byte[] chance = new byte[Engine.NUMBER_SIZE];
        Native.check(Native.engine().policyGuessChance(struct, kind.number(), digits, chance));
        return Integer.toUnsignedLong(Struct.getInt(chance, 0));
    }

    /**
     * Whether too many fails lock the device for a doubling time rather than until it is unlocked.
     *
     * @return true for a throttle
     */
    public boolean isThrottle() {
        return Struct.getFlag(struct, LOCK);
    }

    /**
     * The fail on which the lock or the first delay falls.
     *
     * @return fails, 1 or more; 10 by default
     */
    public int maxFails() {
        return Struct.getInt(struct, MAX_FAILS);
    }

    /**
     * The first delay of a throttle.
     *
     * @return seconds; 0 without a throttle
     */
    public int firstDelay() {
        return Struct.getInt(struct, FIRST_DELAY);
    }

    /**
     * The longest delay of a throttle.
     *
     * @return seconds; 0 without a throttle
     */
    public int maxDelay() {
        return Struct.getInt(struct, MAX_DELAY);
    }

    /**
     * TOTP: how many steps before and after the present one are right.
     *
     * @return steps
     */
    public int window() {
        return Struct.getInt(struct, WINDOW);
    }

    /**
     * HOTP: how many counters after the expected one are right.
     *
     * @return counters
     */
    public int lookAhead() {
        return Struct.getInt(struct, LOOK_AHEAD);
    }

    /**
     * HOTP: how many counters from the expected one a resync searches.
     *
     * @return counters
     */
    public int resyncWindow() {
        return Struct.getInt(struct, RESYNC_WINDOW);
    }

    /**
     * TOTP: the largest drift of an authenticator's clock that is learned.
     *
     * @return steps
     */
    public int maxDrift() {
        return Struct.getInt(struct, MAX_DRIFT);
    }

    /**
     * SMS, e-mail: how long a code lives.
     *
     * @return seconds
     */
    public int codeLifetime() {
        return Struct.getInt(struct, CODE_LIFETIME);
    }

    /**
     * SMS, e-mail: how long after its issue a code asked again is the same one.
     *
     * @return seconds
     */
    public int codeReuse() {
        return Struct.getInt(struct, CODE_REUSE);
    }

    /**
     * PIN: how many positions are asked.
     *
     * @return positions
     */
    public int pinPositions() {
        return Struct.getInt(struct, PIN_POSITIONS);
    }

    /**
     * PIN: the fewest digits of a new one.
     *
     * @return digits
     */
    public int pinMinLength() {
        return Struct.getInt(struct, PIN_MIN_LENGTH);
    }

    /**
     * By how much the clocks of those who share a device may differ.
     *
     * @return seconds
     */
    public int clockSkew() {
        return Struct.getInt(struct, CLOCK_SKEW);
    }

    /**
     * The largest chance of guessing a code of six digits before the lock.
     *
     * @return parts per billion
     */
    public int guessBound() {
        return Struct.getInt(struct, BOUND);
    }

    /**
     * The largest chance of guessing the positions asked of a PIN before the lock.
     *
     * @return parts per billion
     */
    public int pinGuessBound() {
        return Struct.getInt(struct, PIN_GUESS_BOUND);
    }

    byte[] struct() {
        return struct;
    }

    Memory memory() {
        return memory;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Policy && Arrays.equals(struct, ((Policy) other).struct);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(struct);
    }

    @Override
    public String toString() {
        return "Policy(window " + window() + ", look-ahead " + lookAhead() + ", " + (isThrottle() ? "throttle" : "lock") + " at " + maxFails()
                + " fails)";
    }

    /** Builds a {@link Policy}. */
    public static final class Builder {
        private final byte[] struct;

        private Builder(byte[] struct) {
            this.struct = struct;
        }

        /**
         * Too many fails lock the device until it is unlocked: the default, at 10.
         *
         * @param fails the fail on which the lock falls, 1 or more
         * @return this builder
         */
        public Builder lock(int fails) {
            return lock(0, fails, 0, 0);
        }

        /**
         * Too many fails close the device for a time that doubles with each further one. It never
         * ends, so that the bounds must be raised.
         *
         * @param fails the fail that begins the first delay, 1 or more
         * @param first the first delay in seconds, 1 or more
         * @param longest the longest delay in seconds
         * @return this builder
         */
        public Builder throttle(int fails, int first, int longest) {
            return lock(1, fails, first, longest);
        }

        private Builder lock(int kind, int fails, int first, int longest) {
            return put(LOCK, kind).put(MAX_FAILS, fails).put(FIRST_DELAY, first).put(MAX_DELAY, longest);
        }

        /**
         * TOTP: how many steps before and after the present one are right; 1 by default.
         *
         * @param steps 0 to 1000
         * @return this builder
         */
        public Builder window(int steps) {
            return put(WINDOW, steps);
        }

        /**
         * HOTP: how many counters after the expected one are right; 10 by default.
         *
         * @param counters 0 to 1000
         * @return this builder
         */
        public Builder lookAhead(int counters) {
            return put(LOOK_AHEAD, counters);
        }

        /**
         * HOTP: how many counters from the expected one a resync searches; 100 by default.
         *
         * @param counters 1 to 10000
         * @return this builder
         */
        public Builder resyncWindow(int counters) {
            return put(RESYNC_WINDOW, counters);
        }

        /**
         * TOTP: the largest drift of an authenticator's clock that is learned; 0 by default, which
         * learns none.
         *
         * @param steps 0 to 1000
         * @return this builder
         */
        public Builder maxDrift(int steps) {
            return put(MAX_DRIFT, steps);
        }

        /**
         * SMS, e-mail: how long a code lives; 600 by default.
         *
         * @param seconds 1 or more
         * @return this builder
         */
        public Builder codeLifetime(int seconds) {
            return put(CODE_LIFETIME, seconds);
        }

        /**
         * SMS, e-mail: how long after its issue a code asked again is the same one; 60 by default.
         *
         * @param seconds at most the lifetime
         * @return this builder
         */
        public Builder codeReuse(int seconds) {
            return put(CODE_REUSE, seconds);
        }

        /**
         * PIN: how many positions are asked; 3 by default.
         *
         * @param positions 2 to the length of the shortest PIN, or 0 for all
         * @return this builder
         */
        public Builder pinPositions(int positions) {
            return put(PIN_POSITIONS, positions);
        }

        /**
         * PIN: the fewest digits of a new one; 8 by default.
         *
         * @param digits 4 to 64
         * @return this builder
         */
        public Builder pinMinLength(int digits) {
            return put(PIN_MIN_LENGTH, digits);
        }

        /**
         * By how much the clocks of those who share a device may differ; 30 by default. 0 is for a
         * host with one thread only.
         *
         * @param seconds 0 to 3600
         * @return this builder
         */
        public Builder clockSkew(int seconds) {
            return put(CLOCK_SKEW, seconds);
        }

        /**
         * The largest chance of guessing a code of six digits before the lock; 1000000 by default.
         *
         * @param partsPerBillion 1000000 is 1 in 1000
         * @return this builder
         */
        public Builder guessBound(int partsPerBillion) {
            return put(BOUND, partsPerBillion);
        }

        /**
         * The largest chance of guessing the positions asked of a PIN before the lock; 10000000 by
         * default.
         *
         * @param partsPerBillion 10000000 is 1 in 100
         * @return this builder
         */
        public Builder pinGuessBound(int partsPerBillion) {
            return put(PIN_GUESS_BOUND, partsPerBillion);
        }

        private Builder put(int at, int value) {
            Struct.putInt(struct, at, value);
            return this;
        }

        /**
         * Checks everything, and builds the policy.
         *
         * @return the policy
         * @throws OtpException {@link OtpError#WINDOW}, {@link OtpError#LOOK_AHEAD}, {@link
         *         OtpError#RESYNC_WINDOW}, {@link OtpError#MAX_DRIFT}, {@link OtpError#MAX_FAILS},
         *         {@link OtpError#FIRST_DELAY}, {@link OtpError#MAX_DELAY}, {@link
         *         OtpError#CODE_LIFETIME}, {@link OtpError#CODE_REUSE}, {@link
         *         OtpError#PIN_POSITIONS}, {@link OtpError#PIN_MIN_LENGTH}, {@link
         *         OtpError#CLOCK_SKEW}, {@link OtpError#GUESS_BOUND}, {@link
         *         OtpError#PIN_GUESS_BOUND}
         */
        public Policy build() {
            Native.check(Native.engine().policyCheck(struct));
            return new Policy(struct.clone());
        }
    }
}
