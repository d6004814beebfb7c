//! PSKC as real tools write it, beyond the figures of the RFC; and what is written.

mod common;

use common::{Seeded, errors, read_detected, read_pskc, tokens};
use keyfob::{Algorithm, Digits, Totp};
use keyfob_tokens::{ErrorKind, Keys, Kind, PskcProtection, PskcSuite, PskcWriter, RawSecret, Token};

/// A file of one key with the given algorithm and inside.
fn file(algorithm: &str, inside: &str) -> String {
    format!(
        "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage>\
         <DeviceInfo><SerialNo>A1</SerialNo></DeviceInfo>\
         <Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:{algorithm}\">{inside}</Key></KeyPackage></KeyContainer>"
    )
}

const SECRET: &str = "<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>";

fn totp(parameters: &str, data: &str) -> String {
    file("totp", &format!("<AlgorithmParameters>{parameters}</AlgorithmParameters><Data>{SECRET}{data}</Data>"))
}

#[test]
fn hash_comes_from_suite_or_its_attribute_and_is_never_guessed() {
    for (suite, hash) in [
        ("", Algorithm::Sha1),
        ("<Suite/>", Algorithm::Sha1),
        ("<Suite>SHA256</Suite>", Algorithm::Sha256),
        ("<Suite>sha-256</Suite>", Algorithm::Sha256),
        ("<Suite>HMAC-SHA256</Suite>", Algorithm::Sha256),
        ("<Suite>HMAC-SHA-512</Suite>", Algorithm::Sha512),
        ("<Suite>HmacSHA512</Suite>", Algorithm::Sha512),
        ("<suite hashalgo=\"SHA256\"></suite>", Algorithm::Sha256),
        ("<Suite hashalgo=\"sha256\">HMAC-SHA256</Suite>", Algorithm::Sha256),
    ] {
        let [token] = tokens(read_pskc(&totp(suite, ""), &Keys::new()));
        assert_eq!(token.algorithm, hash, "{suite}");
    }
    for suite in ["MD5", "SHA3-256", "TOTP", "OCRA-1:HOTP-SHA1-6:QN08"] {
        let [error] = errors(read_pskc(&totp(&format!("<Suite>{suite}</Suite>"), ""), &Keys::new()));
        assert_eq!(error.kind(), &ErrorKind::Suite(suite.to_owned()));
        assert!(error.to_string().contains(suite), "{error}");
    }
    let both = totp("<Suite hashalgo=\"SHA512\">SHA256</Suite>", "");
    let [error] = errors(read_pskc(&both, &Keys::new()));
    assert_eq!(error.kind(), &ErrorKind::Repeated("the hash"));
}

#[test]
fn names_count_without_regard_to_case_and_prefix() {
    let file = "<keycontainer version=\"1.0\"><keypackage><deviceinfo><serialno>P1</serialno></deviceinfo>\
        <key id=\"x\" algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:TOTP\"><algorithmparameters>\
        <suite hashalgo=\"SHA512\"/><responseformat encoding=\"DECIMAL\" length=\"8\"/></algorithmparameters>\
        <data><secret><plainvalue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</plainvalue></secret><time><plainvalue>0</plainvalue></time>\
        <timeinterval><plainvalue>60</plainvalue></timeinterval></data></key></keypackage></keycontainer>";
    for file in [file.to_owned(), file.replace("</", "</p:").replace('<', "<p:").replace("<p:/p:", "</p:")] {
        let [token] = tokens(read_detected(&file));
        assert_eq!((token.serial.as_deref(), token.period), (Some("P1"), Some(60)));
        assert_eq!((token.algorithm, token.digits), (Algorithm::Sha512, Some(Digits::EIGHT)));
    }
}

#[test]
fn counters_are_decimal_or_base64_and_never_0_by_mistake() {
    let counter = |text: &str| {
        let data = format!("<Data>{SECRET}<Counter><PlainValue>{text}</PlainValue></Counter></Data>");
        read_pskc(&file("hotp", &data), &Keys::new())
    };
    for (text, number) in [
        ("831791", 831_791),
        (" 42 ", 42),
        // Base64 of the digits 709791, and of big-endian numbers.
        ("NzA5Nzkx", 709_791),
        ("AAYxSg==", 405_834),
        ("AAAAAAAAACo=", 42),
        ("AAAAAAAAAAAAAAAq", 42),
        ("18446744073709551615", u64::MAX),
    ] {
        let [token] = tokens(counter(text));
        assert_eq!(token.counter, Some(number), "{text}");
    }
    for (text, kind) in [
        ("1e3", ErrorKind::Number("the counter")),
        ("42.0", ErrorKind::Number("the counter")),
        ("12.5", ErrorKind::Number("the counter")),
        ("0x10", ErrorKind::Number("the counter")),
        ("null", ErrorKind::Number("the counter")),
        ("-1", ErrorKind::Range("the counter")),
        ("18446744073709551616", ErrorKind::Range("the counter")),
        ("AQAAAAAAAAAAAA==", ErrorKind::Range("the counter")),
    ] {
        let [error] = errors(counter(text));
        assert_eq!(error.kind(), &kind, "{text}");
    }
}

#[test]
fn times_are_read() {
    let data = "<Time><PlainValue>1000</PlainValue></Time><TimeInterval><PlainValue>60</PlainValue></TimeInterval>\
        <TimeDrift><PlainValue>-7</PlainValue></TimeDrift>";
    let [token] = tokens(read_pskc(&totp("", data), &Keys::new()));
    assert_eq!((token.t0, token.period, token.drift), (1000, Some(60), Some(-7)));
    // privacyIDEA's drift is in seconds, with a decimal point: 60 seconds a step here.
    for (seconds, steps) in [("0.0", 0), ("29.9", 0), ("-31.25", -1), ("420.0", 7), ("5.1e-05", 0)] {
        let data = format!(
            "<TimeInterval><PlainValue>60</PlainValue></TimeInterval><TimeDrift><PlainValue>{seconds}</PlainValue></TimeDrift>"
        );
        let [token] = tokens(read_pskc(&totp("", &data), &Keys::new()));
        assert_eq!(token.drift, Some(steps), "{seconds}");
    }
    for wrong in ["1.e", "nan.", "1.0e99", "inf.", "-64424509440.0", "4294967289", "-2147483649"] {
        let data = format!("<TimeDrift><PlainValue>{wrong}</PlainValue></TimeDrift>");
        let [error] = errors(read_pskc(&totp("", &data), &Keys::new()));
        assert!(matches!(error.kind(), ErrorKind::Number(_) | ErrorKind::Range(_)), "{error}");
    }
    let [error] = errors(read_pskc(&totp("", "<TimeInterval><PlainValue>0</PlainValue></TimeInterval>"), &Keys::new()));
    assert_eq!(error.to_string(), "entry 1, line 1 (A1): the interval of 0 seconds is out of range: correct it");
}

#[test]
fn policies_that_cannot_be_kept_refuse_the_key() {
    let with = |policy: &str| file("totp", &format!("<Data>{SECRET}</Data><Policy>{policy}</Policy>"));
    let [token] = tokens(read_pskc(&with("<KeyUsage>CR</KeyUsage><KeyUsage>OTP</KeyUsage>"), &Keys::new()));
    assert_eq!(token.kind, Kind::Totp);
    let [token] = tokens(read_pskc(&with("<NumberOfTransactions>5</NumberOfTransactions>"), &Keys::new()));
    assert_eq!(token.max_transactions, Some(5));
    let pin =
        file("pin", "<Data><Secret><PlainValue>MTIzNA==</PlainValue></Secret></Data><Policy><KeyUsage>Unlock</KeyUsage></Policy>");
    assert_eq!(tokens::<1>(read_pskc(&pin, &Keys::new()))[0].kind, Kind::Pin);
    for policy in ["<KeyUsage>Encrypt</KeyUsage>", "<Other/>"] {
        let [error] = errors(read_pskc(&with(policy), &Keys::new()));
        assert!(matches!(error.kind(), ErrorKind::Policy(_)), "{error}");
    }
    let dates = "<StartDate>2030-01-01</StartDate><ExpiryDate>2031-01-01T01:00:00+01:00</ExpiryDate>";
    let [token] = tokens(read_pskc(&with(dates), &Keys::new()));
    assert_eq!((token.not_before, token.not_after), (Some(1_893_456_000), Some(1_924_992_000)));
    let [error] = errors(read_pskc(&with("<ExpiryDate>31/12/2030</ExpiryDate>"), &Keys::new()));
    assert!(matches!(error.kind(), ErrorKind::Date(_)), "{error}");
}

#[test]
fn devices_say_what_their_keys_leave_out() {
    let with = |info: &str, key: &str| {
        format!(
            "<KeyContainer Version=\"1.0\"><KeyPackage><DeviceInfo>{info}</DeviceInfo>\
             <Key Id=\"7\" Algorithm=\"totp\"><Data>{SECRET}</Data>{key}</Key></KeyPackage></KeyContainer>"
        )
    };
    let [token] = tokens(read_pskc(&with("<SerialNo>A1</SerialNo><UserId>alice</UserId>", ""), &Keys::new()));
    assert_eq!((token.account.as_deref(), token.serial.as_deref()), (Some("alice"), Some("A1")));
    let [token] = tokens(read_pskc(&with("<UserId>alice</UserId>", "<UserId>bob</UserId>"), &Keys::new()));
    assert_eq!((token.account.as_deref(), token.serial.as_deref()), (Some("bob"), Some("7")));
    // The dates of both hold: the later start, and the earlier end.
    let dates =
        |[start, end]: [&str; 2]| format!("<StartDate>{start}T00:00:00Z</StartDate><ExpiryDate>{end}T00:00:00Z</ExpiryDate>");
    let [wide, narrow] = [["1970-01-03", "1970-01-10"], ["1970-01-05", "1970-01-08"]].map(dates);
    for (device, key) in [(&wide, &narrow), (&narrow, &wide)] {
        let [token] = tokens(read_pskc(&with(device, &format!("<Policy>{key}</Policy>")), &Keys::new()));
        assert_eq!((token.not_before, token.not_after), (Some(4 * 86_400), Some(7 * 86_400)));
    }
    let [token] = tokens(read_pskc(&with(&wide, ""), &Keys::new()));
    assert_eq!((token.not_before, token.not_after), (Some(2 * 86_400), Some(9 * 86_400)));
}

#[test]
fn codes_that_the_engine_does_not_make_are_refused() {
    for (format, kind) in [
        ("Length=\"5\" Encoding=\"DECIMAL\"", ErrorKind::Digits),
        ("Length=\"6\" Encoding=\"HEXADECIMAL\"", ErrorKind::CodeFormat("are not decimal")),
        ("Length=\"6\" CheckDigits=\"true\"", ErrorKind::CodeFormat("have a check digit")),
        ("Length=\"6\" CheckDigit=\"1\"", ErrorKind::CodeFormat("have a check digit")),
        ("Length=\"6\" CheckDigit=\"maybe\"", ErrorKind::Boolean("the check digit")),
        ("Length=\"six\"", ErrorKind::Number("the length of the codes")),
    ] {
        let [error] = errors(read_pskc(&totp(&format!("<ResponseFormat {format}/>"), ""), &Keys::new()));
        assert_eq!(error.kind(), &kind, "{format}");
    }
    let [error] = errors(read_pskc(&file("securid", &format!("<Data>{SECRET}</Data>")), &Keys::new()));
    assert!(matches!(error.kind(), ErrorKind::KeyAlgorithm(_)), "{error}");
}

#[test]
fn ocra_keeps_its_suite() {
    let with = |suite: &str| {
        let inside = format!("<AlgorithmParameters><Suite>{suite}</Suite></AlgorithmParameters><Data>{SECRET}</Data>");
        read_pskc(&file("ocra", &inside), &Keys::new())
    };
    let [token] = tokens(with("OCRA-1:HOTP-SHA256-8:C-QN08-PSHA1"));
    assert_eq!((token.kind, token.algorithm), (Kind::Ocra, Algorithm::Sha256));
    assert_eq!(token.suite.as_deref(), Some("OCRA-1:HOTP-SHA256-8:C-QN08-PSHA1"));
    for suite in ["OCRA-2:HOTP-SHA256-8:QN08", "OCRA-1:HOTP-MD5-8:QN08", "OCRA-1:HOTP-SHA1-3:QN08", "OCRA-1:HOTP-SHA1-6:C", "SHA1"]
    {
        let [error] = errors(with(suite));
        assert!(matches!(error.kind(), ErrorKind::Suite(_)), "{suite}: {error}");
    }
}

#[test]
fn long_secrets_are_hashed_as_rfc_2104_says() {
    let with = |bytes: usize, suite: &str| {
        let secret = data_encoding::BASE64.encode(&vec![0xa5; bytes]);
        let parameters = format!("<AlgorithmParameters><Suite>{suite}</Suite></AlgorithmParameters>");
        let data = format!("<Data><Secret><PlainValue>{secret}</PlainValue></Secret></Data>");
        read_pskc(&file("totp", &[parameters, data].concat()), &Keys::new())
    };
    for (bytes, suite, len) in [(64, "SHA1", 64), (65, "SHA1", 20), (128, "SHA256", 32), (64, "SHA512", 64), (129, "SHA512", 64)] {
        let [token] = tokens(with(bytes, suite));
        assert_eq!(token.secret.expose().len(), len, "{bytes} {suite}");
    }
    // Within the block of SHA-512 the secret counts as it is, and the engine cannot hold it.
    let [error] = errors(with(128, "SHA512"));
    assert_eq!(error.kind(), &ErrorKind::SecretLength);
}

#[test]
fn information_behind_its_key_is_refused() {
    let file = format!(
        "<KeyContainer Version=\"1.0\"><KeyPackage><Key Id=\"7\" Algorithm=\"hotp\"><Data>{SECRET}</Data></Key>\
         <DeviceInfo><SerialNo>A1</SerialNo></DeviceInfo><Key Id=\"8\" Algorithm=\"hotp\"><Data>{SECRET}</Data></Key></KeyPackage>\
         <KeyPackage><Key Id=\"9\" Algorithm=\"hotp\"><Data>{SECRET}</Data></Key></KeyPackage></KeyContainer>"
    );
    let entries = read_pskc(&file, &Keys::new());
    let errors: Vec<_> = entries.iter().filter_map(|entry| entry.as_ref().err()).collect();
    assert!(matches!(errors[..], [first, second] if first.kind() == second.kind() && matches!(first.kind(), ErrorKind::Order(_))));
    assert_eq!(entries.len(), 4);
    assert!(entries[3].is_ok());
}

fn samples() -> Vec<Token> {
    let mut totp = Token::new(Kind::Totp, RawSecret::new(b"12345678901234567890123456789012".to_vec()));
    totp.serial = Some("T<1>&\"'".to_owned());
    totp.id = Some("key 1".to_owned());
    totp.algorithm = Algorithm::Sha256;
    totp.digits = Some(Digits::EIGHT);
    totp.period = Some(60);
    totp.t0 = 7;
    totp.drift = Some(-3);
    totp.issuer = Some("Käse & Co".to_owned());
    totp.account = Some("alice".to_owned());
    totp.manufacturer = Some("Maker".to_owned());
    totp.model = Some("C200".to_owned());
    totp.not_before = Some(1_700_000_000);
    totp.not_after = Some(1_900_000_000);
    let mut hotp = Token::new(Kind::Hotp, RawSecret::new(b"1234567890".to_vec()));
    hotp.serial = Some("H1".to_owned());
    hotp.id = Some("H1".to_owned());
    hotp.counter = Some(u64::MAX);
    hotp.max_transactions = Some(100);
    hotp.pin_policy = Some(keyfob_tokens::PinPolicy { key_id: Some("P1".to_owned()), min_length: Some(4), ..Default::default() });
    let mut ocra = Token::new(Kind::Ocra, RawSecret::new(vec![9; 64]));
    ocra.serial = Some("O1".to_owned());
    ocra.id = Some("O1".to_owned());
    ocra.algorithm = Algorithm::Sha512;
    ocra.suite = Some("OCRA-1:HOTP-SHA512-8:C-QN08".to_owned());
    ocra.counter = Some(5);
    let mut pin = Token::new(Kind::Pin, RawSecret::new(b"1234".to_vec()));
    pin.serial = Some("H1".to_owned());
    pin.id = Some("P1".to_owned());
    vec![totp, hotp, ocra, pin]
}

fn write(protection: PskcProtection<'_>, suite: PskcSuite) -> Vec<u8> {
    let mut writer = PskcWriter::new(Vec::new(), protection, suite, Seeded(1)).expect("a head");
    for token in samples() {
        writer.write(&token).expect("a token");
    }
    writer.finish().expect("an end")
}

#[test]
fn what_is_written_is_read() {
    let key = [7; 32];
    for suite in [PskcSuite::Hmac, PskcSuite::Bare] {
        for (protection, keys) in [
            (PskcProtection::Plain, Keys::new()),
            (PskcProtection::Key(&key), Keys::new().with_key(&key)),
            (PskcProtection::Password { password: "pässword", iterations: 10 }, Keys::new().with_password("pässword")),
        ] {
            let file = write(protection, suite);
            let read: [Token; 4] = tokens(common::read_as(keyfob_tokens::Format::detect(&file).expect("PSKC"), &file, &keys));
            assert_eq!(read.to_vec(), samples(), "{protection:?}");
            assert_eq!(read.len(), 4);
            let text = String::from_utf8(file).expect("UTF-8");
            let base64 = data_encoding::BASE64.encode(samples()[0].secret.expose());
            assert_eq!(
                text.contains(&base64),
                matches!(protection, PskcProtection::Plain),
                "a secret is in the file if it is plain"
            );
        }
    }
}

#[test]
fn codes_of_what_is_read_are_those_of_what_was_written() {
    let file = write(PskcProtection::Plain, PskcSuite::Hmac);
    let [token, ..]: [Token; 4] = tokens(read_detected(&file));
    let Ok(keyfob::Factor::Totp(read)) = token.factor() else { panic!("TOTP") };
    let secret = keyfob::Secret::new(b"12345678901234567890123456789012").expect("a secret");
    let written = Totp::new(secret).with_algorithm(Algorithm::Sha256).with_digits(Digits::EIGHT).with_period(60).expect("a period");
    assert_eq!(read.generate(1_800_000_000), written.with_t0(7).generate(1_800_000_000));
}

#[test]
fn what_the_schema_cannot_say_is_not_written() {
    let mut writer = PskcWriter::new(Vec::new(), PskcProtection::Plain, PskcSuite::Hmac, Seeded(1)).expect("a head");
    let mut token = samples().remove(0);
    token.issuer = Some("a\u{1}b".to_owned());
    let error = writer.write(&token).expect_err("XML cannot say it");
    assert!(matches!(error.kind(), ErrorKind::Unwritable(_)));
    let mut token = samples().remove(0);
    token.drift = Some(1 << 31);
    let error = writer.write(&token).expect_err("the schema cannot say it");
    assert!(matches!(error.kind(), ErrorKind::Unwritable(_)));
    writer.write(&samples()[1]).expect("the next one");
    let [token] = tokens(read_detected(writer.finish().expect("an end")));
    assert_eq!(token.serial.as_deref(), Some("H1"));
}

#[test]
fn secrets_are_in_no_debug_output() {
    let token = samples().remove(0);
    let text = format!("{token:?} {:?}", Keys::new().with_key(b"12345678901234567890123456789012").with_password("hunter2"));
    assert!(!text.contains("1234567890") && !text.contains("hunter2") && !text.contains("49, 50"), "{text}");
}
