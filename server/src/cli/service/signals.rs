//! `keyfob signals`: those that wait for their receivers, and those that were given up.

use std::process::ExitCode;

use keyfob_scim::{ScimOperation, Signal, SignalKind, date};
use serde_json::{Value, json};

use super::configuration::configured_store;
use super::open::with_store;
use crate::cli::args::{SignalChoice, SignalsCommand};
use crate::cli::output::{self, note, note_damaged};
use crate::cli::result::Result;
use crate::config::Config;
use crate::store::{ListedSignal, SignalQuery};

pub(crate) fn run(command: SignalsCommand) -> Result<ExitCode> {
    match command {
        SignalsCommand::List { config, receiver, device, dead, waiting, limit, json } => {
            let query = SignalQuery { receiver, is_dead: state(dead, waiting), device };
            let config = configured_store(&config)?;
            let listed = with_store(&config, async |store| Ok(store.list_signals(&query, limit).await?))?;
            if listed.rows.is_empty() {
                note_unknown(&config, query.receiver.as_deref());
            }
            for signal in listed.rows {
                let line = if json { object(&signal).to_string() } else { text(&signal) };
                if !output::line_if_read(&line)? {
                    break;
                }
            }
            return Ok(note_damaged(&listed.damaged));
        }
        SignalsCommand::Retry { config, choice } => {
            let query = query(choice, None);
            let config = configured_store(&config)?;
            let count = with_store(&config, async |store| Ok(store.retry_signals(&query).await?))?;
            if count == 0 {
                note_unknown(&config, query.receiver.as_deref());
            }
            output::line(&format!("{} to be sent again.", in_words(count, "dead letter is", "dead letters are")))?;
        }
        SignalsCommand::Drop { config, choice, dead, waiting } => {
            let query = query(choice, state(dead, waiting));
            let config = configured_store(&config)?;
            let count = with_store(&config, async |store| Ok(store.drop_signals(&query).await?))?;
            if count == 0 {
                note_unknown(&config, query.receiver.as_deref());
            }
            output::line(&format!("{} deleted.", in_words(count, "signal is", "signals are")))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that a receiver which has no signals is none of the configuration: it may be a typing
/// error.
fn note_unknown(config: &Config, receiver: Option<&str>) {
    let receivers = &config.signals.receivers;
    let unknown = receiver.filter(|name| receivers.iter().all(|section| section.settings.name != *name));
    if let Some(name) = unknown {
        note(&format!("the configuration has no receiver {name:?}, and the store has no such signals for it"));
    }
}

/// The state that two options ask for; none for any.
const fn state(dead: bool, waiting: bool) -> Option<bool> {
    if dead || waiting { Some(dead) } else { None }
}

fn query(SignalChoice { receiver, device, .. }: SignalChoice, is_dead: Option<bool>) -> SignalQuery {
    SignalQuery { receiver, is_dead, device }
}

fn in_words(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What a list calls an event.
fn event(signal: &Signal) -> String {
    match &signal.kind {
        SignalKind::CredentialChange(change) => format!("credential-change:{}", change.name()),
        SignalKind::CredentialCompromise => "credential-compromise".to_owned(),
        SignalKind::Scim(event) => {
            let operation = match event.operation {
                ScimOperation::Create => "create",
                ScimOperation::Put => "put",
                ScimOperation::Patch => "patch",
                ScimOperation::Delete => "delete",
            };
            format!("scim:{operation}")
        }
        SignalKind::Verification { .. } => "verification".to_owned(),
    }
}

/// A line for people. Names and reasons are quoted and escaped, as in the trail.
fn text(ListedSignal { receiver, since, is_dead, error, signal, .. }: &ListedSignal) -> String {
    let state = if *is_dead { "DEAD" } else { "waiting" };
    let device = match (signal.device_id, signal.user.as_str()) {
        (0, _) => "no device".to_owned(),
        (id, "") => format!("device {id} without a user"),
        (id, user) => format!("device {id} of {user:?}"),
    };
    let error = error.as_ref().map(|error| format!(": {error:?}")).unwrap_or_default();
    format!("{}  {receiver:<12} {state:<8} {:<26} {device}{error}", date::format_soffid(*since), event(signal))
}

fn object(ListedSignal { receiver, jti, since, is_dead, error, signal, .. }: &ListedSignal) -> Value {
    json!({
        "receiver": receiver,
        "jti": jti,
        "event": event(signal),
        "at": signal.at,
        "since": since,
        "dead": is_dead,
        "error": error,
        "device": signal.device_id,
        "kind": signal.device_kind.map(keyfob::Kind::name),
        "name": signal.device_name,
        "user": signal.user,
        "actor": signal.actor,
    })
}

#[cfg(test)]
mod tests {
    use keyfob_scim::ScimEvent;

    use super::*;

    fn listed(signal: Signal, error: Option<&str>) -> ListedSignal {
        ListedSignal {
            id: 1,
            receiver: "idp".into(),
            jti: "1-00".into(),
            since: 1_700_000_000,
            is_dead: error.is_some(),
            error: error.map(str::to_owned),
            signal,
        }
    }

    #[test]
    fn names_and_reasons_forge_no_part_of_a_line() {
        let signal = Signal::verification(None, "idp".into(), 7);
        let signal = Signal { kind: SignalKind::CredentialCompromise, device_id: 7, user: "a\nb\u{202e}".into(), ..signal };
        let shown = text(&listed(signal, Some("no\u{1b}[2J")));
        assert_eq!(
            shown,
            "2023-11-14 22:13:20  idp          DEAD     credential-compromise      device 7 of \"a\\nb\\u{202e}\": \"no\\u{1b}[2J\""
        );
    }

    #[test]
    fn each_event_has_a_name_and_signals_without_a_device_say_so() {
        let verification = Signal::verification(None, "idp".into(), 7);
        let shown = text(&listed(verification.clone(), None));
        assert!(shown.contains("waiting  verification") && shown.ends_with("no device"), "{shown}");
        let event = SignalKind::Scim(ScimEvent { operation: ScimOperation::Put, attributes: Vec::new() });
        assert_eq!(object(&listed(Signal { kind: event, ..verification }, None))["event"], "scim:put");
    }

    #[test]
    fn options_choose_a_state() {
        assert_eq!([state(false, false), state(true, false), state(false, true)], [None, Some(true), Some(false)]);
    }
}
