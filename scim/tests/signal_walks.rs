//! Properties of signals over random sequences of operations: none holds a secret, each change of a
//! status has the signal of the table, and what changes no credential has none.

mod common;

use common::{EMAIL, HOTP, Host, PIN, RECOVERY, SMS, TOTP, WRONG};
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, HEXLOWER};
use keyfob::{Factor, Kind, Status};
use keyfob_scim::set::{self, Recipient, Subject};
use keyfob_scim::{ChangeType, Entry, EventKind, Method, Settings, Signal, SignalKind, SignalProfile, SignalSettings};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// An operation on one of the devices.
#[derive(Clone, Debug)]
enum Operation {
    Status(&'static str, bool),
    Right,
    Wrong(u8),
    Challenge,
    Replace,
    ExternalId,
    Renew,
    Assign,
    TakeBack,
    Delete,
    Later,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (select(vec!["C", "V", "L", "D"]), any::<bool>()).prop_map(|(to, is_put)| Operation::Status(to, is_put)),
        3 => Just(Operation::Right),
        3 => (1..12_u8).prop_map(Operation::Wrong),
        1 => Just(Operation::Challenge),
        1 => Just(Operation::Replace),
        1 => Just(Operation::ExternalId),
        1 => Just(Operation::Renew),
        1 => Just(Operation::Assign),
        1 => Just(Operation::TakeBack),
        1 => Just(Operation::Delete),
        1 => Just(Operation::Later),
    ]
}

/// A token in the inventory.
const TOKEN: &str = r#"{"type": "HOTP", "name": "FTK200-7", "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}"#;

/// Does an operation, which may be refused, in as many requests as it has. After each, `look` sees
/// the device before and after it.
fn act(host: &mut Host, id: i64, operation: &Operation, look: &mut impl FnMut(&mut Host, &Entry)) {
    let path = format!("/OtpDevice/{id}");
    let before = host.entry(id);
    match operation {
        Operation::Status(to, true) => _ = host.send(Method::Put, &path, &format!(r#"{{"status": "{to}"}}"#)),
        Operation::Status(to, false) => _ = host.replace(id, "status", to),
        Operation::Right => {
            if before.row.has_user() && host.challenge(id).0.status == 200 {
                look(host, &before);
                let before = host.entry(id);
                let right = right(host, &before);
                host.answer(id, &right);
                look(host, &before);
            }
            return;
        }
        Operation::Wrong(times) => {
            for _ in 0..*times {
                let before = host.entry(id);
                host.answer(id, WRONG);
                look(host, &before);
            }
            return;
        }
        Operation::Challenge => _ = host.challenge(id),
        Operation::Replace => {
            let (attribute, values) = match before.row.kind {
                Kind::Sms => ("phone", ["6665552222", "911222333"]),
                Kind::Email => ("email", ["dilbert@example.com", "other@example.com"]),
                Kind::Pin => ("pin", ["123456789", "987654321"]),
                _ => ("notAfter", ["2040-01-01 00:00:00", "2050-01-01 00:00:00"]),
            };
            let is_second = before.version % 2 == 0;
            host.replace(id, attribute, values[usize::from(is_second)]);
        }
        Operation::ExternalId => _ = host.replace(id, "externalId", &format!("x{}", before.version)),
        Operation::Renew => _ = host.post(&format!("{path}/renewCodes"), ""),
        Operation::Assign => _ = host.replace(id, "user", "alice"),
        Operation::TakeBack => _ = host.patch(id, r#"{"Operations": [{"op": "remove", "path": "user"}]}"#),
        Operation::Delete => _ = host.send(Method::Delete, &path, ""),
        Operation::Later => host.now += 100,
    }
    look(host, &before);
}

/// The right code of a device that has a challenge.
fn right(host: &Host, entry: &Entry) -> String {
    let device = &entry.device;
    match device.factor() {
        Factor::Totp(totp) => totp.generate(host.now).unwrap().as_str().to_owned(),
        Factor::Hotp(hotp) => hotp.generate(device.moving_factor()).as_str().to_owned(),
        Factor::Sms(_) | Factor::Email(_) => host.store.memory.delivered.last().unwrap().2.clone(),
        Factor::Pin(pin) => {
            let digit = |number: u8| char::from(pin.expose()[usize::from(number) - 1]);
            device.positions().map(|positions| positions.iter().map(digit).collect()).unwrap_or_default()
        }
        Factor::Recovery(codes) => {
            let used = codes.count() - device.recovery_codes_left().unwrap();
            codes.iter().nth(used.into()).map(|code| code.as_str().to_owned()).unwrap_or_default()
        }
    }
}

/// What must be told of a device that is `after` now: the table of the profile, read from the rows
/// and from the line of the trail alone.
fn wanted(profile: SignalProfile, before: &Entry, after: &Entry, line: EventKind) -> Vec<SignalKind> {
    use Status::{Created, Disabled, Locked, Validated};
    let change = |change_type| vec![SignalKind::CredentialChange(change_type)];
    let is_answer = matches!(line, EventKind::Verify | EventKind::Resync);
    let (old, new) = (before.row.status, after.row.status);
    if is_answer && old != Locked && new == Locked {
        return vec![SignalKind::CredentialCompromise];
    }
    if profile == SignalProfile::Soffid {
        let is_silent = is_answer || line == EventKind::Revoke || old == new || !after.row.has_user();
        return match new {
            _ if is_silent => Vec::new(),
            Validated => change(ChangeType::Create),
            Locked => change(ChangeType::Revoke),
            Disabled => change(ChangeType::Delete),
            Created => Vec::new(),
        };
    }
    let is_deleted = before.row.deleted && after.row.deleted;
    match (before.row.has_user(), after.row.has_user()) {
        (false, false) => return Vec::new(),
        (true, false) if is_deleted => return Vec::new(),
        (true, false) => return change(ChangeType::Delete),
        (false, true) if new == Disabled => return Vec::new(),
        (false, true) => return change(ChangeType::Create),
        (true, true) => {}
    }
    match (old, new) {
        _ if is_deleted => Vec::new(),
        _ if line == EventKind::Revoke => change(ChangeType::Delete),
        (Created, Validated) => change(ChangeType::Create),
        _ if line == EventKind::Revive => change(ChangeType::Create),
        (Created | Validated | Locked, Disabled) | (Created | Validated, Locked) => change(ChangeType::Revoke),
        (old, new) if old != new => change(ChangeType::Update),
        _ if line == EventKind::RenewCodes => change(ChangeType::Update),
        _ if before.device.factor() != after.device.factor() => change(ChangeType::Update),
        _ if before.device.validity() != after.device.validity() => change(ChangeType::Update),
        _ => Vec::new(),
    }
}

/// The texts that no signal may hold: secrets, codes, PINs, and whole addresses.
fn forbidden(host: &Host, entry: &Entry) -> Vec<String> {
    let spelled = |bytes: &[u8]| [BASE32_NOPAD, BASE64_NOPAD, HEXLOWER].map(|encoding| encoding.encode(bytes));
    let mut texts: Vec<String> = host.store.memory.delivered.iter().map(|(.., code)| code.clone()).collect();
    texts.extend(["6665552222", "911222333", "123456789", "987654321", "GEZDGNBV"].map(str::to_owned));
    match entry.device.factor() {
        Factor::Totp(totp) => texts.extend(spelled(totp.hotp().secret().expose())),
        Factor::Hotp(hotp) | Factor::Sms(hotp) | Factor::Email(hotp) => texts.extend(spelled(hotp.secret().expose())),
        Factor::Pin(pin) => texts.push(String::from_utf8(pin.expose().to_vec()).unwrap()),
        Factor::Recovery(codes) => texts.extend(codes.iter().map(|code| code.as_str().to_owned())),
    }
    texts
}

/// The texts of a value that people or programs chose. A number is a time, and a `txn` has one.
fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        serde_json::Value::Object(members) => {
            members.iter().filter(|(name, _)| *name != "txn").for_each(|(_, value)| texts(value, found));
        }
        _ => {}
    }
}

fn check(host: &mut Host, before: &Entry, profile: SignalProfile, is_scim: bool, seen: &mut usize, lines: &mut usize) {
    let after = host.entry(before.row.id);
    let signals: Vec<Signal> = host.store.memory.signals[*seen..].to_vec();
    *seen = host.store.memory.signals.len();
    let events = &host.store.memory.events[*lines..];
    *lines += events.len();
    assert!(events.len() <= 1, "one request, one line");
    let (scim, credentials): (Vec<_>, Vec<_>) = signals.iter().partition(|signal| matches!(signal.kind, SignalKind::Scim(_)));
    if after == *before {
        assert_eq!(signals.len(), 0, "nothing was stored");
        return;
    }
    let line = events[0].kind;
    let kinds: Vec<_> = credentials.iter().map(|signal| signal.kind.clone()).collect();
    assert_eq!(kinds, wanted(profile, before, &after, line), "{line:?} {:?} -> {:?}", before.row, after.row);
    assert!(scim.len() <= usize::from(is_scim));
    let is_by_scim = matches!(line, EventKind::Update | EventKind::Revoke | EventKind::Revive);
    assert_eq!(scim.len(), usize::from(is_scim && is_by_scim && shows_more(before, &after, line)), "{line:?}");
    for signal in &signals {
        assert_eq!((signal.device_id, signal.version, signal.at), (after.row.id, after.version, host.now));
        assert!([&before.row.user, &after.row.user].contains(&&signal.user));
        assert!(!signal.user.is_empty() || matches!(signal.kind, SignalKind::Scim(_)));
        assert_eq!(Signal::from_json(&signal.to_json()).as_ref(), Ok(signal));
        let recipient = Recipient { issuer: "i", audience: "a", profile, subject: Subject::Opaque("s") };
        let mut found = vec![signal.to_json().replace(&signal.at.to_string(), "")];
        texts(&serde_json::Value::Object(set::claims(signal, "jti", &recipient)), &mut found);
        for text in forbidden(host, before).into_iter().chain(forbidden(host, &after)) {
            assert!(found.iter().all(|part| !part.to_lowercase().contains(&text.to_lowercase())), "{text} in {found:?}");
        }
    }
}

/// Whether clients see another value than the time of the change.
fn shows_more(before: &Entry, after: &Entry, line: EventKind) -> bool {
    let shown = |entry: &Entry| keyfob_scim::Row { last_modified: 0, ..entry.row.clone() };
    line == EventKind::Revoke
        || shown(before) != shown(after)
        || before.device.validity() != after.device.validity()
        || (after.row.kind == Kind::Pin && before.device.factor() != after.device.factor())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn each_change_has_the_signals_of_the_table_and_none_has_a_secret(
        body in select(vec![TOTP, HOTP, SMS, EMAIL, PIN, RECOVERY, TOKEN]),
        profile in select(vec![SignalProfile::Soffid, SignalProfile::Caep]),
        has_scim_events in any::<bool>(),
        operations in vec(operation(), 1..24),
    ) {
        let signals = Some(SignalSettings { profile, has_credential_events: true, has_scim_events });
        let mut host = Host::new(Settings { kinds: Kind::ALL.to_vec(), signals, ..Settings::default() });
        let id = host.create(body);
        prop_assert_eq!(host.store.memory.signals.len(), usize::from(has_scim_events), "created, and not yet validated");
        let (mut seen, mut lines) = (host.store.memory.signals.len(), host.store.memory.events.len());
        for operation in operations {
            act(&mut host, id, &operation, &mut |host, before| check(host, before, profile, has_scim_events, &mut seen, &mut lines));
        }
    }
}
