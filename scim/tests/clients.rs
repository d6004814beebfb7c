//! The variants of the RFC's forms that real clients write, and devices that they send back as they
//! have read them.

mod common;

use common::{EMAIL, Host, PIN, SMS, TOTP};
use keyfob_scim::{Method, SCHEMA};
use serde_json::{Value, json};

/// A PATCH of one operation.
fn patch(operation: &Value) -> String {
    json!({"Operations": [operation]}).to_string()
}

/// A device of each profile that has every attribute: it was used, has failed since, and has an
/// external id.
fn used(mut host: Host) -> (Host, i64) {
    let id = host.create(&SMS.replace("\"user\"", "\"externalId\": \"mine\", \"user\""));
    host.now += 100;
    let right = host.right(id);
    host.answer(id, &right).verdict(true);
    host.now += 100;
    host.answer(id, common::WRONG).verdict(false);
    (host, id)
}

#[test]
fn list_of_exactly_one_is_the_value_in_it() {
    for operation in [
        json!({"op": "add", "value": [{"externalId": "e"}]}),
        json!({"op": "replace", "path": "externalId", "value": ["e"]}),
        json!({"op": ["replace"], "path": ["externalId"], "value": "e"}),
        json!({"op": "replace", "value": {"externalId": ["e"]}}),
        json!({"op": "add", "path": SCHEMA, "value": [{"externalId": ["e"]}]}),
    ] {
        let mut host = Host::default();
        let id = host.create(TOTP);
        assert_eq!(host.patch(id, &patch(&operation)).ok(200)["externalId"], "e", "{operation}");
        assert_eq!(host.entry(id).row.external_id.as_deref(), Some("e"));
    }
    let mut host = Host::default();
    let id = host.create(r#"{"type": ["SMS"], "user": ["a"], "phone": ["666555444"], "status": ["V"]}"#);
    let url = format!("/OtpDevice/{id}");
    assert_eq!(host.send(Method::Put, &url, r#"{"status": ["L"], "phone": ["911222333"]}"#).ok(200)["status"], "L");
    assert_eq!(host.entry(id).row.phone.as_deref(), Some("911222333"));
    assert_eq!(host.patch(id, r#"{"Operations": {"op": "replace", "path": "status", "value": "D"}}"#).ok(200)["status"], "D");
    // A list of several has no only value, nor has an empty one.
    for value in [json!(["V", "V"]), json!([]), json!([["V"]]), json!([{"externalId": "e"}, {"externalId": "f"}])] {
        host.patch(id, &patch(&json!({"op": "replace", "path": "status", "value": value}))).bad("invalidValue");
        host.patch(id, &patch(&json!({"op": "replace", "value": value}))).bad("invalidSyntax");
    }
    let id = host.create(TOTP);
    let right = host.right(id);
    host.post(&format!("/OtpDevice/{id}/responseChallenge"), &format!(r#"{{"pin": ["{right}"]}}"#)).verdict(true);
}

#[test]
fn number_is_read_as_its_digits() {
    let mut host = Host::default();
    let id = host.create(r#"{"type": "TOTP", "user": 4711, "externalId": 7.0}"#);
    assert_eq!((host.entry(id).row.user.as_str(), host.entry(id).row.external_id.as_deref()), ("4711", Some("7")));
    host.patch(id, &patch(&json!({"op": "replace", "path": "externalId", "value": 8}))).ok(200);
    assert_eq!(host.entry(id).row.external_id.as_deref(), Some("8"));
    // Text stays as it is.
    host.replace(id, "externalId", "007").ok(200);
    assert_eq!(host.entry(id).row.external_id.as_deref(), Some("007"));
    let id = host.create(r#"{"type": "SMS", "user": "a", "phone": 34666555444}"#);
    assert_eq!(host.entry(id).row.phone.as_deref(), Some("34666555444"));
    host.patch(id, &patch(&json!({"op": "replace", "path": "phone", "value": 34_666_555_000.0}))).ok(200);
    assert_eq!(host.entry(id).row.phone.as_deref(), Some("34666555000"));
    for (kind, attribute) in [("SMS", "phone"), ("PIN", "pin")] {
        for number in ["-123456789", "12345678.5", "123456789012345678901", "true"] {
            let detail = host.post("/OtpDevice", &format!(r#"{{"type": "{kind}", "user": "a", "{attribute}": {number}}}"#));
            assert_eq!(detail.bad("invalidValue"), format!("{attribute}: must be text, in quotes"));
        }
    }
}

/// A code as a number has lost its leading zeros.
#[test]
fn code_may_be_a_number() {
    let mut host = Host::default();
    let sms = host.create(SMS);
    let mut short = 0;
    for _ in 0..100 {
        let right = host.right(sms);
        short += usize::from(right.starts_with('0'));
        let number: u64 = right.parse().unwrap();
        host.post(&format!("/OtpDevice/{sms}/responseChallenge"), &format!(r#"{{"pin": {number}}}"#)).verdict(true);
        host.now += 100;
    }
    assert!(short > 0, "of a hundred codes ten begin with 0");
    for _ in 0..20 {
        let pin = host.create(r#"{"type": "PIN", "user": "a", "pin": 10305070}"#);
        let number: u64 = host.right(pin).parse().unwrap();
        host.post(&format!("/OtpDevice/{pin}/responseChallenge"), &format!(r#"{{"pin": {number}}}"#)).verdict(true);
    }
    let right = host.right(sms);
    // Text stays as it is, and a longer number is another code.
    for wrong in [format!("\"{}\"", right.trim_start_matches('0').get(1..).unwrap()), format!("1{right}"), "0".to_owned()] {
        host.post(&format!("/OtpDevice/{sms}/responseChallenge"), &format!(r#"{{"pin": {wrong}}}"#)).verdict(false);
    }
    for refused in ["-1", "1.5", "null", "true", "{}"] {
        host.post(&format!("/OtpDevice/{sms}/responseChallenge"), &format!(r#"{{"pin": {refused}}}"#)).bad("invalidValue");
    }
    assert_eq!(host.entry(sms).device.fails(), 3, "what is no answer is no fail");
}

#[test]
fn patch_in_the_forms_of_real_clients_is_accepted() {
    let status = format!("{SCHEMA}:status");
    for operation in [
        json!({"op": "replace", "value": {SCHEMA: {"status": "V"}}}),
        json!({"op": "replace", "value": {SCHEMA.to_uppercase(): {"STATUS": "V"}}}),
        json!({"op": "replace", "value": {&status: "V"}}),
        json!({"op": "replace", "path": status, "value": "V"}),
        json!({"op": "replace", "path": "", "value": {"status": "V"}}),
        json!({"op": "replace", "path": null, "value": {"status": "V"}}),
        json!({"name": "changeStatus", "op": "replace", "path": "status", "value": "V"}),
        json!({"op": "replace", "value": {"status": "V", SCHEMA: {"externalId": "e"}}}),
    ] {
        let mut host = Host::default();
        let id = host.create(TOTP);
        assert_eq!(host.patch(id, &patch(&operation)).ok(200)["status"], "V", "{operation}");
        let is_named = operation["value"].get("status").is_some() && operation["value"].get(SCHEMA).is_some();
        assert_eq!(host.entry(id).row.external_id.is_some(), is_named);
    }
    let mut host = Host::default();
    let id = host.create(&json!({"schemas": [SCHEMA], SCHEMA: {"type": "TOTP", "user": "a"}}).to_string());
    host.send(Method::Put, &format!("/OtpDevice/{id}"), &json!({SCHEMA: {"status": "V"}}).to_string()).ok(200);
    let before = host.entry(id);
    for (value, scim_type) in [
        (json!({SCHEMA: {"status": "L"}, "status": "L"}), "invalidSyntax"),
        (json!({SCHEMA: {"colour": "red"}}), "invalidPath"),
        (json!({SCHEMA: {SCHEMA: {"status": "L"}}}), "invalidPath"),
        (json!({SCHEMA: "L"}), "invalidPath"),
        (json!({"urn:ietf:params:scim:schemas:core:2.0:User": {"status": "L"}}), "invalidPath"),
    ] {
        host.patch(id, &patch(&json!({"op": "replace", "value": value}))).bad(scim_type);
        assert_eq!(host.entry(id), before, "{value}");
    }
}

#[test]
fn patch_without_operations_is_refused_by_name() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    for body in ["{}", r#"{"Operations": []}"#, r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}"#] {
        let detail = host.patch(id, body).bad("invalidSyntax");
        assert_eq!(detail, "Operations: is missing or empty; a PATCH needs one or more");
    }
    assert_eq!(host.store.memory.events.len(), 1);
}

#[test]
fn device_repeated_as_it_was_read_changes_nothing() {
    for host in [Host::default(), Host::rfc()] {
        let (mut host, id) = used(host);
        let shown = host.get(&format!("/OtpDevice/{id}")).ok(200);
        let before = host.entry(id);
        // The whole device and each attribute alone, with and without another change.
        host.patch(id, &patch(&json!({"op": "replace", "value": shown}))).ok(200);
        for (name, value) in shown.as_object().unwrap() {
            host.patch(id, &patch(&json!({"op": "replace", "path": name, "value": value}))).ok(200);
            host.patch(id, &patch(&json!({"op": "add", "value": {name: value}}))).ok(200);
        }
        for (name, value) in shown["meta"].as_object().unwrap() {
            host.patch(id, &patch(&json!({"op": "replace", "path": format!("meta.{name}"), "value": value}))).ok(200);
        }
        assert_eq!(host.entry(id), before);
        let mut changed = shown.clone();
        changed["status"] = "L".into();
        assert_eq!(host.patch(id, &patch(&json!({"op": "replace", "value": changed}))).ok(200)["status"], "L");
    }
}

#[test]
fn read_only_attribute_is_repeated_in_the_form_of_either_profile() {
    for host in [Host::default(), Host::rfc()] {
        let (mut host, id) = used(host);
        let (used_at, failed_at) = (host.now - 100, host.now);
        let before = host.entry(id);
        let date = |seconds: u64, iso: bool| {
            if iso { keyfob_scim::date::format_iso(seconds) } else { keyfob_scim::date::format_soffid(seconds) }
        };
        let path = format!("/elsewhere/OtpDevice/{id}");
        for value in [
            json!({"id": id}),
            json!({"id": id.to_string()}),
            json!({"ID": [id.to_string()]}),
            json!({"fails": 1}),
            json!({"fails": "1"}),
            json!({"lastUsed": date(used_at, true)}),
            json!({"lastUsed": date(used_at, false)}),
            json!({"created": "2023-11-14T23:13:20+01:00"}),
            json!({"name": "SMS message to 66******22"}),
            json!({"type": "SMS", "user": "dilbert", "phone": "6665552222", "externalId": "mine"}),
            json!({"schemas": [SCHEMA]}),
            json!({"schemas": SCHEMA.to_lowercase()}),
            json!({"meta": {}}),
            json!({"meta": {"resourceType": "OtpDevice", "location": path}}),
            json!({"meta": {"lastModified": date(failed_at, true), "Created": "2023-11-14 22:13:20"}}),
            json!({"meta.links": {"requestChallenge": format!("{path}/requestChallenge")}}),
            // Attributes that it does not have.
            json!({"email": null, "pin": null, "image": null}),
        ] {
            host.patch(id, &patch(&json!({"op": "replace", "value": value}))).ok(200);
            assert_eq!(host.entry(id), before, "{value}");
        }
        for (name, value) in [
            ("id", json!(id + 1)),
            ("id", json!(format!("0{id}x"))),
            ("id", json!(null)),
            ("fails", json!(0)),
            ("lastUsed", json!(date(used_at + 1, true))),
            ("lastUsed", json!(null)),
            ("created", json!("2023-11-14T22:13:20.5Z")),
            ("created", json!("yesterday")),
            ("name", json!("sms message to 66******22")),
            ("type", json!("EMAIL")),
            ("user", json!("Dilbert")),
            ("schemas", json!([])),
            ("schemas", json!([SCHEMA, "urn:other"])),
            ("meta", json!({"resourceType": "User"})),
            ("meta", json!({"version": "W/\"1\""})),
            ("meta", json!("x")),
            ("meta.location", json!(format!("/OtpDevice/{id}0"))),
            ("meta.lastModified", json!(date(failed_at - 1, true))),
            ("meta.links", json!({"resync": format!("{path}/resync")})),
            ("image", json!("x")),
            ("phone", json!(null)),
        ] {
            let detail = host.patch(id, &patch(&json!({"op": "replace", "path": name, "value": value}))).bad("mutability");
            assert!(detail.starts_with(&format!("{name}: ")), "{detail}");
            host.patch(id, &patch(&json!({"op": "add", "value": {"status": "V", name: value}}))).bad("mutability");
            assert_eq!(host.entry(id), before, "{name} {value}");
        }
    }
}

#[test]
fn put_ignores_read_only_attributes_and_accepts_what_was_read() {
    for host in [Host::default(), Host::rfc()] {
        let (mut host, id) = used(host);
        let url = format!("/OtpDevice/{id}");
        let mut shown = host.get(&url).ok(200);
        let before = host.entry(id);
        assert_eq!(host.send(Method::Put, &url, &shown.to_string()).ok(200), shown);
        // RFC 7644 section 3.5.1: with any value.
        for (name, value) in [("id", json!(7)), ("fails", json!(9)), ("meta", json!({"version": "x"})), ("created", json!("x"))] {
            shown[name] = value;
        }
        host.send(Method::Put, &url, &shown.to_string()).ok(200);
        assert_eq!(host.entry(id), before);
    }
}

#[test]
fn missing_attribute_is_removed_without_a_change() {
    let mut host = Host::default();
    for (body, others) in [(TOTP, ["email", "phone"]), (EMAIL, ["phone", "pin"]), (PIN, ["email", "phone"])] {
        let id = host.create(body);
        let before = host.entry(id);
        for name in others.into_iter().chain(["externalId", "lastUsed"]) {
            host.patch(id, &patch(&json!({"op": "remove", "path": name}))).ok(200);
        }
        assert_eq!(host.entry(id), before);
        host.patch(id, &patch(&json!({"op": "remove", "path": "created"}))).bad("mutability");
    }
}
