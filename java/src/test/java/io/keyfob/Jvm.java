package io.keyfob;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Another Java virtual machine: the same Java, with keyfob's jar and the classes of the tests. */
final class Jvm {
    /** The output of an ended machine, on both channels, and its exit status. */
    record Ended(String output, int status) {}

    private final List<String> flags = new ArrayList<>();
    private List<String> access = accessFlags();
    private List<String> main = List.of();
    private String binding = System.getProperty("io.keyfob.test.binding");
    private boolean isModule;

    Jvm(String... flags) {
        this.flags.addAll(List.of(flags));
    }

    /** Whether this is the newer Java: it has FFM and can deny native access. */
    static boolean isNewer() {
        return Runtime.version().feature() >= 24;
    }

    static Path jar() {
        return Path.of(System.getProperty("io.keyfob.test.jar"));
    }

    /** The flags of a production system. The older Java has none. */
    static List<String> accessFlags() {
        return isNewer() ? List.of("--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny") : List.of();
    }

    Jvm binding(String name) {
        binding = name;
        return this;
    }

    Jvm withoutAccess() {
        access = List.of();
        return this;
    }

    /** Makes keyfob a module, with the tests patched into it. */
    Jvm asModule(String... arguments) {
        isModule = true;
        access = isNewer() ? List.of("--enable-native-access=io.keyfob", "--illegal-native-access=deny") : List.of();
        main = List.of(arguments);
        return this;
    }

    Jvm main(Class<?> program, String... arguments) {
        List<String> line = new ArrayList<>();
        line.addAll(isModule ? List.of("-m", "io.keyfob/" + program.getName()) : List.of(program.getName()));
        line.addAll(List.of(arguments));
        main = line;
        return this;
    }

    Ended run() throws IOException, InterruptedException {
        String tests;
        try {
            tests = Path.of(Jvm.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
        } catch (URISyntaxException impossible) {
            throw new AssertionError(impossible);
        }
        List<String> line = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        line.addAll(access);
        line.addAll(flags);
        line.add("-Dio.keyfob.binding=" + binding);
        line.addAll(isModule ? List.of("-p", jar().toString(), "--patch-module", "io.keyfob=" + tests)
                : List.of("-cp", jar() + System.getProperty("path.separator") + tests));
        line.addAll(main);
        Path output = Files.createTempFile("keyfob", ".out");
        try {
            int status = new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.toFile()).start().waitFor();
            return new Ended(Files.readString(output, StandardCharsets.UTF_8), status);
        } finally {
            Files.delete(output);
        }
    }
}
