//! The secret and the code: from a file, a terminal or standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::secret;
use crate::cli::input::{self, MAX_INPUT_BYTES, NO_CODE, digits};
use crate::cli::result::Result;
use crate::cli::terminal;
use crate::file::{self, Wiped};

const NO_SECRET: &str = "standard input: holds no secret; write it there as a line, or give --secret-file FILE";
const TWO_LINES: &str = "standard input: must be two lines, the secret and the code; write a secret of several lines on one line";

/// Reads the text of a secret: from a file, else from a terminal without echo, else all of standard
/// input.
pub(super) fn read_secret(file: Option<&Path>) -> Result<Wiped> {
    match source(file) {
        Source::File(path) => secret_file(path),
        Source::Terminal => terminal::read_hidden_line("Secret: "),
        Source::Pipe => Ok(Some(all_of_standard_input()?).filter(|text| !text.trim_ascii().is_empty()).ok_or(NO_SECRET)?),
    }
}

/// Reads the text of a secret and a code. If both come from standard input, each is a line.
pub(super) fn read_secret_and_code(file: Option<&Path>, argument: Option<&OsStr>) -> Result<(Wiped, Wiped)> {
    if argument.is_some() || !matches!(source(file), Source::Pipe) {
        return Ok((read_secret(file)?, read_code(argument)?));
    }
    let text = all_of_standard_input()?;
    if text.trim_ascii().is_empty() {
        return Err(NO_SECRET.into());
    }
    let (secret, rest) = first_line(&text);
    let (code, rest) = first_line(rest.filter(|rest| !rest.is_empty()).ok_or(NO_CODE)?);
    // No code has a letter: this line is the second half of a secret.
    if rest.is_some_and(|rest| !rest.trim_ascii().is_empty()) || code.iter().any(u8::is_ascii_alphabetic) {
        return Err(secret::describe_foreign(&text).unwrap_or(TWO_LINES).into());
    }
    Ok((Zeroizing::new(secret.to_vec()), digits(code)))
}

/// The first line without its line ending, and what follows it, if it has one.
fn first_line(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b'\n').and_then(|at| text.split_at_checked(at)) {
        Some((line, rest)) => (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..)),
        None => (text, None),
    }
}

/// The source of a secret.
enum Source<'p> {
    File(&'p Path),
    Terminal,
    Pipe,
}

fn source(file: Option<&Path>) -> Source<'_> {
    match file {
        Some(path) if path != Path::new("-") => Source::File(path),
        _ if io::stdin().is_terminal() => Source::Terminal,
        _ => Source::Pipe,
    }
}

/// Reads a code, without blanks and hyphens: from the command line, else a line of standard input.
pub(super) fn read_code(argument: Option<&OsStr>) -> Result<Wiped> {
    input::read_code(argument, "Code: ")
}

fn secret_file(path: &Path) -> Result<Wiped> {
    let read = File::open(path).and_then(|mut file| file::read(&mut file, MAX_INPUT_BYTES));
    let text = read.map_err(|error| {
        format!("{}: {error}; --secret-file takes a file with the secret, or - for standard input", path.display())
    })?;
    check_length(text, &path.display().to_string())
}

/// All of standard input.
fn all_of_standard_input() -> Result<Wiped> {
    check_length(input::read_all()?, "standard input")
}

/// Refuses text that is too long for a secret. Says what it is if that can be seen.
fn check_length(text: Wiped, place: &str) -> Result<Wiped> {
    if text.len() > MAX_INPUT_BYTES {
        if let Some(what) = secret::describe_foreign(&text) {
            return Err(what.into());
        }
        return Err(format!("{place}: is longer than {MAX_INPUT_BYTES} bytes; give one secret, and nothing else").into());
    }
    Ok(text)
}
