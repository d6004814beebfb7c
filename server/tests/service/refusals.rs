//! Requests that are none: each is refused with a SCIM error, and leaves the device as it was.

use std::io::Write as _;

use serde_json::{Value, json};

use super::client::{Answer, BASE, Client, ended, open, raw};
use super::process::{Server, folder, judged, trail};

const JSON: &str = "Content-Type: application/json\r\n";

/// A service with one device of a PIN, whose state tells of any attempt.
struct Target {
    folder: tempfile::TempDir,
    server: Server,
    client: Client,
    path: String,
    before: Value,
}

impl Target {
    fn new() -> Self {
        let folder = folder();
        let server = Server::start(folder.path(), &["--set", "log=warn"]);
        let mut client = server.admin();
        let path = client.create(&json!({"type": "PIN", "user": "dilbert", "pin": "918273645"})).0;
        client.get(&format!("{path}/requestChallenge")).ok(200);
        let before = client.device(&path);
        Self { folder, server, client, path, before }
    }

    /// The address of the device or of something below it.
    fn at(&self, more: &str) -> String {
        format!("{BASE}{}{more}", self.path)
    }

    /// Sends a request on a connection of its own. The device must be as before.
    #[track_caller]
    fn send(&mut self, method: &str, target: &str, more: &str, body: &[u8]) -> Answer {
        let answer = self.client.another().send(method, target, more, body).expect("an answer");
        self.is_unchanged();
        answer
    }

    #[track_caller]
    fn is_unchanged(&mut self) {
        assert_eq!(self.client.device(&self.path), self.before);
    }
}

#[test]
fn bodies_that_are_no_json_or_of_the_wrong_types() {
    let mut target = Target::new();
    let (device, response) = (target.at(""), target.at("/responseChallenge"));
    let devices = format!("{BASE}/OtpDevice");
    for (method, address) in [("POST", &devices), ("PUT", &device), ("PATCH", &device), ("POST", &response)] {
        for body in ["", "{", "[]", "null", "{\"pin\": \"123\"", "{\"pin\" \"123\"}", "pin=123", "{\"pin\": \"\u{0}\"}"] {
            let answer = target.send(method, address, JSON, body.as_bytes());
            answer.refused(400);
            assert_eq!(answer.json()["scimType"], "invalidSyntax", "{method} {address} {body}");
        }
        target.send(method, address, JSON, b"{\"pin\": \"\xff\"}").refused(400);
        target.send(method, address, "Content-Type: text/plain\r\n", b"{\"pin\": \"123\"}").refused(415);
        target.send(method, address, "Content-Type: application/x-www-form-urlencoded\r\n", b"pin=123").refused(415);
    }
    for body in [json!({}), json!({"pin": 123}), json!({"pin": null}), json!({"pin": ["123"]}), json!({"pin": "1", "x": 1})] {
        target.send("POST", &response, JSON, body.to_string().as_bytes()).refused(400);
    }
    for body in [
        json!({"type": "TOTP"}),
        json!({"type": "SMS", "user": "dilbert"}),
        json!({"type": "EMAIL", "user": "dilbert"}),
        json!({"type": "PIN", "user": "dilbert"}),
        json!({"type": "FAX", "user": "dilbert"}),
        json!({"type": "TOTP", "user": 7}),
        json!({"type": "TOTP", "user": "dilbert", "colour": "red"}),
    ] {
        target.send("POST", &devices, JSON, body.to_string().as_bytes()).refused(400);
    }
    for body in [
        json!({"Operations": "all"}),
        json!({"Operations": [{"op": "replace", "path": "status", "value": 1}]}),
        json!({"Operations": [{"op": "move", "path": "status", "value": "D"}]}),
        json!({"Operations": [{"op": "replace", "path": "status", "value": "D"}, {"op": "replace", "path": "fails", "value": 0}]}),
    ] {
        target.send("PATCH", &device, JSON, body.to_string().as_bytes()).refused(400);
    }
    assert_eq!(target.client.get("/OtpDevice").ok(200)["totalResults"], 1);
}

#[test]
fn methods_and_addresses_that_are_not_there() {
    let mut target = Target::new();
    let device = target.at("");
    for (method, address, allowed) in [
        ("POST", device.clone(), "GET, PUT, PATCH, DELETE"),
        ("DELETE", target.at("/requestChallenge"), "GET, POST"),
        ("GET", target.at("/responseChallenge"), "POST"),
        ("PUT", format!("{BASE}/OtpDevice"), "GET, POST"),
        ("POST", format!("{BASE}/Schemas"), "GET"),
        // Methods that the service has nowhere.
        ("OPTIONS", device.clone(), "GET, PUT, PATCH, DELETE"),
        ("BREW", device.clone(), "GET, PUT, PATCH, DELETE"),
        ("TRACE", format!("{BASE}/OtpDevice"), "GET, POST"),
    ] {
        let answer = target.send(method, &address, "", b"");
        answer.refused(405);
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {address}");
    }
    // An answer to HEAD has no body, whatever it says of its length.
    let mut stream = open(target.server.address).unwrap();
    stream.get_mut().write_all(target.client.head("HEAD", &device, "Connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut all = String::new();
    std::io::Read::read_to_string(&mut stream, &mut all).unwrap();
    assert!(all.starts_with("HTTP/1.1 405 ") && all.ends_with("\r\n\r\n"), "{all}");

    for address in [
        "/".to_owned(),
        "/OtpDevice".to_owned(),
        "/soffid".to_owned(),
        BASE.to_owned(),
        format!("{BASE}x/OtpDevice"),
        format!("{BASE}/Users"),
        format!("{BASE}/OtpDevice/999999"),
        format!("{BASE}/OtpDevice/abc"),
        format!("{BASE}/OtpDevice/../OtpDevice/1x"),
        target.at("/challenge"),
        target.at("%2FrequestChallenge"),
        "/metrics/x".to_owned(),
    ] {
        target.send("GET", &address, "", b"").refused(404);
    }
}

#[test]
fn urls_that_are_not_rightly_encoded() {
    let mut target = Target::new();
    for address in ["/OtpDevice%", "/OtpDevice/%zz", "/OtpDevice/%ff", "/OtpDevice?filter=%4", "/OtpDevice?count=1&count=2"] {
        let answer = target.send("GET", &format!("{BASE}{address}"), "", b"");
        answer.refused(400);
        assert_eq!(answer.json()["scimType"], "invalidSyntax", "{address}");
    }
}

#[test]
fn bodies_that_are_too_long_or_end_too_soon() {
    let mut target = Target::new();
    let response = target.at("/responseChallenge");
    let pin = |bytes: usize| format!("{{\"pin\": \"{}\"}}", "1".repeat(bytes - 11)).into_bytes();
    let answer = target.send("POST", &response, JSON, &pin(1024 * 1024 + 1));
    assert!(answer.refused(413).contains("1048576"));
    // What is announced is refused before it is sent, and what is sent in chunks once it is too much.
    let head = target.client.head("POST", &response, &format!("{JSON}Content-Length: 2000000000\r\n\r\n"));
    raw(target.server.address, head.as_bytes()).expect("an answer").refused(413);
    let mut chunked = target.client.head("POST", &response, &format!("{JSON}Transfer-Encoding: chunked\r\n\r\n")).into_bytes();
    for _ in 0..17 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.resize(chunked.len() + 0x10000, b' ');
        chunked.extend_from_slice(b"\r\n");
    }
    raw(target.server.address, &chunked).expect("an answer").refused(413);
    target.is_unchanged();

    // Half a body is no answer to a challenge, even if what came of it would be one.
    let head = target.client.head("POST", &response, &format!("{JSON}Content-Length: 100\r\n\r\n{{\"pin\": \"000\"}}"));
    let mut stream = open(target.server.address).unwrap();
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    stream.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    if let Some(answer) = Answer::read(&mut stream) {
        answer.refused(400);
    }
    target.is_unchanged();

    // Of exactly the limit, it is read and judged as a code that is wrong.
    let mut client = target.client.another();
    let answer = client.send("POST", &response, JSON, &pin(1024 * 1024)).expect("an answer");
    assert_eq!(answer.verdict(), (false, false));
    assert_eq!(judged(&trail(target.folder.path(), &target.path), "wrong"), 1);
}

#[test]
fn headers_without_end() {
    let mut target = Target::new();
    let address = target.server.address;
    let ask = |client: &Client, more: String| raw(address, client.head("GET", &format!("{BASE}/OtpDevice"), &more).as_bytes());
    let many = "X-Many: x\r\n".repeat(1000);
    let long = format!("X-Long: {}\r\n", "x".repeat(1024 * 1024));
    for flood in [many, long] {
        if let Some(answer) = ask(&target.client, flood + "\r\n") {
            assert_eq!(answer.status, 431);
        }
    }
    if let Some(answer) = raw(address, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1024 * 1024)).as_bytes()) {
        assert!([414, 431].contains(&answer.status), "{answer:?}");
    }
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n\0\0\0\0"] {
        let mut stream = open(address).unwrap();
        stream.get_mut().write_all(bytes).unwrap();
        stream.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
        match Answer::read(&mut stream) {
            Some(answer) => assert_eq!(answer.status, 400, "{answer:?}"),
            None => assert!(ended(&mut stream)),
        }
    }
    // Two requests in one, as smugglers write them.
    let head = target.client.head("POST", &target.at("/responseChallenge"), "Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}");
    if let Some(answer) = raw(address, head.as_bytes()) {
        assert_eq!(answer.status, 400);
    }
    assert_eq!(target.send("GET", &format!("{BASE}/OtpDevice"), "", b"").ok(200)["totalResults"], 1);
}

#[test]
fn clients_that_are_slow_hold_up_nobody_else() {
    let mut target = Target::new();
    let head = target.client.head("POST", &target.at("/responseChallenge"), &format!("{JSON}Content-Length: 30\r\n\r\n"));
    let mut waiting = Vec::new();
    for number in 0..200 {
        let mut stream = open(target.server.address).unwrap();
        // Some stop within the headers, some within the body.
        let part = if number % 2 == 0 { head.len() / 2 } else { head.len() };
        stream.get_mut().write_all(&head.as_bytes()[..part]).unwrap();
        waiting.push(stream);
    }
    for _ in 0..8 {
        target.is_unchanged();
    }
    // The slow are answered when they have done.
    let body = b"{\"pin\": \"no code of any kind\"}";
    for (number, mut stream) in waiting.into_iter().enumerate().skip(190) {
        let rest = if number % 2 == 0 { &head.as_bytes()[head.len() / 2..] } else { b"" };
        stream.get_mut().write_all(&[rest, body].concat()).unwrap();
        assert!(!Answer::read(&mut stream).expect("an answer").verdict().0);
    }
    assert_eq!(target.client.device(&target.path)["fails"], 10);
}
