package io.keyfob;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Locale;

/**
 * The system and the machine of this process, by the names that the jar's folders have. The script
 * {@code java/natives} puts the libraries there.
 */
final class Platform {
    private Platform() {}

    /** The folder of this process's library. */
    static String current() {
        return folder(System.getProperty("os.name"), System.getProperty("os.arch"), Paths.get("/proc/self/maps"));
    }

    /** The folder for Java's properties {@code os.name} and {@code os.arch}. */
    static String folder(String os, String arch, Path maps) {
        String system = system(os);
        return (system.equals("linux") && hasMusl(maps) ? "linux-musl" : system) + "/" + machine(arch);
    }

    private static String system(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.startsWith("windows") ? "windows" : lower.startsWith("mac") ? "macos" : lower.replace(" ", "");
    }

    private static String machine(String arch) {
        String lower = arch.toLowerCase(Locale.ROOT);
        return lower.equals("amd64") || lower.equals("x86_64") ? "x86_64" : lower.equals("arm64") ? "aarch64" : lower;
    }

    /**
     * Whether the C library of a process is musl, by the files that are mapped into it. Files on
     * the disk do not tell: a system of either library may have the other one installed. Alpine
     * calls musl's file {@code ld-musl-MACHINE.so.1}, others {@code libc.so}. The file of glibc is
     * {@code libc.so.6}.
     */
    private static boolean hasMusl(Path maps) {
        try {
            // A path may have any bytes.
            for (String line : Files.readAllLines(maps, StandardCharsets.ISO_8859_1)) {
                String file = line.substring(line.lastIndexOf('/') + 1);
                if (file.startsWith("ld-musl-") || file.equals("libc.so") || file.equals("libc.so (deleted)")) {
                    return true;
                }
            }
        } catch (IOException none) {
            // As glibc, the more common one.
        }
        return false;
    }
}
