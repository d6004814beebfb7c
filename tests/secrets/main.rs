//! Rule 10, from another side than `tests/constant_time.rs`: no branch and no index depends on a
//! secret or on an answer.
//!
//! Memcheck follows each bit that is marked as undefined and reports each jump and each address
//! that depends on one. Here the secret (or PIN) and the answer are marked. [`DECLASSIFIED`] lists
//! the lines that may depend on them all the same; a line that no case needs is an error. Two
//! broken twins must be reported. Each outcome must be found to depend on the marked bits, or not
//! to, as the case expects.

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod memcheck;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use cases::Expected;

/// Branches that may depend on secrets or answers: the file, a part of the line, and the fact that
/// the branch reveals. Memcheck does not know that an open device changes with every answer, right
/// or wrong.
const DECLASSIFIED: [(&str, &str, &str); 3] = [
    ("src/record.rs", "if bytes.last_chunk() != Some(&check(bytes)", "whether a record is damaged"),
    ("src/pin.rs", "if bool::from(valid)", "whether the bytes of a PIN are digits"),
    ("src/attempt.rs", "if self.is_changed()", "whether the device changed"),
];

/// How the process that memcheck runs says where it is, on the stream of memcheck's reports.
const CASE: &str = "case: ";
const DEPENDS: &str = "depends: ";

/// What was found of a case.
#[derive(Default)]
struct Found {
    depends: Option<bool>,
    reports: Vec<Report>,
}

/// A report: its text, and the innermost line of this repository that it stands at, after the name
/// of its file.
struct Report {
    text: String,
    line: Option<String>,
}

impl Report {
    /// Memcheck's lines; none if they have no stack, and so report nothing.
    fn new(lines: &[&str]) -> Option<Self> {
        let frames: Vec<_> = lines.iter().filter(|line| line.starts_with("at 0x") || line.starts_with("by 0x")).collect();
        let line = frames.iter().find_map(|frame| source(frame));
        let text = lines.iter().map(|line| format!("    {line}\n")).collect();
        (!frames.is_empty()).then_some(Self { text, line })
    }

    /// The place of [`DECLASSIFIED`] that allows it.
    fn declassified(&self) -> Option<usize> {
        let line = self.line.as_deref()?;
        DECLASSIFIED.iter().position(|(file, part, _)| line.starts_with(file) && line.contains(part))
    }
}

/// The line of this repository that a frame names, `... (src/verify.rs:42)`.
fn source(frame: &str) -> Option<String> {
    let (path, line) = frame.trim_end_matches(')').rsplit_once('(')?.1.rsplit_once(':')?;
    let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).map_or(path, |path| path.trim_start_matches('/'));
    let is_own = path.starts_with("src/") || path.starts_with("tests/");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok().filter(|_| is_own)?;
    let line = text.lines().nth(line.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some(format!("{path}: {}", line.trim()))
}

/// Reads the stream of memcheck's reports and of the process under it: what was found of each case.
fn read(stream: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut block = Vec::new();
    for line in stream.lines() {
        let said = line.strip_prefix("==").and_then(|line| line.split_once("==")).map(|(_, text)| text.trim());
        if let Some(text) = said.filter(|text| !text.is_empty()) {
            block.push(text);
            continue;
        }
        if let (Some(last), Some(report)) = (found.last_mut(), Report::new(&block)) {
            last.reports.push(report);
        }
        block.clear();
        match found.last_mut() {
            _ if line.starts_with(CASE) => found.push(Found::default()),
            Some(last) if line.starts_with(DEPENDS) => last.depends = line.strip_prefix(DEPENDS).and_then(|word| word.parse().ok()),
            _ => {}
        }
    }
    found
}

/// Runs all cases under memcheck.
fn examine() -> Result<Vec<Found>, String> {
    let output = Command::new("valgrind")
        .args(["--tool=memcheck", "--leak-check=no", "--error-limit=no", "--num-callers=40", "--fullpath-after="])
        .arg(env::current_exe().map_err(|error| error.to_string())?)
        .arg(CASE)
        .output()
        .map_err(|error| format!("valgrind does not start ({error}): install the Debian package valgrind"))?;
    let stream = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(read(&stream)) } else { Err(stream.into_owned()) }
}

/// What the process under memcheck does.
fn work() -> ExitCode {
    if !memcheck::is_here() {
        eprintln!("Valgrind does not run this");
        return ExitCode::FAILURE;
    }
    for case in cases::all() {
        eprintln!("{CASE}{}", case.name);
        eprintln!("{DEPENDS}{}", (case.call)());
    }
    ExitCode::SUCCESS
}

/// What is wrong with what was found of a case; nothing if it is as expected.
fn judge(expected: Expected, found: &Found) -> String {
    let unexpected: Vec<&Report> = found.reports.iter().filter(|report| report.declassified().is_none()).collect();
    let text: String = unexpected.iter().map(|report| format!("{}    in {:?}\n", report.text, report.line)).collect();
    match (found.depends, expected) {
        (None, _) => format!("{text}    it did not end\n"),
        (Some(true), Expected::Blind) => format!("{text}    its outcome depends on what is hidden\n"),
        (Some(false), Expected::Silent | Expected::Reported) => {
            format!("{text}    its outcome does not depend on what is hidden: was that hidden at all?\n")
        }
        (_, Expected::Reported) if text.is_empty() => "    nothing was reported\n".to_owned(),
        (_, Expected::Reported) => String::new(),
        _ => text,
    }
}

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some(CASE) {
        return work();
    }
    let mut found = match examine() {
        Ok(found) => found,
        Err(error) => {
            eprintln!("rule_10: {error}");
            return ExitCode::FAILURE;
        }
    };
    let cases = cases::all();
    found.resize_with(cases.len(), Found::default);
    let (mut passed, mut failed) = (0, 0);
    for (case, found) in cases.iter().zip(&found) {
        let wrong = judge(case.expected, found);
        println!("test rule_10_no_branch_on_a_secret: {} ... {}", case.name, if wrong.is_empty() { "ok" } else { "FAILED" });
        print!("{wrong}");
        if wrong.is_empty() { passed += 1 } else { failed += 1 }
    }
    let declassified: BTreeSet<usize> =
        found.iter().flat_map(|found| found.reports.iter().filter_map(Report::declassified)).collect();
    for (_, (file, line, why)) in DECLASSIFIED.iter().enumerate().filter(|(number, _)| !declassified.contains(number)) {
        println!("no case tells any more {why}, in {file}: {line}");
        failed += 1;
    }
    println!("\ntest result: {}. {passed} passed; {failed} failed", if failed == 0 { "ok" } else { "FAILED" });
    ExitCode::from(u8::from(failed > 0))
}
