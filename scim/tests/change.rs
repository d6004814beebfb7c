//! PATCH and PUT of a device.

mod common;

use common::{EMAIL, Host, PIN, SMS, TOTP};
use keyfob::{GuessChance, Lock, Policy};
use keyfob_scim::{EventKind, Method, Roles, Settings};
use serde_json::json;

#[test]
fn patch_is_read_in_the_forms_that_clients_send() {
    for body in [
        r#"{"Operations": [{"op": "replace", "path": "status", "value": "V"}]}"#,
        r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace", "path": "status", "value": "V"}]}"#,
        r#"{"operations": [{"OP": "Replace", "Path": "STATUS", "VALUE": "V"}]}"#,
        r#"{"Operations": [{"op": "ADD", "path": "status", "value": "V"}]}"#,
        r#"{"Operations": [{"op": "replace", "path": "urn:soffid:com.soffid.iam.addons.otp.common.OtpDevice:status", "value": "V"}]}"#,
        r#"{"Operations": [{"op": "replace", "value": {"status": "V"}}]}"#,
        r#"{"Operations": [{"op": "add", "path": null, "value": {"Status": "V"}}]}"#,
        r#"{"Operations": [{"op": "add", "path": "urn:soffid:com.soffid.iam.addons.otp.common.OtpDevice", "value": {"status": "V"}}]}"#,
        // In the order of the operations.
        r#"{"Operations": [{"op": "replace", "path": "status", "value": "L"}, {"op": "replace", "path": "status", "value": "V"}]}"#,
    ] {
        let mut host = Host::default();
        let id = host.create(TOTP);
        assert_eq!(host.patch(id, body).ok(200)["status"], "V", "{body}");
        assert_eq!(host.get(&format!("/OtpDevice/{id}")).ok(200)["status"], "V", "{body}");
        let event = host.store.memory.events.last().unwrap();
        assert_eq!((event.kind, event.reason.as_str()), (EventKind::Update, "V"));
    }
}

#[test]
fn patch_with_one_error_changes_nothing() {
    let good = r#"{"op": "replace", "path": "status", "value": "V"}"#;
    let mut host = Host::default();
    let [totp, _, sms, ..] = host.create_all();
    for (operation, scim_type) in [
        (r#"{"op": "move", "path": "status", "value": "V"}"#, "invalidSyntax"),
        (r#"{"path": "status", "value": "V"}"#, "invalidSyntax"),
        (r#"{"op": 5, "path": "status", "value": "V"}"#, "invalidValue"),
        (r#"{"op": "replace", "path": "status"}"#, "invalidSyntax"),
        (r#"{"op": "replace"}"#, "invalidSyntax"),
        (r#"{"op": "replace", "value": "V"}"#, "invalidSyntax"),
        (r#"{"op": "replace", "path": "status", "value": "V", "from": "x"}"#, "invalidSyntax"),
        (r#"{"op": "replace", "path": "status", "value": "V", "VALUE": "L"}"#, "invalidSyntax"),
        (r#"{"op": "replace", "path": 5, "value": "V"}"#, "invalidValue"),
        (r#""replace""#, "invalidSyntax"),
        (r#"{"op": "replace", "path": "colour", "value": "red"}"#, "invalidPath"),
        (r#"{"op": "replace", "path": "", "value": "red"}"#, "invalidSyntax"),
        (r#"{"op": "remove", "path": "colour"}"#, "invalidPath"),
        (r#"{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@example.com"}"#, "invalidPath"),
        (r#"{"op": "replace", "value": {"colour": "red"}}"#, "invalidPath"),
        (r#"{"op": "remove"}"#, "noTarget"),
        (r#"{"op": "remove", "path": "status"}"#, "mutability"),
        (r#"{"op": "remove", "path": "user"}"#, "mutability"),
        (r#"{"op": "replace", "path": "id", "value": "5"}"#, "mutability"),
        (r#"{"op": "replace", "path": "name", "value": "mine"}"#, "mutability"),
        (r#"{"op": "replace", "path": "fails", "value": 7}"#, "mutability"),
        (r#"{"op": "replace", "path": "created", "value": "2021-10-14 06:57:00"}"#, "mutability"),
        (r#"{"op": "replace", "path": "meta.location", "value": "x"}"#, "mutability"),
        (r#"{"op": "replace", "path": "image", "value": "x"}"#, "mutability"),
        (r#"{"op": "replace", "path": "type", "value": "HOTP"}"#, "mutability"),
        (r#"{"op": "replace", "path": "user", "value": "other"}"#, "mutability"),
        (r#"{"op": "replace", "path": "type", "value": "FAX"}"#, "invalidValue"),
        (r#"{"op": "replace", "path": "status", "value": "X"}"#, "invalidValue"),
        (r#"{"op": "replace", "path": "status", "value": 5}"#, "invalidValue"),
        (r#"{"op": "replace", "path": "status", "value": ["V", "V"]}"#, "invalidValue"),
        (r#"{"op": "replace", "path": "email", "value": "a@example.com"}"#, "invalidValue"),
        (r#"{"op": "replace", "path": "pin", "value": "987654321"}"#, "invalidValue"),
        (r#"{"op": "replace", "path": "externalId", "value": ""}"#, "invalidValue"),
    ] {
        for id in [totp, sms] {
            let before = host.entry(id);
            let reply = host.patch(id, &format!(r#"{{"Operations": [{good}, {operation}]}}"#));
            // The type of one device is a change for the other.
            let detail = reply.bad(scim_type);
            assert!(!detail.contains("987654321"), "{detail}");
            assert_eq!(host.entry(id), before, "{operation}");
        }
    }
    // Attributes that the kind needs.
    let before = host.entry(sms);
    for operation in [
        r#"{"op": "remove", "path": "phone"}"#,
        r#"{"op": "replace", "path": "phone", "value": null}"#,
        r#"{"op": "replace", "value": {"phone": null}}"#,
    ] {
        host.patch(sms, &format!(r#"{{"Operations": [{good}, {operation}]}}"#)).bad("mutability");
        assert_eq!(host.entry(sms), before, "{operation}");
    }
    for body in [
        r"{}",
        r#"{"Operations": []}"#,
        r#"{"Operations": {}}"#,
        r#"{"Operations": null}"#,
        r#"{"Operations": [], "operations": []}"#,
        r#"{"status": "V"}"#,
    ] {
        host.patch(totp, body).bad("invalidSyntax");
    }
    for (operation, detail) in [
        (r#"{"op": "replace"}"#, "value: must be an object of attributes, since path is missing"),
        (r#"{"op": "replace", "path": "status"}"#, "value: is missing"),
        (r#"{"op": "move"}"#, "op: must be add, replace or remove"),
    ] {
        assert_eq!(host.patch(totp, &format!(r#"{{"Operations": [{operation}]}}"#)).bad("invalidSyntax"), detail);
    }
    let schemas = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "Operations": []}"#;
    host.patch(totp, schemas).bad("invalidSyntax");
    assert_eq!(host.store.memory.events.len(), 6);
}

#[test]
fn immutable_attribute_may_be_repeated() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let before = host.entry(id);
    host.patch(id, r#"{"Operations": [{"op": "replace", "value": {"type": "TOTP", "user": "franck", "status": "C"}}]}"#).ok(200);
    // Nothing changed, so only the audit trail was written.
    assert_eq!((host.entry(id), host.store.swaps), (before, 0));
    let event = host.store.memory.events.last().unwrap();
    assert_eq!((event.kind, event.success, event.reason.as_str()), (EventKind::Update, true, "C"));
}

#[test]
fn external_id_is_set_changed_and_removed() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    assert_eq!(host.replace(id, "externalId", "a").ok(200)["externalId"], "a");
    assert_eq!(host.replace(id, "externalId", "b").ok(200)["externalId"], "b");
    for body in [
        r#"{"Operations": [{"op": "Remove", "path": "externalId"}]}"#,
        r#"{"Operations": [{"op": "replace", "path": "externalId", "value": null}]}"#,
        r#"{"Operations": [{"op": "replace", "value": {"externalId": null}}]}"#,
    ] {
        host.replace(id, "externalId", "c").ok(200);
        assert!(host.patch(id, body).ok(200).get("externalId").is_none(), "{body}");
        assert_eq!(host.entry(id).row.external_id, None);
    }
}

#[test]
fn name_follows_a_new_address() {
    let mut host = Host::default();
    let [sms, email] = [SMS, EMAIL].map(|body| host.create(body));
    let changed = host.replace(sms, "phone", "+34 911222333").ok(200);
    assert_eq!((&changed["phone"], &changed["name"]), (&json!("+34 911222333"), &json!("SMS message to +3*********33")));
    let changed = host.replace(email, "email", "me@mail.example.org").ok(200);
    assert_eq!(
        (&changed["email"], &changed["name"]),
        (&json!("me@mail.example.org"), &json!("Email message to me@ma**.ex*****.or*"))
    );
    // The same once more is no change.
    let before = host.entry(sms);
    host.replace(sms, "phone", "+34 911222333").ok(200);
    assert_eq!(host.entry(sms), before);
}

#[test]
fn codes_sent_before_a_change_of_address_are_never_right_again() {
    for (body, attribute, value) in [(SMS, "phone", "911222333"), (EMAIL, "email", "other@example.com")] {
        let mut host = Host::default();
        let id = host.create(body);
        let old = host.right(id);
        host.replace(id, attribute, value).ok(200);
        host.answer(id, &old).verdict(false);
        // Nor after further challenges, to the new address or the old one.
        let sent = host.right(id);
        assert_ne!(sent, old);
        assert_eq!(host.store.memory.delivered.last().unwrap().1, value);
        host.answer(id, &old).verdict(false);
        let address = host.store.memory.delivered[0].1.clone();
        host.replace(id, attribute, &address).ok(200);
        for code in [&old, &sent] {
            host.answer(id, code).verdict(false);
            host.now += 61;
            host.challenge(id).ok(200);
            host.answer(id, code).verdict(false);
        }
        let right = host.right(id);
        host.answer(id, &right).verdict(true);
    }
}

#[test]
fn new_pin_ends_the_old_one_and_its_challenge() {
    let mut host = Host::default();
    let id = host.create(PIN);
    let old = host.right(id);
    let reply = host.replace(id, "pin", "99999999");
    assert!(!reply.0.text().contains("99999999") && reply.ok(200).get("pin").is_none());
    host.answer(id, &old).verdict(false);
    host.challenge(id).ok(200);
    host.answer(id, &old).verdict(false);
    host.answer(id, "999").verdict(true);
    for (pin, detail) in [("1234567", "PIN"), ("12345678x", "PIN"), ("", "PIN")] {
        let before = host.entry(id);
        assert!(host.replace(id, "pin", pin).bad("invalidValue").contains(detail));
        assert_eq!(host.entry(id), before);
    }
}

#[test]
fn fails_and_locks_stay_with_a_new_address_or_pin() {
    for (body, attribute, value) in [(SMS, "phone", "911222333"), (EMAIL, "email", "other@example.com"), (PIN, "pin", "987654321")]
    {
        let mut host = Host::default();
        let id = host.create(body);
        host.answer(id, common::WRONG).verdict(false);
        assert_eq!(host.replace(id, attribute, value).ok(200)["fails"], 1);
        let id = host.create(body);
        host.lock(id);
        let locked = host.replace(id, attribute, value).ok(200);
        assert_eq!((&locked["status"], &locked["fails"]), (&json!("L"), &json!(10)));
        host.challenge(id).refused(409, None);
        assert!(host.answer(id, common::WRONG).verdict(false));
    }
}

#[test]
fn fails_are_reset_by_unlocking_and_not_by_disabling() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    host.lock(id);
    assert_eq!(host.replace(id, "status", "V").ok(200)["fails"], 0);
    host.lock(id);
    assert_eq!(host.replace(id, "status", "D").ok(200)["fails"], 10);
    let code = host.entry(id).device.factor().clone();
    let keyfob::Factor::Totp(totp) = code else { panic!("a TOTP device") };
    let code = totp.generate(host.now).unwrap().as_str().to_owned();
    assert!(!host.answer(id, &code).verdict(false), "a disabled device is not locked");
    host.challenge(id).refused(409, None);
    assert_eq!(host.replace(id, "status", "C").ok(200)["fails"], 0);
    assert!(!host.answer(id, &code).verdict(true));
}

/// Both read `D`, so that clients cannot tell a deleted device from a disabled one: to enable
/// either takes the same role.
#[test]
fn deleted_device_that_is_enabled_leaves_an_event_that_says_so() {
    let put = |letter: &str| format!(r#"{{"status": "{letter}"}}"#);
    for (letter, is_put) in [("V", false), ("C", false), ("L", false), ("V", true), ("C", true)] {
        let mut host = Host::default();
        let id = host.create(TOTP);
        let url = format!("/OtpDevice/{id}");
        for is_deleted in [false, true] {
            host.roles = Roles::ALL;
            if is_deleted {
                assert_eq!(host.send(Method::Delete, &url, "").0.status, 204);
            } else {
                host.replace(id, "status", "D").ok(200);
            }
            // A change that leaves it deleted is an ordinary one.
            host.replace(id, "externalId", if is_deleted { "a" } else { "b" }).ok(200);
            host.replace(id, "status", "D").ok(200);
            assert_eq!(host.store.memory.events.last().unwrap().kind, EventKind::Update);
            host.roles = Roles::MANAGE;
            let reply = if is_put { host.send(Method::Put, &url, &put(letter)) } else { host.replace(id, "status", letter) };
            assert_eq!(reply.ok(200)["status"], letter);
            let event = host.store.memory.events.last().unwrap();
            let kind = if is_deleted { EventKind::Revive } else { EventKind::Update };
            assert_eq!((event.kind, event.reason.as_str(), event.actor.as_str()), (kind, letter, "tester"));
            assert!(!host.entry(id).row.deleted);
        }
    }
    // Clients of the RFC see no deleted device, and cannot enable one.
    let mut host = Host::rfc();
    let id = host.create(TOTP);
    assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").0.status, 204);
    let lines = host.store.memory.events.len();
    host.replace(id, "status", "V").refused(404, None);
    assert_eq!((host.entry(id).row.deleted, host.store.memory.events.len()), (true, lines));
}

/// A throttle, a lowered limit and a clock that was ahead leave the status open.
#[test]
fn closed_device_is_unlocked_by_a_patch_of_the_status_that_it_has() {
    let lock = |lock| {
        Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap()
    };
    let throttle = lock(Lock::Throttle { max_fails: 3, first_delay: 600, max_delay: 600 });
    for (policy, later) in
        [(throttle, throttle), (Policy::default(), lock(Lock::Hard { max_fails: 3 })), (Policy::default(), Policy::default())]
    {
        for right in [true, false] {
            let mut host = Host::new(Settings { policy, ..Settings::default() });
            let id = host.create(PIN);
            if right {
                let right = host.right(id);
                host.answer(id, &right).verdict(true);
                host.challenge(id).ok(200);
            }
            let is_ahead = later == Policy::default();
            host.now += if is_ahead { 3600 } else { 0 };
            for _ in 0..3 {
                host.answer(id, "no").verdict(false);
            }
            host.now -= if is_ahead { 3600 } else { 0 };
            let mut host = Host {
                store: std::mem::take(&mut host.store),
                now: host.now,
                ..Host::new(Settings { policy: later, ..Settings::default() })
            };
            let letter = if right { "V" } else { "C" };
            assert_eq!(host.get(&format!("/OtpDevice/{id}")).ok(200)["status"], letter);
            host.challenge(id).refused(if is_ahead { 503 } else { 409 }, None);
            // A client that repeats what it read does not ask for it.
            let before = host.entry(id);
            for read in ["C", "V"] {
                let body = format!(r#"{{"type": "PIN", "user": "dilbert", "status": "{read}"}}"#);
                let shown = host.send(Method::Put, &format!("/OtpDevice/{id}"), &body).ok(200);
                assert_eq!((&shown["status"], &shown["fails"]), (&json!(read), &json!(3)));
                host.challenge(id).refused(if is_ahead { 503 } else { 409 }, None);
                assert_eq!(host.entry(id) == before, read == letter);
                host.store.memory.put(before.clone());
            }
            host.roles = Roles::MANAGE.union(Roles::QUERY);
            host.replace(id, "status", letter).refused(403, None);
            assert_eq!(host.entry(id), before);
            // Disabling or locking the device does not reset it.
            for other in ["D", "L"] {
                host.roles = Roles::ALL;
                host.replace(id, "status", other).ok(200);
                assert_eq!(host.entry(id).device.fails(), 3);
                host.store.memory.put(before.clone());
            }
            // Nor does enabling it again.
            host.replace(id, "status", "D").ok(200);
            assert_eq!(host.replace(id, "status", letter).ok(200)["fails"], 3);
            host.store.memory.put(before.clone());
            host.roles = Roles::UNLOCK.union(Roles::QUERY);
            let shown = host.replace(id, "status", letter).ok(200);
            assert_eq!((&shown["status"], &shown["fails"]), (&json!(letter), &json!(0)));
            host.roles = Roles::ALL;
            let right = host.right(id);
            host.answer(id, &right).verdict(true);
        }
    }
}

#[test]
fn put_keeps_what_it_leaves_out_except_the_external_id() {
    let mut host = Host::default();
    let id = host.create(SMS);
    host.replace(id, "externalId", "a").ok(200);
    let url = format!("/OtpDevice/{id}");
    // What was read can be written back.
    let shown = host.get(&url).0.text().to_owned();
    let before = host.entry(id);
    assert_eq!(host.send(Method::Put, &url, &shown).0.text(), shown);
    assert_eq!(host.entry(id), before);

    let put = host.send(Method::Put, &url, r#"{"phone": "911222333", "status": "V", "fails": 7, "name": "mine"}"#).ok(200);
    assert_eq!((&put["phone"], &put["status"]), (&json!("911222333"), &json!("V")));
    assert_eq!((&put["user"], &put["fails"], put.get("externalId")), (&json!("dilbert"), &json!(0), None));
    for (body, scim_type) in [
        (r#"{"user": "other"}"#, "mutability"),
        (r#"{"type": "TOTP"}"#, "mutability"),
        (r#"{"email": "a@example.com"}"#, "invalidValue"),
        (r#"{"colour": "red"}"#, "invalidSyntax"),
        (r#"{"status": "V", "Status": "D"}"#, "invalidSyntax"),
        (r#"{"schemas": ["x"]}"#, "invalidSyntax"),
    ] {
        let before = host.entry(id);
        host.send(Method::Put, &url, body).bad(scim_type);
        assert_eq!(host.entry(id), before, "{body}");
    }
}

#[test]
fn response_to_a_change_has_the_selected_attributes() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let url = format!("/OtpDevice/{id}?attributes=status");
    let body = r#"{"Operations": [{"op": "replace", "path": "status", "value": "V"}]}"#;
    let keys = |reply: common::Reply| reply.ok(200).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(host.send(Method::Patch, &url, body)), ["id", "schemas", "status"]);
    assert_eq!(keys(host.send(Method::Put, &url, "{}")), ["id", "schemas", "status"]);
}
