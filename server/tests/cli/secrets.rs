//! Secrets as people paste them: read completely, or refused by name.

use super::*;

/// Reads it from a file, from standard input, and as enroll does.
fn each_way(content: &[u8], check: impl Fn(Run)) {
    let folder = Folder::new(&format!("way-{:?}", std::thread::current().id()));
    let path = folder.file("secret", content);
    check(keyfob(&["code", "--counter", "1", "--secret-file", &path], ""));
    check(keyfob(&["code", "--counter", "1"], content));
    check(keyfob(&["verify", "--counter", "1", "287082"], content));
    let enrolled = keyfob(&["enroll", "--json", "--account", "a", "--secret-file", "-"], content);
    check(match enrolled.status {
        0 => code_run(&enrolled),
        _ => enrolled,
    });
}

/// The code of counter 1 of what was enrolled.
fn code_run(enrolled: &Run) -> Run {
    keyfob(&["code", "--counter", "1"], enrolled.json()["uri"].as_str().unwrap())
}

#[test]
fn a_secret_in_two_lines_is_read_to_its_end() {
    let (first, second) = SHA1.split_at(26);
    for ending in ["\n", "\r\n", "\n\n  "] {
        each_way(format!("{first}{ending}{second}\n").as_bytes(), |run| {
            assert!(run.status == 0 && ["287082\n", "right\n"].contains(&run.out.as_str()), "{run:?}");
        });
    }
    let (first, second) = HEX.split_at(20);
    keyfob(&["code", "--hex", "--counter", "1"], format!("{first}\n{second}\n")).is(0, "287082\n");
}

#[test]
fn two_secrets_are_not_read_as_one() {
    each_way(format!("{SHA1}\n{SHA1}\n").as_bytes(), |run| run.fails("several lines that may each be a secret"));
    keyfob(&["code", "--hex"], format!("{HEX}\n{HEX}\n")).fails("several lines that may each be a secret");
}

#[test]
fn a_secret_and_a_code_are_two_lines() {
    let (first, second) = SHA1.split_at(26);
    for input in [
        format!("{first}\n{second}\n287082\n"),
        format!("{first}\n{second}\n"),
        format!("{SHA1}\n287082\n287082\n"),
        format!("{SHA1}\n\n287082\n"),
    ] {
        keyfob(&["verify", "--now", "59"], input).fails("must be two lines, the secret and the code");
    }
    keyfob(&["verify", "--now", "59"], format!("{SHA1}\n287082\n\n")).is(0, "right\n");
    keyfob(&["verify", "--now", "59"], format!("\n{SHA1}\n287082\n")).fails("must be two lines");
}

#[test]
fn marks_and_blanks_of_all_kinds_are_skipped() {
    let spaced = "\u{feff}GEZD\u{a0}GNBV\u{202f}GY3T\u{2011}QOJQ\u{200b}GEZD\u{2007}GNBV\u{2060}GY3T QOJQ\u{a0}\r\n";
    let uri = format!("\u{feff}\u{a0}otpauth://totp/a?secret={SHA1}\u{a0}\n\n");
    for content in [spaced, &uri] {
        each_way(content.as_bytes(), |run| {
            assert!(run.status == 0 && ["287082\n", "right\n"].contains(&run.out.as_str()), "{run:?}");
        });
    }
    let colons: Vec<_> = HEX.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect();
    keyfob(&["code", "--hex", "--counter", "1"], colons.join(":")).is(0, "287082\n");
    keyfob(&["code", "--hex", "--counter", "1"], format!("0x{HEX}")).is(0, "287082\n");
}

#[test]
fn text_that_is_no_secret_is_named() {
    let folder = Folder::new("named");
    let (state, uri) = folder.enroll("a.keyfob", &[]);
    let image = folder.path("a.png");
    assert_eq!(keyfob(&["enroll", "--png", &image], "").status, 0);
    let pskc = format!(
        "<?xml version=\"1.0\"?>\n<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n<Key><Secret><PlainValue>{}</PlainValue>",
        "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
    );
    let utf16: Vec<u8> = format!("\u{feff}{SHA1}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, named) in [
        (HEX.as_bytes(), "is hexadecimal; give --hex"),
        (b"otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8%3D", "is an export of Google Authenticator"),
        (format!("{uri}\n{uri}\n").as_bytes(), "holds 2 otpauth URIs; give one"),
        (uri.replace("&issuer", "\n&issuer").as_bytes(), "is an otpauth URI on several lines"),
        (pskc.as_bytes(), "is a PSKC file (RFC 6030)"),
        (b"<html>", "is XML or HTML"),
        (b"{\"version\": 1}", "is JSON"),
        (b"https://example.com/qr", "is a URI of another kind"),
        (&utf16, "is text in UTF-16"),
        (&std::fs::read(&state).unwrap(), "give it with --state FILE"),
        (&std::fs::read(&image).unwrap(), "zbarimg"),
        (b"\xef\xbb\xbf --- ", "secret: is empty"),
    ] {
        each_way(content, |run| run.fails(named));
    }
    keyfob(&["verify"], &pskc).fails("is a PSKC file");
    // A large file is told by its beginning.
    keyfob(&["code"], pskc + &"<Key/>".repeat(1000)).fails("is a PSKC file");
    keyfob(&["code", "--hex"], SHA1).fails("leave --hex out");
}

#[test]
fn a_base32_secret_that_may_be_hexadecimal_is_noted() {
    let secret = "ABCDEF22ABCDEF33ABCDEF44ABCDEF55";
    let run = keyfob(&["code", "--counter", "1"], secret);
    assert!(run.status == 0 && run.err.contains("give --hex") && !run.err.contains("ABCDEF"), "{run:?}");
    assert_eq!(keyfob(&["code", "--counter", "1"], SHA1).err, "");
}

/// What a terminal shows, and the exit status, if these bytes are typed into it.
#[cfg(target_os = "linux")]
fn typed(args: &[&str], input: &str) -> (i32, String) {
    let mut command = Command::new("script");
    let line = [&[env!("CARGO_BIN_EXE_keyfob")], args].concat().join(" ");
    command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = finish(start(command, input));
    (run.status, run.out)
}

#[test]
#[cfg(target_os = "linux")]
fn a_secret_pasted_as_two_lines_is_refused() {
    let (first, second) = SHA512.split_at(64);
    for ending in ["", "\n"] {
        let (status, shown) = typed(&["code", "--counter", "0"], &format!("{first}\n{second}{ending}"));
        assert!(status == 2 && shown.contains("terminal: more than one line was pasted"), "{status} {shown}");
    }
    let (status, shown) = typed(&["code", "--counter", "0"], &format!("{SHA1}\n"));
    assert!(status == 0 && shown.contains("755224"), "{status} {shown}");
    let (status, shown) = typed(&["code", "--counter", "0"], &format!("{SHA1}\n\n\x04"));
    assert!(status == 0 && shown.contains("755224"), "an impatient second Enter: {status} {shown}");
}
