//! The state file: `keyfob verify --state`, `show`, `unlock`, `resync`.

use serde_json::json;

use super::*;

fn verify(path: &str, code: &str, now: &str) -> Run {
    keyfob(&["verify", "--state", path, "--now", now], format!("{code}\n"))
}

#[test]
fn a_code_is_right_once() {
    let folder = Folder::new("once");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let code = code_of(&uri, ["--now", "1000"]);
    verify(&path, &code, "1000").is(0, "right\n");
    verify(&path, &code, "1000").is(1, "wrong\n");
    verify(&path, &code_of(&uri, ["--now", "1030"]), "1000").is(0, "right\n");
    let shown = show(&path);
    assert_eq!((&shown["status"], &shown["fails"], &shown["last_used"]), (&json!("V"), &json!(0), &json!(1000)));
}

#[test]
fn hotp_moves_its_counter() {
    let folder = Folder::new("hotp");
    let (path, uri) = folder.enroll("a.keyfob", &["--hotp", "--counter", "5"]);
    verify(&path, &code_of(&uri, ["--counter", "5"]), "0").is(0, "right\n");
    verify(&path, &code_of(&uri, ["--counter", "5"]), "0").is(1, "wrong\n");
    verify(&path, &code_of(&uri, ["--counter", "17"]), "0").is(1, "wrong\n");
    verify(&path, &code_of(&uri, ["--counter", "16"]), "0").is(0, "right\n");
    assert_eq!(show(&path)["moving_factor"], 17);
}

#[test]
fn lock_falls_on_the_tenth_wrong_code_and_unlock_opens_it() {
    let folder = Folder::new("lock");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let right = code_of(&uri, ["--now", "1000"]);
    let wrong = other_than(&right);
    for fails in 1..=9 {
        verify(&path, &wrong, "1000").is(1, "wrong\n");
        assert_eq!(show(&path)["fails"], fails);
    }
    verify(&path, &wrong, "1000").is(1, "wrong, and the device is locked; keyfob unlock opens it\n");
    verify(&path, &right, "1000").is(1, "wrong, and the device is locked; keyfob unlock opens it\n");
    assert_eq!((&show(&path)["status"], &show(&path)["fails"]), (&json!("L"), &json!(10)));

    let unlocked = keyfob(&["unlock", "--state", &path, "--now", "1000", "--json"], "").json();
    assert_eq!((&unlocked["status"], &unlocked["fails"]), (&json!("C"), &json!(0)));
    assert_eq!(unlocked, show(&path));
    keyfob(&["unlock", "--state", &path, "--now", "1000"], "").is(0, "");
    assert_eq!((&show(&path)["status"], &show(&path)["fails"]), (&json!("C"), &json!(0)));
    verify(&path, &right, "1000").is(0, "right\n");
}

/// Two hours ahead, as where local time is taken for UTC.
#[test]
fn clock_that_was_ahead_locks_no_device_and_its_steps_can_be_forgotten() {
    let folder = Folder::new("ahead");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let at = |now: u32| (code_of(&uri, ["--now", &now.to_string()]), now.to_string());
    let (code, now) = at(100_000 + 7200);
    verify(&path, &code, &now).is(0, "right\n");
    let (code, now) = at(100_000);
    let refused = verify(&path, &code, &now);
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("unlock the device if the clock was ahead before"), "{}", refused.err);
    keyfob(&["unlock", "--state", &path, "--now", &now], "").is(0, "");
    // The step of 107200 is the last that is refused.
    let ahead = |now: &str| keyfob(&["show", "--state", &path, "--json", "--now", now], "").json()["ahead_until"].clone();
    assert_eq!((ahead("100000"), ahead("107159")), (json!(107_220), json!(107_220)));
    assert_eq!((ahead("107220"), show(&path)["ahead_until"].clone()), (json!(null), json!(null)));
    let text = keyfob(&["show", "--state", &path, "--now", "100000"], "").out;
    assert!(text.ends_with("\nahead until: 107220 (1970-01-02 05:47:00 UTC)\n"), "{text}");
    for later in (0..12).map(|step| 100_000 + 30 * step) {
        let (code, now) = at(later);
        let refused = verify(&path, &code, &now);
        assert_eq!((refused.status, refused.out), (1, "wrong\n".to_owned()));
        assert!(refused.err.contains("unlock --forget-steps"), "{}", refused.err);
        assert!(refused.err.contains("codes are right again from 1970-01-02 05:47:00 UTC on; wait until then"), "{}", refused.err);
        assert!(!refused.err.contains("used up"), "{}", refused.err);
    }
    let copy = folder.file("copy.keyfob", std::fs::read(&path).unwrap());
    let (code, now) = at(107_219);
    verify(&copy, &code, &now).is(1, "wrong\n");
    let (code, now) = at(107_220);
    verify(&copy, &code, &now).is(0, "right\n");
    assert_eq!((&show(&path)["status"], &show(&path)["fails"]), (&json!("V"), &json!(0)));
    let unlocked = keyfob(&["unlock", "--state", &path, "--now", "100400", "--forget-steps"], "");
    assert_eq!((unlocked.status, unlocked.out), (0, String::new()));
    assert!(unlocked.err.contains("codes are right again from the next one on, in at most 30 seconds"), "{}", unlocked.err);
    assert!(unlocked.err.contains("right once more when their time comes"), "{}", unlocked.err);
    let (code, now) = at(100_400);
    verify(&path, &code, &now).is(1, "wrong\n");
    let (code, now) = at(100_430);
    verify(&path, &code, &now).is(0, "right\n");
    // There is nothing to forget any more, and no other kind has steps.
    keyfob(&["unlock", "--state", &path, "--now", &now, "--forget-steps"], "").is(0, "");
    let (token, _) = folder.enroll("token.keyfob", &["--hotp"]);
    let refused = keyfob(&["unlock", "--state", &token, "--forget-steps"], "");
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("--forget-steps: this kind of device has no such operation"), "{}", refused.err);
}

#[test]
fn codes_may_have_blanks_as_authenticators_show_them() {
    let folder = Folder::new("shown");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    for (at, separator) in ["1000", "2000", "3000"].into_iter().zip([" ", "-", "\u{a0}"]) {
        let code = code_of(&uri, ["--now", at]);
        verify(&path, &format!("{}{separator}{}", &code[..3], &code[3..]), at).is(0, "right\n");
    }
    let (token, uri) = folder.enroll("token.keyfob", &["--hotp"]);
    let [first, second] =
        ["50", "51"].map(|counter| code_of(&uri, ["--counter", counter])).map(|code| format!("{} {}", &code[..3], &code[3..]));
    keyfob(&["resync", "--state", &token, &first, &second], "").is(0, "right\n");
}

#[test]
fn verdicts_are_json_on_request() {
    let folder = Folder::new("answers");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let code = code_of(&uri, ["--now", "1000"]);
    let verify = || keyfob(&["verify", "--json", "--state", &path, "--now", "1020", &code], "");
    let right = json!({"success": true, "locked": false, "reason": "right", "fails": 0, "matched": 33, "drift": -1});
    assert_eq!(verify().json(), right);
    let refused = |run: Run, reason: &str, fails: u32| {
        let locked = fails >= 10;
        let wrong = json!({"success": false, "locked": locked, "reason": reason, "fails": fails, "matched": null, "drift": null});
        assert_eq!((run.status, run.json()), (1, wrong));
    };
    refused(verify(), "replayed", 0);
    for fails in 1..=11 {
        let wrong = keyfob(&["verify", "--json", "--state", &path, "--now", "1020", "no code"], "");
        refused(wrong, if fails == 11 { "locked" } else { "wrong" }, fails.min(10));
    }
    refused(verify(), "locked", 10);
}

#[test]
fn window_is_bounded_by_the_policy() {
    let folder = Folder::new("window");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let code = code_of(&uri, ["--now", "1000"]);
    let verify = |window| keyfob(&["verify", "--state", &path, "--now", "1100", "--window", window, &code], "");
    verify("100").fails("--window: is so wide that codes could be guessed before the lock; give a smaller number");
    verify("2000").fails("window: must be 0 to 1000 steps");
    assert_eq!(show(&path)["fails"], 0, "a refused window is no attempt");
    verify("2").is(1, "wrong\n");
    verify("4").is(0, "right\n");
}

#[test]
fn clock_set_back_is_an_error_and_no_fail() {
    let folder = Folder::new("clock");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    verify(&path, &code_of(&uri, ["--now", "2000"]), "2000").is(0, "right\n");
    verify(&path, "000000", "1000").fails("time: ");
    assert_eq!(show(&path)["fails"], 0);
}

#[test]
fn resync_finds_a_token_that_ran_ahead() {
    let folder = Folder::new("resync");
    let (path, uri) = folder.enroll("a.keyfob", &["--hotp"]);
    let [first, second] = ["77", "78"].map(|counter| code_of(&uri, ["--counter", counter]));
    let resync = |first: &str, second: &str, json: &[&str]| {
        keyfob(&[&["resync", "--now", "5", "--state", &path, first, second], json].concat(), "")
    };
    verify(&path, &first, "5").is(1, "wrong\n");
    resync(&first, &first, &[]).is(1, "wrong\n");
    assert_eq!(show(&path)["fails"], 2);
    let right = json!({"success": true, "locked": false, "reason": "right", "fails": 0, "matched": 78, "drift": 77});
    assert_eq!(resync(&first, &second, &["--json"]).json(), right);
    resync(&first, &second, &[]).is(1, "wrong\n");
    verify(&path, &code_of(&uri, ["--counter", "79"]), "5").is(0, "right\n");

    let [first, second] = ["1000", "1001"].map(|counter| code_of(&uri, ["--counter", counter]));
    resync(&first, &second, &[]).is(1, "wrong\n");
    resync(&first, &second, &["--window", "0"]).fails("--window: resync window: must be 1 to 10000 counters");
    resync(&first, &second, &["--window", "1000"]).is(0, "right\n");
}

#[test]
fn short_secrets_are_taken_knowingly_and_marked() {
    let folder = Folder::new("short");
    let path = folder.path("a.keyfob");
    let file = folder.path("secret");
    for (secret, hex) in
        [("GEZDGNBVGY3TQOJQ", false), ("31323334353637383930", true), ("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ", false)]
    {
        std::fs::write(&file, secret).unwrap();
        let enroll = ["enroll", "--state", &path, "--secret-file", &file, "--now", "0", "--json"];
        let enroll = [&enroll[..], if hex { &["--hex"] } else { &[] }].concat();
        keyfob(&enroll, "").fails("a token that was made with a shorter one needs --allow-short-secrets");
        let enrolled = keyfob(&[&enroll[..], &["--allow-short-secrets"]].concat(), "");
        assert!(enrolled.err.contains("the secret has 80 bits; RFC 4226 asks for 128 or more"), "{enrolled:?}");
        assert_eq!(show(&path)["has_short_secret"], json!(true));
        // RFC 4226's test secret, cut to 10 bytes.
        let code = ["code", "--secret-file", &file, "--now", "59", "--allow-short-secrets"];
        let code = keyfob(&[&code[..], if hex { &["--hex"] } else { &[] }].concat(), "").out;
        assert_eq!(code, "263420\n", "oathtool's");
        verify(&path, code.trim_end(), "59").is(0, "right\n");
        std::fs::remove_file(&path).unwrap();
    }
    // Nine bytes are too few, and hexadecimal is told from Base32.
    for (secret, refusal) in
        [("GEZDGNBVGY3TQOI", "must have 16 to 64 bytes"), ("ABCDEFABCDEF23456723", "is hexadecimal; give --hex")]
    {
        std::fs::write(&file, secret).unwrap();
        keyfob(&["code", "--secret-file", &file, "--allow-short-secrets"], "").fails(refusal);
    }
}

#[test]
fn show_prints_text_or_json() {
    let folder = Folder::new("show");
    let args = ["--algorithm", "sha512", "--digits", "8", "--period", "60"];
    let (path, _) = folder.enroll("a.keyfob", &args);
    let text = "kind: TOTP\nstatus: C (created)\nfails: 0\nalgorithm: SHA512\ndigits: 8\nperiod: 60 (seconds)\nhas short secret: false\nmoving factor: 0\n\
                drift: 0 (steps by which the authenticator's clock is ahead)\n\
                recovery code count: none\nrecovery codes left: none\ncreated: 0 (1970-01-01 00:00:00 UTC)\nnot before: none\nnot after: none\nlast used: none\nthrottled until: none\nahead until: none\n";
    keyfob(&["show", "--state", &path], "").is(0, text);
    let object = json!({"kind": "TOTP", "status": "C", "fails": 0, "algorithm": "SHA512", "digits": 8, "period": 60,
        "moving_factor": 0, "drift": 0, "recovery_code_count": null, "recovery_codes_left": null, "created": 0,
        "last_used": null, "throttled_until": null, "ahead_until": null,
        "has_short_secret": false, "not_before": null, "not_after": null});
    assert_eq!(show(&path), object);
    let (hotp, uri) = folder.enroll("b.keyfob", &["--hotp", "--counter", "7"]);
    verify(&hotp, &code_of(&uri, ["--counter", "7"]), "1700000000").is(0, "right\n");
    let used = keyfob(&["show", "--state", &hotp], "").out;
    assert!(
        used.contains("status: V (validated)\n") && used.contains("last used: 1700000000 (2023-11-14 22:13:20 UTC)\n"),
        "{used}"
    );
    let (hotp, _) = folder.enroll("c.keyfob", &["--hotp", "--counter", "7"]);
    let shown = show(&hotp);
    assert_eq!((&shown["period"], &shown["moving_factor"], &shown["drift"]), (&json!(null), &json!(7), &json!(null)));
}

#[test]
fn leftovers_of_a_killed_process_do_no_harm() {
    let folder = Folder::new("killed");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let left = folder.file("a.keyfob.tmp", "half a rec");
    verify(&path, &code_of(&uri, ["--now", "1000"]), "1000").is(0, "right\n");
    assert!(!Path::new(&left).exists());
}

#[test]
fn verdict_needs_a_stored_record() {
    let folder = Folder::new("unstored");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let before = std::fs::read(&path).unwrap();
    // A folder in the place of the temporary file: it can not be written.
    std::fs::create_dir(folder.path("a.keyfob.tmp")).unwrap();
    verify(&path, &code_of(&uri, ["--now", "1000"]), "1000").fails("a.keyfob: ");
    verify(&path, "000000", "1000").fails("a.keyfob: ");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
#[cfg(unix)]
fn symbolic_links_stay_and_files_are_private() {
    let folder = Folder::new("links");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let link = folder.path("link");
    std::os::unix::fs::symlink("a.keyfob", &link).unwrap();
    let code = code_of(&uri, ["--now", "1000"]);
    verify(&link, &code, "1000").is(0, "right\n");
    verify(&path, &code, "1000").is(1, "wrong\n");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(folder.path("a.keyfob.lock")), 0o600);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 3, "the link, its target and the lock");
}

#[test]
fn files_that_are_no_state_file_are_named_and_left_alone() {
    let folder = Folder::new("foreign");
    let (good, _) = folder.enroll("good", &[]);
    let mut record = std::fs::read(&good).unwrap();
    record[100] ^= 1;
    let damaged = folder.file("damaged", &record);
    let long = folder.file("long", [&record[..], b"\n"].concat());
    let newer = folder.file("newer", [b"kf\xff", &record[3..]].concat());
    for (path, message) in [
        (damaged.as_str(), "damaged: record: is damaged"),
        (&long, "long: record: must have 168 bytes"),
        (&newer, "newer: record: was written by a newer version"),
        (&folder.file("text", SHA1), "text: record: is not a keyfob record"),
        (&folder.file("empty", ""), "empty: record: must have 168 bytes"),
        (&folder.path("none"), "keyfob enroll --state"),
    ] {
        let before = std::fs::read(path).ok();
        verify(path, "123456", "0").fails(message);
        keyfob(&["show", "--state", path], "").fails(message);
        keyfob(&["unlock", "--state", path], "").fails(message);
        keyfob(&["resync", "--state", path, "123456", "123456"], "").fails(message);
        assert_eq!(std::fs::read(path).ok(), before);
    }
}

/// Whoever may write the folder and read the file, as a group that verifies what root has enrolled.
#[cfg(unix)]
#[test]
fn state_file_of_another_user_is_replaced() {
    use std::fs::{Permissions, copy, metadata, set_permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    let folder = Folder::new("somebody");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let shared = |path: &str, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
    shared(&path, 0o644);
    shared(&folder.path(""), 0o777);
    // The build's folder may be out of their reach.
    let program = folder.path("keyfob");
    copy(env!("CARGO_BIN_EXE_keyfob"), &program).unwrap();
    let (code, uid) = (code_of(&uri, ["--now", "1000"]), metadata(&path).unwrap().uid());
    let verify = |code: &str| {
        let mut command = Command::new(&program);
        command.args(["verify", "--state", &path, "--now", "1000", code]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if uid == 0 {
            command.uid(65534).gid(65534);
        }
        finish(start(command, ""))
    };
    verify(&code).is(0, "right\n");
    verify(&code).is(1, "wrong\n");
    let after = metadata(&path).unwrap();
    let expected = if uid == 0 { (65534, 0o600) } else { (uid, 0o644) };
    assert_eq!((after.uid(), after.mode() & 0o777), expected);
}
