package app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Logins at the jar of Spring Boot. The newer Java denies native access to all that is not named in
 * the manifest.
 */
class FatJarTest {
    private static final Pattern STARTED = Pattern.compile("Tomcat started on port (\\d+)");
    private static final String OLDER = System.getProperty("older.jdk");
    private static final String NEWER = System.getProperty("java.home");

    private static void isUsable(String jdk, String... flags) throws Exception {
        List<String> line = new ArrayList<>(List.of(Path.of(jdk, "bin", "java").toString()));
        line.addAll(List.of(flags));
        // Starts sooner.
        line.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        line.addAll(List.of("-jar", System.getProperty("fat.jar"), "--server.address=127.0.0.1", "--server.port=0"));
        Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
        try (BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            new Visitor("http://127.0.0.1:" + port(output)).enrolsAndLogsInOnce();
        } finally {
            process.destroy();
            process.waitFor();
        }
    }

    private static String port(BufferedReader output) throws IOException {
        StringBuilder all = new StringBuilder();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            Matcher started = STARTED.matcher(line);
            if (started.find()) {
                return started.group(1);
            }
            all.append(line).append('\n');
        }
        throw new AssertionError("not started:\n" + all);
    }

    @Test
    void loginsWorkOnAnOlderJava() throws Exception {
        isUsable(OLDER);
    }

    @Test
    void loginsWorkOnJni() throws Exception {
        isUsable(NEWER, "--illegal-native-access=deny", "-Dio.keyfob.binding=jni");
    }

    /** The classes of {@code META-INF/versions} are found in a jar within the jar. */
    @Test
    void loginsWorkOnFfm() throws Exception {
        isUsable(NEWER, "--illegal-native-access=deny", "-Dio.keyfob.binding=ffm");
    }
}
