//! Recovery codes: made, used, renewed, and shown only when they are made.

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;

use common::{BASE, Host, NOW, RECOVERY, Reply, TOTP, WRONG};
use keyfob::{Kind, RecoveryCode, Status};
use keyfob_scim::{Entry, EventKind, Method, Profile, Roles, SCHEMA, Settings};
use serde_json::{Value, json};

thread_local! {
    /// The entry that a rival stores.
    static USED: RefCell<Option<Entry>> = const { RefCell::new(None) };
}

/// A host of each profile where the kind is switched on.
fn hosts() -> [Host; 2] {
    [Profile::Soffid, Profile::Rfc].map(|profile| Host::new(Settings { profile, kinds: Kind::ALL.to_vec(), ..Settings::default() }))
}

/// The codes that a response shows.
fn codes(body: &Value) -> Vec<String> {
    body["recoveryCodes"].as_array().expect("codes").iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// Makes a device, and returns its id and its codes.
fn create(host: &mut Host, body: &str) -> (i64, Vec<String>) {
    let reply = host.post("/OtpDevice", body).ok(201);
    let id = reply["id"].as_i64().or_else(|| reply["id"].as_str()?.parse().ok()).unwrap();
    (id, codes(&reply))
}

fn renew(host: &mut Host, id: i64, body: &str) -> Reply {
    host.post(&format!("/OtpDevice/{id}/renewCodes"), body)
}

/// How many codes the verdict on a right code leaves.
fn left(reply: &Reply) -> Value {
    reply.verdict(true);
    reply.ok(200)["recoveryCodesLeft"].clone()
}

#[test]
fn create_alone_shows_the_codes_and_each_is_right_once() {
    for mut host in hosts() {
        let reply = host.post("/OtpDevice", RECOVERY);
        let body = reply.ok(201);
        assert_eq!((&body["name"], &body["recoveryCodesLeft"]), (&json!("Recovery codes"), &json!(10)));
        assert!(body.get("image").is_none() && body["meta"].get("links").is_none());
        let (id, codes) = (1, codes(&body));
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
        assert!(codes.iter().all(|code| code.len() == 16 && RecoveryCode::is_well_formed(code.as_bytes())));
        assert_eq!(reply.header("location"), Some(format!("{BASE}/OtpDevice/{id}").as_str()));

        let url = format!("/OtpDevice/{id}");
        let asked = host.challenge(id).ok(200);
        assert_eq!(asked, json!({"cell": "PIN", "cardNumber": "Recovery codes"}));
        for (used, code) in (1..=10).zip(&codes) {
            // As people type them.
            let typed = match used % 3 {
                0 => code.clone(),
                1 => code.to_lowercase().replace('-', ""),
                _ => code.replace('-', " \u{2013} ").replace('0', "O").replace('1', "l"),
            };
            assert_eq!(left(&host.answer(id, &typed)), json!(10 - used), "{typed}");
            assert_eq!(host.get(&url).ok(200)["recoveryCodesLeft"], json!(10 - used));
            // A used code is refused, and is no fail.
            assert!(!host.answer(id, code).verdict(false));
            assert_eq!(host.get(&url).ok(200)["fails"], 0);
        }
        let shown = [host.get(&url).ok(200), host.get("/OtpDevice").ok(200), host.replace(id, "externalId", "a").ok(200)];
        let trail = format!("{:?}", host.store.memory.events);
        for text in shown.iter().map(Value::to_string).chain([trail, format!("{:?}", host.entry(id))]) {
            assert!(!text.contains("recoveryCodes\""), "{text}");
            assert!(codes.iter().all(|code| !text.contains(code.as_str())), "{text}");
        }
        // Lists read no records.
        assert!(shown[1]["Resources"][0].get("recoveryCodesLeft").is_none());
        assert_eq!(host.get(&url).ok(200)["status"], "V");
    }
}

#[test]
fn wrong_code_says_no_number_and_ten_of_them_lock() {
    for mut host in hosts() {
        let (id, codes) = create(&mut host, RECOVERY);
        for fail in 1..=10 {
            let reply = host.answer(id, if fail % 2 == 0 { WRONG } else { "00000-00000-0000" });
            assert_eq!(reply.verdict(false), fail == 10);
            assert!(reply.ok(200).get("recoveryCodesLeft").is_none());
        }
        assert!(host.answer(id, &codes[0]).verdict(false));
        host.challenge(id).refused(409, None);
        host.replace(id, "status", "V").ok(200);
        assert_eq!(left(&host.answer(id, &codes[0])), 9);
    }
}

#[test]
fn count_is_1_to_64() {
    for mut host in hosts() {
        let body = |count: &str| format!(r#"{{"type": "RECOVERY", "user": "dilbert", "recoveryCodeCount": {count}}}"#);
        for (count, expected) in [("1", 1), ("64", 64), (r#""12""#, 12), ("[7]", 7), ("null", 10)] {
            assert_eq!(create(&mut host, &body(count)).1.len(), expected);
        }
        // The room of a body with a secret, which leaves no copies behind as it grows.
        let long = r#"\""#.repeat(255);
        let most = format!(r#"{{"type": "RECOVERY", "user": "{long}", "externalId": "{long}", "recoveryCodeCount": 64}}"#);
        assert!(host.post("/OtpDevice", &most).ok(201).to_string().len() < 4096);
        let devices = host.store.memory.events.len();
        for count in ["0", "65", "256", "-1", "1.5", "true", r#""""#, r#""ten""#, "[1, 2]"] {
            let detail = host.post("/OtpDevice", &body(count)).bad("invalidValue");
            assert_eq!(detail, "recoveryCodeCount: must be a number from 1 to 64", "{count}");
            assert_eq!(renew(&mut host, 1, &format!(r#"{{"recoveryCodeCount": {count}}}"#)).bad("invalidValue"), detail);
        }
        let other = host.post("/OtpDevice", r#"{"type": "TOTP", "user": "franck", "recoveryCodeCount": 10}"#);
        assert_eq!(other.bad("invalidValue"), "recoveryCodeCount: is for RECOVERY only");
        assert_eq!(host.store.memory.events.len(), devices);
        // No response shows it, and no change sets it.
        assert!(host.get("/OtpDevice/1").ok(200).get("recoveryCodeCount").is_none());
        let detail = host.replace(1, "recoveryCodeCount", "5").bad("mutability");
        assert!(detail.contains("renewCodes"), "{detail}");
    }
}

#[test]
fn renewal_ends_the_old_codes_and_keeps_fails_and_lock() {
    for mut host in hosts() {
        let (id, old) = create(&mut host, RECOVERY);
        host.answer(id, &old[0]).verdict(true);
        host.answer(id, WRONG).verdict(false);
        host.now += 60;
        let body = renew(&mut host, id, "").ok(200);
        let fresh = codes(&body);
        assert_eq!((fresh.len(), &body["recoveryCodesLeft"], &body["fails"]), (10, &json!(10), &json!(1)));
        assert_eq!((&body["status"], host.entry(id).row.last_modified), (&json!("V"), NOW + 60));
        assert!(old.iter().all(|code| !fresh.contains(code)));
        let last = host.store.memory.events.last().unwrap().clone();
        assert_eq!((last.kind, last.device_id, last.user.as_str()), (EventKind::RenewCodes, id, "dilbert"));
        assert_eq!((last.actor.as_str(), last.success, last.reason.as_str()), ("tester", true, "V"));
        assert!(!format!("{:?}", host.store.memory.events).contains(&fresh[0]));
        for code in &old[..2] {
            host.answer(id, code).verdict(false);
        }
        assert_eq!(host.entry(id).row.fails, 3);
        // A repeated request makes new codes again.
        let again = codes(&renew(&mut host, id, r#"{"recoveryCodeCount": 3}"#).ok(200));
        assert_eq!(again.len(), 3);
        host.answer(id, &fresh[0]).verdict(false);
        assert_eq!(left(&host.answer(id, &again[0])), 2);

        host.lock(id);
        let body = renew(&mut host, id, "{}").ok(200);
        assert_eq!((&body["status"], &body["fails"], codes(&body).len()), (&json!("L"), &json!(10), 3));
        assert!(host.answer(id, &codes(&body)[0]).verdict(false));
        assert_eq!(host.entry(id).device.status(), Status::Locked);
        host.replace(id, "status", "V").ok(200);
        host.answer(id, &codes(&body)[0]).verdict(true);
    }
}

#[test]
fn renewal_needs_the_role_manage_and_shows_no_more_than_codes_and_status_without_query() {
    let [mut host, _] = hosts();
    let (id, old) = create(&mut host, RECOVERY);
    let before = host.entry(id);
    for roles in [Roles::NONE, Roles::QUERY.union(Roles::CANCEL).union(Roles::UNLOCK).union(Roles::VERIFY)] {
        host.roles = roles;
        renew(&mut host, id, "").refused(403, None);
        assert_eq!(host.entry(id), before);
    }
    host.roles = Roles::MANAGE;
    let body = renew(&mut host, id, "").ok(200);
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["id", "recoveryCodes", "schemas", "status"]);
    assert_ne!(codes(&body), old);
}

#[test]
fn lost_swap_draws_again_and_shows_the_stored_codes() {
    let [mut host, _] = hosts();
    let (id, old) = create(&mut host, RECOVERY);
    host.store.conflicts = 3;
    let shown = codes(&renew(&mut host, id, "").ok(200));
    assert_eq!((host.store.swaps, host.store.conflicts), (4, 0));
    let keyfob::Factor::Recovery(stored) = host.entry(id).device.factor().clone() else { panic!("RECOVERY") };
    assert!(stored.iter().map(|code| code.as_str().to_owned()).eq(shown.iter().cloned()));
    host.answer(id, &old[0]).verdict(false);
    assert_eq!(left(&host.answer(id, &shown[9])), 9);

    let before = host.entry(id);
    host.store.full = true;
    renew(&mut host, id, "").refused(503, None);
    assert_eq!(host.entry(id), before);
}

#[test]
fn used_up_code_of_two_requests_is_right_for_one() {
    let [mut host, _] = hosts();
    let (id, codes) = create(&mut host, RECOVERY);
    // While one request is judged, the other uses the code.
    let before = host.entry(id);
    assert_eq!(left(&host.answer(id, &codes[4])), 9);
    let after = host.entry(id);
    host.store.memory.put(before);
    host.store.conflicts = 1;
    USED.with_borrow_mut(|used| *used = Some(after));
    host.store.rival = Some(|memory, _| memory.put(USED.take().unwrap()));
    host.answer(id, &codes[4]).verdict(false);
    let last = host.entry(id).device;
    assert_eq!((last.recovery_codes_left(), last.fails()), (Some(9), 0));
}

#[test]
fn renewal_that_another_one_has_overtaken_is_409_and_leaves_the_shown_codes() {
    for mut host in hosts() {
        let (id, _) = create(&mut host, RECOVERY);
        // Both have read the same codes, and the first is stored before the second.
        let before = host.entry(id);
        let shown = codes(&renew(&mut host, id, "").ok(200));
        let after = host.entry(id);
        host.store.memory.put(before);
        (host.store.conflicts, host.store.swaps) = (1, 0);
        USED.with_borrow_mut(|used| *used = Some(after.clone()));
        host.store.rival = Some(|memory, _| memory.put(USED.take().unwrap()));
        let events = host.store.memory.events.len();
        let detail = renew(&mut host, id, "").refused(409, None);
        assert!(detail.contains("another request") && !shown.iter().any(|code| detail.contains(code)), "{detail}");
        assert_eq!((host.entry(id), host.store.swaps, host.store.memory.events.len()), (after, 1, events));
        assert_eq!(left(&host.answer(id, &shown[0])), 9);
        // One that comes later has read the new codes, and renews them again.
        assert_ne!(codes(&renew(&mut host, id, "").ok(200)), shown);
    }
}

#[test]
fn attributes_that_codes_cannot_have_are_named() {
    let [mut host, _] = hosts();
    for (more, what) in [
        (r#""name": "AB123""#, ""),
        (r#""recoveryCodesLeft": 3"#, ""),
        (r#""recoveryCodes": ["00000-00000-0000"]"#, ""),
        (r#""secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ""#, "secret: is for TOTP and HOTP only"),
        (r#""digits": 6"#, "digits: is for TOTP and HOTP only"),
        (r#""phone": "+34600000000""#, "phone: is for SMS only"),
        (r#""email": "dilbert@example.com""#, "email: is for EMAIL only"),
        (r#""pin": "12345678""#, "pin: is for PIN only"),
    ] {
        let reply = host.post("/OtpDevice", &format!(r#"{{"type": "RECOVERY", "user": "dilbert", {more}}}"#));
        if what.is_empty() {
            // The name is keyfob's own without a serial, and read-only attributes are ignored.
            let body = reply.ok(201);
            assert_eq!((&body["name"], &body["recoveryCodesLeft"]), (&json!("Recovery codes"), &json!(10)), "{more}");
            assert!(!codes(&body).contains(&"00000-00000-0000".to_owned()));
        } else {
            assert_eq!(reply.bad("invalidValue"), what);
        }
    }
    for kind in ["TOTP", "HOTP", "SMS", "EMAIL", "PIN"] {
        let body = format!(
            r#"{{"type": "{kind}", "user": "dilbert", "recoveryCodeCount": 3, "phone": "+34600000000", "email": "a@example.com", "pin": "12345678"}}"#
        );
        let detail = host.post("/OtpDevice", &body).bad("invalidValue");
        assert!(detail.ends_with(" only"), "{detail}");
    }
}

#[test]
fn put_ignores_how_many_codes_were_left_when_it_was_read() {
    let [mut host, _] = hosts();
    let (id, shown) = create(&mut host, RECOVERY);
    let read = host.get(&format!("/OtpDevice/{id}")).ok(200).to_string();
    host.answer(id, &shown[0]).verdict(true);
    let body = host.send(Method::Put, &format!("/OtpDevice/{id}"), &read).ok(200);
    assert_eq!(body["recoveryCodesLeft"], 9, "a stale number gives no code back");
    assert!(!host.answer(id, &shown[0]).verdict(false));
    assert_eq!(left(&host.answer(id, &shown[1])), 8);
}

#[test]
fn renewal_that_makes_no_sense_is_refused() {
    let [mut host, mut rfc] = hosts();
    let (id, _) = create(&mut host, RECOVERY);
    let totp = host.create(TOTP);
    let before = host.entry(id);
    let detail = renew(&mut host, totp, "").bad("invalidValue");
    assert_eq!(detail, "only a device of type RECOVERY has codes to renew");
    renew(&mut host, 99, "").refused(404, None);
    for host in [&mut host, &mut rfc] {
        let (id, _) = create(host, RECOVERY);
        host.replace(id, "status", "D").ok(200);
        renew(host, id, "").refused(409, None);
    }
    for body in ["[]", "{", "7", r#"{"count": 3}"#, r#"{"recoveryCodeCount": 3, "RECOVERYCODECOUNT": 3}"#, r#"{"schemas": ["x"]}"#]
    {
        renew(&mut host, id, body).bad("invalidSyntax");
    }
    for method in [Method::Get, Method::Put, Method::Patch, Method::Delete] {
        let reply = host.send(method, &format!("/OtpDevice/{id}/renewCodes"), "");
        reply.refused(405, None);
        assert_eq!(reply.header("allow"), Some("POST"));
    }
    let detail = host.replace(id, "recoveryCodes", "x").bad("mutability");
    assert!(detail.contains("POST .../renewCodes"), "{detail}");
    assert_eq!(host.entry(id), before);
    // Read-only values may be repeated as they were read.
    let patch = |left: &str| format!(r#"{{"Operations": [{{"op": "replace", "path": "recoveryCodesLeft", "value": {left}}}]}}"#);
    host.patch(id, &patch("10")).ok(200);
    host.patch(totp, &patch("null")).ok(200);
    for (id, wrong) in [(id, "9"), (id, "null"), (id, r#""ten""#), (totp, "10"), (totp, r#""ten""#)] {
        host.patch(id, &patch(wrong)).bad("mutability");
    }
    // With the URN, with schemas, and of a deleted device where clients see none.
    let named = format!(r#"{{"schemas": ["{SCHEMA}"], "{SCHEMA}:recoveryCodeCount": 2}}"#);
    assert_eq!(codes(&renew(&mut host, id, &named).ok(200)).len(), 2);
    let (id, _) = create(&mut rfc, RECOVERY);
    rfc.send(Method::Delete, &format!("/OtpDevice/{id}"), "");
    renew(&mut rfc, id, "").refused(404, None);
}

#[test]
fn kind_is_off_for_soffid_and_on_for_other_clients() {
    let mut host = Host::default();
    let detail = host.post("/OtpDevice", RECOVERY).bad("invalidValue");
    assert_eq!(detail, "type: RECOVERY is switched off here; otp.kinds in the configuration switches it on");
    // Devices that exist go on working.
    let id = host.create_all()[5];
    let codes = codes(&renew(&mut host, id, "").ok(200));
    assert_eq!(left(&host.answer(id, &codes[0])), 9);
    assert_eq!(create(&mut Host::rfc(), RECOVERY).1.len(), 10);
}

#[test]
fn schema_describes_the_attributes_where_the_kind_is_on() {
    let shown = |host: &mut Host| {
        let schema = host.get(&format!("/Schemas/{SCHEMA}")).ok(200);
        let all = schema["attributes"].as_array().unwrap().clone();
        let is_shown = |attribute: &Value| attribute["name"].as_str().unwrap().starts_with("recovery");
        all.into_iter().filter(is_shown).collect::<Vec<_>>()
    };
    assert!(shown(&mut Host::default()).is_empty());
    let attributes = shown(&mut Host::rfc());
    let members = ["name", "type", "multiValued", "mutability", "returned", "required"];
    let values: Vec<_> = attributes.iter().map(|attribute| members.map(|member| attribute[member].clone())).collect();
    let expected = [
        json!(["recoveryCodeCount", "integer", false, "writeOnly", "never", false]),
        json!(["recoveryCodes", "string", true, "readOnly", "default", false]),
        json!(["recoveryCodesLeft", "integer", false, "readOnly", "default", false]),
    ];
    assert_eq!(json!(values), json!(expected));
}

#[test]
fn selected_attributes_are_shown_and_no_filter_searches_them() {
    let [mut host, _] = hosts();
    let keys = |body: &Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let body = host.post("/OtpDevice?attributes=recoveryCodes", RECOVERY).ok(201);
    assert_eq!(keys(&body), ["id", "recoveryCodes", "schemas"]);
    let body = host.post("/OtpDevice?excludedAttributes=recoveryCodes", RECOVERY).ok(201);
    assert!(!keys(&body).contains(&"recoveryCodes".to_owned()));
    let body = host.get("/OtpDevice/1?attributes=recoveryCodesLeft,recoveryCodes").ok(200);
    assert_eq!(keys(&body), ["id", "recoveryCodesLeft", "schemas"]);
    for filter in ["recoveryCodes+pr", "recoveryCodesLeft+lt+3", "recoveryCodeCount+eq+10"] {
        host.get(&format!("/OtpDevice?filter={filter}")).bad("invalidFilter");
    }
    host.get("/OtpDevice?sortBy=recoveryCodesLeft").bad("invalidValue");
    assert_eq!(host.get("/OtpDevice?filter=type+eq+%22RECOVERY%22").ok(200)["totalResults"], 2);
}
