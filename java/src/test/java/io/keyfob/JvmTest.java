package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The whole API in Java virtual machines with the JNI checker, with constant garbage collection, or
 * with an Arabic locale.
 */
class JvmTest {
    private static void isDone(Jvm jvm) throws Exception {
        Jvm.Ended ended = jvm.run();
        assertEquals("done\n", ended.output());
        assertEquals(0, ended.status());
    }

    @Test
    void jniCheckerIsSilent() throws Exception {
        isDone(new Jvm("-Xcheck:jni").main(JvmProgram.class, "once"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UseSerialGC", "UseParallelGC", "UseG1GC", "UseZGC"})
    void garbageCollectionsHarmNothing(String collector) throws Exception {
        isDone(new Jvm("-XX:+" + collector, "-Xmx48m").main(JvmProgram.class, "garbage"));
    }

    @Test
    void unclosedDevicesAreCollected() throws Exception {
        isDone(new Jvm("-Xmx256m", "-XX:MaxDirectMemorySize=1m").main(JvmProgram.class, "forgotten"));
    }

    @Test
    void aMillionCallsTakeNoMemory() throws Exception {
        String[] flags = {"-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"};
        isDone(new Jvm(flags).main(JvmProgram.class, "memory"));
        // With a leak of 16 bytes a call the test fails.
        assertTrue(new Jvm(flags).main(JvmProgram.class, "leak").run().output().startsWith("grown by "));
    }

    @Test
    void codesAreAsciiWhereNumbersAreNot() throws Exception {
        isDone(new Jvm("-Duser.language=ar", "-Duser.country=EG").main(JvmProgram.class, "digits"));
    }

    @Test
    void keyfobRunsAsAModule() throws Exception {
        isDone(new Jvm().asModule().main(JvmProgram.class, "once"));
        assertTrue(new Jvm().asModule("--describe-module", "io.keyfob").run().output().contains("exports io.keyfob"));
    }

    @Test
    void deniedNativeAccessIsReported() throws Exception {
        if (!Jvm.isNewer()) {
            // Java 17 has no such flag.
            assertFalse(Jvm.accessFlags().contains("--illegal-native-access=deny"));
            return;
        }
        Jvm.Ended ended = new Jvm("--illegal-native-access=deny").withoutAccess().main(JvmProgram.class, "once").run();
        assertEquals(1, ended.status());
        assertTrue(ended.output().contains("UnsatisfiedLinkError: keyfob: ") && ended.output().contains("--enable-native-access=io.keyfob"),
                ended::output);
    }

    @Test
    void bindingIsTheProperty() throws Exception {
        Jvm.Ended none = new Jvm().binding("smoke").main(JvmProgram.class, "once").run();
        assertTrue(none.output().contains("io.keyfob.binding must be jni or ffm"), none::output);
        for (String binding : List.of("jni", "ffm")) {
            Jvm.Ended ended = new Jvm().binding(binding).main(JvmProgram.class, "once").run();
            boolean exists = binding.equals("jni") || Jvm.isNewer();
            assertEquals(exists ? "done\n" : "Java 22", exists ? ended.output() : ended.output().replaceAll("(?s).*needs (Java 22).*", "$1"));
        }
    }
}
