package io.keyfob;

/**
 * Stores the next record of a device before its verdict or code is returned.
 *
 * <p>Several threads, processes and machines may read the same record and attempt at once. Only a
 * compare and swap prevents that one right code counts twice, or two wrong codes once: of all
 * readers of a revision, one stores.
 *
 * <p>A checked exception becomes the cause of an {@link OtpException} with {@link
 * OtpError#STORE_FAILED}. An unchecked one is thrown unchanged. In both cases the verdict or the
 * code is lost, and the device stays unchanged.
 */
@FunctionalInterface
public interface Store {
    /**
     * Stores {@code next} if the stored record still has the revision that was read, in one step,
     * and durably.
     *
     * <p>Not called if nothing changed, as on a locked device. Must not use the device that calls
     * it, other than to close it.
     *
     * @param next the record to store: a copy, which belongs to the store. It keeps it or
     *         overwrites it
     * @param revision the {@linkplain DeviceInfo#revision() revision} of the record that was read
     * @return false if the stored record has another revision, and nothing was stored
     * @throws Exception if storing failed
     */
    boolean compareAndSwap(byte[] next, long revision) throws Exception;
}
