//! A clock that was ahead and was put right, and codes as people and programs send them.

mod common;

use common::{EMAIL, FORGET_STEPS, HOTP, Host, PIN, SMS, TOTP};
use keyfob::Factor;
use keyfob_scim::{EventKind, Method};
use serde_json::json;

/// A TOTP device that was used while the clock was two hours ahead. The clock is right again.
fn used_ahead(host: &mut Host) -> i64 {
    let id = host.create(TOTP);
    host.now += 7200;
    let right = host.right(id);
    host.answer(id, &right).verdict(true);
    host.now -= 7200;
    id
}

fn shown_now(host: &mut Host, id: i64) -> String {
    let device = host.entry(id).device;
    let Factor::Totp(totp) = device.factor() else { panic!("TOTP") };
    totp.generate(host.now).unwrap().as_str().to_owned()
}

#[test]
fn right_codes_after_a_clock_that_was_ahead_are_no_fails_and_steps_are_forgotten_on_request() {
    for mut host in [Host::default(), Host::rfc()] {
        let id = used_ahead(&mut host);
        let early = host.challenge(id);
        assert!(early.refused(503, None).contains("unlock the device: PATCH status to the value that it has"));
        assert_eq!(early.header("retry-after"), None, "a client that obeys would ask for two hours");
        host.replace(id, "status", "V").ok(200);
        let detail = host.challenge(id).refused(409, None);
        assert!(detail.contains("have an administrator forget the steps used ahead of time: PATCH"), "{detail}");
        assert!(detail.contains(r#"{"op": "remove", "path": "stepsAhead"}"#), "{detail}");
        for _ in 0..12 {
            let code = shown_now(&mut host, id);
            assert!(!host.answer(id, &code).verdict(false), "not locked");
            let event = host.store.memory.events.last().unwrap();
            assert_eq!((event.kind, event.reason.as_str()), (EventKind::Verify, "clock was ahead"));
            host.now += 30;
        }
        assert_eq!((host.entry(id).row.fails, host.entry(id).row.status), (0, keyfob::Status::Validated));
        assert_eq!(host.patch(id, FORGET_STEPS).ok(200)["status"], "V");
        let event = host.store.memory.events.last().unwrap();
        assert_eq!((event.kind.name(), event.reason.as_str()), ("credential-change:forget-steps", "V"));
        // The price: from the next step on, used codes are right once more.
        let present = shown_now(&mut host, id);
        host.answer(id, &present).verdict(false);
        host.now += 30;
        let next = host.right(id);
        host.answer(id, &next).verdict(true);
    }
}

#[test]
fn steps_are_forgotten_in_the_patch_that_unlocks() {
    let mut host = Host::default();
    let id = used_ahead(&mut host);
    host.replace(id, "status", "L").ok(200);
    let body = r#"{"Operations": [{"op": "replace", "path": "status", "value": "V"},
        {"op": "REMOVE", "path": "urn:soffid:com.soffid.iam.addons.otp.common.OtpDevice:STEPSAHEAD"}]}"#;
    assert_eq!(host.patch(id, body).ok(200)["status"], "V");
    assert_eq!(host.store.memory.events.last().unwrap().kind, EventKind::ForgetSteps);
    host.now += 30;
    let right = host.right(id);
    host.answer(id, &right).verdict(true);
}

/// Each of the two needs an event of its own, and a change has one.
#[test]
fn deleted_device_gets_a_status_before_its_steps_are_forgotten() {
    let mut host = Host::default();
    let id = used_ahead(&mut host);
    host.send(Method::Delete, &format!("/OtpDevice/{id}"), "");
    let before = (host.entry(id), host.store.memory.events.len());
    let body = r#"{"Operations": [{"op": "replace", "path": "status", "value": "V"}, {"op": "remove", "path": "stepsAhead"}]}"#;
    assert!(host.patch(id, body).bad("invalidValue").contains("in a request before"));
    assert_eq!((host.entry(id), host.store.memory.events.len()), before);
    host.replace(id, "status", "V").ok(200);
    host.patch(id, r#"{"Operations": [{"op": "remove", "path": "stepsAhead"}]}"#).ok(200);
    let kinds: Vec<EventKind> = host.store.memory.events.iter().rev().take(2).map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::ForgetSteps, EventKind::Revive]);
}

#[test]
fn steps_are_forgotten_by_a_remove_and_of_totp_only() {
    let mut host = Host::default();
    let id = used_ahead(&mut host);
    let before = host.entry(id);
    for (operation, scim_type) in [
        (r#"{"op": "replace", "path": "stepsAhead", "value": "0"}"#, "invalidPath"),
        (r#"{"op": "add", "value": {"stepsAhead": "0"}}"#, "invalidPath"),
    ] {
        host.patch(id, &format!(r#"{{"Operations": [{operation}]}}"#)).bad(scim_type);
    }
    host.send(Method::Put, &format!("/OtpDevice/{id}"), r#"{"stepsAhead": null}"#).bad("invalidSyntax");
    assert_eq!(host.entry(id), before);
    for body in [HOTP, SMS, EMAIL, PIN] {
        let id = host.create(body);
        let detail = host.patch(id, FORGET_STEPS).bad("invalidValue");
        assert!(detail.starts_with("stepsAhead: a device of type"), "{detail}");
    }
}

#[test]
fn codes_are_accepted_as_authenticators_show_them() {
    let mut host = Host::default();
    for id in host.create_all() {
        for separator in [" ", "-", "\u{a0}", "\u{202f}"] {
            // The code of the next step, and another code than the last.
            host.now += 61;
            let right = host.right(id);
            let (front, back) = right.split_at(right.len() / 2);
            host.answer(id, &format!("{front}{separator}{back} ")).verdict(true);
        }
        let right = host.right(id);
        host.answer(id, &right.replacen(&right[..1], "x", 1)).verdict(false);
        assert_eq!(host.entry(id).row.fails, 1);
    }
    let id = host.create(HOTP);
    let device = host.entry(id).device;
    let Factor::Hotp(hotp) = device.factor() else { panic!("HOTP") };
    let [first, next] = [50, 51].map(|counter| format!("{} ", hotp.generate(counter).as_str()));
    host.post(&format!("/OtpDevice/{id}/resync"), &json!({"pin": first, "nextPin": next}).to_string()).verdict(true);
}

/// A mail client keeps the code, and sends it every five minutes.
#[test]
fn repeated_codes_of_a_client_lock_no_device() {
    let mut host = Host::default();
    for id in [host.create(TOTP), host.create(HOTP)] {
        let right = host.right(id);
        host.answer(id, &right).verdict(true);
        for _ in 0..30 {
            host.now += 300;
            assert!(!host.answer(id, &right).verdict(false));
            assert_eq!(host.store.memory.events.last().unwrap().reason, "replayed");
        }
        assert_eq!((host.entry(id).row.fails, host.entry(id).row.status), (0, keyfob::Status::Validated));
    }
}
