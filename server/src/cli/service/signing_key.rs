//! `keyfob make-signing-key` and `keyfob rotate-signing-key`: the keys that sign tokens.

use std::process::ExitCode;

use super::configuration::configured;
use crate::cli::args::{MakeSigningKeyArgs, RotateSigningKeyArgs};
use crate::cli::output;
use crate::cli::result::Result;
use crate::signals::{Promotion, SigningKeyFile};

/// Makes the file with its first key.
pub(crate) fn make(args: &MakeSigningKeyArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    let path = &config.signals.keys_file;
    let id = SigningKeyFile::new(path).make(&args.key.key())?;
    output::line(&format!("{}: created, with the key {id}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Adds a key, or has one sign.
pub(crate) fn rotate(args: &RotateSigningKeyArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    let path = &config.signals.keys_file;
    if !path.exists() {
        return Err(format!(
            "signals.keys_file: {} does not exist; keyfob serve makes it at its first start with a receiver, and keyfob \
             make-signing-key before that",
            path.display()
        )
        .into());
    }
    let file = SigningKeyFile::new(path);
    let _lock = file.lock().map_err(|error| format!("signals.keys_file: {error}"))?;
    let text = if let Some(id) = &args.promote {
        let since = if file.promote(id)? == Promotion::Done { "from now on" } else { "already" };
        format!("{}: the key {id} signs {since}{}", path.display(), but(id, &file.read()?.ids()))
    } else {
        let id = file.add(&args.key.key())?;
        format!("{}: the key {id} is added and published; keyfob rotate-signing-key --promote {id} has it sign", path.display())
    };
    output::line(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// For whom a promoted key signs, if not for all: the first line signs for receivers that have no
/// algorithm.
fn but(id: &str, ids: &[String]) -> String {
    match ids.first() {
        Some(first) if first != id => format!(
            " for receivers that have its algorithm; the first line, the key {first}, signs for receivers without an algorithm, until \
             another line is moved before it"
        ),
        _ => String::new(),
    }
}
