package io.keyfob;

/**
 * Stores the next record of a device, before anybody learns the verdict or the code that belongs to
 * it.
 *
 * <p>Several threads, processes and machines may read the same record and attempt at once. Only a
 * compare and swap keeps them from counting one right code twice and two wrong ones once: of all
 * who read a revision, one stores.
 *
 * <p>A checked exception comes out as the cause of an {@link OtpException} with {@link
 * OtpError#STORE_FAILED}, an unchecked one as it is; the verdict or the code is then lost, and the
 * device stays as it was.
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
     * @param next the record to store: a copy, which belongs to the store. It may keep it; whoever
     *         does not, overwrites it
     * @param revision the {@linkplain DeviceInfo#revision() revision} of the record that was read
     * @return false if the stored record has another revision, and nothing was stored
     * @throws Exception if storing failed
     */
    boolean compareAndSwap(byte[] next, long revision) throws Exception;
}
