//! Recovery codes: shown once, right once, renewed, and at no other place.

use std::fs;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use super::client::Client;
use super::process::{Run, Server, folder, judged, keyfob, log, trail};

const KINDS: [&str; 2] = ["--set", "otp.kinds=['TOTP', 'RECOVERY']"];
/// A code that is written as one, and is none of any device.
const WRONG: &str = "00000-00000-0000";

/// The codes that an answer shows.
fn codes(answer: &Value) -> Vec<String> {
    answer["recoveryCodes"].as_array().expect("codes").iter().map(|code| code.as_str().expect("text").to_owned()).collect()
}

fn create(client: &mut Client, user: &str) -> (String, Vec<String>) {
    let (path, created) = client.create(&json!({"type": "RECOVERY", "user": user}));
    (path, codes(&created))
}

#[track_caller]
fn renew(client: &mut Client, path: &str) -> Value {
    client.call("POST", &format!("{path}/renewCodes"), "").ok(200)
}

/// Runs a command to its end.
#[track_caller]
fn run(folder: &Path, args: &[&str]) -> String {
    Run::from_command(keyfob(folder, args), "").well()
}

/// All files of a folder, whose secrets are sealed.
fn files(folder: &Path) -> Vec<u8> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn codes_are_shown_when_they_are_made_and_never_again() {
    let folder = folder();
    let server = Server::start(folder.path(), &[&KINDS[..], &["--set", "log=trace"]].concat());
    let mut client = server.admin();
    let (path, old) = create(&mut client, "alice");
    assert_eq!(old.len(), 10);
    let asked = client.get(&format!("{path}/requestChallenge")).ok(200);
    assert_eq!(asked, json!({"cell": "PIN", "cardNumber": "Recovery codes"}));
    let typed = old[3].to_lowercase().replace('-', " ");
    assert_eq!(client.answer(&path, &typed).ok(200), json!({"success": true, "locked": false, "recoveryCodesLeft": 9}));
    assert_eq!(client.answer(&path, &old[3]).ok(200), json!({"success": false, "locked": false}));
    assert_eq!(client.answer(&path, WRONG).ok(200), json!({"success": false, "locked": false}));
    let fresh = renew(&mut client, &path);
    assert_eq!((&fresh["recoveryCodesLeft"], &fresh["fails"], &fresh["status"]), (&json!(10), &json!(1), &json!("V")));
    assert_eq!(client.answer(&path, &old[0]).verdict(), (false, false));
    let fresh = codes(&fresh);
    assert_eq!(client.answer(&path, &fresh[0]).verdict(), (true, false));
    assert_eq!(client.device(&path)["recoveryCodesLeft"], 9);

    let trail = trail(folder.path(), &path);
    let events: Vec<_> = trail.iter().rev().map(|line| line["event"].as_str().unwrap()).collect();
    let verify = ["otp-verify"; 2];
    let expected = ["credential-change:create", "otp-challenge", "otp-verify", "otp-verify", "otp-verify"];
    assert_eq!(events, [&expected[..], &["credential-change:renew-codes"], &verify].concat());
    let reasons: Vec<_> = trail.iter().rev().skip(2).map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["right", "replayed", "wrong", "V", "wrong", "right"]);
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    let line = "keyfob_requests_total{operation=\"renewCodes\",status=\"200\"} 1";
    assert!(metrics.text().lines().any(|it| it == line), "{}", metrics.text());

    let shown = [
        client.device(&path).to_string(),
        client.get("/OtpDevice").text().to_owned(),
        client.post("/OtpDevice/.search", &json!({"filter": "type eq \"RECOVERY\""})).text().to_owned(),
        client.status(&path, "V").text().to_owned(),
        Value::from(trail).to_string(),
        metrics.text().to_owned(),
    ];
    server.stop();
    let written = files(folder.path());
    assert!(log(folder.path()).contains("renewCodes"), "requests are logged");
    for code in old.iter().chain(&fresh) {
        for form in [code.clone(), code.replace('-', ""), code.to_lowercase(), code.to_lowercase().replace('-', " ")] {
            assert!(shown.iter().all(|text| !text.contains(&form)), "{form}");
            assert!(!written.windows(form.len()).any(|bytes| bytes == form.as_bytes()), "{form}");
        }
    }
}

#[test]
fn kind_is_off_in_the_profile_soffid_and_on_in_the_other() {
    let folder = folder();
    let body = json!({"type": "RECOVERY", "user": "alice"});
    let server = Server::start(folder.path(), &[]);
    assert!(!server.first.contains("RECOVERY"));
    let detail = server.admin().post("/OtpDevice", &body).refused(400);
    assert_eq!(detail, "type: RECOVERY is switched off here; otp.kinds in the configuration switches it on");
    server.stop();
    let server = Server::start(folder.path(), &KINDS);
    let (path, codes) = create(&mut server.admin(), "alice");
    server.stop();
    // A device that exists goes on working.
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
    assert_eq!(renew(&mut client, &path)["recoveryCodesLeft"], 10);
    server.stop();
    let server = Server::start(folder.path(), &["--profile", "rfc"]);
    server.admin().post("/OtpDevice", &body).ok(201);
}

#[test]
fn ten_wrong_codes_lock_and_a_renewal_opens_nothing() {
    let folder = folder();
    let server = Server::start(folder.path(), &KINDS);
    let mut client = server.admin();
    let (path, _) = create(&mut client, "alice");
    for fail in 1..=10 {
        assert_eq!(client.answer(&path, WRONG).verdict(), (false, fail == 10));
    }
    let fresh = renew(&mut client, &path);
    assert_eq!((&fresh["status"], &fresh["fails"]), (&json!("L"), &json!(10)));
    assert_eq!(client.answer(&path, &codes(&fresh)[0]).verdict(), (false, true));
    client.status(&path, "V").ok(200);
    assert_eq!(client.answer(&path, &codes(&fresh)[0]).verdict(), (true, false));
}

/// A code counts once, and exactly the codes that one renewal showed are those of the device.
#[test]
fn code_and_renewal_sent_many_times_at_once_count_once() {
    let folder = folder();
    let server = Server::start(folder.path(), &[&KINDS[..], &["--set", "log=warn"]].concat());
    let mut client = server.admin();
    let (path, old) = create(&mut client, "alice");
    let admin = &client;
    let at_once = |work: &(dyn Fn(&mut Client) -> Value + Sync)| -> Vec<Value> {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..32).map(|_| (admin.another(), work)).collect();
            let threads: Vec<_> = threads.into_iter().map(|(mut client, work)| scope.spawn(move || work(&mut client))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    let verdicts = at_once(&|client| client.answer(&path, &old[5]).ok(200));
    assert_eq!(verdicts.iter().filter(|verdict| verdict["success"] == true).count(), 1);
    // One that another has overtaken shows no codes, which would be dead.
    let shown = at_once(&|client| match client.call("POST", &format!("{path}/renewCodes"), "") {
        response if response.status == 409 => Value::Null,
        response => response.ok(200),
    });
    let shown: Vec<_> = shown.into_iter().filter(|body| !body.is_null()).collect();
    assert!(!shown.is_empty());
    let device = client.device(&path);
    assert_eq!((&device["fails"], &device["recoveryCodesLeft"]), (&json!(0), &json!(10)));
    let mut right = 0;
    for codes in shown.iter().map(codes) {
        right += usize::from(client.answer(&path, &codes[0]).verdict().0);
        client.status(&path, "V").ok(200);
    }
    assert_eq!(right, 1);
    let trail = trail(folder.path(), &path);
    assert_eq!((judged(&trail, "right"), judged(&trail, "replayed")), (2, 31));
    assert_eq!(trail.iter().filter(|line| line["event"] == "credential-change:renew-codes").count(), shown.len());
}

#[test]
fn codes_survive_backup_restore_and_rotation_and_no_token_file_has_them() {
    let folder = folder();
    let server = Server::start(folder.path(), &KINDS);
    let mut client = server.admin();
    let (path, codes) = create(&mut client, "alice");
    client.create(&json!({"type": "TOTP", "user": "alice"}));
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
    run(folder.path(), &["rotate-key", "--wait", "2"]);
    run(folder.path(), &["backup", "copy.db"]);
    assert_eq!(client.answer(&path, &codes[1]).verdict(), (true, false));
    let exported = run(folder.path(), &["export", "--format", "uris", "--output", "uris.txt"]);
    assert_eq!(exported, "exported: TOTP 1\nof kinds that no token file has: RECOVERY 1\n");
    server.stop();

    run(folder.path(), &["restore", "copy.db"]);
    let server = Server::start(folder.path(), &KINDS);
    let mut client = server.admin();
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (false, false), "it was used before the backup");
    assert_eq!(client.answer(&path, &codes[1]).ok(200)["recoveryCodesLeft"], 8);
}
