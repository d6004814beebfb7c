//! No code is accepted twice, and the windows of a search: rules 4 and 13.

use keyfob::{Algorithm, Device, Digits, Error, Factor, GuessChance, Hotp, Kind, Lock, Policy, Reason, Secret, Status, Totp};
use proptest::prelude::*;

use crate::common::{NOW, Seeded, challenged, committed, devices, enrolled, hotp, hotps, is_message, secret, totp, wrong};
use crate::{another, failed, judge, of_generator, resynced};

proptest! {
    #[test]
    fn rule_04_nothing_is_accepted_twice(device in devices(), waits in prop::collection::vec(0..90_u64, 1..12), upkeep in 0..5_u8) {
        // The digits of a PIN stay the same. Its challenge is used up.
        prop_assume!(device.kind() != Kind::Pin);
        let policy = Policy::builder().window(10).max_drift(20).lock(Lock::Hard { max_fails: 1000 }).guess_bound(GuessChance::CERTAIN);
        let policy = policy.pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        let (mut device, mut now, mut answers, mut highest) = (device, NOW, Vec::new(), None);
        for wait in waits {
            now += wait;
            let (next, right) = challenged(&device, &policy, now);
            device = next;
            answers.push(right);
            // All answers so far, the newest last. Each was right once.
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
    fn rule_04_another_factor_makes_no_used_code_right(device in devices(), other in devices(), same: bool) {
        prop_assume!(device.kind() != Kind::Pin);
        let policy = Policy::builder().window(0).look_ahead(0).build().unwrap();
        let (device, used) = challenged(&device, &policy, NOW);
        let mut device = judge(&device, &policy, &used, NOW).0;
        let (old, moving) = (device.factor().clone(), device.moving_factor());
        let new = if same { old } else { another(&device, &other) };
        device.replace_factor(&enrolled(new.clone(), 0), NOW).unwrap();
        match (&new, same) {
            (_, true) => prop_assert_eq!(device.moving_factor(), moving),
            (Factor::Totp(totp), false) => prop_assert_eq!(device.moving_factor(), totp.step(NOW).unwrap()),
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

    /// A device goes to another system and back by its history, after wrong guesses, with a
    /// challenge pending.
    #[test]
    fn rule_04_a_restored_device_issues_no_code_again(device in devices(), fails in 0..9_u32, used: bool) {
        prop_assume!(device.kind() != Kind::Recovery);
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

    /// Zeros at the end do not change a key, and a shorter code is the end of a longer one.
    #[test]
    fn rule_04_the_same_key_in_other_words_keeps_the_counter(secret in prop::collection::vec(any::<u8>(), 16..=63), counter in 1..u64::MAX / 2) {
        let hotp = |secret: &[u8]| Hotp::new(Secret::new(secret).unwrap());
        let mut device = Device::hotp(hotp(&secret), counter, NOW);
        let again = hotp(&[&secret[..], &[0]].concat()).with_digits(Digits::EIGHT);
        for (begins, expected) in [(0, counter), (counter - 1, counter), (counter + 5, counter + 5)] {
            device.replace_factor(&Device::hotp(again.clone(), begins, NOW), NOW).unwrap();
            prop_assert_eq!(device.moving_factor(), expected);
        }
    }

    /// Codes that a token has used elsewhere are used up.
    #[test]
    fn rule_04_a_token_enrolled_again_begins_where_it_stands(hotp in hotps(), other in hotps(), counters in [0..u64::MAX / 2, 100..u64::MAX / 2]) {
        prop_assume!(hotp.secret() != other.secret());
        let policy = Policy::default();
        let mut device = Device::hotp(hotp, counters[0], NOW);
        device.replace_factor(&Device::hotp(other.clone(), counters[1], NOW), NOW).unwrap();
        prop_assert_eq!(device.moving_factor(), counters[1]);
        let used = other.generate(counters[1] - 1);
        prop_assume!((0..=10).all(|ahead| other.generate(counters[1] + ahead) != used));
        prop_assert!(!judge(&device, &policy, used.as_bytes(), NOW).1.is_right());
        prop_assert!(judge(&device, &policy, other.generate(counters[1]).as_bytes(), NOW).1.is_right());
    }

    /// Steps of another period or T0 have other numbers: the time is kept.
    #[test]
    fn rule_04_another_period_keeps_the_time_used_up(hotp in hotps(), periods in [1..3600_u32, 1..3600], t0s in [0..NOW, 0..NOW]) {
        let [old, new] = [(hotp.clone(), periods[0], t0s[0]), (hotp, periods[1], t0s[1])]
            .map(|(hotp, period, t0)| Totp::from_hotp(hotp).with_period(period).unwrap().with_t0(t0));
        let policy = Policy::builder().window(0).build().unwrap();
        let (device, used) = challenged(&Device::totp(old.clone(), NOW), &policy, NOW);
        let mut device = judge(&device, &policy, &used, NOW).0;
        let ends = old.t0() + device.moving_factor() * u64::from(old.period());
        let step = device.moving_factor();
        device.replace_factor(&Device::totp(new.clone(), NOW), NOW).unwrap();
        prop_assert!(device.moving_factor() >= step, "nor is it lower as a number");
        let answer = |time| judge(&device, &policy, new.generate(time).unwrap().as_bytes(), time).1;
        // The last step of the old period may end later than the present one of the new.
        prop_assert!([Reason::Replayed, Reason::ClockWasAhead].contains(&answer(NOW).reason()));
        let first = new.t0() + device.moving_factor() * u64::from(new.period());
        prop_assert!(first >= ends);
        if first < 1 << 40 {
            prop_assert!(answer(first).is_right());
        }
    }

    /// An authenticator that was ahead, or was used a moment ago, does not shut out the next one,
    /// none of whose codes was used.
    #[test]
    fn rule_04_another_secret_is_right_at_once(hotp in hotps(), other in hotps(), periods in [1..3600_u32, 1..3600], ahead in 0..=10_u64) {
        prop_assume!(hotp.secret() != other.secret());
        let [old, new] = [(hotp, periods[0]), (other, periods[1])].map(|(hotp, period)| Totp::from_hotp(hotp).with_period(period).unwrap());
        let policy = Policy::soffid();
        let code = old.generate(NOW + ahead * u64::from(old.period())).unwrap();
        let (mut device, verdict) = judge(&Device::totp(old.clone(), NOW), &policy, code.as_bytes(), NOW);
        // An earlier step may have the same code.
        prop_assume!(verdict.matched() == Some(old.step(NOW).unwrap() + ahead));
        device.replace_factor(&Device::totp(new.clone(), NOW), NOW).unwrap();
        prop_assert_eq!(device.moving_factor(), new.step(NOW).unwrap(), "the past stays past");
        prop_assert!(judge(&device, &policy, new.generate(NOW).unwrap().as_bytes(), NOW).1.is_right());
    }

    /// Codes that the authenticator has used on another device are used up.
    #[test]
    fn rule_04_a_used_step_comes_with_its_authenticator(hotp in hotps(), other in hotps(), same: bool, ahead in 0..=1_u64) {
        let policy = Policy::default();
        let new = Totp::from_hotp(if same { hotp.clone() } else { other });
        let used_at = NOW + 30 * ahead;
        let [code, next] = [0, 30].map(|later| new.generate(used_at + later).unwrap());
        let (device, own) = challenged(&Device::totp(Totp::from_hotp(hotp), NOW), &policy, NOW);
        let mut device = judge(&device, &policy, &own, NOW).0;
        let (from, verdict) = judge(&Device::totp(new.clone(), NOW), &policy, code.as_bytes(), NOW);
        // Another step of the window may have the same code.
        prop_assume!(verdict.matched() == Some(NOW / 30 + ahead) && code != next);
        device.replace_factor(&from, NOW).unwrap();
        prop_assert_eq!(device.moving_factor(), from.moving_factor());
        prop_assert_eq!(judge(&device, &policy, code.as_bytes(), NOW).1.reason(), Reason::Replayed);
        prop_assert!(judge(&device, &policy, next.as_bytes(), used_at).1.is_right());
    }

    /// One key makes the same codes again when the same algorithm and digits come back.
    #[test]
    fn rule_04_another_algorithm_and_back_makes_no_used_code_right(device in devices(), algorithm in 0..3_usize, digits in 6..=10_u8) {
        prop_assume!(device.generator().is_some());
        let policy = Policy::builder().window(0).look_ahead(0).build().unwrap();
        let (device, used) = challenged(&device, &policy, NOW);
        let mut device = judge(&device, &policy, &used, NOW).0;
        let (old, moving) = (device.factor().clone(), device.moving_factor());
        let hotp = device.generator().unwrap().clone();
        let other = hotp.with_algorithm(Algorithm::ALL[algorithm]).with_digits(Digits::new(digits).unwrap());
        for factor in [of_generator(&old, other), old] {
            device.replace_factor(&enrolled(factor, 0), NOW).unwrap();
            prop_assert_eq!(device.moving_factor(), moving);
        }
        let (device, right) = challenged(&device, &policy, NOW);
        // The next code may be the same, once in a million.
        prop_assume!(right != used || device.kind() == Kind::Totp);
        prop_assert!(!judge(&device, &policy, &used, NOW).1.is_right());
    }

    /// An unlock helps an authenticator whose clock was corrected.
    #[test]
    fn rule_13_its_own_factor_forgets_a_drift_and_nothing_else(hotp in hotps(), ahead in 1..=10_u64) {
        let policy = Policy::builder().window(10).max_drift(10).guess_bound(GuessChance::CERTAIN).build().unwrap();
        let totp = Totp::from_hotp(hotp);
        let code = totp.generate(NOW + 30 * ahead).unwrap();
        // Another step may have the same code.
        prop_assume!((0..=20).filter(|away| away + 20 != ahead + 30).all(|away| totp.generate(NOW + 30 * away - 300).unwrap() != code));
        let mut device = judge(&Device::totp(totp, NOW), &policy, code.as_bytes(), NOW).0;
        let before = device.clone();
        device.replace_factor(&before, NOW).unwrap();
        prop_assert_eq!((device.drift(), device.moving_factor()), (0, before.moving_factor()));
        prop_assert!(!judge(&device, &policy, code.as_bytes(), NOW).1.is_right());
        prop_assert_eq!((device.status(), device.fails(), device.last_used()), (before.status(), before.fails(), before.last_used()));
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
        let policy = Policy::builder().lock(Lock::Hard { max_fails: limit }).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
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
        let totp = Totp::from_hotp(hotp.clone());
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
fn rule_13_messages_do_not_resync() {
    let policy = Policy::default();
    for device in [Device::sms(hotp(), NOW), Device::email(Hotp::new(secret()).with_digits(Digits::EIGHT), NOW)] {
        assert_eq!(device.resync(&policy, b"000000", b"000000", NOW).err(), Some(Error::WrongKind));
    }
}

/// A drift learned under one policy is judged under another one that allows less.
#[test]
fn rule_13_a_lower_bound_holds_for_a_drift_learned_before() {
    let drifting = Policy::builder().window(4).max_drift(4).build().unwrap();
    let code = |now: u64, away: i64| hotp().generate(totp().step(now).unwrap().saturating_add_signed(away));
    for side in [-1, 1] {
        let (device, verdict) = judge(&Device::totp(totp(), NOW), &drifting, code(NOW, 4 * side).as_bytes(), NOW);
        assert_eq!((verdict.drift(), i64::from(device.drift())), (Some(4 * side), 4 * side));
        let later = NOW + 3600;
        for bound in 0..=4_u16 {
            let stricter = Policy::builder().window(1).max_drift(bound).build().unwrap();
            for beyond in 0..=3 {
                let code = code(later, side * (i64::from(bound) + beyond));
                let verdict = judge(&device, &stricter, code.as_bytes(), later).1;
                assert_eq!(verdict.is_right(), beyond <= 1, "{beyond} steps beyond a bound of {bound}, on side {side}");
            }
        }
    }
}
