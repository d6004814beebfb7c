//! The key or the password of an export.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::Zeroizing;

use super::args::ExportArgs;
use super::input::{self, MAX_INPUT_BYTES};
use super::output::note;
use super::result::Result;
use super::terminal;
use crate::config::MIN_PASSWORD_BYTES;
use crate::file::{self, Wiped};
use crate::tokens::{ExportFormat, Protection};

const KEY_BYTES: usize = 32;

/// How the options protect an export. Prompts for a password if they do not say it.
pub(super) fn protection(args: &ExportArgs) -> Result<Protection> {
    if args.format != ExportFormat::Pskc {
        if args.key_file.is_some() || args.password_file.is_some() {
            return Err(
                "--key-file and --password-file: only a PSKC file is encrypted; leave them out, or give --format pskc".into()
            );
        }
        return Ok(Protection::Plain);
    }
    match (&args.key_file, &args.password_file) {
        _ if args.plain => Ok(Protection::Plain),
        (Some(path), _) => key(path).map(Protection::Key),
        (None, Some(path)) if path == Path::new("-") => {
            password(&input::read_line()?.ok_or("standard input: holds no password; write it there as a line")?)
        }
        (None, Some(path)) => {
            let text = read(path, "--password-file")?;
            password(text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default())
        }
        (None, None) if io::stdin().is_terminal() => {
            let first = terminal::read_hidden_line("Password of the file: ")?;
            if terminal::read_hidden_line("Once more: ")? != first {
                return Err("the two passwords differ".into());
            }
            password(&first)
        }
        (None, None) => {
            Err("a PSKC file is encrypted: give --password-file FILE (- is standard input) or --key-file FILE, or --plain".into())
        }
    }
}

fn password(text: &[u8]) -> Result<Protection> {
    let text = Zeroizing::new(str::from_utf8(text).map_err(|_| "password: is not UTF-8")?.to_owned());
    if text.len() < MIN_PASSWORD_BYTES {
        return Err(format!("password: must have at least {MIN_PASSWORD_BYTES} bytes").into());
    }
    Ok(Protection::Password(text))
}

fn key(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    let text = read(path, "--key-file")?;
    let decoded = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(text.trim_ascii()).unwrap_or_default());
    let key = <[u8; KEY_BYTES]>::try_from(decoded.as_slice()).or_else(|_| <[u8; KEY_BYTES]>::try_from(text.as_slice()));
    key.map(Zeroizing::new).map_err(|_| {
        format!("{}: must be a key of 32 bytes, in hexadecimal or as its bytes; openssl rand -hex 32 makes one", path.display())
            .into()
    })
}

fn read(path: &Path, option: &str) -> Result<Wiped> {
    let text = File::open(path)
        .and_then(|mut file| file::read(&mut file, MAX_INPUT_BYTES))
        .map_err(|error| format!("{}: {error}; {option} takes a file that you may read", path.display()))?;
    if text.len() > MAX_INPUT_BYTES {
        return Err(format!("{}: is longer than {MAX_INPUT_BYTES} bytes", path.display()).into());
    }
    if let Some(how) = file::exposed(path) {
        note(&format!("{}: {how}", path.display()));
    }
    Ok(text)
}
