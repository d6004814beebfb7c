//! DELETE in both profiles, the other differences of `rfc`, and discovery.

mod common;

use common::{BASE, Host, SMS, TOTP};
use keyfob::{Kind, Status};
use keyfob_scim::{Attribute, EventKind, Method, SCHEMA, Settings};
use serde_json::{Value, json};

#[test]
fn deleted_device_stays_with_status_d_and_can_be_deleted_again() {
    let mut host = Host::default();
    for id in host.create_all() {
        let url = format!("/OtpDevice/{id}");
        let right = host.right(id);
        for _ in 0..2 {
            let reply = host.send(Method::Delete, &url, "");
            assert_eq!((reply.0.status, reply.0.body.len()), (204, 0));
            assert_eq!(host.get(&url).ok(200)["status"], "D");
        }
        assert_eq!(host.entry(id).device.status(), Status::Disabled);
        host.answer(id, &right).verdict(false);
        let revoked = host.store.memory.events.iter().filter(|event| (event.kind, event.device_id) == (EventKind::Revoke, id));
        assert_eq!(revoked.count(), 1);
    }
    let list = host.get("/OtpDevice?filter=status+eq+'D'").ok(200);
    assert_eq!(list["totalResults"], 6);
}

#[test]
fn lock_survives_a_deletion() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    host.lock(id);
    host.send(Method::Delete, &format!("/OtpDevice/{id}"), "");
    host.roles = keyfob_scim::Roles::MANAGE.union(keyfob_scim::Roles::CANCEL);
    host.replace(id, "status", "V").refused(403, None);
    host.roles = keyfob_scim::Roles::ALL;
    assert_eq!(host.replace(id, "status", "V").ok(200)["status"], "V");
    assert!(!host.entry(id).row.deleted);
}

#[test]
fn deleted_device_is_404_everywhere_in_the_rfc_profile() {
    let mut host = Host::rfc();
    let [gone, stays] = [TOTP, TOTP].map(|body| host.create(body));
    let url = format!("/OtpDevice/{gone}");
    assert_eq!(host.send(Method::Delete, &url, "").0.status, 204);
    for (method, url, body) in [
        (Method::Get, url.clone(), ""),
        (Method::Delete, url.clone(), ""),
        (Method::Put, url.clone(), r#"{"status": "V"}"#),
        (Method::Patch, url.clone(), r#"{"Operations": [{"op": "replace", "path": "status", "value": "V"}]}"#),
        (Method::Get, format!("{url}/requestChallenge"), ""),
        (Method::Post, format!("{url}/responseChallenge"), r#"{"pin": "123456"}"#),
        (Method::Post, format!("{url}/resync"), r#"{"pin": "123456", "nextPin": "123456"}"#),
    ] {
        host.send(method, &url, body).refused(404, None);
    }
    let list = host.get("/OtpDevice").ok(200);
    assert_eq!((&list["totalResults"], &list["Resources"][0]["id"]), (&json!(1), &json!(stays.to_string())));
    assert_eq!(host.entry(gone).device.status(), Status::Disabled);
    // Disabled is not deleted.
    host.replace(stays, "status", "D").ok(200);
    host.get(&format!("/OtpDevice/{stays}")).ok(200);
}

#[test]
fn ids_are_text_dates_iso_8601_and_links_none_in_the_rfc_profile() {
    let mut host = Host::rfc();
    let created = host.post("/OtpDevice", r#"{"type": "TOTP", "user": "a", "externalId": "mine"}"#).ok(201);
    assert_eq!((&created["id"], &created["externalId"]), (&json!("1"), &json!("mine")));
    assert_eq!(created["created"], "2023-11-14T22:13:20Z");
    let right = host.right(1);
    host.answer(1, &right).verdict(true);
    let shown = host.get("/OtpDevice/1").ok(200);
    assert_eq!((&shown["id"], &shown["lastUsed"]), (&json!("1"), &json!("2023-11-14T22:13:20Z")));
    let at = "2023-11-14T22:13:20Z";
    let meta = json!({"created": at, "lastModified": at, "location": format!("{BASE}/OtpDevice/1"), "resourceType": "OtpDevice"});
    assert_eq!((&shown["meta"], &created["meta"]), (&meta, &meta));
    for filter in ["id%20eq%20%221%22", "id%20eq%201", "externalId%20eq%20%22mine%22", "created%20eq%20%222023-11-14T22:13:20Z%22"]
    {
        let list = host.get(&format!("/OtpDevice?filter={filter}")).ok(200);
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(1), &json!(1)), "{filter}");
    }
}

#[test]
fn changes_are_searched_by_time_in_the_rfc_profile() {
    let mut host = Host::rfc();
    let [used, wrong, changed, asked, gone, stays] = [TOTP, TOTP, TOTP, SMS, TOTP, TOTP].map(|body| host.create(body));
    host.now += 60;
    let since = keyfob_scim::date::format_iso(host.now);
    let right = host.right(used);
    host.answer(used, &right).verdict(true);
    host.answer(wrong, "000000").verdict(false);
    host.replace(changed, "externalId", "mine").ok(200);
    // Neither a challenge nor a change to the same value changes anything visible.
    host.challenge(asked).ok(200);
    host.replace(stays, "status", "C").ok(200);
    assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{gone}"), "").0.status, 204);
    let search = |filter: &str| format!("/OtpDevice?attributes=meta.lastModified&filter={filter}");
    let ids = |list: &Value| -> Vec<String> {
        list["Resources"].as_array().unwrap().iter().map(|device| device["id"].as_str().unwrap().to_owned()).collect()
    };
    let texts = |ids: &[i64]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let list = host.get(&search(&format!("meta.lastModified+ge+'{since}'"))).ok(200);
    assert_eq!(ids(&list), texts(&[used, wrong, changed]));
    assert!(list["Resources"].as_array().unwrap().iter().all(|device| device["meta"] == json!({"lastModified": since})));
    let list = host.get(&search(&format!("meta.lastModified+lt+'{since}'+and+meta.created+pr"))).ok(200);
    assert_eq!(ids(&list), texts(&[asked, stays]));
    let list = host.get("/OtpDevice?sortBy=meta.lastModified&sortOrder=descending&count=3").ok(200);
    assert_eq!(ids(&list), texts(&[used, wrong, changed]));
    assert_eq!(host.entry(gone).row.last_modified, host.now);
    // A clock that was set back hides no change.
    host.now -= 20;
    host.replace(changed, "externalId", "other").ok(200);
    assert_eq!(host.get(&format!("/OtpDevice/{changed}")).ok(200)["meta"]["lastModified"], since);
    // Soffid's bodies stay as they are, and its clients may search as well.
    let mut host = Host::default();
    host.create(TOTP);
    let list = host.get("/OtpDevice?filter=meta.lastModified+pr+and+meta.created+gt+'2000-01-01'").ok(200);
    assert_eq!((&list["totalResults"], list["Resources"][0]["meta"].get("lastModified")), (&json!(1), None));
}

#[test]
fn configuration_says_what_the_service_does() {
    let mut host = Host::default();
    let config = host.get("/ServiceProviderConfig").ok(200);
    for (feature, supported) in
        [("patch", true), ("filter", true), ("sort", true), ("bulk", false), ("changePassword", false), ("etag", false)]
    {
        assert_eq!(config[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(config["filter"]["maxResults"], 1000);
    assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
}

#[test]
fn resource_types_and_schemas_are_listed_and_read_one_by_one() {
    let mut host = Host::default();
    for (name, id) in [("ResourceTypes", "OtpDevice"), ("Schemas", SCHEMA)] {
        let list = host.get(&format!("/{name}")).ok(200);
        assert_eq!(list["totalResults"], 1);
        let one = host.get(&format!("/{name}/{id}")).ok(200);
        assert_eq!((&one, &one["id"]), (&list["Resources"][0], &json!(id)));
        assert_eq!(one["meta"]["location"], format!("{BASE}/{name}/{id}"));
    }
    assert_eq!(host.get("/ResourceTypes/OtpDevice").ok(200)["schema"], SCHEMA);
}

#[test]
fn schema_has_each_attribute_that_devices_show_and_no_common_one() {
    for (mut host, date) in [(Host::default(), "string"), (Host::rfc(), "dateTime")] {
        let schema = host.get(&format!("/Schemas/{SCHEMA}")).ok(200);
        let attributes = schema["attributes"].as_array().unwrap();
        let get = |name: &str| attributes.iter().find(|attribute| attribute["name"] == name).cloned().unwrap_or(Value::Null);
        let names: Vec<&str> = attributes.iter().map(|attribute| attribute["name"].as_str().unwrap()).collect();
        let of_tokens = ["secret", "algorithm", "digits", "period", "counter", "notBefore", "notAfter"];
        // Soffid knows no recovery codes.
        let of_recovery: &[&str] = match date {
            "dateTime" => &["recoveryCodeCount", "recoveryCodes", "recoveryCodesLeft"],
            _ => &[],
        };
        let all = [
            &["name", "type", "user", "status", "fails", "created", "lastUsed", "email", "phone", "pin"][..],
            &of_tokens,
            &["image"],
            of_recovery,
        ];
        assert_eq!(names, all.concat());
        for name in &names {
            assert!(Attribute::parse(name).is_some(), "{name}");
        }
        assert_eq!((&get("pin")["mutability"], &get("pin")["returned"]), (&json!("writeOnly"), &json!("never")));
        assert_eq!((&get("user")["mutability"], &get("user")["required"]), (&json!("readWrite"), &json!(false)));
        assert_eq!((&get("name")["mutability"], &get("secret")["mutability"]), (&json!("immutable"), &json!("writeOnly")));
        for name in ["secret", "algorithm", "digits", "period", "counter"] {
            assert_eq!(get(name)["returned"], "never", "{name}");
        }
        assert_eq!((&get("counter")["type"], &get("notBefore")["type"]), (&json!("integer"), &json!(date)));
        assert_eq!(get("algorithm")["canonicalValues"], json!(["SHA1", "SHA256", "SHA512"]));
        assert_eq!((&get("fails")["type"], &get("fails")["mutability"]), (&json!("integer"), &json!("readOnly")));
        assert_eq!((&get("created")["type"], &get("lastUsed")["type"]), (&json!(date), &json!(date)));
        assert_eq!(get("status")["canonicalValues"], json!(["C", "V", "L", "D"]));
        let kinds = ["TOTP", "HOTP", "SMS", "EMAIL", "PIN", "RECOVERY"];
        assert_eq!(get("type")["canonicalValues"], json!(kinds[..if of_recovery.is_empty() { 5 } else { 6 }]));
    }
}

#[test]
fn schema_has_only_the_attributes_of_the_enabled_kinds() {
    for (kinds, names, required) in [
        (&[Kind::Totp, Kind::Hotp][..], &["image"][..], &[][..]),
        (&[Kind::Sms], &["phone"], &["phone"]),
        (&[Kind::Email], &["email"], &["email"]),
        (&[Kind::Pin], &["pin"], &["pin"]),
        (&[Kind::Sms, Kind::Pin], &["phone", "pin"], &[]),
    ] {
        let mut host = Host::new(Settings { kinds: kinds.to_vec(), ..Settings::default() });
        let schema = host.get(&format!("/Schemas/{SCHEMA}")).ok(200);
        let of_kinds = |attribute: &&Value| ["email", "phone", "pin", "image"].iter().any(|name| attribute["name"] == *name);
        let shown: Vec<&Value> = schema["attributes"].as_array().unwrap().iter().filter(of_kinds).collect();
        assert_eq!(shown.iter().map(|attribute| attribute["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
        let needed = shown.iter().filter(|attribute| attribute["required"] == true);
        assert_eq!(needed.map(|attribute| attribute["name"].as_str().unwrap()).collect::<Vec<_>>(), required);
    }
}
