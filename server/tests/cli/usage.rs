//! Bad use: exit status 2 and a message that names the option or the parameter.

use super::*;

#[test]
fn bad_values_are_named() {
    for (args, named) in [
        (&["--algorithm", "md5"][..], "--algorithm"),
        (&["--algorithm", ""], "--algorithm"),
        (&["--digits", "5"], "--digits"),
        (&["--digits", "11"], "digits: must be 6 to 10"),
        (&["--digits", "six"], "--digits"),
        (&["--period", "0"], "--period"),
        (&["--period", "4294967296"], "--period"),
        (&["--period", "30s"], "--period"),
        (&["--t0=-1"], "--t0"),
        (&["--now=-1"], "--now"),
        (&["--now", "18446744073709551616"], "--now"),
        (&["--counter", "x"], "--counter"),
        (&["--counter=-1"], "--counter"),
        (&["--counter", "1", "--period", "30"], "--period"),
        (&["--counter", "1", "--t0", "0"], "--t0"),
        (&["--secret-file", "/nonexistent"], "--secret-file"),
        (&["--hex"], "secret: is not hexadecimal"),
        (&["--secret", SHA1], "--secret"),
        (&["--json=1"], "--json"),
    ] {
        keyfob(&[&["code"], args].concat(), SHA1).fails(named);
        keyfob(&[&["verify", "123456"], args].concat(), SHA1).fails(named);
    }
}

#[test]
fn bad_secrets_are_refused() {
    for (input, message) in [
        ("", "standard input: holds no secret"),
        ("\n", "standard input: holds no secret"),
        ("GEZDGNBV", "secret: must have 16 to 64 bytes"),
        ("1EZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "secret: is not Base32"),
        ("otpauth://totp/a", "URI: the parameter secret is missing"),
        (&format!("otpauth://totp/a?secret={SHA1}&amp;digits=8"), "or &amp; of a web page, which must be &"),
        ("otpauth://sms/a", "URI: must start with otpauth://totp/"),
    ] {
        keyfob(&["code"], input).fails(message);
    }
    keyfob(&["code"], SHA1.repeat(1000)).fails("standard input: is longer than 4096 bytes");
    keyfob(&["code"], b"\xff\n").fails("secret: is not text in UTF-8");
    if cfg!(unix) {
        keyfob(&["code", "--secret-file", "/"], "").fails("--secret-file");
        keyfob(&["code", "--secret-file", "/dev/zero"], "").fails("/dev/zero: is longer than 4096 bytes");
    }
}

#[test]
fn verify_refuses_contradictory_options() {
    let folder = Folder::new("contradict");
    let (state, _) = folder.enroll("a.keyfob", &[]);
    for option in [
        &["--secret-file", "-"][..],
        &["--hex"],
        &["--algorithm", "sha1"],
        &["--digits", "6"],
        &["--period", "30"],
        &["--t0", "0"],
        &["--counter", "0"],
    ] {
        keyfob(&[&["verify", "--state", &state, "123456"], option].concat(), SHA1).fails(option[0]);
    }
    assert_eq!(show(&state)["fails"], 0);
    for window in ["--window=-1", "--window=x", "--window=65536", "--window=1001"] {
        keyfob(&["verify", "123456", window, "--now", "0"], SHA1).fails("--window");
        keyfob(&["verify", "123456", window, "--counter", "0"], SHA1).fails("--window");
    }
    keyfob(&["verify"], format!("{SHA1}\n")).fails("standard input: holds no code");
    keyfob(&["verify", "--state", &state], "").fails("standard input: holds no code");
    keyfob(&["verify", "123456", "123456"], SHA1).fails("123456");
}

#[test]
fn enroll_refuses_impossible_options() {
    for (args, named) in [
        (&["--algorithm", "md5"][..], "--algorithm"),
        (&["--digits", "5"], "--digits"),
        (&["--period", "0"], "--period"),
        (&["--hotp", "--period", "30"], "--period"),
        (&["--counter", "1"], "--hotp"),
        (&["--hotp", "--counter", "x"], "--counter"),
        (&["--hex"], "--secret-file"),
        (&["--now", "x"], "--now"),
        (&["--t0", "0"], "--t0"),
        (&["--issuer", "a:b"], "issuer"),
        (&["--account", "a:b"], "account"),
        (&["--account", ""], "account"),
        (&["--secret-file", "/nonexistent"], "/nonexistent"),
        (&["--state", "/nonexistent/a.keyfob"], "/nonexistent/a.keyfob"),
        (&["--png", "/nonexistent/a.png"], "/nonexistent/a.png"),
    ] {
        keyfob(&[&["enroll"], args].concat(), "").fails(named);
    }
    let folder = Folder::new("uri");
    let uri = folder.file("uri", format!("otpauth://hotp/a?secret={SHA1}&counter=0"));
    keyfob(&["enroll", "--secret-file", &uri, "--period", "30"], "").fails("--period");
}

#[test]
fn other_commands_need_their_arguments() {
    for command in ["show", "unlock", "resync"] {
        keyfob(&[command], "").fails("--state");
    }
    keyfob(&["resync", "--state", "a", "123456"], "").fails("CODE2");
    keyfob(&["unlock", "--state", "a", "--now", "x"], "").fails("--now");
    keyfob(&["completions"], "").fails("SHELL");
    keyfob(&["completions", "nosuch"], "").fails("nosuch");
    keyfob(&["man"], "").fails("FOLDER");
    keyfob(&["man", "/nonexistent"], "").fails("/nonexistent/keyfob");
    keyfob(&["nosuch"], "").fails("nosuch");
}

#[test]
fn help_and_version_are_printed() {
    keyfob(&[], "").fails("Usage: keyfob <COMMAND>");
    let version = keyfob(&["--version"], "");
    version.is(0, &format!("keyfob {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(keyfob(&["--help"], "").status, 0);
    for command in [
        "code",
        "verify",
        "enroll",
        "show",
        "unlock",
        "resync",
        "completions",
        "config",
        "health",
        "make-key",
        "make-signing-key",
        "rotate-signing-key",
        "man",
    ] {
        let run = keyfob(&[command, "--help"], "");
        assert!(run.status == 0 && run.out.contains("Example"), "{run:?}");
    }
}
