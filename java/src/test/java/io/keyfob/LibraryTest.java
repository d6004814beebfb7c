package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native library: its search, its opening, and its jar. */
class LibraryTest {
    private static final String RESOURCE = Library.resource(Platform.current());

    @TempDir
    Path folder;

    /** The library of the jar, as a file. */
    private Path library() throws IOException {
        Path file = folder.resolve(System.mapLibraryName("keyfob_java"));
        Files.write(file, jarsLibrary());
        return file;
    }

    private static String output(String... flags) throws Exception {
        return new Jvm(flags).main(JvmProgram.class, "once").run().output();
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void theJarsLibraryIsExtractedAndLeavesNothingBehind() throws Exception {
        assertEquals("done\n", output("-Dio.keyfob.tmpdir=" + folder));
        assertEquals(List.of(), files(folder));
    }

    @Test
    void theOpenedLibraryIsTheJarsInAFolderOfThisUser() throws Exception {
        Set<Path> opened = new HashSet<>();
        System.setProperty("io.keyfob.tmpdir", folder.toString());
        try {
            for (int time = 0; time < 2; time++) {
                Library.load(path -> {
                    assertArrayEquals(jarsLibrary(), bytes(path));
                    assertEquals("rwx------", PosixFilePermissions.toString(permissions(path.getParent())));
                    assertEquals(folder, path.getParent().getParent());
                    assertTrue(opened.add(path), "a new name each time");
                });
            }
        } finally {
            System.clearProperty("io.keyfob.tmpdir");
        }
        assertEquals(2, opened.size());
        assertEquals(List.of(), files(folder));
    }

    private static byte[] jarsLibrary() {
        try (InputStream in = Library.class.getResourceAsStream(RESOURCE)) {
            return in.readAllBytes();
        } catch (IOException cause) {
            throw new UncheckedIOException(cause);
        }
    }

    private static byte[] bytes(Path path) {
        try {
            return Files.readAllBytes(path);
        } catch (IOException cause) {
            throw new UncheckedIOException(cause);
        }
    }

    private static Set<PosixFilePermission> permissions(Path path) {
        try {
            return Files.getPosixFilePermissions(path);
        } catch (IOException cause) {
            throw new UncheckedIOException(cause);
        }
    }

    @Test
    void aFolderThatDoesNotWorkIsNamed() throws Exception {
        String output = output("-Dio.keyfob.tmpdir=" + folder.resolve("missing"));
        assertTrue(output.contains("UnsatisfiedLinkError: keyfob: cannot open the native library from " + folder.resolve("missing")), output);
        assertTrue(output.contains("-Dio.keyfob.tmpdir=FOLDER"), output);
    }

    @Test
    void platformWithoutALibraryIsNamedAndThoseOfTheJarAre() {
        String message = assertThrows(UnsatisfiedLinkError.class, () -> Library.ofJar("plan9/mips")).getMessage();
        assertTrue(message.startsWith("keyfob: the jar has no native library for plan9/mips, only for "), message);
        assertTrue(message.contains(Platform.current()) && message.contains("-Dio.keyfob.library=FILE"), message);
    }

    /** A copy of the library, last changed at a time. */
    private Path copy(String name, Instant changed) throws IOException {
        Path copy = Files.createDirectory(folder.resolve(name));
        Files.writeString(copy.resolve(System.mapLibraryName("keyfob_java")), "a library");
        Files.setLastModifiedTime(copy, FileTime.from(changed));
        return copy;
    }

    /** As on Windows, which keeps the file of an open library. */
    @Test
    void abandonedCopiesAreDeletedAndNothingElse() throws IOException {
        Instant limit = Instant.now();
        Path abandoned = copy("keyfob-java-1", limit.minusSeconds(1));
        Path recent = copy("keyfob-java-2", limit.plusSeconds(1));
        Path other = copy("other", limit.minusSeconds(1));
        Path link = Files.createSymbolicLink(folder.resolve("keyfob-java-3"), other);
        Path used = copy("keyfob-java-4", limit.minusSeconds(1));
        Files.writeString(used.resolve("another file"), "");
        Files.setLastModifiedTime(used, FileTime.from(limit.minusSeconds(1)));
        Library.deleteAbandoned(folder, limit);
        assertEquals(Set.of(recent, other, link, used), Set.copyOf(files(folder)));
        assertEquals(1, files(recent).size());
        assertEquals(1, files(other).size());
        assertFalse(Files.exists(abandoned));
        Library.deleteAbandoned(folder.resolve("missing"), limit);
    }

    @Test
    void aMissingLibraryIsReportedEachTime() throws Exception {
        String output = new Jvm("-Dio.keyfob.tmpdir=" + folder.resolve("missing")).main(JvmProgram.class, "missing").run().output();
        String message = "keyfob: cannot open the native library from " + folder.resolve("missing");
        assertEquals(3, output.lines().filter(line -> line.startsWith(message)).count(), output);
        assertTrue(output.endsWith("done\n"), output);
    }

    @Test
    void anInvalidPathIsSkipped() throws Exception {
        String before = System.setProperty("java.library.path", "/no\0where::" + library().getParent());
        try {
            List<Path> opened = new ArrayList<>();
            Library.load(opened::add);
            assertEquals(List.of(library()), opened);
        } finally {
            System.setProperty("java.library.path", before);
        }
    }

    @Test
    void thePropertyComesFirst() throws Exception {
        Path library = library();
        assertEquals("done\n", output("-Dio.keyfob.library=" + library, "-Dio.keyfob.tmpdir=" + folder.resolve("missing")));
        Files.writeString(library, "no library");
        String output = output("-Dio.keyfob.library=" + library, "-Dio.keyfob.tmpdir=" + folder);
        assertTrue(output.contains("UnsatisfiedLinkError") && output.contains(library.toString()), output);
    }

    @Test
    void theSystemsPathComesSecond() throws Exception {
        library();
        assertEquals("done\n", output("-Djava.library.path=/nowhere:" + folder, "-Dio.keyfob.tmpdir=" + folder.resolve("missing")));
    }

    /** Puts a 9 in place of the first letter of a text. */
    private static void spoil(byte[] library, String text) {
        byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
        int found = 0;
        for (int at = 0; at < library.length - wanted.length; at++) {
            if (Arrays.equals(wanted, Arrays.copyOfRange(library, at, at + wanted.length))) {
                library[at] = '9';
                found++;
            }
        }
        assertTrue(found > 0);
    }

    @Test
    void aLibraryOfAnotherVersionIsRefused() throws Exception {
        Path library = library();
        byte[] bytes = Files.readAllBytes(library);
        spoil(bytes, Native.engine().version() + "\0");
        // A function that another version may lack.
        spoil(bytes, "findAddress\0");
        Files.write(library, bytes);
        String output = output("-Dio.keyfob.library=" + library);
        assertTrue(output.contains("the native library is of version 9"), output);
    }

    /**
     * Relocates classes and the names in their strings, as build tools do. The new name has the
     * same length, so that replacing bytes is enough.
     */
    private Path relocated() throws IOException {
        Path file = folder.resolve("relocated.jar");
        try (JarFile jar = new JarFile(Jvm.jar().toFile()); JarOutputStream out = new JarOutputStream(Files.newOutputStream(file))) {
            for (ZipEntry entry : jar.stream().filter(each -> !each.isDirectory()).toList()) {
                String text = new String(jar.getInputStream(entry).readAllBytes(), StandardCharsets.ISO_8859_1);
                boolean isClass = entry.getName().endsWith(".class");
                out.putNextEntry(new ZipEntry(entry.getName().replace("io/keyfob", "my/keyfob")));
                out.write((isClass ? text.replace("io/keyfob", "my/keyfob").replace("io.keyfob", "my.keyfob") : text)
                        .getBytes(StandardCharsets.ISO_8859_1));
            }
        }
        return file;
    }

    @Test
    void aRelocatedJarIsRefused() throws Exception {
        try (URLClassLoader loader = new URLClassLoader(new URL[] {relocated().toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
            Class<?> secret = loader.loadClass("my.keyfob.Secret");
            Object made = secret.getMethod("fromBytes", byte[].class).invoke(null, (Object) Fixtures.BYTES);
            Throwable refused =
                    assertThrows(InvocationTargetException.class, () -> secret.getMethod("toBase32").invoke(made)).getCause();
            String message = "keyfob: the package io.keyfob was relocated to my.keyfob, where its native library does not work. Exclude it from";
            assertTrue(refused.getMessage().startsWith(message), refused::toString);
        }
    }

    @Test
    void twoClassLoadersHaveAnEngineEach() throws Exception {
        URL[] jar = {Jvm.jar().toUri().toURL()};
        List<Class<?>> loaded = new ArrayList<>();
        // Twice from the jar; twice from one file, which JNI opens for the first only.
        for (Path library : new Path[] {null, null, library(), folder.resolve(System.mapLibraryName("keyfob_java"))}) {
            if (library != null) {
                System.setProperty("io.keyfob.library", library.toString());
            }
            try {
                Class<?> secret = new URLClassLoader(jar, ClassLoader.getPlatformClassLoader()).loadClass("io.keyfob.Secret");
                Object made = secret.getMethod("fromBytes", byte[].class).invoke(null, (Object) Fixtures.BYTES);
                assertArrayEquals(Fixtures.BASE32.toCharArray(), (char[]) secret.getMethod("toBase32").invoke(made));
                loaded.forEach(other -> assertNotSame(other, secret));
                loaded.add(secret);
            } finally {
                System.clearProperty("io.keyfob.library");
            }
        }
        assertEquals(4, loaded.size());
    }

    /** An application server drops a class loader with each redeployment. */
    @Test
    void aClassLoaderThatGoesTakesItsLibraryWithIt() throws Exception {
        long before = mappings();
        for (int at = 0; at < 10; at++) {
            try (URLClassLoader loader = new URLClassLoader(new URL[] {Jvm.jar().toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
                loader.loadClass("io.keyfob.Secret").getMethod("fromBytes", byte[].class).invoke(null, (Object) Fixtures.BYTES);
                Class<?> status = loader.loadClass("io.keyfob.Policy");
                assertTrue(status.getField("DEFAULT").get(null) != null);
            }
            assertTrue(mappings() > before, "it was opened");
        }
        for (int wait = 0; mappings() > before && wait < 100; wait++) {
            System.gc();
            Thread.sleep(100);
        }
        assertTrue(mappings() <= before, () -> "still there: " + before);
    }

    /** How often the library is mapped into this process. */
    private static long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("keyfob_java")).count();
        }
    }

    @Test
    void theClassesAreOfJava8AndTheFfmOnesOf22() throws IOException {
        int classes = 0;
        try (JarFile jar = new JarFile(Jvm.jar().toFile())) {
            for (ZipEntry entry : jar.stream().filter(each -> each.getName().endsWith(".class")).toList()) {
                int expected = entry.getName().startsWith("META-INF/versions/22/") ? 66 : entry.getName().startsWith("META-INF/versions/9/") ? 53 : 52;
                try (DataInputStream in = new DataInputStream(jar.getInputStream(entry))) {
                    assertEquals(0xcafebabe, in.readInt());
                    in.readUnsignedShort();
                    assertEquals(expected, in.readUnsignedShort(), entry.getName());
                }
                classes++;
            }
            assertTrue(jar.getEntry(RESOURCE.substring(1)) != null);
            assertTrue(jar.getEntry("META-INF/versions/9/module-info.class") != null);
        }
        assertTrue(classes > 30);
    }
}
