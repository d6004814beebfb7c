//! `POST /OtpDevice`.

mod common;

use common::{BASE, EMAIL, HOTP, Host, PIN, SMS, TOTP};
use keyfob::{Kind, Status};
use keyfob_scim::{EventKind, Settings};
use serde_json::json;

#[test]
fn each_kind_is_created_with_what_it_needs_and_shows_no_secret() {
    let mut host = Host::default();
    for (body, kind, name) in [
        (TOTP, "TOTP", "TOTP00000001"),
        (HOTP, "HOTP", "HOTP00000002"),
        (SMS, "SMS", "SMS message to 66******22"),
        (EMAIL, "EMAIL", "Email message to di*****@ex*****.co*"),
        (PIN, "PIN", "Security PIN"),
        (TOTP, "TOTP", "TOTP00000003"),
    ] {
        let reply = host.post("/OtpDevice", body);
        let created = reply.ok(201);
        let id = created["id"].as_i64().unwrap();
        assert_eq!((&created["type"], &created["name"]), (&json!(kind), &json!(name)));
        assert_eq!((&created["status"], &created["fails"]), (&json!("C"), &json!(0)));
        assert_eq!(created["created"], "2023-11-14 22:13:20");
        assert_eq!(reply.header("location"), Some(format!("{BASE}/OtpDevice/{id}").as_str()));
        assert_eq!(created["meta"], json!({"location": format!("{BASE}/OtpDevice/{id}"), "resourceType": "OtpDevice"}));
        assert_eq!(created.get("image").is_some(), matches!(kind, "TOTP" | "HOTP"));
        assert!(created.get("pin").is_none() && created.get("lastUsed").is_none());

        let mut shown = host.get(&format!("/OtpDevice/{id}")).ok(200);
        let links = shown["meta"].as_object_mut().unwrap().remove("links").unwrap();
        assert_eq!(links["requestChallenge"], format!("{BASE}/OtpDevice/{id}/requestChallenge"));
        assert_eq!(links["responseChallenge"], format!("{BASE}/OtpDevice/{id}/responseChallenge"));
        let mut without_image = created.clone();
        without_image.as_object_mut().unwrap().remove("image");
        assert_eq!(shown, without_image);

        let event = host.store.memory.events.last().unwrap();
        assert_eq!((event.kind, event.device_id, event.success), (EventKind::Create, id, true));
        assert_eq!((event.actor.as_str(), event.reason.as_str(), event.at), ("tester", "C", host.now));
    }
}

#[test]
fn each_device_has_a_secret_of_its_own() {
    let mut host = Host::default();
    let [one, other] = [TOTP, TOTP].map(|body| host.create(body));
    assert_ne!(host.entry(one).device.factor(), host.entry(other).device.factor());
}

#[test]
fn missing_and_excess_attributes_are_named_and_nothing_is_created() {
    let mut host = Host::default();
    let long = format!(r#"{{"type": "TOTP", "user": "{}"}}"#, "x".repeat(256));
    let long_pin = format!(r#"{{"type": "PIN", "user": "a", "pin": "{}"}}"#, "7".repeat(65));
    for (body, scim_type, detail) in [
        (r#"{"type": "TOTP"}"#, "invalidValue", "user: is missing"),
        (r#"{"type": "TOTP", "user": null}"#, "invalidValue", "user: is missing"),
        (r#"{"type": "TOTP", "user": ""}"#, "invalidValue", "user: must be"),
        (r#"{"type": "TOTP", "user": "  "}"#, "invalidValue", "user: must be"),
        (r#"{"type": "TOTP", "user": "a\u0000b"}"#, "invalidValue", "user: must be"),
        (r#"{"type": "TOTP", "user": "a\r\nb"}"#, "invalidValue", "user: must be"),
        (r#"{"type": "TOTP", "user": 7.5}"#, "invalidValue", "user: must be text"),
        (r#"{"type": "TOTP", "user": ["a", "b"]}"#, "invalidValue", "user: must be text"),
        (long.as_str(), "invalidValue", "user: must be"),
        (r#"{"user": "a"}"#, "invalidValue", "type: is missing"),
        (r#"{"type": "FAX", "user": "a"}"#, "invalidValue", "type: must be TOTP"),
        (r#"{"type": "totp", "user": "a"}"#, "invalidValue", "type: must be TOTP"),
        (r#"{"type": ["TOTP", "HOTP"], "user": "a"}"#, "invalidValue", "type: must be text"),
        (r#"{"type": "SMS", "user": "a"}"#, "invalidValue", "phone: is missing"),
        (r#"{"type": "SMS", "user": "a", "phone": null}"#, "invalidValue", "phone: is missing"),
        (r#"{"type": "SMS", "user": "a", "email": "a@example.com"}"#, "invalidValue", "phone: is missing; SMS needs it"),
        (r#"{"type": "TOTP", "user": "a", "email": "a@example.com"}"#, "invalidValue", "email: is for EMAIL only"),
        (r#"{"type": "EMAIL", "user": "a"}"#, "invalidValue", "email: is missing"),
        (r#"{"type": "PIN", "user": "a"}"#, "invalidValue", "pin: is missing"),
        (r#"{"type": "PIN", "user": "a", "email": "123456789"}"#, "invalidValue", "pin: is missing; PIN needs it"),
        (r#"{"type": "EMAIL", "user": "a", "email": "123456789"}"#, "invalidValue", "email: must be an e-mail address"),
        (r#"{"type": "SMS", "user": "a", "phone": -666555444}"#, "invalidValue", "phone: must be text"),
        (r#"{"type": "TOTP", "user": "a", "phone": "666555444"}"#, "invalidValue", "phone: is for SMS only"),
        (r#"{"type": "HOTP", "user": "a", "pin": "123456789"}"#, "invalidValue", "pin: is for PIN only"),
        (r#"{"type": "EMAIL", "user": "a", "email": "a@example.com", "phone": "666555444"}"#, "invalidValue", "phone: is for"),
        (r#"{"type": "PIN", "user": "a", "pin": "1234567"}"#, "invalidValue", "PIN"),
        (r#"{"type": "PIN", "user": "a", "pin": "12345678x"}"#, "invalidValue", "PIN"),
        (r#"{"type": "PIN", "user": "a", "pin": "１２３４５６７８"}"#, "invalidValue", "PIN"),
        (r#"{"type": "PIN", "user": "a", "pin": 1234567.5}"#, "invalidValue", "pin: must be text"),
        (long_pin.as_str(), "invalidValue", "PIN"),
        (r#"{"type": "TOTP", "user": "a", "status": "X"}"#, "invalidValue", "status"),
        (r#"{"type": "TOTP", "user": "a", "status": "VL"}"#, "invalidValue", "status"),
        (r#"{"type": "TOTP", "user": "a", "colour": "red"}"#, "invalidSyntax", "no attribute \"colour\""),
        (r#"{"type": "TOTP", "user": "a", "USER": "b"}"#, "invalidSyntax", "user: is repeated; give it once"),
        (r#"{"type": "TOTP", "user": "a", "user": "b"}"#, "invalidSyntax", "user: is repeated; give it once"),
        (r#"{"type": "TOTP", "user": "a", "schemas": []}"#, "invalidSyntax", "schemas: must be a list with"),
        (r#"{"type": "TOTP", "user": "a", "schemas": "OtpDevice"}"#, "invalidSyntax", "schemas"),
        (r#"{"type": "TOTP", "user": "a", "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}"#, "invalidSyntax", "schemas"),
    ] {
        let given = host.post("/OtpDevice", body).bad(scim_type);
        assert!(given.to_lowercase().contains(&detail.to_lowercase()), "{body}: {given}");
        for secret in ["1234567", "１２３", "777"] {
            assert!(!given.contains(secret), "{given}");
        }
    }
    assert_eq!(host.get("/OtpDevice").ok(200)["totalResults"], 0);
    assert_eq!(host.store.memory.events, []);
}

#[test]
fn address_is_one_mailbox_and_a_number_has_digits() {
    let mut host = Host::default();
    for email in [
        "a",
        "@example.com",
        "a@",
        "a@b@example.com",
        "a b@example.com",
        "a@example.com,b@example.com",
        "<a@example.com>",
        "a:b@c",
        "",
        "a@-x",
        "a@x-.example.com",
        "a@example-",
        "a@example..com",
        "a@.example.com",
        "a@example.com.",
        "a@exam/ple.com",
        "a@192.0.2.1",
        "a@[192.0.2]",
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        &format!("a@{}.example.com", "x".repeat(64)),
        &format!("{}@example.com", "x".repeat(65)),
    ] {
        let body = format!(r#"{{"type": "EMAIL", "user": "a", "email": "{email}"}}"#);
        assert!(host.post("/OtpDevice", &body).bad("invalidValue").starts_with("email: "), "{email}");
    }
    for phone in ["", "12", "+", "666 CALL ME", "666555444;ext=1", "123456789012345678901", "٦٦٦٥٥٥", "666\\r\\n555"] {
        let body = format!(r#"{{"type": "SMS", "user": "a", "phone": "{phone}"}}"#);
        assert!(host.post("/OtpDevice", &body).bad("invalidValue").starts_with("phone: "), "{phone}");
    }
    for (kind, attribute, value) in [
        ("EMAIL", "email", "a+b@mail.example.com"),
        ("EMAIL", "email", "o'neil@bücher.example"),
        ("EMAIL", "email", "jörg.a_b@xn--bcher-kva.example"),
        ("EMAIL", "email", "root@localhost"),
        ("EMAIL", "email", "a@3-x.my_host.example"),
        ("EMAIL", "email", "a@[192.0.2.1]"),
        ("SMS", "phone", "112"),
        ("SMS", "phone", "+34 (666) 55-54.44/1"),
        ("SMS", "phone", "12345678901234567890"),
    ] {
        let body = format!(r#"{{"type": "{kind}", "user": "a", "{attribute}": "{value}"}}"#);
        assert_eq!(host.post("/OtpDevice", &body).ok(201)[attribute], value);
    }
}

#[test]
fn names_of_attributes_are_read_in_any_case_and_with_the_urn() {
    let body = r#"{"TYPE": "SMS", "User": "a", "urn:soffid:com.soffid.iam.addons.otp.common.OtpDevice:phone": "666555444"}"#;
    assert_eq!(Host::default().post("/OtpDevice", body).ok(201)["phone"], "666555444");
}

#[test]
fn read_only_attributes_are_ignored() {
    let body = r#"{"type": "TOTP", "user": "a", "id": 77, "name": "mine", "fails": 9, "created": "1970-01-01 00:00:00",
        "lastUsed": "never", "image": "x", "meta": 5}"#;
    let created = Host::default().post("/OtpDevice", body).ok(201);
    assert_eq!((&created["id"], &created["name"], &created["fails"]), (&json!(1), &json!("TOTP00000001"), &json!(0)));
    assert_eq!(created["created"], "2023-11-14 22:13:20");
    assert_ne!(created["image"], "x");
}

#[test]
fn device_is_created_in_the_status_asked_for() {
    let mut host = Host::default();
    for (letter, status) in [("C", Status::Created), ("V", Status::Validated), ("L", Status::Locked), ("D", Status::Disabled)] {
        let id = host.create(&format!(r#"{{"type": "TOTP", "user": "a", "status": "{letter}"}}"#));
        assert_eq!(host.get(&format!("/OtpDevice/{id}")).ok(200)["status"], letter);
        assert_eq!(host.entry(id).device.status(), status);
    }
}

#[test]
fn external_id_is_kept() {
    let mut host = Host::default();
    let id = host.create(r#"{"type": "TOTP", "user": "a", "externalId": "token-7"}"#);
    assert_eq!(host.get(&format!("/OtpDevice/{id}")).ok(200)["externalId"], "token-7");
    assert_eq!(host.get("/OtpDevice?filter=externalId%20eq%20'token-7'").ok(200)["totalResults"], 1);
}

#[test]
fn response_to_a_create_has_the_selected_attributes() {
    let mut host = Host::default();
    let keys = |reply: &common::Reply| reply.ok(201).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&host.post("/OtpDevice?attributes=image", TOTP)), ["id", "image", "schemas"]);
    assert!(!keys(&host.post("/OtpDevice?excludedAttributes=image", TOTP)).contains(&"image".to_owned()));
    host.post("/OtpDevice?attributes=colour", TOTP).bad("invalidValue");
    assert_eq!(host.get("/OtpDevice").ok(200)["totalResults"], 2);
}

#[test]
fn disabled_kind_is_refused_and_its_devices_go_on() {
    let mut host = Host::default();
    let id = host.create(SMS);
    host.service =
        keyfob_scim::Service::new(Settings { kinds: vec![Kind::Totp], ..Settings::default() }, common::Seeded::default());
    let detail = host.post("/OtpDevice", SMS).bad("invalidValue");
    assert_eq!(detail, "type: SMS is switched off here; otp.kinds in the configuration switches it on");
    host.create(TOTP);
    host.get(&format!("/OtpDevice/{id}")).ok(200);
}

#[test]
fn unknown_user_is_refused() {
    let mut host = Host::default();
    host.store.strangers.push("franck".to_owned());
    assert_eq!(host.post("/OtpDevice", TOTP).bad("invalidValue"), "user: \"franck\" is not known");
    assert_eq!(host.get("/OtpDevice").ok(200)["totalResults"], 0);
}

#[test]
fn store_that_fails_is_503_with_a_time_to_try_again() {
    let mut host = Host::default();
    host.store.full = true;
    let reply = host.post("/OtpDevice", TOTP);
    assert_eq!(reply.refused(503, None), "the disk is full");
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(reply.header("location").is_none());
}
