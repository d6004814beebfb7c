//! The claims of security event tokens, field by field, and the events of RFC 9967.

mod common;

use common::{EMAIL, HOTP, Host, NOW, PIN, RECOVERY, SMS, TOTP, WRONG};
use keyfob::Kind;
use keyfob_scim::set::{self, Recipient, Subject};
use keyfob_scim::{Method, Settings, Signal, SignalProfile, SignalSettings};
use serde_json::{Value, json};

const CAEP: SignalProfile = SignalProfile::Caep;
const SOFFID: SignalProfile = SignalProfile::Soffid;
const CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
const COMPROMISE: &str = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise";
const ISSUER: &str = "https://otp.example.com";

fn host(profile: SignalProfile, has_credential_events: bool, has_scim_events: bool) -> Host {
    let signals = Some(SignalSettings { profile, has_credential_events, has_scim_events });
    Host::new(Settings { kinds: Kind::ALL.to_vec(), signals, ..Settings::default() })
}

/// The claims of the signals since the last question, of tokens whose ids count from 1.
fn claims(host: &mut Host, profile: SignalProfile) -> Vec<Value> {
    let signals = std::mem::take(&mut host.store.memory.signals);
    let subject = |signal: &Signal| format!("{}@example.com", signal.user);
    let claims = |(number, signal): (usize, &Signal)| {
        let recipient =
            Recipient { issuer: ISSUER, audience: "https://rp.example.com", profile, subject: Subject::Email(&subject(signal)) };
        // A signal goes through the store as text.
        let signal = Signal::from_json(&signal.to_json()).unwrap();
        Value::Object(set::claims(&signal, &format!("{number:032x}"), &recipient))
    };
    (1..).zip(&signals).map(claims).collect()
}

/// Locks the device, whose challenge it asks for first.
fn lock(host: &mut Host, id: i64) {
    host.challenge(id).ok(200);
    host.lock(id);
}

#[test]
fn caep_has_the_subject_beside_the_event_and_seconds() {
    let mut host = host(CAEP, true, false);
    let id = host.create(EMAIL);
    host.now += 5;
    let right = host.right(id);
    host.answer(id, &right).verdict(true);
    lock(&mut host, id);
    let subject = json!({"format": "email", "email": "dilbert@example.com"});
    let token = |number: u32, event: Value| {
        json!({
            "iss": ISSUER, "aud": "https://rp.example.com", "iat": NOW + 5, "jti": format!("{number:032x}"),
            "sub_id": subject, "events": event,
        })
    };
    let created = json!({CHANGE: {
        "change_type": "create", "credential_type": "email", "friendly_name": "Email message to di*****@ex*****.co*",
        "event_timestamp": NOW + 5, "initiating_entity": "user", "reason_admin": {"en": "first right answer"},
    }});
    let locked = json!({COMPROMISE: {
        "credential_type": "email", "event_timestamp": NOW + 5, "initiating_entity": "user",
        "reason_admin": {"en": "locked after 10 wrong answers in a row"},
    }});
    assert_eq!(claims(&mut host, CAEP), [token(1, created), token(2, locked)]);
}

#[test]
fn soffid_has_the_subject_in_the_event_and_milliseconds() {
    let mut host = host(SOFFID, true, false);
    let id = host.create(&EMAIL.replace('{', r#"{"status": "V", "#));
    lock(&mut host, id);
    let subject = json!({"format": "email", "email": "dilbert@example.com"});
    let token = |number: u32, event: Value| {
        let jti = format!("{number:032x}");
        json!({"iss": ISSUER, "aud": "https://rp.example.com", "iat": NOW, "jti": jti, "events": event})
    };
    let created = json!({CHANGE: {
        "subject": subject, "change_type": "create", "credential_type": "verifiable-credential",
        "friendly_name": "Email message to di*****@ex*****.co*", "event_timestamp": NOW * 1000,
    }});
    let locked = json!({COMPROMISE: {
        "subject": subject, "credential_type": "verifiable-credential", "event_timestamp": NOW * 1000,
    }});
    assert_eq!(claims(&mut host, SOFFID), [token(1, created), token(2, locked)]);
}

#[test]
fn each_kind_has_its_credential_type_and_each_change_its_reason() {
    let named = [
        (TOTP, "app", "app"),
        (HOTP, "app", "app"),
        (SMS, "phone-sms", "phone-sms"),
        (EMAIL, "verifiable-credential", "email"),
        (PIN, "pin", "pin"),
        (RECOVERY, "recovery-code", "recovery-code"),
    ];
    for (profile, at) in [(SOFFID, 0), (CAEP, 1)] {
        for (body, soffid, caep) in named {
            let mut host = host(profile, true, false);
            let id = host.create(&body.replace('{', r#"{"status": "V", "#));
            lock(&mut host, id);
            let types: Vec<_> = [CHANGE, COMPROMISE].into_iter().zip(claims(&mut host, profile)).collect();
            assert_eq!(types.len(), 2);
            for (event_type, token) in types {
                assert_eq!(token["events"][event_type]["credential_type"], [soffid, caep][at], "{body}");
            }
        }
    }
    let mut host = host(CAEP, true, false);
    let id = host.create(PIN);
    let mut reason = |status: &str| {
        host.replace(id, "status", status).ok(200);
        let event = claims(&mut host, CAEP).remove(0)["events"][CHANGE].clone();
        format!("{} {}", event["change_type"].as_str().unwrap(), event["reason_admin"]["en"].as_str().unwrap())
    };
    assert_eq!(reason("V"), "create validated by an administrator");
    assert_eq!(reason("L"), "revoke locked by an administrator");
    assert_eq!(reason("V"), "update unlocked");
    assert_eq!(reason("C"), "update to be validated once more");
    assert_eq!(reason("D"), "revoke disabled");
    assert_eq!(reason("V"), "update enabled");
}

#[test]
fn subject_has_each_form_of_rfc_9493() {
    let signal = Signal::verification(Some("VGhpcyBpcyBhbiBleGFtcGxl".to_owned()), "tester".to_owned(), NOW);
    for (subject, wanted) in [
        (Subject::IssSub { issuer: "https://idp", subject: "7" }, json!({"format": "iss_sub", "iss": "https://idp", "sub": "7"})),
        (Subject::Email("a@b.c"), json!({"format": "email", "email": "a@b.c"})),
        (Subject::Opaque("7"), json!({"format": "opaque", "id": "7"})),
        (Subject::Account("acct:a@b.c"), json!({"format": "account", "uri": "acct:a@b.c"})),
        (Subject::Uri("tag:b.c,2026:a"), json!({"format": "uri", "uri": "tag:b.c,2026:a"})),
    ] {
        for profile in [SOFFID, CAEP] {
            let recipient = Recipient { issuer: ISSUER, audience: "rp", profile, subject };
            let event = json!({"state": "VGhpcyBpcyBhbiBleGFtcGxl"});
            let verification = json!({
                "iss": ISSUER, "aud": "rp", "iat": NOW, "jti": "1", "sub_id": wanted,
                "events": {"https://schemas.openid.net/secevent/ssf/event-type/verification": event},
            });
            assert_eq!(Value::Object(set::claims(&signal, "1", &recipient)), verification);
        }
    }
}

#[test]
fn scim_events_name_the_device_and_what_is_changed_without_values() {
    let mut host = host(CAEP, false, true);
    let id = host.create(&SMS.replace('{', r#"{"externalId": "x7", "#));
    host.replace(id, "phone", "911222333").ok(200);
    host.send(Method::Put, &format!("/OtpDevice/{id}"), r#"{"status": "V"}"#).ok(200);
    // Answers and repeated values are no change by SCIM.
    host.replace(id, "status", "V").ok(200);
    lock(&mut host, id);
    host.replace(id, "status", "C").ok(200);
    assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").0.status, 204);
    let tokens = claims(&mut host, CAEP);
    let first = json!({
        "iss": ISSUER, "aud": "https://rp.example.com", "iat": NOW, "jti": "00000000000000000000000000000001",
        "txn": format!("{id}.0.{NOW}"),
        "sub_id": {"format": "scim", "uri": format!("/OtpDevice/{id}"), "externalId": "x7"},
        "events": {"urn:ietf:params:scim:event:prov:create:notice": {
            "attributes": ["id", "externalId", "name", "type", "user", "status", "phone"],
        }},
    });
    assert_eq!(tokens[0], first);
    let events: Vec<_> = tokens.iter().map(|token| token["events"].clone()).collect();
    let notice = |operation: &str, attributes: &[&str]| json!({format!("urn:ietf:params:scim:event:prov:{operation}:notice"): {"attributes": attributes}});
    let wanted = [
        notice("patch", &["name", "phone"]),
        // What a PUT leaves out goes, if it may.
        notice("put", &["externalId", "status"]),
        notice("patch", &["status", "fails"]),
        json!({"urn:ietf:params:scim:event:prov:delete": {}}),
    ];
    assert_eq!(events[1..], wanted);
    assert_eq!(tokens[4]["sub_id"], json!({"format": "scim", "uri": format!("/OtpDevice/{id}")}));
    let transactions: std::collections::BTreeSet<_> = tokens.iter().map(|token| token["txn"].to_string()).collect();
    assert_eq!(transactions.len(), tokens.len());
}

#[test]
fn scim_event_names_each_attribute_that_clients_set() {
    let mut host = host(SOFFID, false, true);
    let changed = |host: &mut Host| {
        let token = claims(host, SOFFID).remove(0);
        let (_, event) = token["events"].as_object().unwrap().iter().next().unwrap();
        event["attributes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    let token =
        host.create(r#"{"type": "HOTP", "name": "FTK7", "notBefore": "2020-01-01 00:00:00", "notAfter": "2040-01-01 00:00:00"}"#);
    assert_eq!(changed(&mut host), "id name type status notBefore notAfter");
    let pin = host.create(PIN);
    assert_eq!(changed(&mut host), "id name type user status pin");
    host.replace(pin, "pin", "987654321").ok(200);
    assert_eq!(changed(&mut host), "pin");
    host.replace(token, "notBefore", "2021-01-01 00:00:00").ok(200);
    assert_eq!(changed(&mut host), "notBefore");
    host.replace(token, "notAfter", "2041-01-01 00:00:00").ok(200);
    assert_eq!(changed(&mut host), "notAfter");
    host.replace(token, "user", "alice").ok(200);
    assert_eq!(changed(&mut host), "user");
    let mail = host.create(EMAIL);
    assert_eq!(changed(&mut host), "id name type user status email");
    host.replace(mail, "email", "other@example.com").ok(200);
    assert_eq!(changed(&mut host), "name email");
}

#[test]
fn credential_and_resource_are_told_of_one_change() {
    let mut host = host(CAEP, true, true);
    let id = host.create(PIN);
    host.replace(id, "status", "D").ok(200);
    host.answer(id, WRONG);
    let types: Vec<_> =
        claims(&mut host, CAEP).iter().map(|token| token["events"].as_object().unwrap().keys().next().unwrap().clone()).collect();
    let [create, patch] = ["create", "patch"].map(|name| format!("urn:ietf:params:scim:event:prov:{name}:notice"));
    assert_eq!(types, [create.as_str(), CHANGE, patch.as_str()]);
}

/// Outboxes are read by later versions.
#[test]
fn stored_signals_go_on_being_read() {
    let texts = [
        r#"{"v":1,"kind":"credential-change","change_type":"revoke","at":1700000000,"device_id":7,"device_kind":"SMS","device_name":"SMS message to 66******22","version":3,"user":"dilbert","external_id":"x7","actor":"admin","initiator":"admin","reason":"disabled"}"#,
        r#"{"v":1,"kind":"credential-compromise","at":1700000000,"device_id":7,"device_kind":"TOTP","device_name":"TOTP00000001","version":12,"user":"franck","actor":"admin","initiator":"user"}"#,
        r#"{"v":1,"kind":"scim","operation":"patch","attributes":["status"],"at":1700000000,"device_id":7,"device_kind":"PIN","device_name":"Security PIN","version":1,"user":"franck","actor":"admin","initiator":"admin"}"#,
        r#"{"v":1,"kind":"scim","operation":"delete","at":1700000000,"device_id":7,"device_kind":"RECOVERY","device_name":"Recovery codes","version":1,"user":"","actor":"admin","initiator":"admin"}"#,
        r#"{"v":1,"kind":"verification","state":"abc","at":1700000000,"device_id":0,"device_name":"","version":0,"user":"","actor":"rp","initiator":"admin"}"#,
    ];
    for text in texts {
        assert_eq!(Signal::from_json(text).unwrap().to_json(), text);
        // A later version may add members.
        let longer = text.replacen('{', r#"{"later":[1],"#, 1);
        assert_eq!(Signal::from_json(&longer), Signal::from_json(text));
    }
    let wrong = |from: &str, to: &str| Signal::from_json(&texts[0].replace(from, to)).unwrap_err();
    assert!(wrong(r#""v":1"#, r#""v":2"#).contains("format 2"));
    assert!(wrong(r#""change_type":"revoke","#, "").contains("change_type"));
    assert!(wrong("SMS\"", "smoke\"").contains("unknown kind"));
    assert!(wrong(r#""at":1700000000,"#, "").contains("at"));
    assert!(wrong("\"v\"", "v").contains("cannot be read"));
    assert!(Signal::from_json(&texts[2].replace(r#""operation":"patch","#, "")).unwrap_err().contains("operation"));
}
