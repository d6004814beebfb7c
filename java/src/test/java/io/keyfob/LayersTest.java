package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The layers of the package's classes: each uses its own layer and lower ones, and no circle. */
class LayersTest {
    /** From the lowest to the highest. */
    private static final List<Set<String>> LAYERS = List.of(
            // Memory, structs and values, which do not need the engine.
            Set.of("Sizes", "Struct", "Memory", "Guarded", "Algorithm", "Kind", "Reason", "OtpError", "OtpException", "Store",
                    "SealCipher"),
            // The bindings: the engine, found and called.
            Set.of("Engine", "Platform", "Library", "Symbols", "Handles", "FfmRecords", "Ffm", "Jni", "Native"),
            // Parameters and results of a device's calls.
            Set.of("Text", "Status", "Parameters", "PolicyStruct", "Policy", "Secret", "Challenge", "DeviceInfo", "Verdict"),
            // Devices and codes.
            Set.of("DeviceRecord", "RecoveryCodes", "OtpDevice", "SealKey", "Codes", "TokenSearch"),
            // Devices in Soffid's table.
            Set.of("SoffidRow", "SoffidConfig", "SoffidStruct", "SoffidRecord", "SoffidDevice"));

    private static final Pattern NOT_CODE = Pattern.compile("/\\*.*?\\*/|//[^\\n]*|\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'", Pattern.DOTALL);
    private static final Pattern OWN_IMPORT = Pattern.compile("\\bio\\.keyfob\\.");
    private static final Pattern DECLARATION = Pattern.compile("\\b(?:class|interface|enum|record)\\s+(\\w+)");

    /** A name of a class, but not of a nested one behind its outer class. */
    private static final Pattern NAME = Pattern.compile("(?<![\\w.])[A-Z]\\w*");

    private static Set<String> names(Pattern pattern, int group, String code) {
        return pattern.matcher(code).results().map((MatchResult found) -> found.group(group)).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The classes that each class uses. */
    private static Map<String, Set<String>> uses(Map<String, String> sources) {
        Map<String, Set<String>> uses = new TreeMap<>();
        sources.forEach((name, source) -> {
            String code = OWN_IMPORT.matcher(NOT_CODE.matcher(source).replaceAll(" ")).replaceAll(" ");
            Set<String> used = names(NAME, 0, code);
            used.retainAll(sources.keySet());
            used.removeAll(names(DECLARATION, 1, code));
            uses.put(name, used);
        });
        return uses;
    }

    private static int layer(String name, List<Set<String>> layers) {
        for (int at = 0; at < layers.size(); at++) {
            if (layers.get(at).contains(name)) {
                return at;
            }
        }
        return -1;
    }

    /** Uses of a higher layer, circles, and classes without a layer or without a source. */
    private static List<String> faults(Map<String, String> sources, List<Set<String>> layers) {
        List<String> faults = new ArrayList<>();
        Map<String, Set<String>> uses = uses(sources);
        layers.forEach(layer -> layer.stream().sorted().filter(name -> !sources.containsKey(name))
                .forEach(name -> faults.add(name + " has no source: remove it from the layers")));
        uses.forEach((name, used) -> {
            if (layer(name, layers) < 0) {
                faults.add(name + " is in no layer: add it to this test");
            }
            used.stream().filter(other -> layer(other, layers) > layer(name, layers))
                    .forEach(other -> faults.add(name + " uses " + other + " of a higher layer"));
        });
        Set<String> done = new TreeSet<>();
        uses.keySet().forEach(name -> findCircles(name, uses, new ArrayList<>(), done, faults));
        return faults;
    }

    private static void findCircles(String name, Map<String, Set<String>> uses, List<String> path, Set<String> done, List<String> faults) {
        if (path.contains(name)) {
            faults.add("a circle: " + String.join(" uses ", path.subList(path.indexOf(name), path.size())) + " uses " + name);
        } else if (!done.contains(name)) {
            path.add(name);
            uses.get(name).forEach(other -> findCircles(other, uses, path, done, faults));
            path.remove(name);
            done.add(name);
        }
    }

    /** The sources of the package. The one of a class in two versions of the jar is both. */
    private static Map<String, String> sources() throws IOException {
        Map<String, String> sources = new TreeMap<>();
        for (String root : List.of("java", "java22")) {
            try (Stream<Path> files = Files.list(Path.of("src", "main", root, "io", "keyfob"))) {
                for (Path file : files.filter(each -> !each.endsWith("package-info.java")).toList()) {
                    sources.merge(file.getFileName().toString().replace(".java", ""), Files.readString(file), String::concat);
                }
            }
        }
        return sources;
    }

    @Test
    void classesUseTheirOwnLayerAndLowerOnesWithoutACircle() throws IOException {
        Map<String, String> sources = sources();
        assertEquals(List.of(), faults(sources, LAYERS));
        int seen = uses(sources).values().stream().mapToInt(Set::size).sum();
        assertTrue(seen > 100, () -> "only " + seen + " uses were found: does this test still read them?");
    }

    private static final List<Set<String>> MADE_UP = List.of(Set.of("Low", "Other"), Set.of("High"));

    @Test
    void aUseOfAHigherLayerIsReported() {
        for (String use : List.of("High high;", "High.call();", "new High();", "List<High> all;", "import static io.keyfob.High.call;")) {
            Map<String, String> sources = Map.of("Low", "class Low { " + use + " }", "Other", "class Other {}", "High", "class High { Low low; }");
            assertTrue(faults(sources, MADE_UP).contains("Low uses High of a higher layer"), use);
        }
    }

    @Test
    void aCircleIsReported() {
        Map<String, String> sources = Map.of("Low", "class Low { Other other; }", "Other", "class Other { void call() { new Low(); } }",
                "High", "class High {}");
        assertEquals(List.of("a circle: Low uses Other uses Low"), faults(sources, MADE_UP));
    }

    @Test
    void aClassWithoutALayerOrASourceIsReported() {
        Map<String, String> sources = Map.of("Low", "class Low {}", "New", "class New {}", "High", "class High {}");
        assertEquals(List.of("Other has no source: remove it from the layers", "New is in no layer: add it to this test"), faults(sources, MADE_UP));
    }

    @Test
    void namesInCommentsInTextsAndOfNestedClassesAreNoUses() {
        String low = "/** {@link High}. */ class Low { // High\n String text = \"High \\\" High\"; char quote = '\"'; Outer.High nested; } // \" High";
        Map<String, String> sources = Map.of("Low", low, "Other", "class Other { enum High {} High high; }", "High", "class High { Low low; }");
        assertEquals(List.of(), faults(sources, MADE_UP));
    }
}
