package io.keyfob;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Memory that the engine reads and writes in place, in native byte order: a device's record, or a
 * policy. FFM uses an array. JNI uses memory outside of Java's heap, because reading an array there
 * costs a call into the virtual machine and a copy.
 *
 * <p>One thread at a time may use it, unless no thread writes it.
 */
final class Memory implements AutoCloseable {
    /** Bytes outside of the heap, which one record after another may use. */
    static final class Block {
        private final ByteBuffer bytes;
        private final long address;

        /** A direct buffer, and where it is. */
        Block(ByteBuffer bytes, long address) {
            this.bytes = bytes.order(ByteOrder.nativeOrder());
            this.address = address;
        }
    }

    /** Takes a block back, for the next record. */
    interface Pool {
        void release(Block zeros);
    }

    /** A record's number of changes, in little endian, as in every version of the format. */
    private static final int REVISION = 88;

    private final ByteBuffer bytes;
    private final byte[] array;
    private final Block block;
    private final Pool pool;

    /**
     * The native library reads this field. It is 0 after closing, so that the library refuses later
     * use.
     */
    private long address;

    private Memory(byte[] array) {
        bytes = ByteBuffer.wrap(array).order(ByteOrder.nativeOrder());
        this.array = array;
        block = null;
        pool = null;
    }

    private Memory(Block block, Pool pool) {
        bytes = block.bytes;
        array = null;
        this.block = block;
        this.pool = pool;
        address = block.address;
    }

    /** Takes ownership of an array. */
    static Memory forArray(byte[] array) {
        return new Memory(array);
    }

    /** Takes ownership of a block; {@code pool} gets it after closing. */
    static Memory forBlock(Block block, Pool pool) {
        return new Memory(block, pool);
    }

    /** The array itself; null for memory outside of the heap. */
    byte[] array() {
        return array;
    }

    /** Copies another record into this one. */
    void set(Memory record) {
        if (array != null) {
            System.arraycopy(record.array, 0, array, 0, Sizes.RECORD_SIZE);
            return;
        }
        for (int at = 0; at < Sizes.RECORD_SIZE; at += Long.BYTES) {
            bytes.putLong(at, record.bytes.getLong(at));
        }
    }

    /** Keeps a copy of the record at the end of its memory. */
    void save() {
        copy(0, bytes.capacity() - Sizes.RECORD_SIZE);
    }

    /** Makes the record what it was at {@link #save}. */
    void restore() {
        copy(bytes.capacity() - Sizes.RECORD_SIZE, 0);
    }

    private void copy(int from, int to) {
        if (array != null) {
            System.arraycopy(array, from, array, to, Sizes.RECORD_SIZE);
            return;
        }
        for (int at = 0; at < Sizes.RECORD_SIZE; at += Long.BYTES) {
            bytes.putLong(to + at, bytes.getLong(from + at));
        }
    }

    /** A record's revision. */
    long revision() {
        long number = bytes.getLong(REVISION);
        return bytes.order() == ByteOrder.LITTLE_ENDIAN ? number : Long.reverseBytes(number);
    }

    /** A copy of a record as an array, for the caller to overwrite. */
    byte[] toArray() {
        if (array != null) {
            return Arrays.copyOf(array, Sizes.RECORD_SIZE);
        }
        byte[] record = new byte[Sizes.RECORD_SIZE];
        get(0, record);
        return record;
    }

    /** Copies an array to {@code offset}. */
    void put(int offset, byte[] from) {
        put(offset, from, from.length);
    }

    /**
     * Copies the first {@code length} bytes of an array to {@code offset}: eight at a time, since
     * each access is checked.
     */
    void put(int offset, byte[] from, int length) {
        if (array != null) {
            System.arraycopy(from, 0, array, offset, length);
            return;
        }
        ByteBuffer source = ByteBuffer.wrap(from).order(ByteOrder.nativeOrder());
        int at = 0;
        for (; at <= length - Long.BYTES; at += Long.BYTES) {
            bytes.putLong(offset + at, source.getLong(at));
        }
        for (; at < length; at++) {
            bytes.put(offset + at, from[at]);
        }
    }

    /** Fills an array from {@code offset}; its length is a multiple of eight bytes. */
    void get(int offset, byte[] to) {
        ByteBuffer target = ByteBuffer.wrap(to).order(ByteOrder.nativeOrder());
        for (int at = 0; at < to.length; at += Long.BYTES) {
            target.putLong(at, bytes.getLong(offset + at));
        }
    }

    /** Overwrites {@code length} bytes, rounded up to a multiple of eight. */
    void clear(int offset, int length) {
        for (int at = 0; at < length; at += Long.BYTES) {
            bytes.putLong(offset + at, 0);
        }
    }

    /**
     * Overwrites a record and everything behind it. Afterwards the memory may belong to another
     * record.
     */
    @Override
    public void close() {
        if (array != null) {
            Arrays.fill(array, (byte) 0);
            return;
        }
        if (address != 0) {
            clear(0, bytes.capacity());
            address = 0;
            pool.release(block);
        }
    }
}
