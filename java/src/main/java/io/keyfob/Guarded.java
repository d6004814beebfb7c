package io.keyfob;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Secret bytes behind a lock. One thread at a time uses them, and closing waits for that use and
 * then overwrites them.
 *
 * <p>A lock rather than a monitor, which would pin virtual threads while a {@link Store} waits for
 * its database.
 */
final class Guarded<B> implements AutoCloseable {
    /** A use of the bytes. */
    interface Use<B, T, X extends Exception> {
        T apply(B bytes) throws X;
    }

    private final String name;
    private final ReentrantLock lock = new ReentrantLock();
    private final Consumer<B> overwrite;
    private B bytes;

    private Guarded(String name, B bytes, Consumer<B> overwrite) {
        this.name = name;
        this.bytes = bytes;
        this.overwrite = overwrite;
    }

    /** Takes ownership of an array. */
    static Guarded<byte[]> forArray(String name, byte[] bytes) {
        return new Guarded<>(name, bytes, array -> Arrays.fill(array, (byte) 0));
    }

    /** Takes ownership of a device's record. */
    static Guarded<Memory> forMemory(String name, Memory record) {
        return new Guarded<>(name, record, Memory::close);
    }

    <T, X extends Exception> T use(Use<B, T, X> use) throws X {
        lock.lock();
        try {
            if (lock.getHoldCount() > 1) {
                throw new IllegalStateException(name + " is in use by the store that was called");
            }
            if (bytes == null) {
                throw new IllegalStateException(name + " is closed");
            }
            return use.apply(bytes);
        } finally {
            lock.unlock();
        }
    }

    /** Whether it is closed. For a use whose callback may have closed it. */
    boolean isClosed() {
        return bytes == null;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (bytes != null) {
                B open = bytes;
                bytes = null;
                overwrite.accept(open);
            }
        } finally {
            lock.unlock();
        }
    }
}
