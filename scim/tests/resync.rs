//! Resynchronization of a token that has run ahead, or whose clock is off, by two consecutive
//! codes.

mod common;

use common::{EMAIL, HOTP, Host, PIN, Reply, SMS, TOTP, WRONG};
use keyfob::{Factor, Policy};
use keyfob_scim::{EventKind, Profile, Settings, Store as _};
use serde_json::json;

/// The code of a counter.
fn code(host: &mut Host, id: i64, counter: u64) -> String {
    let device = host.entry(id).device;
    let Factor::Hotp(hotp) = device.factor() else { panic!("HOTP") };
    hotp.generate(counter).as_str().to_owned()
}

fn resync(host: &mut Host, id: i64, first: &str, next: &str) -> Reply {
    host.post(&format!("/OtpDevice/{id}/resync"), &json!({"pin": first, "nextPin": next}).to_string())
}

#[test]
fn counter_is_found_by_two_consecutive_codes_and_not_by_one() {
    for mut host in [Host::default(), Host::rfc()] {
        let id = host.create(HOTP);
        let codes: Vec<_> = (0..103).map(|counter| code(&mut host, id, counter)).collect();
        host.answer(id, &codes[50]).verdict(false);
        // Neither two codes that are not consecutive, nor the two in the other order.
        for (first, next) in [(50, 50), (50, 52), (51, 50)] {
            assert!(!resync(&mut host, id, &codes[first], &codes[next]).verdict(false));
        }
        assert_eq!(host.entry(id).row.fails, 4);
        assert!(!resync(&mut host, id, &codes[50], &codes[51]).verdict(true));
        let shown = host.get(&format!("/OtpDevice/{id}")).ok(200);
        assert_eq!((&shown["status"], &shown["fails"]), (&json!("V"), &json!(0)));
        assert!(shown["lastUsed"].is_string());
        // Used codes are used, by either operation.
        resync(&mut host, id, &codes[50], &codes[51]).verdict(false);
        host.answer(id, &codes[51]).verdict(false);
        host.answer(id, &codes[52]).verdict(true);
    }
}

#[test]
fn resync_counts_fails_and_locks_as_a_response_does_and_opens_nothing() {
    let mut host = Host::default();
    let id = host.create(HOTP);
    let codes: Vec<_> = (0..2).map(|counter| code(&mut host, id, counter)).collect();
    for fail in 1..=10 {
        assert_eq!(resync(&mut host, id, WRONG, &codes[1]).verdict(false), fail == 10);
    }
    let before = host.entry(id);
    assert_eq!((before.row.status, before.row.fails), (keyfob::Status::Locked, 10));
    assert!(resync(&mut host, id, &codes[0], &codes[1]).verdict(false));
    assert_eq!(host.entry(id), before);
    host.replace(id, "status", "V").ok(200);
    host.replace(id, "status", "D").ok(200);
    resync(&mut host, id, &codes[0], &codes[1]).verdict(false);
    host.replace(id, "status", "V").ok(200);
    resync(&mut host, id, &codes[0], &codes[1]).verdict(true);
}

#[test]
fn trail_has_the_resync_with_its_drift_and_no_code() {
    let mut host = Host::default();
    let id = host.create(HOTP);
    let [first, next] = [30, 31].map(|counter| code(&mut host, id, counter));
    for (first, next) in [("987654", next.as_str()), (&first, &next), (&first, &next)] {
        resync(&mut host, id, first, next).ok(200);
    }
    let events: Vec<_> = host.store.memory.events.iter().filter(|event| event.kind == EventKind::Resync).collect();
    let verdicts: Vec<_> = events.iter().map(|event| (event.success, event.reason.as_str(), event.drift)).collect();
    assert_eq!(verdicts, [(false, "wrong", None), (true, "right", Some(30)), (false, "replayed", None)]);
    let written = format!("{events:?}");
    assert!(![first.as_str(), next.as_str(), "987654"].iter().any(|code| written.contains(code)), "{written}");
    assert!(events.iter().all(|event| event.actor == "tester" && event.device_id == id && event.user == "franck"));
}

#[test]
fn verdict_waits_for_the_store_and_a_lost_swap_is_verified_again() {
    let mut host = Host::default();
    let id = host.create(HOTP);
    let [first, next] = [30, 31].map(|counter| code(&mut host, id, counter));
    host.store.full = true;
    let reply = resync(&mut host, id, &first, &next);
    reply.refused(503, None);
    assert!(!reply.0.text().contains("success"));
    host.store.full = false;
    (host.store.conflicts, host.store.swaps) = (3, 0);
    resync(&mut host, id, &first, &next).verdict(true);
    assert_eq!(host.store.swaps, 4);
    resync(&mut host, id, &first, &next).verdict(false);
}

#[test]
fn resync_is_for_tokens_only_and_needs_two_codes() {
    let mut host = Host::default();
    for body in [SMS, EMAIL, PIN] {
        let id = host.create(body);
        let (before, events) = (host.entry(id), host.store.memory.events.len());
        assert!(resync(&mut host, id, "987654", "987655").bad("invalidValue").contains("HOTP"));
        assert_eq!((host.entry(id), host.store.memory.events.len()), (before, events));
    }
    let id = host.create(HOTP);
    let before = host.store.get(id).unwrap();
    let url = format!("/OtpDevice/{id}/resync");
    for (body, scim_type) in [
        ("{}", "invalidValue"),
        (r#"{"pin": "987654"}"#, "invalidValue"),
        (r#"{"nextPin": "987654"}"#, "invalidValue"),
        (r#"{"pin": "987654", "nextPin": 98765.5}"#, "invalidValue"),
        (r#"{"pin": "987654", "nextPin": null}"#, "invalidValue"),
        (r#"{"pin": "987654", "nextPin": "987655", "NEXTPIN": "987655"}"#, "invalidSyntax"),
        (r#"{"pin": "987654", "nextPin": "987655", "user": "a"}"#, "invalidSyntax"),
        (r#"["987654", "987655"]"#, "invalidSyntax"),
    ] {
        let detail = host.post(&url, body).bad(scim_type);
        assert!(!detail.contains("98765"), "{detail}");
    }
    // Nor does the response to a challenge take two codes.
    host.post(&format!("/OtpDevice/{id}/responseChallenge"), r#"{"pin": "1", "nextPin": "2"}"#).bad("invalidSyntax");
    assert_eq!(host.store.get(id).unwrap(), before);
    let [first, next] = [0, 1].map(|counter| code(&mut host, id, counter));
    let body = json!({"schemas": ["x"], "meta": {}, "PIN": first, "nextpin": next}).to_string();
    host.post(&url, &body).verdict(true);
}

#[test]
fn totp_is_found_by_two_codes_as_far_as_drift_is_learned() {
    for profile in [Profile::Soffid, Profile::Rfc] {
        // Without drift in the policy nothing is verified, and the refusal names the key.
        let mut host = Host::new(Settings { profile, ..Settings::default() });
        let id = host.create(TOTP);
        let (before, events) = (host.entry(id), host.store.memory.events.len());
        let detail = resync(&mut host, id, "987654", "987655").refused(409, None);
        assert!(detail.contains("policy.max_drift"), "{detail}");
        assert_eq!((host.entry(id), host.store.memory.events.len()), (before, events));

        let policy = Policy::builder().max_drift(7).build().unwrap();
        let mut host = Host::new(Settings { profile, policy, ..Settings::default() });
        let id = host.create(TOTP);
        let at = |host: &mut Host, away: i64| {
            let Factor::Totp(totp) = host.entry(id).device.factor().clone() else { panic!("no TOTP device") };
            totp.hotp().generate((host.now / 30).saturating_add_signed(away)).as_str().to_owned()
        };
        let far = [at(&mut host, 40), at(&mut host, 41)];
        resync(&mut host, id, &far[0], &far[1]).verdict(false);
        let near = [at(&mut host, 5), at(&mut host, 6)];
        resync(&mut host, id, &near[0], &near[1]).verdict(true);
        let event = host.store.memory.events.last().unwrap();
        assert_eq!((event.kind, event.reason.as_str(), event.drift), (EventKind::Resync, "right", Some(6)));
        assert_eq!(host.entry(id).device.drift(), 6);
        host.now += 3000;
        let code = at(&mut host, 6);
        host.answer(id, &code).verdict(true);
    }
}
