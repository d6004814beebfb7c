package io.keyfob;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Secret bytes, used by one thread at a time and overwritten at the end: who closes them waits
 * until nobody uses them any more.
 *
 * <p>A lock rather than a monitor, which would pin virtual threads while a {@link Store} waits for
 * its database.
 */
final class Guarded<B> implements AutoCloseable {
    /** What is done with the bytes. */
    interface Use<B, T, X extends Exception> {
        T with(B bytes) throws X;
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

    /** Takes an array over. */
    static Guarded<byte[]> of(String name, byte[] bytes) {
        return new Guarded<>(name, bytes, array -> Arrays.fill(array, (byte) 0));
    }

    /** Takes a device's record over. */
    static Guarded<Memory> of(String name, Memory record) {
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
            return use.with(bytes);
        } finally {
            lock.unlock();
        }
    }

    /** Whether it was closed; asked from within a use, which may have called something that closes. */
    boolean isClosed() {
        return bytes == null;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (bytes != null) {
                B last = bytes;
                bytes = null;
                overwrite.accept(last);
            }
        } finally {
            lock.unlock();
        }
    }
}
