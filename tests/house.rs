//! Holds the forms that CONTRIBUTING.md asks for: widths, lengths, endings, one source of the
//! version, and a page for C that names every function.

use std::fs;
use std::path::Path;

/// The most columns of a line of comments.
const COMMENT_COLUMNS: usize = 100;
/// The most lines of a source file.
const FILE_LINES: usize = 400;
/// The most words of a sentence in the documents.
const SENTENCE_WORDS: usize = 35;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The text files of a folder, by their path from the root; without what is built or found.
fn gather(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_hidden = name.starts_with('.') && name != ".ci";
        if path.is_symlink() || is_hidden || ["target", "corpus", "artifacts", "node_modules", "mutants.out"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            gather(&path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.push((path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"), text));
        }
    }
}

fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    gather(root(), &mut files);
    assert!(files.len() > 400, "{} files were found: does this test still read them?", files.len());
    files
}

/// What a file's name ends with after its last dot.
fn ending(file: &str) -> Option<&str> {
    let name = file.rsplit('/').next()?;
    Some(name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?.1)
}

fn is_script(text: &str) -> bool {
    text.starts_with("#!") && !text.starts_with("#![")
}

#[test]
fn comments_have_at_most_100_columns() {
    let mut wide = Vec::new();
    for (file, text) in files() {
        let starts: &[&str] = match ending(&file) {
            Some("rs") => &["//"],
            Some("java" | "c" | "h") => &["//", "/*", "*"],
            Some("py" | "sh") => &["#"],
            None if is_script(&text) => &["#"],
            _ => continue,
        };
        // The row of a table cannot be wrapped.
        let is_row = |line: &str| line.starts_with("//! |") || line.starts_with("/// |");
        let is_comment = |line: &str| starts.iter().any(|start| line.starts_with(start)) && !is_row(line);
        let lines =
            text.lines().zip(1..).filter(|(line, _)| is_comment(line.trim_start()) && line.chars().count() > COMMENT_COLUMNS);
        wide.extend(lines.map(|(line, number)| format!("{file}:{number} has {} columns", line.chars().count())));
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

#[test]
fn files_have_at_most_400_lines() {
    let is_source = |file: &str| matches!(ending(file), Some("rs" | "java"));
    let files = files().into_iter().filter(|(file, _)| is_source(file));
    let long: Vec<_> = files.map(|(file, text)| (file, text.lines().count())).filter(|(_, lines)| *lines > FILE_LINES).collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// A command has no ending. Python that another command runs ends in `.py`. A finding is a page to
/// read, and ends in `.sh`.
#[test]
fn scripts_have_the_endings_of_their_kind() {
    for (file, text) in files() {
        let expected = if file.starts_with("findings/") { Some("sh") } else { None };
        if is_script(&text) {
            assert_eq!(ending(&file), expected, "{file}");
        } else {
            assert_ne!(ending(&file), Some("sh"), "{file} has no line #!");
        }
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(root().join(&file)).unwrap().permissions());
            assert_eq!(mode & 0o100 != 0, is_script(&text), "{file}: a file is executable if it begins with #!, and only then");
        }
    }
}

/// What follows each `before` in a text, up to `after`.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    text.split(before).skip(1).filter_map(|rest| Some(rest.split_once(after)?.0)).collect()
}

#[test]
fn the_version_is_that_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(between(&read("Cargo.toml"), "[workspace.package]\nversion = \"", "\""), [version]);
    let pom = read("java/pom.xml");
    let project = between(&pom, "<artifactId>keyfob</artifactId>", "<name>")[0];
    assert_eq!(between(project, "<version>", "<"), [version]);
    assert_eq!(between(&read("include/keyfob.h"), "#define KEYFOB_VERSION \"", "\""), [version]);
    let readme = read("README.md");
    let jars = between(&readme, "target/keyfob-", ".jar");
    let maven = between(&readme, "<artifactId>keyfob</artifactId>\n  <version>", "<");
    let gradle = between(&readme, "(\"io.keyfob:keyfob:", "\"").into_iter().chain(between(&readme, "'io.keyfob:keyfob:", "'"));
    let named: Vec<_> = jars.into_iter().chain(maven).chain(gradle).collect();
    assert!(named.len() >= 6 && named.iter().all(|named| *named == version), "README.md: {named:?}");
}

#[test]
fn the_page_for_c_names_every_function() {
    let page = read("examples/c/README.md");
    let missing: Vec<_> = read("tests/c/symbols.txt")
        .lines()
        .filter(|function| !page.contains(&format!("`{function}`")))
        .map(str::to_owned)
        .collect();
    assert!(missing.is_empty(), "examples/c/README.md: {missing:?}");
}

/// The sentences of a document's prose: without headings, tables, and blocks of code.
fn sentences(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.split("```").step_by(2).flat_map(|prose| prose.lines().chain([""])) {
        let line = line.trim();
        let is_item = line.starts_with("- ")
            || line.starts_with("* ")
            || line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        if line.is_empty() || line.starts_with(['#', '|', '>', '<']) || is_item {
            paragraphs.push(String::new());
        }
        if !line.starts_with(['#', '|', '<']) {
            paragraphs.last_mut().unwrap().extend([line, " "]);
        }
    }
    let ends = |word: &str| word.trim_end_matches(['*', ')', '"', '`', ']']).ends_with(['.', '!', '?']);
    let mut sentences = Vec::new();
    for paragraph in paragraphs {
        let mut words = Vec::new();
        // Code is one word, whatever is in it.
        let plain: String = paragraph.split('`').enumerate().map(|(at, part)| if at % 2 == 1 { "code" } else { part }).collect();
        for word in plain.split_whitespace() {
            words.push(word);
            if ends(word) {
                sentences.push(words.join(" "));
                words.clear();
            }
        }
        sentences.push(words.join(" "));
    }
    sentences
}

#[test]
fn sentences_of_documents_have_at_most_35_words() {
    let docs = files().into_iter().filter(|(file, _)| {
        let is_top = !file.contains('/') && file != "CHANGELOG.md" || file.starts_with("docs/") || file.starts_with("server/");
        is_top && ending(file) == Some("md") || file == "examples/c/README.md"
    });
    let mut long = Vec::new();
    for (file, text) in docs {
        let sentences = sentences(&text).into_iter().map(|sentence| (sentence.split(' ').count(), sentence));
        long.extend(
            sentences
                .filter(|(words, _)| *words > SENTENCE_WORDS)
                .map(|(words, sentence)| format!("{file}, {words} words: {sentence}")),
        );
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
