package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import kotlin.Unit;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The API in Kotlin: stores are lambdas, and no call needs a type argument. */
class KotlinTest {
    private static final String PROGRAM = """
            import io.keyfob.*

            fun verify(device: OtpDevice, code: CharArray, now: Long, table: MutableMap<Long, ByteArray>): Boolean =
                device.verify(Policy.DEFAULT, code, now) { next, revision -> table.put(revision, next) == null }.isRight

            fun resync(device: OtpDevice, code: CharArray, now: Long): Boolean =
                device.resync(Policy.DEFAULT, code, code, now) { _, _ -> true }.isRight

            fun challenge(device: OtpDevice, now: Long): Challenge = device.challenge(Policy.DEFAULT, now) { _, revision -> revision == 0L }

            fun store(row: SoffidRow): Store = SoffidDevice.storeFor(row, Policy.DEFAULT) { read, next -> read != next }
            """;

    @TempDir
    Path folder;

    private static Path pathOf(Class<?> type) throws Exception {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    @Test
    void aStoreIsALambdaWithoutATypeArgument() throws Exception {
        Path source = Files.writeString(folder.resolve("Stores.kt"), PROGRAM);
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        ExitCode ended = new K2JVMCompiler().exec(new PrintStream(output, true, StandardCharsets.UTF_8), "-no-stdlib", "-no-reflect", "-cp",
                Jvm.jar() + System.getProperty("path.separator") + pathOf(Unit.class), "-d", folder.toString(), source.toString());
        assertEquals(ExitCode.OK, ended, () -> output.toString(StandardCharsets.UTF_8));
        try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, KotlinTest.class.getClassLoader());
                OtpDevice device = Fixtures.totp()) {
            Map<Long, byte[]> table = new HashMap<>();
            Object right = loader.loadClass("StoresKt").getMethod("verify", OtpDevice.class, char[].class, long.class, Map.class)
                    .invoke(null, device, Fixtures.codeAt(Fixtures.NOW), Fixtures.NOW, table);
            assertEquals(true, right);
            assertTrue(Arrays.equals(device.toRecord(), table.get(0L)));
        }
    }
}
