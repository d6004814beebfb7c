package io.keyfob;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.function.Consumer;

/** Finds the native library: by property, on the system's path, or in the jar. */
final class Library {
    private static final String FILE = System.mapLibraryName("keyfob_java");

    /** How the names of temporary folders begin. */
    private static final String PREFIX = "keyfob-java-";

    /** A copy of this age is opened, or its process has ended. */
    private static final Duration ABANDONED = Duration.ofHours(1);

    private Library() {}

    /**
     * Refuses classes that a build tool has relocated (shading): the library has the methods of
     * {@code io.keyfob} only. The name is joined from parts, since relocation rewrites names in
     * string constants, too.
     */
    static void checkPackage() {
        String own = String.join(".", "io", "keyfob");
        String name = Library.class.getName();
        String found = name.substring(0, Math.max(0, name.lastIndexOf('.')));
        if (!found.equals(own)) {
            throw new UnsatisfiedLinkError("keyfob: the package " + own + " was relocated to " + found + ", where its native library does not work."
                    + " Exclude it from relocation (maven-shade-plugin: <exclude>" + own + ".*</exclude>; Gradle Shadow: exclude '" + own + ".*')");
        }
    }

    /** Finds the library and passes it to {@code open}. */
    static void load(Consumer<Path> open) {
        String given = System.getProperty("io.keyfob.library");
        if (given != null) {
            openShared(Paths.get(given).toAbsolutePath(), open);
            return;
        }
        for (String folder : System.getProperty("java.library.path", "").split(System.getProperty("path.separator"))) {
            Path path = in(folder);
            if (path != null && Files.isRegularFile(path)) {
                openShared(path, open);
                return;
            }
        }
        openCopy(ofJar(Platform.current()), open);
    }

    /**
     * The library's path in a folder; null if the folder's name is no path, as one that the
     * system's locale cannot encode.
     */
    private static Path in(String folder) {
        try {
            return folder.isEmpty() ? null : Paths.get(folder, FILE).toAbsolutePath();
        } catch (InvalidPathException none) {
            return null;
        }
    }

    /** Checks the version of an opened library: structs and results of another may differ. */
    static <E extends Engine> E checked(E engine) {
        byte[] version = read("version");
        String wanted = version == null ? "none" : new String(version, StandardCharsets.UTF_8).trim();
        String found = engine.version();
        if (!wanted.equals(found) || engine.recordSize() != Sizes.RECORD_SIZE) {
            throw new UnsatisfiedLinkError("keyfob: the native library is of version " + found + ", and these classes are of " + wanted);
        }
        return engine;
    }

    /**
     * Opens a library in place. JNI opens a file for one class loader only, and an application
     * server has several. Each of the others opens a copy.
     */
    private static void openShared(Path path, Consumer<Path> open) {
        try {
            open.accept(path);
        } catch (UnsatisfiedLinkError first) {
            try {
                openCopy(Files.readAllBytes(path), open);
            } catch (IOException | UnsatisfiedLinkError second) {
                first.addSuppressed(second);
                throw first;
            }
        }
    }

    /**
     * Opens a copy in a folder with a random name that only this user can enter. Reads the file
     * back before opening it, to be sure of its content. Deletes the copy as soon as it is open.
     */
    private static void openCopy(byte[] library, Consumer<Path> open) {
        String temporary = System.getProperty("io.keyfob.tmpdir", System.getProperty("java.io.tmpdir"));
        try {
            Path folder = Files.createTempDirectory(Paths.get(temporary), PREFIX);
            Path file = folder.resolve(FILE);
            try {
                Files.write(file, library, StandardOpenOption.CREATE_NEW);
                if (!Arrays.equals(Files.readAllBytes(file), library)) {
                    throw new UnsatisfiedLinkError("keyfob: " + file + " is not what was written to it");
                }
                open.accept(file);
            } finally {
                delete(folder, file);
            }
        } catch (IOException | UnsatisfiedLinkError | IllegalArgumentException cause) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError("keyfob: cannot open the native library from " + temporary + ": "
                    + cause.getMessage() + ". If programs may not run there (noexec), name another folder with -Dio.keyfob.tmpdir=FOLDER, or"
                    + " the library itself with -Dio.keyfob.library=FILE");
            error.initCause(cause);
            throw error;
        }
    }

    /**
     * Windows keeps the file of an open library until its process has ended. So this process leaves
     * its copy behind, and deletes those of ended processes.
     */
    private static void delete(Path folder, Path file) {
        try {
            Files.deleteIfExists(file);
            Files.deleteIfExists(folder);
        } catch (IOException inUse) {
            deleteAbandoned(folder.getParent(), Instant.now().minus(ABANDONED));
        }
    }

    /** Deletes copies that are older than {@code limit}. The system keeps those in use. */
    static void deleteAbandoned(Path temporary, Instant limit) {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(temporary, PREFIX + "*")) {
            for (Path folder : folders) {
                deleteAbandonedFolder(folder, limit);
            }
        } catch (IOException | DirectoryIteratorException unreadable) {
            // The next process tries again.
        }
    }

    private static void deleteAbandonedFolder(Path folder, Instant limit) {
        try {
            BasicFileAttributes found = Files.readAttributes(folder, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (found.isDirectory() && found.lastModifiedTime().toInstant().isBefore(limit)) {
                Files.deleteIfExists(folder.resolve(FILE));
                Files.delete(folder);
            }
        } catch (IOException inUse) {
            // Its process still runs, or the folder has another purpose.
        }
    }

    /**
     * The path of a platform's library in the jar. Its folder is no package name: modules may not
     * share packages, and other jars have libraries in /os/arch/ too.
     */
    static String resource(String platform) {
        return "/META-INF/keyfob/" + platform + "/" + FILE;
    }

    /** The library of a platform, from the jar. */
    static byte[] ofJar(String platform) {
        byte[] library = read(resource(platform));
        if (library == null) {
            byte[] list = read("/META-INF/keyfob/platforms");
            String has = list == null ? "no other" : new String(list, StandardCharsets.UTF_8).trim().replaceAll("\\s+", ", ");
            throw new UnsatisfiedLinkError("keyfob: the jar has no native library for " + platform + ", only for " + has
                    + ". Build one, as java/native/README.md describes, and name it with -Dio.keyfob.library=FILE");
        }
        return library;
    }

    /** A resource of the jar; null if it has none of this name. */
    private static byte[] read(String name) {
        try (InputStream in = Library.class.getResourceAsStream(name)) {
            if (in == null) {
                return null;
            }
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] part = new byte[8192];
            for (int length = in.read(part); length >= 0; length = in.read(part)) {
                all.write(part, 0, length);
            }
            return all.toByteArray();
        } catch (IOException cause) {
            throw new IllegalStateException("keyfob: cannot read " + name + " of the jar", cause);
        }
    }
}
