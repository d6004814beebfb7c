package io.keyfob;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A struct of {@code keyfob.h} that begins with its size, as an array of bytes in the machine's
 * order. The places of its fields stand in the class that reads and writes them; the engine refuses
 * a struct of a wrong size.
 */
final class Struct {
    private Struct() {}

    static byte[] ofSize(int size) {
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
