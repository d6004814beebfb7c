//! The sections `signals` and `receiver`.

use std::path::PathBuf;
use std::time::Duration;

use keyfob_scim::{Profile, SignalProfile};
use toml::Table;

use super::reader::TableReader;
use crate::signals::Config;

/// Reads the sections. The profile of the service decides that of the signals, unless a key does.
pub(super) fn read(table: &mut TableReader, profile: Profile) -> Config {
    let receivers = table.take_sections("receiver");
    let default = match profile {
        Profile::Soffid => SignalProfile::Soffid,
        Profile::Rfc => SignalProfile::Caep,
    };
    let section = |signals: &mut TableReader| Config {
        issuer: signals.take("issuer"),
        keys_file: signals.take_or("keys_file", || PathBuf::from("keyfob-signing.key")),
        profile: signals
            .take_choice("profile", &[("caep", SignalProfile::Caep), ("soffid", SignalProfile::Soffid)])
            .unwrap_or(default),
        has_credential_events: signals.take_or("credential_events", || true),
        has_scim_events: signals.take_or("scim_events", || false),
        max_waiting: signals.take_or("max_waiting", || 100_000),
        give_up: Duration::from_secs(u64::from(signals.take_or("give_up_hours", || 168_u32)).saturating_mul(3600)),
        receivers: Vec::new(),
    };
    let signals = table.read_section("signals", section);
    let signals = signals.unwrap_or_else(|| section(&mut TableReader::new(Table::new())));
    for (key, number) in [("max_waiting", signals.max_waiting), ("give_up_hours", signals.give_up.as_secs())] {
        if number == 0 {
            table.reject(&format!("signals.{key}"), "must be 1 or more");
        }
    }
    if i64::try_from(signals.max_waiting).is_err() {
        table.reject("signals.max_waiting", "must be below 9223372036854775808");
    }
    Config { receivers, ..signals }
}
