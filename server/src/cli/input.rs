//! What does not stand on the command line: the secret, the code, the time.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::Path;
use std::time::SystemTime;

use keyfob_scim::code;
use zeroize::Zeroizing;

use super::Result;
use super::args::Clock;
use crate::file;

/// No secret, URI or code is longer than this many bytes.
const LIMIT: usize = 4096;

pub(crate) use crate::file::Wiped;

/// The text of a secret: of a file, else typed without echo, else one line of standard input.
pub(crate) fn secret(file: Option<&Path>) -> Result<Wiped> {
    match file {
        Some(path) if path != Path::new("-") => secret_file(path),
        _ if io::stdin().is_terminal() => {
            let typed = rpassword::prompt_password("Secret: ").map_err(|error| format!("terminal: {error}"))?;
            Ok(Zeroizing::new(typed.into_bytes()))
        }
        _ => Ok(line()?.ok_or("standard input: holds no secret; write it there as a line, or give --secret-file FILE")?),
    }
}

/// The code without blanks and hyphens: of the command line, else typed, else one line of standard input.
pub(crate) fn code(argument: Option<&OsStr>) -> Result<Wiped> {
    if let Some(code) = argument {
        return Ok(digits(code.as_encoded_bytes()));
    }
    if io::stdin().is_terminal() {
        // With echo: a code is worth nothing once used, and people want to see what they type.
        write!(io::stderr(), "Code: ")?;
    }
    let line = line()?.ok_or("standard input: holds no code; write it there as a line, or give it as an argument")?;
    Ok(digits(&line))
}

/// What was given as a code, without blanks and hyphens. What is no text stays as it is: a wrong code.
fn digits(given: &[u8]) -> Wiped {
    Zeroizing::new(str::from_utf8(given).map_or_else(|_| given.to_vec(), |text| code::digits(text).as_bytes().to_vec()))
}

/// The time in Unix seconds.
pub(crate) fn now(clock: &Clock) -> Result<u64> {
    let system = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs());
    clock.now.map_or_else(system, Ok).map_err(|_| "system clock: is before 1970; set it, or give --now SECONDS".into())
}

fn secret_file(path: &Path) -> Result<Wiped> {
    let read = File::open(path).and_then(|mut file| file::read(&mut file, LIMIT));
    let text = read.map_err(|error| {
        format!("{}: {error}; --secret-file takes a file with the secret, or - for standard input", path.display())
    })?;
    if text.len() > LIMIT {
        return Err(
            format!("{}: is longer than {LIMIT} bytes; a secret file holds one secret, nothing else", path.display()).into()
        );
    }
    Ok(text)
}

/// The next line of standard input without its line ending; none at the end of input.
#[expect(clippy::unbuffered_bytes, reason = "reading ahead would take the next line away, and leave the secret in a buffer")]
pub(crate) fn line() -> Result<Option<Wiped>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LIMIT));
    for byte in standard_input()?.bytes() {
        match byte.map_err(|error| format!("standard input: {error}"))? {
            b'\n' => {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            _ if line.len() == LIMIT => return Err(format!("standard input: has a line longer than {LIMIT} bytes").into()),
            byte => line.push(byte),
        }
    }
    Ok(Some(line).filter(|line| !line.is_empty()))
}

/// Standard input past the buffer that the standard library keeps and nobody wipes.
#[cfg(unix)]
fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
fn standard_input() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}
