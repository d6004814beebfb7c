//! The codes against their definition, and every way to type them.

use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;

use super::{RecoveryCode, RecoveryCodes, from_ascii, to_ascii};
use crate::{Error, RECOVERY_CODES_MAX, Secret};

const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn codes(byte: u8, count: u8) -> RecoveryCodes {
    RecoveryCodes::new(Secret::new(&[byte; 32]).unwrap(), count).unwrap()
}

/// As a human would read the definition.
fn defined(secret: &[u8], index: u64) -> u64 {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(&(index / 4).to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let at = usize::try_from(index % 4).unwrap() * 8;
    u64::from_be_bytes(mac[at..at + 8].try_into().unwrap())
}

#[test]
fn every_symbol_has_its_character() {
    for (symbol, character) in (0..).zip(ALPHABET.bytes()) {
        assert_eq!(to_ascii(symbol), character);
        assert_eq!(from_ascii(character), (symbol, 1));
        assert_eq!(from_ascii(character.to_ascii_lowercase()), (symbol, 1));
    }
    for byte in 0..=u8::MAX {
        let (symbol, is_symbol) = from_ascii(byte);
        let expected = match byte.to_ascii_uppercase() {
            b'I' | b'L' => Some(1),
            b'O' => Some(0),
            b'U' => Some(27),
            upper => ALPHABET.bytes().position(|character| character == upper),
        };
        assert_eq!((is_symbol == 1).then_some(usize::from(symbol)), expected, "{byte}");
    }
}

#[test]
fn as_many_codes_as_asked_for_all_of_them_different() {
    for count in 1..=64 {
        let codes = codes(7, count);
        let all: BTreeSet<_> = codes.iter().map(|code| String::from(code.as_str())).collect();
        assert_eq!(all.len(), count.into());
    }
    for count in [0, 65, 255] {
        assert_eq!(RecoveryCodes::new(Secret::new(&[7; 32]).unwrap(), count), Err(Error::RecoveryCodeCount));
    }
    let short = Secret::new_allowing_short(&[7; 10]).unwrap();
    assert_eq!(RecoveryCodes::new(short, 1), Err(Error::SecretLength));
}

#[test]
fn a_typing_error_is_found() {
    let code = codes(3, 1).iter().next().unwrap();
    let symbols: Vec<u8> = code.as_str().bytes().filter(|&byte| byte != b'-').collect();
    assert!(RecoveryCode::is_well_formed(&symbols));
    for place in 0..symbols.len() {
        for other in ALPHABET.bytes().filter(|&other| other != symbols[place]) {
            let mut typed = symbols.clone();
            typed[place] = other;
            assert!(!RecoveryCode::is_well_formed(&typed));
        }
        for second in (0..symbols.len()).filter(|&second| symbols[second] != symbols[place]) {
            let mut typed = symbols.clone();
            typed.swap(place, second);
            assert!(!RecoveryCode::is_well_formed(&typed));
        }
        let missing: Vec<u8> = symbols[..place].iter().chain(&symbols[place + 1..]).copied().collect();
        assert!(!RecoveryCode::is_well_formed(&missing));
    }
    // The first symbol has 4 bits: with 5, a second text would be the same code.
    for (first, expected) in [(b'F', 1), (b'G', 0), (b'Z', 0)] {
        let checks = ALPHABET.bytes().filter(|&check| {
            let typed = [&[first], &[b'0'; 12][..], &[check]].concat();
            RecoveryCode::is_well_formed(&typed)
        });
        assert_eq!(checks.count(), expected);
    }
}

#[test]
fn what_is_no_code_is_found_nowhere() {
    let zeros = [b'0'; 14];
    assert!(RecoveryCode::is_well_formed(&zeros));
    for typed in ["", "-", "0", "0000000000000", "000000000000000", "0000000000000U", "0000000000000\u{660}", "+0000000000000"] {
        assert!(!RecoveryCode::is_well_formed(typed.as_bytes()), "{typed}");
        assert_eq!(codes(7, 64).places(typed.as_bytes()), 0, "{typed}");
    }
    let padded = |gaps: usize| [&zeros[..], &std::vec![b' '; gaps]].concat();
    assert!(RecoveryCode::is_well_formed(&padded(50)));
    assert!(!RecoveryCode::is_well_formed(&padded(51)));
}

proptest! {
    /// Against the definition, and read as people type.
    #[test]
    fn codes_are_those_of_the_definition(
        secret in proptest::collection::vec(any::<u8>(), 16..=64),
        count in 1..=64_u8,
        index in 0..usize::from(RECOVERY_CODES_MAX),
        gaps in proptest::collection::vec(prop_oneof![Just(""), Just("-"), Just(" "), Just("\t"), Just("\r\n"), Just("\u{2013}"), Just("\u{a0}")], 14),
        lower: bool,
    ) {
        let codes = RecoveryCodes::new(Secret::new(&secret).unwrap(), count).unwrap();
        let Some(code) = codes.iter().nth(index) else {
            prop_assert!(index >= count.into());
            return Ok(());
        };
        let text = code.as_str();
        let symbols: String = text.chars().filter(|&symbol| symbol != '-').collect();
        let value = symbols[..13].bytes().fold(0_u128, |value, symbol| {
            value * 32 + ALPHABET.bytes().position(|other| other == symbol).unwrap() as u128
        });
        prop_assert_eq!(value, defined(&secret, index as u64).into());
        prop_assert_eq!((&text[5..6], &text[11..12], text.len()), ("-", "-", 16));

        let mut typed = String::new();
        for (symbol, gap) in symbols.chars().zip(&gaps) {
            typed.push_str(gap);
            typed.push(symbol);
        }
        let typed = if lower { typed.to_lowercase().replace('0', "o").replace('1', "l").replace('v', "u") } else { typed };
        prop_assert_eq!(codes.places(typed.as_bytes()), 1 << index);
    }
}
