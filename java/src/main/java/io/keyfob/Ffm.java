package io.keyfob;

/** The way down through {@code java.lang.foreign}: a class of the same name stands in its place from Java 22 on. */
final class Ffm {
    private Ffm() {}

    /** A method, since the compiler would copy a constant into who reads it. */
    static boolean isAvailable() {
        return false;
    }

    static Engine load() {
        throw new UnsupportedOperationException("keyfob: io.keyfob.binding=ffm needs Java 22 or later, and keyfob's jar as it is");
    }
}
