//! A token without a label: found by its codes, over HTTP and on the command line.

use serde_json::{Value, json};

use super::client::Client;
use super::process::{Run, Server, folder, hotp, keyfob, totp};

/// Secrets of RFC 4226 and of others, in Base32.
const SECRETS: [&str; 3] =
    ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"];

fn create(client: &mut Client, body: &Value) -> i64 {
    client.post("/OtpDevice", body).ok(201)["id"].as_i64().expect("a number")
}

#[test]
fn token_is_found_and_its_codes_stay_usable() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    for number in 0..40 {
        let kind = ["TOTP", "HOTP"][number % 2];
        create(&mut client, &json!({"type": kind, "user": format!("user{number}")}));
    }
    let one = create(&mut client, &json!({"type": "HOTP", "user": "ada", "secret": SECRETS[0]}));
    let other = create(&mut client, &json!({"type": "TOTP", "name": "FTK200-7", "secret": SECRETS[1]}));
    let codes = hotp(SECRETS[0], 6);
    let found = client.post("/OtpDevice/.find", &json!({"codes": [codes[4], codes[5]]})).ok(200);
    let device = &found["Resources"][0];
    assert_eq!((&found["totalResults"], &found["searched"], &device["id"]), (&json!(1), &json!(42), &json!(one)), "{found}");
    assert_eq!((&device["user"], &device["type"], &device["drift"]), (&json!("ada"), &json!("HOTP"), &json!(4)));
    assert_eq!(client.answer(&format!("/OtpDevice/{one}"), &codes[4]).verdict(), (true, false));
    let device = client.device(&format!("/OtpDevice/{one}"));
    assert_eq!((&device["fails"], &device["status"]), (&json!(0), &json!("V")));

    let codes = totp(SECRETS[1], 2);
    let body = json!({"codes": codes, "filter": "not (user pr)"});
    let found = client.post("/OtpDevice/.find", &body).ok(200);
    assert_eq!((&found["searched"], &found["Resources"][0]["id"]), (&json!(1), &json!(other)), "{found}");
    assert!(found["odds"].as_str().unwrap().contains("by mere chance"), "{found}");

    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    for line in
        [r#"keyfob_requests_total{operation="find",status="200"} 2"#, r#"keyfob_events_total{event="otp-find",reason="found"} 2"#]
    {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    let trail = Run::from_command(keyfob(folder.path(), &["audit", "--json", "--device", &one.to_string()]), "").well();
    let line: Value =
        trail.lines().map(|line| serde_json::from_str(line).unwrap()).find(|line: &Value| line["event"] == "otp-find").unwrap();
    assert_eq!(
        (&line["actor"], &line["user"], &line["reason"], &line["drift"]),
        (&json!("admin"), &json!("ada"), &json!("found"), &json!(4))
    );
    for code in &codes {
        assert!(!super::process::log(folder.path()).contains(code) && !trail.contains(code.as_str()));
    }
    server.stop();
}

#[test]
fn search_needs_manage_and_its_limit_outlives_the_service() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let args = ["account", "add", "login", "--roles", "query,verify,cancel,unlock", "--token"];
    let token = Run::from_command(keyfob(folder.path(), &args), "").well();
    let mut login = Client::bearer(server.address, token.trim());
    let body = json!({"code": "123456"});
    assert!(login.post("/OtpDevice/.find", &body).refused(403).contains("manage"));
    let mut client = server.admin();
    assert_eq!(client.post("/OtpDevice/.find", &json!({"codes": ["123456"]})).ok(400)["scimType"], "invalidValue");
    client.post("/OtpDevice/.find", &body).ok(200);
    server.stop();

    let server = Server::start(folder.path(), &[]);
    let refusal = server.admin().post("/OtpDevice/.find", &body);
    let wait: u64 = refusal.header("retry-after").expect("a time").parse().expect("seconds");
    assert!(refusal.refused(429).contains("of all accounts together") && (200..=300).contains(&wait), "{wait}");
    server.stop();
}

#[test]
fn command_finds_a_token_beside_the_service() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    create(&mut client, &json!({"type": "HOTP", "user": "grace", "secret": SECRETS[0]}));
    let id = create(&mut client, &json!({"type": "HOTP", "user": "ada", "secret": SECRETS[2]}));
    client
        .call("PATCH", &format!("/OtpDevice/{id}"), r#"{"Operations": [{"op": "replace", "path": "status", "value": "L"}]}"#)
        .ok(200);
    let codes = hotp(SECRETS[2], 3);
    let run = |args: &[&str], input: &str| Run::from_command(keyfob(folder.path(), &[&["find"], args].concat()), input);
    for (args, input) in [
        (vec![codes[1].as_str(), &codes[2]], String::new()),
        (vec![], format!("{}\n{} {}\n", codes[1], &codes[2][..3], &codes[2][3..])),
    ] {
        let text = run(&args, &input).well();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with(&format!("device {id} \"HOTP0000000")), "{text}");
        assert!(lines[0].ends_with("of \"ada\": HOTP, locked, drift 1"), "{text}");
        assert!(
            lines[1].starts_with("of 2 devices searched, at least one shows these two codes in a row by mere chance"),
            "{text}"
        );
    }
    let object: Value = serde_json::from_str(&run(&["--json", "--one-code", &codes[0]], "").well()).unwrap();
    assert_eq!((&object["total"], &object["searched"]), (&json!(1), &json!(2)));
    assert_eq!((&object["devices"][0]["id"], &object["devices"][0]["status"]), (&json!(id), &json!("locked")));
    // Out of the filter, and not there.
    for args in [&["--filter", "user eq \"grace\"", &codes[1], &codes[2]][..], &["000000", "111111"]] {
        let run = run(args, "");
        assert!(run.status == Some(1) && run.out.starts_with("not found\n"), "{run:?}");
    }
    for (args, input, word) in [
        (&["123456"][..], "", "--one-code"),
        (&["--one-code", "123456", "234567"], "", "--one-code"),
        (&["123456", "123456"], "", "are the same"),
        (&["12345", "123456"], "", "6 to 10"),
        (&["--filter", "nothing", "123456", "234567"], "", "filter"),
        (&[], "123456\n", "holds no code"),
    ] {
        let run = run(args, input);
        assert!(run.status == Some(2) && run.out.is_empty() && run.err.contains(word), "{run:?}");
    }
    let trail = Run::from_command(keyfob(folder.path(), &["audit"]), "").well();
    let lines: Vec<_> = trail.lines().filter(|line| line.contains("otp-find")).collect();
    assert_eq!(lines.len(), 5, "{trail}");
    assert!(lines[4].contains(&format!("device {id} of \"ada\" by \"find\": found drift 1")), "{trail}");
    assert!(lines[0].contains("REFUSED") && lines[0].contains("not found"), "{trail}");
    server.stop();
}
