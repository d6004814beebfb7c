//! The roles that each operation needs.

mod common;

use common::{FORGET_STEPS, HOTP, Host, PIN, SMS, TOTP, WRONG};
use keyfob_scim::{Method, Roles};

const EACH: [Roles; 5] = [Roles::QUERY, Roles::MANAGE, Roles::CANCEL, Roles::UNLOCK, Roles::VERIFY];

/// A device in this status.
fn device(host: &mut Host, body: &str, status: &str) -> i64 {
    host.roles = Roles::ALL;
    let id = host.create(body);
    match status {
        // Locked, then disabled.
        "LD" => {
            host.lock(id);
            host.replace(id, "status", "D").ok(200);
        }
        "C" => {}
        _ => {
            host.replace(id, "status", status).ok(200);
        }
    }
    id
}

fn patch(attribute: &str, value: &str) -> String {
    format!(r#"{{"Operations": [{{"op": "replace", "path": "{attribute}", "value": "{value}"}}]}}"#)
}

#[test]
fn roles_are_sets() {
    assert_eq!(EACH.into_iter().chain(EACH).fold(Roles::NONE, Roles::union), Roles::ALL);
    assert!(EACH.iter().all(|role| Roles::ALL.contains(*role) && !Roles::NONE.contains(*role) && role.union(*role) == *role));
}

#[test]
fn each_operation_needs_its_role_and_no_other() {
    let status = |value| patch("status", value);
    let answer = format!(r#"{{"pin": "{WRONG}"}}"#);
    for (body, from, method, path, sent, needed) in [
        (TOTP, "C", Method::Get, "", String::new(), Roles::QUERY),
        (TOTP, "C", Method::Get, "/{id}", String::new(), Roles::QUERY),
        (TOTP, "C", Method::Post, "/.search", "{}".to_owned(), Roles::QUERY),
        (TOTP, "C", Method::Post, "/.find", r#"{"code": "123456"}"#.to_owned(), Roles::MANAGE),
        (TOTP, "C", Method::Post, "", TOTP.to_owned(), Roles::MANAGE),
        (TOTP, "C", Method::Patch, "/{id}", status("V"), Roles::MANAGE),
        (TOTP, "C", Method::Patch, "/{id}", status("L"), Roles::MANAGE),
        (TOTP, "D", Method::Patch, "/{id}", status("V"), Roles::MANAGE),
        (TOTP, "C", Method::Patch, "/{id}", patch("externalId", "a"), Roles::MANAGE),
        (SMS, "C", Method::Patch, "/{id}", patch("phone", "911222333"), Roles::MANAGE),
        (PIN, "C", Method::Patch, "/{id}", patch("pin", "987654321"), Roles::MANAGE),
        (TOTP, "C", Method::Put, "/{id}", r#"{"status": "V"}"#.to_owned(), Roles::MANAGE),
        (TOTP, "C", Method::Patch, "/{id}", status("D"), Roles::CANCEL),
        (TOTP, "L", Method::Patch, "/{id}", status("D"), Roles::CANCEL),
        (TOTP, "C", Method::Put, "/{id}", r#"{"status": "D"}"#.to_owned(), Roles::CANCEL),
        (TOTP, "C", Method::Delete, "/{id}", String::new(), Roles::CANCEL),
        (TOTP, "L", Method::Patch, "/{id}", status("V"), Roles::UNLOCK),
        (TOTP, "C", Method::Patch, "/{id}", FORGET_STEPS.to_owned(), Roles::UNLOCK),
        (TOTP, "L", Method::Patch, "/{id}", status("C"), Roles::UNLOCK),
        (TOTP, "L", Method::Put, "/{id}", r#"{"status": "V"}"#.to_owned(), Roles::UNLOCK),
        // Opening a device that was locked when it was disabled enables and unlocks it.
        (TOTP, "LD", Method::Patch, "/{id}", status("V"), Roles::MANAGE.union(Roles::UNLOCK)),
        (SMS, "L", Method::Patch, "/{id}", patch("phone", "911222333"), Roles::MANAGE),
        (SMS, "C", Method::Get, "/{id}/requestChallenge", String::new(), Roles::VERIFY),
        (SMS, "C", Method::Post, "/{id}/requestChallenge", String::new(), Roles::VERIFY),
        (SMS, "C", Method::Post, "/{id}/responseChallenge", answer, Roles::VERIFY),
        (HOTP, "C", Method::Post, "/{id}/resync", r#"{"pin": "1", "nextPin": "2"}"#.to_owned(), Roles::VERIFY),
    ] {
        let mut host = Host::default();
        let id = device(&mut host, body, from);
        let url = format!("/OtpDevice{}", path.replace("{id}", &id.to_string()));
        let (before, events) = (host.entry(id), host.store.memory.events.clone());
        for missing in EACH.into_iter().filter(|role| needed.contains(*role)) {
            host.roles = EACH.into_iter().filter(|role| *role != missing).fold(Roles::NONE, Roles::union);
            let detail = host.send(method, &url, &sent).refused(403, None);
            assert!(missing.names().all(|name| detail.contains(name)), "{method:?} {url} {sent}: {detail}");
            assert_eq!((host.entry(id), &host.store.memory.events), (before.clone(), &events), "{method:?} {url} {sent}");
        }
        host.roles = Roles::NONE;
        host.send(method, &url, &sent).refused(403, None);
        assert_eq!((host.entry(id), &host.store.memory.events), (before, &events));
        host.roles = needed;
        let reply = host.send(method, &url, &sent);
        assert!((200..300).contains(&reply.0.status), "{method:?} {url} {sent}: {}", reply.0.text());
    }
}

#[test]
fn change_of_several_attributes_needs_the_roles_of_each() {
    let body = r#"{"Operations": [{"op": "replace", "value": {"externalId": "a", "status": "D"}}]}"#;
    for roles in [Roles::MANAGE, Roles::CANCEL] {
        let mut host = Host::default();
        let id = host.create(TOTP);
        let before = host.entry(id);
        host.roles = roles;
        host.patch(id, body).refused(403, None);
        assert_eq!(host.entry(id), before);
        host.roles = Roles::MANAGE.union(Roles::CANCEL);
        assert_eq!(host.patch(id, body).ok(200)["status"], "D");
    }
}

/// Otherwise a change that changes nothing would show a device, and a refused one would reveal its
/// values.
#[test]
fn account_that_may_change_nothing_learns_nothing_of_a_device() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    for roles in [Roles::NONE, Roles::QUERY, Roles::VERIFY, Roles::QUERY.union(Roles::VERIFY)] {
        host.roles = roles;
        for body in [r#"{"Operations": []}"#.to_owned(), patch("user", "franck"), patch("user", "other"), "{".to_owned()] {
            host.patch(id, &body).refused(403, None);
            host.patch(id + 1, &body).refused(403, None);
        }
        for body in ["{}", r#"{"user": "franck"}"#, r#"{"user": "other"}"#] {
            host.send(Method::Put, &format!("/OtpDevice/{id}"), body).refused(403, None);
        }
    }
}

/// An account that may change but not read devices sees id and status only. Each change is in the
/// audit trail, also one that changes nothing.
#[test]
fn change_without_the_role_to_read_shows_id_and_status_and_leaves_an_event() {
    let put = |body: &str| (Method::Put, body.to_owned());
    let set = |attribute: &str, value: &str| (Method::Patch, patch(attribute, value));
    for (from, (method, body), roles) in [
        // Some change nothing.
        ("C", set("status", "C"), Roles::MANAGE),
        ("V", set("status", "V"), Roles::MANAGE),
        ("V", set("status", "V"), Roles::UNLOCK),
        ("L", set("status", "L"), Roles::MANAGE),
        ("D", set("status", "D"), Roles::CANCEL),
        ("C", set("phone", "6665552222"), Roles::MANAGE),
        ("C", set("user", "dilbert"), Roles::MANAGE),
        ("C", (Method::Patch, r#"{"Operations": [{"op": "remove", "path": "externalId"}]}"#.to_owned()), Roles::MANAGE),
        ("C", put("{}"), Roles::MANAGE),
        ("D", put(r#"{"status": "D"}"#), Roles::CANCEL),
        ("V", put(r#"{"status": "V"}"#), Roles::UNLOCK),
        // Others change something.
        ("C", set("status", "D"), Roles::CANCEL),
        ("L", set("status", "V"), Roles::UNLOCK),
        ("C", set("phone", "911222333"), Roles::MANAGE),
        ("C", put(r#"{"externalId": "a"}"#), Roles::MANAGE),
    ] {
        let mut host = Host::default();
        let id = device(&mut host, SMS, from);
        let (url, before) = (format!("/OtpDevice/{id}"), host.entry(id));
        for other in EACH.into_iter().filter(|other| *other != roles) {
            // Either role may open a device that is open.
            if ["C", "V"].contains(&from)
                && !body.contains('D')
                && body.contains("status")
                && [Roles::MANAGE, Roles::UNLOCK].contains(&other)
            {
                continue;
            }
            let lines = host.store.memory.events.len();
            host.roles = other;
            host.send(method, &url, &body).refused(403, None);
            assert_eq!((host.entry(id), host.store.memory.events.len()), (before.clone(), lines), "{body}");
        }
        let lines = host.store.memory.events.len();
        host.roles = roles;
        let detail = host.send(method, &url, &body).ok(200);
        let status = host.entry(id).row.status.to_string();
        assert_eq!(detail, serde_json::json!({"schemas": [keyfob_scim::SCHEMA], "id": id, "status": status}), "{body}");
        let asked = host.send(method, &format!("{url}?attributes=phone,user"), &body).ok(200);
        assert_eq!(asked, serde_json::json!({"schemas": [keyfob_scim::SCHEMA], "id": id}), "{body}");
        let events = &host.store.memory.events[lines..];
        assert_eq!(events.len(), 2, "{body}");
        assert!(events.iter().all(|event| event.device_id == id && event.success && event.reason == status));
        host.roles = roles.union(Roles::QUERY);
        assert_eq!(host.send(method, &url, &body).ok(200)["user"], "dilbert");
    }
}

/// Otherwise a refusal would reveal whether a guess at a value was right.
#[test]
fn account_that_neither_reads_nor_manages_cannot_ask_what_a_device_has() {
    let mut host = Host::default();
    let id = host.create(SMS);
    let before = host.entry(id);
    for (attribute, value) in [
        ("user", "dilbert"),
        ("phone", "6665552222"),
        ("type", "SMS"),
        ("fails", "0"),
        ("externalId", "a"),
        ("name", "SMS message to 66******22"),
    ] {
        for value in [value, "777"] {
            let body = format!(r#"{{"Operations": [{{"op": "replace", "value": {{"status": "D", "{attribute}": "{value}"}}}}]}}"#);
            for roles in [Roles::CANCEL, Roles::CANCEL.union(Roles::UNLOCK).union(Roles::VERIFY)] {
                host.roles = roles;
                let reply = host.patch(id, &body);
                assert!(reply.0.status == 403 || (attribute, value) == ("type", "777"), "{body}: {}", reply.0.text());
            }
        }
    }
    assert_eq!(host.entry(id), before);
    // Its number is in the URL.
    host.patch(id, &format!(r#"{{"Operations": [{{"op": "replace", "value": {{"status": "D", "id": {id}}}}}]}}"#)).ok(200);
}

#[test]
fn deletion_of_a_deleted_device_leaves_an_event() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    host.roles = Roles::CANCEL;
    for lines in 2..5 {
        assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").0.status, 204);
        assert_eq!((host.store.memory.events.len(), host.store.swaps), (lines, 1));
    }
}

#[test]
fn discovery_needs_no_role() {
    let mut host = Host { roles: Roles::NONE, ..Host::default() };
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/OtpDevice", "/Schemas"] {
        host.get(path).ok(200);
    }
}

#[test]
fn roles_are_read_by_their_names() {
    assert_eq!("query, verify".parse(), Ok(Roles::QUERY.union(Roles::VERIFY)));
    assert_eq!("all".parse(), Ok(Roles::ALL));
    assert_eq!(EACH.into_iter().fold(Roles::NONE, Roles::union), Roles::ALL);
    assert_eq!(Roles::ALL.names().collect::<Vec<_>>().join(",").parse(), Ok(Roles::ALL));
    for wrong in ["", "admin", "query;verify", "Query"] {
        assert!(wrong.parse::<Roles>().is_err(), "{wrong}");
    }
}
