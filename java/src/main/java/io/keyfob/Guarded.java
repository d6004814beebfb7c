package io.keyfob;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Secret bytes, used by one thread at a time and overwritten at the end: who closes them waits until nobody uses them any more.
 *
 * <p>A lock rather than a monitor, which would pin virtual threads while a {@link Store} waits for its database.
 */
final class Guarded implements AutoCloseable {
    /** What is done with the bytes. */
    interface Use<T, X extends Exception> {
        T with(byte[] bytes) throws X;
    }

    private final String name;
    private final ReentrantLock lock = new ReentrantLock();
    private byte[] bytes;

    /** Takes the array over. */
    Guarded(String name, byte[] bytes) {
        this.name = name;
        this.bytes = bytes;
    }

    <T, X extends Exception> T use(Use<T, X> use) throws X {
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
                Arrays.fill(bytes, (byte) 0);
                bytes = null;
            }
        } finally {
            lock.unlock();
        }
    }
}
