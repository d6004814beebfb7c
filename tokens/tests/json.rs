//! Exports of authenticators.

mod common;

use common::{errors, read_detected, tokens};
use keyfob::{Algorithm, Digits};
use keyfob_tokens::{ErrorKind, Kind};

#[test]
fn aegis_is_read() {
    let file = r#"{"version":1,"header":{"slots":null,"params":null},"db":{"version":3,"entries":[
        {"type":"totp","uuid":"1","name":"alice","issuer":"ACME","note":"","icon":null,
         "info":{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","algo":"SHA256","digits":8,"period":60}},
        {"type":"hotp","uuid":"2","name":"bob","issuer":"","info":{"secret":"GEZDGNBVGY3TQOJQ","algo":"SHA1","digits":6,"counter":11}},
        {"type":"steam","uuid":"3","name":"carol","issuer":"","info":{"secret":"GEZDGNBVGY3TQOJQ","algo":"SHA1","digits":5,"period":30}},
        {"type":"totp","uuid":"4","name":"dave","issuer":"","info":{"secret":"GEZDGNBVGY3TQOJQ","algo":"MD5","digits":6,"period":30}}],"groups":[]}}"#;
    let mut entries = read_detected(file);
    let [steam, md5] = errors(entries.split_off(2));
    assert_eq!(steam.to_string(), "entry 3 (carol): tokens of the kind steam are not supported: use a HOTP or TOTP token instead");
    assert_eq!(md5.kind(), &ErrorKind::Hash("MD5".to_owned()));
    let [alice, bob] = tokens(entries);
    assert_eq!((alice.issuer.as_deref(), alice.account.as_deref()), (Some("ACME"), Some("alice")));
    assert_eq!((alice.algorithm, alice.digits, alice.period), (Algorithm::Sha256, Some(Digits::EIGHT), Some(60)));
    assert_eq!((bob.kind, bob.counter, bob.secret.expose()), (Kind::Hotp, Some(11), &b"1234567890"[..]));
}

#[test]
fn twofas_is_read() {
    let file = r#"{"services":[
        {"name":"ACME","secret":"GEZDGNBVGY3TQOJQ","updatedAt":1,"otp":{"label":"alice","account":"alice","issuer":"ACME","digits":6,"period":30,
         "algorithm":"SHA1","tokenType":"TOTP","source":"Link"},"order":{"position":0}},
        {"name":"Manual","secret":"GEZD GNBV","otp":{"source":"Manual"}},
        {"name":"Counter","secret":"GEZDGNBV","otp":{"tokenType":"HOTP","counter":4,"source":"Link"}}],
        "groups":[],"updatedAt":1,"schemaVersion":4,"appVersionCode":1,"appOrigin":"android"}"#;
    let [acme, manual, counter] = tokens(read_detected(file));
    assert_eq!((acme.issuer.as_deref(), acme.account.as_deref(), acme.period), (Some("ACME"), Some("alice"), Some(30)));
    assert_eq!((manual.kind, manual.issuer.as_deref(), manual.secret.expose()), (Kind::Totp, Some("Manual"), &b"12345"[..]));
    assert_eq!((counter.kind, counter.counter), (Kind::Hotp, Some(4)));
    let [error] = errors(read_detected(file.replace("\"schemaVersion\":4", "\"schemaVersion\":9")));
    assert_eq!(error.kind(), &ErrorKind::Version("9".to_owned()));
}

#[test]
fn andotp_is_read() {
    let file = r#"[{"secret":"GEZDGNBVGY3TQOJQ","issuer":"ACME","label":"alice","digits":6,"type":"TOTP","algorithm":"SHA512",
        "thumbnail":"Default","last_used":0,"used_frequency":0,"period":30,"tags":[]},
        {"secret":"GEZDGNBVGY3TQOJQ","label":"ACME - bob","digits":6,"type":"HOTP","algorithm":"SHA1","counter":3,"tags":[]}]"#;
    let [alice, bob] = tokens(read_detected(file));
    assert_eq!(
        (alice.algorithm, alice.issuer.as_deref(), alice.account.as_deref()),
        (Algorithm::Sha512, Some("ACME"), Some("alice"))
    );
    assert_eq!((bob.issuer.as_deref(), bob.account.as_deref(), bob.counter), (Some("ACME"), Some("bob"), Some(3)));
}

#[test]
fn freeotp_plus_is_read() {
    let file = r#"{"tokenOrder":["ACME:alice"],"tokens":[
        {"algo":"SHA1","counter":0,"digits":6,"issuerExt":"ACME","issuerInt":"ACME","label":"alice","period":30,"secret":[49,50,-128,-1],"type":"TOTP"},
        {"algo":"SHA1","counter":5,"digits":6,"issuerExt":"","label":"bob","period":30,"secret":[49,300],"type":"HOTP"}]}"#;
    let mut entries = read_detected(file);
    let [error] = errors(entries.split_off(1));
    assert_eq!(error.to_string(), "entry 2 (bob): the secret is not a list of signed bytes: check the file and its format");
    let [alice] = tokens(entries);
    assert_eq!((alice.issuer.as_deref(), alice.secret.expose()), (Some("ACME"), &[49, 50, 0x80, 0xff][..]));
}

#[test]
fn credential_exchange_is_read() {
    let file = r#"{"version":{"major":1,"minor":0},"exporterRpId":"example.com","exporterDisplayName":"Example","timestamp":1,
        "accounts":[{"id":"a","username":"u","email":"e","collections":[],"items":[
          {"id":"i","title":"ACME","credentials":[{"type":"basic-auth","username":{"fieldType":"string","value":"alice"}},
            {"type":"totp","secret":"GEZDGNBVGY3TQOJQ","period":30,"digits":6,"username":"alice","algorithm":"sha256","issuer":"ACME Inc"}]},
          {"id":"j","title":"Odd","credentials":[{"type":"totp","secret":"GEZDGNBVGY3TQOJQ","period":0,"digits":6,"algorithm":"sha1"}]}]}]}"#;
    let mut entries = read_detected(file);
    let [error] = errors(entries.split_off(1));
    assert_eq!(error.to_string(), "entry 2 (Odd): the interval of 0 seconds is out of range: correct it");
    let [token] = tokens(entries);
    assert_eq!((token.issuer.as_deref(), token.account.as_deref()), (Some("ACME Inc"), Some("alice")));
    assert_eq!(token.algorithm, Algorithm::Sha256);
    let [error] = errors(read_detected(file.replace("\"major\":1", "\"major\":2")));
    assert_eq!(error.kind(), &ErrorKind::Version("2".to_owned()));
}

#[test]
fn lists_of_uris_are_read() {
    let uri = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQ";
    let [first, second] = tokens(read_detected(format!(r#"["{uri}", {{"name":"x","uri":"{uri}"}}]"#)));
    assert_eq!(first, second);
    assert_eq!(first.account.as_deref(), Some("alice"));
    let [error] = errors(read_detected(format!(r#"["{uri}&digits=4"]"#)));
    assert_eq!(error.to_string(), "entry 1: the URI is refused: digits: must be 6 to 10");
    assert!(read_detected("[]").is_empty());
}

#[test]
fn encrypted_backups_are_named() {
    for (file, app) in [
        (r#"{"version":1,"header":{"slots":[{"type":1}],"params":{}},"db":"AAAA"}"#, "Aegis"),
        (r#"{"services":[],"servicesEncrypted":"a:b:c","schemaVersion":4}"#, "2FAS"),
    ] {
        let [error] = errors(read_detected(file));
        assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::EncryptedBackup(app), true));
        assert!(error.to_string().contains("export one without a password"), "{error}");
    }
}

#[test]
fn other_json_is_refused_with_its_place() {
    let [error] = errors(read_detected("{\"a\":1}"));
    assert!(matches!(error.kind(), ErrorKind::Root(_)), "{error}");
    let [error] = errors(read_detected("{\n\"a\" 1}"));
    assert_eq!(error.to_string(), "line 2: the JSON is not well-formed at column 5: export the file again");
    let [error] = errors(read_detected("{\"a\":"));
    assert_eq!(error.kind(), &ErrorKind::Truncated);
    let counter = |number: &str| format!(r#"[{{"secret":"GEZDGNBV","label":"a","type":"HOTP","counter":{number}}}]"#);
    for (number, kind) in [
        ("18446744073709551616", ErrorKind::Range("the counter")),
        ("-1", ErrorKind::Range("the counter")),
        ("1.5", ErrorKind::Number("the counter")),
        ("null", ErrorKind::Missing("the counter")),
    ] {
        let [error] = errors(read_detected(counter(number)));
        assert_eq!(error.kind(), &kind, "{number}");
    }
    let [token] = tokens(read_detected(counter("18446744073709551615")));
    assert_eq!(token.counter, Some(u64::MAX));
}
