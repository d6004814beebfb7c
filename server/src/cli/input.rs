//! Standard input, which may hold a secret.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};

use keyfob_scim::code;
use zeroize::Zeroizing;

use super::result::Result;
use crate::file::{self, Wiped};

/// The longest secret, URI, code or password.
pub(crate) const MAX_INPUT_BYTES: usize = 4096;

/// The error for a missing code.
pub(crate) const NO_CODE: &str = "standard input: holds no code; write it there as a line, or give it as an argument";

/// All of standard input, or one byte more than [`MAX_INPUT_BYTES`].
pub(crate) fn read_all() -> Result<Wiped> {
    let read = standard_input().and_then(|mut input| file::read(&mut input, MAX_INPUT_BYTES));
    read.map_err(|error| format!("standard input: {error}").into())
}

/// The next line of standard input without its line ending; none at the end of input.
#[expect(clippy::unbuffered_bytes, reason = "reading ahead would leave a secret in a buffer")]
pub(crate) fn read_line() -> Result<Option<Wiped>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_INPUT_BYTES));
    for byte in standard_input()?.bytes() {
        match byte.map_err(|error| format!("standard input: {error}"))? {
            b'\n' => {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            _ if line.len() == MAX_INPUT_BYTES => {
                return Err(format!("standard input: has a line longer than {MAX_INPUT_BYTES} bytes").into());
            }
            byte => line.push(byte),
        }
    }
    Ok(Some(line).filter(|line| !line.is_empty()))
}

/// Reads a code, without blanks and hyphens: from the command line, else a line of standard input,
/// after a prompt on a terminal.
pub(crate) fn read_code(argument: Option<&OsStr>, prompt: &str) -> Result<Wiped> {
    if let Some(code) = argument {
        return Ok(digits(code.as_encoded_bytes()));
    }
    if io::stdin().is_terminal() {
        // With echo: a used code is worthless, and people want to see their input.
        write!(io::stderr(), "{prompt}")?;
    }
    Ok(digits(&read_line()?.ok_or(NO_CODE)?))
}

/// A code without blanks and hyphens. Bytes that are not text stay as they are: a wrong code.
pub(crate) fn digits(given: &[u8]) -> Wiped {
    Zeroizing::new(str::from_utf8(given).map_or_else(|_| given.to_vec(), |text| code::strip_separators(text).as_bytes().to_vec()))
}

/// Standard input without the standard library's buffer, which is never wiped.
#[cfg(unix)]
pub(crate) fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
pub(crate) fn standard_input() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}
