package io.keyfob;

import java.security.SecureRandom;
import java.util.Arrays;

/** A key under which records are sealed for storage, with the number that tells it from the others in rotation. Thread-safe. */
public final class SealKey implements AutoCloseable {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final int id;
    private final Guarded<byte[]> bytes;

    private SealKey(int id, byte[] bytes) {
        this.id = id;
        this.bytes = Guarded.of("the key", bytes);
    }

    /**
     * A key.
     *
     * @param id its number, which is written into what it seals
     * @param bytes 32 random bytes, which are copied
     * @return a key to be closed
     * @throws IllegalArgumentException if there are not 32 bytes
     */
    public static SealKey of(int id, byte[] bytes) {
        if (bytes.length != Engine.KEY_SIZE) {
            throw new IllegalArgumentException("key: must have 32 bytes");
        }
        return new SealKey(id, bytes.clone());
    }

    /**
     * The number of the key under which something was sealed.
     *
     * @param sealed a sealed record
     * @return the number
     * @throws OtpException {@link OtpError#SEAL_FOREIGN}, {@link OtpError#SEAL_NEWER}
     */
    public static int idOf(byte[] sealed) {
        byte[] id = new byte[Engine.NUMBER_SIZE];
        Native.check(Native.engine().sealedKeyId(OtpDevice.cut(sealed, Engine.SEALED_SIZE), id));
        return Struct.getInt(id, 0);
    }

    /**
     * The number that tells this key from others.
     *
     * @return the number
     */
    public int id() {
        return id;
    }

    /**
     * Seals a device's record for storage, bound to what names the device there, with
     * XChaCha20-Poly1305.
     *
     * @param device the device
     * @param deviceId its name in the store, at most 1024 bytes
     * @return 216 bytes, other ones each time
     * @throws OtpException {@link OtpError#LENGTH}
     */
    public byte[] seal(OtpDevice device, byte[] deviceId) {
        checkLength(deviceId);
        byte[] nonce = new byte[Engine.NONCE_SIZE];
        RANDOM.nextBytes(nonce);
        byte[] sealed = new byte[Engine.SEALED_SIZE];
        // A copy: a store that seals what it stores, within the device's use, would wait for the
        // key, and the key here for the device.
        try (Memory record = device.copy()) {
            Native.check(bytes.<Integer, RuntimeException>use(key -> Native.engine().recordSeal(record, id, key, deviceId, nonce, sealed)));
        }
        return sealed;
    }

    /**
     * Opens what {@link #seal} has sealed.
     *
     * @param sealed the sealed record
     * @param deviceId its name in the store
     * @return a device to be closed
     * @throws OtpException {@link OtpError#SEAL_FOREIGN}, {@link OtpError#SEAL_NEWER}, {@link
     *         OtpError#SEAL_KEY}, {@link OtpError#SEAL_BROKEN}, {@link OtpError#LENGTH}
     */
    public OtpDevice open(byte[] sealed, byte[] deviceId) {
        checkLength(deviceId);
        byte[] stored = OtpDevice.cut(sealed, Engine.SEALED_SIZE);
        return bytes.use(key -> OtpDevice.filled(record -> Native.engine().recordOpen(stored, id, key, deviceId, record)));
    }

    private static void checkLength(byte[] deviceId) {
        if (deviceId.length > Engine.DEVICE_ID_MAX) {
            throw new OtpException(OtpError.LENGTH);
        }
    }

    /** Overwrites the key. Waits for those who are using it. */
    @Override
    public void close() {
        bytes.close();
    }

    @Override
    public String toString() {
        return "SealKey(" + id + ")";
    }
}
