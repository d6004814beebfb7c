package io.keyfob;

import static io.keyfob.PolicyStruct.*;

import java.util.Arrays;
import java.util.OptionalInt;

/**
 * The server's policy: how far from its own clock or counter it searches, when it locks, how long
 * codes live. Immutable; build it once.
 *
 * <p>{@link Builder#build} checks all numbers. It also refuses a policy under which guessing would
 * succeed too often: see {@link #guessChance}.
 */
public final class Policy {
    /**
     * keyfob's defaults: a window of 1 step each way, a look-ahead of 10 counters, a lock at 10
     * fails, 3 positions of a PIN of 8 digits or more.
     */
    public static final Policy DEFAULT = preset(Native.engine()::policyDefault);

    /**
     * Soffid's numbers: a window of 10 steps each way, a look-ahead of 24 counters. A guess is
     * seven times likelier than by default.
     */
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
        byte[] struct = Struct.create(SIZE);
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
     * The chance that guessing succeeds before the lock falls; under a throttle that never locks,
     * within a year of guessing.
     *
     * @param kind the kind of device
     * @param digits the digits of its codes, 6 to 10; ignored for a PIN and for recovery codes
     * @return parts per billion
     * @throws OtpException {@link OtpError#DIGITS}
     */
    public long guessChance(Kind kind, int digits) {
        byte[] chance = new byte[Sizes.NUMBER_SIZE];
        Native.check(Native.engine().policyGuessChance(struct, kind.number(), digits, chance));
        return Integer.toUnsignedLong(Struct.getInt(chance, 0));
    }

    /** {@return whether too many fails first close the device for a time, which doubles} */
    public boolean isThrottle() {
        return Struct.getInt(struct, LOCK) != HARD;
    }

    /** {@return the fail on which the device is locked until an unlock; empty if it never is} */
    public OptionalInt lockingFail() {
        if (Struct.getInt(struct, LOCK) == THROTTLE) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(Struct.getInt(struct, LOCK) == HARD ? maxFails() : Struct.getInt(struct, TOTAL_FAILS));
    }

    /** {@return the fail on which the lock or the first delay falls, 1 or more} */
    public int maxFails() {
        return Struct.getInt(struct, MAX_FAILS);
    }

    /** {@return the first delay of a throttle in seconds; 0 without one} */
    public int firstDelay() {
        return Struct.getInt(struct, FIRST_DELAY);
    }

    /** {@return the longest delay of a throttle in seconds; 0 without one} */
    public int maxDelay() {
        return Struct.getInt(struct, MAX_DELAY);
    }

    /** {@return TOTP: the steps that are right before and after the present one} */
    public int window() {
        return Struct.getInt(struct, WINDOW);
    }

    /** {@return HOTP: the counters that are right after the expected one} */
    public int lookAhead() {
        return Struct.getInt(struct, LOOK_AHEAD);
    }

    /**
     * {@return HOTP: the counters that a resync searches from the expected one; TOTP: the steps
     *         that it searches before and after the present one, at most {@link #maxDrift}}
     */
    public int resyncWindow() {
        return Struct.getInt(struct, RESYNC_WINDOW);
    }

    /** {@return TOTP: the largest learned drift of an authenticator's clock, in steps} */
    public int maxDrift() {
        return Struct.getInt(struct, MAX_DRIFT);
    }

    /**
     * {@return TOTP: the steps that are right before and after the present one until the first
     *         right answer, at least {@link #window}}
     */
    public int firstWindow() {
        return Math.max(window(), Struct.getInt(struct, FIRST_WINDOW));
    }

    /** {@return SMS, e-mail: the lifetime of a code in seconds} */
    public int codeLifetime() {
        return Struct.getInt(struct, CODE_LIFETIME);
    }

    /** {@return SMS, e-mail: the seconds in which a new request gets the same code} */
    public int codeReuse() {
        return Struct.getInt(struct, CODE_REUSE);
    }

    /** {@return PIN: the number of positions asked; 0 for all} */
    public int pinPositions() {
        return Struct.getInt(struct, PIN_POSITIONS);
    }

    /** {@return PIN: the fewest digits of a new one} */
    public int pinMinLength() {
        return Struct.getInt(struct, PIN_MIN_LENGTH);
    }

    /** {@return the largest difference, in seconds, of the clocks of hosts that share a device} */
    public int clockSkew() {
        return Struct.getInt(struct, CLOCK_SKEW);
    }

    /** {@return the largest chance of guessing a code of six digits, in parts per billion} */
    public int guessBound() {
        return Struct.getInt(struct, GUESS_BOUND);
    }

    /** {@return the largest chance of guessing the positions of a PIN, in parts per billion} */
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
         * Too many fails lock the device until it is unlocked. The default, at 10 fails.
         *
         * @param maxFails the fail on which the lock falls, 1 or more
         * @return this builder
         */
        public Builder lock(int maxFails) {
            return putLock(HARD, maxFails, 0, 0, 0);
        }

        /**
         * Too many fails close the device for a time that doubles with each further fail. Guessing
         * never ends, so raise the bounds, too.
         *
         * @param maxFails the fail that begins the first delay, 1 or more
         * @param firstDelay the first delay in seconds, 1 or more
         * @param maxDelay the longest delay in seconds, at least the first
         * @return this builder
         */
        public Builder throttle(int maxFails, int firstDelay, int maxDelay) {
            return putLock(THROTTLE, maxFails, firstDelay, maxDelay, 0);
        }

        /**
         * As {@link #throttle}, until a total of fails without a right answer locks the device.
         * With the other defaults a total of 90 is within the bound on guessing a code. For a PIN
         * it needs {@link #pinPositions} of 4, too.
         *
         * @param maxFails the fail that begins the first delay, 1 or more
         * @param firstDelay the first delay in seconds, 1 or more
         * @param maxDelay the longest delay in seconds, at least the first
         * @param totalFails the fail on which the lock falls, more than {@code maxFails}
         * @return this builder
         */
        public Builder throttleThenLock(int maxFails, int firstDelay, int maxDelay, int totalFails) {
            return putLock(THROTTLE_THEN_LOCK, maxFails, firstDelay, maxDelay, totalFails);
        }

        private Builder putLock(int kind, int maxFails, int firstDelay, int maxDelay, int totalFails) {
            return put(LOCK, kind).put(MAX_FAILS, maxFails).put(FIRST_DELAY, firstDelay).put(MAX_DELAY, maxDelay)
                    .put(TOTAL_FAILS, totalFails);
        }

        /**
         * TOTP: the steps that are right before and after the present one; 1 by default.
         *
         * @param steps 0 to 1000
         * @return this builder
         */
        public Builder window(int steps) {
            return put(WINDOW, steps);
        }

        /**
         * HOTP: the counters that are right after the expected one; 10 by default.
         *
         * @param counters 0 to 1000
         * @return this builder
         */
        public Builder lookAhead(int counters) {
            return put(LOOK_AHEAD, counters);
        }

        /**
         * HOTP: the counters that a resync searches from the expected one; 100 by default. TOTP:
         * the steps that it searches before and after the present one, at most {@link #maxDrift}.
         *
         * @param counters 1 to 10000
         * @return this builder
         */
        public Builder resyncWindow(int counters) {
            return put(RESYNC_WINDOW, counters);
        }

        /**
         * TOTP: the largest learned drift of an authenticator's clock. The default of 0 learns
         * none, and then no TOTP device can be resynchronised.
         *
         * @param steps 0 to 1000
         * @return this builder
         */
        public Builder maxDrift(int steps) {
            return put(MAX_DRIFT, steps);
        }

        /**
         * TOTP: the steps that are right before and after the present one until the first right
         * answer, for tokens that were in a drawer for years. The default of 0 adds none to {@link
         * #window}. The guess bound counts these steps.
         *
         * @param steps 0 to 1000, at most {@link #window} and {@link #maxDrift} together, since
         *         later answers are searched around the drift of the first one
         * @return this builder
         */
        public Builder firstWindow(int steps) {
            return put(FIRST_WINDOW, steps);
        }

        /**
         * SMS, e-mail: the lifetime of a code; 600 by default.
         *
         * @param seconds 1 or more
         * @return this builder
         */
        public Builder codeLifetime(int seconds) {
            return put(CODE_LIFETIME, seconds);
        }

        /**
         * SMS, e-mail: the time after its issue in which a new request gets the same code; 60 by
         * default.
         *
         * @param seconds at most the lifetime
         * @return this builder
         */
        public Builder codeReuse(int seconds) {
            return put(CODE_REUSE, seconds);
        }

        /**
         * PIN: the number of positions asked; 3 by default.
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
         * The largest difference of the clocks of hosts that share a device; 30 by default. 0 is
         * for a host with one thread only.
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
            return put(GUESS_BOUND, partsPerBillion);
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
         * Checks all numbers and builds the policy.
         *
         * @return the policy
         * @throws OtpException {@link OtpError#WINDOW}, {@link OtpError#LOOK_AHEAD}, {@link
         *         OtpError#RESYNC_WINDOW}, {@link OtpError#MAX_DRIFT}, {@link
         *         OtpError#FIRST_WINDOW}, {@link OtpError#MAX_FAILS}, {@link OtpError#FIRST_DELAY},
         *         {@link OtpError#MAX_DELAY}, {@link OtpError#CODE_LIFETIME}, {@link
         *         OtpError#CODE_REUSE}, {@link OtpError#PIN_POSITIONS}, {@link
         *         OtpError#PIN_MIN_LENGTH}, {@link OtpError#CLOCK_SKEW}, {@link
         *         OtpError#GUESS_BOUND}, {@link OtpError#PIN_GUESS_BOUND}
         */
        public Policy build() {
            Native.check(Native.engine().policyCheck(struct));
            return new Policy(struct.clone());
        }
    }
}
