//! `keyfob rotate-key`: a new key for the records at rest, while services run.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;

use super::args::RotateArgs;
use super::{Result, account, note, output, serve};
use crate::store::{add_key, promote_key};

pub(crate) fn run(args: &RotateArgs) -> Result<ExitCode> {
    let config = serve::read(&args.config).map_err(|problems| serve::told(&problems))?;
    if !args.reseal_only {
        if config.key.is_some() {
            return Err(
                "key: is in the configuration, which only you can change: append a new one there and restart each service, put the new one \
                        first and restart each once more, and run keyfob rotate-key --reseal-only"
                    .into(),
            );
        }
        let path = &config.key_file;
        if !path.exists() {
            return Err(format!("key_file: {} does not exist; keyfob serve makes it", path.display()).into());
        }
        let wait = || thread::sleep(Duration::from_secs(args.wait));
        let id = add_key(path)?;
        note(&format!("key {id} is in {}; services learn to open it within {} seconds", path.display(), args.wait));
        wait();
        promote_key(path, id)?;
        note(&format!("key {id} stands first; services learn to seal under it within {} seconds", args.wait));
        wait();
    }
    let bar = ProgressBar::new_spinner();
    let (resealed, ids) = account::with(&args.config, async |store| {
        let resealed = store.reseal(|done| {
            bar.inc(done);
            bar.set_message(format!("{} records sealed anew", bar.position()));
        });
        Ok((resealed.await?, store.keys().ids()))
    })?;
    bar.finish_and_clear();
    let (first, others) = ids.split_first().ok_or("there is no key")?;
    output::line(&format!("{} records sealed anew under key {first}.", resealed.done))?;
    if !resealed.unreadable.is_empty() {
        let some: Vec<_> = resealed.unreadable.iter().take(10).map(ToString::to_string).collect();
        return Err(format!(
            "{} records do not open under any key, as that of device {}; keep every key",
            resealed.unreadable.len(),
            some.join(", ")
        )
        .into());
    }
    let others: Vec<_> = others.iter().map(ToString::to_string).collect();
    if !others.is_empty() {
        output::line(&format!("No record is under key {} any more; backups from before need it still.", others.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}
