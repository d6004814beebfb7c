//! Files that are wrong: each fault has its own message with its place, and the rest still comes.

mod common;

use std::io::{BufReader, Read};

use common::{errors, read_as, read_detected, read_pskc, tokens};
use keyfob_tokens::{Duplicate, Duplicates, ErrorKind, Format, Keys, Kind, RawSecret, Token, read};

const HEAD: &str = "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n";

fn package(serial: &str, data: &str) -> String {
    format!(
        "<KeyPackage><DeviceInfo><SerialNo>{serial}</SerialNo></DeviceInfo>\n\
         <Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\"><Data>{data}</Data></Key></KeyPackage>\n"
    )
}

fn secret(base64: &str) -> String {
    format!("<Secret><PlainValue>{base64}</PlainValue></Secret>")
}

const GOOD: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=";

#[test]
fn wrong_entries_leave_the_others_alone() {
    let counter = |text: &str| format!("{}<Counter><PlainValue>{text}</PlainValue></Counter>", secret(GOOD));
    let file = [
        HEAD.to_owned(),
        package("A1", &secret(GOOD)),
        package("A2", &secret("not*base64")),
        package("A3", &counter("18446744073709551616")),
        package("A4", ""),
        package("A5", &secret(GOOD)),
        "</KeyContainer>".to_owned(),
    ]
    .concat();
    let entries = read_detected(&file);
    let serials: Vec<_> = entries.iter().flatten().filter_map(|token| token.serial.as_deref()).collect();
    assert_eq!(serials, ["A1", "A5"]);
    let errors: Vec<_> = entries.iter().filter_map(|entry| entry.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "entry 2, line 5 (A2): the secret is not Base64: check the file and its format",
            "entry 3, line 7 (A3): the counter is out of range: correct it",
            "entry 4, line 9 (A4): the secret is missing: add it",
        ]
    );
}

#[test]
fn broken_frames_end_the_file() {
    let whole = [HEAD, &package("A1", &secret(GOOD)), &package("A2", &secret(GOOD)), "</KeyContainer>"].concat();
    assert_eq!(read_detected(&whole).len(), 2);
    // Wherever it is cut, what came is right, and the last entry says that it was cut.
    for end in HEAD.len()..whole.len() {
        let mut entries = read_as(Format::Pskc, whole.get(..end).expect("ASCII"), &Keys::new());
        let error = entries.pop().expect("an entry").expect_err("cut off");
        assert!(error.is_fatal() && error.kind() == &ErrorKind::Truncated, "{end}: {error}");
        assert!(entries.iter().all(Result::is_ok));
    }
    for (file, kind) in [
        (whole.replace("</Data>", "</Daten>"), ErrorKind::Xml),
        (whole.replace("\"1.0\"", "\"2.0\""), ErrorKind::Version("2.0".to_owned())),
        (whole.replace(HEAD, "<html>"), ErrorKind::Root("html".to_owned())),
        (["<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", &whole].concat(), ErrorKind::Entity),
        (whole.replace(GOOD, "&e;"), ErrorKind::Entity),
        (whole.replace("Id=\"1\"", "Id=\"&e;\""), ErrorKind::Entity),
        (String::new(), ErrorKind::Truncated),
    ] {
        let entries = read_as(Format::Pskc, &file, &Keys::new());
        let error = entries.last().expect("an entry").as_ref().expect_err("refused");
        assert_eq!((error.kind(), error.is_fatal()), (&kind, true));
    }
    let mut latin = whole.into_bytes();
    latin.extend(b"<x>\xe4</x>");
    let at = latin.iter().position(|&byte| byte == b'A').expect("a serial number");
    latin[at] = 0xe4;
    let [error] = errors(read_as(Format::Pskc, &latin, &Keys::new()));
    assert_eq!(error.kind(), &ErrorKind::Encoding);
}

#[test]
fn predefined_entities_and_cdata_are_read() {
    let file = [HEAD, &package("A&amp;&#49;<![CDATA[<b>]]>", &secret(GOOD)), "</KeyContainer>"].concat();
    let [token] = tokens(read_pskc(&file, &Keys::new()));
    assert_eq!(token.serial.as_deref(), Some("A&1<b>"));
}

/// `count` times a text, without holding it.
struct Repeated(&'static [u8], usize);

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(left) = self.1.checked_sub(1) else { return Ok(0) };
        let len = self.0.len().min(buffer.len());
        buffer[..len].copy_from_slice(&self.0[..len]);
        self.1 = left;
        Ok(len)
    }
}

#[test]
fn endless_files_end_early() {
    let many = |text: &'static [u8]| BufReader::new(HEAD.as_bytes().chain(Repeated(text, 100_000_000 / text.len())));
    for (text, kind) in [
        (&b"<a>"[..], ErrorKind::Nesting),
        (b"<a b='", ErrorKind::Size(65536)),
        (b"<!-- xxx ", ErrorKind::Size(65536)),
        (b"text ", ErrorKind::Size(65536)),
    ] {
        let entries: Vec<_> = read(Format::Pskc, many(text), &Keys::new()).collect();
        let error = entries.last().expect("an entry").as_ref().expect_err("refused");
        assert_eq!((error.kind(), error.is_fatal()), (&kind, true), "{}", String::from_utf8_lossy(text));
    }
    let key = [HEAD, "<KeyPackage><Key Id=\"1\" Algorithm=\"hotp\">"].concat();
    let file = BufReader::new(key.as_bytes().chain(Repeated(b"<b/>", 1_000_000)));
    let entries: Vec<_> = read(Format::Pskc, file, &Keys::new()).collect();
    assert!(matches!(&entries[..], [Err(error)] if error.is_fatal()), "{entries:?}");

    let lines: Vec<_> = read(Format::Uris, BufReader::new(Repeated(b"otpauth://totp/", 1_000_000)), &Keys::new()).collect();
    assert!(matches!(&lines[..], [Err(error)] if error.kind() == &ErrorKind::Size(65536)), "{lines:?}");
    let rows: Vec<_> = read(Format::OathCsv, BufReader::new(Repeated(b"\"a,", 1_000_000)), &Keys::new()).collect();
    assert!(matches!(&rows[..], [Err(error)] if error.is_fatal()), "{rows:?}");
    let json: Vec<_> = read(Format::Json, BufReader::new(Repeated(b"[[[[[[[[", 3_000_000)), &Keys::new()).collect();
    assert!(matches!(&json[..], [Err(error)] if matches!(error.kind(), ErrorKind::Size(_))), "{json:?}");
    // Each would take some hundred times its bytes.
    for (start, entry, end) in [("[", "\"x\"", "]"), (r#"{"header":{},"version":1,"db":{"entries":["#, "{}", "]}}")] {
        let file = [start, &vec![entry; 300_001].join(","), end].concat();
        let entries = read_detected(file.as_bytes());
        assert!(matches!(&entries[..], [Err(error)] if error.kind() == &ErrorKind::Entries(300_000)), "{start}");
    }
    let nested = [&vec![b'['; 100_000][..], &vec![b']'; 100_000]].concat();
    assert!(matches!(&read_detected(&nested)[..], [Err(error)] if error.is_fatal()));
}

#[test]
fn duplicates_are_found() {
    let file = [
        HEAD.to_owned(),
        package("A0", ""),
        package("A1", &secret(GOOD)),
        package("A2", &secret(GOOD)),
        package("A1", &secret("QUFBQUFBQUFBQUFBQUFBQUFBQUE=")),
        package("A3", &secret("QkJCQkJCQkJCQkJCQkJCQkJCQkI=")),
        "</KeyContainer>".to_owned(),
    ]
    .concat();
    let mut duplicates = Duplicates::new();
    let (mut tokens, mut found) = (read(Format::Pskc, file.as_bytes(), &Keys::new()), Vec::new());
    while let Some(read) = tokens.next() {
        let entry = tokens.location().entry.expect("a number");
        found.extend(read.ok().map(|token| (entry, duplicates.check(entry, &token))));
    }
    // The entries of the messages are those of the file, of which the first is refused.
    assert_eq!(found, [(2, None), (3, Some(Duplicate::Secret(2))), (4, Some(Duplicate::Serial(2))), (5, None)]);
    assert_eq!(Duplicate::Secret(2).to_string(), "entry 2 has the same secret: enrol one of them anew");
    assert_eq!(Duplicate::Serial(2).to_string(), "entry 2 has the same serial number and kind: remove one of them");
}

#[test]
fn pins_may_be_alike() {
    let mut token = Token::new(Kind::Pin, RawSecret::new(b"1234".to_vec()));
    let mut duplicates = Duplicates::new();
    for (entry, serial) in [(1, "A1"), (2, "A2")] {
        token.serial = Some(serial.to_owned());
        assert_eq!(duplicates.check(entry, &token), None);
    }
    // Of a token that comes twice, the serial number is what shows it.
    token.kind = Kind::Hotp;
    assert_eq!(duplicates.check(3, &token), None);
    assert_eq!(duplicates.check(4, &token), Some(Duplicate::Serial(3)));
    // A key and a PIN of one device.
    let mut key = Token::new(Kind::Hotp, RawSecret::new(b"5678".to_vec()));
    key.serial = Some("A1".to_owned());
    assert_eq!(duplicates.check(5, &key), None);
}

/// The places of the tokens and errors of a file, in order.
fn places(format: Format, file: &str) -> Vec<String> {
    let mut tokens = read(format, file.as_bytes(), &Keys::new());
    let mut places = Vec::new();
    while let Some(read) = tokens.next() {
        let location = tokens.location().clone();
        assert!(read.as_ref().err().is_none_or(|error| error.location() == &location));
        places.push(format!("{location}: {}", if read.is_ok() { "good" } else { "refused" }));
    }
    places
}

#[test]
fn good_tokens_have_places_as_refused_ones_do() {
    let pskc = [HEAD, &package("A1", ""), &package("A2", &secret(GOOD)), "</KeyContainer>"].concat();
    let csv = "A1,zz,totp\n\nA2,3132,totp\n";
    let safenet = "<Tokens><Token serial='A1'/>\n<Token serial='A2'><Application><Seed>3132</Seed></Application></Token></Tokens>";
    let uris = "# one\notpauth://totp/a\notpauth://totp/a?secret=AAAA";
    let json = r#"[{"label":"a","secret":""},{"label":"b","secret":"AAAA"}]"#;
    for (format, file, expected) in [
        (Format::Pskc, &pskc[..], ["entry 1, line 3 (A1): refused", "entry 2, line 5 (A2): good"]),
        (Format::OathCsv, csv, ["entry 1, line 1 (A1): refused", "entry 2, line 3 (A2): good"]),
        (Format::SafeNet, safenet, ["entry 1, line 1 (A1): refused", "entry 2, line 2 (A2): good"]),
        (Format::Uris, uris, ["entry 1, line 2: refused", "entry 2, line 3: good"]),
        (Format::Json, json, ["entry 1 (a): refused", "entry 2 (b): good"]),
    ] {
        assert_eq!(places(format, file), expected);
    }
}

#[test]
fn rows_that_were_cut_off_are_refused() {
    let columns = || Format::Columns("serial,secret:hex,period".parse().expect("columns"));
    let entra = "upn,serial number,secret key,time interval,manufacturer,model\n,1,GEZDGNBVGY3TQOJQ,60,,\n,2,GEZDGNBV";
    let keepassxc = "\"Title\",\"Username\",\"TOTP\",\"Icon\"\n\"a\",\"b\",\"otpauth://totp/a?secret=AAAA\",\"0\"\n\"c\",\"d\"";
    for (format, file, kind) in [
        (Format::Entra, entra, ErrorKind::Columns),
        (Format::KeePassXc, keepassxc, ErrorKind::Columns),
        (columns(), "A1,3132,60\nA2,3132", ErrorKind::Columns),
        (columns(), "\"A1\",\"3132\",\"60\"\n\"A2\",\"31", ErrorKind::Truncated),
        (Format::OathCsv, "A1,3132,totp,6,60\nA2,31", ErrorKind::Truncated),
        (Format::OathCsv, "A1,3132,totp\nA2,\"31", ErrorKind::Truncated),
    ] {
        let mut entries = read_as(format, file, &Keys::new());
        let error = entries.pop().expect("an entry").expect_err("cut off");
        assert_eq!((error.kind(), error.location().line), (&kind, Some(file.lines().count() as u64)), "{file}");
        assert!(matches!(entries[..], [Ok(_)]), "{file}");
    }
    // Columns may be left out elsewhere, and the last row may end without the end of its line.
    let file = "A1,3132,totp,6,60\nA2,3132\nA3,3132\nA4,\"3132\",totp";
    assert_eq!(read_as(Format::OathCsv, file, &Keys::new()).iter().flatten().count(), 4);
}

#[test]
fn settings_that_contradict_each_other_end_the_file() {
    let key = "<EncryptionKey><KeyName>a</KeyName></EncryptionKey>";
    let mac = "<MACMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\"/>";
    for (setting, name) in [(key, "the encryption key"), (mac, "the MAC method")] {
        let [error] = errors(read_detected([HEAD, setting, setting, &package("A1", &secret(GOOD)), "</KeyContainer>"].concat()));
        assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::Repeated(name), true));
    }
}

#[test]
fn errors_never_hold_a_secret() {
    let marker = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    for file in [
        format!("otpauth://totp/a?secret={marker}&digits=99"),
        format!("otpauth://totp/a?secret={marker}!"),
        format!("otpauth://steam/a?secret={marker}"),
        format!("[\"otpauth://totp/a?secret={marker}&period=0\"]"),
        format!("{HEAD}{}</KeyContainer>", package("A1", &secret(&format!("{marker}!")))),
        format!("{HEAD}<KeyPackage><Key Id='1' Algorithm='hotp'><Data><Secret>{marker}</Wrong>"),
        format!("A1,{marker},totp"),
        // Columns that are mixed up.
        format!("A1,3132,{marker}"),
        format!("A1,3132,ocra,{marker}"),
        format!("A1,3132,totp,{marker},{marker}"),
        format!("upn,serial number,secret key,{marker}\\n"),
        format!(
            "{{\"version\":1,\"header\":{{}},\"db\":{{\"entries\":[{{\"info\":{{\"secret\":\"{marker}\",\"digits\":99}}}}]}}}}"
        ),
        format!("{{\"tokenOrder\":[],\"tokens\":[{{\"secret\":\"{marker}\"}}], \"{marker}"),
    ] {
        let format = Format::detect(file.as_bytes()).unwrap_or(Format::OathCsv);
        let entries = read_as(format, &file, &Keys::new());
        assert!(entries.iter().any(Result::is_err), "{file}");
        for error in entries.iter().filter_map(|entry| entry.as_ref().err()) {
            assert!(!format!("{error} {error:?}").contains("JBSWY3DP"), "{error:?}");
        }
    }
}

#[test]
fn columns_that_are_mixed_up_show_no_secret_as_a_serial_number() {
    let columns = |text: &str| Format::Columns(text.parse().expect("columns"));
    for (format, file, expected) in [
        (Format::OathCsv, "31323334353637383930,Z1", "entry 1, line 1: "),
        (columns("serial,secret:base32"), "GEZDGNBVGY3TQOJQ,A-19", "entry 1, line 1: "),
        (columns("serial,secret:base64"), "MTIzNDU2Nzg5MA==,A+1*", "entry 1, line 1: "),
        // Too short for a secret, or no hexadecimal digits.
        (Format::OathCsv, "313233343536373839,Z1", "entry 1, line 1 (313233343536373839): "),
        (Format::OathCsv, "TOTP-00000000000001,Z1", "entry 1, line 1 (TOTP-00000000000001): "),
        (columns("serial,secret:base32"), "GEZDGNBVGY3TQOJQ,", "entry 1, line 1 (GEZDGNBVGY3TQOJQ): "),
    ] {
        let [error] = errors(read_as(format, file, &Keys::new()));
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    // What is no name of a kind is shown if it is short.
    let [error] = errors(read_as(Format::OathCsv, "A1,3132,certificates", &Keys::new()));
    assert!(error.to_string().contains("of the kind certificates are"), "{error}");
    let [error] = errors(read_as(Format::OathCsv, "A1,3132,certificates2", &Keys::new()));
    assert!(error.to_string().contains("of the kind (too long to be shown) are"), "{error}");
}

#[test]
fn control_characters_of_a_file_are_in_no_message() {
    let file = [HEAD, &package("A1&#27;[31m", ""), "</KeyContainer>"].concat();
    let [error] = errors(read_pskc(&file, &Keys::new()));
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}
