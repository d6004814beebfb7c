package io.keyfob;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** The opened native library, and method handles for its functions. */
@SuppressWarnings("restricted")
final class Symbols {
    private static SymbolLookup library;

    private Symbols() {}

    static void open(Path path) {
        try {
            // Closed with this class's loader: the handles keep the arena reachable.
            library = SymbolLookup.libraryLookup(path, Arena.ofAuto());
        } catch (IllegalArgumentException cause) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError(cause.getMessage());
            error.initCause(cause);
            throw error;
        }
    }

    /** A function that returns a result and may work on Java's arrays. */
    static MethodHandle critical(String name, MemoryLayout... parameters) {
        return handle(name, FunctionDescriptor.of(JAVA_INT, parameters), Linker.Option.critical(true));
    }

    /** A function that returns a text. */
    static MethodHandle text(String name, MemoryLayout... parameters) {
        return handle(name, FunctionDescriptor.of(ADDRESS, parameters));
    }

    static MethodHandle handle(String name, FunctionDescriptor function, Linker.Option... options) {
        MemorySegment symbol = library.find(name).orElseThrow(() -> new UnsatisfiedLinkError("keyfob: no " + name + " in the library"));
        return Linker.nativeLinker().downcallHandle(symbol, function, options);
    }

    /** The error of a handle that has thrown: a defect of these classes, or of the library. */
    static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof LinkageError error) {
            throw error;
        }
        return new AssertionError("keyfob: a native call failed", thrown);
    }

    /** A text of the library, which is static. */
    static String read(MemorySegment text) {
        return text.reinterpret(Sizes.TEXT_MAX).getString(0);
    }
}
