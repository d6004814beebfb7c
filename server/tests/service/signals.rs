//! The commands of signals: those that wait are listed, dead ones sent again, both dropped.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Client, Response};
use super::process::{Run, Server, folder, keyfob, log};

/// The receiver that polls, as in [`CONFIG`].
pub(crate) const POLLER: &str = "poller";
/// A receiver that polls, one that is out of reach, and one whose users have an attribute.
pub(crate) const CONFIG: &str = r#"
[signals]
issuer = "https://otp.example.com"
profile = "caep"

[[receiver]]
name = "poller"
audience = "https://poller.example.com"
account = "poller"

[[receiver]]
name = "pushed"
audience = "https://pushed.example.com"
url = "https://127.0.0.1:9/ssf/events?key=hidden"
account = "pushed"

[[receiver]]
name = "mailed"
audience = "https://mailed.example.com"
account = "mailed"
subject = "email"
subject_value = "${mail}"

[users]
ada = { mail = "ada@example.com" }
bob = {}
cyd = { mail = "cyd@example.com" }
"#;

/// A folder with the configuration, and a service with it.
pub(crate) fn start() -> (TempDir, Server) {
    let folder = folder();
    std::fs::write(folder.path().join("keyfob.toml"), CONFIG).expect("a file");
    let server = restart(folder.path());
    (folder, server)
}

/// A service in a folder that has the configuration.
pub(crate) fn restart(folder: &Path) -> Server {
    Server::start(folder, &["--config", "keyfob.toml"])
}

/// What a command on the store prints.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Run {
    Run::from_command(keyfob(folder, &[args, &["--config", "keyfob.toml"]].concat()), "")
}

/// A client with the account of a receiver, which is made.
pub(crate) fn receiver(folder: &Path, server: &Server, name: &str) -> Client {
    let token = run(folder, &["account", "add", name, "--roles", "query", "--token"]).well();
    Client::bearer(server.address, token.trim())
}

/// Sends a request with a body of JSON, if there is one.
#[track_caller]
pub(crate) fn send(client: &mut Client, method: &str, target: &str, body: &str) -> Response {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    client.send(method, target, kind, body.as_bytes()).expect("an answer")
}

/// Creates devices of these users, so that each is signalled.
#[track_caller]
pub(crate) fn create(server: &Server, users: &[&str]) -> Vec<i64> {
    let mut admin = server.admin();
    let created = users.iter().map(|user| admin.create(&json!({"type": "HOTP", "user": user, "status": "V"})).1);
    created.map(|device| device["id"].as_i64().expect("a number")).collect()
}

/// The signals that a list with these options has.
#[track_caller]
pub(crate) fn listed(folder: &Path, args: &[&str]) -> Vec<Value> {
    let lines = run(folder, &[&["signals", "list", "--json"], args].concat()).well();
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn accounts_of_receivers_that_do_not_exist_are_named_at_the_start() {
    let (folder, server) = start();
    let folder = folder.path();
    let is_named = |name: &str| log(folder).contains(&format!("its account \"{name}\" does not exist yet"));
    assert!([POLLER, "pushed", "mailed"].into_iter().all(is_named), "{}", log(folder));
    receiver(folder, &server, POLLER);
    drop(server);
    std::fs::remove_file(folder.join("log")).expect("the log of before");
    let _server = restart(folder);
    assert!(is_named("pushed") && !is_named(POLLER), "{}", log(folder));
}

#[test]
fn first_start_without_the_key_that_a_receiver_wants_leaves_no_file() {
    let folder = folder();
    let folder = folder.path();
    for (algorithm, option) in [("EdDSA", "--algorithm EdDSA"), ("RS256", "--import FILE")] {
        let config = CONFIG.replacen("account = \"poller\"", &format!("account = \"poller\"\nalgorithm = \"{algorithm}\""), 1);
        std::fs::write(folder.join("keyfob.toml"), config).expect("a file");
        let refused = run(folder, &["serve", "--listen", "127.0.0.1:0"]);
        let told = format!("the receiver poller wants a key for {algorithm}; keyfob make-signing-key {option} makes it");
        assert!(refused.status == Some(2) && refused.err.contains(&told), "{refused:?}");
        assert!(!folder.join("keyfob-signing.key").exists());
    }
    run(folder, &["make-signing-key", "--algorithm", "EdDSA"]).well();
}

#[test]
fn signals_are_listed_sent_again_and_dropped() {
    let (folder, server) = start();
    let ids = create(&server, &["ada", "bob"]);
    let folder = folder.path();
    assert_eq!(listed(folder, &[]).len(), 6, "one for each receiver");
    let one = listed(folder, &["--receiver", "pushed", "--device", &ids[1].to_string()]);
    assert_eq!(one.len(), 1, "{one:?}");
    assert_eq!(
        (&one[0]["event"], &one[0]["user"], &one[0]["device"], &one[0]["dead"], &one[0]["actor"]),
        (&json!("credential-change:create"), &json!("bob"), &json!(ids[1]), &json!(false), &json!("admin"))
    );
    let text = run(folder, &["signals", "list", "--receiver", "pushed", "--limit", "1"]).well();
    assert!(
        text.contains(&format!("waiting  credential-change:create   device {} of \"ada\"\n", ids[0])) && text.lines().count() == 1,
        "{text}"
    );
    assert_eq!(listed(folder, &["--dead"]), [Value::Null; 0]);
    assert_eq!(run(folder, &["signals", "retry", "--all"]).well(), "0 dead letters are to be sent again.\n");
    let args = ["signals", "drop", "--receiver", "pushed", "--device", &ids[0].to_string()];
    assert_eq!(run(folder, &args).well(), "1 signal is deleted.\n");
    let unknown = run(folder, &["signals", "drop", "--receiver", "none"]);
    assert!(unknown.err.contains("the configuration has no receiver \"none\""), "{unknown:?}");
    assert_eq!(unknown.well(), "0 signals are deleted.\n");
    assert_eq!(run(folder, &["signals", "drop", "--all", "--dead"]).well(), "0 signals are deleted.\n");
    assert_eq!(run(folder, &["signals", "drop", "--all", "--waiting"]).well(), "5 signals are deleted.\n");
    assert_eq!(listed(folder, &[]).len(), 0);
    server.stop();
}

#[test]
fn commands_of_signals_name_what_is_wrong() {
    let (folder, server) = start();
    for (args, named) in [
        (&["retry"][..], "--receiver"),
        (&["drop"], "--all"),
        (&["drop", "--all", "--receiver", "poller"], "--receiver"),
        (&["drop", "--all", "--dead", "--waiting"], "--waiting"),
        (&["list", "--dead", "--waiting"], "--waiting"),
        (&["list", "--device", "x"], "--device"),
        (&[], "Usage"),
    ] {
        let run = run(folder.path(), &[&["signals"], args].concat());
        assert!(run.status == Some(2) && run.out.is_empty() && run.err.contains(named), "{run:?}");
    }
    server.stop();
    // Neither a store nor a key is made.
    let empty = super::process::folder();
    for args in [&["list"][..], &["retry", "--all"], &["drop", "--all"]] {
        let run = Run::from_command(keyfob(empty.path(), &[&["signals"], args].concat()), "");
        assert!(run.status == Some(2) && run.err.contains("store: there is none"), "{run:?}");
    }
    assert_eq!(std::fs::read_dir(empty.path()).expect("a folder").count(), 0);
}

#[test]
fn signing_keys_are_made_added_and_promoted() {
    let folder = folder();
    let run = |args: &[&str]| Run::from_command(keyfob(folder.path(), args), "");
    let rotated = run(&["rotate-signing-key"]);
    assert!(rotated.status == Some(2) && rotated.err.contains("keyfob make-signing-key"), "{rotated:?}");
    let text = run(&["make-signing-key", "--algorithm", "EdDSA"]).well();
    let first = text.trim().rsplit(' ').next().expect("an id");
    assert!(text.starts_with("keyfob-signing.key: created, with the key "), "{text}");
    let again = run(&["make-signing-key"]);
    assert!(again.status == Some(2) && again.err.contains("keyfob-signing.key"), "{again:?}");
    let lines = || {
        let text = std::fs::read_to_string(folder.path().join("keyfob-signing.key")).expect("the file");
        text.lines().map(|line| line.split(' ').take(2).map(str::to_owned).collect()).collect::<Vec<Vec<_>>>()
    };
    let text = run(&["rotate-signing-key"]).well();
    let second = text.trim().rsplit("--promote ").next().and_then(|rest| rest.split(' ').next()).expect("an id");
    let text = run(&["rotate-signing-key", "--algorithm", "ES256"]).well();
    let third = text.trim().rsplit("--promote ").next().and_then(|rest| rest.split(' ').next()).expect("an id");
    assert_eq!(lines(), [[first, "EdDSA"], [second, "ES256"], [third, "ES256"]]);
    assert_eq!(
        run(&["rotate-signing-key", "--promote", third]).well(),
        format!(
            "keyfob-signing.key: the key {third} signs from now on for receivers that have its algorithm; the first line, the key {first}, \
             signs for receivers without an algorithm, until another line is moved before it\n"
        )
    );
    assert_eq!(lines(), [[first, "EdDSA"], [third, "ES256"], [second, "ES256"]]);
    assert!(run(&["rotate-signing-key", "--promote", third]).well().contains("signs already"));
    for (args, named) in [
        (&["--promote", "nothing"][..], "there is no key nothing"),
        // One key id of 64 begins so.
        (&["--promote", "-nothing"], "there is no key -nothing"),
        (&["--promote", first, "--algorithm", "ES256"], "--algorithm"),
        (&["--algorithm", "RS256"], "must be imported"),
        (&["--algorithm", "HS256"], "must be ES256 or EdDSA"),
        (&["--import", "nothing.pem"], "nothing.pem"),
        (&["--import", "keyfob-signing.key"], "must be a PEM file"),
    ] {
        let run = run(&[&["rotate-signing-key"], args].concat());
        assert!(run.status == Some(2) && run.out.is_empty() && run.err.contains(named), "{run:?}");
    }
    assert_eq!(lines().len(), 3);
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    std::fs::write(folder.path().join("own.pem"), key).expect("a file");
    run(&["rotate-signing-key", "--import", "own.pem"]).well();
    assert_eq!(lines().last().expect("a line")[1], "ES256");
    let twice = run(&["rotate-signing-key", "--import", "own.pem"]);
    assert!(twice.status == Some(2) && twice.err.contains("is in it already"), "{twice:?}");
}

#[test]
fn event_that_is_not_fetched_for_too_long_is_a_dead_letter() {
    let (folder, server) = start();
    create(&server, &["ada", "bob"]);
    server.stop();
    let store = rusqlite::Connection::open(folder.path().join("keyfob.db")).expect("a store");
    store
        .execute("UPDATE outbox SET at = at - 7 * 86400 WHERE id IN (SELECT min(id) FROM outbox WHERE receiver = 'poller')", ())
        .expect("it is written");
    drop(store);
    let server = restart(folder.path());
    let dead = || listed(folder.path(), &["--receiver", POLLER, "--dead"]);
    while dead().is_empty() {
        std::thread::yield_now();
    }
    let [dead] = dead().try_into().expect("one");
    assert_eq!(
        (&dead["user"], &dead["error"]),
        (&json!("ada"), &json!("given up after 168 hours: the receiver did not accept it"))
    );
    let left = listed(folder.path(), &["--receiver", POLLER, "--waiting"]);
    assert_eq!((left.len(), &left[0]["user"]), (1, &json!("bob")), "{left:?}");
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    assert!(metrics.text().contains(r#"keyfob_signals_total{receiver="poller",outcome="given_up"} 1"#), "{}", metrics.text());
    server.stop();
}

#[test]
fn full_outbox_loses_what_comes_then_and_holds_up_no_request() {
    let folder = folder();
    // Nothing listens there.
    let config = "[signals]\nissuer = \"https://otp.example.com\"\nprofile = \"caep\"\nmax_waiting = 3\n[[receiver]]\n\
                  name = \"dead\"\naudience = \"https://dead.example.com\"\nurl = \"http://127.0.0.1:9/\"\n";
    std::fs::write(folder.path().join("keyfob.toml"), config).unwrap();
    let server = restart(folder.path());
    // It counts the rows for its metrics.
    let has = |line: &str| server.anonymous().send("GET", "/metrics", "", b"").unwrap().text().lines().any(|one| one == line);
    let lost = r#"keyfob_signals_total{receiver="dead",outcome="lost"} 5"#;
    let users: Vec<_> = (0..8).map(|number| format!("user{number}")).collect();
    let users: Vec<_> = users.iter().map(String::as_str).collect();
    create(&server, &users);
    assert_eq!(listed(folder.path(), &[]).len(), 3);
    assert!(has(lost) && has(r#"keyfob_signals_waiting{receiver="dead"} 3.0"#));
    let said = |text: &str| log(folder.path()).lines().filter(|line| line.contains(text)).count();
    assert_eq!(said("dead: its outbox is full: 3 signals wait"), 1, "once, and not for each");

    assert_eq!(run(folder.path(), &["signals", "drop", "--receiver", "dead"]).well(), "3 signals are deleted.\n");
    assert!(has(r#"keyfob_signals_waiting{receiver="dead"} 0.0"#));
    assert_eq!(said("dead: its outbox has room again; 5 signals were lost meanwhile"), 1);
    create(&server, &["ada"]);
    let left = listed(folder.path(), &[]);
    assert_eq!((left.len(), &left[0]["user"], has(lost)), (1, &json!("ada"), true));
    server.stop();
}
