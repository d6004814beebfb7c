package io.keyfob;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Texts between Java and the engine, whose texts end with a NUL and are ASCII, but for labels of URIs: those are UTF-8. */
final class Text {
    /** No answer that can be right is longer: a PIN has at most 64 digits. */
    private static final int ANSWER_MAX = 65;

    /** So many bytes hold any answer, in whole longs. */
    static final int ANSWER_ROOM = 72;

    /** What is not ASCII is no part of any code or secret, and neither is this. */
    private static final byte FOREIGN = 0x7f;

    /** So many bytes of UTF-8 one char makes at most. */
    private static final int MOST_BYTES = 3;

    private Text() {}

    /** An answer as it was typed. What is longer than any right answer is cut to one byte more than that: as wrong as before. */
    static byte[] answer(char[] typed) {
        return ascii(typed, Math.min(typed.length, ANSWER_MAX), 0);
    }

    /** A text with a NUL behind it. */
    static byte[] terminated(char[] text) {
        checkLength(text.length);
        return ascii(text, text.length, 1);
    }

    /** The UTF-8 of a text, with a NUL behind it. What is none, half a surrogate pair or a NUL, becomes a character that no URI may hold. */
    static byte[] utf8(char[] text) {
        checkLength(text.length);
        byte[] room = new byte[MOST_BYTES * text.length];
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

    /** The UTF-8 of a text that is no secret, with a NUL behind it. */
    static byte[] terminated(String text, String name) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(name + ": has a NUL in it");
        }
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        checkLength(utf8.length);
        return Arrays.copyOf(utf8, utf8.length + 1);
    }

    /** What stands before the first NUL from {@code from} on, which is then overwritten. */
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

    /** Writes a text into a field of a struct; of one that is too long, what is no value of any field: its start may be one. */
    static void put(char[] text, byte[] struct, int at, int size) {
        put(text, text.length, struct, at, size);
    }

    /** The same of Base32, without what the engine passes over between its characters: so every secret fits, however it is spaced. */
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
        if (length >= Engine.TEXT_MAX) {
            throw new OtpException(OtpError.LENGTH);
        }
    }

    /** A text as it is. */
    static byte[] ascii(char[] text) {
        return ascii(text, text.length, 0);
    }

    private static byte[] ascii(char[] text, int length, int behind) {
        byte[] bytes = new byte[length + behind];
        for (int at = 0; at < length; at++) {
            char character = text[at];
            bytes[at] = character > 0 && character < FOREIGN ? (byte) character : FOREIGN;
        }
        return bytes;
    }
}
