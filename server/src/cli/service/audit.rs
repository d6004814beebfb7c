//! `keyfob audit`: the trail of the devices.

use std::process::ExitCode;

use keyfob_scim::date;

use super::configuration::configured_store;
use super::open;
use crate::cli::args::AuditArgs;
use crate::cli::output::{self, note_damaged};
use crate::cli::result::Result;
use crate::store::{TrailLine, TrailQuery, in_words};

pub(crate) fn run(args: &AuditArgs) -> Result<ExitCode> {
    let since = args.since.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    let wanted = TrailQuery { device: args.device, user: args.user.clone(), since, limit: args.limit };
    let config = configured_store(&args.config)?;
    let trail = open::with_store(&config, async |store| Ok(store.trail(&wanted).await?))?;
    for line in trail.rows {
        let text = if args.json { serde_json::to_string(&line)? } else { text(&line) };
        if !output::line_if_read(&text)? {
            break;
        }
    }
    Ok(note_damaged(&trail.damaged))
}

/// A line for people. Names are quoted and escaped: one may look like the rest of the line, hold a
/// line ending, or hold marks that reverse the order of the text.
fn text(line: &TrailLine) -> String {
    let at = date::format_soffid(u64::try_from(line.at).unwrap_or_default());
    let outcome = if line.success { "ok" } else { "REFUSED" };
    let drift = line.drift.map(|drift| format!(" drift {drift}")).unwrap_or_default();
    let reason = in_words(&line.reason);
    let device = match (line.device, line.user.as_str()) {
        (0, "") => "no device".to_owned(),
        (id, "") => format!("device {id} without a user"),
        (id, user) => format!("device {id} of {user:?}"),
    };
    format!("{at}  {:<24} {outcome:<8} {device} by {:?}: {reason}{drift}", line.event, line.actor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: &str, user: &str, actor: &str, reason: &str) -> TrailLine {
        TrailLine {
            id: 1,
            at: 1_700_000_000,
            event: event.to_owned(),
            actor: actor.to_owned(),
            device: 7,
            user: user.to_owned(),
            success: true,
            reason: reason.to_owned(),
            drift: Some(-1),
        }
    }

    #[test]
    fn names_forge_no_part_of_a_line_and_no_order() {
        let shown = text(&line("otp-verify", "bob by admin: right", "o\"k", "wrong"));
        assert!(shown.ends_with("device 7 of \"bob by admin: right\" by \"o\\\"k\": wrong drift -1"), "{shown}");
        for char in ['\u{202e}', '\u{2028}', '\u{2029}', '\u{2066}', '\u{200b}', '\u{feff}', '\n', '\r', '\u{1b}', '\u{85}', '\0'] {
            let shown = text(&line("otp-verify", &format!("a{char}b"), &format!("c{char}d"), "right"));
            assert!(!shown.contains(char) && shown.contains('\\'), "{shown:?}");
        }
        assert!(text(&line("otp-verify", "Zoë 王", "admin", "right")).contains("of \"Zoë 王\" by \"admin\""));
    }

    #[test]
    fn line_says_in_words_that_there_is_no_user_or_no_device() {
        let mut found = line("otp-find", "", "ops", "found");
        assert!(text(&found).contains("ok       device 7 without a user by \"ops\": found"), "{}", text(&found));
        found.device = 0;
        assert!(text(&found).contains("ok       no device by \"ops\": found"), "{}", text(&found));
    }

    #[test]
    fn statuses_are_words_as_reasons_are() {
        for (letter, word) in
            [("C", "created"), ("V", "validated"), ("L", "locked"), ("D", "disabled"), ("no challenge", "no challenge")]
        {
            let shown = text(&line("credential-change:update", "bob", "admin", letter));
            assert!(shown.contains(&format!("by \"admin\": {word} drift")), "{shown}");
        }
    }
}
