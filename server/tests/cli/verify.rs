//! `keyfob verify` against a secret.

use serde_json::json;

use super::*;

#[test]
fn right_and_wrong_codes_are_told_apart() {
    let verify = |args: &[&str], code: &str| keyfob(&[&["verify"], args, &[code]].concat(), SHA1);
    verify(&["--now", "59"], "287082").is(0, "right\n");
    verify(&["--now", "59"], "287083").is(1, "wrong\n");
    verify(&["--now", "59", "--digits", "8"], "94287082").is(0, "right\n");
    verify(&["--now", "59", "--period", "20"], "359152").is(0, "right\n");
    verify(&["--now", "1059", "--t0", "1000"], "287082").is(0, "right\n");
    verify(&["--counter", "0"], "287082").is(0, "right\n");
    verify(&["--algorithm", "sha256", "--now", "59"], "287082").is(1, "wrong\n");
    keyfob(&["verify", "--hex", "--now", "59", "287082"], HEX).is(0, "right\n");
}

#[test]
fn windows_end_at_their_limits() {
    let verify = |args: &[&str]| keyfob(&[&["verify", "287082"], args].concat(), SHA1).status;
    // The code is that of step 1; the window is 1 step by default.
    for (time, window, status) in [
        ("0", "", 0),
        ("89", "", 0),
        ("90", "", 1),
        ("90", "2", 0),
        ("119", "2", 0),
        ("120", "2", 1),
        ("29", "0", 1),
        ("59", "0", 0),
        ("30059", "1000", 0),
        ("30060", "1000", 1),
    ] {
        let window = if window.is_empty() { vec![] } else { vec!["--window", window] };
        let args = [&["--now", time], &window[..]].concat();
        assert_eq!(verify(&args), status, "{args:?}");
    }
    // 520489 is that of counter 9, and looking ahead goes 10 further by default.
    let ahead = |args: &[&str]| keyfob(&[&["verify", "520489"], args].concat(), SHA1).status;
    assert_eq!(ahead(&["--counter", "0"]), 0);
    assert_eq!(ahead(&["--counter", "9"]), 0);
    assert_eq!(ahead(&["--counter", "10"]), 1);
    assert_eq!(ahead(&["--counter", "0", "--window", "9"]), 0);
    assert_eq!(ahead(&["--counter", "0", "--window", "8"]), 1);
    assert_eq!(ahead(&["--counter", "18446744073709551615"]), 1);
}

#[test]
fn codes_come_from_standard_input_after_the_secret() {
    let folder = Folder::new("codes");
    let secret = folder.file("secret", SHA1);
    for ending in ["", "\n", "\r\n"] {
        keyfob(&["verify", "--now", "59"], format!("{SHA1}\n287082{ending}")).is(0, "right\n");
        keyfob(&["verify", "--now", "59", "--secret-file", "-"], format!("{SHA1}\r\n287082{ending}")).is(0, "right\n");
        keyfob(&["verify", "--now", "59", "--secret-file", &secret], format!("287082{ending}")).is(0, "right\n");
    }
}

#[test]
fn codes_are_read_without_separators() {
    let is = |code: &str, status: i32, out: &str| {
        keyfob(&["verify", "--now", "59"], format!("{SHA1}\n{code}\n")).is(status, out);
        keyfob(&["verify", "--now", "59", "--", code], SHA1).is(status, out);
    };
    for code in [" 287082", "287082 ", "287 082", "287-082", "287\u{a0}082", "287\u{202f}082", "28-70-82", "287082\r"] {
        is(code, 0, "right\n");
    }
    for code in ["+287082", "287.082", "0287082", "28708", "", " ", "２８７０８２", "28708\u{662}"] {
        is(code, 1, "wrong\n");
    }
    for line in [&b"287082\0\n"[..], b"28708\xff\n"] {
        keyfob(&["verify", "--now", "59"], [SHA1.as_bytes(), b"\n", line].concat()).is(1, "wrong\n");
    }
}

#[test]
fn uris_give_the_parameters() {
    let uri = format!("otpauth://hotp/alice?secret={SHA1}&counter=3&digits=8");
    let code = code_of(&uri, ["--counter", "5"]);
    keyfob(&["verify", &code], &uri).is(0, "right\n");
    keyfob(&["verify", &code, "--counter", "6"], &uri).is(1, "wrong\n");
    keyfob(&["verify", &code, "--period", "30"], &uri).fails("--period");
}

#[test]
fn json_describes_the_verdict() {
    let run = |args: &[&str]| keyfob(&[&["verify", "--json", "287082"], args].concat(), SHA1).json();
    assert_eq!(run(&["--now", "60"]), json!({"success": true, "locked": false, "matched": 1, "drift": -1}));
    assert_eq!(run(&["--counter", "0"]), json!({"success": true, "locked": false, "matched": 1, "drift": 1}));
    assert_eq!(run(&["--now", "600"]), json!({"success": false, "locked": false, "matched": null, "drift": null}));
}
