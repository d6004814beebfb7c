package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The metadata for GraalVM's native-image, compared with the sources: an access that it does not
 * list fails in a native image only.
 */
class NativeImageTest {
    private static final Path CLASSES = Path.of("src", "main", "java", "io", "keyfob");
    private static final Path FFM = Path.of("src", "main", "java22", "io", "keyfob");
    private static final Map<String, String> TYPES = Map.of("ADDRESS", "void*", "JAVA_INT", "jint", "JAVA_LONG", "jlong");
    private static final String CRITICAL = " critical";

    private static JsonNode metadata() throws IOException {
        try (InputStream in = NativeImageTest.class.getResourceAsStream("/META-INF/native-image/io.keyfob/keyfob/reachability-metadata.json")) {
            return new ObjectMapper().readTree(in);
        }
    }

    private static Set<String> names(JsonNode object) {
        Set<String> names = new TreeSet<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static List<MatchResult> all(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().toList();
    }

    private static String sources(Path folder, String ending) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            StringBuilder all = new StringBuilder();
            for (Path file : files.filter(each -> each.toString().endsWith(ending)).sorted().toList()) {
                all.append(Files.readString(file));
            }
            return all.toString();
        }
    }

    /** The types of a function, as the classes list them. */
    private static String described(String kind, String layouts) {
        List<String> types = Stream.of(layouts.split("\\W+")).filter(TYPES::containsKey).map(TYPES::get).collect(Collectors.toCollection(ArrayList::new));
        String result = kind.equals("critical") ? "jint" : kind.equals("text") ? "void*" : types.remove(0);
        return result + types + (kind.equals("critical") ? CRITICAL : "");
    }

    private static String described(JsonNode downcall) {
        List<String> types = new ArrayList<>();
        downcall.get("parameterTypes").forEach(type -> types.add(type.asText()));
        boolean isCritical = downcall.has("options");
        assertTrue(!isCritical || downcall.get("options").toString().equals("{\"critical\":{\"allowHeapAccess\":true}}"), downcall::toString);
        return downcall.get("returnType").asText() + types + (isCritical ? CRITICAL : "");
    }

    @Test
    void everyDowncallIsListedOnce() throws IOException {
        Set<String> used = new TreeSet<>();
        List<MatchResult> handles = all("= *\\s*(critical|text|handle)\\(\"\\w+\"([^;]*);", Files.readString(FFM.resolve("Handles.java")));
        assertTrue(handles.size() > 40, () -> "only " + handles.size() + " handles were found");
        handles.forEach(handle -> used.add(described(handle.group(1), handle.group(2))));
        List<String> listed = new ArrayList<>();
        metadata().get("foreign").get("downcalls").forEach(downcall -> listed.add(described(downcall)));
        assertEquals(used, new TreeSet<>(listed));
        assertEquals(used.size(), listed.size());
        assertEquals(Set.of("downcalls"), names(metadata().get("foreign")));
        // Handles are made in one place.
        assertEquals(1, all("downcallHandle\\(", sources(FFM, ".java")).size());
        assertEquals(0, all("upcallStub\\(", sources(FFM, ".java")).size());
    }

    /** The native library looks up one field, and neither classes nor methods. */
    @Test
    void everyLookUpOfTheNativeLibraryIsListed() throws Exception {
        String library = sources(Path.of("native", "src"), ".rs");
        List<String> lookUps = all("call!\\(self, ((?:Get\\w*ID|FindClass)), *class, *c\"(\\w+)\"", library).stream().map(found -> found.group(2)).toList();
        assertEquals(List.of("address"), lookUps);
        assertEquals(1, all("Get(?:Static)?(?:Field|Method)ID|FindClass|Throw|New\\w*Object|Call\\w*Method", library).size());
        JsonNode reflection = metadata().get("reflection");
        assertEquals(1, reflection.size());
        assertEquals(Memory.class, Class.forName(reflection.get(0).get("type").asText()));
        assertEquals(long.class, Memory.class.getDeclaredField("address").getType());
        assertEquals("[{\"name\":\"address\"}]", reflection.get(0).get("fields").toString());
        assertTrue(reflection.get(0).get("jniAccessible").asBoolean());
        assertEquals(Set.of("reason", "type", "jniAccessible", "fields"), names(reflection.get(0)));
        assertEquals(0, all("Class\\.forName|getDeclared|getMethod\\(|ServiceLoader|Proxy\\.", sources(CLASSES, ".java")).size());
    }

    @Test
    void everyResourceIsListed() throws IOException {
        String library = Files.readString(CLASSES.resolve("Library.java"));
        assertEquals(1, all("getResource", sources(CLASSES, ".java")).size());
        List<String> read = all("read\\(\"([^\"]+)\"", library).stream().map(found -> found.group(1)).toList();
        assertEquals(List.of("version", "/META-INF/keyfob/platforms"), read);
        assertTrue(Library.resource("linux/x86_64").startsWith("/META-INF/keyfob/linux/x86_64/"));
        List<String> globs = new ArrayList<>();
        metadata().get("resources").forEach(resource -> globs.add(resource.get("glob").asText()));
        assertEquals(List.of("META-INF/keyfob/**", "io/keyfob/version"), globs);
        assertEquals(Set.of("comment", "reflection", "resources", "foreign"), names(metadata()));
    }
}
