//! `keyfob audit`: what happened to devices.

use std::process::ExitCode;

use keyfob_scim::date;

use super::args::AuditArgs;
use super::{Result, account, left_out, output, serve};
use crate::store::Wanted;

pub(crate) fn run(args: &AuditArgs) -> Result<ExitCode> {
    let wanted = Wanted { device: args.device, user: args.user.clone(), since: args.since, limit: args.limit };
    let config = serve::configured_store(&args.config)?;
    let trail = account::with(&config, async |store| Ok(store.trail(&wanted).await?))?;
    for line in trail.rows {
        if args.json {
            output::line(&serde_json::to_string(&line)?)?;
            continue;
        }
        let at = date::write(u64::try_from(line.at).unwrap_or_default(), false);
        let outcome = if line.success { "ok" } else { "REFUSED" };
        let drift = line.drift.map(|drift| format!(" drift {drift}")).unwrap_or_default();
        output::line(&format!(
            "{at}  {:<24} {outcome:<8} device {} of {} by {}: {}{drift}",
            line.event, line.device, line.user, line.actor, line.reason
        ))?;
    }
    Ok(left_out(&trail.damaged))
}
