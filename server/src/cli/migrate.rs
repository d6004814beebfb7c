//! `keyfob migrate`: a store into another.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::MigrateArgs;
use super::{Result, output, serve};
use crate::store::{self, Location};

pub(crate) fn run(args: &MigrateArgs) -> Result<ExitCode> {
    let config = serve::read(&args.config).map_err(|problems| serve::told(&problems))?;
    let to = Location::parse(&args.to, &config.database).map_err(|error| format!("--to: {error}"))?;
    if config.store.to_string() == to.to_string() {
        return Err("--to: is the store itself".into());
    }
    // Drawn on a terminal only.
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len} ({eta})")?);
    bar.set_message("devices");
    let copied = store::copy(&config.store, &to, args.keep, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    for (table, rows, hash) in copied?.tables {
        output::line(&format!("{table:<10} {rows:>12} rows in both, SHA-256 {hash}"))?;
    }
    output::line(&if args.keep {
        format!("Copied to {to}. {} goes on: what changes there from now on is not in the copy.", config.store)
    } else {
        format!("Moved to {to}, with the same key. Start the services with that store; {} serves no device any more.", config.store)
    })?;
    Ok(ExitCode::SUCCESS)
}
