//! `keyfob restore`: puts a backup in the place of a store in a file.

use std::process::ExitCode;

use keyfob::Policy;
use keyfob_scim::date;

use super::backup::in_words;
use super::configuration::configured;
use super::open::read_keys;
use crate::cli::args::RestoreArgs;
use crate::cli::clock::now;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::store::restore;

/// The step of almost all TOTP devices.
const STEP_SECONDS: u64 = 30;

pub(crate) fn run(args: &RestoreArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    if config.sealing_keys.is_none() && !config.sealing_keys_file.exists() {
        let path = config.sealing_keys_file.display();
        return Err(format!(
            "sealing_keys_file: {path} is missing, and no record can be opened without it; restore the key file first, or name it with \
             --set sealing_keys_file=FILE"
        )
        .into());
    }
    let stamp = date::format_soffid(now()?).replace([' ', ':'], "-");
    let restored = restore(&config.store, &args.from, &read_keys(&config)?, &stamp)?;
    output::line(&format!("Restored {} from {}: {}.", config.store, args.from.display(), in_words(&restored.backup)))?;
    if let Some(old) = &restored.old {
        output::line(&format!("The store that was there is in {}.", old.display()))?;
    }
    match &restored.changes {
        Ok(changes) => {
            for change in changes {
                output::line(&format!("Device {} of {:?} {}.", change.id, change.user, change.what))?;
            }
        }
        Err(error) => note(&format!("the store that was there cannot be compared with the backup: {error}")),
    }
    let until = date::format_soffid(now()?.saturating_add(wait_seconds(&config.settings.policy)));
    output::line(&format!(
        "Start no service before {until} UTC: until then, codes that were used since the backup are right again. Twice as late if devices \
         have steps of 60 seconds. Then give SMS and e-mail devices fresh secrets, and see the manual for HOTP and PIN devices."
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// For how long a code that was used before the restore can be right: the life of a message's code,
/// or all steps of TOTP at which the policy accepts a code.
fn wait_seconds(policy: &Policy) -> u64 {
    let steps = u64::from(policy.window()).saturating_add(policy.max_drift().into()).saturating_mul(2).saturating_add(1);
    steps.saturating_mul(STEP_SECONDS).max(policy.code_lifetime().into())
}
