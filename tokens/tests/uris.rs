//! Lists of URIs, and migrations.

mod common;

use common::{Seeded, errors, read_as, read_detected, tokens};
use keyfob::{Algorithm, Digits};
use keyfob_tokens::{ErrorKind, Format, Keys, Kind, RawSecret, Token, UriWriter, write_migration};
use proptest::prelude::*;

#[test]
fn lists_are_read_line_by_line() {
    let list = "\u{feff}# my tokens\r\n\
        otpauth://totp/ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME&algorithm=SHA256&digits=8&period=60\r\n\
        \r\n\
        otpauth://hotp/bob?secret=gezd%20gnbv-gy3tqojq&counter=7\n\
        otpauth://totp/carol?secret=GEZDGNBV&digits=5\n\
        mailto:dave\n\
        OTPAUTH://TOTP/erin?SECRET=GEZDGNBVGY3TQOJQ====";
    let mut entries = read_as(Format::Uris, list, &Keys::new());
    let errors: Vec<_> = entries.iter().filter_map(|entry| entry.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "entry 3, line 5: the URI is refused: digits: must be 6 to 10",
            "entry 4, line 6: the URI is refused: URI: must start with otpauth://totp/ or otpauth://hotp/",
        ]
    );
    entries.retain(Result::is_ok);
    let [alice, bob, erin] = tokens(entries);
    assert_eq!((alice.algorithm, alice.digits, alice.period), (Algorithm::Sha256, Some(Digits::EIGHT), Some(60)));
    assert_eq!((alice.issuer.as_deref(), alice.account.as_deref()), (Some("ACME"), Some("alice")));
    assert_eq!((bob.kind, bob.counter, bob.secret.expose()), (Kind::Hotp, Some(7), &b"1234567890"[..]));
    assert!(bob.is_short() && !alice.is_short());
    assert_eq!(erin.secret.expose(), b"1234567890");
}

#[test]
fn uris_of_other_kinds_are_refused() {
    for (uri, kind) in [
        ("otpauth://totp/a?secret=AAAA&secret=BBBB", ErrorKind::Uri(keyfob::Error::UriRepeated)),
        ("otpauth://totp/a?digits=6", ErrorKind::Uri(keyfob::Error::UriNoSecret)),
        ("otpauth://totp/a?secret=", ErrorKind::Missing("the secret")),
        ("otpauth://totp/a?secret=A1", ErrorKind::Secret("Base32")),
        ("otpauth://totp/a?secret=%ff", ErrorKind::Secret("Base32")),
        ("otpauth://hotp/a?secret=AAAA", ErrorKind::Uri(keyfob::Error::UriCounter)),
        ("otpauth://totp/a?secret=AAAA&period=0", ErrorKind::Uri(keyfob::Error::Period)),
        ("otpauth://totp/a?secret=AAAA&encoder=steam", ErrorKind::KeyAlgorithm("steam".to_owned())),
        ("otpauth://steam/a?secret=AAAA", ErrorKind::Uri(keyfob::Error::UriType)),
    ] {
        let [error] = errors(read_as(Format::Uris, uri, &Keys::new()));
        assert_eq!(error.kind(), &kind, "{uri}");
    }
}

#[test]
fn damaged_migrations_are_refused() {
    for uri in [
        "otpauth-migration://offline?data=CjEKCkhello",
        "otpauth-migration://offline?version=1",
        "otpauth-migration://offline",
        "otpauth-migration://offline?data=%%%",
    ] {
        let entries = read_as(Format::Uris, uri, &Keys::new());
        assert!(entries.iter().all(Result::is_err), "{uri}");
    }
}

fn token(number: usize) -> Token {
    let mut token = Token::new(Kind::Totp, RawSecret::new(format!("secret {number:013}").into_bytes()));
    token.account = Some(format!("user{number}"));
    token.issuer = Some("ACME".to_owned());
    token
}

fn export(count: usize) -> Vec<String> {
    let tokens: Vec<_> = (0..count).map(token).collect();
    write_migration(&tokens, &mut Seeded(1)).expect("URIs").iter().map(|uri| uri.as_str().to_owned()).collect()
}

#[test]
fn missing_qr_codes_are_named() {
    let uris = export(35);
    assert_eq!(uris.len(), 4);
    let read: [Token; 35] = tokens(read_detected(uris.join("\n")));
    assert!(read.iter().enumerate().all(|(number, read)| *read == token(number)));

    let entries = read_detected([uris[2].as_str(), uris[0].as_str(), uris[2].as_str()].join("\n"));
    assert_eq!(entries.iter().filter(|entry| entry.is_ok()).count(), 20);
    let errors: Vec<_> = entries.iter().filter_map(|entry| entry.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(
        errors,
        ["entry 21, line 3: the QR code occurs twice: remove one", "of 4 QR codes these are missing: 2, 4; add them"]
    );
}

#[test]
fn exports_are_told_apart_by_their_ids() {
    let tokens: Vec<_> = (0..15).map(token).collect();
    let [first, second] = [1, 2].map(|seed| write_migration(&tokens, &mut Seeded(seed)).expect("URIs"));
    // The second half of one, the first of the other, and single QR codes, which may be the same.
    let single = export(1).remove(0);
    let lines = [first[1].as_str(), &single, second[0].as_str(), &single].join("\n");
    let entries = read_detected(lines);
    assert_eq!(entries.iter().flatten().count(), 5 + 1 + 10 + 1);
    let missing: Vec<_> = entries.into_iter().filter_map(Result::err).map(|error| error.kind().clone()).collect();
    let batches = |number| ErrorKind::Batches { missing: vec![number], count: 2 };
    assert!(missing.len() == 2 && missing.contains(&batches(1)) && missing.contains(&batches(2)), "{missing:?}");
}

#[test]
fn base64_of_any_kind_is_read() {
    let whole = export(1).remove(0);
    let data = whole.strip_prefix("otpauth-migration://offline?data=").expect("a prefix");
    let decoded = percent_encoding::percent_decode_str(data).decode_utf8().expect("UTF-8").into_owned();
    for data in [
        decoded.clone(),
        decoded.replace('+', " "),
        decoded.replace('+', "-").replace('/', "_"),
        decoded.trim_end_matches('=').to_owned(),
        decoded.replace('+', "%2b").replace('/', "%2F").replace('=', "%3d"),
    ] {
        let [read] = tokens(read_detected(format!("otpauth-migration://offline?data={data}")));
        assert_eq!(read, token(0), "{data}");
    }
}

#[test]
fn absent_numbers_are_the_defaults() {
    // Only a secret and a name, as old exports have it: fields 1 and 2 of parameters, field 1 of
    // the payload.
    let parameters = [&[0x0a, 10][..], b"1234567890", &[0x12, 11], b"ACME: alice"].concat();
    let payload = [&[0x0a, u8::try_from(parameters.len()).expect("short")][..], &parameters].concat();
    let uri = format!("otpauth-migration://offline?data={}", data_encoding::BASE64URL_NOPAD.encode(&payload));
    let [read] = tokens(read_detected(uri));
    assert_eq!((read.kind, read.algorithm, read.digits, read.period), (Kind::Totp, Algorithm::Sha1, Some(Digits::SIX), Some(30)));
    assert_eq!((read.issuer.as_deref(), read.account.as_deref()), (Some("ACME"), Some("alice")));
    assert_eq!(read.secret.expose(), b"1234567890");
}

#[test]
fn what_a_format_cannot_say_is_refused() {
    let migrate = |token: Token| write_migration(&[self::token(0), token], &mut Seeded(1)).expect_err("refused");
    let mut slow = token(1);
    slow.period = Some(60);
    slow.serial = Some("S1".to_owned());
    let error = migrate(slow.clone());
    assert_eq!(
        error.to_string(),
        "entry 2 (S1): the format cannot say this: a period other than 30 seconds; choose another format"
    );
    let mut long = token(1);
    long.digits = Some(Digits::TEN);
    assert!(matches!(migrate(long).kind(), ErrorKind::Unwritable(_)));
    assert!(matches!(migrate(Token::new(Kind::Pin, RawSecret::new(vec![1]))).kind(), ErrorKind::Unwritable(_)));

    let mut late = token(1);
    late.t0 = 7;
    assert!(matches!(migrate(late.clone()).kind(), ErrorKind::Unwritable(_)));
    assert!(UriWriter::new(Vec::new()).write(&late).is_err());
    let mut counter = Token::new(Kind::Hotp, RawSecret::new(vec![1; 20]));
    counter.counter = Some(1 << 63);
    assert!(matches!(migrate(counter).kind(), ErrorKind::Unwritable(_)));

    let mut writer = UriWriter::new(Vec::new());
    let mut colon = token(1);
    colon.account = Some("a:b".to_owned());
    assert_eq!(writer.write(&colon).expect_err("refused").kind(), &ErrorKind::Uri(keyfob::Error::UriLabel));
    slow.account = None;
    writer.write(&slow).expect("the serial number is the account");
    let text = String::from_utf8(writer.finish().expect("a list")).expect("UTF-8");
    assert!(text.starts_with("otpauth://totp/ACME:S1?secret=") && text.ends_with("&period=60\n"), "{text}");
}

fn any_token() -> impl Strategy<Value = Token> {
    let secret = prop::collection::vec(any::<u8>(), 1..64);
    let names = (prop::option::of("[a-zA-Z ä%&?/+]{0,20}x"), "[a-zA-Zä%&?/+@.]{1,20}");
    (secret, any::<bool>(), 0..3_usize, 6..=8_u8, any::<u32>(), 1..=u32::MAX, names).prop_map(
        |(secret, is_totp, hash, digits, counter, period, (issuer, account))| {
            let mut token = Token::new(if is_totp { Kind::Totp } else { Kind::Hotp }, RawSecret::new(secret));
            token.algorithm = Algorithm::ALL[hash];
            token.digits = Digits::new(digits).ok();
            token.period = is_totp.then_some(period);
            token.counter = (!is_totp).then_some(u64::from(counter));
            token.issuer = issuer.map(|issuer| issuer.trim().to_owned());
            token.account = Some(account);
            token
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(token in any_token()) {
        let mut writer = UriWriter::new(Vec::new());
        writer.write(&token).expect("a URI");
        let [read] = tokens(read_detected(writer.finish().expect("a list")));
        prop_assert_eq!(&read, &token);
        let mut token = token;
        token.period = token.period.map(|_| 30);
        let uris = write_migration(std::slice::from_ref(&token), &mut Seeded(1)).expect("URIs");
        let [read] = tokens(read_detected(uris[0].as_bytes()));
        prop_assert_eq!(&read, &token);
    }
}
