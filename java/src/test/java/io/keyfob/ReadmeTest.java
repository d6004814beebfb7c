package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs of README.md, as a user of Java 8 compiles them. */
class ReadmeTest {
    private static final String BEGINNING = "```java\n";

    @TempDir
    Path folder;

    /** The program that begins so. */
    private static String program(String beginning) throws IOException {
        String readme = Files.readString(Path.of("..", "README.md"));
        int start = readme.indexOf(BEGINNING + beginning) + BEGINNING.length();
        return readme.substring(start, readme.indexOf("```", start));
    }

    private void compile(Path source) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter output = new StringWriter();
        List<String> options = List.of("--release", "8", "-Xlint:all,-options", "-Werror", "-proc:none", "-cp", Jvm.jar().toString(), "-d", folder.toString());
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            boolean compiled = compiler.getTask(output, files, null, options, null, files.getJavaFileObjects(source)).call();
            assertEquals("", output.toString());
            assertEquals(true, compiled);
        }
    }

    @Test
    void loginOfTheReadmeCompilesAndTellsRightFromWrong() throws Exception {
        compile(Files.writeString(folder.resolve("Login.java"), program("import io.keyfob")));
        assertEquals("right", typed(secret -> new String(Codes.generateTotp(Parameters.DEFAULT, secret, Instant.now().getEpochSecond()))));
        assertEquals("wrong", typed(secret -> "12345"));
    }

    @Test
    void recoveryCodesOfTheReadmeAreShown() throws Exception {
        String shown = program("try (RecoveryCodes");
        compile(Files.writeString(folder.resolve("Shown.java"), String.join("\n", "import io.keyfob.*;", "import java.util.*;", "class Shown {",
                "static final Map<String, byte[]> TABLE = new HashMap<>();", "static long now() { return 1_700_000_000L; }",
                "public static void main(String... arguments) {", "String user = \"alice\";", shown, "}}")));
        Process program = start("Shown");
        try (BufferedReader output = program.inputReader(StandardCharsets.UTF_8)) {
            List<String> lines = output.lines().toList();
            assertEquals(0, program.waitFor());
            assertEquals(10, lines.size(), lines::toString);
            lines.forEach(line -> assertEquals(true, RecoveryCodes.isWellFormed(line.toCharArray()), line));
        }
        String example = shown.replaceAll("(?s).*such as ([0-9A-Z-]+).*", "$1");
        assertEquals(true, RecoveryCodes.isWellFormed(example.toCharArray()), example);
    }

    private Process start(String program) throws IOException {
        List<String> line = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        line.addAll(Jvm.accessFlags());
        line.addAll(List.of("-cp", Jvm.jar() + System.getProperty("path.separator") + folder, program));
        return new ProcessBuilder(line).redirectErrorStream(true).start();
    }

    private interface Authenticator {
        String code(Secret secret);
    }

    /** What the program prints for the code that an authenticator shows for its URI. */
    private String typed(Authenticator authenticator) throws IOException, InterruptedException {
        Process program = start("Login");
        try (BufferedReader output = program.inputReader(StandardCharsets.UTF_8); PrintWriter input = new PrintWriter(program.outputWriter(StandardCharsets.UTF_8), true)) {
            long now = Instant.now().getEpochSecond();
            try (OtpDevice device = OtpDevice.fromUri(output.readLine().toCharArray(), now); Secret secret = Secret.fromBytes(device.secret())) {
                input.println(authenticator.code(secret));
            }
            String verdict = output.readLine();
            assertEquals(0, program.waitFor());
            return verdict;
        }
    }
}
