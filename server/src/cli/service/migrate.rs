//! `keyfob migrate`: copies or moves a store into another.

use std::process::ExitCode;

use indicatif::ProgressBar;

use super::configuration::configured;
use crate::cli::args::MigrateArgs;
use crate::cli::output;
use crate::cli::result::Result;
use crate::database::Location;
use crate::store::{self, Store};

pub(crate) fn run(args: &MigrateArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    let to = Location::parse(&args.to, &config.database).map_err(|error| format!("--to: {error}"))?;
    if !Store::exists(&config.store)? {
        return Err(format!("store: there is none at {}, and so nothing to copy; name yours with --store", config.store).into());
    }
    // Drawn on a terminal only. Without a total: to count the rows of a large table takes long.
    let bar = ProgressBar::new_spinner();
    let copied = store::copy(&config.store, &to, args.copy_only, &mut |table, rows| {
        bar.inc(1);
        bar.set_message(format!("{table}: {rows} rows compared"));
    });
    bar.finish_and_clear();
    let copied = copied?;
    for (table, rows) in copied.tables {
        output::line(&format!("{table:<13} {rows:>12} rows in both"))?;
    }
    output::line(&if copied.is_moved {
        format!("Moved to {to}, with the same key. Start the services with that store; {} serves no device any more.", config.store)
    } else {
        format!("Copied to {to}. {} stays in service: later changes there are not in the copy.", config.store)
    })?;
    Ok(ExitCode::SUCCESS)
}
