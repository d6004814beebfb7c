//! `keyfob import-soffid` from a file: a dry run, the import, the codes, and a repetition.

use std::path::Path;

use serde_json::{Value, json};

use super::process::{Run, Server, folder, hotp, keyfob, log, program, totp, trail};

/// What `oathtool` knows as 12345678901234567890.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const LONG: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";

/// Columns in an order of their own.
const HEAD: &str = "OTP_ID,OTP_NAME,OTP_TYPE,USU_CODI,OTP_STATUS,OTP_FAILS,OTP_CREATED,OTP_LASUSE,OTP_AUTKEY,OTP_LASCOU,OTP_LASISS,OTP_EMAIL,\
                    OTP_PHONE,OTP_PIN,OTP_DIGITS,OTP_ALGORI";

/// Rows that are taken. The PIN is 12345678 as Soffid's Password encodes it.
const GOOD: [&str; 8] = [
    "4022880,TOTP00000035,TOTP,franck,V,2,2021-10-14 06:44:43,2021-10-14 06:57:00,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,,,,,,6,HmacSHA1",
    "60,HOTP00000007,HOTP,dilbert,C,0,2021-10-14 06:44:43,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA====,4,,,,,8,HmacSHA256",
    "4024416,SMS message to 66*****44,SMS,agatha,V,0,2021-10-14 11:17:52,,2jmj7l5rSw0yVb/vlWAYkK/YBwk=,,2021-10-14 12:00:00,,666555444,,,",
    "4024384,Email message to pa******@so****.co*,EMAIL,patricia,V,11,2021-10-14 08:37:38,,,,,patricia@soffid.com,,,,",
    "61,Security number,PIN,dilbert,V,0,2021-10-14 08:37:38,,,,,,,EcjoC/XuZ1vKcw==,,",
    "62,TOTP00000001,TOTP,franck,D,0,2021-10-14 06:44:43,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,,,,,,6,HmacSHA1",
    "63,TOTP00000002,TOTP,franck,LOCKED,11,2021-10-14 06:44:43,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,,,,,,6,HmacSHA1",
    "64,,HOTP,\"o'neil, x\",V,0,2021-10-14 06:44:43,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,,,,,,,",
];

/// Rows that are not, and why.
const BAD: [(&str, &str); 9] = [
    ("70,x,FIDO,bob,V,0,2021-10-14 06:44:43,,,,,,,,,", "OTP_ID 70, user \"bob\": OTP_TYPE"),
    (
        "71,x,TOTP,bob,V,0,2021-10-14 06:44:43,,GEZDGNB1GY3TQOJQGEZDGNB1GY3TQOJQ,,,,,,,",
        "OTP_ID 71, user \"bob\": OTP_AUTKEY: secret: is not Base32",
    ),
    ("72,x,PIN,bob,V,0,2021-10-14 06:44:43,,,,,,,1234567,,", "OTP_ID 72, user \"bob\": OTP_PIN: has fewer digits"),
    ("73,x,TOTP,bob,V,0,2021-10-14 06:44:43,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,,,,,,11,", "OTP_ID 73, user \"bob\": OTP_DIGITS"),
    ("74,x,SMS,bob,V,0,2021-10-14 06:44:43,,,,,,,,,", "OTP_ID 74, user \"bob\": phone: is missing"),
    (
        "60,x,TOTP,bob,V,0,2021-10-14 06:44:43,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,,,,,,,",
        "OTP_ID 60, user \"bob\": OTP_ID: is the number of an earlier row, too",
    ),
    ("75,x,TOTP,,V,0,2021-10-14 06:44:43,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,,,,,,,", "OTP_ID 75: the user: has no name"),
    ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,x,TOTP,bob,V,0,2021-10-14 06:44:43,,60,,,,,,,", "line 17: OTP_ID: must be a number"),
    ("76,x,TOTP", "line 18: has 3 fields"),
];

fn write_file(folder: &Path) {
    let rows: Vec<_> = GOOD.into_iter().chain(BAD.map(|(row, _)| row)).collect();
    std::fs::write(folder.join("devices.csv"), format!("{HEAD}\n{}\n", rows.join("\n"))).unwrap();
}

pub(crate) fn import(folder: &Path, more: &[&str]) -> Run {
    Run::from_command(keyfob(folder, &[&["import-soffid", "--from", "devices.csv"], more].concat()), "")
}

/// How many rows a report counts under a title.
pub(crate) fn counted(run: &Run, title: &str) -> u64 {
    let mut lines = run.out.lines().filter_map(|line| line.strip_prefix(title)?.strip_prefix(' '));
    let line = lines.next().unwrap_or_else(|| panic!("{title}: {run:?}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[track_caller]
fn check_refusals(run: &Run) {
    assert_eq!((run.status, counted(run, "not taken")), (Some(1), 9), "{run:?}");
    for (_, reason) in BAD {
        assert!(run.out.contains(reason), "{reason}: {run:?}");
    }
    for secret in ["GEZD", "1234567", "EcjoC", "2jmj"] {
        assert!(!run.out.contains(secret) && !run.err.contains(secret), "{run:?}");
    }
}

#[test]
fn file_is_inspected_imported_and_then_found_to_be_there() {
    let folder = folder();
    write_file(folder.path());
    let dry = import(folder.path(), &[]);
    check_refusals(&dry);
    assert_eq!((counted(&dry, "would be taken"), counted(&dry, "there already")), (8, 0));
    assert!(dry.out.contains("TOTP 3, HOTP 2, SMS 1, EMAIL 1, PIN 1") && dry.out.contains("Dry run"), "{dry:?}");
    for lost in ["1  with a challenge that ends", "1  open with as many fails", "1  without digits or algorithm"] {
        assert!(dry.out.contains(lost), "{lost}: {dry:?}");
    }
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["devices.csv"], "nothing was made");

    let written = import(folder.path(), &["--write"]);
    check_refusals(&written);
    assert_eq!(counted(&written, "imported"), 8);
    let made = "store: sqlite://keyfob.db: created";
    assert!(written.err.contains(made) && !dry.err.contains(made), "{written:?}");
    let again = import(folder.path(), &["--write"]);
    assert!(!again.err.contains(made), "{again:?}");
    assert_eq!((counted(&again, "imported"), counted(&again, "there already")), (0, 8), "{again:?}");
    assert_eq!(counted(&import(folder.path(), &[]), "there already"), 8);
    let zone = "times are read as UTC; --time-zone names another";
    assert!([&dry, &written].iter().all(|run| run.err.contains(zone)), "{dry:?}, {written:?}");
    let named = import(folder.path(), &["--time-zone", "UTC"]);
    assert!(counted(&named, "there already") == 8 && !named.err.contains(zone), "{named:?}");
    let other = import(folder.path(), &["--time-zone", "Europe/Madrid"]);
    assert_eq!((counted(&other, "not taken"), other.out.matches("imported before with another --time-zone?").count()), (17, 8));

    let server = Server::start(folder.path(), &[]);
    verify(folder.path(), &server);
    // A device that has verified since is still the one that was imported.
    assert_eq!(counted(&import(folder.path(), &["--write"]), "there already"), 8);
    let created = server.admin().create(&json!({"type": "TOTP", "user": "new"})).1;
    assert_eq!(created["name"], "TOTP00000037");
    let lines = trail(folder.path(), "/OtpDevice/63");
    let first = lines.last().unwrap();
    assert_eq!((&first["event"], &first["actor"]), (&json!("credential-change:create"), &json!("import-soffid")));
    assert_eq!((&first["user"], &first["reason"]), (&json!("franck"), &json!("L")));
}

/// Each device is what its row said, and takes the codes that its user has.
fn verify(folder: &Path, server: &Server) {
    let mut client = server.admin();
    let found = |client: &mut super::client::Client, filter: &str| -> Vec<Value> {
        let page = client.get(&format!("/OtpDevice?filter={}", filter.replace(' ', "%20").replace('"', "%22"))).ok(200);
        page["Resources"].as_array().unwrap().clone()
    };
    let device = found(&mut client, "id eq 4022880").remove(0);
    assert_eq!(
        (&device["name"], &device["user"], &device["status"], &device["fails"], &device["created"], &device["lastUsed"]),
        (
            &json!("TOTP00000035"),
            &json!("franck"),
            &json!("V"),
            &json!(2),
            &json!("2021-10-14 06:44:43"),
            &json!("2021-10-14 06:57:00")
        )
    );
    let code = &totp(SECRET, 1)[0];
    assert_eq!(client.answer("/OtpDevice/4022880", code).verdict(), (true, false));
    assert_eq!(client.answer("/OtpDevice/4022880", code).verdict(), (false, false), "once");

    // Of HOTP the counter goes on behind the last that Soffid accepted.
    let codes = |counter: &str| {
        // oathtool has HOTP of SHA-1 only; of SHA-256 a counter is the step of a TOTP that begins
        // at 0.
        let now = format!("@{counter}");
        program("oathtool", "oathtool", &["--totp=SHA256", "-b", "-d", "8", "-s", "1", "-S", "@0", "-N", &now, LONG])
    };
    assert_eq!(client.answer("/OtpDevice/60", &codes("4")).verdict(), (false, false), "used in Soffid");
    assert_eq!(client.answer("/OtpDevice/60", &codes("5")).verdict(), (true, false));
    assert_eq!(client.device("/OtpDevice/60")["status"], "V");
    assert_eq!(found(&mut client, "user eq \"o'neil, x\"")[0]["name"], "HOTP00000036", "it had none");
    assert_eq!(client.answer("/OtpDevice/64", &hotp(SECRET, 1)[0]).verdict(), (true, false));

    for (path, to) in [("/OtpDevice/4024416", "666555444"), ("/OtpDevice/4024384", "patricia@soffid.com")] {
        client.get(&format!("{path}/requestChallenge")).ok(200);
        let log = log(folder);
        let line = log.lines().rfind(|line| line.contains(to)).unwrap_or_else(|| panic!("{to}: {log}"));
        let code = line.split(|char: char| !char.is_ascii_digit()).rfind(|word| word.len() == 6).expect("a code");
        assert_eq!(client.answer(path, code).verdict(), (true, false), "{line}");
    }

    let asked = client.get("/OtpDevice/61/requestChallenge").ok(200);
    let shown = asked.to_string();
    let answer: String = "12345678".chars().filter(|digit| shown.contains(*digit)).collect();
    assert_eq!(client.answer("/OtpDevice/61", &answer).verdict(), (true, false), "{shown}");

    assert_eq!(client.device("/OtpDevice/62")["status"], "D");
    assert_eq!(client.answer("/OtpDevice/62", &totp(SECRET, 1)[0]).verdict(), (false, false));
    assert_eq!(client.answer("/OtpDevice/63", &totp(SECRET, 1)[0]).verdict(), (false, true), "locked there, locked here");
    client.status("/OtpDevice/63", "V").ok(200);
    assert_eq!(client.answer("/OtpDevice/63", &totp(SECRET, 1)[0]).verdict(), (true, false));
}

#[test]
fn numbers_that_other_devices_have_are_left_to_them() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let other = format!("{HEAD}\n60,SMS,SMS,other,V,0,2020-01-31 08:00:00,,,,,,5551234,,,\n");
    std::fs::write(folder.path().join("devices.csv"), other).unwrap();
    assert_eq!(counted(&import(folder.path(), &["--write"]), "imported"), 1);
    write_file(folder.path());
    let written = import(folder.path(), &["--write"]);
    assert_eq!((counted(&written, "imported"), counted(&written, "not taken")), (7, 10), "{written:?}");
    assert!(written.out.contains("OTP_ID 60, user \"dilbert\": OTP_ID: is the number of another device in the store"));
    assert_eq!(server.admin().device("/OtpDevice/60")["user"], "other");
}

#[test]
fn bad_options_are_named() {
    let folder = folder();
    write_file(folder.path());
    for (args, part) in [
        (&["--time-zone", "Madrid"][..], "; give a name as Europe/Madrid"),
        (&["--user-column", "LOGIN"], "has no column LOGIN"),
        (&["--users", "none.csv"], "none.csv"),
        (&["--users", "a", "--user-column", "b"], "--users"),
        (&["--from", "postgres://soffid@127.0.0.1:1/soffid"], "--from"),
    ] {
        let run = import(folder.path(), args);
        assert!(run.status == Some(2) && run.err.contains(part), "{args:?}: {run:?}");
    }
    let run = Run::from_command(keyfob(folder.path(), &["import-soffid", "--from", "postgres://soffid@127.0.0.1:1/soffid"]), "");
    assert!(run.status == Some(2) && run.err.contains("cannot connect to postgres://soffid@127.0.0.1:1/soffid"), "{run:?}");
    for option in [["--dialect", "mysql"], ["--null", "NULL"]] {
        let from = ["import-soffid", "--from", "mysql://soffid@127.0.0.1:1/soffid"];
        let run = Run::from_command(keyfob(folder.path(), &[&from[..], &option].concat()), "");
        assert!(run.status == Some(2) && run.err.contains("leave them out where --from is a database"), "{run:?}");
    }
    program("mkfifo", "coreutils", &[folder.path().join("pipe").to_str().unwrap()]);
    for (from, part) in [
        ("none.csv", "none.csv: "),
        (".", "it must be a regular file, and is a folder"),
        // Nobody writes to the one, and nothing can be read twice of either.
        (
            "pipe",
            "pipe: it must be a regular file, and is a pipe, a socket or a device: it is read more than once; write its output",
        ),
        ("/dev/stdin", "write its output to a file"),
        ("jdbc:mysql://db1/soffid", "mysql://USER@HOST/DATABASE"),
        ("jdbc:mariadb://db1/soffid", "mysql://USER@HOST/DATABASE"),
        ("jdbc:postgresql://db1/soffid", "postgres://USER@HOST/DATABASE"),
        ("jdbc:oracle:thin:@db1:1521/soffid", "export the tables to files"),
        ("sqlserver://db1/soffid", "export the tables to files"),
        ("file:///tmp/devices.csv", "the path alone"),
    ] {
        let run = Run::from_command(keyfob(folder.path(), &["import-soffid", "--from", from]), "OTP_ID\n");
        assert!(run.status == Some(2) && run.err.contains(part), "{from}: {run:?}");
    }
}
