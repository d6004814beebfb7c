//! Malformed requests: each is refused with a SCIM error, and changes nothing.

use std::io::Write as _;

use serde_json::{Value, json};

use super::client::{BASE, Client, Response, ask_and_close, ended, open, raw};
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
    fn send(&mut self, method: &str, target: &str, more: &str, body: &[u8]) -> Response {
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
fn bodies_that_are_no_json_or_of_wrong_types_are_refused() {
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
    for body in [json!({}), json!({"pin": -123}), json!({"pin": null}), json!({"pin": ["123", "123"]}), json!({"pin": "1", "x": 1})]
    {
        target.send("POST", &response, JSON, body.to_string().as_bytes()).refused(400);
    }
    for body in [
        json!({"type": "TOTP"}),
        json!({"type": "SMS", "user": "dilbert"}),
        json!({"type": "EMAIL", "user": "dilbert"}),
        json!({"type": "PIN", "user": "dilbert"}),
        json!({"type": "FAX", "user": "dilbert"}),
        json!({"type": "TOTP", "user": 7.5}),
        json!({"type": "TOTP", "user": "dilbert", "colour": "red"}),
    ] {
        target.send("POST", &devices, JSON, body.to_string().as_bytes()).refused(400);
    }
    for body in [
        json!({"Operations": "all"}),
        json!({"Operations": [{"op": "replace", "path": "status", "value": 1}]}),
        json!({"Operations": [{"op": "move", "path": "status", "value": "D"}]}),
        json!({"Operations": [{"op": "replace", "path": "status", "value": "D"}, {"op": "replace", "path": "fails", "value": 7}]}),
    ] {
        target.send("PATCH", &device, JSON, body.to_string().as_bytes()).refused(400);
    }
    assert_eq!(target.client.get("/OtpDevice").ok(200)["totalResults"], 1);
}

#[test]
fn unknown_methods_and_addresses_are_refused() {
    let mut target = Target::new();
    let device = target.at("");
    for (method, address, allowed) in [
        ("POST", device.clone(), "GET, HEAD, PUT, PATCH, DELETE"),
        ("DELETE", target.at("/requestChallenge"), "GET, POST"),
        ("HEAD", target.at("/requestChallenge"), "GET, POST"),
        ("GET", target.at("/responseChallenge"), "POST"),
        ("PUT", format!("{BASE}/OtpDevice"), "GET, HEAD, POST"),
        ("POST", format!("{BASE}/Schemas"), "GET, HEAD"),
        ("POST", BASE.to_owned(), "GET, HEAD"),
        // Methods that the service has nowhere.
        ("OPTIONS", device.clone(), "GET, HEAD, PUT, PATCH, DELETE"),
        ("BREW", device.clone(), "GET, HEAD, PUT, PATCH, DELETE"),
        ("TRACE", format!("{BASE}/OtpDevice"), "GET, HEAD, POST"),
    ] {
        if method == "HEAD" {
            let head = target.client.head(method, &address, "Connection: close\r\n\r\n");
            let mut all = String::new();
            let mut stream = open(target.server.address).unwrap();
            stream.get_mut().write_all(head.as_bytes()).unwrap();
            std::io::Read::read_to_string(&mut stream, &mut all).unwrap();
            assert!(all.starts_with("HTTP/1.1 405 ") && all.contains(allowed) && all.ends_with("\r\n\r\n"), "{all}");
            continue;
        }
        let answer = target.send(method, &address, "", b"");
        answer.refused(405);
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {address}");
    }

    for address in [
        "/".to_owned(),
        "/OtpDevice".to_owned(),
        "/soffid".to_owned(),
        format!("{BASE}x"),
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
fn malformed_url_encodings_are_refused() {
    let mut target = Target::new();
    for address in ["/OtpDevice%", "/OtpDevice/%zz", "/OtpDevice/%ff", "/OtpDevice?filter=%4", "/OtpDevice?count=1&count=2"] {
        let answer = target.send("GET", &format!("{BASE}{address}"), "", b"");
        answer.refused(400);
        assert_eq!(answer.json()["scimType"], "invalidSyntax", "{address}");
    }
}

#[test]
fn bodies_that_are_too_long_or_end_too_soon_are_refused() {
    let mut target = Target::new();
    let response = target.at("/responseChallenge");
    let pin = |bytes: usize| format!("{{\"pin\": \"{}\"}}", "1".repeat(bytes - 11)).into_bytes();
    let answer = target.send("POST", &response, JSON, &pin(1024 * 1024 + 1));
    assert!(answer.refused(413).contains("1048576"));
    // What is announced is refused before it is sent, and what is sent in chunks once it is too
    // much.
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
    ask_and_close(target.server.address, head.as_bytes()).expect("an answer").refused(400);
    target.is_unchanged();

    // Of exactly the limit, it is read and judged as a code that is wrong.
    let mut client = target.client.another();
    let answer = client.send("POST", &response, JSON, &pin(1024 * 1024)).expect("an answer");
    assert_eq!(answer.verdict(), (false, false));
    assert_eq!(judged(&trail(target.folder.path(), &target.path), "wrong"), 1);
}

/// The client has written all of its request before it reads: the answer must outlive what is still
/// on its way.
#[test]
fn refusals_arrive_although_the_body_is_not_read() {
    let target = Target::new();
    let response = target.at("/responseChallenge");
    let (mut known, nobody) = (target.client.another(), Client::anonymous(target.server.address));
    for round in 0..20 {
        for bytes in [1024 * 1024 + 1, 6 * 1024 * 1024] {
            let body = vec![b' '; bytes];
            let send = |client: &Client, address: &str, kind: &str| client.another().send("POST", address, kind, &body);
            for (answer, status) in [
                (send(&known, &response, JSON), 413),
                (send(&nobody, &response, JSON), 401),
                (send(&nobody, "/elsewhere", JSON), 404),
            ] {
                let answer = answer.unwrap_or_else(|| panic!("round {round}: no answer where {status} is right"));
                answer.refused(status);
                assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
            }
        }
    }
    known.get("/OtpDevice").ok(200);
}

#[test]
fn malformed_http_is_refused_in_scim() {
    let mut target = Target::new();
    let address = target.server.address;
    let ask = |client: &Client, more: String| raw(address, client.head("GET", &format!("{BASE}/OtpDevice"), &more).as_bytes());
    let many = "X-Many: x\r\n".repeat(1000);
    let long = format!("X-Long: {}\r\n", "x".repeat(1024 * 1024));
    for flood in [many, long] {
        ask(&target.client, flood + "\r\n").expect("an answer").refused(431);
    }
    let line = |bytes: usize| raw(address, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(bytes)).as_bytes()).expect("an answer");
    line(1024 * 1024).refused(431);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"\r\n\r\n\r\n\0\0\0\0",
    ] {
        let answer = raw(address, bytes).expect("an answer");
        assert!(answer.refused(400).contains("HTTP/1.1"), "{answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
        ask_and_close(address, bytes).expect("an answer").refused(400);
    }
    // Two requests in one, as smugglers write them.
    let head = target.client.head("POST", &target.at("/responseChallenge"), "Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}");
    raw(address, head.as_bytes()).expect("an answer").refused(400);
    // Behind requests that are right, each of which has its answer.
    let right = target.client.head("GET", &format!("{BASE}{}", target.path), "\r\n");
    let mut stream = open(address).unwrap();
    stream.get_mut().write_all(format!("{right}{right}GET\r\n\r\n").as_bytes()).unwrap();
    for _ in 0..2 {
        assert_eq!(Response::read(&mut stream).expect("an answer").ok(200), target.before);
    }
    Response::read(&mut stream).expect("an answer").refused(400);
    assert!(ended(&mut stream));
    assert_eq!(target.send("GET", &format!("{BASE}/OtpDevice"), "", b"").ok(200)["totalResults"], 1);
}

/// RFC 9112 section 3.2. A proxy and this service may otherwise mean two hosts by one request.
#[test]
fn requests_name_one_host() {
    let target = Target::new();
    let authorization = target.client.head("GET", "/", "").lines().nth(2).expect("an account").to_owned();
    let ask = |version: &str, address: &str, hosts: &[&str]| {
        let mut lines = vec![format!("GET {address} {version}"), authorization.clone(), "Connection: close".to_owned()];
        lines.extend(hosts.iter().map(|host| format!("Host: {host}")));
        raw(target.server.address, format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).expect("an answer")
    };
    let devices = format!("{BASE}/OtpDevice");
    for address in [devices.as_str(), "/health", "http://otp.example.com/health"] {
        for hosts in
            [&[][..], &["otp.example.com", "otp.example.com"], &["otp.example.com/x"], &["otp example"], &["a@otp.example.com"]]
        {
            assert!(ask("HTTP/1.1", address, hosts).refused(400).contains("Host"), "{address} {hosts:?}");
        }
        for host in ["otp.example.com", "otp.example.com:8080", "192.0.2.1", "[2001:db8::1]:8080", "otp_1.example.com", ""] {
            assert_eq!(ask("HTTP/1.1", address, &[host]).status, 200, "{address} {host}");
        }
    }
    // HTTP/1.0 knows none.
    assert_eq!(ask("HTTP/1.0", "/health", &[]).status, 200);
    ask("HTTP/1.0", "/health", &["a", "b"]).refused(400);
}

#[test]
fn slow_clients_hold_up_no_other_client() {
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
        assert!(!Response::read(&mut stream).expect("an answer").verdict().0);
    }
    assert_eq!(target.client.device(&target.path)["fails"], 10);
}
