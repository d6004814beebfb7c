//! Counting and locking: rules 1, 2, 3 and 14.

use std::sync::atomic::{AtomicU32, Ordering};

use keyfob::{Device, Error, Factor, GuessChance, Kind, Lock, PinPositions, Policy, Reason, Status};
use proptest::prelude::*;

use crate::common::{NOW, Seeded, Store, challenged, committed, devices, enrolled, hotps, wrong};
use crate::{another, failed, judge};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Many threads guess at once. Some crash before they have stored, and all read the record
    /// again.
    #[test]
    fn rule_01_guesses_are_evaluated_up_to_the_limit(device in devices(), guesses in 1..60_u32, limit in 1..20_u32, crash in 2..9_u32) {
        let policy = Policy::builder().lock(Lock::Hard { max_fails: limit }).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
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
    fn rule_01_one_of_n_copies_of_a_right_code_succeeds(device in devices(), copies in 2..40_usize, all: bool) {
        // Without a window, in which another counter may have the same code.
        let asked = if all { PinPositions::All } else { PinPositions::Count(3) };
        let policy = Policy::builder().window(0).look_ahead(0).pin_positions(asked).build().unwrap();
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
    fn rule_02_the_lock_falls_on_the_limit_and_shows_at_once(device in devices(), limit in 1..30_u32) {
        let policy = Policy::builder().lock(Lock::Hard { max_fails: limit }).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
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
        let strict = Policy::builder().lock(Lock::Hard { max_fails: 5 }).build().unwrap();
        let (device, verdict) = judge(&device, &strict, &right, NOW);
        prop_assert_eq!((verdict.reason(), verdict.is_locked(), verdict.fails()), (Reason::Locked, true, fails));
        prop_assert_eq!(device.status(), Status::Locked);
    }

    /// The same of a total, in a delay as well.
    #[test]
    fn rule_02_a_lower_total_locks_without_evaluating(device in devices(), fails in 3..8_u32, total in 2..4_u32, from_hard: bool, within: bool) {
        let lock = |total_fails| Lock::ThrottleThenLock { max_fails: 1, first_delay: 1, max_delay: 60, total_fails };
        let policy = |lock| {
            let builder = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN);
            builder.build().unwrap()
        };
        let before = policy(if from_hard { Lock::Hard { max_fails: 10 } } else { lock(10) });
        let (mut device, _) = challenged(&device, &before, NOW);
        let mut now = NOW;
        for _ in 0..fails {
            device = judge(&device, &before, b"wrong", now).0;
            now += if from_hard { 0 } else { 60 };
        }
        now -= u64::from(within && !from_hard) * 59;
        let (locked, verdict) = judge(&device, &policy(lock(total)), b"wrong", now);
        prop_assert_eq!((verdict.reason(), verdict.is_locked(), verdict.fails()), (Reason::Locked, true, fails));
        prop_assert_eq!((verdict.retry_at(), locked.status()), (None, Status::Locked));
        // The lock stays under a throttle that would not have locked.
        let endless = policy(Lock::Throttle { max_fails: 1, first_delay: 1, max_delay: 60 });
        prop_assert_eq!(judge(&locked, &endless, b"wrong", now + 600).1.reason(), Reason::Locked);
    }

    #[test]
    fn rule_13_a_resync_that_fails_is_counted_in_the_total(hotp in hotps(), counter in 0..u64::MAX / 2) {
        let lock = Lock::ThrottleThenLock { max_fails: 1, first_delay: 1, max_delay: 1, total_fails: 2 };
        let policy = Policy::builder().lock(lock).build().unwrap();
        let device = judge(&Device::hotp(hotp, counter, NOW), &policy, b"wrong", NOW).0;
        let (device, verdict) = committed(device.resync(&policy, b"wrong", b"wrong", NOW + 1).unwrap());
        prop_assert_eq!((verdict.is_locked(), verdict.retry_at(), verdict.fails()), (true, None, 2));
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
    fn rule_03_unlocking_leaves_a_validated_device_validated(device in devices(), validated: bool, by_guessing: bool, disabled: bool) {
        let mut device = device;
        let before = if validated { Status::Validated } else { Status::Created };
        device.set_status(before, NOW).unwrap();
        if by_guessing {
            device = failed(&device, &Policy::default(), 10).0;
        } else {
            device.set_status(Status::Locked, NOW).unwrap();
        }
        if disabled {
            for status in [Status::Disabled, Status::Disabled, Status::Locked] {
                device.set_status(status, NOW).unwrap();
            }
        }
        device = Device::from_bytes(device.to_record().as_bytes()).unwrap();
        prop_assert_eq!(device.status(), Status::Locked);
        device.unlock(NOW).unwrap();
        prop_assert_eq!(device.status(), before);
        // A later lock does not remember an earlier one.
        for status in [Status::Created, Status::Locked] {
            device.set_status(status, NOW).unwrap();
        }
        device.unlock(NOW).unwrap();
        prop_assert_eq!(device.status(), Status::Created);
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
    fn rule_03_another_factor_is_no_way_around_a_lock(device in devices(), other in devices(), fails in 0..=10_u32, closing in 0..4_usize) {
        let throttle = Lock::Throttle { max_fails: 1, first_delay: 60, max_delay: 600 };
        let throttle = Policy::builder().lock(throttle).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        let policy = if closing == 3 { throttle } else { Policy::default() };
        let (mut device, _) = failed(&device, &policy, if closing == 3 { 1 } else { fails });
        // Locked, disabled, disabled while locked, throttled.
        for status in [&[Status::Locked][..], &[Status::Disabled], &[Status::Locked, Status::Disabled], &[]][closing] {
            device.set_status(*status, NOW).unwrap();
        }
        let before = device.clone();
        device.replace_factor(&enrolled(another(&device, &other), 0), NOW).unwrap();
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
    fn rule_14_a_slow_clock_does_not_shorten_the_delay(device in devices(), skew in 0..=30_u64, first in 1..100_u32) {
        let lock = Lock::Throttle { max_fails: 1, first_delay: first, max_delay: 100 };
        let policy = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        let mut device = device;
        device.set_status(Status::Validated, NOW + skew).unwrap();
        let (device, verdict) = judge(&device, &policy, b"wrong", NOW);
        let until = NOW + skew + u64::from(first);
        prop_assert_eq!((verdict.is_locked(), verdict.retry_at()), (true, Some(until)));
        prop_assert_eq!(judge(&device, &policy, b"wrong", until - 1).1.reason(), Reason::Throttled);
    }

    #[test]
    fn rule_14_a_throttle_ends_in_a_lock_at_its_total(device in devices(), fails in 1..4_u32, more in 1..6_u32, skip in 0..4_u64) {
        let total = fails + more;
        let lock = Lock::ThrottleThenLock { max_fails: fails, first_delay: 2, max_delay: 8, total_fails: total };
        let policy = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        let mut device = device;
        let (mut now, mut evaluated) = (NOW, 0);
        // Guesses each second or more slowly, each after a challenge.
        for guess in 0.. {
            prop_assert!(guess < 100, "no lock");
            let asked = device.challenge(&policy, &mut Seeded(guess), now).map(committed);
            if let Ok((challenged, _)) = asked {
                device = challenged;
            }
            let (next, verdict) = judge(&device, &policy, b"wrong", now);
            evaluated += u32::from(verdict.reason() != Reason::Throttled);
            prop_assert_eq!(verdict.fails(), evaluated);
            device = next;
            if evaluated == total {
                prop_assert_eq!((verdict.is_locked(), verdict.retry_at()), (true, None));
                break;
            }
            prop_assert_eq!(device.status(), Status::Created);
            prop_assert_eq!(verdict.is_locked(), evaluated >= fails);
            now += 1 + guess % 3 * skip;
        }
        prop_assert_eq!(device.status(), Status::Locked);
        // Positions of a PIN stay until they are answered rightly.
        prop_assert!(device.pending_since().is_none() || device.kind() == Kind::Pin);
        prop_assert_eq!(device.fails(), total);
        // It stays locked, whatever the time.
        let later = now + 1_000_000;
        let (after, verdict) = judge(&device, &policy, b"wrong", later);
        prop_assert_eq!((verdict.reason(), verdict.is_locked(), verdict.retry_at()), (Reason::Locked, true, None));
        prop_assert_eq!(&after, &device);
        device.unlock(later).unwrap();
        let (device, right) = challenged(&device, &policy, later);
        prop_assert!(judge(&device, &policy, &right, later).1.is_right());
    }

    /// A right answer begins the total anew.
    #[test]
    fn rule_14_a_right_answer_begins_the_total_anew(device in devices(), rounds in 2..5_u64) {
        let lock = Lock::ThrottleThenLock { max_fails: 1, first_delay: 10, max_delay: 10, total_fails: 3 };
        let policy = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        // Each round has another step of TOTP.
        let pause = if let Factor::Totp(totp) = device.factor() { u64::from(totp.period()) } else { 0 } + 1_000;
        let mut device = device;
        for round in 0..rounds {
            let start = NOW + round * pause;
            for now in [start, start + 10] {
                let (asked, right) = challenged(&device, &policy, now);
                device = judge(&asked, &policy, &wrong(&asked, &policy, &right, now), now).0;
            }
            let now = start + 20;
            let (asked, right) = challenged(&device, &policy, now);
            let (next, verdict) = judge(&asked, &policy, &right, now);
            prop_assert!(verdict.is_right());
            prop_assert_eq!((next.fails(), next.status()), (0, Status::Validated));
            device = next;
        }
    }

    #[test]
    fn rule_14_a_throttle_doubles_its_delay(device in devices(), fails in 1..6_u32, first in 1..100_u32, more in 0..40_u32) {
        let longest = first.saturating_mul(1000);
        let lock = Lock::Throttle { max_fails: fails, first_delay: first, max_delay: longest };
        let policy = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
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
        // A locked or disabled device does not say that it opens again by itself.
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
