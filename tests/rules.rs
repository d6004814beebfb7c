//! The engine's rules, each as a property under its number in DESIGN.md. Rule 10 stands in `constant_time.rs`.

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{NOW, Seeded, Store, challenged, committed, devices, hotp, hotps, is_message, pins, secret, totp, wrong};
use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob::{
    Asked, Challenge, Code, Device, Digits, Error, Factor, GuessChance, Hotp, Kind, Lock, Pin, Policy, Positions, Reason, Record,
    Secret, Status, Verdict,
};
use proptest::prelude::*;

fn judge(device: &Device, policy: &Policy, answer: &[u8], now: u64) -> (Device, Verdict) {
    committed(device.verify(policy, answer, now).unwrap())
}

/// A device that has failed `fails` times, with a pending challenge and its right answer.
fn failed(device: &Device, policy: &Policy, fails: u32) -> (Device, Vec<u8>) {
    let (mut device, right) = challenged(device, policy, NOW);
    let guess = wrong(&device, policy, &right, NOW);
    for _ in 0..fails {
        device = judge(&device, policy, &guess, NOW).0;
    }
    (device, right)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Many threads guess at once; some crash before they have stored, and all read the record anew.
    #[test]
    fn rule_01_of_n_guesses_the_limit_is_evaluated(device in devices(), guesses in 1..60_u32, limit in 1..20_u32, crash in 2..9_u32) {
        let policy = Policy::builder().lock(Lock::Hard { fails: limit }).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let (device, right) = challenged(&device, &policy, NOW);
        let guess = wrong(&device, &policy, &right, NOW);
        let store = Store::new(&device);
        let (begun, evaluated, crashed) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| while begun.fetch_add(1, Ordering::SeqCst) < guesses {
                    for round in 0.. {
                        let read = store.read();
                        let attempt = read.verify(&policy, &guess, NOW).unwrap();
                        if begun.load(Ordering::SeqCst).wrapping_add(round) % crash == 0 {
                            crashed.fetch_add(1, Ordering::SeqCst);
                            break;
                        }
                        if let Ok(verdict) = attempt.commit(|next| store.swap(read.revision(), next)) {
                            evaluated.fetch_add(u32::from(verdict.reason() == Reason::Wrong), Ordering::SeqCst);
                            break;
                        }
                    }
                });
            }
        });
        let (evaluated, crashed) = (evaluated.into_inner(), crashed.into_inner());
        prop_assert_eq!(store.read().fails(), evaluated);
        prop_assert!(evaluated <= limit);
        prop_assert!(evaluated >= (guesses - crashed.min(guesses)).min(limit));
        prop_assert_eq!(store.read().status() == Status::Locked, evaluated == limit);
    }

    #[test]
    fn rule_01_of_n_copies_of_a_right_code_one_succeeds(device in devices(), copies in 2..40_usize, all: bool) {
        // Without a window, in which another counter may have the same code.
        let asked = if all { Asked::All } else { Asked::Positions(3) };
        let policy = Policy::builder().window(0).look_ahead(0).asked(asked).build().unwrap();
        let (device, right) = challenged(&device, &policy, NOW);
        let store = Store::new(&device);
        let successes = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..copies {
                scope.spawn(|| loop {
                    let read = store.read();
                    let attempt = read.verify(&policy, &right, NOW).unwrap();
                    if let Ok(verdict) = attempt.commit(|next| store.swap(read.revision(), next)) {
                        successes.fetch_add(u32::from(verdict.is_right()), Ordering::SeqCst);
                        break;
                    }
                });
            }
        });
        prop_assert_eq!(successes.into_inner(), 1);
    }
}

proptest! {
    #[test]
    fn rule_02_the_lock_falls_on_the_limit_and_is_told_at_once(device in devices(), limit in 1..30_u32) {
        let policy = Policy::builder().lock(Lock::Hard { fails: limit }).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let (device, right) = failed(&device, &policy, limit - 1);
        prop_assert_eq!(device.status(), Status::Created);
        let guess = wrong(&device, &policy, &right, NOW);
        let (device, verdict) = judge(&device, &policy, &guess, NOW);
        prop_assert!(verdict.is_locked() && !verdict.is_right());
        prop_assert_eq!((verdict.reason(), verdict.fails(), device.status()), (Reason::Wrong, limit, Status::Locked));
    }

    #[test]
    fn rule_02_a_closed_device_refuses_the_right_code_and_does_not_tell(device in devices(), disabled: bool) {
        let policy = Policy::default();
        let (mut device, right) = challenged(&device, &policy, NOW);
        let guess = wrong(&device, &policy, &right, NOW);
        device.set_status(if disabled { Status::Disabled } else { Status::Locked }, NOW).unwrap();
        let (after, verdict) = judge(&device, &policy, &right, NOW);
        prop_assert!(!verdict.is_right());
        prop_assert_eq!(verdict.is_locked(), !disabled);
        prop_assert_eq!(&after, &device);
        prop_assert_eq!((after, verdict), judge(&device, &policy, &guess, NOW));
        prop_assert_eq!(format!("{verdict:?}"), format!("{:?}", judge(&device, &policy, &guess, NOW).1));
        let refusal = if disabled { Error::Disabled } else { Error::Locked };
        prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), NOW).err(), Some(refusal));
        prop_assert_eq!(device.resend(&policy, NOW).err(), Some(refusal));
    }

    #[test]
    fn rule_02_a_locked_device_refuses_a_resync(hotp in hotps(), counter in 0..u64::MAX / 2) {
        let policy = Policy::default();
        let mut device = Device::hotp(hotp.clone(), counter, NOW);
        device.set_status(Status::Locked, NOW).unwrap();
        let (first, second) = (hotp.generate(counter), hotp.generate(counter + 1));
        let (after, verdict) = committed(device.resync(&policy, first.as_bytes(), second.as_bytes(), NOW).unwrap());
        prop_assert_eq!((verdict.is_right(), verdict.reason()), (false, Reason::Locked));
        prop_assert_eq!(after, device);
    }

    #[test]
    fn rule_02_a_lower_limit_locks_without_evaluating(device in devices(), fails in 5..10_u32) {
        let (device, right) = failed(&device, &Policy::default(), fails);
        let strict = Policy::builder().lock(Lock::Hard { fails: 5 }).build().unwrap();
        let (device, verdict) = judge(&device, &strict, &right, NOW);
        prop_assert_eq!((verdict.reason(), verdict.is_locked(), verdict.fails()), (Reason::Locked, true, fails));
        prop_assert_eq!(device.status(), Status::Locked);
    }

    #[test]
    fn rule_03_a_challenge_or_resend_keeps_the_fails(device in devices(), fails in 0..10_u32, waits in prop::collection::vec(0..2000_u64, 1..20)) {
        let policy = Policy::default();
        let (mut device, _) = failed(&device, &policy, fails);
        let mut now = NOW;
        for wait in waits {
            now += wait;
            let _ = device.resend(&policy, now);
            device = committed(device.challenge(&policy, &mut Seeded(now), now).unwrap()).0;
            prop_assert_eq!(device.fails(), fails);
        }
    }

    #[test]
    fn rule_03_unlocking_resets_the_fails(device in devices(), by_status: bool, used: bool) {
        let policy = Policy::default();
        let (mut device, right) = challenged(&device, &policy, NOW);
        if used {
            device = judge(&device, &policy, &right, NOW).0;
        }
        device = failed(&device, &policy, 10).0;
        prop_assert_eq!(device.status(), Status::Locked);
        if by_status {
            device.set_status(Status::Validated, NOW).unwrap();
        } else {
            device.unlock(NOW).unwrap();
        }
        prop_assert_eq!(device.fails(), 0);
        let open = if by_status || used { Status::Validated } else { Status::Created };
        prop_assert_eq!(device.status(), open);
        let later = NOW + 7200;
        let (device, right) = challenged(&device, &policy, later);
        prop_assert!(judge(&device, &policy, &right, later).1.is_right());
    }

    #[test]
    fn rule_03_disabling_is_no_way_around_a_lock(device in devices(), by_guessing: bool, again: bool) {
        let (mut device, _) = failed(&device, &Policy::default(), if by_guessing { 10 } else { 0 });
        device.set_status(Status::Locked, NOW).unwrap();
        device.set_status(Status::Disabled, NOW).unwrap();
        if again {
            device.set_status(Status::Disabled, NOW).unwrap();
        }
        prop_assert!(device.was_locked());
        let disabled = device.clone();
        for open in [Status::Created, Status::Validated] {
            prop_assert_eq!(device.set_status(open, NOW), Err(Error::Locked));
        }
        prop_assert_eq!(&device, &disabled);
        device.unlock(NOW).unwrap();
        prop_assert_eq!((device.status(), device.was_locked()), (Status::Disabled, false));
        prop_assert_eq!(device.set_status(Status::Validated, NOW), Ok(()));
    }

    #[test]
    fn rule_03_enabling_keeps_the_fails(device in devices(), fails in 0..10_u32) {
        let (mut device, _) = failed(&device, &Policy::default(), fails);
        device.set_status(Status::Disabled, NOW).unwrap();
        device.set_status(Status::Validated, NOW).unwrap();
        prop_assert_eq!((device.status(), device.fails()), (Status::Validated, fails));
    }

    #[test]
    fn rule_04_nothing_is_accepted_twice(device in devices(), waits in prop::collection::vec(0..90_u64, 1..12), upkeep in 0..5_u8) {
        // A PIN's digits are the same ones every time; its challenge is what is used up.
        prop_assume!(device.kind() != Kind::Pin);
        let policy = Policy::builder().window(10).max_drift(20).lock(Lock::Hard { fails: 1000 }).bound(GuessChance::CERTAIN);
        let policy = policy.pin_bound(GuessChance::CERTAIN).build().unwrap();
        let (mut device, mut now, mut answers, mut highest) = (device, NOW, Vec::new(), None);
        for wait in waits {
            now += wait;
            let (next, right) = challenged(&device, &policy, now);
            device = next;
            answers.push(right);
            // Every answer so far, the newest last, each of which was right once.
            for answer in &answers {
                let (next, verdict) = judge(&device, &policy, answer, now);
                if let Some(matched) = verdict.matched() {
                    // Two steps may have the same code; the same step is never accepted twice.
                    prop_assert!(highest < Some(matched), "{highest:?} then {matched}");
                    highest = Some(matched);
                }
                device = next;
                match upkeep {
                    0 => device.unlock(now).unwrap(),
                    1 => for status in [Status::Disabled, Status::Created] { device.set_status(status, now).unwrap(); },
                    2 => for status in [Status::Locked, Status::Validated] { device.set_status(status, now).unwrap(); },
                    3 => device = committed(device.challenge(&policy, &mut Seeded(now), now).unwrap()).0,
                    _ => if let Some((next, matched)) = resynced(&device, &policy, now) {
                        prop_assert!(highest < Some(matched));
                        (device, highest) = (next, Some(matched));
                    },
                }
            }
        }
        prop_assert!(highest.is_some());
    }

    #[test]
    fn rule_04_hotp_never_looks_behind(hotp in hotps(), counter in 100..u64::MAX / 2, behind in 1..100_u64) {
        let device = Device::hotp(hotp.clone(), counter, NOW);
        let policy = Policy::default();
        let old = hotp.generate(counter - behind);
        let ahead = (counter..=counter + 10).any(|counter| hotp.generate(counter) == old);
        prop_assert_eq!(judge(&device, &policy, old.as_bytes(), NOW).1.is_right(), ahead);
    }

    #[test]
    fn rule_04_a_wrong_code_burns_nothing(device in devices(), fails in 0..9_u32) {
        let policy = Policy::default();
        let (device, right) = failed(&device, &policy, fails);
        let before = device.moving_factor();
        let guess = wrong(&device, &policy, &right, NOW);
        let (device, _) = judge(&device, &policy, &guess, NOW);
        prop_assert_eq!((device.moving_factor(), device.fails()), (before, fails + 1));
        if fails < 8 {
            prop_assert!(judge(&device, &policy, &right, NOW).1.is_right());
        }
    }

    #[test]
    fn rule_03_another_factor_is_no_way_around_a_lock(device in devices(), other in devices(), fails in 0..=10_u32, closing in 0..4_usize) {
        let throttle = Lock::Throttle { fails: 1, first: 60, longest: 600 };
        let throttle = Policy::builder().lock(throttle).bound(GuessChance::CERTAIN).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let policy = if closing == 3 { throttle } else { Policy::default() };
        let (mut device, _) = failed(&device, &policy, if closing == 3 { 1 } else { fails });
        // Locked, disabled, disabled while locked, throttled.
        for status in [&[Status::Locked][..], &[Status::Disabled], &[Status::Locked, Status::Disabled], &[]][closing] {
            device.set_status(*status, NOW).unwrap();
        }
        let before = device.clone();
        device.replace_factor(another(&device, &other), NOW).unwrap();
        prop_assert_eq!((device.status(), device.fails()), (before.status(), before.fails()));
        prop_assert_eq!((device.throttled_until(), device.last_used()), (before.throttled_until(), before.last_used()));
        prop_assert_eq!((device.positions(), device.pending_since(), device.drift()), (None, None, 0));
        prop_assert_eq!(device.revision(), before.revision() + 1);
        let refusal = [Error::Locked, Error::Disabled, Error::Disabled, Error::Throttled][closing];
        prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), NOW).err(), Some(refusal));
        if closing == 2 {
            prop_assert_eq!(device.set_status(Status::Validated, NOW), Err(Error::Locked));
        }
    }

    #[test]
    fn rule_04_another_factor_makes_no_used_code_right(device in devices(), other in devices(), same: bool) {
        prop_assume!(device.kind() != Kind::Pin);
        let policy = Policy::builder().window(0).look_ahead(0).build().unwrap();
        let (device, used) = challenged(&device, &policy, NOW);
        let mut device = judge(&device, &policy, &used, NOW).0;
        let (old, moving) = (device.factor().clone(), device.moving_factor());
        let new = if same { old } else { another(&device, &other) };
        device.replace_factor(new.clone(), NOW).unwrap();
        match (&new, same) {
            (Factor::Totp(_), _) | (_, true) => prop_assert_eq!(device.moving_factor(), moving),
            _ => prop_assert_eq!(device.moving_factor(), 0),
        }
        if same {
            let (device, right) = challenged(&device, &policy, NOW);
            // The next code may be the same, once in a million.
            prop_assume!(right != used || device.kind() == Kind::Totp);
            prop_assert!(!judge(&device, &policy, &used, NOW).1.is_right());
        }
        // And the new one works.
        let later = NOW + 7200;
        let (device, right) = challenged(&device, &policy, later);
        prop_assert!(judge(&device, &policy, &right, later).1.is_right());
    }

    /// A device goes to another system and back by its history, with a challenge pending, after guesses at it.
    #[test]
    fn rule_04_a_restored_device_issues_no_code_again(device in devices(), fails in 0..9_u32, used: bool) {
        let policy = Policy::builder().window(0).look_ahead(0).build().unwrap();
        let (mut device, mut given) = failed(&device, &policy, fails);
        let moving = device.moving_factor();
        if used {
            device = judge(&device, &policy, &given, NOW).0;
            (device, given) = challenged(&device, &policy, NOW);
        }
        let pending = is_message(&device);
        let restored = Device::restore(device.factor().clone(), device.history()).unwrap();
        prop_assert_eq!((restored.status(), restored.fails()), (device.status(), device.fails()));
        prop_assert_eq!(restored.moving_factor(), device.moving_factor() + u64::from(pending));
        prop_assert!(restored.moving_factor() >= moving);
        if pending {
            let (restored, right) = challenged(&restored, &policy, NOW);
            prop_assume!(right != given);
            prop_assert!(!judge(&restored, &policy, &given, NOW).1.is_right());
            prop_assert!(judge(&restored, &policy, &right, NOW).1.is_right());
        }
        if device.kind() == Kind::Pin {
            prop_assert_eq!(judge(&restored, &policy, &given, NOW).1.reason(), Reason::NoChallenge);
        }
    }

    /// Zeros at the end of a key make no other key, and fewer digits are the end of more.
    #[test]
    fn rule_04_the_same_key_in_other_words_keeps_the_counter(secret in prop::collection::vec(any::<u8>(), 16..=63), counter in 1..u64::MAX / 2) {
        let hotp = |secret: &[u8]| Hotp::new(Secret::new(secret).unwrap());
        let mut device = Device::hotp(hotp(&secret), counter, NOW);
        device.replace_factor(Factor::Hotp(hotp(&[&secret[..], &[0]].concat()).with_digits(Digits::EIGHT)), NOW).unwrap();
        prop_assert_eq!(device.moving_factor(), counter);
    }

    /// Steps of another period or T0 have other numbers: it is the time that is kept.
    #[test]
    fn rule_04_another_period_keeps_the_time_used_up(hotp in hotps(), other in hotps(), periods in [1..3600_u32, 1..3600], t0s in [0..NOW, 0..NOW]) {
        let [old, new] = [(hotp, periods[0], t0s[0]), (other, periods[1], t0s[1])]
            .map(|(hotp, period, t0)| keyfob::Totp::of(hotp).with_period(period).unwrap().with_t0(t0));
        let policy = Policy::builder().window(0).build().unwrap();
        let (device, used) = challenged(&Device::totp(old.clone(), NOW), &policy, NOW);
        let mut device = judge(&device, &policy, &used, NOW).0;
        let ends = old.t0() + device.moving_factor() * u64::from(old.period());
        device.replace_factor(Factor::Totp(new.clone()), NOW).unwrap();
        let answer = |time| judge(&device, &policy, new.generate(time).unwrap().as_bytes(), time).1;
        prop_assert_eq!(answer(NOW).reason(), Reason::Replayed);
        prop_assert!(answer(ends + u64::from(new.period())).is_right());
    }

    #[test]
    fn rule_06_another_factor_ends_the_pending_code(hotp in hotps(), other in hotps(), same: bool, email: bool, later in 0..60_u64) {
        let policy = Policy::default();
        let device = if email { Device::email(hotp.clone(), NOW) } else { Device::sms(hotp.clone(), NOW) };
        let (mut device, sent) = challenged(&device, &policy, NOW);
        let new = if same { hotp } else { other };
        device.replace_factor(if email { Factor::Email(new) } else { Factor::Sms(new) }, NOW).unwrap();
        prop_assert_eq!(judge(&device, &policy, &sent, NOW).1.reason(), Reason::NoChallenge);
        // Not under the next challenge either, young as it is.
        let (device, right) = challenged(&device, &policy, NOW + later);
        prop_assume!(right != sent);
        prop_assert_eq!(judge(&device, &policy, &sent, NOW + later).1.reason(), Reason::Wrong);
        prop_assert!(judge(&device, &policy, &right, NOW + later).1.is_right());
    }

    #[test]
    fn rule_07_a_new_pin_wants_a_new_challenge(pin in pins(), other in pins()) {
        let policy = Policy::default();
        let (mut device, right) = challenged(&Device::pin(pin, &policy, NOW).unwrap(), &policy, NOW);
        device.replace_factor(Factor::Pin(other), NOW).unwrap();
        prop_assert_eq!((device.positions(), device.pending_since()), (None, None));
        prop_assert_eq!(judge(&device, &policy, &right, NOW).1.reason(), Reason::NoChallenge);
        let (device, right) = challenged(&device, &policy, NOW);
        prop_assert!(judge(&device, &policy, &right, NOW).1.is_right());
    }

    #[test]
    fn rule_09_a_factor_of_another_kind_is_refused(device in devices(), other in devices()) {
        prop_assume!(device.kind() != other.kind());
        let mut next = device.clone();
        prop_assert_eq!(next.replace_factor(other.factor().clone(), NOW), Err(Error::WrongKind));
        prop_assert_eq!(next, device);
    }

    #[test]
    fn rule_05_a_code_is_exactly_its_digits(device in devices(), spelling in 0..14_usize, noise in prop::collection::vec(any::<u8>(), 0..80)) {
        let policy = Policy::default();
        let (device, right) = challenged(&device, &policy, NOW);
        let text = String::from_utf8(right.clone()).unwrap();
        let other = |zero: char| text.chars().map(|digit| char::from_u32(zero as u32 + digit as u32 - 48).unwrap()).collect();
        let spelling: Vec<u8> = match spelling {
            0 => format!(" {text}").into(),
            1 => format!("{text} ").into(),
            2 => format!("{text}\n").into(),
            3 => format!("+{text}").into(),
            4 => format!("-{text}").into(),
            5 => format!("0{text}").into(),
            6 => format!("{text}0").into(),
            7 => format!("{}\0", &text[1..]).into(),
            8 => text[1..].into(),
            9 => Vec::new(),
            10 => String::into_bytes(other('٠')),
            11 => String::into_bytes(other('０')),
            12 => { let mut code = right.clone(); code[0] |= 0x80; code }
            _ => noise,
        };
        prop_assume!(spelling != right);
        let (next, verdict) = judge(&device, &policy, &spelling, NOW);
        let chance_hit = spelling.len() == right.len() && spelling.iter().all(u8::is_ascii_digit);
        if !chance_hit {
            prop_assert_eq!((verdict.reason(), next.fails()), (Reason::Wrong, 1));
        }
    }

    #[test]
    fn rule_05_output_is_ascii_digits(hotp in hotps(), counter: u64) {
        let code = hotp.generate(counter);
        prop_assert_eq!(code.as_str().len(), usize::from(hotp.digits().get()));
        prop_assert!(code.as_bytes().iter().all(u8::is_ascii_digit));
    }

    #[test]
    fn rule_06_message_codes_expire(hotp in hotps(), lifetime in 60..100_000_u32, age in 0..200_000_u64, email: bool) {
        let policy = Policy::builder().lifetime(lifetime).build().unwrap();
        let device = if email { Device::email(hotp, NOW) } else { Device::sms(hotp, NOW) };
        let (device, right) = challenged(&device, &policy, NOW);
        let alive = age < u64::from(lifetime);
        let (after, verdict) = judge(&device, &policy, &right, NOW + age);
        prop_assert_eq!(verdict.reason(), if alive { Reason::Right } else { Reason::Expired });
        prop_assert_eq!(after.fails(), u32::from(!alive));
        // Used once, or dead: a second time there is no challenge, whatever the clock or the lifetime by then.
        let longer = Policy::builder().lifetime(u32::MAX).build().unwrap();
        for (policy, now) in [(policy, NOW + age), (policy, (NOW + age).saturating_sub(30)), (longer, NOW + age)] {
            prop_assert_eq!(judge(&after, &policy, &right, now).1.reason(), Reason::NoChallenge);
        }
    }

    /// The device has seen a time at which the code was dead; a clock that is a little behind does not bring it back.
    #[test]
    fn rule_06_expiry_goes_by_the_latest_clock(hotp in hotps(), ahead in 0..30_u64, back in 1..=30_u64) {
        let policy = Policy::default();
        let (mut device, right) = challenged(&Device::sms(hotp, NOW), &policy, NOW);
        let seen = NOW + 600 + ahead;
        device.set_status(Status::Validated, seen).unwrap();
        prop_assert_eq!(device.resend(&policy, seen - back).err(), Some(Error::NoChallenge));
        prop_assert_eq!(judge(&device, &policy, &right, seen - back).1.reason(), Reason::Expired);
    }

    /// One host's clock is ahead of another's, as far as clocks may differ: what the slow one issues is not dead for that.
    #[test]
    fn rule_06_a_fresh_code_is_right_whatever_the_skew(hotp in hotps(), skew in 0..=30_u64, lifetime in 1..60_u32, age in 0..60_u64) {
        let policy = Policy::builder().lifetime(lifetime).reuse(0).build().unwrap();
        let mut device = Device::sms(hotp, NOW);
        device.set_status(Status::Validated, NOW + skew).unwrap();
        let (device, right) = challenged(&device, &policy, NOW);
        let issued = device.pending_since().unwrap();
        let Ok(Challenge::Message { issued_at, expires_at, .. }) = device.resend(&policy, NOW) else { panic!("dead when issued") };
        prop_assert_eq!((issued_at, expires_at), (issued, issued + u64::from(lifetime)));
        for now in [NOW, NOW + skew] {
            prop_assert_eq!(judge(&device, &policy, &right, now).1.reason(), Reason::Right);
        }
        let reason = if age < u64::from(lifetime) { Reason::Right } else { Reason::Expired };
        prop_assert_eq!(judge(&device, &policy, &right, issued + age).1.reason(), reason);
        // And what is asked again is the same as long as it is young, by the latest clock.
        let reuse = Policy::builder().lifetime(lifetime).reuse(lifetime).build().unwrap();
        let (again, _) = committed(device.challenge(&reuse, &mut Seeded(1), NOW).unwrap());
        prop_assert_eq!(again, device);
    }

    #[test]
    fn rule_06_message_codes_die_wherever_the_lock_comes_from(hotp in hotps(), by_limit: bool, by_status: bool) {
        let (mut device, right) = failed(&Device::sms(hotp, NOW), &Policy::default(), 5);
        if by_limit {
            let strict = Policy::builder().lock(Lock::Hard { fails: 5 }).build().unwrap();
            device = judge(&device, &strict, &right, NOW).0;
        } else {
            device.set_status(Status::Locked, NOW).unwrap();
        }
        prop_assert_eq!((device.status(), device.pending_since()), (Status::Locked, None));
        if by_status {
            device.set_status(Status::Validated, NOW - 1_000_000).unwrap();
        } else {
            device.unlock(NOW - 1_000_000).unwrap();
        }
        prop_assert_eq!(judge(&device, &Policy::default(), &right, NOW).1.reason(), Reason::NoChallenge);
    }

    #[test]
    fn rule_06_message_codes_die_at_the_lock(hotp in hotps(), throttle: bool) {
        let lock = if throttle { Lock::Throttle { fails: 5, first: 1, longest: 1_000_000 } } else { Lock::Hard { fails: 5 } };
        let policy = Policy::builder().lock(lock).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let (mut device, right) = failed(&Device::sms(hotp, NOW), &policy, 5);
        prop_assert_eq!(device.pending_since(), None);
        device.unlock(NOW).unwrap();
        prop_assert_eq!(judge(&device, &policy, &right, NOW).1.reason(), Reason::NoChallenge);
        let (device, fresh) = challenged(&device, &policy, NOW);
        if fresh != right {
            prop_assert_eq!(judge(&device, &policy, &right, NOW).1.reason(), Reason::Wrong);
        }
    }

    #[test]
    fn rule_06_a_code_asked_again_is_the_same_for_a_minute(hotp in hotps(), wait in 0..700_u64) {
        let policy = Policy::default();
        let (device, _) = committed(Device::sms(hotp, NOW).challenge(&policy, &mut Seeded(1), NOW).unwrap());
        let Ok(Challenge::Message { code: sent, .. }) = device.resend(&policy, NOW) else { panic!("nothing sent") };
        let (next, again) = committed(device.challenge(&policy, &mut Seeded(2), NOW + wait).unwrap());
        let Challenge::Message { code, issued_at, expires_at, fresh } = again else { panic!("no message") };
        prop_assert_eq!(fresh, wait >= 60);
        prop_assert_eq!(issued_at, if fresh { NOW + wait } else { NOW });
        prop_assert_eq!(expires_at, issued_at + 600);
        prop_assert_eq!(next.moving_factor(), u64::from(fresh));
        prop_assert!(fresh || code == sent && next == device);
        // A resend is the same code as long as it lives.
        prop_assert_eq!(device.resend(&policy, NOW + wait).is_ok(), wait < 600);
    }

    #[test]
    fn rule_07_positions_stay_until_answered_rightly(pin in pins(), count in 2..=8_u8, wrongs in 0..9_u32) {
        let policy = Policy::builder().asked(Asked::Positions(count)).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let (device, right) = challenged(&Device::pin(pin.clone(), &policy, NOW).unwrap(), &policy, NOW);
        let asked = device.positions().unwrap();
        prop_assert_eq!((asked.count(), asked.iter().count()), (count, usize::from(count)));
        prop_assert!(asked.iter().all(|number| (1..=pin.expose().len()).contains(&usize::from(number))));
        let guess = wrong(&device, &policy, &right, NOW);
        let mut device = device;
        for round in 0..wrongs {
            device = judge(&device, &policy, &guess, NOW).0;
            device = committed(device.challenge(&policy, &mut Seeded(u64::from(round)), NOW).unwrap()).0;
            prop_assert_eq!(device.positions(), Some(asked));
        }
        device.unlock(NOW).unwrap();
        prop_assert_eq!(device.positions(), Some(asked));
        let (device, verdict) = judge(&device, &policy, &right, NOW);
        prop_assert!(verdict.is_right());
        prop_assert_eq!(device.positions(), None);
    }

    #[test]
    fn rule_07_all_digits_are_asked_when_the_policy_says_so(pin in pins()) {
        let policy = Policy::builder().asked(Asked::All).build().unwrap();
        let device = Device::pin(pin.clone(), &policy, NOW).unwrap();
        prop_assert_eq!(judge(&device, &policy, pin.expose(), NOW).1.reason(), Reason::NoChallenge);
        let (device, right) = challenged(&device, &policy, NOW);
        prop_assert_eq!(&right, pin.expose());
        let (device, verdict) = judge(&device, &policy, &right, NOW);
        prop_assert!(verdict.is_right());
        // Once: the challenge is used up.
        prop_assert_eq!(judge(&device, &policy, &right, NOW).1.reason(), Reason::NoChallenge);
    }

    #[test]
    fn rule_07_a_stricter_policy_holds_at_once(pin in pins(), few in 2..=4_u8, more in 5..=8_u8, all: bool) {
        let asked = |asked| Policy::builder().asked(asked).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let (lax, strict) = (asked(Asked::Positions(few)), asked(if all { Asked::All } else { Asked::Positions(more) }));
        let (device, right) = challenged(&Device::pin(pin.clone(), &lax, NOW).unwrap(), &lax, NOW);
        prop_assert!(!judge(&device, &strict, &right, NOW).1.is_right());
        let (next, answer) = challenged(&device, &strict, NOW);
        // What was asked stays asked.
        prop_assert_eq!(next.positions().unwrap().mask() & device.positions().unwrap().mask(), device.positions().unwrap().mask());
        prop_assert_eq!(answer.len(), if all { pin.expose().len() } else { more.into() });
        prop_assert!(judge(&next, &strict, &answer, NOW).1.is_right());
        prop_assert!(judge(&next, &lax, &answer, NOW).1.is_right());
    }

    #[test]
    fn rule_08_the_first_right_answer_validates(device in devices(), fails in 0..10_u32, later in 0..9_u64) {
        let policy = Policy::default();
        prop_assert_eq!((device.status(), device.last_used()), (Status::Created, None));
        let (device, right) = failed(&device, &policy, fails);
        prop_assert_eq!(device.status(), Status::Created);
        let now = if device.kind() == Kind::Totp { NOW } else { NOW + later };
        let (device, verdict) = judge(&device, &policy, &right, now);
        prop_assert!(verdict.is_right());
        prop_assert_eq!((device.status(), device.fails(), device.last_used()), (Status::Validated, 0, Some(now)));
    }

    #[test]
    fn rule_09_a_clock_set_back_is_an_error(device in devices(), back in 31..NOW) {
        let policy = Policy::default();
        let (device, right) = challenged(&device, &policy, NOW);
        let device = if device.pending_since().is_some() { device } else { judge(&device, &policy, &right, NOW).0 };
        prop_assert_eq!(device.verify(&policy, &right, NOW - back).err(), Some(Error::Clock));
        prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), NOW - back).err(), Some(Error::Clock));
        prop_assert_eq!(device.resend(&policy, NOW - back).err(), Some(Error::Clock));
    }

    #[test]
    fn rule_09_clocks_may_differ_a_little(device in devices(), back in 0..=30_u64) {
        let policy = Policy::default();
        let (device, right) = challenged(&device, &policy, NOW);
        let now = if device.kind() == Kind::Totp { NOW } else { NOW - back };
        prop_assert!(judge(&device, &policy, &right, now).1.is_right());
    }

    #[test]
    fn rule_09_no_time_or_counter_makes_it_panic(device in devices(), now: u64, edge in 0..40_u64, high: bool, answer in "[0-9]{0,70}") {
        for now in [now, if high { u64::MAX - edge } else { edge }] {
            for policy in [Policy::default(), Policy::soffid(), Policy::builder().window(0).max_drift(1000).build().unwrap()] {
                let _ = device.verify(&policy, answer.as_bytes(), now);
                let _ = device.resync(&policy, answer.as_bytes(), answer.as_bytes(), now);
                let _ = device.challenge(&policy, &mut Seeded(now), now);
                let _ = device.resend(&policy, now);
                let mut device = device.clone();
                prop_assert_eq!(device.unlock(now), Ok(()));
                for status in Status::ALL {
                    prop_assert_eq!(device.set_status(status, now), Ok(()));
                }
            }
        }
    }

    #[test]
    fn rule_09_at_the_last_number_codes_end_but_not_the_device(hotp in hotps()) {
        let history = keyfob::History { status: Status::Created, fails: 0, last_counter: Some(u64::MAX - 1), created: NOW, last_used: None };
        let policy = Policy::default();
        for factor in [Factor::Sms(hotp.clone()), Factor::Hotp(hotp.clone())] {
            let mut device = Device::restore(factor, history).unwrap();
            if is_message(&device) {
                prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), NOW).err(), Some(Error::Exhausted));
            }
            prop_assert_eq!(device.verify(&policy, b"000000", NOW).err(), Some(Error::Exhausted));
            for status in [Status::Disabled, Status::Locked, Status::Created] {
                prop_assert_eq!(device.set_status(status, NOW), Ok(()));
            }
            prop_assert_eq!(device.unlock(NOW), Ok(()));
        }
        let beyond = keyfob::History { last_counter: Some(u64::MAX), ..history };
        prop_assert_eq!(Device::restore(Factor::Hotp(hotp), beyond).err(), Some(Error::Exhausted));
    }

    #[test]
    fn rule_09_the_last_counters_are_refused_not_wrapped(hotp in hotps(), left in 0..12_u64) {
        let counter = u64::MAX - left;
        let (device, policy) = (Device::hotp(hotp.clone(), counter, NOW), Policy::default());
        let code = hotp.generate(counter);
        match device.verify(&policy, code.as_bytes(), NOW) {
            Err(error) => prop_assert_eq!((error, left), (Error::Exhausted, 0)),
            Ok(attempt) => {
                let (device, verdict) = committed(attempt);
                prop_assert!(verdict.is_right());
                prop_assert!(device.moving_factor() > counter);
            }
        }
    }

    #[test]
    fn rule_12_outsiders_see_the_same_refusal(hotp in hotps(), fails in 0..8_u32) {
        let policy = Policy::default();
        let outside = |verdict: Verdict| (verdict.is_right(), verdict.is_locked());
        // Neighbouring steps may have the same code, once in a million.
        let step = NOW / 30;
        prop_assume!(hotp.generate(step) != hotp.generate(step - 1) && hotp.generate(step) != hotp.generate(step + 1));
        let totp = Device::totp(keyfob::Totp::of(hotp.clone()), NOW);
        let (totp, right) = failed(&totp, &policy, fails);
        let guess = wrong(&totp, &policy, &right, NOW);
        let (used, accepted) = judge(&totp, &policy, &right, NOW);
        let (sms, sent) = failed(&Device::sms(hotp, NOW), &policy, fails);
        let refusals = [
            (judge(&totp, &policy, &guess, NOW).1, Reason::Wrong),
            (judge(&used, &policy, &right, NOW).1, Reason::Replayed),
            (judge(&sms, &policy, &sent, NOW + 600).1, Reason::Expired),
            (judge(&judge(&sms, &policy, &sent, NOW).0, &policy, &sent, NOW).1, Reason::NoChallenge),
        ];
        for (verdict, reason) in refusals {
            prop_assert_eq!(outside(verdict), (false, false));
            prop_assert_eq!((verdict.reason(), verdict.matched(), verdict.drift()), (reason, None, None));
        }
        prop_assert_eq!((accepted.reason(), accepted.matched().is_some(), accepted.drift().is_some()), (Reason::Right, true, true));
    }

    #[test]
    fn rule_13_resync_takes_two_codes_in_a_row(hotp in hotps(), counter in 0..u64::MAX / 2, ahead in 0..150_u64, gap in 0..4_u64) {
        let policy = Policy::default();
        let device = Device::hotp(hotp.clone(), counter, NOW);
        let (first, second) = (hotp.generate(counter + ahead), hotp.generate(counter + ahead + gap));
        // Two codes in a row may be the same as two others, once in a million.
        let in_a_row = |at: u64| hotp.generate(at) == first && hotp.generate(at + 1) == second;
        prop_assume!((counter..=counter + 155).filter(|&at| in_a_row(at)).count() == usize::from(gap == 1));
        let (next, verdict) = committed(device.resync(&policy, first.as_bytes(), second.as_bytes(), NOW).unwrap());
        if gap == 1 && ahead < 100 {
            prop_assert!(verdict.is_right());
            prop_assert_eq!((next.moving_factor(), next.fails()), (counter + ahead + 2, 0));
            prop_assert_eq!((verdict.matched(), verdict.drift()), (Some(counter + ahead + 1), Some(ahead.cast_signed())));
            prop_assert_eq!(next.status(), Status::Validated);
            let again = next.resync(&policy, first.as_bytes(), second.as_bytes(), NOW).unwrap();
            prop_assert!(!committed(again).1.is_right());
        } else {
            prop_assert_eq!((verdict.reason(), next.fails(), next.moving_factor()), (Reason::Wrong, 1, counter));
        }
    }

    #[test]
    fn rule_13_resync_counts_and_locks(hotp in hotps(), limit in 1..20_u32) {
        let policy = Policy::builder().lock(Lock::Hard { fails: limit }).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let mut device = Device::hotp(hotp, 0, NOW);
        for fail in 1..=limit {
            let (next, verdict) = committed(device.resync(&policy, b"wrong", b"wrong", NOW).unwrap());
            prop_assert_eq!((verdict.fails(), verdict.is_locked()), (fail, fail == limit));
            device = next;
        }
    }

    #[test]
    fn rule_13_learned_drift_is_bounded(hotp in hotps(), bound in 0..40_u16, drifts in prop::collection::vec(-3..=3_i64, 1..30)) {
        let policy = Policy::builder().window(3).max_drift(bound).build().unwrap();
        let totp = keyfob::Totp::of(hotp.clone());
        let (mut device, mut now, mut learned) = (Device::totp(totp.clone(), NOW), NOW, 0_i64);
        for drift in drifts {
            now += 3600;
            let shown = learned + drift;
            let step = totp.step(now).unwrap().saturating_add_signed(shown);
            let (next, verdict) = judge(&device, &policy, hotp.generate(step).as_bytes(), now);
            prop_assert!(verdict.is_right());
            // Another step of the window may have the same code.
            prop_assume!(verdict.matched() == Some(step));
            prop_assert_eq!(verdict.drift(), Some(shown));
            learned = shown.clamp(-i64::from(bound), i64::from(bound));
            prop_assert_eq!(i64::from(next.drift()), learned);
            device = next;
        }
    }

    #[test]
    fn rule_14_a_slow_clock_does_not_shorten_the_delay(device in devices(), skew in 0..=30_u64, first in 1..100_u32) {
        let lock = Lock::Throttle { fails: 1, first, longest: 100 };
        let policy = Policy::builder().lock(lock).bound(GuessChance::CERTAIN).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let mut device = device;
        device.set_status(Status::Validated, NOW + skew).unwrap();
        let (device, verdict) = judge(&device, &policy, b"wrong", NOW);
        let until = NOW + skew + u64::from(first);
        prop_assert_eq!((verdict.is_locked(), verdict.retry_at()), (true, Some(until)));
        prop_assert_eq!(judge(&device, &policy, b"wrong", until - 1).1.reason(), Reason::Throttled);
    }

    #[test]
    fn rule_14_a_throttle_doubles_its_delay(device in devices(), fails in 1..6_u32, first in 1..100_u32, more in 0..40_u32) {
        let longest = first.saturating_mul(1000);
        let lock = Lock::Throttle { fails, first, longest };
        let policy = Policy::builder().lock(lock).bound(GuessChance::CERTAIN).pin_bound(GuessChance::CERTAIN).build().unwrap();
        let (mut device, right) = failed(&device, &policy, fails - 1);
        let mut now = NOW;
        for fail in 0..=more {
            let guess = wrong(&device, &policy, &right, now);
            let (next, verdict) = judge(&device, &policy, &guess, now);
            let delay = u64::from(first).saturating_mul(1 << fail).min(u64::from(longest));
            prop_assert_eq!((verdict.is_locked(), verdict.retry_at()), (true, Some(now + delay)));
            prop_assert_eq!(next.status(), Status::Created);
            // Within the delay nothing is evaluated, the right code included, and nothing counted.
            let (within, refused) = judge(&next, &policy, &right, now + delay - 1);
            prop_assert_eq!((refused.reason(), refused.is_locked()), (Reason::Throttled, true));
            prop_assert_eq!(&within, &next);
            prop_assert_eq!(next.challenge(&policy, &mut Seeded(1), now).err(), Some(Error::Throttled));
            (device, now) = (next, now + delay);
        }
        // Locked or disabled, it does not promise to open again by itself.
        for closed in [Status::Locked, Status::Disabled] {
            let mut device = judge(&device, &policy, &wrong(&device, &policy, &right, now), now).0;
            device.set_status(closed, now).unwrap();
            let verdict = judge(&device, &policy, &right, now).1;
            prop_assert_eq!((verdict.retry_at(), verdict.is_locked()), (None, closed == Status::Locked));
        }
        let (device, right) = challenged(&device, &policy, now);
        let (device, verdict) = judge(&device, &policy, &right, now);
        prop_assert!(verdict.is_right());
        prop_assert_eq!((device.fails(), device.throttled_until()), (0, None));
    }
}

/// A factor of the device's kind with the other's secret; the same period and T0.
fn another(device: &Device, other: &Device) -> Factor {
    // Two random devices with the same secret are one that was shrunk.
    let secret = other.generator().map(Hotp::secret).filter(|&new| device.generator().map(Hotp::secret) != Some(new));
    let secret = secret.cloned().unwrap_or_else(|| Secret::new(b"another secret, of none of them").unwrap());
    let hotp = |old: &Hotp| Hotp::new(secret.clone()).with_algorithm(old.algorithm()).with_digits(old.digits());
    match (device.factor(), other.factor()) {
        (Factor::Totp(old), _) => {
            Factor::Totp(keyfob::Totp::of(hotp(old.hotp())).with_period(old.period()).unwrap().with_t0(old.t0()))
        }
        (Factor::Hotp(old), _) => Factor::Hotp(hotp(old)),
        (Factor::Sms(old), _) => Factor::Sms(hotp(old)),
        (Factor::Email(old), _) => Factor::Email(hotp(old)),
        (Factor::Pin(_), Factor::Pin(new)) => Factor::Pin(new.clone()),
        (Factor::Pin(_), _) => Factor::Pin(Pin::new(b"99887766").unwrap()),
    }
}

/// Resyncs a HOTP device with the next two codes, and tells what matched; none for other kinds.
fn resynced(device: &Device, policy: &Policy, now: u64) -> Option<(Device, u64)> {
    let Factor::Hotp(hotp) = device.factor() else { return None };
    let [first, second] = [0, 1].map(|more| hotp.generate(device.moving_factor() + more));
    let (next, verdict) = committed(device.resync(policy, first.as_bytes(), second.as_bytes(), now).unwrap());
    verdict.matched().map(|matched| (next, matched))
}

#[test]
fn rule_04_enrolment_uses_up_its_code() {
    let policy = Policy::default();
    let code = totp().generate(NOW).unwrap();
    let (device, verdict) = judge(&Device::totp(totp(), NOW), &policy, code.as_bytes(), NOW);
    assert!(verdict.is_right());
    assert_eq!(judge(&device, &policy, code.as_bytes(), NOW).1.reason(), Reason::Replayed);
}

#[test]
fn rule_05_zeros_are_a_code_like_any_other() {
    let counter = 349_495;
    assert_eq!(hotp().generate(counter).as_str(), "000000");
    assert!(judge(&Device::hotp(hotp(), counter, NOW), &Policy::default(), b"000000", NOW).1.is_right());
    assert!(!judge(&Device::hotp(hotp(), 0, NOW), &Policy::default(), b"000000", NOW).1.is_right());
}

#[test]
fn rule_07_positions_are_drawn_evenly() {
    let (policy, draws) = (Policy::default(), 56_000);
    let pin = Device::pin(Pin::new(b"12345678").unwrap(), &policy, NOW).unwrap();
    let mut rng = Seeded(7);
    let mut seen: HashMap<Positions, u32> = HashMap::new();
    for _ in 0..draws {
        let Challenge::Positions(positions) = committed(pin.challenge(&policy, &mut rng, NOW).unwrap()).1 else {
            panic!("no positions")
        };
        *seen.entry(positions).or_default() += 1;
    }
    assert_eq!(seen.len(), 56, "all sets of 3 out of 8");
    let chi_square: f64 = seen.values().map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0).sum();
    // 55 degrees of freedom: above 93.2 in one of 1000 seeds; this seed is fixed.
    assert!(chi_square < 93.2, "{chi_square}");
}

#[test]
fn rule_11_secrets_never_show() {
    let policy = Policy::default();
    let pin = Device::pin(Pin::new(b"40719283").unwrap(), &policy, NOW).unwrap();
    let (sms, _) = challenged(&Device::sms(hotp(), NOW), &policy, NOW);
    let challenge = sms.resend(&policy, NOW).unwrap();
    let code = hotp().generate(0);
    let uri = keyfob::Uri::parse("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    let attempt = sms.verify(&policy, code.as_bytes(), NOW).unwrap();
    let shown = format!(
        "{:?} {:?} {pin:?} {sms:?} {challenge:?} {code:?} {uri:?} {attempt:?} {:?} {:?} {:#?} {:?}",
        secret(),
        totp(),
        sms.to_record(),
        keyfob::SealKey::new(1, *b"0123456789abcdef0123456789abcdef"),
        Device::totp(totp(), NOW),
        sms.verify(&policy, code.as_bytes(), NOW).unwrap().split().1,
    );
    let bytes = format!("{:?}", secret().expose());
    for hidden in
        ["12345678901234567890", "GEZDGNBV", "31323334", &bytes[1..20], "40719283", code.as_str(), "0123456789abcdef", "52, 48, 55"]
    {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}

#[test]
fn rule_11_secrets_are_wiped_on_drop() {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<Secret>();
    wiped::<Pin>();
    wiped::<Code>();
    wiped::<Record>();
    wiped::<keyfob::SealKey>();

    // And in memory: drop in place, then read the process's own memory where the secret was.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::FileExt;
        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        let mut slot = Box::new(Some(Device::totp(totp(), NOW)));
        let address = (&raw const *slot) as u64;
        let read = || {
            let mut bytes = vec![0; size_of::<Option<Device>>()];
            memory.read_exact_at(&mut bytes, address).unwrap();
            bytes.windows(20).any(|bytes| bytes == secret().expose())
        };
        assert!(read(), "the secret must be where it is looked for");
        *slot = None;
        std::hint::black_box(&mut slot);
        assert!(!read());
    }
}

/// A generator that gives the same byte for ever.
struct Stuck(u8);

impl TryRng for Stuck {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_ne_bytes([self.0; 4]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_ne_bytes([self.0; 8]))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Stuck {}

#[test]
fn rule_11_failed_randomness_is_an_error() {
    for algorithm in keyfob::Algorithm::ALL {
        assert_eq!(Secret::random(algorithm, &mut common::Failing), Err(Error::Randomness));
        assert_eq!(Secret::random(algorithm, &mut Stuck(0)), Err(Error::Randomness));
        assert_eq!(Secret::random(algorithm, &mut Seeded(1)).unwrap().expose().len(), algorithm.secret_len());
    }
    let policy = Policy::default();
    let pin = Device::pin(Pin::new(b"12345678").unwrap(), &policy, NOW).unwrap();
    assert_eq!(pin.challenge(&policy, &mut common::Failing, NOW).err(), Some(Error::Randomness));
    // Stuck at the value that is always drawn again: this must not hang.
    assert_eq!(pin.challenge(&policy, &mut Stuck(255), NOW).err(), Some(Error::Randomness));
}

#[test]
fn rule_13_only_hotp_resyncs() {
    let policy = Policy::default();
    for device in
        [Device::totp(totp(), NOW), Device::sms(hotp(), NOW), Device::email(Hotp::new(secret()).with_digits(Digits::EIGHT), NOW)]
    {
        assert_eq!(device.resync(&policy, b"000000", b"000000", NOW).err(), Some(Error::WrongKind));
    }
}
