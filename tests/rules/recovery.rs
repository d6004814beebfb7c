//! Recovery codes: rule 20.

use std::collections::BTreeSet;

use keyfob::{
    Algorithm, Device, Digits, Error, Factor, GuessChance, History, Kind, Lock, Policy, Reason, RecoveryCodes, Secret, Status,
};
use proptest::prelude::*;

use crate::common::{NOW, Seeded, Store, committed, recovery_codes};
use crate::judge;

fn texts(codes: &RecoveryCodes) -> Vec<String> {
    codes.iter().map(|code| code.as_str().to_owned()).collect()
}

/// As a tired person types it.
fn retyped(code: &str, how: u8) -> String {
    match how % 4 {
        0 => code.to_owned(),
        1 => code.replace('-', ""),
        2 => code.to_lowercase().replace('-', " \u{2013} "),
        _ => format!("\t{}\r\n", code.replace('0', "O").replace('1', "l")),
    }
}

proptest! {
    /// In any order and spelling, beside any number of wrong ones.
    #[test]
    fn rule_20_each_code_is_right_once(
        codes in recovery_codes(1),
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..9_u32), 1..20),
    ) {
        let (policy, texts) = (Policy::default(), texts(&codes));
        let (mut device, mut used) = (Device::recovery(codes, NOW), BTreeSet::new());
        for (index, how, wrongs) in order {
            let index = index.index(texts.len());
            let typed = retyped(&texts[index], how);
            for _ in 0..wrongs {
                device = judge(&device, &policy, b"00000-00000-0001", NOW).0;
            }
            let fails = device.fails();
            let (next, verdict) = judge(&device, &policy, typed.as_bytes(), NOW);
            if used.insert(index) {
                prop_assert_eq!((verdict.reason(), verdict.matched(), verdict.drift()), (Reason::Right, Some(index as u64), None));
                prop_assert_eq!((next.status(), next.fails(), next.last_used()), (Status::Validated, 0, Some(NOW)));
            } else {
                // Whoever tries a code that is used up is no guesser.
                prop_assert_eq!((verdict.reason(), verdict.matched()), (Reason::Replayed, None));
                prop_assert_eq!(next.fails(), fails);
                prop_assert_eq!(judge(&next, &policy, typed.as_bytes(), NOW + 86_400).1.reason(), Reason::Replayed);
            }
            device = if next.fails() < 9 { next } else { judge(&next, &policy, typed.as_bytes(), NOW).0 };
            let left = Some(u8::try_from(texts.len() - used.len()).unwrap());
            prop_assert_eq!((verdict.recovery_codes_left(), device.recovery_codes_left()), (left, left));
            if device.fails() > 0 {
                device.unlock(NOW).unwrap();
                prop_assert_eq!(device.recovery_codes_left(), left);
            }
        }
    }

    #[test]
    fn rule_20_anything_else_is_wrong_and_a_fail(codes in recovery_codes(1), text in ".{0,70}", place in 0..16_usize, other: u8) {
        let policy = Policy::default();
        let mut near = texts(&codes)[0].clone().into_bytes();
        near[place] = other;
        let device = Device::recovery(codes.clone(), NOW);
        // The last one has no typing error.
        for typed in [text.as_bytes(), &near, b"00000-00000-0000"] {
            let read: String = typed.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|&byte| char::from(byte)).collect();
            let read = read.to_uppercase().replace(['I', 'L'], "1").replace('O', "0").replace('U', "V");
            let is_one = texts(&codes).iter().any(|code| code.replace('-', "") == read);
            let (next, verdict) = judge(&device, &policy, typed, NOW);
            prop_assert_eq!(verdict.reason(), if is_one { Reason::Right } else { Reason::Wrong });
            prop_assert_eq!(next.fails(), u32::from(!is_one));
        }
    }

    #[test]
    fn rule_20_a_renewal_ends_the_old_codes_and_no_lock(old in recovery_codes(1), new in recovery_codes(1), used in 0..9_usize, fails in 0..=10_u32) {
        prop_assume!(old.secret() != new.secret());
        let (policy, before, after) = (Policy::default(), texts(&old), texts(&new));
        let mut device = Device::recovery(old, NOW);
        for code in before.iter().take(used) {
            device = judge(&device, &policy, code.as_bytes(), NOW).0;
        }
        for _ in 0..fails {
            device = judge(&device, &policy, b"wrong", NOW).0;
        }
        let status = device.status();
        device.replace_factor(&Device::recovery(new.clone(), NOW), NOW).unwrap();
        prop_assert_eq!((device.status(), device.fails()), (status, fails));
        prop_assert_eq!((status == Status::Locked, device.recovery_codes_left()), (fails == 10, Some(new.count())));
        let right = judge(&device, &policy, after[0].as_bytes(), NOW).1;
        prop_assert_eq!(right.reason(), if fails == 10 { Reason::Locked } else { Reason::Right });
        device.unlock(NOW).unwrap();
        for code in before.iter().take(9) {
            let (next, verdict) = judge(&device, &policy, code.as_bytes(), NOW);
            prop_assert_eq!(verdict.reason(), Reason::Wrong);
            device = next;
        }
        for code in &after {
            let (next, verdict) = judge(&device, &policy, code.as_bytes(), NOW);
            prop_assert!(verdict.is_right());
            device = next;
        }
        prop_assert_eq!(device.recovery_codes_left(), Some(0));
    }

    /// With the same secret, and as many codes or more; fewer are refused, since they could grow
    /// again.
    #[test]
    fn rule_20_no_used_code_becomes_right_again(
        secret in prop::collection::vec(any::<u8>(), 16..=64),
        rounds in prop::collection::vec((1..=64_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8),
    ) {
        let policy = Policy::default();
        let codes = |count| RecoveryCodes::new(Secret::new(&secret).unwrap(), count).unwrap();
        let (mut device, mut used, mut most) = (Device::recovery(codes(1), NOW), BTreeSet::new(), 1);
        let all = texts(&codes(64));
        let use_up = |device: &Device, used: &mut BTreeSet<usize>, index: usize| {
            let (next, verdict) = judge(device, &policy, all[index].as_bytes(), NOW);
            assert_eq!(verdict.is_right(), used.insert(index));
            next
        };
        for (count, one, other) in rounds {
            let (mut from, mut theirs) = (Device::recovery(codes(count), NOW), BTreeSet::new());
            from = use_up(&from, &mut theirs, one.index(count.into()));
            let replaced = device.replace_factor(&from, NOW);
            prop_assert_eq!(replaced, if count < most { Err(Error::RecoveryCodeCount) } else { Ok(()) });
            if replaced.is_ok() {
                most = count;
                used.extend(theirs);
            }
            device = use_up(&device, &mut used, other.index(most.into()));
            prop_assert_eq!(usize::from(device.recovery_codes_left().unwrap()), usize::from(most) - used.len());
        }
    }

    #[test]
    fn rule_20_a_locked_disabled_or_throttled_device_tells_nothing(codes in recovery_codes(1), status in 0..2_usize, used: bool) {
        let lock = Lock::Throttle { max_fails: 1, first_delay: 60, max_delay: 60 };
        let throttle = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN);
        let (throttle, right) = (throttle.build().unwrap(), texts(&codes)[0].clone());
        let mut device = Device::recovery(codes.clone(), NOW);
        if used {
            device = judge(&device, &throttle, right.as_bytes(), NOW).0;
        }
        let throttled = judge(&device, &throttle, b"wrong", NOW).0;
        device.set_status([Status::Locked, Status::Disabled][status], NOW).unwrap();
        for (device, policy) in [(&device, &Policy::DEFAULT), (&throttled, &throttle)] {
            let [(kept, refused), (_, wrong)] = [right.as_bytes(), b"wrong"].map(|typed| judge(device, policy, typed, NOW));
            prop_assert_eq!(refused, wrong);
            prop_assert_eq!(kept.recovery_codes_left(), device.recovery_codes_left());
            prop_assert_eq!(&kept, device);
        }
    }
}

#[test]
fn rule_20_of_many_copies_of_a_code_one_is_right() {
    let codes = RecoveryCodes::new(Secret::new(&[7; 32]).unwrap(), 10).unwrap();
    let (store, typed) = (Store::new(&Device::recovery(codes.clone(), NOW)), texts(&codes)[9].clone());
    let judge = || loop {
        let device = store.read();
        let attempt = device.verify(&Policy::DEFAULT, typed.as_bytes(), NOW).unwrap();
        if let Ok(verdict) = attempt.commit(|next| store.swap(device.revision(), next)) {
            return verdict;
        }
    };
    let verdicts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32).map(|_| scope.spawn(judge)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(verdicts.iter().filter(|verdict| verdict.is_right()).count(), 1);
    assert!(verdicts.iter().all(|verdict| verdict.recovery_codes_left() == Some(9) && verdict.fails() == 0));
}

/// The HMACs of the last codes give a few more, and rooms for HMACs not computed are zero.
#[test]
fn rule_20_no_code_after_the_last_is_right() {
    let codes = |count| RecoveryCodes::new(Secret::new(&[7; 32]).unwrap(), count).unwrap();
    let all = texts(&codes(64));
    for count in 1..64 {
        let device = Device::recovery(codes(count), NOW);
        for typed in all.iter().skip(count.into()).map(String::as_str).chain(["00000-00000-0000"]) {
            assert_eq!(judge(&device, &Policy::DEFAULT, typed.as_bytes(), NOW).1.reason(), Reason::Wrong, "{typed} of {count}");
        }
        assert!(judge(&device, &Policy::DEFAULT, all[usize::from(count) - 1].as_bytes(), NOW).1.is_right());
    }
}

/// Whatever an administrator does.
#[test]
fn rule_20_used_codes_stay_used_through_every_status() {
    let codes = RecoveryCodes::new(Secret::new(&[7; 32]).unwrap(), 10).unwrap();
    let typed = texts(&codes)[4].clone();
    let mut device = judge(&Device::recovery(codes, NOW), &Policy::DEFAULT, typed.as_bytes(), NOW).0;
    for status in [Status::Disabled, Status::Created, Status::Locked, Status::Validated, Status::Locked] {
        device.set_status(status, NOW).unwrap();
        assert_eq!(device.recovery_codes_left(), Some(9));
    }
    device.unlock(NOW).unwrap();
    assert_eq!(judge(&device, &Policy::DEFAULT, typed.as_bytes(), NOW).1.reason(), Reason::Replayed);
}

/// The fail before the total stays the last one.
#[test]
fn rule_20_a_used_code_neither_locks_nor_delays() {
    let lock = Lock::ThrottleThenLock { max_fails: 2, first_delay: 60, max_delay: 60, total_fails: 3 };
    let policy = Policy::builder().lock(lock).build().unwrap();
    let codes = RecoveryCodes::new(Secret::new(&[7; 32]).unwrap(), 10).unwrap();
    let typed = texts(&codes)[0].clone();
    let device = judge(&Device::recovery(codes, NOW), &policy, typed.as_bytes(), NOW).0;
    let device = judge(&judge(&device, &policy, b"wrong", NOW).0, &policy, b"wrong", NOW).0;
    let until = device.throttled_until().unwrap();
    let (next, verdict) = judge(&device, &policy, typed.as_bytes(), until);
    assert_eq!((verdict.reason(), verdict.is_locked(), next.fails()), (Reason::Replayed, false, 2));
    assert_eq!(next.throttled_until(), Some(until));
    assert!(judge(&next, &policy, b"wrong", until).1.is_locked());
}

/// A restored device would have all of its codes again.
#[test]
fn rule_20_no_history_restores_recovery_codes() {
    let codes = RecoveryCodes::random(3, &mut Seeded(1)).unwrap();
    let device = Device::recovery(codes.clone(), NOW);
    let history: History = device.history();
    assert_eq!(Device::restore(Factor::Recovery(codes), history), Err(Error::WrongKind));
}

/// What other kinds have, they have not.
#[test]
fn rule_20_recovery_codes_have_no_challenge_resync_or_validity() {
    let policy = Policy::default();
    let mut device = Device::recovery(RecoveryCodes::random(10, &mut Seeded(1)).unwrap(), NOW);
    let (next, challenge) = committed(device.challenge(&policy, &mut Seeded(1), NOW).unwrap());
    assert_eq!((next, challenge), (device.clone(), keyfob::Challenge::Authenticator));
    assert_eq!(device.resend(&policy, NOW), Err(Error::WrongKind));
    assert_eq!(device.resync(&policy, b"1", b"2", NOW).err(), Some(Error::WrongKind));
    assert_eq!(device.set_validity(keyfob::Validity::ALWAYS, NOW), Err(Error::WrongKind));
    assert_eq!(device.forget_steps(NOW), Err(Error::WrongKind));
    assert!(device.uri("ACME", "alice").is_err());
    assert_eq!((device.kind(), device.algorithm(), device.digits(), device.moving_factor()), (Kind::Recovery, None, None, 0));
    assert_eq!(device.factor().secret().map(|secret| secret.expose().len()), Some(Algorithm::Sha256.secret_len()));
}

/// 64 codes of 64 bits, ten guesses: less than a part of a billion.
#[test]
fn rule_20_no_policy_makes_guessing_likely() {
    let chance = |lock| Policy::builder().lock(lock).build().unwrap().guess_chance(Kind::Recovery, Digits::SIX);
    assert_eq!(chance(Lock::Hard { max_fails: 10 }).parts_per_billion(), 1);
    let endless = Lock::Throttle { max_fails: u32::MAX, first_delay: 1, max_delay: 1 };
    let lax = Policy::builder().lock(endless).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build();
    assert_eq!(lax.unwrap().guess_chance(Kind::Recovery, Digits::SIX).parts_per_billion(), 16);
}
