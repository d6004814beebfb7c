package io.keyfob;

/**
 * The engine refused a call and changed nothing. The message is the engine's, in English. It names
 * the parameter and its valid values, and never contains a secret.
 */
public final class OtpException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The engine's number. */
    private final int number;

    OtpException(int number, String message) {
        super(message);
        this.number = number;
    }

    /**
     * The engine's number, as in {@code keyfob.h}.
     *
     * @return a positive number
     */
    public int number() {
        return number;
    }

    /**
     * The engine's error.
     *
     * @return the error of {@link #number()}; {@link OtpError#UNKNOWN} for one of a newer engine
     */
    public OtpError error() {
        return OtpError.fromNumber(number);
    }

    /**
     * Whether the {@link Store} held another revision than the record that was read. Then read the
     * record again and retry.
     *
     * @return true for {@link OtpError#STORE_CONFLICT}
     */
    public boolean isConflict() {
        return error() == OtpError.STORE_CONFLICT;
    }
}
