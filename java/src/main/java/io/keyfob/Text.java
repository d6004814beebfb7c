package io.keyfob;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Converts texts between Java and the engine. The engine's texts end with a NUL and are ASCII,
 * except the labels of URIs, which are UTF-8.
 */
final class Text {
    /** Replaces characters outside of ASCII. Like them, it is part of no code and no secret. */
    private static final byte FOREIGN = 0x7f;

    /** The most bytes of UTF-8 that a char is encoded in. */
    private static final int UTF8_BYTES_PER_CHAR = 3;

    private Text() {}

    /** An answer as typed. One that is longer than any right answer is cut, and stays wrong. */
    static byte[] answer(char[] typed) {
        return ascii(typed, Math.min(typed.length, Sizes.ANSWER_MAX), 0);
    }

    /** A text, followed by a NUL. */
    static byte[] terminated(char[] text) {
        checkLength(text.length);
        return ascii(text, text.length, 1);
    }

    /**
     * A text in UTF-8, followed by a NUL. Half a surrogate pair or a NUL in the text becomes a
     * character that no URI may contain.
     */
    static byte[] utf8(char[] text) {
        checkLength(text.length);
        byte[] room = new byte[UTF8_BYTES_PER_CHAR * text.length];
        try {
            ByteBuffer to = ByteBuffer.wrap(room);
            CharsetEncoder encoder =
                    StandardCharsets.UTF_8.newEncoder().onMalformedInput(CodingErrorAction.REPLACE).replaceWith(new byte[] {FOREIGN});
            encoder.encode(CharBuffer.wrap(text), to, true);
            encoder.flush(to);
            int length = to.position();
            checkLength(length);
            for (int at = 0; at < length; at++) {
                room[at] = room[at] == 0 ? FOREIGN : room[at];
            }
            return Arrays.copyOf(room, length + 1);
        } finally {
            Arrays.fill(room, (byte) 0);
        }
    }

    /** A text without secrets in UTF-8, followed by a NUL. */
    static byte[] terminated(String text, String name) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(name + ": must not contain a NUL");
        }
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        checkLength(utf8.length);
        return Arrays.copyOf(utf8, utf8.length + 1);
    }

    /** Takes the text from {@code from} up to a NUL, and overwrites it in {@code bytes}. */
    static char[] take(byte[] bytes, int from, int size) {
        int end = from;
        while (end < from + size && bytes[end] != 0) {
            end++;
        }
        char[] text = new char[end - from];
        for (int at = 0; at < text.length; at++) {
            text[at] = (char) (bytes[from + at] & 0xff);
        }
        Arrays.fill(bytes, from, from + size, (byte) 0);
        return text;
    }

    /**
     * Writes a text into a field of a struct. One that is too long becomes an invalid value: its
     * beginning may be a valid one.
     */
    static void put(char[] text, byte[] struct, int at, int size) {
        put(text, text.length, struct, at, size);
    }

    /**
     * Writes a secret in Base32, without the spacing that the engine ignores. So every secret fits,
     * however it is spaced.
     */
    static void putBase32(char[] text, byte[] struct, int at, int size) {
        char[] dense = new char[text.length];
        int length = 0;
        for (char character : text) {
            if (" -\t\r\n".indexOf(character) < 0) {
                dense[length++] = character;
            }
        }
        put(dense, length, struct, at, size);
        Arrays.fill(dense, '\0');
    }

    private static void put(char[] text, int length, byte[] struct, int at, int size) {
        byte[] bytes = ascii(text, Math.min(length, size - 1), 0);
        if (length > bytes.length) {
            bytes[bytes.length - 1] = FOREIGN;
        }
        System.arraycopy(bytes, 0, struct, at, bytes.length);
        Arrays.fill(bytes, (byte) 0);
    }

    private static void checkLength(int length) {
        if (length >= Sizes.TEXT_MAX) {
            throw Native.exception(OtpError.LENGTH);
        }
    }

    /** A text in ASCII, without a NUL. */
    static byte[] ascii(char[] text) {
        return ascii(text, text.length, 0);
    }

    /** Overwrites a text; null is none. */
    static void wipe(char[] text) {
        if (text != null) {
            Arrays.fill(text, '\0');
        }
    }

    /** Whether two secrets are equal, or both null. Takes constant time for a given length. */
    static boolean isSame(char[] one, char[] other) {
        if (one == null || other == null || one.length != other.length) {
            return one == other;
        }
        int difference = 0;
        for (int at = 0; at < one.length; at++) {
            difference |= one[at] ^ other[at];
        }
        return difference == 0;
    }

    /** The first characters of a text, and {@code nuls} bytes behind them. */
    private static byte[] ascii(char[] text, int length, int nuls) {
        byte[] bytes = new byte[length + nuls];
        for (int at = 0; at < length; at++) {
            char character = text[at];
            bytes[at] = character > 0 && character < FOREIGN ? (byte) character : FOREIGN;
        }
        return bytes;
    }
}
