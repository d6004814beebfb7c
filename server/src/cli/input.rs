//! Standard input, which may hold a secret.

use std::fs::File;
use std::io::{self, Read as _};

use zeroize::Zeroizing;

use super::result::Result;
use crate::file::{self, Wiped};

/// The longest secret, URI, code or password.
pub(crate) const MAX_INPUT_BYTES: usize = 4096;

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
