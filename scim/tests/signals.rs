//! When which signal is made: the tables of both profiles, line by line, through the service.

mod common;

use common::{EMAIL, FORGET_STEPS, HOTP, Host, PIN, RECOVERY, SMS, TOTP, WRONG};
use keyfob::{Device, GuessChance, Hotp, Kind, Lock, Policy, Secret, Totp};
use keyfob_scim::{Entry, Initiator, Method, Settings, Signal, SignalKind, SignalProfile, SignalSettings};
use serde_json::json;

const PROFILES: [SignalProfile; 2] = [SignalProfile::Soffid, SignalProfile::Caep];
const LETTERS: [&str; 4] = ["C", "V", "L", "D"];
/// A token in the inventory.
const TOKEN: &str = r#"{"type": "HOTP", "name": "FTK200-7", "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}"#;

fn settings(profile: SignalProfile) -> Settings {
    let signals = Some(SignalSettings { profile, ..SignalSettings::default() });
    Settings { kinds: Kind::ALL.to_vec(), signals, ..Settings::default() }
}

/// A host of each profile.
fn hosts() -> [Host; 2] {
    PROFILES.map(|profile| Host::new(settings(profile)))
}

/// What was told since the last question: the kind of each signal, the user, and who began it.
fn told(host: &mut Host) -> Vec<String> {
    let signals: Vec<Signal> = std::mem::take(&mut host.store.memory.signals);
    signals.iter().map(in_words).collect()
}

fn in_words(signal: &Signal) -> String {
    let kind = match &signal.kind {
        SignalKind::CredentialChange(change_type) => change_type.name().to_owned(),
        SignalKind::CredentialCompromise => "compromise".to_owned(),
        SignalKind::Scim(event) => {
            format!("{:?} {}", event.operation, event.attributes.join(" ")).to_lowercase().trim_end().to_owned()
        }
        SignalKind::Verification { .. } => "verification".to_owned(),
    };
    let initiator = if signal.initiator == Initiator::User { " by the user" } else { "" };
    format!("{kind}: {}{initiator}", signal.user)
}

/// Checks what both profiles say.
fn check(hosts: &mut [Host; 2], soffid: &[&str], caep: &[&str], what: &str) {
    for (host, wanted) in hosts.iter_mut().zip([soffid, caep]) {
        assert_eq!(told(host), wanted, "{what}");
    }
}

/// Does the same on both hosts, whose devices have the same ids.
fn both(hosts: &mut [Host; 2], act: impl Fn(&mut Host)) {
    hosts.iter_mut().for_each(act);
}

fn delete(host: &mut Host, id: i64) {
    assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").0.status, 204);
}

fn with_status(body: &str, status: &str) -> String {
    body.replace('{', &format!(r#"{{"status": "{status}", "#))
}

#[test]
fn create_is_told_of_a_validated_device_and_by_caep_of_a_locked_one() {
    for body in [TOTP, HOTP, SMS, EMAIL, PIN, RECOVERY] {
        let mut hosts = hosts();
        let user = if body.contains("franck") { "create: franck" } else { "create: dilbert" };
        for status in LETTERS {
            both(&mut hosts, |host| _ = host.create(&with_status(body, status)));
            let soffid: &[&str] = if status == "V" { &[user] } else { &[] };
            let caep: &[&str] = if matches!(status, "V" | "L") { &[user] } else { &[] };
            check(&mut hosts, soffid, caep, &format!("{body} {status}"));
        }
    }
}

#[test]
fn import_is_told_by_soffid_unless_validated_and_by_caep_as_a_create() {
    let secret = || Secret::new(b"12345678901234567890").unwrap();
    for status in LETTERS {
        for (user, device) in
            [(Some("franck"), Device::hotp(Hotp::new(secret()), 0, 1)), (None, Device::totp(Totp::new(secret()), 1))]
        {
            let mut device = device;
            device.set_status(status.parse().unwrap(), 1).unwrap();
            let entry = Entry::from_token(device, user).unwrap();
            let told = PROFILES.map(|profile| Signal::for_import(&settings(profile), &entry, "importer", 7).len());
            let wanted = [usize::from(status != "V"), usize::from(matches!(status, "V" | "L"))];
            assert_eq!(told, if user.is_some() { wanted } else { [0, 0] }, "{status}");
        }
    }
}

/// What CAEP says of each change of a status by an administrator, by the letters of [`LETTERS`].
const CAEP_CHANGES: [[&str; 4]; 4] = [
    ["", "create", "revoke", "revoke"],
    ["update", "", "revoke", "revoke"],
    ["update", "update", "", "revoke"],
    ["update", "update", "update", ""],
];
/// What Soffid says of a change to each status.
const SOFFID_CHANGES: [&str; 4] = ["", "create", "revoke", "delete"];

#[test]
fn each_change_of_a_status_by_patch_and_put_is_told() {
    for body in [TOTP, SMS, EMAIL, PIN, RECOVERY] {
        for (from, row) in LETTERS.iter().zip(CAEP_CHANGES) {
            for ((to, caep), soffid) in LETTERS.iter().zip(row).zip(SOFFID_CHANGES) {
                let soffid = if from == to { "" } else { soffid };
                let mut hosts = hosts();
                let user = if body == TOTP { "franck" } else { "dilbert" };
                for is_put in [false, true] {
                    both(&mut hosts, |host| {
                        let id = host.create(&with_status(body, from));
                        told(host);
                        if is_put {
                            host.send(Method::Put, &format!("/OtpDevice/{id}"), &json!({ "status": to }).to_string()).ok(200);
                        } else {
                            host.replace(id, "status", to).ok(200);
                        }
                        assert_eq!(host.entry(id).row.status.to_string(), *to);
                    });
                    let [soffid, caep] =
                        [soffid, caep].map(|name| if name.is_empty() { Vec::new() } else { vec![format!("{name}: {user}")] });
                    let texts = |list: &[String]| list.join(", ");
                    for (host, wanted) in hosts.iter_mut().zip([soffid, caep]) {
                        assert_eq!(texts(&told(host)), texts(&wanted), "{body} {from} {to} {is_put}");
                    }
                }
            }
        }
    }
}

#[test]
fn first_right_answer_is_told_by_caep_alone_and_a_lock_once_by_both() {
    for body in [TOTP, HOTP, SMS, EMAIL, PIN, RECOVERY] {
        let user = if body.contains("franck") { "franck" } else { "dilbert" };
        let (created, locked) = (format!("create: {user} by the user"), format!("compromise: {user} by the user"));
        let mut hosts = hosts();
        both(&mut hosts, |host| {
            let id = host.create(body);
            let right = host.right(id);
            host.answer(id, &right).verdict(true);
        });
        check(&mut hosts, &[], &[&created], body);
        both(&mut hosts, |host| {
            host.now += 60;
            let right = host.right(1);
            host.answer(1, &right).verdict(true);
            // A challenge, sent twice.
            host.challenge(1).ok(200);
            host.challenge(1).ok(200);
            (0..9).for_each(|_| assert!(!host.answer(1, WRONG).verdict(false)));
        });
        check(&mut hosts, &[], &[], body);
        both(&mut hosts, |host| assert!(host.answer(1, WRONG).verdict(false)));
        check(&mut hosts, &[&locked], &[&locked], body);
        both(&mut hosts, |host| (0..3).for_each(|_| assert!(host.answer(1, WRONG).verdict(false))));
        check(&mut hosts, &[], &[], body);
        // An unlock, and the next lock is told again.
        both(&mut hosts, |host| _ = host.replace(1, "status", "V").ok(200));
        check(&mut hosts, &[&format!("create: {user}")], &[&format!("update: {user}")], body);
        both(&mut hosts, |host| host.lock(1));
        check(&mut hosts, &[&locked], &[&locked], body);
    }
}

#[test]
fn throttle_is_not_told_and_its_lock_is() {
    let throttle = |lock| {
        Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap()
    };
    let (max_fails, first_delay, max_delay) = (3, 60, 86_400);
    let alone = throttle(Lock::Throttle { max_fails, first_delay, max_delay });
    let then_lock = throttle(Lock::ThrottleThenLock { max_fails, first_delay, max_delay, total_fails: 8 });
    for (policy, locks) in [(alone, 0), (then_lock, 1)] {
        for profile in PROFILES {
            let mut host = Host::new(Settings { policy, ..settings(profile) });
            let id = host.create(TOTP);
            for _ in 0..12 {
                host.now += 86_400;
                host.answer(id, WRONG).verdict(false);
            }
            assert_eq!(told(&mut host), vec!["compromise: franck by the user"; locks]);
            // The end of a throttle is no change of a status.
            if locks == 0 {
                host.replace(id, "status", "C").ok(200);
                assert_eq!((host.entry(id).row.fails, told(&mut host).len()), (0, 0));
            }
        }
    }
}

#[test]
fn resynchronization_of_a_new_token_is_its_first_right_answer() {
    let mut hosts = hosts();
    both(&mut hosts, |host| {
        let id = host.create(HOTP);
        let device = host.entry(id).device;
        let keyfob::Factor::Hotp(hotp) = device.factor() else { unreachable!() };
        let [first, next] = [40, 41].map(|counter| hotp.generate(counter).as_str().to_owned());
        let body = json!({"pin": first, "nextPin": next}).to_string();
        host.post(&format!("/OtpDevice/{id}/resync"), &body).verdict(true);
    });
    check(&mut hosts, &[], &["create: franck by the user"], "resync");
}

/// A change of the device of this id.
type Change<'a> = &'a dyn Fn(&mut Host, i64);

#[test]
fn replaced_addresses_pins_and_codes_are_updates_of_caep() {
    let path = |id: i64| format!("/OtpDevice/{id}/renewCodes");
    let changes: [(&str, Change, usize); 9] = [
        (EMAIL, &|host, id| _ = host.replace(id, "email", "other@example.com").ok(200), 1),
        (SMS, &|host, id| _ = host.replace(id, "phone", "911222333").ok(200), 1),
        (PIN, &|host, id| _ = host.replace(id, "pin", "987654321").ok(200), 1),
        (RECOVERY, &|host, id| _ = host.post(&path(id), "").ok(200), 1),
        (TOTP, &|host, id| _ = host.replace(id, "notAfter", "2030-01-01 00:00:00").ok(200), 1),
        (HOTP, &|host, id| _ = host.replace(id, "notBefore", "2020-01-01 00:00:00").ok(200), 1),
        (SMS, &|host, id| _ = host.replace(id, "externalId", "7").ok(200), 0),
        (SMS, &|host, id| _ = host.replace(id, "phone", "6665552222").ok(200), 0),
        (PIN, &|host, id| _ = host.get(&format!("/OtpDevice/{id}")).ok(200), 0),
    ];
    for (at, (body, change, updates)) in changes.into_iter().enumerate() {
        let mut hosts = hosts();
        both(&mut hosts, |host| {
            let id = host.create(body);
            change(host, id);
        });
        let user = if body.contains("franck") { "update: franck" } else { "update: dilbert" };
        check(&mut hosts, &[], &vec![user; updates], &format!("{at}"));
    }
}

#[test]
fn forgotten_steps_are_an_update_of_caep() {
    let mut hosts = hosts();
    both(&mut hosts, |host| {
        let id = host.create(TOTP);
        host.now += 100_000;
        let right = host.right(id);
        host.answer(id, &right).verdict(true);
        host.now -= 100_000;
        told(host);
        host.patch(id, FORGET_STEPS).ok(200);
    });
    check(&mut hosts, &[], &["update: franck"], "stepsAhead");
}

#[test]
fn token_of_the_inventory_is_told_when_a_user_gets_or_gives_it_back() {
    let mut hosts = hosts();
    let assign = |user| move |host: &mut Host| _ = host.replace(1, "user", user).ok(200);
    let take_back = |host: &mut Host| _ = host.patch(1, r#"{"Operations": [{"op": "remove", "path": "user"}]}"#).ok(200);
    let set = |status| move |host: &mut Host| _ = host.replace(1, "status", status).ok(200);
    both(&mut hosts, |host| _ = host.create(TOKEN));
    for status in ["V", "L", "D", "C"] {
        both(&mut hosts, set(status));
    }
    check(&mut hosts, &[], &[], "the inventory");
    both(&mut hosts, assign("alice"));
    check(&mut hosts, &[], &["create: alice"], "assigned");
    both(&mut hosts, take_back);
    check(&mut hosts, &[], &["delete: alice"], "taken back");
    both(&mut hosts, set("D"));
    both(&mut hosts, assign("bob"));
    check(&mut hosts, &[], &[], "a disabled token is no credential yet");
    both(&mut hosts, set("V"));
    check(&mut hosts, &["create: bob"], &["update: bob"], "enabled");
    // A new user and a status at once: Soffid knows the status, CAEP the stronger of both.
    both(&mut hosts, |host| {
        let operations = r#"{"op": "remove", "path": "user"}, {"op": "replace", "path": "status", "value": "D"}"#;
        host.patch(1, &format!(r#"{{"Operations": [{operations}]}}"#)).ok(200);
    });
    check(&mut hosts, &["delete: bob"], &["delete: bob"], "taken back and disabled");
    both(&mut hosts, |host| delete(host, 1));
    check(&mut hosts, &[], &[], "deleted from the inventory");
}

#[test]
fn deletion_is_told_by_caep_and_so_is_a_return() {
    for status in LETTERS {
        let mut hosts = hosts();
        both(&mut hosts, |host| {
            let id = host.create(&with_status(PIN, status));
            told(host);
            delete(host, id);
            delete(host, id);
        });
        check(&mut hosts, &[], &["delete: dilbert"], status);
        both(&mut hosts, |host| {
            host.replace(1, "externalId", "7").ok(200);
            host.replace(1, "pin", "987654321").ok(200);
        });
        check(&mut hosts, &[], &[], "a deleted device");
        both(&mut hosts, |host| _ = host.replace(1, "status", "V").ok(200));
        check(&mut hosts, &["create: dilbert"], &["create: dilbert"], "revived");
    }
}

#[test]
fn strongest_of_several_changes_is_told() {
    for (status, soffid, caep) in [
        ("D", "delete: dilbert", "revoke: dilbert"),
        ("L", "revoke: dilbert", "revoke: dilbert"),
        ("V", "create: dilbert", "create: dilbert"),
    ] {
        let mut hosts = hosts();
        both(&mut hosts, |host| {
            let id = host.create(SMS);
            let body = json!({"status": status, "phone": "911222333"}).to_string();
            host.send(Method::Put, &format!("/OtpDevice/{id}"), &body).ok(200);
        });
        check(&mut hosts, &[soffid], &[caep], status);
    }
}

#[test]
fn lost_swap_tells_of_the_stored_change_alone() {
    for profile in PROFILES {
        let mut host = Host::new(settings(profile));
        let id = host.create(SMS);
        host.store.conflicts = 2;
        host.replace(id, "status", "L").ok(200);
        assert_eq!(told(&mut host), ["revoke: dilbert"]);
        host.store.full = true;
        assert_eq!(host.replace(id, "status", "V").0.status, 503);
        assert_eq!(told(&mut host), [""; 0]);
    }
}

#[test]
fn nothing_is_told_unless_it_is_switched_on() {
    let off = SignalSettings { has_credential_events: false, ..SignalSettings::default() };
    for signals in [None, Some(off)] {
        let mut host = Host::new(Settings { signals, ..settings(SignalProfile::Caep) });
        let id = host.create(&with_status(PIN, "V"));
        host.lock(id);
        delete(&mut host, id);
        assert_eq!(told(&mut host), [""; 0]);
    }
}

#[test]
fn signal_has_the_device_as_it_was_stored() {
    let mut host = Host::new(settings(SignalProfile::Caep));
    host.create(TOTP);
    let id = host.create(&with_status(TOTP, "V"));
    host.lock(id);
    let stored = host.entry(id).version;
    let [created, locked] = host.store.memory.signals.as_slice() else { panic!("two") };
    let of = |signal: &Signal| (signal.device_id, signal.device_name.clone(), signal.device_kind, signal.at, signal.actor.clone());
    assert_eq!(of(created), (2, "TOTP00000002".to_owned(), Some(Kind::Totp), host.now, "tester".to_owned()));
    assert_eq!(of(locked), of(created));
    assert_eq!((created.version, locked.version), (0, stored));
    assert_eq!(
        (created.reason.as_deref(), locked.reason.as_deref()),
        (Some("enrolled"), Some("locked after 10 wrong answers in a row"))
    );
}
