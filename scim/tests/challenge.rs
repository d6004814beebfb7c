//! Request and response of a challenge.

mod common;

use common::{EMAIL, Flaky, Host, PIN, SMS, TOTP, WRONG};
use keyfob::{Kind, Lock, PinPositions, Policy, Status};
use keyfob_scim::{EventKind, Method, Profile, Settings};
use serde_json::json;

#[test]
fn each_kind_accepts_its_right_code_once() {
    let mut host = Host::default();
    for (id, name) in host.create_all().into_iter().zip([
        "TOTP00000001",
        "HOTP00000002",
        "SMS message to 66******22",
        "Email message to di*****@ex*****.co*",
        "Security PIN",
        "Recovery codes",
    ]) {
        let asked = host.challenge(id).ok(200);
        assert_eq!((asked.as_object().unwrap().len(), &asked["cardNumber"]), (2, &json!(name)));
        let kind = host.entry(id).row.kind;
        if kind != Kind::Pin {
            assert_eq!(asked["cell"], "PIN");
        }
        let right = host.right(id);
        assert!(!host.answer(id, &right).verdict(true));
        let shown = host.get(&format!("/OtpDevice/{id}")).ok(200);
        assert_eq!((&shown["status"], &shown["fails"]), (&json!("V"), &json!(0)));
        assert_eq!(shown["lastUsed"], "2023-11-14 22:13:20");
        assert!(!host.answer(id, &right).verdict(false), "{kind}");
        // The very code that an authenticator showed last is no fail, nor is a used recovery code.
        let fails = u32::from(!matches!(kind, Kind::Totp | Kind::Hotp | Kind::Recovery));
        assert_eq!(host.get(&format!("/OtpDevice/{id}")).ok(200)["fails"], fails);
    }
}

#[test]
fn challenge_is_requested_by_get_and_by_post() {
    let mut host = Host::default();
    let id = host.create(SMS);
    let url = format!("/OtpDevice/{id}/requestChallenge");
    let (get, post) = (host.get(&url), host.post(&url, ""));
    assert_eq!(get.ok(200), post.ok(200));
}

#[test]
fn call_goes_to_a_telephone_only_and_says_the_same_code() {
    let mut host = Host::default();
    let (sms, email) = (host.create(SMS), host.create(EMAIL));
    host.challenge(sms).ok(200);
    assert_eq!(host.store.calls, 0);
    host.get(&format!("/OtpDevice/{sms}/requestChallenge?channel=voice")).ok(200);
    assert_eq!(host.store.calls, 1);
    let codes: Vec<_> = host.store.memory.delivered.iter().map(|(_, _, code)| code.clone()).collect();
    assert_eq!(codes[0], codes[1]);
    host.get(&format!("/OtpDevice/{email}/requestChallenge?channel=voice")).bad("invalidValue");
    host.get(&format!("/OtpDevice/{sms}/requestChallenge?channel=pigeon")).bad("invalidValue");
    assert_eq!(host.store.memory.delivered.len(), 2);
}

#[test]
fn message_goes_to_the_address_of_the_device_and_the_response_has_no_code() {
    let mut host = Host::default();
    for (body, kind, to) in [(SMS, Kind::Sms, "6665552222"), (EMAIL, Kind::Email, "dilbert@example.com")] {
        let id = host.create(body);
        let reply = host.challenge(id);
        let (sent_kind, sent_to, code) = host.store.memory.delivered.last().unwrap().clone();
        assert_eq!((sent_kind, sent_to.as_str(), code.len()), (kind, to, 6));
        assert!(!reply.0.text().contains(&code));
        let event = host.store.memory.events.last().unwrap();
        assert_eq!((event.kind, event.device_id, event.success), (EventKind::Challenge, id, true));
        assert!(!format!("{event:?}").contains(&code));
    }
}

#[test]
fn code_requested_again_within_a_minute_is_the_same_and_then_another() {
    for body in [SMS, EMAIL] {
        let mut host = Host::default();
        let id = host.create(body);
        let first = host.right(id);
        host.now += 59;
        assert_eq!(host.right(id), first);
        host.now += 1;
        let second = host.right(id);
        assert_ne!(second, first);
        assert_eq!(host.store.memory.delivered.len(), 3);
        host.answer(id, &first).verdict(false);
        host.answer(id, &second).verdict(true);
    }
}

#[test]
fn message_that_is_not_accepted_is_502_and_uses_up_nothing() {
    for body in [SMS, EMAIL] {
        let mut host = Host::default();
        let id = host.create(body);
        host.store.unreachable = true;
        let detail = host.challenge(id).refused(502, None);
        let (_, to, lost) = host.store.memory.delivered.last().unwrap().clone();
        assert!(detail.contains("the gateway is away") && !detail.contains(&lost) && !detail.contains(&to), "{detail}");
        assert_eq!(host.entry(id).device.fails(), 0);
        host.store.unreachable = false;
        assert_eq!(host.right(id), lost);
        host.answer(id, &lost).verdict(true);
    }
}

#[test]
fn cell_of_a_pin_shows_the_number_of_each_position_asked_for() {
    let mut host = Host::default();
    let sixty = "1234567890".repeat(6);
    for pin in ["12345678", "123456789012", &sixty, &sixty, &sixty, &sixty] {
        let id = host.create(&format!(r#"{{"type": "PIN", "user": "a", "pin": "{pin}"}}"#));
        let cell = host.challenge(id).ok(200)["cell"].as_str().unwrap().to_owned();
        let asked: Vec<u8> = host.entry(id).device.positions().unwrap().iter().collect();
        assert_eq!(asked.len(), 3);
        // One sign for each position, for clients that show a box for each.
        let numbers = "123456789⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉑㉒㉓㉔㉕㉖㉗㉘㉙㉚㉛㉜㉝㉞㉟㊱㊲㊳㊴㊵㊶㊷㊸㊹㊺㊻㊼㊽㊾㊿■■■■■■■■■■";
        let signs: String = (1..=u8::try_from(pin.len()).unwrap())
            .zip(numbers.chars())
            .map(|(number, sign)| if asked.contains(&number) { sign } else { '▫' })
            .collect();
        assert_eq!(cell, format!("digits {signs}"));
        // Neither another request nor a wrong code draws other positions.
        assert_eq!(host.challenge(id).ok(200)["cell"], cell);
        host.answer(id, WRONG).verdict(false);
        host.now += 3600;
        assert_eq!(host.challenge(id).ok(200)["cell"], cell);
        let right = host.right(id);
        host.answer(id, &right).verdict(true);
    }
}

/// As in Soffid, where all positions are asked for.
#[test]
fn cell_of_a_whole_pin_is_that_of_a_code() {
    let policies = [
        Policy::builder().pin_positions(PinPositions::All).build().unwrap(),
        Policy::builder().pin_min_length(8).pin_positions(PinPositions::Count(8)).build().unwrap(),
    ];
    for policy in policies {
        let mut host = Host::new(Settings { policy, ..Settings::default() });
        let id = host.create(r#"{"type": "PIN", "user": "a", "pin": "12345678"}"#);
        assert_eq!(host.challenge(id).ok(200)["cell"], "PIN");
        host.answer(id, "12345678").verdict(true);
    }
}

#[test]
fn lock_is_in_the_response_and_a_locked_device_refuses_the_right_code() {
    let mut host = Host::default();
    for id in host.create_all() {
        let right = host.right(id);
        for _ in 0..9 {
            assert!(!host.answer(id, WRONG).verdict(false));
        }
        assert!(host.answer(id, WRONG).verdict(false));
        let shown = host.get(&format!("/OtpDevice/{id}")).ok(200);
        assert_eq!((&shown["status"], &shown["fails"]), (&json!("L"), &json!(10)));
        let before = host.entry(id);
        assert!(host.answer(id, &right).verdict(false));
        assert!(host.answer(id, WRONG).verdict(false));
        let delivered = host.store.memory.delivered.len();
        host.challenge(id).refused(409, None);
        assert_eq!((host.entry(id), host.store.memory.delivered.len()), (before, delivered));
    }
}

#[test]
fn disabled_device_refuses_challenges_and_codes() {
    let mut host = Host::default();
    for id in host.create_all() {
        let right = host.right(id);
        host.replace(id, "status", "D").ok(200);
        let before = host.entry(id);
        host.challenge(id).refused(409, None);
        assert!(!host.answer(id, &right).verdict(false));
        assert_eq!(host.entry(id), before);
    }
}

#[test]
fn throttled_device_is_locked_for_a_while() {
    let lock = Lock::Throttle { max_fails: 1, first_delay: 10, max_delay: 100 };
    let policy = Policy::builder()
        .lock(lock)
        .guess_bound(keyfob::GuessChance::CERTAIN)
        .pin_guess_bound(keyfob::GuessChance::CERTAIN)
        .build();
    let mut host = Host::new(Settings { policy: policy.unwrap(), ..Settings::default() });
    let id = host.create(TOTP);
    let right = host.right(id);
    while !host.answer(id, WRONG).verdict(false) {}
    assert!(host.answer(id, &right).verdict(false));
    let delay = host.entry(id).device.throttled_until().unwrap() - host.now;
    let refused = host.challenge(id);
    assert_eq!(refused.header("retry-after"), Some(delay.to_string().as_str()));
    refused.refused(409, None);
    host.now += 100;
    let right = host.right(id);
    host.answer(id, &right).verdict(true);
}

#[test]
fn throttled_device_says_when_to_try_again_in_the_profile_rfc_only() {
    let lock = Lock::ThrottleThenLock { max_fails: 1, first_delay: 10, max_delay: 100, total_fails: 3 };
    let policy = Policy::builder().lock(lock).build().unwrap();
    for profile in [Profile::Soffid, Profile::Rfc] {
        let mut host = Host::new(Settings { policy, profile, ..Settings::default() });
        let id = host.create(TOTP);
        let mut bodies = Vec::new();
        for wait in [0, 4, 6, 20, 100_000] {
            host.now += wait;
            bodies.push(host.answer(id, WRONG).0.text().to_owned());
        }
        let seconds = match profile {
            Profile::Soffid => [None; 5],
            Profile::Rfc => [Some(10), Some(6), Some(20), None, None],
        };
        for (body, seconds) in bodies.iter().zip(seconds) {
            let after = seconds.map_or(String::new(), |seconds| format!(",\"retryAfter\":{seconds}"));
            assert_eq!(*body, format!("{{\"success\":false,\"locked\":true{after}}}"));
        }
        assert_eq!(host.entry(id).row.status, Status::Locked);
    }
}

#[test]
fn malformed_code_is_a_fail_and_a_malformed_body_is_not_verified() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    for (fails, code) in ["", "12345", "1234567", " 123456", "+12345", "１２３４５６"].into_iter().enumerate() {
        host.answer(id, code).verdict(false);
        assert_eq!(host.entry(id).row.fails, u32::try_from(fails).unwrap() + 1);
    }
    let before = host.entry(id);
    let url = format!("/OtpDevice/{id}/responseChallenge");
    for (body, scim_type) in [
        ("{}", "invalidValue"),
        (r#"{"pin": null}"#, "invalidValue"),
        (r#"{"pin": -987654}"#, "invalidValue"),
        (r#"{"pin": ["987654", "987654"]}"#, "invalidValue"),
        (r#"{"code": "987654"}"#, "invalidSyntax"),
        (r#"{"987654": "pin"}"#, "invalidSyntax"),
        (r#"{"pin": "987654", "PIN": "987655"}"#, "invalidSyntax"),
        (r#"{"pin": "987654", "pin": "987655"}"#, "invalidSyntax"),
        (r#"{"pin": "987654", "user": "a"}"#, "invalidSyntax"),
        (r#""987654""#, "invalidSyntax"),
        ("987654", "invalidSyntax"),
        (r#"{"pin": 987654"#, "invalidSyntax"),
        ("pin=987654", "invalidSyntax"),
    ] {
        let detail = host.post(&url, body).bad(scim_type);
        assert!(!detail.contains("98765"), "{detail}");
    }
    assert_eq!(host.entry(id), before);
    let right = host.right(id);
    let body = format!(r#"{{"schemas": ["x"], "meta": {{}}, "PIN": "{right}"}}"#);
    host.post(&url, &body).verdict(true);
}

#[test]
fn clock_that_was_set_back_is_503_and_no_fail() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let right = host.right(id);
    host.answer(id, WRONG).verdict(false);
    host.now -= 31;
    let before = host.entry(id);
    host.answer(id, &right).refused(503, None);
    host.challenge(id).refused(503, None);
    assert_eq!(host.entry(id), before);
}

#[test]
fn trail_has_every_verdict_with_its_reason_and_no_code() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let right = host.right(id);
    host.answer(id, "987654").verdict(false);
    host.answer(id, &right).verdict(true);
    host.answer(id, &right).verdict(false);
    host.replace(id, "status", "L").ok(200);
    host.answer(id, &right).verdict(false);
    let events = &host.store.memory.events;
    let judged: Vec<_> = events.iter().filter(|event| event.kind == EventKind::Verify).collect();
    let verdicts: Vec<_> = judged.iter().map(|event| (event.success, event.reason.as_str(), event.drift)).collect();
    assert_eq!(verdicts, [(false, "wrong", None), (true, "right", Some(0)), (false, "replayed", None), (false, "locked", None)]);
    let written = format!("{events:?}");
    assert!(!written.contains("987654") && !written.contains(&right), "{written}");
}

#[test]
fn verdict_comes_out_only_when_the_next_device_is_stored() {
    let mut host = Host::default();
    for id in host.create_all() {
        let right = host.right(id);
        let before = host.entry(id);
        host.store.full = true;
        for code in [&right, WRONG] {
            let reply = host.answer(id, code);
            reply.refused(503, None);
            assert!(!reply.0.text().contains("success") && reply.header("retry-after").is_some());
        }
        host.store.full = false;
        assert_eq!(host.entry(id), before);
        host.answer(id, &right).verdict(true);
        // For a locked device only the audit trail is stored.
        host.lock(id);
        host.store.full = true;
        host.answer(id, &right).refused(503, None);
        host.store.full = false;
    }
}

#[test]
fn code_goes_out_only_when_its_challenge_is_stored() {
    for body in [SMS, EMAIL, PIN] {
        let mut host = Host::default();
        let id = host.create(body);
        host.store.full = true;
        let reply = host.challenge(id);
        reply.refused(503, None);
        assert!(host.store.memory.delivered.is_empty() && !reply.0.text().contains("digits"));
        assert_eq!(host.entry(id).device.pending_since(), None);
    }
}

/// A wrong code of another client comes first.
fn guess(memory: &mut keyfob_scim::MemoryStore, id: i64) {
    use keyfob_scim::Store;
    let store = Flaky { memory: std::mem::take(memory), ..Flaky::default() };
    let mut other = Host { store, ..Host::default() };
    other.answer(id, WRONG).ok(200);
    *memory = std::mem::take(&mut other.store.memory);
    assert!(memory.get(id).unwrap().is_some());
}

const GUESS: Option<fn(&mut keyfob_scim::MemoryStore, i64)> = Some(guess);

#[test]
fn code_that_lost_its_swap_is_verified_again_on_the_fresh_device_and_counts_once() {
    for conflicts in [1, 3, 9] {
        let mut host = Host::default();
        for id in host.create_all() {
            host.challenge(id).ok(200);
            (host.store.conflicts, host.store.rival, host.store.swaps) = (conflicts, GUESS, 0);
            let is_locked = host.answer(id, WRONG).verdict(false);
            assert_eq!((host.entry(id).row.fails, host.store.swaps), (conflicts + 1, conflicts + 1));
            assert_eq!(is_locked, conflicts == 9);
            let judged = host.store.memory.events.iter().filter(|event| event.kind == EventKind::Verify && event.device_id == id);
            assert_eq!(judged.count(), usize::try_from(conflicts).unwrap() + 1);
        }
    }
}

#[test]
fn right_code_after_the_lock_is_refused() {
    let mut host = Host::default();
    for id in host.create_all() {
        let right = host.right(id);
        (host.store.conflicts, host.store.rival) = (10, GUESS);
        assert!(host.answer(id, &right).verdict(false));
        let entry = host.entry(id);
        assert_eq!((entry.row.status, entry.row.fails), (Status::Locked, 10));
        assert_eq!(host.store.memory.events.last().unwrap().reason, "locked");
    }
}

#[test]
fn right_code_counts_once_however_often_it_is_verified() {
    let mut host = Host::default();
    for id in host.create_all() {
        let right = host.right(id);
        (host.store.conflicts, host.store.rival, host.store.swaps) = (5, None, 0);
        host.answer(id, &right).verdict(true);
        assert_eq!(host.store.swaps, 6);
        host.answer(id, &right).verdict(false);
        let events = host.store.memory.events.iter().filter(|event| event.kind == EventKind::Verify && event.device_id == id);
        assert_eq!(events.map(|event| event.success).collect::<Vec<_>>(), [true, false]);
    }
}

#[test]
fn device_that_others_keep_changing_is_503_in_the_end() {
    let mut host = Host::default();
    let id = host.create(SMS);
    host.store.conflicts = u32::MAX;
    let before = host.entry(id);
    for reply in [host.challenge(id), host.answer(id, WRONG), host.replace(id, "status", "V")] {
        assert!(reply.refused(503, None).contains("try again"));
    }
    host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").refused(503, None);
    assert_eq!(host.entry(id), before);
    assert!(host.store.memory.delivered.is_empty());
}
