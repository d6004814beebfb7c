package io.keyfob;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A struct of {@code keyfob.h} as an array in native byte order, beginning with its size. The
 * offsets of the fields are constants of the class that reads and writes them. The engine refuses a
 * struct of a wrong size.
 */
final class Struct {
    private Struct() {}

    /** An empty struct: zeros after its size. */
    static byte[] create(int size) {
        byte[] struct = new byte[size];
        putInt(struct, 0, size);
        return struct;
    }

    static int getInt(byte[] struct, int at) {
        return buffer(struct).getInt(at);
    }

    static long getLong(byte[] struct, int at) {
        return buffer(struct).getLong(at);
    }

    static boolean getFlag(byte[] struct, int at) {
        return getInt(struct, at) == 1;
    }

    static void putInt(byte[] struct, int at, int value) {
        buffer(struct).putInt(at, value);
    }

    static void putLong(byte[] struct, int at, long value) {
        buffer(struct).putLong(at, value);
    }

    private static ByteBuffer buffer(byte[] struct) {
        return ByteBuffer.wrap(struct).order(ByteOrder.nativeOrder());
    }
}
