//! `keyfob backup`: copies a store in a file while services run.

use std::process::ExitCode;

use keyfob_scim::date;

use super::configuration::configured_store;
use super::open::read_keys;
use crate::cli::args::BackupArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::store::{Backup, back_up};

pub(crate) fn run(args: &BackupArgs) -> Result<ExitCode> {
    let config = configured_store(&args.config)?;
    let backup = back_up(&config.store, &args.to, &read_keys(&config)?)?;
    if let Some(check) = backup.keys.as_ref().filter(|check| !check.is_whole()) {
        note(&format!("the key file {check}; the backup is complete, and a restore of it needs that key"));
    }
    output::line(&format!("{}: {}", args.to.display(), in_words(&backup)))?;
    if config.sealing_keys.is_none() {
        output::line(&format!("Keep a copy of {} apart from it.", config.sealing_keys_file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a backup holds, for people.
pub(super) fn in_words(backup: &Backup) -> String {
    let counted = format!("{} devices, {} lines of the trail", backup.devices, backup.lines);
    match backup.last_at.and_then(|at| u64::try_from(at).ok()) {
        Some(at) => format!("{counted}, the last of {}", date::format_soffid(at)),
        None => counted,
    }
}
