package io.keyfob;

/**
 * Stores the next record of a device, before anybody learns the verdict or the code that belongs to it.
 *
 * <p>Several threads, processes and machines may read the same record and attempt at once. Only a compare and swap keeps them from counting
 * one right code twice and two wrong ones once: of all who read a revision, one stores.
 *
 * @param <X> what storing may throw; it goes to the caller as it is, and the verdict is then lost
 */
@FunctionalInterface
public interface Store<X extends Exception> {
    /**
     * Stores {@code next} if the stored record still has the revision that was read, in one step, and durably.
     *
     * <p>Not called if nothing changed, as on a locked device. Must not use the device that calls it, other than to close it.
     *
     * @param next the record to store, valid during the call only: it is overwritten afterwards
     * @param revision the {@linkplain DeviceInfo#revision() revision} of the record that was read
     * @return false if the stored record has another revision, and nothing was stored
     * @throws X if storing failed
     */
    boolean compareAndSwap(byte[] next, long revision) throws X;
}
