package io.keyfob;

/** The state of a device. */
public enum Status {
    /** {@code C}: created, without a right answer so far. */
    CREATED('C'),
    /** {@code V}: validated by a right answer. */
    VALIDATED('V'),
    /** {@code L}: locked after too many fails. */
    LOCKED('L'),
    /** {@code D}: disabled. */
    DISABLED('D');

    private final char letter;

    Status(char letter) {
        this.letter = letter;
    }

    /**
     * The letter of the status, as in the column {@code OTP_STATUS}.
     *
     * @return {@code C}, {@code V}, {@code L} or {@code D}
     */
    public char letter() {
        return letter;
    }

    /**
     * The status of a letter.
     *
     * @param letter {@code C}, {@code V}, {@code L} or {@code D}
     * @return the status
     * @throws OtpException {@link OtpError#STATUS} for any other
     */
    public static Status fromLetter(char letter) {
        for (Status status : values()) {
            if (status.letter == letter) {
                return status;
            }
        }
        throw Native.exception(OtpError.STATUS);
    }
}
