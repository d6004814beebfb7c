package io.keyfob;

import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Objects;

/**
 * A key that seals records for storage, with a number that identifies it in a rotation of keys.
 * Thread-safe.
 */
public final class SealKey implements AutoCloseable {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final int id;
    private final SealCipher cipher;
    private final Guarded<byte[]> bytes;

    private SealKey(int id, SealCipher cipher, byte[] bytes) {
        this.id = id;
        this.cipher = cipher;
        this.bytes = Guarded.forArray("the key", bytes);
    }

    /**
     * Makes a key of bytes that seals with {@link SealCipher#XCHACHA20_POLY1305}.
     *
     * @param id its number, which each sealed record contains
     * @param bytes 32 random bytes, which are copied
     * @return a key to be closed
     * @throws IllegalArgumentException if there are not 32 bytes
     */
    public static SealKey fromBytes(int id, byte[] bytes) {
        return fromBytes(id, SealCipher.XCHACHA20_POLY1305, bytes);
    }

    /**
     * Makes a key of bytes.
     *
     * @param id its number, which each sealed record contains
     * @param cipher how it seals
     * @param bytes 32 random bytes, which are copied
     * @return a key to be closed
     * @throws IllegalArgumentException if there are not 32 bytes
     */
    public static SealKey fromBytes(int id, SealCipher cipher, byte[] bytes) {
        Objects.requireNonNull(cipher, "cipher");
        if (bytes.length != Sizes.SEAL_KEY_SIZE) {
            throw new IllegalArgumentException("key: must have 32 bytes");
        }
        return new SealKey(id, cipher, bytes.clone());
    }

    /**
     * The number of the key of a sealed record.
     *
     * @param sealed a sealed record
     * @return the number
     * @throws OtpException {@link OtpError#SEAL_FOREIGN}, {@link OtpError#SEAL_NEWER}
     */
    public static int idOf(byte[] sealed) {
        byte[] id = new byte[Sizes.NUMBER_SIZE];
        Native.check(Native.engine().sealedKeyId(DeviceRecord.cut(sealed, Sizes.SEALED_SIZE), id));
        return Struct.getInt(id, 0);
    }

    /**
     * The number of this key.
     *
     * @return the number
     */
    public int id() {
        return id;
    }

    /**
     * Seals a device's record for storage, bound to the device's name in the store.
     *
     * @param device the device
     * @param deviceId its name in the store, at most 1024 bytes
     * @return 216 bytes, different each time
     * @throws OtpException {@link OtpError#LENGTH}
     */
    public byte[] seal(OtpDevice device, byte[] deviceId) {
        checkLength(deviceId);
        byte[] nonce = new byte[Sizes.SEAL_NONCE_SIZE];
        RANDOM.nextBytes(nonce);
        byte[] sealed = new byte[Sizes.SEALED_SIZE];
        // A copy: a store that seals the record while the device is in use would wait for the key,
        // and this call for the device.
        try (Memory record = device.record().copy()) {
            Native.check(bytes.<Integer, RuntimeException>use(key -> cipher == SealCipher.XAES_256_GCM
                    ? Native.engine().recordSealXaes256Gcm(record, id, key, deviceId, nonce, sealed)
                    : Native.engine().recordSeal(record, id, key, deviceId, nonce, sealed)));
        }
        return sealed;
    }

    /**
     * Opens a sealed record, whichever cipher sealed it.
     *
     * @param sealed the sealed record
     * @param deviceId its name in the store
     * @return a device to be closed
     * @throws OtpException {@link OtpError#SEAL_FOREIGN}, {@link OtpError#SEAL_NEWER}, {@link
     *         OtpError#SEAL_KEY_ID}, {@link OtpError#SEAL_BROKEN}, {@link OtpError#LENGTH}
     */
    public OtpDevice open(byte[] sealed, byte[] deviceId) {
        checkLength(deviceId);
        byte[] stored = DeviceRecord.cut(sealed, Sizes.SEALED_SIZE);
        return bytes.use(key -> new OtpDevice(DeviceRecord.create(record -> Native.engine().recordOpen(stored, id, key, deviceId, record))));
    }

    private static void checkLength(byte[] deviceId) {
        if (deviceId.length > Sizes.DEVICE_ID_MAX) {
            throw Native.exception(OtpError.LENGTH);
        }
    }

    /** Overwrites the key. Waits for the call that is using it. */
    @Override
    public void close() {
        bytes.close();
    }

    @Override
    public String toString() {
        return "SealKey(" + id + ")";
    }
}
