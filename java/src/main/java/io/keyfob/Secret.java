package io.keyfob;

import java.util.Arrays;

/**
 * The secret of an authenticator, of 16 to 64 bytes. {@link #close} overwrites it. Thread-safe.
 *
 * <p>Devices copy it: close it as soon as the device is enrolled.
 *
 * <p>RFC 4226 demands 16 bytes, but some makers ship tokens with 10. Only the methods whose name
 * ends in {@code AllowingShort} take 10 to 15 bytes. Use them for such tokens alone: a short secret
 * is easier to guess from codes that an attacker has seen. {@link DeviceInfo#hasShortSecret} finds
 * these devices later.
 */
public final class Secret implements AutoCloseable {
    private final Guarded<byte[]> bytes;

    /** Takes ownership of the array. */
    private Secret(byte[] bytes) {
        this.bytes = Guarded.forArray("the secret", bytes);
    }

    private interface Fill {
        int fill(byte[] secret, byte[] length);
    }

    /** A secret that the engine writes, of at least {@code minSize} bytes. */
    private static Secret create(int minSize, Fill fill) {
        byte[] room = new byte[Sizes.SECRET_MAX_SIZE];
        try {
            return checked(minSize, written(room, length -> fill.fill(room, length)));
        } finally {
            Arrays.fill(room, (byte) 0);
        }
    }

    /** Takes ownership of the array, and overwrites one of a wrong length. */
    private static Secret checked(int minSize, byte[] bytes) {
        if (bytes.length < minSize || bytes.length > Sizes.SECRET_MAX_SIZE) {
            Arrays.fill(bytes, (byte) 0);
            throw Native.exception(OtpError.SECRET_LENGTH);
        }
        return new Secret(bytes);
    }

    private interface Measure {
        int measure(byte[] length);
    }

    /** The bytes that the engine has written to {@code room}. */
    private static byte[] written(byte[] room, Measure measure) {
        byte[] length = new byte[Sizes.LENGTH_SIZE];
        Native.check(measure.measure(length));
        return Arrays.copyOf(room, (int) Struct.getLong(length, 0));
    }

    /** A device's secret, or the digits of its PIN. */
    static byte[] bytesOf(Memory record) {
        byte[] room = new byte[Sizes.SECRET_MAX_SIZE];
        try {
            return written(room, length -> Native.engine().deviceSecret(record, room, length));
        } finally {
            Arrays.fill(room, (byte) 0);
        }
    }

    /**
     * Draws a secret from the operating system's randomness.
     *
     * @param algorithm the hash of the codes, which sets the length: 20, 32 or 64 bytes
     * @return a secret to be closed
     * @throws OtpException {@link OtpError#RANDOMNESS}
     */
    public static Secret random(Algorithm algorithm) {
        int number = algorithm.number();
        return create(Sizes.SECRET_MIN_SIZE, (secret, length) -> Native.engine().secretRandom(number, secret, length));
    }

    /**
     * Makes a secret of bytes.
     *
     * @param bytes 16 to 64 bytes, which are copied
     * @return a secret to be closed
     * @throws OtpException {@link OtpError#SECRET_LENGTH}
     */
    public static Secret fromBytes(byte[] bytes) {
        return copied(Sizes.SECRET_MIN_SIZE, bytes);
    }

    /**
     * As {@link #fromBytes}, for tokens that were made with a short secret.
     *
     * @param bytes 10 to 64 bytes, which are copied
     * @return a secret to be closed
     * @throws OtpException {@link OtpError#SECRET_LENGTH}
     */
    public static Secret fromBytesAllowingShort(byte[] bytes) {
        return copied(Sizes.SHORT_SECRET_MIN_SIZE, bytes);
    }

    private static Secret copied(int minSize, byte[] bytes) {
        // At most one byte too many: a longer array is as wrong as that.
        return checked(minSize, Arrays.copyOf(bytes, Math.min(bytes.length, Sizes.SECRET_MAX_SIZE + 1)));
    }

    /**
     * Reads a secret in Base32 as people type it: in either case, with blanks and hyphens between
     * groups, with or without padding.
     *
     * @param text the text, which is not changed
     * @return a secret to be closed
     * @throws OtpException {@link OtpError#SECRET_BASE32}, {@link OtpError#SECRET_LENGTH}, {@link
     *         OtpError#LENGTH} for 4096 characters or more
     */
    public static Secret fromBase32(char[] text) {
        return read(Sizes.SECRET_MIN_SIZE, text, Native.engine()::secretFromBase32);
    }

    /**
     * As {@link #fromBase32}, for tokens that were made with a short secret.
     *
     * @param text the text of 10 to 64 bytes, which is not changed
     * @return a secret to be closed
     * @throws OtpException as {@link #fromBase32}
     */
    public static Secret fromBase32AllowingShort(char[] text) {
        return read(Sizes.SHORT_SECRET_MIN_SIZE, text, Native.engine()::secretFromBase32);
    }

    /**
     * Reads a secret in hexadecimal, of either case.
     *
     * @param text the text, which is not changed
     * @return a secret to be closed
     * @throws OtpException {@link OtpError#SECRET_HEX}, {@link OtpError#SECRET_LENGTH}, {@link
     *         OtpError#LENGTH} for 4096 characters or more
     */
    public static Secret fromHex(char[] text) {
        return read(Sizes.SECRET_MIN_SIZE, text, Native.engine()::secretFromHex);
    }

    /**
     * As {@link #fromHex}, for tokens that were made with a short secret.
     *
     * @param text the text of 10 to 64 bytes, which is not changed
     * @return a secret to be closed
     * @throws OtpException as {@link #fromHex}
     */
    public static Secret fromHexAllowingShort(char[] text) {
        return read(Sizes.SHORT_SECRET_MIN_SIZE, text, Native.engine()::secretFromHex);
    }

    private interface Read {
        int read(byte[] text, byte[] secret, byte[] length);
    }

    private static Secret read(int minSize, char[] text, Read read) {
        byte[] terminated = Text.terminated(text);
        try {
            return create(minSize, (secret, length) -> read.read(terminated, secret, length));
        } finally {
            Arrays.fill(terminated, (byte) 0);
        }
    }

    /**
     * Whether it has fewer than 16 bytes.
     *
     * @return true if so
     * @throws IllegalStateException after {@link #close}
     */
    public boolean isShort() {
        return this.<Boolean, RuntimeException>use(secret -> secret.length < Sizes.SECRET_MIN_SIZE);
    }

    /**
     * The bytes.
     *
     * @return a copy, for the caller to overwrite
     * @throws IllegalStateException after {@link #close}
     */
    public byte[] toBytes() {
        return use(byte[]::clone);
    }

    /**
     * The secret in Base32, upper case without padding.
     *
     * @return ASCII, for the caller to overwrite
     * @throws IllegalStateException after {@link #close}
     */
    public char[] toBase32() {
        return write(Native.engine()::secretToBase32, Sizes.BASE32_SIZE);
    }

    /**
     * The secret in lower-case hexadecimal.
     *
     * @return ASCII, for the caller to overwrite
     * @throws IllegalStateException after {@link #close}
     */
    public char[] toHex() {
        return write(Native.engine()::secretToHex, Sizes.HEX_SIZE);
    }

    private interface Write {
        int write(byte[] secret, byte[] text);
    }

    private char[] write(Write write, int size) {
        byte[] text = new byte[size];
        Native.check(this.<Integer, RuntimeException>use(secret -> write.write(secret, text)));
        return Text.take(text, 0, size);
    }

    <T, X extends Exception> T use(Guarded.Use<byte[], T, X> use) throws X {
        return bytes.use(use);
    }

    /** Overwrites the secret. Waits for the call that is using it. */
    @Override
    public void close() {
        bytes.close();
    }

    @Override
    public String toString() {
        return "Secret(..)";
    }
}
