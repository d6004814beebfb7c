//! The endpoints of the Shared Signals Framework: metadata, keys, streams, status, verification and
//! the poll, and what each refuses.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::Shutdown;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::client::{Client, Response, open};
use super::process::{Server, folder, log};
use super::signals::{POLLER, create, listed, receiver, restart, run, send, start};

const POLL: &str = "/ssf/poll/poller";
const SUBJECT: &str = r#"{"stream_id": "poller", "subject": {"format": "opaque", "id": "a"}}"#;

/// The body of a response in JSON that must have this status.
#[track_caller]
fn ok(response: &Response, status: u16) -> Value {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"), "{response:?}");
    response.json()
}

/// The description of a refusal that must have this status and code, in the form of RFC 8935.
#[track_caller]
fn refused(response: &Response, status: u16, err: &str) -> String {
    let body = ok(response, status);
    assert_eq!((&body["err"], body.as_object().expect("an object").len()), (&json!(err), 2), "{body}");
    body["description"].as_str().expect("text").to_owned()
}

/// The claims of the tokens of a poll, by their numbers in the order of the text, and whether more
/// wait.
#[track_caller]
fn poll(client: &mut Client, body: &Value) -> (Vec<(String, Value)>, bool) {
    let response = send(client, "POST", POLL, &body.to_string());
    let body = ok(&response, 200);
    let claims = |token: &str| {
        let part = token.split('.').nth(1).expect("claims");
        serde_json::from_slice::<Value>(&BASE64URL_NOPAD.decode(part.as_bytes()).expect("Base64url")).expect("JSON")
    };
    let sets = body["sets"].as_object().expect("sets");
    let mut tokens: Vec<_> = sets.iter().map(|(jti, token)| (jti.clone(), claims(token.as_str().expect("a token")))).collect();
    assert!(tokens.iter().all(|(jti, claims)| claims["jti"] == *jti && claims["aud"] == "https://poller.example.com"));
    tokens.sort_by_key(|(jti, _)| response.text().find(&format!("\"{jti}\"")));
    let more = body.get("moreAvailable").is_some_and(|more| more.as_bool().expect("a boolean"));
    (tokens, more)
}

/// A poll for what is there now.
#[track_caller]
fn now(client: &mut Client, mut more: Value) -> (Vec<(String, Value)>, bool) {
    more["returnImmediately"] = json!(true);
    poll(client, &more)
}

fn users(tokens: &[(String, Value)]) -> Vec<&str> {
    tokens.iter().map(|(_, claims)| claims["sub_id"]["sub"].as_str().expect("a user")).collect()
}

fn jtis(tokens: &[(String, Value)]) -> Vec<&str> {
    tokens.iter().map(|(jti, _)| jti.as_str()).collect()
}

#[test]
fn metadata_and_keys_need_no_account_and_may_be_kept_for_minutes() {
    let (folder, server) = start();
    let mut nobody = server.anonymous();
    let response = send(&mut nobody, "GET", "/.well-known/ssf-configuration", "");
    let metadata = ok(&response, 200);
    assert_eq!(response.headers("cache-control"), ["public, max-age=300"]);
    assert_eq!(
        metadata,
        json!({
            "spec_version": "1_0",
            "issuer": "https://otp.example.com",
            "jwks_uri": "https://otp.example.com/.well-known/jwks.json",
            "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
            "configuration_endpoint": "https://otp.example.com/ssf/streams",
            "status_endpoint": "https://otp.example.com/ssf/status",
            "verification_endpoint": "https://otp.example.com/ssf/verify",
            "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6750"}, {"spec_urn": "urn:ietf:rfc:7617"}],
            "default_subjects": "ALL",
        })
    );
    let response = send(&mut nobody, "GET", "/.well-known/jwks.json", "");
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/jwk-set+json")));
    assert_eq!(response.headers("cache-control"), ["public, max-age=300"]);
    let keys = response.json();
    let members: Vec<_> = keys["keys"][0].as_object().expect("a key").keys().map(String::as_str).collect();
    assert!(members.iter().all(|name| ["alg", "crv", "kid", "kty", "use", "x", "y"].contains(name)), "{keys}");
    run(folder.path(), &["rotate-signing-key"]).well();
    server.signal("HUP");
    while send(&mut nobody, "GET", "/.well-known/jwks.json", "").json()["keys"].as_array().expect("keys").len() < 2 {
        std::thread::yield_now();
    }
    for path in ["/.well-known/ssf-configuration", "/.well-known/jwks.json"] {
        let response = send(&mut nobody, "POST", path, "{}");
        assert_eq!(response.header("allow"), Some("GET, HEAD"));
        refused(&response, 405, "invalid_request");
    }
    server.stop();
}

#[test]
fn service_without_receivers_has_none_of_it() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut admin = server.admin();
    for path in ["/.well-known/ssf-configuration", "/.well-known/jwks.json", "/ssf/streams", "/ssf/status"] {
        send(&mut admin, "GET", path, "").refused(404);
    }
    send(&mut admin, "POST", POLL, "{}").refused(404);
    server.stop();
}

#[test]
fn receiver_sees_its_own_stream() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    let events = [
        "https://schemas.openid.net/secevent/caep/event-type/credential-change",
        "https://schemas.openid.net/secevent/risc/event-type/credential-compromise",
    ];
    let stream = json!({
        "stream_id": "poller",
        "iss": "https://otp.example.com",
        "aud": "https://poller.example.com",
        "delivery": {"method": "urn:ietf:rfc:8936", "endpoint_url": "https://otp.example.com/ssf/poll/poller"},
        "events_supported": events,
        "events_delivered": events,
    });
    let response = send(&mut client, "GET", "/ssf/streams", "");
    assert_eq!(response.headers("cache-control"), ["no-store"]);
    assert_eq!(ok(&response, 200), json!([stream]));
    assert_eq!(ok(&send(&mut client, "GET", "/ssf/streams?stream_id=poller", ""), 200), stream);
    let mut pushed = receiver(folder.path(), &server, "pushed");
    let stream = ok(&send(&mut pushed, "GET", "/ssf/streams?stream_id=pushed", ""), 200);
    // Its query may be a secret.
    let delivery = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": "https://127.0.0.1:9/ssf/events"});
    assert_eq!(stream["delivery"], delivery);
    let response = send(&mut pushed, "POST", "/ssf/poll/pushed", "{}");
    assert!(refused(&response, 404, "invalid_request").contains("pushed"));
    server.stop();
}

#[test]
fn events_come_until_they_are_acknowledged_or_refused() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    assert_eq!(now(&mut client, json!({})), (Vec::new(), false));
    create(&server, &["ada", "bob", "cyd", "ada", "bob"]);
    let (first, more) = now(&mut client, json!({"maxEvents": 2}));
    assert_eq!((users(&first), more), (vec!["ada", "bob"], true));
    assert_eq!(now(&mut client, json!({"maxEvents": 2})), (first.clone(), true), "what is in neither comes again");
    // A number of no token, one of another receiver, and one twice.
    let other = listed(folder.path(), &["--receiver", "pushed"])[0]["jti"].clone();
    let ack = [jtis(&first), vec![jtis(&first)[0], "1-00", "", other.as_str().expect("text")]].concat();
    let (second, more) = now(&mut client, json!({"maxEvents": 2, "ack": ack}));
    assert_eq!((users(&second), more), (vec!["cyd", "ada"], true));
    let error = json!({"err": "invalid_audience", "description": "not for us\u{7}"});
    let errors = BTreeMap::from([(jtis(&second)[1], error.clone()), (jtis(&second)[0], error)]);
    let (third, more) = now(&mut client, json!({"ack": [jtis(&second)[0]], "setErrs": errors}));
    assert_eq!((users(&third), more), (vec!["bob"], false));
    assert_eq!(now(&mut client, json!({"maxEvents": 0})), (Vec::new(), true));
    assert_eq!(now(&mut client, json!({"maxEvents": 0, "ack": jtis(&third)})), (Vec::new(), false));
    let dead = listed(folder.path(), &["--receiver", POLLER]);
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(
        (&dead[0]["jti"], &dead[0]["dead"], &dead[0]["error"]),
        (&json!(jtis(&second)[1]), &json!(true), &json!("invalid_audience: not for us "))
    );
    assert_eq!(listed(folder.path(), &["--receiver", "pushed"]).len(), 5, "another receiver's stay");
    assert_eq!(run(folder.path(), &["signals", "retry", "--receiver", POLLER]).well(), "1 dead letter is to be sent again.\n");
    assert_eq!(jtis(&now(&mut client, json!({})).0), [jtis(&second)[1]], "it is the same token");
    let metrics = send(&mut server.anonymous(), "GET", "/metrics", "");
    for line in [
        r#"keyfob_signals_total{receiver="poller",outcome="accepted"} 4"#,
        r#"keyfob_signals_total{receiver="poller",outcome="refused"} 1"#,
        r#"keyfob_requests_total{operation="poll",status="200"} 8"#,
    ] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    server.stop();
}

#[test]
fn next_event_of_a_device_comes_after_the_one_before() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    let ids = create(&server, &["ada", "bob"]);
    for status in ["L", "V"] {
        server.admin().status(&format!("/OtpDevice/{}", ids[0]), status).ok(200);
    }
    let change = |claims: &Value| claims["events"].as_object().expect("an event").values().next().expect("one").clone();
    let mut seen = Vec::new();
    for (devices, more_wait) in [(2, true), (1, true), (1, false)] {
        let (tokens, more) = now(&mut client, json!({}));
        assert_eq!((tokens.len(), more), (devices, more_wait), "{tokens:?}");
        seen.push(change(&tokens[0].1)["change_type"].as_str().expect("a change").to_owned());
        now(&mut client, json!({"maxEvents": 0, "ack": jtis(&tokens)}));
    }
    assert_eq!(seen, ["create", "revoke", "update"]);
    server.stop();
}

#[test]
fn unacknowledged_events_outlive_a_kill() {
    let (folder, mut server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    create(&server, &["ada"]);
    let before = now(&mut client, json!({}));
    assert_eq!(users(&before.0), ["ada"]);
    server.kill();
    let server = restart(folder.path());
    let mut client = receiver_again(folder.path(), &server);
    assert_eq!(now(&mut client, json!({})), before);
    server.stop();
}

/// A client with another token of the receiver's account.
fn receiver_again(folder: &std::path::Path, server: &Server) -> Client {
    let token = run(folder, &["account", "add", POLLER, "--roles", "query", "--token", "--replace"]).well();
    Client::bearer(server.address, token.trim())
}

#[test]
fn poll_waits_for_the_next_event() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    // It is asked before there is one.
    let request = client.head("POST", POLL, "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    let mut waiting = open(server.address).expect("a connection");
    waiting.get_mut().write_all(request.as_bytes()).expect("it is taken");
    assert_eq!(now(&mut client, json!({})), (Vec::new(), false));
    create(&server, &["ada"]);
    let body = ok(&Response::read(&mut waiting).expect("an answer"), 200);
    assert_eq!(body["sets"].as_object().expect("sets").len(), 1, "{body}");
    server.stop();
}

#[test]
fn waiting_poll_ends_with_its_client_and_with_the_service() {
    let (folder, server) = start();
    let client = receiver(folder.path(), &server, POLLER);
    let request = client.head("POST", POLL, "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    let mut gone = open(server.address).expect("a connection");
    gone.get_mut().write_all(request.as_bytes()).expect("it is taken");
    gone.get_mut().shutdown(Shutdown::Write).expect("it was open");
    let response = Response::read(&mut gone).expect("an answer");
    assert!(refused(&response, 499, "invalid_request").contains("keep it open"));
    let mut waiting = open(server.address).expect("a connection");
    waiting.get_mut().write_all(request.as_bytes()).expect("it is taken");
    // A request on the same connection would wait behind it: this one tells that it has begun.
    while !log(folder.path()).contains("status=499") {
        std::thread::yield_now();
    }
    server.stop();
    if let Some(response) = Response::read(&mut waiting) {
        assert_eq!(ok(&response, 200), json!({"sets": {}}));
    }
}

#[test]
fn paused_stream_keeps_its_events() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    let status = |client: &mut Client| ok(&send(client, "GET", "/ssf/status?stream_id=poller", ""), 200)["status"].clone();
    let set = |client: &mut Client, status: &str| {
        let body = json!({"stream_id": POLLER, "status": status, "reason": "a rest"}).to_string();
        assert_eq!(ok(&send(client, "POST", "/ssf/status", &body), 200), json!({"stream_id": POLLER, "status": status}));
    };
    assert_eq!(status(&mut client), "enabled");
    set(&mut client, "paused");
    create(&server, &["ada"]);
    assert_eq!(now(&mut client, json!({})), (Vec::new(), false));
    assert_eq!(status(&mut client), "paused");
    set(&mut client, "enabled");
    assert_eq!(users(&now(&mut client, json!({})).0), ["ada"]);
    server.stop();
}

#[test]
fn verification_has_the_state_of_the_receiver() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    let event = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    for (body, expected) in
        [(json!({"stream_id": POLLER, "state": "VGhpcw"}), json!({"state": "VGhpcw"})), (json!({"stream_id": POLLER}), json!({}))]
    {
        let response = send(&mut client, "POST", "/ssf/verify", &body.to_string());
        assert_eq!((response.status, response.body.len()), (204, 0), "{response:?}");
        let (tokens, _) = now(&mut client, json!({}));
        let [(jti, claims)] = tokens.as_slice() else { panic!("{tokens:?}") };
        assert_eq!(claims["events"], json!({event: expected}));
        assert_eq!(claims["sub_id"], json!({"format": "opaque", "id": POLLER}));
        now(&mut client, json!({"maxEvents": 0, "ack": [jti]}));
    }
    let long = json!({"stream_id": POLLER, "state": "x".repeat(1025)}).to_string();
    assert!(refused(&send(&mut client, "POST", "/ssf/verify", &long), 400, "invalid_request").contains("state"));
    server.stop();
}

#[test]
fn event_without_a_subject_is_a_dead_letter_and_holds_up_no_other() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, "mailed");
    create(&server, &["bob", "ada"]);
    let response = send(&mut client, "POST", "/ssf/poll/mailed", "{}");
    assert_eq!(ok(&response, 200)["sets"].as_object().expect("sets").len(), 1, "{response:?}");
    let dead = listed(folder.path(), &["--receiver", "mailed", "--dead"]);
    assert_eq!((dead.len(), &dead[0]["user"]), (1, &json!("bob")), "{dead:?}");
    assert!(dead[0]["error"].as_str().expect("a reason").contains("no attribute mail"), "{dead:?}");
    server.stop();
}

#[test]
fn others_are_refused() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    let (mut admin, mut nobody) = (server.admin(), server.anonymous());
    let body = json!({"stream_id": POLLER, "status": "paused"}).to_string();
    for path in [POLL, "/ssf/verify", "/ssf/status", "/ssf/subjects:add"] {
        let response = send(&mut nobody, "POST", path, &body);
        assert_eq!(response.headers("www-authenticate").len(), 2);
        refused(&response, 401, "authentication_failed");
    }
    for path in ["/ssf/streams", "/ssf/status?stream_id=poller"] {
        refused(&send(&mut nobody, "GET", path, ""), 401, "authentication_failed");
        refused(&send(&mut admin, "GET", path, ""), 403, "access_denied");
    }
    for path in [POLL, "/ssf/verify", "/ssf/status"] {
        refused(&send(&mut admin, "POST", path, &body), 403, "access_denied");
    }
    // The stream of another receiver, and of none.
    for (id, status, err) in [("pushed", 403, "access_denied"), ("none", 404, "invalid_request")] {
        let body = body.replace(POLLER, id);
        refused(&send(&mut client, "GET", &format!("/ssf/streams?stream_id={id}"), ""), status, err);
        refused(&send(&mut client, "GET", &format!("/ssf/status?stream_id={id}"), ""), status, err);
        refused(&send(&mut client, "POST", "/ssf/status", &body), status, err);
        refused(&send(&mut client, "POST", "/ssf/verify", &body), status, err);
        refused(&send(&mut client, "POST", &format!("/ssf/poll/{id}"), "{}"), status, err);
    }
    assert_eq!(ok(&send(&mut client, "GET", "/ssf/status?stream_id=poller", ""), 200)["status"], "enabled");
    for path in ["/ssf/subjects:add", "/ssf/subjects:remove"] {
        assert!(refused(&send(&mut client, "POST", path, SUBJECT), 501, "server_error").contains("all users"));
    }
    server.stop();
}

#[test]
fn wrong_requests_are_refused_by_name() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    for (method, path, allowed) in [
        ("GET", POLL, "POST"),
        ("DELETE", "/ssf/status", "GET, HEAD, POST"),
        ("POST", "/ssf/streams", "GET, HEAD"),
        ("PATCH", "/ssf/streams", "GET, HEAD"),
        ("PUT", "/ssf/verify", "POST"),
        ("GET", "/ssf/subjects:add", "POST"),
    ] {
        let response = send(&mut client, method, path, "");
        assert_eq!(response.header("allow"), Some(allowed), "{method} {path}");
        refused(&response, 405, "invalid_request");
    }
    for path in [POLL, "/ssf/verify", "/ssf/status"] {
        for body in ["[]", "no JSON", "\"\"", "{", "\u{0}", "{\"a\": }", "nul", "[[[[", "{\"stream_id\": 1, \"maxEvents\": []}"] {
            refused(&send(&mut client, "POST", path, body), 400, "invalid_request");
        }
        let bytes = client.send("POST", path, "Content-Type: application/json\r\n", b"{\"a\": \"\xff\"}").expect("an answer");
        refused(&bytes, 400, "invalid_request");
        let nested = "[".repeat(200_000);
        refused(&send(&mut client, "POST", path, &nested), 400, "invalid_request");
        let kind = client.send("POST", path, "Content-Type: text/plain\r\n", b"{}").expect("an answer");
        assert!(refused(&kind, 415, "invalid_request").contains("application/json"));
        let packed = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
        let packed = client.send("POST", path, packed, b"{}").expect("an answer");
        assert!(refused(&packed, 415, "invalid_request").contains("Content-Encoding"));
        let mut another = client.another();
        let long = another.send("POST", path, "", &vec![b' '; 1024 * 1024 + 1]).expect("an answer");
        assert!(refused(&long, 413, "invalid_request").contains("1048576"));
    }
    let many = json!({"ack": vec!["1-0"; 10_001]}).to_string();
    assert!(refused(&send(&mut client, "POST", POLL, &many), 413, "invalid_request").contains("10000"));
    for status in [json!("asleep"), json!(null), json!(1)] {
        let body = json!({"stream_id": POLLER, "status": status}).to_string();
        assert!(refused(&send(&mut client, "POST", "/ssf/status", &body), 400, "invalid_request").contains("status"));
    }
    let body = json!({"stream_id": POLLER, "status": "disabled"}).to_string();
    refused(&send(&mut client, "POST", "/ssf/status", &body), 403, "access_denied");
    for path in ["/ssf/verify", "/ssf/status"] {
        assert!(refused(&send(&mut client, "POST", path, "{}"), 400, "invalid_request").contains("stream_id"));
    }
    assert!(refused(&send(&mut client, "GET", "/ssf/status", ""), 400, "invalid_request").contains("stream_id"));
    server.stop();
}
