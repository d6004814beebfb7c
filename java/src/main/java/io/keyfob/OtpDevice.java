package io.keyfob;

import java.util.Objects;

/**
 * A device: a user's second factor, with its secret and its history. It holds them in its record
 * until {@link #close}.
 *
 * <pre>{@code
 * try (OtpDevice device = OtpDevice.fromRecord(row.bytes())) {
 *     Store store = (next, revision) -> table.swap(row.id(), revision, next);
 *     return device.verify(policy, typed, now, store).isRight();
 * }
 * }</pre>
 *
 * <p>Thread-safe: calls on one device happen one after another, and {@code close} waits for them.
 * Several threads or machines each read a stored device into an object of their own, and the {@link
 * Store} decides between them.
 *
 * <p>After {@code close} all methods throw {@link IllegalStateException}. A method that throws
 * leaves the device unchanged.
 */
public final class OtpDevice implements AutoCloseable {
    private final DeviceRecord record;

    /** Takes ownership of the record. */
    OtpDevice(DeviceRecord record) {
        this.record = record;
    }

    /** A device whose record the engine writes. */
    private static OtpDevice create(DeviceRecord.Call call) {
        return new OtpDevice(DeviceRecord.create(call));
    }

    /** The record, which stays the device's. */
    DeviceRecord record() {
        return record;
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
        return secret.use(bytes -> create(record -> Native.engine().deviceCreateTotp(parameters.struct(), bytes, now, record)));
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
        return secret.use(bytes -> create(record -> Native.engine().deviceCreateHotp(parameters.struct(), bytes, counter, now, record)));
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
        return secret.use(bytes -> create(record -> Native.engine().deviceCreateSms(parameters.struct(), bytes, now, record)));
    }

    /**
     * Enrols an e-mail address.
     *
     * @param parameters algorithm and digits
     * @param secret one {@linkplain Secret#random drawn} for this device alone; it is copied
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException {@link OtpError#DIGITS}
     */
    public static OtpDevice email(Parameters parameters, Secret secret, long now) {
        return secret.use(bytes -> create(record -> Native.engine().deviceCreateEmail(parameters.struct(), bytes, now, record)));
    }

    /**
     * Enrols a security PIN.
     *
     * @param policy has the shortest length of a PIN
     * @param pin ASCII digits, which are copied
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException {@link OtpError#PIN_LENGTH}, {@link OtpError#PIN_DIGITS}
     */
    public static OtpDevice pin(Policy policy, char[] pin, long now) {
        return new OtpDevice(DeviceRecord.fromPin(policy, pin, now));
    }

    /**
     * Enrols recovery codes, for a user who may lose every other factor.
     *
     * @param codes {@linkplain RecoveryCodes#random drawn} for this device alone; they are copied
     * @param now Unix seconds
     * @return a device to be closed
     */
    public static OtpDevice recovery(RecoveryCodes codes, long now) {
        return new OtpDevice(codes.record(now));
    }

    /**
     * Enrols the authenticator that an {@code otpauth://} URI describes.
     *
     * @param uri the URI, which is not changed; its label may be in any script, unencoded
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException an error of the URI, its secret or its parameters
     */
    public static OtpDevice fromUri(char[] uri, long now) {
        return new OtpDevice(DeviceRecord.fromUri(uri, (text, record) -> Native.engine().uriParse(text, now, record)));
    }

    /**
     * As {@link #fromUri}, for tokens that were made with a short secret: see {@link Secret}.
     *
     * @param uri the URI, which is not changed; its secret may have 10 to 64 bytes
     * @param now Unix seconds
     * @return a device to be closed
     * @throws OtpException as {@link #fromUri}
     */
    public static OtpDevice fromUriAllowingShort(char[] uri, long now) {
        return new OtpDevice(DeviceRecord.fromUri(uri, (text, record) -> Native.engine().uriParseAllowingShort(text, now, record)));
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
        return new OtpDevice(DeviceRecord.fromStored(record));
    }

    /**
     * {@return a copy of the record, of 168 bytes, for storage} It holds the secret in the clear
     * and is for the caller to overwrite.
     */
    public byte[] toRecord() {
        return record.read(Memory::toArray);
    }

    /**
     * The {@code otpauth://} URI that enrols an authenticator for this TOTP or HOTP device, for a
     * QR code. It holds the secret.
     *
     * @param issuer the issuer of the account; may be empty
     * @param account the user's name or address
     * @return ASCII, for the caller to overwrite
     * @throws OtpException {@link OtpError#WRONG_KIND}, {@link OtpError#URI_LABEL}, {@link
     *         OtpError#URI_T0}, {@link OtpError#LENGTH}
     */
    public char[] toUri(String issuer, String account) {
        return record.toUri(issuer, account);
    }

    /** {@return a snapshot of the device, without its secret} */
    public DeviceInfo info() {
        return record.read(DeviceInfo::new);
    }

    /** {@return a copy of the secret, or of a PIN's ASCII digits, for the caller to overwrite} */
    public byte[] secret() {
        return record.read(Secret::bytesOf);
    }

    /**
     * {@return a copy of the recovery codes of this device, to be closed}
     *
     * @throws OtpException {@link OtpError#WRONG_KIND} for other kinds
     */
    public RecoveryCodes recoveryCodes() {
        return record.read(RecoveryCodes::fromRecord);
    }

    /**
     * Judges an answer, and changes the device in place: store {@link #toRecord} before you use the
     * verdict. Where several answers may come at once, {@link #verify(Policy, char[], long, Store)}
     * keeps that order. SMS, e-mail and PIN need a challenge first. One right answer uses it up,
     * also where the policy asks for the whole PIN.
     *
     * <p>An answer consists of ASCII digits only. A blank or a hyphen makes it wrong, and a fail.
     * Remove blanks and hyphens that people type, as in {@code 475 073}. A recovery code alone may
     * have them, as {@link RecoveryCodes#isWellFormed} says.
     *
     * @param policy the server's policy
     * @param answer a code, or a PIN's digits at the positions asked, without blanks and hyphens
     * @param now Unix seconds
     * @return the verdict
     * @throws OtpException {@link OtpError#CLOCK}, {@link OtpError#EXHAUSTED}
     */
    public Verdict verify(Policy policy, char[] answer, long now) {
        return record.verify(policy, answer, now, null);
    }

    /**
     * Judges an answer, has the next record stored, and only then returns the verdict.
     *
     * @param policy the server's policy
     * @param answer a code, or a PIN's digits at the positions asked, without blanks and hyphens
     * @param now Unix seconds
     * @param store stores the next record, if anything changed
     * @return the verdict
     * @throws OtpException {@link OtpError#CLOCK}, {@link OtpError#EXHAUSTED}, {@link
     *         OtpError#STORE_CONFLICT}, {@link OtpError#STORE_FAILED}
     */
    public Verdict verify(Policy policy, char[] answer, long now, Store store) {
        return record.verify(policy, answer, now, Objects.requireNonNull(store, "store"));
    }

    /**
     * Finds an authenticator by two consecutive codes. Counts and locks as {@link #verify(Policy,
     * char[], long)} does, and changes the device in place.
     *
     * <p>HOTP whose counter is ahead: searches the policy's {@link Policy#resyncWindow} from the
     * expected counter. TOTP whose clock is off: searches as many steps before and after the
     * present one, but at most {@link Policy#maxDrift}, and no used step. The device learns the
     * drift of the second code. For TOTP the policy's {@code maxDrift} must be 1 or more.
     *
     * @param policy the server's policy
     * @param first a code, without blanks and hyphens
     * @param second the next one
     * @param now Unix seconds
     * @return the verdict
     * @throws OtpException {@link OtpError#WRONG_KIND}, {@link OtpError#NO_DRIFT} for TOTP if the
     *         policy learns no drift, {@link OtpError#CLOCK}, {@link OtpError#EXHAUSTED}
     */
    public Verdict resync(Policy policy, char[] first, char[] second, long now) {
        return record.resync(policy, first, second, now, null);
    }

    /**
     * Finds an authenticator by two consecutive codes, as {@link #resync(Policy, char[], char[],
     * long)}, has the next record stored, and only then returns the verdict.
     *
     * @param policy the server's policy
     * @param first a code, without blanks and hyphens
     * @param second the next one
     * @param now Unix seconds
     * @param store stores the next record, if anything changed
     * @return the verdict
     * @throws OtpException as {@link #resync(Policy, char[], char[], long)}, and {@link
     *         OtpError#STORE_CONFLICT}, {@link OtpError#STORE_FAILED}
     */
    public Verdict resync(Policy policy, char[] first, char[] second, long now, Store store) {
        return record.resync(policy, first, second, now, Objects.requireNonNull(store, "store"));
    }

    /**
     * Requests a challenge, and changes the device in place: store {@link #toRecord} before you
     * deliver the code. SMS, e-mail: a new code, or the pending code if it is younger than the
     * policy's {@link Policy#codeReuse}. PIN: positions, which stay the same until a right answer.
     *
     * @param policy the server's policy
     * @param now Unix seconds
     * @return a challenge to be closed
     * @throws OtpException {@link OtpError#CLOCK}, {@link OtpError#DISABLED}, {@link
     *         OtpError#LOCKED}, {@link OtpError#THROTTLED}, {@link OtpError#OUTSIDE_VALIDITY},
     *         {@link OtpError#CLOCK_WAS_AHEAD}, {@link OtpError#RANDOMNESS}, {@link
     *         OtpError#EXHAUSTED}
     */
    public Challenge challenge(Policy policy, long now) {
        return record.challenge(policy, now, null);
    }

    /**
     * Requests a challenge, has the next record stored, and only then returns the code.
     *
     * @param policy the server's policy
     * @param now Unix seconds
     * @param store stores the next record, if anything changed
     * @return a challenge to be closed
     * @throws OtpException as {@link #challenge(Policy, long)}, and {@link
     *         OtpError#STORE_CONFLICT}, {@link OtpError#STORE_FAILED}
     */
    public Challenge challenge(Policy policy, long now, Store store) {
        return record.challenge(policy, now, Objects.requireNonNull(store, "store"));
    }

    /**
     * The pending challenge once more, to send its message again. Changes nothing, not even its
     * expiry.
     *
     * @param policy the server's policy
     * @param now Unix seconds
     * @return a challenge to be closed
     * @throws OtpException {@link OtpError#NO_CHALLENGE}, {@link OtpError#WRONG_KIND}, and the
     *         errors of {@link #challenge(Policy, long)}
     */
    public Challenge resend(Policy policy, long now) {
        return record.resend(policy, now);
    }

    /**
     * Sets the status as an administrator, in place. A change from {@link Status#LOCKED} to {@link
     * Status#CREATED} or {@link Status#VALIDATED} unlocks the device. A change from {@link
     * Status#DISABLED} keeps the fails.
     *
     * @param status the new status
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#LOCKED} if it was locked when it was disabled: call
     *         {@link #unlock} first. {@link OtpError#EXHAUSTED}
     */
    public void setStatus(Status status, long now) {
        record.call(bytes -> Native.engine().deviceSetStatus(bytes, status.letter(), now));
    }

    /**
     * Unlocks the device, in place: opens it if it is locked, resets the fails, ends a throttle and
     * a pending code, and forgets a learned drift. Accepts {@code now} even if it is before a time
     * that the device has seen. Used codes stay used: for TOTP that was used while a clock was
     * ahead see {@link #forgetSteps}.
     *
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#EXHAUSTED}
     */
    public void unlock(long now) {
        record.call(bytes -> Native.engine().deviceUnlock(bytes, now));
    }

    /**
     * Repairs TOTP that was used while a clock was ahead ({@link Reason#CLOCK_WAS_AHEAD}): lowers
     * the highest accepted step, in place, to the step of {@code now}. Accepts {@code now} even if
     * it is before a time that the device has seen, and forgets a learned drift. Status, fails and
     * locks stay. The price: an accepted code of a step after {@code now} becomes right once more
     * when its time comes, for anyone who has seen it. Codes of {@code now} and before do not. Call
     * this only on an administrator's decision, with a correct clock, and record that decision.
     *
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#WRONG_KIND} for other kinds, {@link OtpError#CLOCK}
     *         before T0, {@link OtpError#EXHAUSTED}
     */
    public void forgetSteps(long now) {
        record.call(bytes -> Native.engine().deviceForgetSteps(bytes, now));
    }

    /**
     * Sets the validity of this TOTP or HOTP device, in place: the time in which it is usable.
     * Outside of it each attempt is {@link Reason#OUTSIDE_VALIDITY}, and no fail. Token files state
     * these times (RFC 6030 section 5, StartDate and ExpiryDate).
     *
     * @param notBefore the first second, as Unix seconds; 0 for no limit
     * @param notAfter the last second, as Unix seconds; 0 for no limit
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#WRONG_KIND} for other kinds, {@link OtpError#VALIDITY}
     *         if the end is before the start, {@link OtpError#EXHAUSTED}
     */
    public void setValidity(long notBefore, long notAfter, long now) {
        record.call(bytes -> Native.engine().deviceSetValidity(bytes, notBefore, notAfter, now));
    }

    /**
     * Replaces the factor of the device, in place, with that of another device of the same kind:
     * the parameters and the secret, or the PIN, the counter and the validity. Create the other
     * device for this purpose; nothing else of it counts. For a new secret after a change of
     * telephone, a new PIN, new recovery codes, or an authenticator that is enrolled again.
     *
     * <p>Keeps the status, the fails and every lock. Ends a challenge, and forgets a learned drift.
     * The same secret keeps the higher counter and the used recovery codes. TOTP keeps its used
     * steps; under a new secret only those before {@code now}. Never put an earlier secret back.
     *
     * @param from a device of the same kind, which is not changed
     * @param now Unix seconds
     * @throws OtpException {@link OtpError#WRONG_KIND}, {@link OtpError#RECOVERY_CODE_COUNT} for
     *         fewer recovery codes of the same secret, {@link OtpError#EXHAUSTED}
     */
    public void replaceFactor(OtpDevice from, long now) {
        record.replaceFactor(from.record, now);
    }

    /** Overwrites the record. Waits for the call that is using it. Further calls do nothing. */
    @Override
    public void close() {
        record.close();
    }

    @Override
    public String toString() {
        return "OtpDevice(..)";
    }
}
