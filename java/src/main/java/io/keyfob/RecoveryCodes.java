package io.keyfob;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The recovery codes of one device, for a user who may lose every other factor. Each is right once.
 * The codes are derived from a secret that is drawn for them alone, so none is stored. Show them
 * once, when they are made. {@link #close} overwrites the secret. Thread-safe.
 *
 * <pre>{@code
 * try (RecoveryCodes codes = RecoveryCodes.random(RecoveryCodes.DEFAULT_COUNT);
 *         OtpDevice device = OtpDevice.recovery(codes, now)) {
 *     table.insert(user, device.toRecord());
 *     for (char[] code : codes.toList()) {
 *         page.show(code); // such as 4ZK2M-81QXV-T0CK
 *         Arrays.fill(code, '\0');
 *     }
 * }
 * }</pre>
 *
 * <p>{@link OtpDevice#verify(Policy, char[], long, Store)} takes them as people type them. To renew
 * them, draw new ones and give their device to {@link OtpDevice#replaceFactor}, which ends the old
 * ones.
 *
 * <p>A code is 64 bits of HMAC-SHA-256, in Crockford's Base32, and a symbol that checks them: the
 * look-up secrets of NIST SP 800-63B-4 section 3.1.2.
 */
public final class RecoveryCodes implements AutoCloseable {
    /** How many codes there are by default. */
    public static final int DEFAULT_COUNT = 10;

    /** The most codes of a device. */
    public static final int MAX_COUNT = Sizes.RECOVERY_CODES_MAX;

    private final Guarded<byte[]> secret;
    private final int count;

    /** Takes ownership of the secret. */
    private RecoveryCodes(byte[] secret, int count) {
        this.secret = Guarded.forArray("the list of recovery codes", secret);
        this.count = count;
    }

    /** The codes of a device's record. */
    static RecoveryCodes fromRecord(Memory record) {
        DeviceInfo info = new DeviceInfo(record);
        if (info.kind() != Kind.RECOVERY) {
            throw Native.exception(OtpError.WRONG_KIND);
        }
        return new RecoveryCodes(Secret.bytesOf(record), info.recoveryCodeCount());
    }

    /**
     * Draws codes from the operating system's randomness.
     *
     * @param count how many, 1 to 64
     * @return a list to be closed
     * @throws OtpException {@link OtpError#RECOVERY_CODE_COUNT}, {@link OtpError#RANDOMNESS}
     */
    public static RecoveryCodes random(int count) {
        try (Secret secret = Secret.random(Algorithm.SHA256)) {
            return fromSecret(secret, count);
        }
    }

    /**
     * The codes of a secret, which is to be kept as they are.
     *
     * @param secret one of 16 to 64 bytes, drawn for these codes alone; it is copied
     * @param count how many, 1 to 64
     * @return a list to be closed
     * @throws OtpException {@link OtpError#RECOVERY_CODE_COUNT}, {@link OtpError#SECRET_LENGTH} for
     *         a short secret
     */
    public static RecoveryCodes fromSecret(Secret secret, int count) {
        RecoveryCodes codes = new RecoveryCodes(secret.toBytes(), count);
        try {
            codes.record(0).close();
            return codes;
        } catch (RuntimeException | Error thrown) {
            codes.close();
            throw thrown;
        }
    }

    /** The record of a device of these codes, to be closed. */
    DeviceRecord record(long now) {
        return secret.use(bytes -> DeviceRecord.create(record -> Native.engine().deviceCreateRecovery(count, bytes, now, record)));
    }

    /**
     * Whether somebody typed a recovery code without an error, by its check symbol. For a form that
     * shows a typing error before it costs a fail. It says nothing of whether the code is right.
     *
     * @param typed the text: in either case, with anything between the symbols that is no letter
     *         and no digit of ASCII, with {@code I} and {@code L} for {@code 1}, {@code O} for
     *         {@code 0} and {@code U} for {@code V}; 64 bytes of UTF-8 at most
     * @return true if so
     */
    public static boolean isWellFormed(char[] typed) {
        byte[] text = Text.answer(typed);
        byte[] wellFormed = new byte[Sizes.NUMBER_SIZE];
        try {
            Native.check(Native.engine().recoveryCodeCheck(text, wellFormed));
            return Struct.getFlag(wellFormed, 0);
        } finally {
            Arrays.fill(text, (byte) 0);
        }
    }

    /**
     * How many codes there are, those that are used up among them.
     *
     * @return 1 to 64
     */
    public int count() {
        return count;
    }

    /**
     * The codes, those that are used up among them. {@link Verdict#matched} is the place of a code
     * in this list.
     *
     * @return texts of 16 characters, such as {@code 4ZK2M-81QXV-T0CK}, for the caller to overwrite
     * @throws IllegalStateException after {@link #close}
     */
    public List<char[]> toList() {
        try (DeviceRecord device = record(0)) {
            List<char[]> codes = new ArrayList<>(count);
            byte[] code = new byte[Sizes.RECOVERY_CODE_SIZE];
            for (int at = 0; at < count; at++) {
                int index = at;
                device.call(record -> Native.engine().deviceRecoveryCode(record, index, code));
                codes.add(Text.take(code, 0, code.length));
            }
            return codes;
        }
    }

    /** Overwrites the secret. Waits for the call that is using it. */
    @Override
    public void close() {
        secret.close();
    }

    @Override
    public String toString() {
        return "RecoveryCodes(..)";
    }
}
