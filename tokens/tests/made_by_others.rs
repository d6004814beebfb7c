//! Files that other programs wrote. The codes are oathtool's.

mod common;

use common::{errors, read_as, read_detected, tokens};
use keyfob::{Algorithm, Factor};
use keyfob_tokens::{ErrorKind, Format, Keys, Token};

/// The code at 2,000,000,000, or at the counter.
fn code(token: &Token) -> String {
    match token.factor() {
        Ok(Factor::Totp(totp)) => totp.generate(2_000_000_000).expect("a code").as_str().to_owned(),
        Ok(Factor::Hotp(hotp)) => hotp.generate(token.counter.expect("a counter")).as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn privacyidea_export_keeps_its_hash_and_drift() {
    let file = include_str!("fixtures/privacyidea-3.12.xml");
    let key = [0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12];
    let [hotp, totp] = tokens(read_as(Format::Pskc, file, &Keys::new().with_key(&key)));
    assert_eq!((hotp.serial.as_deref(), hotp.counter, hotp.algorithm), (Some("OATH1"), Some(7), Algorithm::Sha1));
    assert_eq!((totp.serial.as_deref(), totp.period, totp.algorithm), (Some("TOTP1"), Some(60), Algorithm::Sha256));
    assert_eq!(totp.drift, Some(-1), "61.5 seconds");
    // oathtool -c 7 3132333435363738393031323334353637383930
    assert_eq!(code(&hotp), "162583");
    // oathtool --totp=sha256 -d 8 -s 60 -N @2000000000 313233...3132
    assert_eq!(code(&totp), "34471171");
}

#[test]
fn python_pskc_password_is_derived_although_the_hash_is_misplaced() {
    let file = include_str!("fixtures/python-pskc-1.4-password.xml");
    let [totp, hotp] = tokens(read_as(Format::Pskc, file, &Keys::new().with_password("qwerty")));
    assert_eq!((code(&totp), totp.drift), ("76864010".to_owned(), Some(-7)));
    assert_eq!((code(&hotp), hotp.algorithm), ("034454".to_owned(), Algorithm::Sha256));
}

#[test]
fn python_pskc_key_wrap_needs_no_mac() {
    let file = include_str!("fixtures/python-pskc-1.4-key-wrap.xml");
    let [totp] = tokens(read_as(Format::Pskc, file, &Keys::new().with_key(&[7; 32])));
    assert_eq!((totp.secret.expose(), totp.period), (&b"1234567890123456"[..], Some(30)));
    let [error] = errors(read_as(Format::Pskc, file, &Keys::new().with_key(&[8; 32])));
    assert_eq!(error.kind(), &ErrorKind::Decryption);
}

#[test]
fn keepassxc_export_is_read_but_for_steam() {
    let mut entries = read_detected(include_str!("fixtures/keepassxc-2.7.4.csv"));
    let [steam] = errors(vec![entries.remove(1)]);
    assert_eq!(steam.kind(), &ErrorKind::KeyAlgorithm("steam".to_owned()));
    let [mail, old, keeotp] = tokens(entries);
    assert_eq!((code(&mail), mail.account.as_deref()), ("279037".to_owned(), Some("bob")));
    assert_eq!((code(&old), old.account), ("69279037".to_owned(), None));
    assert_eq!(code(&keeotp), "76864010");
}
