//! Standard output: closed or full, and free of secrets.

use super::*;

#[test]
#[cfg(target_os = "linux")]
fn standard_output_that_is_closed_or_full_is_an_error_and_no_panic() {
    let mut child = command(&["code", "--counter", "0"]).spawn().unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(SHA1.as_bytes()).unwrap();
    finish(child).fails("standard output: ");

    for args in [&["completions", "bash"][..], &["enroll", "--json"], &["code", "--counter", "0"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = command(args);
        command.stdout(full);
        finish(start(command, SHA1)).fails("standard output: ");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn verdict_is_stored_before_it_is_printed() {
    let folder = Folder::new("printed");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let code = code_of(&uri, ["--now", "1000"]);
    let args = ["verify", "--state", &path, "--now", "1000", &code];
    let mut unheard = command(&args);
    unheard.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    finish(start(unheard, "")).fails("standard output: ");
    keyfob(&args, "").is(1, "wrong\n");
}

#[test]
fn secret_is_printed_by_enroll_only() {
    let folder = Folder::new("secret");
    let secret = folder.file("secret", SHA1);
    let hex = folder.file("hex", HEX);
    let uri = folder.file("uri", format!("otpauth://totp/a?secret={SHA1}"));
    let broken = folder.file("broken", format!("otpauth://totp/a?secret={SHA1}&digits=99"));
    let truncated = folder.file("truncated", format!("otpauth://totp/%zz?secret={SHA1}"));
    let spoilt = folder.file("spoilt", format!("{SHA1}!"));
    let binary = folder.file("binary", [SHA1.as_bytes(), b"\xff"].concat());
    let long = folder.file("long", SHA1.repeat(200));
    let (state, _) = folder.enroll("a.keyfob", &["--secret-file", &secret]);

    let mut runs = Vec::new();
    for file in [&secret, &hex, &uri, &broken, &truncated, &spoilt, &binary, &long] {
        for options in [&[][..], &["--hex"], &["--json"], &["--counter", "1"]] {
            runs.push(keyfob(&[&["code", "--secret-file", file], options].concat(), ""));
            runs.push(keyfob(&[&["verify", "--secret-file", file], options, &["123456"]].concat(), ""));
            runs.push(keyfob(&[&["code"], options].concat(), std::fs::read(file).unwrap()));
        }
        let failing = keyfob(&["enroll", "--secret-file", file, "--state", &state], "");
        assert_eq!(failing.status, 2);
        runs.push(failing);
        runs.push(keyfob(&["show", "--state", file], ""));
        runs.push(keyfob(&["verify", "--state", file, "123456"], ""));
    }
    for args in [&["show"][..], &["show", "--json"], &["verify", "123456"], &["verify", "--json", "123456"], &["unlock"]] {
        runs.push(keyfob(&[args, &["--state", &state]].concat(), ""));
    }
    assert!(runs.iter().any(|run| run.status == 0) && runs.iter().any(|run| run.status == 2));
    for run in runs {
        let printed = format!("{}{}", run.out, run.err).to_ascii_uppercase();
        // Of each form, a piece that no path or message has.
        for piece in [&SHA1[..12], &HEX[..12], "123456789012345"] {
            assert!(!printed.contains(piece), "{run:?}");
        }
    }
}

#[test]
fn completions_exist_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = keyfob(&["completions", shell], "");
        assert!(run.status == 0 && run.out.contains("secret-file"), "{shell}: {run:?}");
    }
}
