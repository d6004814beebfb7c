//! CSV files, and SafeNet's XML.

mod common;

use common::{errors, read_as, read_detected, tokens};
use keyfob::{Algorithm, Digits};
use keyfob_tokens::{Columns, EntraWriter, ErrorKind, Format, Keys, Kind, OathCsvWriter, RawSecret, Token};

#[test]
fn oath_csv_is_read_as_privacyidea_does() {
    let file = "A1,3132333435363738393031323334353637383930\r\n\
        A2, 3132333435363738393031323334353637383930 , totp, 8, 60\r\n\
        A3,3132333435363738393031323334353637383930,hotp,6,42,ignored\n\
        A4,00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff,hotp\n\
        A5,3132333435363738393031323334353637383930,ocra,OCRA-1:HOTP-SHA1-6:QN08\n\
        # a comment\n\
        \"A6\",\"3132\",totp\n";
    let [a1, a2, a3, a4, a5, a6] = tokens(read_detected(file));
    assert_eq!((a1.kind, a1.counter, a1.digits), (Kind::Hotp, Some(0), Some(Digits::SIX)));
    assert_eq!((a2.kind, a2.period, a2.digits), (Kind::Totp, Some(60), Some(Digits::EIGHT)));
    assert_eq!((a3.kind, a3.counter), (Kind::Hotp, Some(42)));
    assert_eq!((a4.algorithm, a4.serial.as_deref()), (Algorithm::Sha256, Some("A4")));
    assert_eq!(a5.suite.as_deref(), Some("OCRA-1:HOTP-SHA1-6:QN08"));
    assert!(a6.is_short());
}

#[test]
fn oath_csv_names_wrong_rows() {
    let file =
        "serial,key,type\nA1,JBSWY3DPEHPK3PXP,totp\n\nA2,3132,tan\nA3\nA4,3132,totp,6,0\nA5,3132,ocra,OCRA\nA6,31323334,totp\n";
    let entries = read_as(Format::OathCsv, file, &Keys::new());
    let texts: Vec<_> = entries.iter().map(|entry| entry.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned())).collect();
    assert_eq!(
        texts,
        [
            "entry 1, line 1 (serial): tokens of the kind type are not supported: use a HOTP or TOTP token instead",
            "entry 2, line 2 (A1): the secret is not hexadecimal: check the file and its format",
            "entry 3, line 4 (A2): tokens of the kind tan are not supported: use a HOTP or TOTP token instead",
            "entry 4, line 5 (A3): the row has too few columns: check the format and the separator",
            "entry 5, line 6 (A4): the interval of 0 seconds is out of range: correct it",
            "entry 6, line 7 (A5): the suite OCRA is not known: it must be SHA1, SHA256, SHA512 or an OCRA suite",
            "ok",
        ]
    );
}

#[test]
fn hash_of_oath_csv_follows_from_the_length() {
    for (bytes, hash) in [(20, Algorithm::Sha1), (32, Algorithm::Sha256), (33, Algorithm::Sha1), (64, Algorithm::Sha512)] {
        for kind in ["totp", "hotp"] {
            let [token] = tokens(read_detected(format!("A1,{},{kind}", "61".repeat(bytes))));
            assert_eq!((token.algorithm, token.secret.expose().len()), (hash, bytes));
        }
    }
}

#[test]
fn users_of_version_2_are_accounts() {
    let [token] = tokens(read_detected("# version: 2\nalice,resolver,realm,A1,31323334,totp,6,30\n"));
    assert_eq!((token.account.as_deref(), token.serial.as_deref()), (Some("alice"), Some("A1")));
}

#[test]
fn entra_needs_its_heading() {
    let file = "\u{feff}upn,serial number,secret key,time interval,manufacturer,model\r\n\
        Helga@contoso.com,1234567,2234567abcdef2234567abcdef,60,Contoso,HardwareKey\r\n\
        ,1234568,2234567abcdef2234567abcdef,30,Contoso,HardwareKey\r\n\
        ,1234569,!,30,Contoso,HardwareKey\r\n";
    let mut entries = read_detected(file);
    let [error] = errors(entries.split_off(2));
    assert_eq!(error.to_string(), "entry 3, line 4 (1234569): the secret is not Base32: check the file and its format");
    let [first, second] = tokens(entries);
    assert_eq!((first.account.as_deref(), first.period), (Some("Helga@contoso.com"), Some(60)));
    assert_eq!((first.manufacturer.as_deref(), first.model.as_deref()), (Some("Contoso"), Some("HardwareKey")));
    assert_eq!((first.secret.expose().len(), second.account), (16, None));
    let [error] = errors(read_as(Format::Entra, "a,1,AAAA,30,b,c\n", &Keys::new()));
    assert!(error.is_fatal() && matches!(error.kind(), ErrorKind::Heading(_)), "{error}");
}

#[test]
fn yubicos_log_is_read_in_both_forms() {
    let file = "LOGGING START,11.12.13 18:55\n\
        Yubico OTP,12/11/2013 11:10,1,vvgutbiedkvi,ab86c04de6a3,d26a7c0f85fdda28bd816e406342b214,,,0,0,0,0,0,0,0,0,0,0\n\
        OATH-HOTP,11.12.13 18:55,1,cccccccccccc,,916821d3a138bf855e70069605559a206ba854cd,,,0,0,0,8,16,0,0,0,0,0\n\
        Static Password,11.12.13 19:08,1,,d5a3d50327dc,0e8e37b0e38b314a56748c030f58d21d,,,0,0,0,0,0,0,0,0,0,0\n";
    let entries = read_detected(file);
    assert_eq!(entries.iter().filter(|entry| entry.is_err()).count(), 2, "{entries:?}");
    let [token] = tokens(entries.into_iter().flatten().map(Ok).collect());
    assert_eq!((token.serial.as_deref(), token.digits, token.counter), (Some("cccccccccccc"), Some(Digits::EIGHT), Some(16)));

    let file = "508326,,0,69cfb9202438ca68964ec3244bfa4843d073a43b,,2013-12-12T08:41:07,\n\
        508326,cccccccccccc,83cebdfb7b93,a47c5bf9c152202f577be6721c0113af,,2013-12-12T08:43:17,\n";
    let mut entries = read_detected(file);
    let [error] = errors(entries.split_off(1));
    assert!(matches!(error.kind(), ErrorKind::KeyAlgorithm(_)), "{error}");
    let [token] = tokens(entries);
    assert_eq!((token.kind, token.serial.as_deref()), (Kind::Hotp, Some("508326")));
    // Rows of six cells are no log without a serial number and a date.
    for other in [",1,GEZDGNBV,30,Maker,Token", "1,1,GEZDGNBV,30,Maker,Token", ",1,GEZDGNBV,30,Maker,2013-12-12T08:41:07"] {
        assert_eq!(Format::detect(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn keepassxc_entries_without_totp_are_passed_over() {
    let file = "\"Group\",\"Title\",\"Username\",\"Password\",\"URL\",\"Notes\",\"TOTP\",\"Icon\",\"Last Modified\",\"Created\"\n\
        \"Root\",\"Bank\",\"alice\",\"pw\",\"\",\"a note\nof two lines, \"\"quoted\"\"\",\"\",\"0\",\"\",\"\"\n\
        \"Root\",\"Mail\",\"bob\",\"pw\",\"\",\"\",\"otpauth://totp/Mail:bob?secret=GEZDGNBVGY3TQOJQ&period=30&digits=6&issuer=Mail\",\"0\",\"\",\"\"\n\
        \"Root\",\"Old\",\"\",\"\",\"\",\"\",\"otpauth://totp/Old:none?secret=GEZDGNBVGY3TQOJQ&period=30&digits=8&issuer=Old\",\"0\",\"\",\"\"\n\
        \"Root\",\"Game\",\"carol\",\"pw\",\"\",\"\",\"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&encoder=steam\",\"0\",\"\",\"\"\n";
    let mut entries = read_detected(file);
    let [error] = errors(entries.split_off(2));
    assert_eq!(
        error.to_string(),
        "entry 4, line 6 (Game): tokens of the kind steam are not supported: use a HOTP or TOTP token instead"
    );
    let [token, old] = tokens(entries);
    assert_eq!((old.issuer.as_deref(), old.account), (Some("Old"), None));
    assert_eq!((token.issuer.as_deref(), token.account.as_deref()), (Some("Mail"), Some("bob")));
}

#[test]
fn columns_are_mapped_as_the_caller_says() {
    let columns: Columns = "account,-,serial,secret:hex,algorithm,digits,period,notAfter".parse().expect("columns");
    let file = "user;x;nr;seed;hash;len;step;until\n\
        alice;y;A1;3132333435363738393031323334353637383930;SHA-256;8;60;2030-12-31\n\
        bob;\\N;A2;3132333435363738393031323334353637383930;;;;\\N\n";
    let [first, second] = tokens(read_as(Format::Columns(columns.with_heading()), file, &Keys::new()));
    assert_eq!((first.algorithm, first.digits, first.period), (Algorithm::Sha256, Some(Digits::EIGHT), Some(60)));
    assert_eq!((first.not_after, first.account.as_deref()), (Some(1_924_905_600), Some("alice")));
    assert_eq!((second.period, second.not_after, second.kind), (Some(30), None, Kind::Totp));
    let columns: Columns = "serial,secret:base64,type,counter".parse().expect("columns");
    let [token] = tokens(read_as(Format::Columns(columns), "A1\tMTIzNA==\thotp\t9", &Keys::new()));
    assert_eq!((token.kind, token.counter, token.secret.expose()), (Kind::Hotp, Some(9), &b"1234"[..]));
    for (text, kind) in [
        ("serial,digits", ErrorKind::Missing("the column of the secret")),
        ("serial,secret", ErrorKind::Heading("secret".to_owned())),
        ("secret:hex,secret:base32", ErrorKind::Repeated("a column")),
    ] {
        assert_eq!(text.parse::<Columns>(), Err(kind), "{text}");
    }
}

#[test]
fn safenet_is_read() {
    let file = "<Tokens><Token serial=\"00040008CFA5\"><CaseModel>5</CaseModel><Model>101</Model>\
        <ProductName>Safeword Alpine</ProductName><Applications><Application ConnectorID=\"{ab1397d2}\">\
        <Seed>3132333435363738393031323334353637383930</Seed><MovingFactor>1</MovingFactor></Application></Applications></Token>\
        <Token serial=\"00040008CFA6\"><Applications><Application><MovingFactor>1</MovingFactor></Application></Applications></Token></Tokens>";
    let mut entries = read_detected(file);
    let [error] = errors(entries.split_off(1));
    assert_eq!(error.to_string(), "entry 2, line 1 (00040008CFA6): the seed is missing: add it");
    let [token] = tokens(entries);
    assert_eq!((token.serial.as_deref(), token.counter), (Some("00040008CFA5"), Some(1)));
    assert_eq!((token.model.as_deref(), token.secret.expose()), (Some("Safeword Alpine"), &b"12345678901234567890"[..]));
}

fn totp(serial: &str) -> Token {
    let mut token = Token::new(Kind::Totp, RawSecret::new(b"12345678901234567890".to_vec()));
    token.serial = Some(serial.to_owned());
    token
}

#[test]
fn oath_csv_that_is_written_is_read() {
    let mut hotp = Token::new(Kind::Hotp, RawSecret::new(vec![3; 32]));
    hotp.serial = Some("H1".to_owned());
    hotp.algorithm = Algorithm::Sha256;
    hotp.counter = Some(17);
    let mut writer = OathCsvWriter::new(Vec::new());
    for token in [totp("T1"), hotp.clone()] {
        writer.write(&token).expect("a row");
    }
    // Readers take the hash from the length of the secret.
    let mut other = totp("T2");
    other.algorithm = Algorithm::Sha512;
    let error = writer.write(&other).expect_err("refused");
    assert_eq!(error.location().entry, Some(3));
    assert!(matches!(error.kind(), ErrorKind::Unwritable(_)));
    for serial in ["a,b", "#a", "a\nb"] {
        assert!(writer.write(&totp(serial)).is_err(), "{serial}");
    }
    let file = writer.finish().expect("a file");
    let text = "T1,3132333435363738393031323334353637383930,totp,6,30\nH1,0303030303030303030303030303030303030303030303030303030303030303,hotp,6,17\n";
    assert_eq!(String::from_utf8_lossy(&file), text);
    assert_eq!(tokens(read_detected(&file)), [totp("T1"), hotp]);
}

#[test]
fn tokens_that_csv_cannot_say_are_refused() {
    let changed = |change: fn(&mut Token)| {
        let mut token = totp("T1");
        change(&mut token);
        let oath = OathCsvWriter::new(Vec::new()).write(&token).is_ok();
        [oath, EntraWriter::new(Vec::new()).write(&token).is_ok()]
    };
    assert_eq!(changed(|_| ()), [true, true]);
    assert_eq!(changed(|token| token.t0 = 7), [false, false]);
    assert_eq!(changed(|token| token.serial = None), [false, false]);
    assert_eq!(changed(|token| token.serial = Some("=1+1".to_owned())), [false, false]);
    assert_eq!(changed(|token| token.kind = Kind::Pin), [false, false]);
    assert_eq!(changed(|token| token.kind = Kind::Hotp), [true, false]);
    assert_eq!(changed(|token| token.digits = Some(Digits::EIGHT)), [true, false]);
    assert_eq!(changed(|token| token.period = Some(60)), [true, true]);
    assert_eq!(changed(|token| token.period = Some(45)), [true, false]);
    let sha256: fn(&mut Token) = |token| {
        token.algorithm = Algorithm::Sha256;
        token.secret = RawSecret::new(vec![1; 32]);
    };
    assert_eq!(changed(sha256), [true, false]);
}

#[test]
fn entra_csv_that_is_written_is_read() {
    let mut token = totp("T1");
    token.account = Some("alice@example.com".to_owned());
    token.manufacturer = Some("Maker".to_owned());
    token.model = Some("C200".to_owned());
    let mut writer = EntraWriter::new(Vec::new());
    let mut other = token.clone();
    other.period = Some(90);
    for entry in 1..=2 {
        let error = writer.write(&other).expect_err("refused");
        assert_eq!(error.location().entry, Some(entry));
    }
    // The heading still comes, once.
    writer.write(&token).expect("a row");
    let error = writer.write(&other).expect_err("refused");
    assert_eq!(error.location().entry, Some(4));
    writer.write(&token).expect("a row");
    let file = writer.finish().expect("a file");
    assert_eq!(tokens(read_detected(&file)), [token.clone(), token]);
}
