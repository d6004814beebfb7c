//! SECURITY.md, STANDARDS.md and ARCHITECTURE.md name tests, files and commands: each of them is
//! there, and each promise has a test and a command.

use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(file)).unwrap()
}

/// Gathers the sources of a folder but for this one, each after its name.
fn gather(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            gather(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "java") && !path.ends_with("promises.rs") {
            all.extend(["\n/", path.file_name().unwrap().to_str().unwrap(), "\n", &fs::read_to_string(&path).unwrap()]);
        }
    }
}

/// What stands between backticks, outside of blocks of code.
fn spans(text: &str) -> Vec<&str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

/// Whether what a span names is there; none if it names nothing that can be looked for.
fn is_there(span: &str, sources: &str) -> Option<bool> {
    let is_function = |name: &str| sources.contains(&format!("fn {name}(")) || sources.contains(&format!("void {name}("));
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = span.starts_with(|first: char| first.is_ascii_lowercase()) && span.bytes().all(name);
    if let Some(target) = span.strip_prefix("make ") {
        return Some(read("Makefile").contains(&format!("\n{target}:")));
    }
    if let Some(arguments) = span.strip_prefix("cargo test ") {
        // The last word is a test's file or folder, or how its tests begin.
        let last = arguments.split(' ').next_back().filter(|last| !last.starts_with('-'));
        let is_folder = |name: &str| Path::new(ROOT).join("tests").join(name).join("main.rs").exists();
        let is_file = |name: &str| sources.contains(&format!("\n/{name}.rs\n"));
        return last.map(|last| is_file(last) || is_folder(last) || sources.contains(&format!("fn {last}")));
    }
    if let Some((_, method)) = span.split_once("::") {
        return Some(is_function(method) || sources.contains(&format!(" {method}")));
    }
    if span.contains('/') && !span.starts_with('/') {
        return Some(Path::new(ROOT).join(span).exists());
    }
    (is_name && span.bytes().any(|byte| byte == b'_' || byte.is_ascii_uppercase())).then(|| is_function(span))
}

#[test]
fn names_in_the_tables_exist() {
    let mut sources = String::new();
    for folder in ["src", "tests", "scim", "server", "java", "fuzz"] {
        gather(&Path::new(ROOT).join(folder), &mut sources);
    }
    for (file, fewest) in [("SECURITY.md", 150), ("STANDARDS.md", 100), ("ARCHITECTURE.md", 20)] {
        let text = read(file);
        let found: Vec<_> = spans(&text).into_iter().filter_map(|span| Some((span, is_there(span, &sources)?))).collect();
        let missing: Vec<_> = found.iter().filter(|(_, there)| !there).collect();
        assert!(missing.is_empty() && found.len() >= fewest, "{file}: {} found, of which there are not: {missing:#?}", found.len());
    }
    for wrong in ["rule_00_none", "tests/none.rs", "noTextTellsAnything", "make none", "cargo test rule_99", "Policy::no_such"] {
        assert_eq!(is_there(wrong, &sources), Some(false), "{wrong}");
    }
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
