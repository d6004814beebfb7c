//! Clocks that were wrong and were corrected, and repeated codes: rules 15, 16 and 17.

use keyfob::{Device, Digits, Error, Factor, GuessChance, Hotp, Kind, Policy, Reason, Status, Totp};
use proptest::prelude::*;

use crate::common::{NOW, Seeded, challenged, committed, devices, hotp, hotps, pins, totp};
use crate::{failed, judge};

/// A device that accepted a code while the clock was so many seconds ahead, and was unlocked by a
/// right clock.
fn used_ahead(hotp: &Hotp, policy: &Policy, seconds: u64) -> Device {
    let totp = Totp::from_hotp(hotp.clone());
    let code = totp.generate(NOW + seconds).unwrap();
    let (mut device, verdict) = judge(&Device::totp(totp, NOW), policy, code.as_bytes(), NOW + seconds);
    assert!(verdict.is_right());
    device.unlock(NOW).unwrap();
    device
}

/// A device that has learned, over a year, the drift of an authenticator whose clock is so many
/// steps ahead.
fn drifted(hotp: &Hotp, policy: &Policy, steps: i64) -> Device {
    let mut device = Device::totp(Totp::from_hotp(hotp.clone()), NOW - 31_536_000);
    for (day, drift) in (1..=steps.abs()).map(|drift| (drift, drift * steps.signum())) {
        let now = NOW - 31_536_000 + 86_400 * day.unsigned_abs();
        let code = hotp.generate((now / 30).saturating_add_signed(drift));
        device = judge(&device, policy, code.as_bytes(), now).0;
    }
    device
}

proptest! {
    #[test]
    fn rule_15_a_clock_that_was_ahead_locks_nobody_out(hotp in hotps(), seconds in 60..8000_u64, wide: bool, later in prop::collection::vec(0..8000_u64, 12)) {
        let policy = if wide { Policy::soffid() } else { Policy::default() };
        let mut device = used_ahead(&hotp, &policy, seconds);
        let (totp, moving) = (Totp::from_hotp(hotp.clone()), device.moving_factor());
        // Random times, and each of the last steps, when the window reaches the used ones.
        let (mut times, last) = (later, moving * 30 - 1 - NOW);
        times.extend((0..12).map(|step| last.saturating_sub(30 * step)));
        times.retain(|time| *time <= last);
        times.sort_unstable();
        for now in times.into_iter().map(|time| NOW + time) {
            let code = totp.generate(now).unwrap();
            let (next, verdict) = judge(&device, &policy, code.as_bytes(), now);
            // Once in a million a later step has the same code, and it is right.
            prop_assume!(!verdict.is_right());
            let is_last = now / 30 == moving - 1;
            let repeated = [Reason::Replayed, Reason::ClockWasAhead].contains(&verdict.reason());
            prop_assert!(if is_last { repeated } else { verdict.reason() == Reason::ClockWasAhead }, "{verdict:?} at {now}");
            prop_assert_eq!((next.fails(), next.status(), verdict.is_locked()), (0, Status::Validated, false));
            device = next;
        }
        let code = totp.generate(moving * 30).unwrap();
        prop_assert!(judge(&device, &policy, code.as_bytes(), moving * 30).1.is_right());
    }

    /// Whatever the answer is.
    #[test]
    fn rule_15_nothing_is_judged_while_no_code_can_be_right(hotp in hotps(), answer in "[0-9]{0,8}") {
        let policy = Policy::default();
        let device = used_ahead(&hotp, &policy, 7200);
        let (next, verdict) = judge(&device, &policy, answer.as_bytes(), NOW);
        prop_assert_eq!((verdict.reason(), verdict.fails(), &next), (Reason::ClockWasAhead, 0, &device));
        prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), NOW).err(), Some(Error::ClockWasAhead));
        prop_assert_eq!(device.check_open(&policy, NOW), Err(Error::ClockWasAhead));
        let mut locked = device;
        locked.set_status(Status::Locked, NOW).unwrap();
        prop_assert_eq!(judge(&locked, &policy, answer.as_bytes(), NOW).1.reason(), Reason::Locked);
    }

    #[test]
    fn rule_15_forgetting_steps_makes_the_next_code_right_and_no_earlier_one(hotp in hotps(), seconds in 60..8000_u64, behind in 0..10_u64) {
        let policy = Policy::soffid();
        let totp = Totp::from_hotp(hotp.clone());
        let mut device = used_ahead(&hotp, &policy, seconds);
        let before = device.clone();
        device.forget_steps(NOW).unwrap();
        prop_assert_eq!((device.moving_factor(), device.last_changed()), (NOW / 30 + 1, NOW));
        prop_assert_eq!((device.status(), device.fails(), device.revision()), (before.status(), before.fails(), before.revision() + 1));
        // Codes of other steps in the window may be the same, once in a million.
        let step = NOW / 30 - behind;
        prop_assume!((step + 1..=NOW / 30 + 10).all(|other| hotp.generate(other) != hotp.generate(step)));
        prop_assert!(!judge(&device, &policy, hotp.generate(step).as_bytes(), NOW).1.is_right());
        prop_assert!(judge(&device, &policy, totp.generate(NOW + 30).unwrap().as_bytes(), NOW + 30).1.is_right());
    }

    /// Only steps that lie ahead are forgotten: none that the present clock has accepted, and no
    /// lock.
    #[test]
    fn rule_15_forgetting_steps_brings_no_used_code_back(device in devices(), fails in 0..=10_u32, ago in 0..10_u64) {
        let (mut device, policy) = (device, Policy::default());
        let Factor::Totp(totp) = device.factor().clone() else {
            let before = device.clone();
            prop_assert_eq!(device.forget_steps(NOW), Err(Error::WrongKind));
            prop_assert_eq!(device, before);
            return Ok(());
        };
        let code = totp.generate(NOW).unwrap();
        device = judge(&device, &policy, code.as_bytes(), NOW).0;
        device = failed(&device, &policy, 0).0;
        for _ in 0..fails {
            device = judge(&device, &policy, b"no code", NOW).0;
        }
        let before = device.clone();
        device.forget_steps(NOW + ago).unwrap();
        prop_assert_eq!((device.moving_factor(), device.status(), device.fails()), (before.moving_factor(), before.status(), fails));
        prop_assert!(!judge(&device, &policy, code.as_bytes(), NOW + ago).1.is_right());
        // Before T0 there is no present step.
        let before = device.clone();
        if totp.t0() > 0 {
            prop_assert_eq!(device.forget_steps(totp.t0() - 1), Err(Error::Clock));
            prop_assert_eq!(device, before);
        }
    }

    /// A row or a history of the device has no time of the clock that was ahead.
    #[test]
    fn rule_15_an_unlock_takes_all_times_back(device in devices(), seconds in 31..100_000_u64) {
        prop_assume!(device.kind() != Kind::Recovery);
        let policy = Policy::default();
        let enrolled_ahead = Device::restore(device.factor().clone(), keyfob::History { created: NOW + seconds, ..device.history() }).unwrap();
        let (pending, right) = challenged(&enrolled_ahead, &policy, NOW + seconds);
        let (mut device, verdict) = judge(&pending, &policy, &right, NOW + seconds);
        prop_assert!(verdict.is_right());
        prop_assert_eq!(device.check_open(&policy, NOW), Err(Error::Clock));
        device.unlock(NOW).unwrap();
        prop_assert_eq!((device.created(), device.last_used(), device.last_changed()), (NOW, Some(NOW), NOW));
        let mut restored = Device::restore(device.factor().clone(), device.history()).unwrap();
        prop_assert_ne!(restored.check_open(&policy, NOW), Err(Error::Clock));
        if device.kind() == Kind::Totp {
            restored.forget_steps(NOW).unwrap();
        }
        let (restored, right) = challenged(&restored, &policy, NOW + 3600);
        prop_assert!(judge(&restored, &policy, &right, NOW + 3600).1.is_right());
    }

    #[test]
    fn rule_16_an_authenticator_whose_clock_was_put_right_is_found(hotp in hotps(), steps in -20..=20_i64, window in 1..4_u16) {
        let policy = Policy::builder().window(window).max_drift(20).build().unwrap();
        let device = drifted(&hotp, &policy, steps);
        // Codes of other steps may be the same, once in a million.
        prop_assume!(i64::from(device.drift()) == steps);
        let shown = |drift: i64| hotp.generate((NOW / 30).saturating_add_signed(drift));
        let places = |drift: i64| (-30..=30).filter(|other| shown(*other) == shown(drift)).count();
        for edge in [-i64::from(window), 0, i64::from(window)] {
            prop_assume!(places(edge) == 1 && places(steps + edge) == 1);
            let (next, verdict) = judge(&device, &policy, shown(edge).as_bytes(), NOW);
            prop_assert_eq!((verdict.drift(), i64::from(next.drift())), (Some(edge), edge), "around zero");
            let (_, verdict) = judge(&device, &policy, shown(steps + edge).as_bytes(), NOW);
            prop_assert_eq!(verdict.drift(), Some(steps + edge), "around the drift");
        }
        let between = (-30..=30_i64).find(|drift| drift.abs() > i64::from(window) && (drift - steps).abs() > i64::from(window));
        let between = between.filter(|drift| places(*drift) == 1);
        prop_assert_eq!(between.map(|drift| judge(&device, &policy, shown(drift).as_bytes(), NOW).1.reason()), between.map(|_| Reason::Wrong));
    }

    /// A minute after the last login by the clock that was ahead: codes of the true time are used
    /// up.
    #[test]
    fn rule_16_codes_that_a_drift_has_used_up_are_no_fails(hotp in hotps(), steps in 2..=20_i64) {
        let policy = Policy::builder().max_drift(20).build().unwrap();
        let mut device = drifted(&hotp, &policy, steps);
        let ahead = hotp.generate((NOW / 30).saturating_add_signed(steps));
        let (next, verdict) = judge(&device, &policy, ahead.as_bytes(), NOW);
        prop_assert!(verdict.is_right());
        device = next;
        for now in (NOW..=NOW + 30 * steps.unsigned_abs()).step_by(20) {
            let (next, verdict) = judge(&device, &policy, hotp.generate(now / 30).as_bytes(), now);
            prop_assume!(!verdict.is_right());
            prop_assert!(matches!(verdict.reason(), Reason::ClockWasAhead | Reason::Replayed) && verdict.fails() == 0, "{verdict:?}");
            device = next;
        }
        let now = NOW + 30 * (steps.unsigned_abs() + 1);
        prop_assert!(judge(&device, &policy, hotp.generate(now / 30).as_bytes(), now).1.is_right());
    }

    #[test]
    fn rule_16_an_unlock_forgets_a_drift(hotp in hotps(), steps in 1..=20_i64, by_status: bool) {
        let policy = Policy::builder().max_drift(20).build().unwrap();
        let mut device = drifted(&hotp, &policy, steps);
        prop_assume!(i64::from(device.drift()) == steps);
        if by_status {
            device.set_status(Status::Locked, NOW).unwrap();
            prop_assert_eq!(i64::from(device.drift()), steps, "a lock alone does not");
            device.set_status(Status::Validated, NOW).unwrap();
        } else {
            device.unlock(NOW).unwrap();
        }
        prop_assert_eq!(device.drift(), 0);
    }

    #[test]
    fn rule_16_the_bound_counts_both_windows(window in 0..40_u16, max_drift in 0..=1000_u16) {
        let build = |max_drift, bound| Policy::builder().look_ahead(0).window(window).max_drift(max_drift).guess_bound(bound).build();
        let chance = |max_drift| build(max_drift, GuessChance::CERTAIN).unwrap().guess_chance(Kind::Totp, Digits::SIX);
        // Of HOTP one code is accepted: TOTP makes the bound.
        let each = 2 * u64::from(window) + 1;
        let accepted = each + each.min(max_drift.into());
        // 2148 of 2^31 values have the likeliest code; ten guesses.
        let parts = (accepted * 2148 * 10 * 1_000_000_000).div_ceil(1 << 31);
        prop_assert_eq!(u64::from(chance(max_drift).parts_per_billion()), parts);
        prop_assert!(build(max_drift, chance(max_drift)).is_ok());
        if max_drift > 0 {
            prop_assert_eq!(build(max_drift, chance(0)), Err(Error::GuessBound));
        }
    }

    /// For example a mail client that keeps the code and sends it all day.
    #[test]
    fn rule_17_the_code_accepted_last_counts_no_fail(hotp in hotps(), is_hotp: bool, wide: bool, waits in prop::collection::vec(0..1000_u64, 15..30)) {
        let policy = if wide { Policy::soffid() } else { Policy::builder().max_drift(9).build().unwrap() };
        let device = if is_hotp { Device::hotp(hotp, 4, NOW) } else { Device::totp(Totp::from_hotp(hotp), NOW) };
        let (device, used) = challenged(&device, &policy, NOW);
        let (mut device, verdict) = judge(&device, &policy, &used, NOW);
        prop_assert!(verdict.is_right());
        let (mut now, moving) = (NOW, device.moving_factor());
        for wait in waits {
            now += wait;
            let (next, verdict) = judge(&device, &policy, &used, now);
            prop_assert_eq!((verdict.reason(), verdict.fails(), verdict.is_locked()), (Reason::Replayed, 0, false));
            prop_assert_eq!((next.fails(), next.moving_factor(), next.revision()), (0, moving, device.revision() + 1));
            device = next;
        }
        let (device, right) = challenged(&device, &policy, now + 30);
        prop_assume!(right != used);
        prop_assert!(judge(&device, &policy, &right, now + 30).1.is_right());
    }

    /// The two codes of a resync, too, are refused without a fail when they are sent again.
    #[test]
    fn rule_17_a_resync_sent_again_counts_no_fail(hotp in hotps(), counter in 0..1000_u64, ahead in 0..90_u64) {
        let policy = Policy::default();
        let [first, second] = [0, 1].map(|more| hotp.generate(counter + ahead + more));
        let mut device = Device::hotp(hotp, counter, NOW);
        for turn in 0..12 {
            let (next, verdict) = committed(device.resync(&policy, first.as_bytes(), second.as_bytes(), NOW).unwrap());
            let wanted = if turn == 0 { Reason::Right } else { Reason::Replayed };
            prop_assert_eq!((verdict.reason(), verdict.fails()), (wanted, 0));
            device = next;
        }
    }

    /// Only the last two codes are excused, and these from counter 0 on.
    #[test]
    fn rule_17_older_codes_of_a_resync_are_fails(hotp in hotps(), counter in 0..4_u64) {
        let policy = Policy::default();
        let pair = |first: u64| [first, first + 1].map(|counter| hotp.generate(counter));
        let resynced = |device: &Device, [first, second]: [keyfob::Code; 2]| {
            committed(device.resync(&policy, first.as_bytes(), second.as_bytes(), NOW).unwrap())
        };
        let (device, verdict) = resynced(&Device::hotp(hotp.clone(), counter, NOW), pair(counter));
        prop_assert!(verdict.is_right());
        for first in 0..=counter {
            let verdict = resynced(&device, pair(first)).1;
            let expected = if first == counter { (Reason::Replayed, 0) } else { (Reason::Wrong, 1) };
            prop_assert_eq!((verdict.reason(), verdict.fails()), expected);
        }
    }

    /// Nor does it take a fail back.
    #[test]
    fn rule_17_older_codes_and_wrong_ones_are_fails_as_ever(hotp in hotps(), counter in 10..1000_u64, behind in 2..8_u64) {
        let policy = Policy::soffid();
        let step = NOW / 30;
        prop_assume!((0..=24).all(|ahead| hotp.generate(counter - behind) != hotp.generate(counter + ahead)));
        prop_assume!((step - 10..=step + 10).filter(|other| hotp.generate(*other) == hotp.generate(step + 1 - behind)).count() == 1);
        let token = judge(&Device::hotp(hotp.clone(), counter - 1, NOW), &policy, hotp.generate(counter - 1).as_bytes(), NOW).0;
        let (token, verdict) = judge(&token, &policy, hotp.generate(counter - behind).as_bytes(), NOW);
        prop_assert_eq!((verdict.reason(), verdict.fails()), (Reason::Wrong, 1));
        prop_assert_eq!(judge(&token, &policy, hotp.generate(counter - 1).as_bytes(), NOW).1.fails(), 1);
        let device = judge(&Device::totp(Totp::from_hotp(hotp.clone()), NOW), &policy, hotp.generate(step).as_bytes(), NOW).0;
        let verdict = judge(&device, &policy, hotp.generate(step + 1 - behind).as_bytes(), NOW).1;
        prop_assert_eq!((verdict.reason(), verdict.fails()), (Reason::Replayed, 1));
    }

    /// A right answer uses up its challenge, so a repeated one is a guess, also of a PIN.
    #[test]
    fn rule_17_repeated_answers_to_challenges_are_fails(hotp in hotps(), pin in pins(), kind in 0..3_usize) {
        let policy = Policy::default();
        let device = match kind {
            0 => Device::sms(hotp, NOW),
            1 => Device::email(hotp, NOW),
            _ => Device::pin(pin, &policy, NOW).unwrap(),
        };
        let (device, right) = challenged(&device, &policy, NOW);
        let device = judge(&device, &policy, &right, NOW).0;
        let verdict = judge(&device, &policy, &right, NOW).1;
        prop_assert_eq!((verdict.reason(), verdict.fails()), (Reason::NoChallenge, 1));
    }
}

/// A token that was never used has no last code, whatever its first counter is.
#[test]
fn rule_17_no_last_code_exists_at_counter_0() {
    let policy = Policy::default();
    let fails = |device: &Device, code: &[u8]| judge(device, &policy, code, NOW).1.fails();
    assert_eq!(fails(&Device::hotp(hotp(), 0, NOW), b"000000"), 1);
    assert_eq!(fails(&Device::totp(totp(), NOW), b"000000"), 1);
    let (token, _) = committed(Device::hotp(hotp(), 7, NOW).verify(&policy, hotp().generate(6).as_bytes(), NOW).unwrap());
    assert_eq!(token.fails(), 0, "the code before the counter of enrolment was used elsewhere");
}
