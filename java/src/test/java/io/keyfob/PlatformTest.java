package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The folders of the jar, by the properties of Java and the files of a process. */
class PlatformTest {
    private static final String LINE = "7f0e3c1b2000-7f0e3c206000 r-xp 00014000 103:02 1311 ";

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"Linux,amd64,linux/x86_64", "Linux,arm64,linux/aarch64", "Windows 11,amd64,windows/x86_64", "Windows Server 2022,aarch64,windows/aarch64",
            "Mac OS X,aarch64,macos/aarch64", "Mac OS X,x86_64,macos/x86_64", "FreeBSD,amd64,freebsd/x86_64", "Linux,riscv64,linux/riscv64"})
    void folderHasTheNamesOfSystemAndMachine(String os, String arch, String expected) {
        assertEquals(expected, Platform.folder(os, arch, folder.resolve("no maps")));
    }

    private String ofProcessWith(String file) throws IOException {
        Path maps = Files.writeString(folder.resolve("maps"), LINE + "/usr/lib/jvm/\u00e9/libjvm.so\n" + LINE + file + "\n" + LINE + "[vdso]\n");
        return Platform.folder("Linux", "amd64", maps);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/lib/ld-musl-x86_64.so.1", "/usr/lib/libc.so", "/lib/x86_64-linux-musl/libc.so", "/usr/lib/libc.so (deleted)"})
    void muslIsFoundAmongTheFilesOfTheProcess(String file) throws IOException {
        assertEquals("linux-musl/x86_64", ofProcessWith(file));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/libc-2.17.so", "/usr/lib/musl/libc.so/other", "[heap]"})
    void otherFilesAreNoMusl(String file) throws IOException {
        assertEquals("linux/x86_64", ofProcessWith(file));
    }

    @Test
    void thisProcessHasTheFolderOfTheBuild() throws IOException {
        String built = new String(PlatformTest.class.getResourceAsStream("/META-INF/keyfob/platforms").readAllBytes());
        assertEquals(built.trim(), Platform.current());
    }
}
