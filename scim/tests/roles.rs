//! Which operation needs which roles.

mod common;

use common::{HOTP, Host, PIN, SMS, TOTP, WRONG};
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
    assert_eq!(EACH.into_iter().chain(EACH).fold(Roles::NONE, Roles::and), Roles::ALL);
    assert!(EACH.iter().all(|role| Roles::ALL.has(*role) && !Roles::NONE.has(*role) && role.and(*role) == *role));
}

#[test]
fn each_operation_needs_its_role_and_no_other() {
    let status = |value| patch("status", value);
    let answer = format!(r#"{{"pin": "{WRONG}"}}"#);
    for (body, from, method, path, sent, needed) in [
        (TOTP, "C", Method::Get, "", String::new(), Roles::QUERY),
        (TOTP, "C", Method::Get, "/{id}", String::new(), Roles::QUERY),
        (TOTP, "C", Method::Post, "/.search", "{}".to_owned(), Roles::QUERY),
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
        (TOTP, "L", Method::Patch, "/{id}", status("C"), Roles::UNLOCK),
        (TOTP, "L", Method::Put, "/{id}", r#"{"status": "V"}"#.to_owned(), Roles::UNLOCK),
        // To open what was locked when it was disabled is to enable and to unlock.
        (TOTP, "LD", Method::Patch, "/{id}", status("V"), Roles::MANAGE.and(Roles::UNLOCK)),
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
        for missing in EACH.into_iter().filter(|role| needed.has(*role)) {
            host.roles = EACH.into_iter().filter(|role| *role != missing).fold(Roles::NONE, Roles::and);
            let told = host.send(method, &url, &sent).refused(403, None);
            assert!(missing.names().all(|name| told.contains(name)), "{method:?} {url} {sent}: {told}");
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
fn a_change_of_several_things_needs_the_roles_of_each() {
    let body = r#"{"Operations": [{"op": "replace", "value": {"externalId": "a", "status": "D"}}]}"#;
    for roles in [Roles::MANAGE, Roles::CANCEL] {
        let mut host = Host::default();
        let id = host.create(TOTP);
        let before = host.entry(id);
        host.roles = roles;
        host.patch(id, body).refused(403, None);
        assert_eq!(host.entry(id), before);
        host.roles = Roles::MANAGE.and(Roles::CANCEL);
        assert_eq!(host.patch(id, body).ok(200)["status"], "D");
    }
}

/// Otherwise a change that changes nothing would show a device, and one that is refused would tell what it has.
#[test]
fn who_may_change_nothing_is_told_nothing_of_a_device() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    for roles in [Roles::NONE, Roles::QUERY, Roles::VERIFY, Roles::QUERY.and(Roles::VERIFY)] {
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

#[test]
fn what_the_service_says_of_itself_needs_no_role() {
    let mut host = Host { roles: Roles::NONE, ..Host::default() };
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/OtpDevice", "/Schemas"] {
        host.get(path).ok(200);
    }
}

#[test]
fn roles_are_read_by_their_names() {
    assert_eq!("query, verify".parse(), Ok(Roles::QUERY.and(Roles::VERIFY)));
    assert_eq!("all".parse(), Ok(Roles::ALL));
    assert_eq!(EACH.into_iter().fold(Roles::NONE, Roles::and), Roles::ALL);
    assert_eq!(Roles::ALL.names().collect::<Vec<_>>().join(",").parse(), Ok(Roles::ALL));
    for wrong in ["", "admin", "query;verify", "Query"] {
        assert!(wrong.parse::<Roles>().is_err(), "{wrong}");
    }
}
