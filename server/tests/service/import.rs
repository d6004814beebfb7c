//! `keyfob import` of token files: a dry run, the import, the codes, and a repetition.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::{BASE32, BASE64};
use keyfob_scim::qr;
use serde_json::json;

use super::client::Client;
use super::process::{Run, Server, folder, hotp, keyfob, program, totp, trail};
use super::soffid::counted;

/// The secret of RFC 4226, appendix D.
const SECRET: &str = "12345678901234567890";

/// Files that other programs wrote: `tokens/tests/made_by_others.rs` says how.
const PRIVACYIDEA: &str = include_str!("../../../tokens/tests/fixtures/privacyidea-3.12.xml");
const PYTHON_PSKC: &str = include_str!("../../../tokens/tests/fixtures/python-pskc-1.4-password.xml");

fn import(folder: &Path, args: &[&str]) -> Run {
    piped(folder, args, "")
}

fn piped(folder: &Path, args: &[&str], input: &str) -> Run {
    let run = Run::from_command(keyfob(folder, &[&["import"], args].concat()), input);
    for secret in [SECRET, "MTIzNDU2", "GEZDGNBV", "3132333435"] {
        assert!(!run.out.contains(secret) && !run.err.contains(secret), "{run:?}");
    }
    run
}

/// A HOTP key of PSKC.
fn key(serial: &str, secret: &str, more: &str) -> String {
    let secret = BASE64.encode(secret.as_bytes());
    format!(
        "<KeyPackage><DeviceInfo><SerialNo>{serial}</SerialNo></DeviceInfo>\
         <Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\"><Data>\
         <Secret><PlainValue>{secret}</PlainValue></Secret></Data>{more}</Key></KeyPackage>\n"
    )
}

fn pskc(keys: &[String]) -> String {
    format!("<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n{}</KeyContainer>\n", keys.concat())
}

fn base32(secret: &str) -> String {
    BASE32.encode(secret.as_bytes())
}

/// The path of the device with this name.
fn path(client: &mut Client, name: &str) -> String {
    let found = client.get(&format!("/OtpDevice?filter=name%20eq%20%22{name}%22")).ok(200);
    assert_eq!(found["totalResults"], 1, "{name}: {found}");
    format!("/OtpDevice/{}", found["Resources"][0]["id"])
}

fn assign(client: &mut Client, path: &str, user: &str) {
    let body = json!({"Operations": [{"op": "add", "path": "user", "value": user}]});
    assert_eq!(client.call("PATCH", path, &body.to_string()).ok(200)["user"], user);
}

#[track_caller]
fn counts(run: &Run, status: i32, title: &str, all: [u64; 3]) {
    let found = [title, "there already", "not taken"].map(|title| counted(run, title));
    assert_eq!((run.status, found), (Some(status), all), "{run:?}");
}

#[test]
fn token_is_inspected_imported_assigned_and_verified() {
    let folder = folder();
    let here = folder.path();
    fs::write(here.join("tokens.xml"), PRIVACYIDEA.replace("TOTP1", "FTK-1")).unwrap();
    fs::write(here.join("right.key"), "1234567890123456 7890123456789012\n").unwrap();
    fs::write(here.join("wrong.key"), "1234567890123456 7890123456789013\n").unwrap();
    for key in [&["--write"][..], &["--write", "--key-file", "wrong.key"]] {
        let wrong = import(here, &[&["tokens.xml"], key].concat());
        assert_eq!((wrong.status, counted(&wrong, "imported")), (Some(2), 0), "{wrong:?}");
        assert!(wrong.out.contains("pre-shared key"), "{wrong:?}");
    }
    let dry = import(here, &["tokens.xml", "--key-file", "right.key"]);
    counts(&dry, 0, "would be taken", [2, 0, 0]);
    let drift = "taken: entry 2, line 52 (FTK-1): its clock is 1 steps behind, and policy.max_drift is 0";
    for text in ["TOTP 1, HOTP 1", "2  without a user", "Dry run", drift] {
        assert!(dry.out.contains(text), "{text}: {dry:?}");
    }
    let mut files: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["right.key", "tokens.xml", "wrong.key"], "nothing was made");

    let written = import(here, &["tokens.xml", "--key-file", "right.key", "--write"]);
    counts(&written, 0, "imported", [2, 0, 0]);
    assert!(written.err.contains("store: sqlite://keyfob.db: created"), "{written:?}");
    counts(&import(here, &["tokens.xml", "--key-file", "right.key", "--write"]), 0, "imported", [0, 2, 0]);
    counts(&import(here, &["tokens.xml", "--key-file", "right.key"]), 0, "would be taken", [0, 2, 0]);

    let server = Server::start(here, &[]);
    let mut client = server.admin();
    let (event, timed) = (path(&mut client, "OATH1"), path(&mut client, "FTK-1"));
    // The counter of the file is 7.
    let codes = hotp(&base32(SECRET), 9);
    client.answer(&event, &codes[7]).ok(409);
    assign(&mut client, &event, "alice");
    assign(&mut client, &timed, "bob");
    assert_eq!(client.answer(&event, &codes[6]).verdict(), (false, false));
    assert_eq!(client.answer(&event, &codes[7]).verdict(), (true, false));
    let now = ["--totp=sha256", "-b", "-d", "8", "-s", "60", &base32("12345678901234567890123456789012")];
    assert_eq!(client.answer(&timed, &program("oathtool", "oathtool", &now)).verdict(), (true, false));
    counts(&import(here, &["tokens.xml", "--key-file", "right.key", "--write"]), 0, "imported", [0, 2, 0]);
    let lines = trail(here, &event);
    let first = lines.last().unwrap();
    assert_eq!((&first["event"], &first["actor"]), (&json!("credential-change:create"), &json!("import")));
    assert_eq!((&first["user"], &first["reason"]), (&json!(""), &json!("C")));
}

#[test]
fn token_that_is_refused_is_named_with_place_and_reason() {
    let folder = folder();
    let policy = |inner: &str| format!("<Policy>{inner}</Policy>");
    let faults = [
        (key("A2", "123456789", ""), "line 3 (A2): its secret has 72 bits; it must have at least 80"),
        (key("A3", "1234567890", ""), "line 4 (A3): its secret has 80 bits, and policy.min_secret_bits is 128; --allow-short"),
        (key("A1", "another secret, long", ""), "line 5 (A1): has the serial of entry 1; remove one of them"),
        (key("A1", "one more secret, long", "").replace(":hotp", ":totp"), "line 6 (A1): has the serial of entry 1"),
        (key("A5", SECRET, ""), "line 7 (A5): has the secret of entry 1, so each token shows the other's codes"),
        (key("HOTP7", "0123456789abcdefghi7", ""), "line 8 (HOTP7): serial: TOTP or HOTP and digits are names"),
        (
            key("A7", "0123456789abcdefghi8", &policy("<NumberOfTransactions>5</NumberOfTransactions>")),
            "line 9 (A7): may give 5 codes only",
        ),
        (
            key("A8", "0123456789abcdefghi9", &policy("<PINPolicy PINKeyId=\"1\" PINUsageMode=\"Append\"/>")),
            "line 10 (A8): its codes contain a PIN",
        ),
        (key("A9", "0123456789abcdefghij", "").replace(":hotp", ":pin"), "line 11 (A9): is the PIN of a token"),
        (key("A11", "0123456789", "").replace("<Data>", "<Data><Wrong>"), "not read: the rest of this file"),
    ];
    let local = policy("<PINPolicy PINKeyId=\"1\" PINUsageMode=\"Local\"/>");
    let keys: Vec<_> = [key("A1", SECRET, &local)].into_iter().chain(faults.iter().map(|(key, _)| key.clone())).collect();
    fs::write(folder.path().join("tokens.xml"), pskc(&keys)).unwrap();
    for write in [&[][..], &["--write"]] {
        let run = import(folder.path(), &[&["tokens.xml"], write].concat());
        let title = if write.is_empty() { "would be taken" } else { "imported" };
        counts(&run, 2, title, [1, 0, 10]);
        for (_, reason) in &faults {
            assert!(run.out.contains(reason), "{reason}: {run:?}");
        }
    }
}

#[test]
fn short_secret_is_taken_if_the_administrator_says_so() {
    let folder = folder();
    fs::write(folder.path().join("tokens.xml"), pskc(&[key("A1", "1234567890", ""), key("A2", SECRET, "")])).unwrap();
    for (args, all) in [
        (&["--allow-short-secrets"][..], [2, 0, 0]),
        (&["--set", "policy.min_secret_bits=80"], [2, 0, 0]),
        (&["--set", "policy.min_secret_bits=256"], [0, 0, 2]),
        (&["--set", "policy.min_secret_bits=256", "--allow-short-secrets"], [2, 0, 0]),
    ] {
        let run = import(folder.path(), &[&["tokens.xml"], args].concat());
        counts(&run, i32::from(all[2] > 0), "would be taken", all);
        assert_eq!(run.out.contains("1  with a secret of fewer than 128 bits"), all[2] == 0, "{run:?}");
    }
    import(folder.path(), &["tokens.xml", "--allow-short-secrets", "--write"]).well();
    let server = Server::start(folder.path(), &[]);
    let path = path(&mut server.admin(), "A1");
    assert_eq!(trail(folder.path(), &path)[0]["reason"], "short secret");
}

#[test]
fn account_is_the_user_if_the_administrator_says_so() {
    let folder = folder();
    let here = folder.path();
    let entra = "upn,serial number,secret key,time interval,manufacturer,model\n\
                 alice@example.com,1001,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,60,Maker,C200\n\
                 carol@example.com,1002,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJZ,60,Maker,C200\n";
    fs::write(here.join("entra.csv"), entra).unwrap();
    fs::write(here.join("keyfob.toml"), "[users.\"alice@example.com\"]\n").unwrap();
    let configured = ["entra.csv", "--config", "keyfob.toml"];
    let inventory = import(here, &configured);
    counts(&inventory, 0, "would be taken", [2, 0, 0]);
    assert!(inventory.out.contains("2  without a user"), "{inventory:?}");
    assert!(inventory.out.contains("2  of them with an account in the file: --assign-accounts"), "{inventory:?}");
    let unknown = import(here, &[&configured[..], &["--assign-accounts"]].concat());
    counts(&unknown, 1, "would be taken", [1, 0, 1]);
    assert!(unknown.out.contains("line 3 (1002): its account: is no user of the configuration"), "{unknown:?}");
    import(here, &["entra.csv", "--assign-accounts", "--write"]).well();
    let server = Server::start(here, &[]);
    let mut client = server.admin();
    let path = path(&mut client, "1001");
    assert_eq!(client.device(&path)["user"], "alice@example.com");
    let code = program("oathtool", "oathtool", &["--totp", "-b", "-s", "60", &base32(SECRET)]);
    assert_eq!(client.answer(&path, &code).verdict(), (true, false));
}

#[test]
fn token_without_a_serial_needs_a_user_and_is_found_by_its_secret() {
    let folder = folder();
    let secret = base32(SECRET);
    let uris = format!(
        "otpauth://totp/ACME:alice?secret={secret}&issuer=ACME\notpauth://hotp/bob?secret={}&counter=3\n",
        base32("another secret, long")
    );
    let refused = piped(folder.path(), &["-"], &uris);
    counts(&refused, 1, "would be taken", [0, 0, 2]);
    assert_eq!(refused.out.matches("has no serial, and so needs a user; --assign-accounts").count(), 2, "{refused:?}");
    assert!(refused.out.contains("not taken: entry 2, line 2 (bob): has no serial"), "{refused:?}");
    counts(&piped(folder.path(), &["-", "--assign-accounts", "--write"], &uris), 0, "imported", [2, 0, 0]);
    for args in [&["-", "--assign-accounts", "--write"][..], &["-", "--assign-accounts"]] {
        let title = if args.len() == 3 { "imported" } else { "would be taken" };
        counts(&piped(folder.path(), args, &uris), 0, title, [0, 2, 0]);
    }
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    let path = path(&mut client, "TOTP00000001");
    assert_eq!(client.device(&path)["user"], "alice");
    assert_eq!(client.answer(&path, &totp(&secret, 1)[0]).verdict(), (true, false));
}

#[test]
fn several_files_and_mapped_columns_are_read() {
    let folder = folder();
    let here = folder.path();
    fs::write(here.join("one.csv"), "box,no,seed\nx,S1,3132333435363738393031323334353637383930\n").unwrap();
    fs::write(
        here.join("two.csv"),
        "box,no,seed\nx,S2,3132333435363738393031323334353637383931\nx,S1,00112233445566778899aabbccddeeff\n",
    )
    .unwrap();
    let mapped = ["one.csv", "two.csv", "--columns", "-,serial,secret:hex", "--heading"];
    let run = import(here, &mapped);
    counts(&run, 1, "would be taken", [2, 0, 1]);
    assert!(run.out.contains("not taken: two.csv: entry 2, line 3 (S1): has the serial of one.csv: entry 1;"), "{run:?}");
    let unknown = import(here, &["one.csv"]);
    assert!(unknown.status == Some(2) && unknown.err.contains("--format (pskc, safenet, oath-csv"), "{unknown:?}");
    let wrong = import(here, &["one.csv", "--columns", "serial,colour"]);
    assert!(wrong.status == Some(2) && wrong.err.contains("the column colour is not known"), "{wrong:?}");
    // The wrong way round: the secret is in the column of the serial.
    fs::write(here.join("swapped.csv"), format!("{},S1\n", base32(SECRET))).unwrap();
    let swapped = import(here, &["swapped.csv", "--columns", "serial,secret:base32"]);
    assert!(swapped.out.contains("not taken: entry 1, line 1: the secret"), "{swapped:?}");
}

/// A batch of a migration, as an authenticator on a telephone makes it, with one account.
fn batch(index: u8, count: u8, secret: &str) -> String {
    let mut account = vec![0x0a, u8::try_from(secret.len()).unwrap()];
    account.extend_from_slice(secret.as_bytes());
    account.extend_from_slice(b"\x12\x05alice\x1a\x04ACME\x20\x01\x28\x01\x30\x02");
    let mut payload = vec![0x0a, u8::try_from(account.len()).unwrap()];
    payload.extend_from_slice(&account);
    payload.extend_from_slice(&[0x10, 1, 0x18, count, 0x20, index, 0x28, 42]);
    let data = BASE64.encode(&payload).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("otpauth-migration://offline?data={data}")
}

#[test]
fn batches_of_a_migration_that_are_missing_are_named() {
    let folder = folder();
    let run = piped(folder.path(), &["-", "--assign-accounts"], &batch(1, 3, SECRET));
    counts(&run, 1, "would be taken", [1, 0, 1]);
    assert!(run.out.contains("not taken: file: of 3 QR codes these are missing: 1, 3; add them"), "{run:?}");
}

#[test]
fn batches_of_a_migration_may_be_on_several_images() {
    let folder = folder();
    for (name, text) in [("1.png", batch(0, 2, SECRET)), ("2.png", batch(1, 2, "another secret, long"))] {
        fs::write(folder.path().join(name), qr::encode_png(&text, qr::Size::MinSidePixels(300)).unwrap()).unwrap();
    }
    counts(&import(folder.path(), &["2.png", "1.png", "--assign-accounts"]), 0, "would be taken", [2, 0, 0]);
    let one = import(folder.path(), &["2.png", "--assign-accounts"]);
    counts(&one, 1, "would be taken", [1, 0, 1]);
    assert!(one.out.contains("of 2 QR codes these are missing: 1; add them"), "{one:?}");
    fs::write(folder.path().join("3.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let damaged = import(folder.path(), &["2.png", "3.png", "--assign-accounts"]);
    assert!(damaged.status == Some(2) && damaged.err.contains("3.png: is no good PNG image"), "{damaged:?}");
}

#[test]
fn file_that_is_cut_keeps_what_came_before() {
    let folder = folder();
    let whole = pskc(&[key("A1", SECRET, ""), key("A2", "another secret, long", "")]);
    fs::write(folder.path().join("tokens.xml"), &whole[..whole.len() - 60]).unwrap();
    let run = import(folder.path(), &["tokens.xml", "--write"]);
    counts(&run, 2, "imported", [1, 0, 1]);
    assert!(run.out.contains("the file ends in the middle") && run.out.contains("not read: the rest of this file"), "{run:?}");
    fs::write(folder.path().join("tokens.xml"), whole).unwrap();
    counts(&import(folder.path(), &["tokens.xml", "--write"]), 0, "imported", [1, 1, 0]);
}

#[test]
fn import_that_was_killed_is_finished_by_the_next_one() {
    let folder = folder();
    let keys: Vec<_> = (0..4000).map(|number| key(&format!("A{number}"), &format!("{number:020}"), "")).collect();
    fs::write(folder.path().join("tokens.xml"), pskc(&keys)).unwrap();
    let mut child = keyfob(folder.path(), &["import", "tokens.xml", "--write"]).spawn().unwrap();
    let start = Instant::now();
    while !folder.path().join("keyfob.key").exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    let run = import(folder.path(), &["tokens.xml", "--write"]);
    assert_eq!((run.status, counted(&run, "imported") + counted(&run, "there already")), (Some(0), 4000), "{run:?}");
    counts(&import(folder.path(), &["tokens.xml", "--write"]), 0, "imported", [0, 4000, 0]);
}

#[test]
fn only_token_goes_into_a_state_file() {
    let folder = folder();
    let here = folder.path();
    fs::write(here.join("one.xml"), pskc(&[key("A1", SECRET, "")])).unwrap();
    fs::write(here.join("two.xml"), PYTHON_PSKC).unwrap();
    fs::write(here.join("password"), "qwerty\n").unwrap();
    let two = import(here, &["two.xml", "--password-file", "password", "--state", "a.keyfob", "--write"]);
    assert!(two.status == Some(2) && two.err.contains("two.xml: holds several tokens"), "{two:?}");
    let dry = import(here, &["one.xml", "--state", "a.keyfob"]).well();
    assert!(dry.contains("would be taken: a.keyfob: HOTP") && !here.join("a.keyfob").exists(), "{dry}");
    import(here, &["one.xml", "--state", "a.keyfob", "--write"]).well();
    let verify = |code: &str| Run::from_command(keyfob(here, &["verify", "--state", "a.keyfob", code]), "");
    assert_eq!(verify(&hotp(&base32(SECRET), 1)[0]).well(), "right\n");
    for write in [&[][..], &["--write"]] {
        let again = import(here, &[&["one.xml", "--state", "a.keyfob"], write].concat());
        assert!(again.status == Some(2) && again.err.contains("not overwritten"), "{again:?}");
    }
    let files: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!files.iter().any(|name| name == "keyfob.db"), "{files:?}");
}

#[test]
fn token_under_another_serial_is_refused_for_its_secret() {
    let folder = folder();
    let csv = |serial: &str| format!("{serial},3132333435363738393031323334353637383930,hotp,6\n");
    counts(&piped(folder.path(), &["-", "--write"], &csv("FTK-1")), 0, "imported", [1, 0, 0]);
    for (args, title) in [(&["-"][..], "would be taken"), (&["-", "--write"], "imported")] {
        counts(&piped(folder.path(), args, &csv("FTK-1")), 0, title, [0, 1, 0]);
        let other = piped(folder.path(), args, &csv("FTK1"));
        counts(&other, 1, title, [0, 0, 1]);
        assert!(other.out.contains("(FTK1): a device of another name has its secret"), "{other:?}");
    }
}

/// As `keyfob import <(gpg --decrypt tokens.csv.gpg)` gives it.
#[cfg(unix)]
#[test]
fn pipe_is_read_whole() {
    let folder = folder();
    let run = piped(folder.path(), &["/dev/stdin", "--write"], "FTK1234,3132333435363738393031323334353637383930,hotp,6\n");
    counts(&run, 0, "imported", [1, 0, 0]);
    let server = Server::start(folder.path(), &[]);
    path(&mut server.admin(), "FTK1234");
}

#[test]
fn file_that_is_none_is_refused_with_what_to_do() {
    let folder = folder();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("text"), "hello").unwrap();
    fs::write(folder.path().join("short.key"), "1234").unwrap();
    for (args, reason) in [
        (&["none"][..], "none: No such file"),
        (&["empty"], "empty: is empty"),
        (&["text"], "text: its format is not known; name it with --format"),
        (&["text", "--key-file", "short.key"], "--key-file: short.key: must be a key of 16, 24 or 32 bytes"),
        (&["text", "--password-file", "empty"], "--password-file: empty: must hold the password in its first line"),
        (&["-", "-"], "standard input is read once"),
        (&["text", "--state", "x", "--store", "sqlite://y"], "cannot be used with"),
        (&[], "<FILE>"),
    ] {
        let run = import(folder.path(), args);
        assert!(run.status == Some(2) && run.err.contains(reason), "{args:?}: {run:?}");
    }
}
