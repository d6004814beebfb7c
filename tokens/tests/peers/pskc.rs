//! PSKC with python-pskc, both ways, and with pskctool.

use std::fs;

use keyfob_tokens::{ErrorKind, Format, Keys, PskcProtection, PskcSuite, PskcWriter, Token, read};

use crate::common::Seeded;
use crate::peer::{code, file, oathtool, output, python, samples, to_json};

const KEY: [u8; 32] = [7; 32];

fn write(path: &str, protection: PskcProtection<'_>, suite: PskcSuite) {
    let mut writer = PskcWriter::new(Vec::new(), protection, suite, Seeded(1)).expect("a head");
    for token in &samples() {
        writer.write(token).expect("a token");
    }
    fs::write(path, writer.finish().expect("an end")).expect("a file");
}

fn read_file(path: &str, keys: &Keys) -> Vec<Token> {
    let file = fs::read(path).expect("a file");
    read(Format::detect(&file).expect("PSKC"), &file[..], keys).map(|entry| entry.expect("a token")).collect()
}

#[test]
fn python_pskc_reads_what_is_written() {
    let hex = data_encoding::HEXLOWER.encode(&KEY);
    for (name, protection, key) in [
        ("plain", PskcProtection::Plain, ""),
        ("key", PskcProtection::Key(&KEY), &hex),
        ("password", PskcProtection::Password { password: "pässword", iterations: 1000 }, "pässword"),
    ] {
        let path = file(&format!("written-{name}.xml"));
        write(&path, protection, PskcSuite::Hmac);
        let read = python(&["pskc_read", &path, key], "");
        let read: Vec<serde_json::Value> = read.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(read, samples().iter().map(to_json).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn what_python_pskc_writes_is_read() {
    let lines: Vec<_> = samples().iter().map(|token| to_json(token).to_string()).collect();
    let expected: Vec<_> = samples().into_iter().map(without_dates).collect();
    for (name, way, key, prf) in [
        ("plain", "plain", String::new(), ""),
        ("aes128", "aes128-cbc", "0a".repeat(16), ""),
        ("aes192", "aes192-cbc", "0a".repeat(24), ""),
        ("aes256", "aes256-cbc", "0a".repeat(32), ""),
        ("kw128", "kw-aes128", "0a".repeat(16), ""),
        ("kw256", "kw-aes256", "0a".repeat(32), ""),
        ("password", "password", "pässword".to_owned(), ""),
        ("sha256", "password", "pässword".to_owned(), "hmac-sha256"),
        ("sha512", "password", "pässword".to_owned(), "hmac-sha512"),
    ] {
        let path = file(&format!("python-{name}.xml"));
        python(&["pskc_write", &path, way, &key, prf], &lines.join("\n"));
        let keys = Keys::new().with_password(&key);
        let keys = data_encoding::HEXLOWER.decode(key.as_bytes()).map_or(keys.clone(), |bytes| keys.with_key(&bytes));
        assert_eq!(read_file(&path, &keys), expected, "{name}");
    }
}

/// python-pskc writes its dates without a zone; they are left out.
fn without_dates(mut token: Token) -> Token {
    token.not_before = None;
    token.not_after = None;
    token
}

#[test]
fn pskctool_reads_what_is_written_and_finds_it_valid() {
    let path = file("written.xml");
    for suite in [PskcSuite::Hmac, PskcSuite::Bare] {
        write(&path, PskcProtection::Plain, suite);
        let text = output("pskctool", &["--strict", "--info", &path], "");
        let field = |name: &str| {
            let start = format!("{name}: ");
            text.lines().filter_map(|line| line.trim().strip_prefix(&start).map(str::to_owned)).collect::<Vec<_>>()
        };
        let column = |value: fn(&Token) -> String| samples().iter().map(value).collect::<Vec<_>>();
        assert_eq!(field("SerialNo"), column(|token| token.serial.clone().expect("a serial number")));
        assert_eq!(field("Id"), column(|token| token.id.clone().expect("an id")));
        assert_eq!(field("Key Secret (base64)"), column(|token| data_encoding::BASE64.encode(token.secret.expose())));
        assert_eq!(field("Response Format Length"), column(|token| token.digits.expect("digits").get().to_string()));
        let counters: Vec<_> = samples().iter().filter_map(|token| token.counter).map(|counter| counter.to_string()).collect();
        assert_eq!(field("Key Counter"), counters);
    }
    // Its exit status is 0 for invalid files, too.
    let password = PskcProtection::Password { password: "pässword", iterations: 1000 };
    for protection in [PskcProtection::Plain, PskcProtection::Key(&KEY), password] {
        write(&path, protection, PskcSuite::Hmac);
        assert_eq!(output("pskctool", &["--validate", &path], "").trim(), "OK", "{protection:?}");
    }
}

#[test]
fn what_pskctool_signs_is_read() {
    let (path, key, certificate) = (file("unsigned.xml"), file("key.pem"), file("certificate.pem"));
    write(&path, PskcProtection::Plain, PskcSuite::Hmac);
    let subject = ["-subj", "/CN=test", "-keyout", &key, "-out", &certificate];
    output("openssl", &[&["req", "-x509", "-newkey", "rsa:2048", "-nodes"][..], &subject].concat(), "");
    let signed = output("pskctool", &["--sign", "--sign-key", &key, "--sign-crt", &certificate, &path], "");
    assert!(signed.contains("SignatureValue"), "{signed}");
    let entries: Vec<_> = read(Format::Pskc, signed.as_bytes(), &Keys::new()).collect();
    assert_eq!(entries.len(), samples().len());
    for (read, token) in entries.into_iter().zip(samples()) {
        // It writes a drift below 0 as one of 32 bits without a sign.
        match (token.drift, read) {
            (Some(..0), read) => assert_eq!(read.expect_err("refused").kind(), &ErrorKind::Range("the time drift")),
            (_, read) => assert_eq!(read.expect("a token"), token),
        }
    }
}

#[test]
fn codes_are_those_of_oathtool() {
    let path = file("codes.xml");
    write(&path, PskcProtection::Key(&KEY), PskcSuite::Bare);
    // oathtool has HOTP with SHA-1 only.
    let is_known = |token: &&Token| token.counter.is_none() || token.algorithm == keyfob::Algorithm::Sha1;
    let tokens = read_file(&path, &Keys::new().with_key(&KEY));
    assert_eq!(tokens.iter().filter(is_known).map(|token| assert_eq!(code(token), oathtool(token), "{token:?}")).count(), 12);
}
