package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole of the API in Java machines that watch closely, collect all the time, or speak Arabic. */
class JvmTest {
    private static void isDone(Jvm jvm) throws Exception {
        Jvm.Ended ended = jvm.run();
        assertEquals("done\n", ended.output());
        assertEquals(0, ended.status());
    }

    @Test
    void theCheckerOfJniIsSilent() throws Exception {
        isDone(new Jvm("-Xcheck:jni").main(Exercise.class, "once"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UseSerialGC", "UseParallelGC", "UseG1GC", "UseZGC"})
    void garbageCollectionsHarmNothing(String collector) throws Exception {
        isDone(new Jvm("-XX:+" + collector, "-Xmx48m").main(Exercise.class, "garbage"));
    }

    @Test
    void whatNobodyClosesIsCollected() throws Exception {
        isDone(new Jvm("-Xmx256m", "-XX:MaxDirectMemorySize=1m").main(Exercise.class, "forgotten"));
    }

    @Test
    void aMillionCallsTakeNoMemory() throws Exception {
        String[] flags = {"-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"};
        isDone(new Jvm(flags).main(Exercise.class, "memory"));
        // The same with a leak of 16 bytes a call: this test can fail.
        assertTrue(new Jvm(flags).main(Exercise.class, "leak").run().output().startsWith("grown by "));
    }

    @Test
    void codesAreAsciiWhereNumbersAreNot() throws Exception {
        isDone(new Jvm("-Duser.language=ar", "-Duser.country=EG").main(Exercise.class, "digits"));
    }

    @Test
    void itRunsAsAModule() throws Exception {
        isDone(new Jvm().asModule().main(Exercise.class, "once"));
        assertTrue(new Jvm().asModule("--describe-module", "io.keyfob").run().output().contains("exports io.keyfob"));
    }

    @Test
    void whoDeniesNativeAccessIsToldSo() throws Exception {
        if (!Jvm.isNewer()) {
            // Java 17 knows no such flag: there is nothing to deny.
            assertFalse(Jvm.accessFlags().contains("--illegal-native-access=deny"));
            return;
        }
        Jvm.Ended ended = new Jvm("--illegal-native-access=deny").withoutAccess().main(Exercise.class, "once").run();
        assertEquals(1, ended.status());
        assertTrue(ended.output().contains("UnsatisfiedLinkError: keyfob: ") && ended.output().contains("--enable-native-access=io.keyfob"),
                ended::output);
    }

    @Test
    void theWayIsTheProperty() throws Exception {
        Jvm.Ended none = new Jvm().way("smoke").main(Exercise.class, "once").run();
        assertTrue(none.output().contains("io.keyfob.binding must be jni or ffm"), none::output);
        for (String way : List.of("jni", "ffm")) {
            Jvm.Ended ended = new Jvm().way(way).main(Exercise.class, "once").run();
            boolean exists = way.equals("jni") || Jvm.isNewer();
            assertEquals(exists ? "done\n" : "Java 22", exists ? ended.output() : ended.output().replaceAll("(?s).*needs (Java 22).*", "$1"));
        }
    }
}
