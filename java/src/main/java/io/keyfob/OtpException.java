package io.keyfob;

/**
 * The engine refused a call, and nothing was changed. The message is the engine's: it names the
 * parameter and what it may be, in English, and never holds a secret.
 */
public final class OtpException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The engine's number. */
    private final int number;

    OtpException(int number) {
        super(Native.engine().resultMessage(number));
        this.number = number;
    }

    OtpException(OtpError error) {
        this(error.number());
    }

    OtpException(OtpError error, Throwable cause) {
        this(error.number());
        initCause(cause);
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
     * What was refused.
     *
     * @return the error of {@link #number()}
     */
    public OtpError error() {
        return OtpError.of(number);
    }

    /**
     * Whether the {@link Store} held another revision than the one that was read: read the record
     * again, and try again.
     *
     * @return true for {@link OtpError#STORE_CONFLICT}
     */
    public boolean isConflict() {
        return error() == OtpError.STORE_CONFLICT;
    }
}
