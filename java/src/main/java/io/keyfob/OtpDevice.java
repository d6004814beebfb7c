package io.keyfob;

import java.util.Arrays;
import java.util.Objects;

/**
 * A device: a user's second factor, with all that it has seen. It holds the record, which has the
 * secret in it, until {@link #close}.
 *
 * <pre>{@code
 * try (OtpDevice device = OtpDevice.fromRecord(row.bytes())) {
 *     Verdict verdict = device.verify(policy, typed, now, (next, revision) -> table.swap(row.id(), revision, next));
 *     return verdict.isRight();
 * }
 * }</pre>
 *
 * <p>Thread-safe: calls on one device happen one after another, and {@code close} waits for the last. Where the device is stored for several
 * threads or machines, each reads it into an object of its own, and the {@link Store} decides.
 *
 * <p>All methods throw {@link IllegalStateException} after {@code close}, and leave the device as it is when they throw.
 */
public final class OtpDevice implements AutoCloseable {
    private final Guarded<Memory> record;

    /** Takes the record over. */
    private OtpDevice(Memory record) {
        this.record = Guarded.of("the device", record);
    }

    /** A call on a record. */
    interface Fill {
        int fill(Memory record);
    }

    /** A device whose record the engine writes. */
    static OtpDevice filled(Fill fill) {
        Memory record = Memory.record();
        try {
            Native.check(fill.fill(record));
            return new OtpDevice(record);
        } catch (RuntimeException | Error thrown) {
            record.close();
            throw thrown;
        }
    }

    /**
     * Enrols a time-based authenticator.
     *
     * @param parameters algorithm, digits, period and T0
     * @param secret the secret, which is copied
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException {@link OtpError#DIGITS}, {@link OtpError#PERIOD}
     */
    public static OtpDevice totp(Parameters parameters, Secret secret, long now) {
        byte[] struct = parameters.struct();
        return secret.use(bytes -> filled(record -> Native.engine().deviceCreateTotp(struct, bytes, now, record)));
    }

    /**
     * Enrols a counter-based authenticator.
     *
     * @param parameters algorithm and digits
     * @param secret the secret, which is copied
     * @param counter the counter of its next code, an unsigned number: 0 for a fresh one
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException {@link OtpError#DIGITS}
     */
    public static OtpDevice hotp(Parameters parameters, Secret secret, long counter, long now) {
        byte[] struct = parameters.struct();
        return secret.use(bytes -> filled(record -> Native.engine().deviceCreateHotp(struct, bytes, counter, now, record)));
    }

    /**
     * Enrols a telephone.
     *
     * @param parameters algorithm and digits
     * @param secret one {@linkplain Secret#random drawn} for this device alone; it is copied
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException {@link OtpError#DIGITS}
     */
    public static OtpDevice sms(Parameters parameters, Secret secret, long now) {
        byte[] struct = parameters.struct();
        return secret.use(bytes -> filled(record -> Native.engine().deviceCreateSms(struct, bytes, now, record)));
    }

    /**
     * Enrols an e-mail address. Otherwise as {@link #sms}.
     *
     * @param parameters algorithm and digits
     * @param secret one {@linkplain Secret#random drawn} for this device alone; it is copied
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException {@link OtpError#DIGITS}
     */
    public static OtpDevice email(Parameters parameters, Secret secret, long now) {
        byte[] struct = parameters.struct();
        return secret.use(bytes -> filled(record -> Native.engine().deviceCreateEmail(struct, bytes, now, record)));
    }

    /**
     * Enrols a security PIN.
     *
     * @param policy says how long it must be
     * @param pin ASCII digits, which are copied
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException {@link OtpError#PIN_LENGTH}, {@link OtpError#PIN_DIGITS}
     */
    public static OtpDevice pin(Policy policy, char[] pin, long now) {
        byte[] digits = Text.answer(pin);
        try {
            return filled(record -> Native.engine().deviceCreatePin(policy.struct(), digits, now, record));
        } finally {
            Arrays.fill(digits, (byte) 0);
        }
    }

    /**
     * Enrols the authenticator that an {@code otpauth://} URI describes.
     *
     * @param uri the URI, which is not changed; in its label other characters than ASCII may stand
     *         as they are
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException an error of the URI, its secret or its parameters
     */
    public static OtpDevice fromUri(char[] uri, long now) {
        byte[] text = Text.utf8(uri);
        try {
            return filled(record -> Native.engine().uriParse(text, now, record));
        } finally {
            Arrays.fill(text, (byte) 0);
        }
    }

    /**
     * Reads a device from storage.
     *
     * @param record the bytes of {@link #toRecord}, which are copied
     * @return a device to be closed
     * @throws OtpException {@link OtpError#RECORD_LENGTH}, {@link OtpError#RECORD_FOREIGN}, {@link
     *         OtpError#RECORD_NEWER}, {@link OtpError#RECORD_DAMAGED}
     */
    public static OtpDevice fromRecord(byte[] record) {
        byte[] stored = cut(record, Engine.RECORD_SIZE);
        try {
            return filled(read -> Native.engine().recordRead(stored, read));
        } finally {
            Arrays.fill(stored, (byte) 0);
        }
    }

    /** A copy of at most one byte more than is right: what is longer is as wrong as that. */
    static byte[] cut(byte[] stored, int right) {
        return Arrays.copyOf(stored, Math.min(stored.length, right + 1));
    }

    /** Another device that is the same. */
    OtpDevice duplicate() {
        return new OtpDevice(copy());
    }

    /** A copy of the record, to be closed. */
    Memory copy() {
        return record.use(Memory::copy);
    }

    /** Lets the engine read the record, or change it in place. */
    int onRecord(Fill call) {
        return record.<Integer, RuntimeException>use(call::fill);
    }

    /**
     * The record, for storage. It holds the secret in the clear.
     *
     * @return a copy of 168 bytes, for the caller to overwrite
     */
    public byte[] toRecord() {
        return record.use(Memory::toArray);
    }

    /**
     * The {@code otpauth://} URI that enrols an authenticator for this TOTP or HOTP device, for a
     * QR code. It holds the secret.
     *
     * @param issuer who issues it; may be empty
     * @param account whose it is
     * @return ASCII, for the caller to overwrite
     * @throws OtpException {@link OtpError#WRONG_KIND}, {@link OtpError#URI_LABEL}, {@link
     *         OtpError#URI_T0}, {@link OtpError#LENGTH}
     */
    public char[] uri(String issuer, String account) {
        byte[] by = Text.terminated(issuer, "issuer");
        byte[] to = Text.terminated(account, "account");
        byte[] text = new byte[Engine.URI_SIZE];
        byte[] length = new byte[Engine.LENGTH_SIZE];
        Native.check(onRecord(bytes -> Native.engine().uriWrite(bytes, by, to, text, length)));
        return Text.take(text, 0, (int) Struct.getLong(length, 0));
    }

    /**
     * What there is to see of the device.
     *
     * @return a snapshot
     */
    public DeviceInfo info() {
        return record.use(DeviceInfo::new);
    }

    /**
     * The secret, or a PIN's ASCII digits.
     *
     * @return a copy, for the caller to overwrite
     */
    public byte[] secret() {
        return record.use(Secret::ofDevice);
    }

    /** The engine changes the record, and fills the struct of the answer. */
    private interface Attempt {
        int make(Memory record, byte[] answer);
    }

    /** Makes an attempt in place, if {@code store} is null; otherwise its answer comes out only when the next record is stored. */
    private byte[] attempt(byte[] answer, Attempt attempt, Store store) {
        return record.<byte[], RuntimeException>use(read -> {
            if (store == null) {
                Native.check(attempt.make(read, answer));
                return answer;
            }
            try (Memory next = read.copy()) {
                Native.check(attempt.make(next, answer));
                if (!next.isLike(read)) {
                    store(store, next, new DeviceInfo(read).revision());
                }
                // The store may have closed the device.
                if (!record.isClosed()) {
                    read.set(next);
                }
                return answer.clone();
            } finally {
                Arrays.fill(answer, (byte) 0);
            }
        });
    }

    private Verdict judged(Attempt attempt, Store store) {
        return Verdict.of(attempt(Verdict.struct(), attempt, store));
    }

    private Challenge asked(Attempt attempt, Store store) {
        return Challenge.of(attempt(Challenge.struct(), attempt, store));
    }

    private static void store(Store store, Memory next, long revision) {
        boolean isStored;
        try {
            isStored = store.compareAndSwap(next.toArray(), revision);
        } catch (RuntimeException unchecked) {
            throw unchecked;
        } catch (Exception cause) {
            if (cause instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            throw new OtpException(OtpError.STORE_FAILED, cause);
        }
        if (!isStored) {
            throw new OtpException(OtpError.STORE_CONFLICT);
        }
    }

    /**
     * Judges an answer, and changes the device in place: store {@link #toRecord} before you tell
     * anybody the verdict. Where several may answer at once, {@link #verify(Policy, char[], long,
     * Store)} keeps that order. SMS, e-mail and PIN want a challenge first, which one right answer
     * uses up, also where the policy asks for the whole PIN.
     *
     * <p>An answer is its ASCII digits and nothing else. A blank or a hyphen makes it wrong and a
     * fail, so take out those that people type, as in {@code 475 073}.
     *
     * @param policy the server's choices
     * @param answer a code, or a PIN's digits at the positions asked, without blanks and hyphens
     * @param now Unix seconds
     * @return the verdict
     * @throws OtpException {@link OtpError#CLOCK}, {@link OtpError#EXHAUSTED}
     */
    public Verdict verify(Policy policy, char[] answer, long now) {
        return judge(policy, answer, now, null);
    }

    /**
     * Judges an answer, has the next record stored, and only then tells the verdict.
     *
     * @param policy the server's choices
     * @param answer a code, or a PIN's digits at the positions asked, without blanks and hyphens
     * @param now Unix seconds
     * @param store takes the next record, if anything changed
     * @return the verdict
     * @throws OtpException {@link OtpError#CLOCK}, {@link OtpError#EXHAUSTED}, {@link
     *         OtpError#STORE_CONFLICT}, {@link OtpError#STORE_FAILED}
     */
    public Verdict verify(Policy policy, char[] answer, long now, Store store) {
        return judge(policy, answer, now, Objects.requireNonNull(store, "store"));
    }

    private Verdict judge(Policy policy, char[] answer, long now, Store store) {
        Memory choices = policy.memory();
        byte[] typed = Text.answer(answer);
        try {
            return judged((bytes, verdict) -> Native.engine().deviceVerify(bytes, choices, typed, now, verdict), store);
        } finally {
            Arrays.fill(typed, (byte) 0);
        }
    }

    /**
     * Finds a HOTP authenticator that has run ahead, by two codes in a row, over the policy's
     * resync window. Counts and locks as {@link #verify(Policy, char[], long)} does, and changes
     * the device in place.
     *
     * @param policy the server's choices
     * @param first a code, without blanks and hyphens
     * @param second the next one
     * @param now Unix seconds
     * @return the verdict
     * @throws OtpException {@link OtpError#WRONG_KIND}, {@link OtpError#CLOCK}, {@link
     *         OtpError#EXHAUSTED}
     */
    public Verdict resync(Policy policy, char[] first, char[] second, long now) {
        return find(policy, first, second, now, null);
    }

    /**
     * Finds a HOTP authenticator that has run ahead, has the next record stored, and only then
     * tells the verdict.
     *
     * @param policy the server's choices
     * @param first a code, without blanks and hyphens
     * @param second the next one
     * @param now Unix seconds
     * @param store takes the next record, if anything changed
     * @return the verdict
     * @throws OtpException {@link OtpError#WRONG_KIND}, {@link OtpError#CLOCK}, {@link
     *         OtpError#EXHAUSTED}, {@link OtpError#STORE_CONFLICT}, {@link OtpError#STORE_FAILED}
     */
    public Verdict resync(Policy policy, char[] first, char[] second, long now, Store store) {
        return find(policy, first, second, now, Objects.requireNonNull(store, "store"));
    }

    private Verdict find(Policy policy, char[] first, char[] second, long now, Store store) {
        byte[] struct = policy.struct();
        byte[] one = Text.answer(first);
        byte[] two = Text.answer(second);
        try {
            return judged((bytes, verdict) -> Native.engine().deviceResync(bytes, struct, one, two, now, verdict), store);
        } finally {
            Arrays.fill(one, (byte) 0);
            Arrays.fill(two, (byte) 0);
        }
    }

    /**
     * Requests a challenge, and changes the device in place: store {@link #toRecord} before you
     * deliver the code. SMS, e-mail: a new code, or the pending one if it is younger than the
     * policy's time of reuse. PIN: positions, which stay until answered rightly.
     *
     * @param policy the server's choices
     * @param now Unix seconds
     * @return a challenge to be closed
     * @throws OtpException {@link OtpError#CLOCK}, {@link OtpError#DISABLED}, {@link
     *         OtpError#LOCKED}, {@link OtpError#THROTTLED}, {@link OtpError#CLOCK_WAS_AHEAD},
     *         {@link OtpError#RANDOMNESS}, {@link OtpError#EXHAUSTED}
     */
    public Challenge challenge(Policy policy, long now) {
        return request(policy, now, null);
    }

    /**
     * Requests a challenge, has the next record stored, and only then tells the code.
     *
     * @param policy the server's choices
     * @param now Unix seconds
     * @param store takes the next record, if anything changed
     * @return a challenge to be closed
     * @throws OtpException as {@link #challenge(Policy, long)}, and {@link
     *         OtpError#STORE_CONFLICT}, {@link OtpError#STORE_FAILED}
     */
    public Challenge challenge(Policy policy, long now, Store store) {
        return request(policy, now, Objects.requireNonNull(store, "store"));
    }

    private Challenge request(Policy policy, long now, Store store) {
        byte[] struct = policy.struct();
        return asked((bytes, challenge) -> Native.engine().deviceChallenge(bytes, struct, now, challenge), store);
    }

    /**
     * The pending challenge once more, for sending a message again: nothing changes, its expiry
     * included.
     *
     * @param policy the server's choices
     * @param now Unix seconds
     * @return a challenge to be closed
     * @throws OtpException {@link OtpError#NO_CHALLENGE}, {@link OtpError#WRONG_KIND}, and those of
     *         {@link #challenge(Policy, long)}
     */
    public Challenge resend(Policy policy, long now) {
        byte[] struct = policy.struct();
        return asked((bytes, challenge) -> Native.engine().deviceResend(bytes, struct, now, challenge), null);
    }

    /**
     * Sets the status as an administrator, in place. Leaving {@link Status#LOCKED} for an open one
     * is an unlocking; leaving {@link Status#DISABLED} keeps the fails.
     *
     * @param status the new status
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#LOCKED} if it was locked when it was disabled: unlock it
     *         first. {@link OtpError#EXHAUSTED}
     */
    public void setStatus(Status status, long now) {
        Native.check(onRecord(bytes -> Native.engine().deviceSetStatus(bytes, status.letter(), now)));
    }

    /**
     * Resets the fails, in place, ends a throttle and a pending code, forgets a learned drift, and
     * opens the device if it is locked. Takes {@code now} for true, even if it lies before what the
     * device has seen. No code used before becomes right by it: for TOTP that was used while a
     * clock was ahead see {@link #forgetSteps}.
     *
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#EXHAUSTED}
     */
    public void unlock(long now) {
        Native.check(onRecord(bytes -> Native.engine().deviceUnlock(bytes, now)));
    }

    /**
     * The way back for TOTP that was used while a clock was ahead ({@link Reason#CLOCK_WAS_AHEAD}):
     * takes the highest accepted step down, in place, to that of {@code now}, if it lies beyond.
     * Takes {@code now} for true, and forgets a learned drift; status, fails and locks stay.
     *
     * <p>The price: codes of steps after {@code now} that were accepted already are right once more
     * when their time comes, for anyone who has seen them; nothing of {@code now} or before is.
     * Call it only on an administrator's word, with a clock that is right, and record that.
     *
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#WRONG_KIND} for other kinds, {@link OtpError#CLOCK}
     *         before T0, {@link OtpError#EXHAUSTED}
     */
    public void forgetSteps(long now) {
        Native.check(onRecord(bytes -> Native.engine().deviceForgetSteps(bytes, now)));
    }

    /**
     * Gives the device, in place, another factor of its kind: the parameters and the secret, or the
     * PIN, and the counter of a device that was created for that, and of which nothing else counts.
     * For a fresh secret after a change of telephone, a new PIN, an authenticator enrolled again.
     *
     * <p>Keeps the status, the fails and every lock; a pending challenge ends, and learned drift is
     * forgotten. The same secret keeps the higher counter; TOTP keeps the time that is used up,
     * under a new secret no more than that before {@code now}. Never give it a secret that it had
     * before its present one.
     *
     * @param from a device of the same kind, which is not changed
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#WRONG_KIND}, {@link OtpError#EXHAUSTED}
     */
    public void replaceFactor(OtpDevice from, long now) {
        // A copy: two threads that hold a device each, and wait for the other's, would wait for
        // ever.
        try (Memory other = from.copy()) {
            Native.check(onRecord(bytes -> Native.engine().deviceReplaceFactor(bytes, other, now)));
        }
    }

    /** Overwrites the record. Waits for those who are using it; further calls change nothing. */
    @Override
    public void close() {
        record.close();
    }

    @Override
    public String toString() {
        return "OtpDevice(..)";
    }
}
