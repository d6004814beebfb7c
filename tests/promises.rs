//! Holds what the documents say of this repository: the tests, files, commands and headings in them
//! exist, each promise has a test and a command, and the copies of the version agree.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Documents, each with the least number of names in it that are looked for.
const NAMING: [(&str, usize); 10] = [
    ("SECURITY.md", 150),
    ("STANDARDS.md", 100),
    ("ARCHITECTURE.md", 20),
    ("CONTRIBUTING.md", 60),
    ("RELEASING.md", 15),
    ("DESIGN.md", 3),
    ("docs/rules.md", 20),
    ("docs/record-format.md", 5),
    ("docs/decisions.md", 50),
    ("docs/measurements.md", 10),
];
/// Documents whose links are followed, beside [`NAMING`].
const LINKING: [&str; 6] =
    ["README.md", "CHANGELOG.md", "findings/README.md", "server/README.md", "server/POSTGRESQL.md", "server/SIGNALS.md"];

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(file)).unwrap()
}

/// Gathers the sources of a folder, each after its name.
fn gather(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            gather(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "java" || kind == "h") {
            all.extend(["\n/", path.file_name().unwrap().to_str().unwrap(), "\n", &fs::read_to_string(&path).unwrap()]);
        }
    }
}

/// The text between backticks, outside of blocks of code.
fn spans(text: &str) -> Vec<&str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

/// Whether a path exists. Its last part may have one `*`.
fn path_exists(path: &str) -> bool {
    let path = Path::new(ROOT).join(path);
    let name = path.file_name().unwrap().to_str().unwrap();
    let Some((start, end)) = name.split_once('*') else { return path.exists() };
    fs::read_dir(path.parent().unwrap()).is_ok_and(|mut files| {
        files.any(|file| file.unwrap().file_name().to_str().is_some_and(|name| name.starts_with(start) && name.ends_with(end)))
    })
}

/// Whether the thing that a span names exists; none if it names nothing that can be looked for.
fn exists(span: &str, sources: &str) -> Option<bool> {
    let is_function = |name: &str| sources.contains(&format!("fn {name}(")) || sources.contains(&format!("void {name}("));
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = span.starts_with(|first: char| first.is_ascii_lowercase()) && span.bytes().all(name);
    if let Some(target) = span.strip_prefix("make ") {
        let target = target.split(' ').next().unwrap();
        return Some(read("Makefile").contains(&format!("\n{target}:")));
    }
    if let Some(arguments) = span.strip_prefix("cargo test ") {
        // The last word is a test's file or folder, or the beginning of tests' names.
        let words: Vec<_> = arguments.split(' ').collect();
        let last = words.split_last().filter(|(_, before)| !before.ends_with(&["-p"]) && !before.ends_with(&["--features"]));
        let last = last.map(|(last, _)| *last).filter(|last| !last.starts_with('-'));
        let is_folder = |name: &str| Path::new(ROOT).join("tests").join(name).join("main.rs").exists();
        let is_file = |name: &str| sources.contains(&format!("\n/{name}.rs\n"));
        let is_module = |name: &str| sources.contains(&format!("mod {name};"));
        return last.map(|last| is_file(last) || is_folder(last) || is_module(last) || sources.contains(&format!("fn {last}")));
    }
    if span.contains(' ') {
        return None;
    }
    if let Some((_, method)) = span.split_once("::") {
        return Some(is_function(method) || sources.contains(&format!(" {method}")));
    }
    if span.contains('/') && !span.starts_with('/') {
        return Some(path_exists(span));
    }
    (is_name && span.bytes().any(|byte| byte == b'_' || byte.is_ascii_uppercase())).then(|| is_function(span))
}

#[test]
fn names_in_documents_exist() {
    let mut sources = String::new();
    for folder in ["src", "include", "tests", "scim", "server", "tokens", "java", "fuzz"] {
        gather(&Path::new(ROOT).join(folder), &mut sources);
    }
    let mut missing = Vec::new();
    for (file, fewest) in NAMING {
        let text = read(file);
        let found: Vec<_> = spans(&text).into_iter().filter_map(|span| Some((span, exists(span, &sources)?))).collect();
        assert!(found.len() >= fewest, "{file}: {} names were found: is this test still reading them?", found.len());
        // Beside tests, the explanations name fields, attributes and settings.
        let explains = file.starts_with("docs/") || file == "CONTRIBUTING.md";
        let is_mentioned = |span: &str| explains && !span.contains('/') && sources.contains(span);
        let absent = found.into_iter().filter(|(span, exists)| !exists && !is_mentioned(span));
        missing.extend(absent.map(|(span, _)| format!("{file}: {span}")));
    }
    assert!(missing.is_empty(), "{missing:#?}");
    for wrong in [
        "rule_00_none",
        "tests/none.rs",
        "tests/*.none",
        "noTextTellsAnything",
        "make none",
        "cargo test rule_99",
        "Policy::no_such",
    ] {
        assert_eq!(exists(wrong, &sources), Some(false), "{wrong}");
    }
}

/// The anchors of a document's headings.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            words.chars().filter(|&letter| letter.is_alphanumeric() || letter == '-' || letter == '_').collect()
        })
        .collect()
}

/// The links of a document, web addresses aside.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2).flat_map(|prose| prose.split("](").skip(1));
    prose.filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://")).collect()
}

#[test]
fn links_of_documents_lead_somewhere() {
    let mut seen = 0;
    for file in NAMING.iter().map(|(file, _)| *file).chain(LINKING) {
        for link in links(&read(file)) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(file).parent().unwrap();
            let target = if path.is_empty() { PathBuf::from(file) } else { folder.join(path) };
            let target: PathBuf = target.components().fold(PathBuf::new(), |mut whole, part| {
                if part.as_os_str() == ".." {
                    whole.pop();
                } else {
                    whole.push(part);
                }
                whole
            });
            let target = target.to_str().unwrap();
            assert!(Path::new(ROOT).join(target).exists(), "{file}: {link} leads nowhere");
            assert!(
                anchor.is_empty() || anchors(&read(target)).iter().any(|known| known == anchor),
                "{file}: {link} has no heading"
            );
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} links were found: is this test still reading them?");
}

/// The first block of Rust in a document.
fn example(document: &str) -> &str {
    document.split_once("```rust\n").unwrap().1.split_once("```").unwrap().0
}

#[test]
fn example_of_the_readme_is_the_one_that_the_crate_tests() {
    assert_eq!(example(&read("README.md")), example(&read("src/README.md")));
}

#[test]
fn each_promise_has_a_test_and_a_command() {
    let page = read("SECURITY.md");
    let table = page.split_once("| promise | test | command |\n|---|---|---|\n").unwrap().1.split_once("\n\n").unwrap().0;
    for row in table.lines().filter(|row| !row.starts_with("| **")) {
        let [_, _, test, command, _] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
        assert!(!spans(test).is_empty() && (command.starts_with(" `make ") || command.starts_with(" `cargo test ")), "{row}");
    }
}

#[test]
fn copies_of_the_version_agree_with_cargo_toml() {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    assert!(read("Cargo.toml").contains(&format!("\nversion = \"{VERSION}\"\n")));
    for (file, copies) in [
        ("java/pom.xml", [format!("  <version>{VERSION}</version>\n"), "</project>".to_owned()]),
        ("include/keyfob.h", [format!("#define KEYFOB_VERSION \"{VERSION}\""), "keyfob_version".to_owned()]),
        ("capi/man/keyfob.3", [format!("\n.Os keyfob {VERSION}\n"), ".Sh NAME".to_owned()]),
        ("java/it/pom.xml", [format!("<keyfob.version>{VERSION}<"), "</project>".to_owned()]),
        ("README.md", [format!("java/target/keyfob-{VERSION}.jar"), format!("  <version>{VERSION}</version>\n")]),
        ("README.md", [format!("io.keyfob:keyfob:{VERSION}"), "make jar".to_owned()]),
        ("CHANGELOG.md", [format!("\n## {VERSION}"), "# Changelog".to_owned()]),
    ] {
        let text = read(file);
        for copy in copies {
            assert!(text.contains(&copy), "{file} has no {copy:?}");
        }
    }
}
