//! Header fields of requests (RFC 9110), and the base address.

use std::io::{Read as _, Write as _};

use serde_json::json;

use super::client::{BASE, Client, Response, open};
use super::process::{Server, folder};

const JSON: &str = "Content-Type: application/json\r\n";

/// A service with one device. Returns its path, too.
fn service() -> (tempfile::TempDir, Server, Client, String) {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=warn"]);
    let mut client = server.admin();
    let path = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": "+34600112233"})).0;
    (folder, server, client, path)
}

/// What is answered on a connection that ends with it.
fn whole(server: &Server, client: &Client, method: &str, target: &str) -> String {
    let mut stream = open(server.address).unwrap();
    stream.get_mut().write_all(client.head(method, target, "Connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    all
}

#[test]
fn head_answers_like_get_without_the_body() {
    let (_folder, server, client, path) = service();
    for (target, status) in [
        (BASE.to_owned(), 200),
        (format!("{BASE}{path}"), 200),
        (format!("{BASE}/OtpDevice?count=1"), 200),
        (format!("{BASE}/Schemas"), 200),
        (format!("{BASE}/OtpDevice/1"), 404),
        (format!("{BASE}/Me"), 501),
        ("/health".to_owned(), 200),
    ] {
        let [head, get] = ["HEAD", "GET"].map(|method| whole(&server, &client, method, &target));
        let (get, body) = get.split_once("\r\n\r\n").unwrap();
        let fields = |head: &str| -> Vec<String> {
            head.lines().filter(|line| !line.starts_with("x-request-id") && !line.starts_with("date")).map(str::to_owned).collect()
        };
        assert!(get.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {get}");
        assert!(get.contains(&format!("content-length: {}", body.len())) && !body.is_empty(), "{target}: {get}");
        assert_eq!((fields(head.trim_end()), head.ends_with("\r\n\r\n")), (fields(get), true), "{target}");
    }
}

#[test]
fn base_lists_every_resource_with_and_without_a_slash() {
    let (_folder, _server, mut client, _path) = service();
    let devices = client.get("/OtpDevice").ok(200);
    assert_eq!(devices["Resources"][0]["name"], "SMS message to +3********33");
    for target in [BASE.to_owned(), format!("{BASE}/"), format!("/{BASE}"), format!("{BASE}?filter=type+eq+'SMS'")] {
        assert_eq!(client.send("GET", &target, "", b"").expect("an answer").ok(200), devices, "{target}");
    }
    for path in ["/Bulk", "/Me"] {
        client.post(path, &json!({})).refused(501);
    }
}

#[test]
fn response_has_the_preferred_media_type() {
    let (_folder, _server, mut client, path) = service();
    let mut media_type = |target: &str, accepted: &str| {
        let answer = client.send("GET", &format!("{BASE}{target}"), accepted, b"").expect("an answer");
        answer.json();
        answer.header("content-type").unwrap().to_owned()
    };
    for target in [path.as_str(), "/OtpDevice", "/Schemas", "/Users"] {
        assert_eq!(media_type(target, "Accept: application/json\r\n"), "application/json");
        assert_eq!(media_type(target, "Accept: text/html\r\nAccept: application/json;q=0.9, */*;q=0.1\r\n"), "application/json");
        for accepted in ["", "Accept: */*\r\n", "Accept: application/json, application/scim+json\r\n", "Accept: text/html\r\n"] {
            assert_eq!(media_type(target, accepted), "application/scim+json", "{accepted}");
        }
    }
}

#[test]
fn unmet_condition_or_encoding_changes_nothing() {
    let (_folder, _server, mut client, path) = service();
    let (target, before) = (format!("{BASE}{path}"), client.device(&path));
    let body = br#"{"Operations": [{"op": "replace", "path": "status", "value": "V"}]}"#;
    let mut send = |method: &str, more: &str, body: &[u8]| -> Response {
        client.send(method, &target, &format!("{JSON}{more}\r\n"), body).expect("an answer")
    };
    send("PATCH", "If-Match: W/\"1\"", body).refused(412);
    send("DELETE", "If-Match: \"1\"", b"").refused(412);
    send("PUT", "If-None-Match: *", b"{}").refused(412);
    for coding in ["gzip", "br"] {
        let answer = send("PATCH", &format!("Content-Encoding: {coding}"), b"\x1f\x8b\x08\0");
        answer.refused(415);
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    assert_eq!(send("GET", "If-None-Match: \"1\"", b"").ok(200), before);
    assert_eq!(send("PATCH", "If-Match: *\r\nContent-Encoding: identity", body).ok(200)["status"], "V");
}
