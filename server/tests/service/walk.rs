//! Each operation of Soffid's, with each kind of device, and codes of other programs.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::client::Client;
use super::process::{Server, folder, hotp, log, secret, totp, trail};
use super::sink::{self, Got, Manner};

/// A mail server and a gateway for text messages, and the configuration that sends codes there.
struct Post {
    mails: Got,
    texts: Got,
    calls: Got,
    toml: String,
    /// They live as long as it.
    _runtime: Runtime,
}

impl Post {
    fn open() -> Self {
        let runtime = Runtime::new().unwrap();
        let (smtp, mails) = runtime.block_on(sink::smtp(Manner::default()));
        let (http, texts) = runtime.block_on(sink::gateway(sink::answer("200 OK", "taken"), None));
        let (voice, calls) = runtime.block_on(sink::gateway(sink::answer("200 OK", "taken"), None));
        let toml = format!(
            "development = false\n\
             [email]\nserver = '127.0.0.1'\nport = {smtp}\nsecurity = 'none'\nfrom = 'otp@example.com'\nbody = 'code=${{PIN}}.'\n\
             [sms]\nurl = 'http://127.0.0.1:{http}/send'\nbody = 'to=${{PHONE}}&code=${{PIN}}.'\nsuccess_text = 'taken'\n\
             [voice]\nurl = 'http://127.0.0.1:{voice}/call'\nbody = 'to=${{PHONE}}&say=${{PIN_SPACED}}.&code=${{PIN}}.'\n"
        );
        Self { mails, texts, calls, toml, _runtime: runtime }
    }
}

/// The code in the last of what came. It came before the answer to the request.
pub(crate) fn code(got: &Got) -> String {
    let last = got.all().into_iter().rfind(|text| text.contains("code=")).expect("a message");
    let code = last.split_once("code=").unwrap().1.split('.').next().unwrap().to_owned();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    code
}

/// Digits of the same length that differ in each place.
fn other_than(code: &str) -> String {
    code.chars().map(|digit| if digit == '9' { '0' } else { char::from(digit as u8 + 1) }).collect()
}

/// What is typed for a challenge of a PIN: its digits at the positions that are asked.
fn digits_of(pin: &str, cell: &str) -> String {
    let signs = cell.strip_prefix("digits ").expect("digits").replace('▫', "");
    signs.chars().map(|position| pin.as_bytes()[position.to_digit(10).unwrap() as usize - 1] as char).collect()
}

/// A request of a challenge. Returns its cell.
fn challenge(client: &mut Client, path: &str, name: &Value) -> String {
    let asked = client.get(&format!("{path}/requestChallenge")).ok(200);
    assert_eq!(asked.as_object().unwrap().len(), 2);
    assert_eq!(&asked["cardNumber"], name);
    asked["cell"].as_str().unwrap().to_owned()
}

/// Right once, refused the second time; the tenth wrong answer says that it locks; then nothing is
/// right until it is unlocked.
fn life(client: &mut Client, body: &Value, mut ask: impl FnMut(&mut Client, &str, &Value) -> String) {
    let (path, created) = client.create(body);
    let name = created["name"].clone();
    for (key, value) in body.as_object().unwrap().iter().filter(|(key, _)| *key != "pin") {
        assert_eq!(&created[key], value);
    }
    assert_eq!((&created["status"], &created["fails"], &created["lastUsed"]), (&json!("C"), &json!(0), &Value::Null));
    assert_eq!(created["image"].is_string(), ["TOTP", "HOTP"].contains(&body["type"].as_str().unwrap()));
    let mut code = |client: &mut Client| ask(client, &path, &created);

    let right = code(client);
    assert_eq!(client.answer(&path, &right).verdict(), (true, false), "{name}");
    let device = client.device(&path);
    assert_eq!((&device["status"], &device["fails"]), (&json!("V"), &json!(0)));
    assert!(device["lastUsed"].is_string());
    assert!(device["image"].is_null());
    assert_eq!(client.answer(&path, &right).verdict(), (false, false), "{name}");
    // The code that an authenticator showed last is no fail.
    let fails = u32::from(created["image"].is_null());
    assert_eq!(client.device(&path)["fails"], fails, "{name}");
    let right = code(client);
    let wrong = other_than(&right);
    for fail in fails + 1..=10 {
        assert_eq!(client.answer(&path, &wrong).verdict(), (false, fail == 10), "{name}: {fail}");
    }
    assert_eq!(client.answer(&path, &right).verdict(), (false, true), "{name}");
    let device = client.device(&path);
    assert_eq!((&device["status"], &device["fails"]), (&json!("L"), &json!(10)));
    if created["image"].is_null() {
        client.get(&format!("{path}/requestChallenge")).refused(409);
    }
    let device = client.status(&path, "V").ok(200);
    assert_eq!((&device["status"], &device["fails"]), (&json!("V"), &json!(0)));
    let right = code(client);
    assert_eq!(client.answer(&path, &right).verdict(), (true, false), "{name}");

    assert_eq!(client.status(&path, "D").ok(200)["status"], "D");
    assert!(!client.answer(&path, &right).verdict().0);
    assert_eq!(client.status(&path, "C").ok(200)["status"], "C");
    let deleted = client.call("DELETE", &path, "");
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(client.device(&path)["status"], "D");
}

/// Codes of an authenticator that scanned the image: by the number of answers that were right.
fn scanned(folder: &Path, created: &Value) -> Vec<String> {
    let secret = secret(folder, created);
    if created["type"] == "HOTP" { hotp(&secret, 20) } else { totp(&secret, 3) }
}

#[test]
fn every_kind_lives_its_life() {
    let (folder, post) = (folder(), Post::open());
    let folder = folder.path();
    std::fs::write(folder.join("keyfob.toml"), &post.toml).unwrap();
    // A window in which the codes of several steps are right, for no test waits 30 seconds for the
    // next.
    let server = Server::start(folder, &["--config", "keyfob.toml", "--set", "policy.window=3"]);
    let mut client = server.admin();
    for kind in ["TOTP", "HOTP"] {
        let mut codes = Vec::new();
        let mut calls = 0;
        life(&mut client, &json!({"type": kind, "user": "franck"}), |client, path, created| {
            assert_eq!(challenge(client, path, &created["name"]), "PIN");
            if codes.is_empty() {
                codes = scanned(folder, created);
                assert_eq!(created["name"], format!("{kind}{:08}", if kind == "TOTP" { 1 } else { 2 }));
            }
            // The code that the lock refuses is right after it: what was never accepted is not
            // burnt.
            calls += 1;
            codes[usize::from(calls > 1)].clone()
        });
    }
    life(&mut client, &json!({"type": "SMS", "user": "dilbert", "phone": "6665552244"}), |client, path, created| {
        assert_eq!(created["name"], "SMS message to 66******44");
        assert_eq!(challenge(client, path, &created["name"]), "PIN");
        code(&post.texts)
    });
    life(&mut client, &json!({"type": "EMAIL", "user": "dilbert", "email": "dilbert@soffid.com"}), |client, path, created| {
        assert_eq!(created["name"], "Email message to di*****@so****.co*");
        assert_eq!(challenge(client, path, &created["name"]), "PIN");
        code(&post.mails)
    });
    let texts = post.texts.all();
    assert!(texts.iter().all(|text| text.starts_with("POST /send HTTP/1.1\n") && text.contains("\n\nto=6665552244&code=")));
    assert!(post.mails.all().contains(&"RCPT TO:<dilbert@soffid.com>".to_owned()));
}

#[test]
fn a_code_is_said_on_the_telephone() {
    let (folder, post) = (folder(), Post::open());
    std::fs::write(folder.path().join("keyfob.toml"), &post.toml).unwrap();
    let server = Server::start(folder.path(), &["--config", "keyfob.toml"]);
    let mut client = server.admin();
    let (path, _) = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": "6665552244"}));
    client.get(&format!("{path}/requestChallenge?channel=pigeon")).refused(400);
    client.get(&format!("{path}/requestChallenge?channel=voice")).ok(200);
    let code = code(&post.calls);
    let spaced: Vec<String> = code.chars().map(String::from).collect();
    assert!(post.calls.all()[0].contains(&format!("\n\nto=6665552244&say={}.&", spaced.join("+"))), "{:?}", post.calls.all());
    assert_eq!((post.calls.all().len(), post.texts.all().len()), (1, 0));
    assert_eq!(client.answer(&path, &code).verdict(), (true, false));
}

#[test]
fn messages_of_a_device_have_a_pause_between_them_also_over_a_restart() {
    let (folder, post) = (folder(), Post::open());
    std::fs::write(folder.path().join("keyfob.toml"), &post.toml).unwrap();
    let start =
        |pause: &str| Server::start(folder.path(), &["--config", "keyfob.toml", "--set", &format!("policy.message_pause={pause}")]);
    let server = start("300");
    let (path, _) = server.admin().create(&json!({"type": "SMS", "user": "dilbert", "phone": "6665552244"}));
    let ask = format!("{path}/requestChallenge");
    server.admin().get(&ask).ok(200);
    let refused = |server: &Server| {
        for address in [ask.clone(), format!("{ask}?channel=voice")] {
            let answer = server.admin().get(&address);
            let detail = answer.refused(429);
            let seconds = answer.header("retry-after").unwrap();
            assert!((1..=300).contains(&seconds.parse().unwrap()) && detail.contains(&format!("in {seconds} seconds")), "{detail}");
        }
    };
    refused(&server);
    server.stop();
    let server = start("300");
    refused(&server);
    assert_eq!((post.texts.all().len(), post.calls.all().len()), (1, 0));
    let first = code(&post.texts);
    server.stop();
    let server = start("0");
    server.admin().get(&ask).ok(200);
    assert_eq!((post.texts.all().len(), code(&post.texts)), (2, first.clone()), "within policy.code_reuse it is the same code");
    server.stop();
    let server = start("300");
    refused(&server);
    assert_eq!(server.admin().answer(&path, &first).verdict(), (true, false));
    server.admin().get(&ask).ok(200);
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    let line = "keyfob_requests_total{operation=\"requestChallenge\",status=\"429\"} 2";
    assert!(metrics.text().lines().any(|it| it == line), "{}", metrics.text());
}

#[test]
fn actions_of_administrators_are_in_the_trail() {
    let (folder, post) = (folder(), Post::open());
    std::fs::write(folder.path().join("keyfob.toml"), &post.toml).unwrap();
    let server = Server::start(folder.path(), &["--config", "keyfob.toml"]);
    let mut client = server.admin();
    let (path, created) = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": "6665552244"}));
    challenge(&mut client, &path, &created["name"]);
    let old = code(&post.texts);
    // Another number and back, as after a restored backup: what was sent is right no more.
    let replace = |phone| json!({"op": "replace", "path": "phone", "value": phone});
    let body = json!({"Operations": [replace("911222333"), replace("6665552244")]});
    assert_eq!(client.call("PATCH", &path, &body.to_string()).ok(200)["phone"], "6665552244");
    assert_eq!(client.answer(&path, &old).verdict(), (false, false));
    challenge(&mut client, &path, &created["name"]);
    assert_eq!(client.answer(&path, &code(&post.texts)).verdict(), (true, false));
    client.status(&path, "D").ok(200);
    client.status(&path, "V").ok(200);
    assert_eq!(client.call("DELETE", &path, "").status, 204);
    client.status(&path, "V").ok(200);
    let trail = trail(folder.path(), &path);
    let lines: Vec<_> = trail
        .iter()
        .rev()
        .filter_map(|line| Some((line["event"].as_str()?.strip_prefix("credential-change:")?, line["reason"].as_str()?)))
        .collect();
    let wanted = [("create", "C"), ("update", "C"), ("update", "D"), ("update", "V"), ("revoke", "D"), ("revive", "V")];
    assert_eq!(lines, wanted);
}

#[test]
fn a_counter_that_has_run_ahead_is_found_again() {
    for profile in ["soffid", "rfc"] {
        let folder = folder();
        let server = Server::start(folder.path(), &["--profile", profile]);
        let mut client = server.admin();
        let created = client.post("/OtpDevice", &json!({"type": "HOTP", "user": "franck"})).ok(201);
        let path = format!("/OtpDevice/{}", created["id"].to_string().trim_matches('"'));
        let codes = hotp(&secret(folder.path(), &created), 103);
        let resync = |client: &mut Client, first: usize, next: usize| {
            client.post(&format!("{path}/resync"), &json!({"pin": codes[first], "nextPin": codes[next]})).verdict()
        };
        assert_eq!(client.answer(&path, &codes[60]).verdict(), (false, false), "beyond the look-ahead");
        assert_eq!(resync(&mut client, 60, 62), (false, false));
        // The window of 100 counters begins with the first.
        assert_eq!(resync(&mut client, 101, 102), (false, false));
        assert_eq!(client.device(&path)["fails"], 3);
        assert_eq!(resync(&mut client, 60, 61), (true, false));
        assert_eq!(resync(&mut client, 60, 61), (false, false));
        assert_eq!(client.answer(&path, &codes[62]).verdict(), (true, false));
        let device = client.device(&path);
        assert_eq!((&device["status"], &device["fails"]), (&json!("V"), &json!(0)));
        let trail = trail(folder.path(), &path);
        let resyncs: Vec<_> = trail.iter().filter(|line| line["event"] == "otp-resync").collect();
        assert_eq!(resyncs.len(), 4);
        assert_eq!(
            (&resyncs[1]["success"], &resyncs[1]["drift"], &resyncs[1]["actor"]),
            (&json!(true), &json!(60), &json!("admin"))
        );
        let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
        let line = "keyfob_requests_total{operation=\"resync\",status=\"200\"} 4";
        assert!(metrics.text().lines().any(|it| it == line), "{}", metrics.text());
    }
}

#[test]
fn a_pin_is_asked_for_in_parts() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    let pin = "918273645";
    let (path, created) = client.create(&json!({"type": "PIN", "user": "dilbert", "pin": pin}));
    assert!(!created.to_string().contains(pin));
    let cell = challenge(&mut client, &path, &created["name"]);
    assert_eq!(cell.chars().count(), "digits ".len() + pin.len());
    let right = digits_of(pin, &cell);
    assert_eq!(right.len(), 3);
    assert_eq!(client.answer(&path, &other_than(&right)).verdict(), (false, false));
    assert_eq!(challenge(&mut client, &path, &created["name"]), cell, "the same positions until they are answered");
    assert_eq!(client.answer(&path, &right).verdict(), (true, false));
    assert_eq!(client.answer(&path, &right).verdict(), (false, false));
    let cell = challenge(&mut client, &path, &created["name"]);
    for fail in 2..=10 {
        assert_eq!(client.answer(&path, &other_than(&digits_of(pin, &cell))).verdict(), (false, fail == 10));
    }
    assert_eq!(client.answer(&path, &digits_of(pin, &cell)).verdict(), (false, true));
    assert_eq!(client.status(&path, "V").ok(200)["fails"], 0);
    let cell = challenge(&mut client, &path, &created["name"]);
    assert_eq!(client.answer(&path, &digits_of(pin, &cell)).verdict(), (true, false));
}

#[test]
fn devices_are_listed_filtered_searched_and_changed() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    for user in ["franck", "patricia", "agatha"] {
        client.create(&json!({"type": "TOTP", "user": user}));
        client.create(&json!({"type": "SMS", "user": user, "phone": "666555444"}));
    }
    let all = client.get("/OtpDevice").ok(200);
    assert_eq!((&all["totalResults"], &all["startIndex"]), (&json!(6), &json!(1)));
    let first = &all["Resources"][0];
    let url = format!("http://{}{}/OtpDevice/{}", server.address, super::client::BASE, first["id"]);
    assert_eq!(first["meta"]["location"], url);
    assert_eq!(first["meta"]["links"]["responseChallenge"], format!("{url}/responseChallenge"));
    // The links lead where they say.
    let path = first["meta"]["links"]["requestChallenge"].as_str().unwrap().split_once("/scim2/v1").unwrap().1;
    assert_eq!(client.get(path).ok(200)["cell"], "PIN");

    let totp = client.get("/OtpDevice?filter=type%20eq%20%22TOTP%22").ok(200);
    assert_eq!(totp["totalResults"], 3);
    let page = client.get("/OtpDevice?filter=type+eq+'TOTP'&sortBy=user&sortOrder=descending&count=2&attributes=user").ok(200);
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(3), &json!(2)));
    let users: Vec<_> = page["Resources"].as_array().unwrap().iter().map(|device| device["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["patricia", "franck"]);
    assert!(page["Resources"][0]["type"].is_null());
    let found = client.post("/OtpDevice/.search", &json!({"filter": "phone sw \"666\" and user co \"gat\""})).ok(200);
    assert_eq!(found["totalResults"], 1);
    let id = found["Resources"][0]["id"].as_i64().unwrap();
    assert_eq!(client.get(&format!("/OtpDevice?filter=id+eq+{id}")).ok(200)["Resources"][0], found["Resources"][0]);
    client.get("/OtpDevice?filter=users+pr").refused(400);

    let path = format!("/OtpDevice/{id}");
    let put = json!({"type": "SMS", "user": "agatha", "phone": "+34 600 700 811", "status": "V"});
    let changed = client.call("PUT", &path, &put.to_string()).ok(200);
    assert_eq!((&changed["phone"], &changed["status"]), (&json!("+34 600 700 811"), &json!("V")));
    assert_eq!(client.device(&path), changed);
    assert_eq!(client.post("/OtpDevice", &json!({"type": "SMS", "user": "x"})).ok(400)["scimType"], "invalidValue");
    for name in ["ServiceProviderConfig", "ResourceTypes", "Schemas"] {
        client.get(&format!("/{name}")).ok(200);
    }
    let created = client.post("/OtpDevice", &json!({"type": "HOTP", "user": "x"}));
    let location = created.header("location").unwrap().to_owned();
    assert_eq!(created.ok(201)["meta"], json!({"location": location, "resourceType": "OtpDevice"}));
    // The seed writes the path with two slashes.
    let doubled = format!("/{}", location.split_once(&server.address.to_string()).unwrap().1);
    assert_eq!(client.send("GET", &doubled, "", b"").unwrap().ok(200)["meta"]["location"], location);
}

#[test]
fn a_code_that_was_not_delivered_is_neither_lost_nor_burnt() {
    let folder = folder();
    let runtime = Runtime::new().unwrap();
    let closed = runtime.block_on(sink::closed());
    let toml = |port: u16| format!("[sms]\nurl = 'http://127.0.0.1:{port}/'\nbody = 'code=${{PIN}}.'\nsuccess_text = 'taken'\n");
    std::fs::write(folder.path().join("keyfob.toml"), toml(closed)).unwrap();
    let server = Server::start(folder.path(), &["--config", "keyfob.toml"]);
    let (path, created) = server.admin().create(&json!({"type": "SMS", "user": "dilbert", "phone": "6665552244"}));
    let began = Instant::now();
    let detail = server.admin().get(&format!("{path}/requestChallenge")).refused(502);
    // The log has host and port.
    assert!(detail.contains("gateway 1: no connection") && !detail.contains(&closed.to_string()), "{detail}");
    assert!(log(folder.path()).contains(&format!("127.0.0.1:{closed} ")) && began.elapsed() < Duration::from_secs(60), "{detail}");
    assert_eq!(server.admin().device(&path)["fails"], 0);
    server.stop();

    let (port, texts) = runtime.block_on(sink::gateway(sink::answer("200 OK", "taken"), None));
    std::fs::write(folder.path().join("keyfob.toml"), toml(port)).unwrap();
    let server = Server::start(folder.path(), &["--config", "keyfob.toml"]);
    assert_eq!(challenge(&mut server.admin(), &path, &created["name"]), "PIN");
    assert_eq!(server.admin().answer(&path, &code(&texts)).verdict(), (true, false));
    assert_eq!(texts.all().len(), 1);
}
