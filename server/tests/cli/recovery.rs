//! Recovery codes of a state file.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::*;

/// Makes recovery codes at time 1000. Returns the path of their state file, and the codes.
#[track_caller]
fn enroll(folder: &Folder, args: &[&str]) -> (String, Vec<String>) {
    let path = folder.path("a.recovery");
    let run = keyfob(&[&["enroll", "--recovery", "--now", "1000", "--state", &path], args].concat(), "");
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{run:?}");
    (path, run.out.lines().map(str::to_owned).collect())
}

fn verify(path: &str, code: &str) -> Run {
    keyfob(&["verify", "--state", path, "--now", "1002"], format!("{code}\n"))
}

#[test]
fn codes_are_printed_once_and_each_is_right_once() {
    let folder = Folder::new("recovery");
    let (path, codes) = enroll(&folder, &[]);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
    assert!(codes.iter().all(|code| code.len() == 16 && code.bytes().filter(|byte| *byte == b'-').count() == 2));
    for (left, code) in (0..10).rev().zip(&codes) {
        let typed = if left % 2 == 0 { code.to_lowercase().replace('-', " ") } else { code.clone() };
        let remark = match left {
            0 => "; no recovery code is left: keyfob renew makes new ones".to_owned(),
            1 => "; 1 recovery code is left: keyfob renew makes new ones".to_owned(),
            more => format!("; {more} recovery codes are left"),
        };
        verify(&path, &typed).is(0, &format!("right{remark}\n"));
        // A used code is wrong, and no fail.
        verify(&path, code).is(1, "wrong\n");
        let shown = show(&path);
        assert_eq!((&shown["recovery_codes_left"], &shown["recovery_code_count"]), (&json!(left), &json!(10)));
        assert_eq!((&shown["kind"], &shown["status"], &shown["fails"]), (&json!("RECOVERY"), &json!("V"), &json!(0)));
    }
    let shown = keyfob(&["show", "--state", &path], "").out;
    assert!(shown.contains("recovery code count: 10\nrecovery codes left: 0\n"), "{shown}");
    assert!(codes.iter().all(|code| !shown.contains(code.as_str())), "{shown}");
}

#[test]
fn count_is_an_option_and_json_has_the_codes() {
    let folder = Folder::new("recovery-count");
    let (path, codes) = enroll(&folder, &["--count", "64"]);
    assert_eq!(codes.len(), 64);
    let json = keyfob(&["renew", "--json", "--count", "2", "--state", &path], "").json();
    let list = json["recovery_codes"].as_array().unwrap().clone();
    assert_eq!(json, json!({"kind": "RECOVERY", "recovery_codes": list, "recovery_codes_left": 2}));
    let run = keyfob(&["verify", "--json", "--state", &path, "--", list[1].as_str().unwrap()], "");
    let expected = json!({"success": true, "locked": false, "reason": "right", "fails": 0, "matched": 1, "drift": null,
        "recovery_codes_left": 1});
    assert_eq!((run.status, run.json()), (0, expected));
    for (args, named) in [
        (&["--count", "0"][..], "--count"),
        (&["--count", "65"], "--count"),
        (&["--count", "ten"], "--count"),
        (&["--hotp"], "--hotp"),
        (&["--digits", "8"], "--digits"),
        (&["--secret-file", "-"], "--secret-file"),
        (&["--issuer", "ACME"], "--issuer"),
        (&["--png", "a.png"], "--png"),
    ] {
        let other = folder.path("b.recovery");
        keyfob(&[&["enroll", "--recovery", "--state", &other], args].concat(), "").fails(named);
        assert!(!Path::new(&other).exists());
    }
    keyfob(&["enroll", "--recovery"], "").fails("--state");
    keyfob(&["enroll", "--count", "3"], "").fails("--recovery");
    keyfob(&["enroll", "--recovery", "--state", &path], "").fails("is not overwritten");
    keyfob(&["renew", "--count", "65", "--state", &path], "").fails("--count");
}

#[test]
fn typing_error_costs_no_fail_and_ten_wrong_codes_lock() {
    let folder = Folder::new("recovery-typing");
    let (path, codes) = enroll(&folder, &[]);
    let before = fs::read(&path).unwrap();
    // The first two symbols beside each other that differ have changed places.
    let mut swapped = codes[0].clone().into_bytes();
    let at = (0..15).find(|&at| swapped[at] != b'-' && swapped[at + 1] != b'-' && swapped[at] != swapped[at + 1]);
    swapped.swap(at.unwrap(), at.unwrap() + 1);
    let swapped = String::from_utf8(swapped).unwrap();
    for typed in ["123456", "no code", "", &codes[0][..15], &format!("{}0", codes[0]), &swapped, "\u{e4}0000-00000-0000"] {
        let run = verify(&path, typed);
        run.fails("the code: has a typing error, and was not counted");
        assert!(typed.is_empty() || !run.err.contains(typed), "{run:?}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    for fail in 1..=10 {
        let out = if fail < 10 { "wrong\n" } else { "wrong, and the device is locked; keyfob unlock opens it\n" };
        verify(&path, "00000-00000-0000").is(1, out);
    }
    verify(&path, &codes[0]).is(1, "wrong, and the device is locked; keyfob unlock opens it\n");
    keyfob(&["unlock", "--state", &path, "--now", "1002"], "").is(0, "");
    assert_eq!(verify(&path, &codes[0]).status, 0);
}

#[test]
fn renewal_ends_the_old_codes_and_keeps_a_lock() {
    let folder = Folder::new("recovery-renewal");
    let (path, old) = enroll(&folder, &["--count", "3"]);
    assert_eq!(verify(&path, &old[0]).status, 0);
    let renew = || {
        let run = keyfob(&["renew", "--state", &path, "--now", "1002"], "");
        assert_eq!((run.status, run.err.as_str()), (0, ""));
        run.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (once, again) = (renew(), renew());
    assert!(once.len() == 3 && again.len() == 3 && once != again);
    for code in [&old[0], &old[1], &once[0]] {
        verify(&path, code).is(1, "wrong\n");
    }
    assert_eq!(show(&path)["fails"], 3);
    for _ in 3..10 {
        verify(&path, "00000-00000-0000");
    }
    let last = renew();
    assert_eq!((&show(&path)["status"], &show(&path)["fails"]), (&json!("L"), &json!(10)));
    assert_eq!(verify(&path, &last[0]).status, 1);
    keyfob(&["unlock", "--state", &path, "--now", "1002"], "").is(0, "");
    verify(&path, &last[0]).is(0, "right; 2 recovery codes are left\n");

    let (other, _) = folder.enroll("a.keyfob", &[]);
    keyfob(&["renew", "--state", &other], "").fails("is TOTP; only recovery codes are renewed");
    keyfob(&["renew", "--state", &folder.path("missing")], "").fails("missing");
}

#[test]
fn code_is_accepted_once_of_fifty_processes() {
    let folder = Folder::new("recovery-race");
    let (path, codes) = enroll(&folder, &[]);
    let children: Vec<_> = (0..50).map(|_| start(command(&["verify", "--state", &path, "--now", "1001"]), &codes[3])).collect();
    let mut statuses: Vec<_> = children.into_iter().map(|child| finish(child).status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[0][..], &[1; 49][..]].concat());
    assert_eq!((&show(&path)["recovery_codes_left"], &show(&path)["fails"]), (&json!(9), &json!(0)));
}

#[test]
fn commands_for_authenticators_refuse_them() {
    let folder = Folder::new("recovery-refused");
    let (path, codes) = enroll(&folder, &[]);
    for (args, named) in [
        (&["code"][..], "this kind of device has no such operation"),
        (&["resync", &codes[0], &codes[1]], "this kind of device has no such operation"),
        (&["verify", "--window", "1", &codes[0]], "--window"),
        (&["verify", "--max-drift", "1", &codes[0]], "--max-drift"),
        (&["unlock", "--forget-steps"], "--forget-steps"),
        (&["export", "--format", "uris", "--output", "-"], "only TOTP and HOTP are exported"),
    ] {
        let run = keyfob(&[args, &["--state", &path]].concat(), "");
        run.fails(named);
        assert!(codes.iter().all(|code| !run.err.contains(code.as_str())), "{run:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn codes_that_nobody_reads_leave_no_file_and_the_mode_is_private() {
    let folder = Folder::new("recovery-output");
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let path = folder.path("b.recovery");
    let mut unread = command(&["enroll", "--recovery", "--state", &path]);
    unread.stdout(full());
    finish(start(unread, "")).fails("nothing was stored");
    assert!(!Path::new(&path).exists());
    let (path, codes) = enroll(&folder, &[]);
    assert_eq!(mode(&path), 0o600);
    let mut unread = command(&["renew", "--state", &path, "--now", "1001"]);
    unread.stdout(full());
    finish(start(unread, "")).fails("the old codes have ended all the same: give keyfob renew again");
    verify(&path, &codes[0]).is(1, "wrong\n");
}
