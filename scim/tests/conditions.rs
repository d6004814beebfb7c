//! HEAD, conditional requests and encoded bodies (RFC 9110).

mod common;

use common::{BASE, Host, Reply, SMS, TOTP};
use keyfob_scim::{Method, Request};
use serde_json::Value;

const STATUS: &str = r#"{"Operations": [{"op": "replace", "path": "status", "value": "V"}]}"#;

/// Sends a request with more headers.
fn send<'r>(host: &mut Host, request: Request<'r>, change: impl FnOnce(Request<'r>) -> Request<'r>) -> Reply {
    let request = Request { base_url: BASE.into(), ..request.with_roles(host.roles) };
    Reply(host.service.run(change(request), &mut host.store))
}

#[test]
fn head_is_answered_as_a_get_and_sends_no_code() {
    let mut host = Host::default();
    let id = host.create(SMS);
    for path in ["", "/OtpDevice", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas", &format!("/OtpDevice/{id}")] {
        let (head, get) = (host.send(Method::Head, path, ""), host.get(path));
        assert_eq!((head.0.status, &head.0), (200, &get.0), "{path}");
    }
    host.send(Method::Head, "/OtpDevice/77", "").refused(404, None);
    let reply = host.send(Method::Head, &format!("/OtpDevice/{id}/requestChallenge"), "");
    reply.refused(405, None);
    assert_eq!((reply.header("allow"), host.store.memory.delivered.len()), (Some("GET, POST"), 0));
    host.roles = keyfob_scim::Roles::MANAGE;
    host.send(Method::Head, "/OtpDevice", "").refused(403, None);
}

#[test]
fn precondition_that_no_device_without_a_tag_meets_is_412_and_changes_nothing() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let (device, missing) = (format!("/OtpDevice/{id}"), format!("/OtpDevice/{}", id + 1));
    let (before, lines) = (host.entry(id), host.store.memory.events.len());
    let now = host.now;
    let changes = [(Method::Patch, STATUS), (Method::Put, r#"{"status": "V"}"#), (Method::Delete, "")];
    for (method, body) in changes {
        for tags in ["\"1\"", "W/\"1\"", "\"a\", \"b\"", "x"] {
            let request = Request::new(method, &device, now).with_json(body.as_bytes());
            let detail = send(&mut host, request, |request| Request { if_match: Some(tags), ..request }).refused(412, None);
            assert!(detail.contains("If-Match"), "{detail}");
        }
        let request = Request::new(method, &device, now).with_json(body.as_bytes());
        send(&mut host, request, |request| Request { if_none_match: Some("*"), ..request }).refused(412, None);
        // A missing device meets no precondition.
        let request = Request::new(method, &missing, now).with_json(body.as_bytes());
        send(&mut host, request, |request| Request { if_match: Some("\"1\""), ..request }).refused(404, None);
    }
    for (path, body) in [("/OtpDevice", TOTP), ("/OtpDevice/.search", "{}")] {
        let request = Request::new(Method::Post, path, now).with_json(body.as_bytes());
        send(&mut host, request, |request| Request { if_match: Some("\"1\""), ..request }).refused(412, None);
    }
    // A wrong request gets the error itself.
    let request = Request::new(Method::Patch, &device, now).with_json(b"{}");
    send(&mut host, request, |request| Request { if_match: Some("\"1\""), ..request }).bad("invalidSyntax");
    assert_eq!((host.entry(id), host.store.memory.events.len()), (before, lines));
}

#[test]
fn precondition_that_is_met_changes_no_response() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let (device, now) = (format!("/OtpDevice/{id}"), host.now);
    for method in [Method::Get, Method::Head] {
        for (path, given) in [(device.as_str(), "\"1\""), ("/OtpDevice", "\"1\""), ("/Schemas", "\"1\"")] {
            let plain = send(&mut host, Request::new(method, path, now), |request| request).0;
            let request = Request::new(method, path, now);
            assert_eq!(send(&mut host, request, |request| Request { if_match: Some("*"), ..request }).0, plain);
            let request = Request::new(method, path, now);
            assert_eq!(send(&mut host, request, |request| Request { if_none_match: Some(given), ..request }).0, plain);
            let request = Request::new(method, path, now);
            let known = send(&mut host, request, |request| Request { if_none_match: Some("*"), ..request }).0;
            assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
            let request = Request::new(method, path, now);
            assert_eq!(send(&mut host, request, |request| Request { if_match: Some(given), ..request }).0.status, 412);
        }
    }
    let request = Request::new(Method::Patch, &device, now).with_json(STATUS.as_bytes());
    let shown = send(&mut host, request, |request| Request { if_match: Some("*"), if_none_match: Some("\"1\""), ..request });
    assert_eq!(shown.ok(200)["status"], "V");
}

#[test]
fn encoded_body_is_415_with_the_accepted_encoding() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let (device, now) = (format!("/OtpDevice/{id}"), host.now);
    let before = host.entry(id);
    for coding in ["gzip", "br", "deflate", "gzip, gzip", "x"] {
        for (method, path) in [(Method::Patch, device.as_str()), (Method::Post, "/OtpDevice"), (Method::Post, "/.search")] {
            let request = Request::new(method, path, now).with_json(b"\x1f\x8b\x08");
            let reply = send(&mut host, request, |request| Request { content_encoding: Some(coding), ..request });
            assert!(reply.refused(415, None).contains("Content-Encoding"));
            assert_eq!(reply.header("accept-encoding"), Some("identity"));
        }
        // Without a body the encoding does not matter.
        let request = Request::new(Method::Get, &device, now);
        send(&mut host, request, |request| Request { content_encoding: Some(coding), ..request }).ok(200);
    }
    assert_eq!(host.entry(id), before);
    let request = Request::new(Method::Patch, &device, now).with_json(STATUS.as_bytes());
    let shown: Value = send(&mut host, request, |request| Request { content_encoding: Some("Identity"), ..request }).ok(200);
    assert_eq!(shown["status"], "V");
}
