package io.keyfob;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the engine reads and writes where it is, in the machine's order: a device's record, or a
 * policy. For FFM an array, which C works on in place; for JNI, where to read an array costs a call
 * into the virtual machine and a copy, a piece of memory outside of Java's heap.
 *
 * <p>Used by one thread at a time, unless nobody writes it.
 */
final class Memory implements AutoCloseable {
    private final ByteBuffer bytes;
    private final byte[] array;

    /** The native library of JNI reads it; 0 once it is closed, so that it refuses what is used too late. */
    private long address;

    private Memory(ByteBuffer bytes, byte[] array, long address) {
        this.bytes = bytes.order(ByteOrder.nativeOrder());
        this.array = array;
        this.address = address;
    }

    /** Takes an array over. */
    static Memory of(byte[] array) {
        return new Memory(ByteBuffer.wrap(array), array, 0);
    }

    /** Takes a direct buffer over, which lies at {@code address}. */
    static Memory of(ByteBuffer bytes, long address) {
        return new Memory(bytes, null, address);
    }

    /** Zeros, in place of which the engine writes a record; to be closed. */
    static Memory record() {
        return Native.engine().record();
    }

    byte[] array() {
        return array;
    }

    /** A copy of a record, to be closed. */
    Memory copy() {
        Memory copy = record();
        copy.set(this);
        return copy;
    }

    /** Makes this record the same as another. */
    void set(Memory record) {
        for (int at = 0; at < Engine.RECORD_SIZE; at += Long.BYTES) {
            bytes.putLong(at, record.bytes.getLong(at));
        }
    }

    /** Whether this record is the same as another. */
    boolean isLike(Memory record) {
        long difference = 0;
        for (int at = 0; at < Engine.RECORD_SIZE; at += Long.BYTES) {
            difference |= bytes.getLong(at) ^ record.bytes.getLong(at);
        }
        return difference == 0;
    }

    /** A copy of a record as an array, for the caller to overwrite. */
    byte[] toArray() {
        byte[] record = new byte[Engine.RECORD_SIZE];
        get(0, record);
        return record;
    }

    /** Copies an array to this place: eight bytes at a time, since each access is checked. */
    void put(int place, byte[] from) {
        ByteBuffer source = ByteBuffer.wrap(from).order(ByteOrder.nativeOrder());
        int at = 0;
        for (; at <= from.length - Long.BYTES; at += Long.BYTES) {
            bytes.putLong(place + at, source.getLong(at));
        }
        for (; at < from.length; at++) {
            bytes.put(place + at, from[at]);
        }
    }

    /** Fills an array, of whole longs, from this place on. */
    void get(int place, byte[] to) {
        ByteBuffer target = ByteBuffer.wrap(to).order(ByteOrder.nativeOrder());
        for (int at = 0; at < to.length; at += Long.BYTES) {
            target.putLong(at, bytes.getLong(place + at));
        }
    }

    /** Overwrites so many bytes, and the rest of the last long. */
    void clear(int place, int length) {
        for (int at = 0; at < length; at += Long.BYTES) {
            bytes.putLong(place + at, 0);
        }
    }

    /** Overwrites a record, with all that stands behind it. Its bytes may be another's from now on. */
    @Override
    public void close() {
        long free = address;
        if (array == null && free == 0) {
            return;
        }
        clear(0, bytes.capacity());
        address = 0;
        if (array == null) {
            Native.engine().release(of(bytes, free));
        }
    }
}
