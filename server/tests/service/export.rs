//! `keyfob export` beside a running service: the files, the trail, and what is left out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use keyfob_tokens::{Format, Keys, Token, read};
use serde_json::{Value, json};

use super::process::{Run, Server, folder, hotp, keyfob, program, trail};
use super::soffid::counted;

/// The secret of RFC 4226, appendix D, in the forms that formats have.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const FORMS: [&str; 4] =
    [SECRET, "12345678901234567890", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "3132333435363738393031323334353637383930"];
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn export(folder: &Path, args: &[&str]) -> Run {
    Run::from_command(keyfob(folder, &[&["export"], args].concat()), "")
}

/// A command that is refused: what it says, and that it left no file.
#[track_caller]
fn refused(folder: &Path, args: &[&str], reason: &str) {
    let run = export(folder, args);
    assert!(run.status == Some(2) && run.out.is_empty() && run.err.contains(reason), "{reason}: {run:?}");
    assert!(["new.xml", "new"].iter().all(|name| !folder.join(name).exists()), "{run:?}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn tokens(path: &Path, keys: &Keys) -> Vec<Token> {
    let file = fs::read(path).unwrap();
    let mut tokens: Vec<_> = read(Format::detect(&file).unwrap(), &*file, keys).map(|token| token.unwrap()).collect();
    tokens.sort_by(|one, other| one.id.cmp(&other.id));
    tokens
}

/// Creates a device and returns its id.
fn create(server: &Server, body: &Value) -> String {
    let (path, _) = server.admin().create(body);
    path.rsplit('/').next().unwrap().to_owned()
}

fn hotp_token(user: &str) -> Value {
    json!({"type": "HOTP", "user": user, "secret": SECRET})
}

fn exports(folder: &Path, id: &str) -> usize {
    trail(folder, id).iter().filter(|line| line["event"] == "otp-export").count()
}

#[test]
fn secrets_leave_in_an_encrypted_file_with_a_line_of_the_trail_each() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let serial = json!({"type": "TOTP", "name": "FTK200-7", "secret": SECRET, "period": 60, "digits": 8, "notAfter": "2999-12-31"});
    let used = create(&server, &hotp_token("alice"));
    let ids = [used.clone(), create(&server, &serial)];
    let other = create(&server, &json!({"type": "PIN", "user": "alice", "pin": "12345678"}));
    let mut client = server.admin();
    client.answer(&format!("/OtpDevice/{used}"), &hotp(SECRET, 1)[0]).ok(200);
    fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
    fs::write(folder.path().join("password"), "correct horse\n").unwrap();

    for (name, key) in [("key.xml", ["--key-file", "key"]), ("password.xml", ["--password-file", "password"])] {
        let run = export(folder.path(), &[&["--output", name][..], &key].concat());
        assert_eq!(run.status, Some(0), "{run:?}");
        assert_eq!(run.out, "exported: HOTP 1, TOTP 1\nof kinds that no token file has: PIN 1\n");
        assert!(run.err.contains("all users of this machine can read") && !run.err.contains("in the clear"), "{run:?}");
        let path = folder.path().join(name);
        assert_eq!(mode(&path), 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!FORMS.iter().any(|secret| text.contains(secret)), "{text}");
        let keys = Keys::new().with_key(&data_encoding::HEXLOWER.decode(KEY.as_bytes()).unwrap()).with_password("correct horse");
        let found = tokens(&path, &keys);
        let [token, used] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (token.serial.as_deref(), token.account.as_deref(), token.not_after),
            (Some("FTK200-7"), None, Some(32_503_593_600))
        );
        assert_eq!((token.period, token.digits.unwrap().get(), token.secret.expose()), (Some(60), 8, &b"12345678901234567890"[..]));
        // The code of counter 0 was used.
        assert_eq!((used.id.as_deref(), used.account.as_deref(), used.counter), (Some("HOTP00000001"), Some("alice"), Some(1)));
    }
    for id in &ids {
        assert_eq!(exports(folder.path(), id), 2);
        let line = &trail(folder.path(), id)[0];
        assert_eq!((&line["event"], &line["actor"], &line["success"]), (&json!("otp-export"), &json!("export"), &json!(true)));
    }
    assert_eq!(exports(folder.path(), &other), 0);
    // Nothing is overwritten, and no secret was read for it.
    let again = export(folder.path(), &["--output", "key.xml", "--key-file", "key"]);
    assert!(again.status == Some(2) && again.err.contains("it is not overwritten"), "{again:?}");
    assert_eq!(exports(folder.path(), &used), 2);
    server.stop();
}

#[test]
fn filter_or_device_chooses_what_is_exported() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let id = create(&server, &hotp_token("alice"));
    create(&server, &hotp_token("bob"));
    for choice in [["--filter", "user eq \"alice\""], ["--device", &id]] {
        let run = export(folder.path(), &[&["--format", "uris", "--output", "-"][..], &choice].concat());
        let uri = format!("otpauth://hotp/keyfob:alice?secret={SECRET}&issuer=keyfob&algorithm=SHA1&digits=6&counter=0\n");
        assert_eq!((run.status, run.out.as_str()), (Some(0), uri.as_str()), "{run:?}");
        assert!(run.err.contains("exported: HOTP 1") && run.err.contains("the secrets are in the clear"), "{run:?}");
        assert!(!run.err.contains(SECRET));
    }
    let none = export(folder.path(), &["--plain", "--output", "new.xml", "--filter", "user eq \"carol\""]);
    assert_eq!(
        (none.status, none.out.as_str()),
        (Some(1), "exported: none\nnothing is exported, and no file is left\n"),
        "{none:?}"
    );
    assert!(!folder.path().join("new.xml").exists());
    server.stop();
}

#[test]
fn images_are_of_one_device_or_of_ten_and_reveal_nothing_by_name() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let ids: Vec<_> = (0..11).map(|number| create(&server, &hotp_token(&format!("user{number}")))).collect();
    let scan = |path: &Path| program("zbarimg", "zbar-tools", &["-q", "--raw", path.to_str().unwrap()]);

    let one = export(folder.path(), &["--format", "uris", "--qr-folder", "uris"]);
    assert_eq!((one.status, one.out.as_str()), (Some(0), "exported: HOTP 11\n"), "{one:?}");
    assert_eq!(mode(&folder.path().join("uris")), 0o700);
    for (number, id) in ids.iter().enumerate() {
        let path = folder.path().join(format!("uris/{id}.png"));
        assert_eq!(mode(&path), 0o600);
        assert!(scan(&path).starts_with(&format!("otpauth://hotp/keyfob:user{number}?secret={SECRET}&")));
    }
    let ten = export(folder.path(), &["--format", "migration", "--qr-folder", "codes", "--output", "codes.txt"]);
    assert_eq!(ten.status, Some(0), "{ten:?}");
    let lines = fs::read_to_string(folder.path().join("codes.txt")).unwrap();
    let scanned = [1, 2].map(|number| scan(&folder.path().join(format!("codes/{number}.png"))));
    assert_eq!(lines.lines().collect::<Vec<_>>(), scanned);
    assert_eq!(fs::read_dir(folder.path().join("codes")).unwrap().count(), 2);
    assert_eq!(tokens(&folder.path().join("codes.txt"), &Keys::new()).len(), 11);
    assert_eq!(exports(folder.path(), &ids[0]), 2);
    server.stop();
}

#[test]
fn devices_that_a_format_cannot_hold_are_named_and_the_others_come() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let good = create(&server, &json!({"type": "TOTP", "user": "alice", "secret": SECRET}));
    let long = create(&server, &json!({"type": "TOTP", "user": "bob", "secret": SECRET, "period": 90, "digits": 9}));
    let colon = create(&server, &json!({"type": "TOTP", "user": "c:d", "secret": SECRET, "algorithm": "SHA256"}));
    for (format, left_out) in
        [("uris", vec![&colon]), ("migration", vec![&long]), ("oath-csv", vec![&colon]), ("entra", vec![&long, &colon])]
    {
        let run = export(folder.path(), &["--format", format, "--output", format]);
        assert_eq!(run.status, Some(1), "{run:?}");
        for id in [&good, &long, &colon] {
            let is_named = run.out.contains(&format!("device {id} (\"TOTP"));
            assert_eq!(is_named, left_out.contains(&id), "{format}: {run:?}");
        }
        assert!(run.out.contains(&format!("left out: {}, see the lines above\n", left_out.len())), "{run:?}");
        assert!(!FORMS.iter().any(|secret| run.out.contains(secret) || run.err.contains(secret)), "{run:?}");
        assert_eq!(tokens(&folder.path().join(format), &Keys::new()).len(), 3 - left_out.len(), "{format}");
    }
    // Only what came into a file has a line.
    assert_eq!([&good, &long, &colon].map(|id| exports(folder.path(), id)), [4, 2, 1]);
    server.stop();
}

#[test]
fn locked_and_disabled_devices_come_only_on_request() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let ids = ["alice", "bob", "carol", "dave"].map(|user| create(&server, &hotp_token(user)));
    let mut client = server.admin();
    for _ in 0..10 {
        client.answer(&format!("/OtpDevice/{}", ids[1]), "000000");
    }
    client.status(&format!("/OtpDevice/{}", ids[2]), "D").ok(200);
    client.call("DELETE", &format!("/OtpDevice/{}", ids[3]), "");
    let run = export(folder.path(), &["--plain", "--output", "one.xml"]);
    assert_eq!(run.status, Some(1), "{run:?}");
    for (id, user, word) in [(&ids[1], "bob", "locked"), (&ids[2], "carol", "disabled")] {
        let part = format!(
            "device {id} (\"HOTP0000000{}\" of {user:?}): is {word}, which a file cannot say",
            if user == "bob" { 2 } else { 3 }
        );
        assert!(run.out.contains(&part), "{part}: {run:?}");
    }
    assert!(run.out.ends_with("exported: HOTP 1\nleft out: 2, see the lines above\n"), "{run:?}");
    let all = export(folder.path(), &["--plain", "--output", "all.xml", "--include-unusable"]);
    assert!(all.status == Some(0) && all.out.contains("is locked; the file does not say so"), "{all:?}");
    let accounts: Vec<_> =
        tokens(&folder.path().join("all.xml"), &Keys::new()).into_iter().map(|token| token.account.unwrap()).collect();
    assert_eq!(accounts, ["alice", "bob", "carol"], "a deleted device is in no export");
    server.stop();
}

#[test]
fn export_of_one_service_is_imported_by_another() {
    let (old, new) = (folder(), folder());
    let server = Server::start(old.path(), &[]);
    create(&server, &hotp_token("alice"));
    create(&server, &json!({"type": "TOTP", "user": "bob", "digits": 8}));
    create(&server, &json!({"type": "HOTP", "name": "FTK200-7", "secret": SECRET.replace('G', "H"), "counter": 5}));
    server.stop();
    fs::write(old.path().join("key"), KEY).unwrap();
    assert_eq!(export(old.path(), &["--output", "all.xml", "--key-file", "key"]).status, Some(0));

    let (file, key) = (old.path().join("all.xml"), old.path().join("key"));
    let file = ["import", file.to_str().unwrap(), "--key-file", key.to_str().unwrap(), "--assign-accounts", "--write"];
    let import = || Run::from_command(keyfob(new.path(), &file), "");
    let first = import();
    assert!(first.status == Some(0) && counted(&first, "imported") == 3, "{first:?}");
    // The old names are no serials here, and the devices are known again all the same.
    let again = import();
    assert!(again.status == Some(0) && counted(&again, "there already") == 3, "{again:?}");
    for format in ["uris", "oath-csv"] {
        let sorted = |folder: &Path| {
            let text = export(folder, &["--format", format, "--output", "-"]).out;
            let mut lines: Vec<_> =
                text.lines().map(|line| line.split_once(',').map_or(line, |(_, rest)| rest).to_owned()).collect();
            lines.sort();
            lines
        };
        let before = sorted(old.path());
        assert_eq!((before.len(), &before), (3, &sorted(new.path())));
    }
}

/// A trail that takes no line: no secret comes out.
#[test]
fn secret_stays_where_the_trail_cannot_be_written() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    create(&server, &hotp_token("alice"));
    server.stop();
    let store = folder.path().join("keyfob.db");
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON trail WHEN NEW.event = 'otp-export' BEGIN SELECT RAISE(ABORT, 'no'); END";
    program("sqlite3", "sqlite3", &[store.to_str().unwrap(), refuse]);
    let run = export(folder.path(), &["--format", "uris", "--output", "-"]);
    assert!(run.status == Some(2) && run.out.is_empty() && run.err.contains("the trail: "), "{run:?}");
    refused(folder.path(), &["--plain", "--output", "new.xml"], "the trail: ");
    refused(folder.path(), &["--format", "uris", "--qr-folder", "new"], "the trail: ");
}

/// The trail takes its time, and a person ends the export meanwhile.
#[test]
fn stopped_export_leaves_no_file() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    create(&server, &hotp_token("alice"));
    server.stop();
    let numbers: Vec<_> = (0..350).map(|number| format!("({number})")).collect();
    let slow = format!(
        "CREATE TABLE n (x); INSERT INTO n VALUES {}; CREATE TRIGGER slow BEFORE INSERT ON trail WHEN NEW.event = 'otp-export' \
         BEGIN SELECT count(*) FROM n AS a, n AS b, n AS c; END",
        numbers.join(", ")
    );
    program("sqlite3", "sqlite3", &[folder.path().join("keyfob.db").to_str().unwrap(), &slow]);
    let file = folder.path().join("new");
    let mut child = keyfob(folder.path(), &["export", "--format", "uris", "--output", "new"]).spawn().unwrap();
    while !file.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    program("kill", "procps", &["-s", "INT", &child.id().to_string()]);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && text.contains("no file is left") && !file.exists(), "{text}");
}

#[test]
fn wrong_use_is_refused_before_anything_is_made() {
    let folder = folder();
    let plain = ["--plain", "--output", "new.xml"];
    refused(folder.path(), &plain, "this command creates none");
    let server = Server::start(folder.path(), &[]);
    create(&server, &hotp_token("alice"));
    fs::write(folder.path().join("short"), "1234567\n").unwrap();
    let new = ["--output", "new.xml"];
    for (more, reason) in [
        (&[][..], "give --password-file FILE"),
        (&["--key-file", "short"], "must be a key of 32 bytes"),
        (&["--key-file", "none"], "--key-file takes a file that you may read"),
        (&["--password-file", "short"], "must have at least 8 bytes"),
        (&["--plain", "--filter", "user"], "filter, character 5: expected"),
        (&["--plain", "--device", "7", "--filter", "user pr"], "cannot be used with"),
        (&["--plain", "--key-file", "short"], "cannot be used with"),
        (&["--format", "uris", "--key-file", "short"], "only a PSKC file is encrypted"),
        (&["--plain", "--qr-folder", "new"], "--qr-folder: is for --format uris and migration"),
    ] {
        refused(folder.path(), &[&new[..], more].concat(), reason);
    }
    refused(folder.path(), &["--plain"], "--output <FILE>");
    refused(folder.path(), &["--plain", "--output", "none/new.xml"], "choose a folder that you may write to");
    refused(folder.path(), &["--format", "uris", "--output", "new.xml", "--qr-folder", "."], "it is not overwritten");
    server.stop();
}

/// As a person sees it: `script` runs a command on a terminal of its own.
#[test]
#[cfg(target_os = "linux")]
fn terminal_shows_secrets_only_on_request() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    create(&server, &hotp_token("alice"));
    let on_terminal = |args: &str| {
        let mut script = Command::new("script");
        let line = format!("{} export --format uris --output - {args}", env!("CARGO_BIN_EXE_keyfob"));
        script.args(["-qec", &line, "/dev/null"]).current_dir(folder.path());
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Run::from_command(script, "")
    };
    let refused = on_terminal("");
    assert!(refused.status == Some(2) && refused.out.contains("--allow-terminal") && !refused.out.contains(SECRET), "{refused:?}");
    let shown = on_terminal("--allow-terminal");
    assert!(shown.status == Some(0) && shown.out.contains(SECRET), "{shown:?}");
    server.stop();
}
