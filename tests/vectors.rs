//! All of tests/vectors.json: the cases that Rust, C and Java share.

mod common;

use keyfob::{Device, Digits, Error, Hotp, Policy, RecoveryCodes, Secret, Totp};
use serde_json::Value;

fn cases() -> Vec<Value> {
    list("cases")
}

fn list(key: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    file[key].as_array().unwrap().clone()
}

fn number(case: &Value, key: &str) -> u64 {
    case[key].as_u64().unwrap()
}

fn hotp(case: &Value) -> Hotp {
    Hotp::new(Secret::from_hex(case["secret"].as_str().unwrap()).unwrap())
        .with_algorithm(case["algorithm"].as_str().unwrap().parse().unwrap())
        .with_digits(Digits::new(u8::try_from(number(case, "digits")).unwrap()).unwrap())
}

fn totp(case: &Value) -> Totp {
    Totp::from_hotp(hotp(case)).with_period(u32::try_from(number(case, "period")).unwrap()).unwrap().with_t0(number(case, "t0"))
}

#[test]
fn vectors_are_many_enough() {
    let of = |kind| cases().iter().filter(|case| case["kind"] == kind).count();
    assert!(of("HOTP") >= 100 && of("TOTP") >= 100);
}

#[test]
fn every_code_is_generated() {
    for case in cases() {
        let code = match case["kind"].as_str().unwrap() {
            "HOTP" => hotp(&case).generate(number(&case, "counter")),
            _ => totp(&case).generate(number(&case, "time")).unwrap(),
        };
        assert_eq!(code.as_str(), case["code"], "{case}");
    }
}

#[test]
fn every_code_verifies_once() {
    for case in cases() {
        let code = case["code"].as_str().unwrap().as_bytes();
        let (device, now, matched) = if case["kind"] == "HOTP" {
            (Device::hotp(hotp(&case), number(&case, "counter"), 0), 0, number(&case, "counter"))
        } else {
            let (totp, time) = (totp(&case), number(&case, "time"));
            let step = totp.step(time).unwrap();
            (Device::totp(totp, time), time, step)
        };
        let policy = Policy::default();
        let attempt = device.verify(&policy, code, now);
        if matched == u64::MAX {
            assert_eq!(attempt.err(), Some(Error::Exhausted), "the last counter has none after it: {case}");
            continue;
        }
        let (device, verdict) = common::committed(attempt.unwrap());
        assert!(verdict.is_right(), "{case}");
        // A shorter way to the same digits may stand in the window; the match is never above the
        // case's own.
        assert!(verdict.matched().unwrap() <= matched, "{case}");
        if let Ok(again) = device.verify(&policy, code, now) {
            assert!(!common::committed(again).1.is_right() || verdict.matched() < Some(matched), "{case}");
        }
    }
}

#[test]
fn every_recovery_code_is_made_and_right_once() {
    let lists = list("recovery");
    assert!(lists.iter().any(|list| list["codes"].as_array().unwrap().len() == 64));
    for list in lists {
        let shown: Vec<&str> = list["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        let secret = Secret::from_hex(list["secret"].as_str().unwrap()).unwrap();
        let codes = RecoveryCodes::new(secret, shown.len().try_into().unwrap()).unwrap();
        assert_eq!(codes.iter().map(|code| code.as_str().to_owned()).collect::<Vec<_>>(), shown);
        let mut device = Device::recovery(codes, 0);
        for code in shown {
            for is_right in [true, false] {
                let (next, verdict) = common::committed(device.verify(&Policy::DEFAULT, code.as_bytes(), 0).unwrap());
                assert_eq!(verdict.is_right(), is_right);
                device = next;
            }
        }
        assert_eq!(device.recovery_codes_left(), Some(0));
    }
}
