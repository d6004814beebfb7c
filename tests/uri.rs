//! otpauth URIs: what real authenticators and services write, and what is refused.

mod common;

use common::{NOW, hotps, secret, totp};
use keyfob::{Algorithm, Device, Digits, Error, Factor, Hotp, Pin, Policy, Totp, Uri};
use proptest::prelude::*;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn parse(rest: &str) -> Result<Uri<'_>, Error> {
    Uri::parse(Box::leak(rest.replace("SECRET", SECRET).into_boxed_str()))
}

proptest! {
    #[test]
    fn written_uris_read_back_the_same(
        hotp in hotps(), period in 1..=u32::MAX, counter: u64, time_based: bool,
        issuer in "[^:\\p{Cc}]{0,30}", account in "[^: \\p{Cc}][^:\\p{Cc}]{0,40}",
    ) {
        let factor = if time_based { Factor::Totp(Totp::from_hotp(hotp).with_period(period).unwrap()) } else { Factor::Hotp(hotp) };
        let counter = if time_based { 0 } else { counter };
        let uri = Uri::new(factor.clone(), counter, &issuer, &account).unwrap();
        let text = uri.to_text().unwrap();
        prop_assert_eq!(text.len(), uri.len());
        prop_assert!(text.is_ascii() && !text.contains([' ', '+', '@']));
        let read = Uri::parse(&text).unwrap();
        prop_assert_eq!((read.factor(), read.counter()), (&factor, counter));
        prop_assert_eq!((read.issuer().to_string(), read.account().to_string()), (issuer, account));
        prop_assert_eq!(read.to_text(), Ok(text.clone()));
        prop_assert_eq!(read.to_device(NOW).moving_factor(), counter);
    }

    #[test]
    fn parsing_panics_on_no_text(text in "(otpauth://(totp|hotp)/)?[ -~é%]{0,60}[?](secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ)?[a-z=&0-9%+é]{0,60}") {
        if let Ok(uri) = Uri::parse(&text) && let Ok(written) = uri.to_text() {
            let again = Uri::parse(&written).unwrap();
            prop_assert_eq!(again.factor(), uri.factor());
            prop_assert_eq!((again.issuer(), again.account()), (uri.issuer(), uri.account()));
        }
    }
}

#[test]
fn the_key_uri_formats_own_examples_read() {
    let label = |uri: Uri<'_>| (uri.issuer().to_string(), uri.account().to_string());
    let example = |issuer: &str, account: &str| Ok((issuer.to_owned(), account.to_owned()));
    assert_eq!(
        parse("otpauth://totp/Example:alice@google.com?secret=SECRET&issuer=Example").map(label),
        example("Example", "alice@google.com")
    );
    assert_eq!(parse("otpauth://totp/Provider1:Alice%20Smith?secret=SECRET").map(label), example("Provider1", "Alice Smith"));
    assert_eq!(
        parse("otpauth://totp/Big%20Corporation%3A%20alice%40bigco.com?secret=SECRET").map(label),
        example("Big Corporation", "alice@bigco.com")
    );
    assert_eq!(parse("otpauth://totp/alice?secret=SECRET&issuer=ACME+Co").map(label), example("ACME Co", "alice"));
    assert_eq!(parse("otpauth://totp/Old:alice?secret=SECRET&issuer=New").map(label), example("New", "alice"));
    assert_eq!(parse("otpauth://totp/ACME:alice?secret=SECRET&issuer=").map(label), example("ACME", "alice"));
    assert_eq!(parse("otpauth://totp/Cloud:a%40b.c%3A8443?secret=SECRET").map(label), example("Cloud", "a@b.c:8443"));
    assert_eq!(parse("otpauth://totp/?secret=SECRET&issuer=ACME").map(label), example("ACME", ""));
    assert_eq!(parse("OTPAUTH://TOTP/J%C3%B6rg?Secret=SECRET").map(label), example("", "Jörg"));
    assert_eq!(parse("otpauth://totp/Jörg 1?secret=SECRET").map(label), example("", "Jörg 1"));
}

#[test]
fn labels_are_read_leniently_and_written_strictly() {
    for (label, issuer, account) in [
        ("/ACME:a@b.c:8443?secret=SECRET", "ACME", "a@b.c:8443"),
        ("/ACME%3a%20prod:alice?secret=SECRET&issuer=ACME%3A+prod", "ACME: prod", "alice"),
        ("/ACME: prod%3A alice:1?secret=SECRET&issuer=ACME:%20prod", "ACME: prod", "alice:1"),
        ("/alice?secret=SECRET&issuer=b:c", "b:c", "alice"),
        ("/:b:c?secret=SECRET", "", "b:c"),
        ("/:?secret=SECRET", "", ""),
        ("/ACME:?secret=SECRET", "ACME", ""),
        ("/?secret=SECRET", "", ""),
        ("?secret=SECRET", "", ""),
    ] {
        let text = format!("otpauth://totp{label}");
        let uri = parse(&text).unwrap();
        assert_eq!((uri.issuer().to_string().as_str(), uri.account().to_string().as_str()), (issuer, account), "{label}");
        assert_eq!(uri.factor(), &Factor::Totp(totp()));
        assert_eq!(uri.to_text().err(), Some(Error::UriLabel), "{label}");
        let mut buffer = [0xaa; 300];
        assert_eq!(uri.write(&mut buffer), Err(Error::UriLabel));
        assert_eq!(Uri::new(uri.factor().clone(), 0, issuer, account).err(), Some(Error::UriLabel), "{label}");
    }
}

#[test]
fn blanks_and_line_ends_around_a_uri_are_ignored() {
    for (before, behind) in [("", "\n"), ("", "\r\n"), (" \t", " \n\n"), ("\u{a0}", "\u{a0}")] {
        let text = format!("{before}otpauth://totp/ACME:alice?secret={SECRET}&period=60{behind}");
        let uri = Uri::parse(&text).unwrap();
        assert_eq!(uri.factor(), &Factor::Totp(totp().with_period(60).unwrap()));
    }
}

/// Found by the fuzz target uri: without an issuer the spaces were kept, written behind an issuer,
/// and lost when read again.
#[test]
fn spaces_before_an_account_are_dropped() {
    for text in ["otpauth://totp/%20 alice?secret=SECRET&issuer=ACME", "otpauth://totp/ACME:%20alice?secret=SECRET"] {
        let uri = parse(text).unwrap();
        assert_eq!((uri.issuer().to_string(), uri.account().to_string()), ("ACME".to_owned(), "alice".to_owned()));
    }
    assert_eq!(Device::totp(totp(), NOW).uri("ACME", " alice").unwrap().account().to_string(), "alice");
    assert_eq!(Device::totp(totp(), NOW).uri("ACME", " ").err(), Some(Error::UriLabel));
}

#[test]
fn parameters_have_their_defaults() {
    let uri = parse("otpauth://totp/a?secret=SECRET").unwrap();
    assert_eq!(uri.factor(), &Factor::Totp(totp()));
    let uri = parse("otpauth://hotp/a?secret=SECRET&counter=18446744073709551615&image=x&period=0").unwrap();
    assert_eq!((uri.factor(), uri.counter()), (&Factor::Hotp(Hotp::new(secret())), u64::MAX));
    let uri = parse("otpauth://totp/a?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq%3D%3D&algorithm=sha256&digits=8&period=60").unwrap();
    let hotp = Hotp::new(secret()).with_algorithm(Algorithm::Sha256).with_digits(Digits::EIGHT);
    assert_eq!(uri.factor(), &Factor::Totp(Totp::from_hotp(hotp).with_period(60).unwrap()));
}

#[test]
fn each_fault_has_its_own_error() {
    let faults = [
        ("", Error::UriType),
        ("http://totp/a?secret=SECRET", Error::UriType),
        ("otpauth://steam/a?secret=SECRET", Error::UriType),
        ("otpauth://totp", Error::UriType),
        ("otpauth://steam?secret=SECRET", Error::UriType),
        ("otpauth://?secret=SECRET", Error::UriType),
        ("otpauth://totp/a%FF?secret=SECRET", Error::UriLabel),
        ("otpauth://totp/a%E2%82?secret=SECRET", Error::UriLabel),
        ("otpauth://totp/a%00?secret=SECRET", Error::UriLabel),
        ("otpauth://totp/a?secret=SECRET&issuer=b%0A", Error::UriLabel),
        ("otpauth://totp/a%2?secret=SECRET", Error::UriEncoding),
        ("otpauth://totp/a%zz?secret=SECRET", Error::UriEncoding),
        ("otpauth://totp/a?secret=SECRET&issuer=%", Error::UriEncoding),
        ("otpauth://totp/a\n?secret=SECRET", Error::UriEncoding),
        ("otpauth://totp/a?secret=SECRET#b", Error::UriEncoding),
        ("otpauth://totp/a?secret=SECRET&amp;digits=8", Error::UriEncoding),
        ("otpauth://totp/a?amp;secret=SECRET", Error::UriEncoding),
        ("otpauth://totp/a?secret=SECRET&AMP;digits=8", Error::UriEncoding),
        ("otpauth://totp/a?secret=SECRET&amp;amp;period=60", Error::UriEncoding),
        ("otpauth://totp/a", Error::UriNoSecret),
        ("otpauth://totp/a?issuer=b", Error::UriNoSecret),
        ("otpauth://totp/a?secret=", Error::SecretLength),
        ("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ", Error::SecretLength),
        ("otpauth://totp/a?secret=GEZDGNBVGY3TQOJ1GEZDGNBVGY3TQOJ1", Error::SecretBase32),
        ("otpauth://totp/a?secret=SECRET%zz", Error::SecretBase32),
        ("otpauth://totp/a?secret=SECRET&secret=SECRET", Error::UriRepeated),
        ("otpauth://totp/a?secret=SECRET&algorithm=MD5", Error::Algorithm),
        ("otpauth://totp/a?secret=SECRET&digits=5", Error::Digits),
        ("otpauth://totp/a?secret=SECRET&digits=+6", Error::Digits),
        ("otpauth://totp/a?secret=SECRET&digits=262", Error::Digits),
        ("otpauth://totp/a?secret=SECRET&period=0", Error::Period),
        ("otpauth://totp/a?secret=SECRET&period=4294967296", Error::Period),
        ("otpauth://totp/a?secret=SECRET&period=", Error::Period),
        ("otpauth://hotp/a?secret=SECRET", Error::UriCounter),
        ("otpauth://hotp/a?secret=SECRET&counter=-1", Error::UriCounter),
        ("otpauth://hotp/a?secret=SECRET&counter=18446744073709551616", Error::UriCounter),
    ];
    for (text, error) in faults {
        assert_eq!(parse(text).err(), Some(error), "{text}");
    }
}

#[test]
fn devices_that_no_authenticator_shows_have_no_uri() {
    let policy = Policy::default();
    let devices = [Device::sms(Hotp::new(secret()), NOW), Device::pin(Pin::new(b"12345678").unwrap(), &policy, NOW).unwrap()];
    for device in devices {
        assert_eq!(device.uri("", "a").err(), Some(Error::WrongKind));
    }
    assert_eq!(Device::totp(totp().with_t0(1), NOW).uri("", "a").err(), Some(Error::UriT0));
    let device = Device::totp(totp(), NOW);
    assert_eq!(device.uri("a", "b:c").err(), Some(Error::UriLabel));
    assert_eq!(device.uri("a:b", "c").err(), Some(Error::UriLabel));
    assert_eq!(device.uri("", "").err(), Some(Error::UriLabel));
    assert_eq!(device.uri("", "a\n").err(), Some(Error::UriLabel));
}

#[test]
fn a_short_buffer_is_an_error_and_keeps_nothing_of_the_secret() {
    let device = Device::totp(totp(), NOW);
    let uri = device.uri("ACME", "alice").unwrap();
    for len in 0..uri.len() {
        let mut buffer = vec![0xaa; len];
        assert_eq!(uri.write(&mut buffer), Err(Error::BufferTooSmall));
        assert!(buffer.iter().all(|&byte| byte == 0));
    }
    assert_eq!(uri.write(&mut vec![0; uri.len()]).unwrap().len(), uri.len());
}

#[test]
fn both_kinds_are_written_whole() {
    let [head, tail] = ["ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME&algorithm", "&digits=6"];
    let written = |device: Device| device.uri("ACME", "alice").unwrap().to_text();
    let minute = Device::totp(totp().with_period(60).unwrap(), NOW);
    assert_eq!(*written(minute).unwrap(), format!("otpauth://totp/{head}=SHA1{tail}&period=60"));
    let hotp = Hotp::new(secret()).with_algorithm(Algorithm::Sha512);
    assert_eq!(*written(Device::hotp(hotp, 7, NOW)).unwrap(), format!("otpauth://hotp/{head}=SHA512{tail}&counter=7"));
}

/// Characters of one to four bytes, raw and percent-encoded.
#[test]
fn labels_have_characters_of_any_length() {
    for (text, encoded) in
        [("aé", "a%C3%A9"), ("€a", "%E2%82%AC%61"), ("𝄞", "%F0%9D%84%9E"), ("é€𝄞a", "%c3%a9%e2%82%ac%f0%9d%84%9ea")]
    {
        for label in [text, encoded] {
            let uri = format!("otpauth://totp/{label}?secret={SECRET}");
            assert_eq!(Uri::parse(&uri).unwrap().account().to_string(), text, "{label}");
        }
    }
    // Cut off within a character, and behind one.
    for label in ["%E2%82", "%F0%9D%84", "%F0%9D%84a", "%80", "%C3"] {
        assert_eq!(parse(&format!("otpauth://totp/{label}?secret=SECRET")).err(), Some(Error::UriLabel), "{label}");
    }
}

#[test]
fn texts_are_written_plainly_and_compared_decoded() {
    let uri = Uri::new(Factor::Totp(totp()), 0, "A-C.M_E~ 1", "alice").unwrap();
    let text = uri.to_text().unwrap();
    assert!(text.starts_with("otpauth://totp/A-C.M_E~%201:alice?") && text.contains("&issuer=A-C.M_E~%201"), "{}", *text);
    let encoded = parse("otpauth://totp/%41%2DC%2eM_E~+1:%61lice?secret=SECRET&issuer=%41-C.M_E~+1").unwrap();
    assert!(encoded.issuer() == uri.issuer() && encoded.account() == uri.account());
    assert!(encoded.issuer() != uri.account());
    assert!(encoded.account() == *"alice" && encoded.account() != *"alicf");
}
