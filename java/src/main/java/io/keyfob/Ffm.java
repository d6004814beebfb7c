package io.keyfob;

/**
 * The binding through {@code java.lang.foreign}. From Java 22 on the jar has another class of this
 * name.
 */
final class Ffm {
    private Ffm() {}

    /** A method, since the compiler would copy a constant into its readers. */
    static boolean isAvailable() {
        return false;
    }

    static Engine load() {
        throw new UnsupportedOperationException("keyfob: io.keyfob.binding=ffm needs Java 22 or later, and keyfob's jar unchanged");
    }
}
