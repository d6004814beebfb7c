//! CORS: scripts of web pages of other origins.

use serde_json::json;

use super::client::{BASE, Client};
use super::process::{Server, folder};

const ALLOWED: &str = "https://portal.example.com";
const PREFLIGHT: &str = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n";

/// The field `Origin` of a page.
fn of(origin: &str) -> String {
    format!("Origin: {origin}\r\n")
}

#[test]
fn pages_are_refused_by_default() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=warn"]);
    let target = format!("{BASE}/OtpDevice");
    let answer = server.admin().send("GET", &target, &of(ALLOWED), b"").unwrap();
    answer.ok(200);
    for name in ["vary", "access-control-allow-origin"] {
        assert_eq!(answer.header(name), None);
    }
    let asked = server.admin().send("OPTIONS", &target, &(of(ALLOWED) + PREFLIGHT), b"").unwrap();
    asked.refused(405);
    assert_eq!(asked.header("access-control-allow-methods"), None);
}

#[test]
fn allowed_page_may_call_and_no_other() {
    let folder = folder();
    let origins = format!("allowed_origins=['http://localhost:3000', '{}']", ALLOWED.to_uppercase());
    let server = Server::start(folder.path(), &["--set", "log=warn", "--set", &origins]);
    let (mut admin, mut nobody) = (server.admin(), Client::anonymous(server.address));
    let target = format!("{BASE}/OtpDevice");

    // Browsers ask without an account.
    let asked = nobody.send("OPTIONS", &target, &(of(ALLOWED) + PREFLIGHT), b"").unwrap();
    assert_eq!((asked.status, asked.body.len()), (204, 0));
    assert_eq!(asked.header("access-control-allow-origin"), Some(ALLOWED));
    assert!(asked.header("access-control-allow-methods").unwrap().contains("PATCH"));
    for name in ["authorization", "content-type"] {
        assert!(asked.header("access-control-allow-headers").unwrap().split(", ").any(|known| known == name));
    }
    assert_eq!(asked.header("access-control-allow-credentials"), None, "scripts give the account themselves");

    let body = json!({"type": "TOTP", "user": "dilbert"}).to_string();
    let made = admin.send("POST", &target, &(of(ALLOWED) + "Content-Type: application/json\r\n"), body.as_bytes()).unwrap();
    made.ok(201);
    assert!(made.header("access-control-expose-headers").unwrap().contains("location"));
    // A refusal is to be read as well.
    let unknown = nobody.send("GET", &target, &of(ALLOWED), b"").unwrap();
    unknown.refused(401);
    for answer in [&made, &unknown] {
        assert_eq!(answer.headers("access-control-allow-origin"), [ALLOWED]);
        assert_eq!(answer.headers("vary"), ["origin"]);
    }

    for origin in ["https://other.example.com", "https://portal.example.com.evil.example", "http://portal.example.com", "null"] {
        admin.send("OPTIONS", &target, &(of(origin) + PREFLIGHT), b"").unwrap().refused(405);
        let answer = admin.send("GET", &target, &of(origin), b"").unwrap();
        answer.ok(200);
        assert_eq!((answer.header("access-control-allow-origin"), answer.headers("vary")), (None, vec!["origin"]), "{origin}");
    }
    // Not asked by a page, or not before a request.
    assert_eq!(admin.get("/OtpDevice").header("access-control-allow-origin"), None);
    admin.send("OPTIONS", &target, &of(ALLOWED), b"").unwrap().refused(405);
    // Operators' addresses are no page's.
    let health = nobody.send("GET", "/health", &of(ALLOWED), b"").unwrap();
    assert_eq!((health.status, health.header("access-control-allow-origin")), (200, None));
}
