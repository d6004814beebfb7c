//! Hardware tokens whose clocks are off, and devices that are valid for a time: rules 18 and 19.

use keyfob::{Device, Digits, Error, Factor, GuessChance, Hotp, Kind, Lock, Policy, Reason, Secret, Status, Totp, Validity};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::common::{NOW, Seeded, challenged, committed, devices, hotps, pins, wrong};
use crate::judge;

/// The codes of the step so many away from that of [`NOW`], and of the next one.
fn pair(hotp: &Hotp, away: i64) -> [Vec<u8>; 2] {
    let first = (NOW / 30).saturating_add_signed(away);
    [first, first + 1].map(|step| hotp.generate(step).as_bytes().to_vec())
}

fn resynced(device: &Device, policy: &Policy, [first, second]: &[Vec<u8>; 2], now: u64) -> (Device, keyfob::Verdict) {
    committed(device.resync(policy, first, second, now).unwrap())
}

/// Whether all steps up to so many away from `centre` show codes of their own: once in a million
/// two do not.
fn are_unique(hotp: &Hotp, centre: u64, reach: u64) -> bool {
    let shown = (centre - reach..=centre + reach).map(|step| hotp.generate(step).as_str().to_owned());
    shown.collect::<std::collections::HashSet<_>>().len() as u64 == 2 * reach + 1
}

proptest! {
    /// A token out of a drawer: found by two codes, and then by one, today and tomorrow.
    #[test]
    fn rule_18_two_codes_in_a_row_find_a_totp_token_whose_clock_is_off(hotp in hotps(), away in -60..=59_i64) {
        let policy = Policy::builder().max_drift(60).build().unwrap();
        prop_assume!(are_unique(&hotp, NOW / 30, 62));
        let device = Device::totp(Totp::from_hotp(hotp.clone()), NOW);
        let (device, verdict) = resynced(&device, &policy, &pair(&hotp, away), NOW);
        prop_assert_eq!((verdict.is_right(), verdict.drift()), (true, Some(away + 1)));
        prop_assert_eq!((i64::from(device.drift()), device.status()), (away + 1, Status::Validated));
        let tomorrow = NOW + 86_400;
        let code = hotp.generate((tomorrow / 30).saturating_add_signed(away + 1));
        prop_assert!(judge(&device, &policy, code.as_bytes(), tomorrow).1.is_right());
        // Both codes are used up, and sent again they are no fail.
        let (again, verdict) = resynced(&device, &policy, &pair(&hotp, away), NOW);
        prop_assert_eq!((verdict.reason(), again.fails()), (Reason::Replayed, 0));
        for code in pair(&hotp, away) {
            prop_assert!(!judge(&device, &policy, &code, NOW).1.is_right());
        }
    }

    #[test]
    fn rule_18_a_resync_searches_no_farther_than_resync_window_and_max_drift(
        hotp in hotps(),
        (window, drift) in (1..40_u16, 1..40_u16),
        learned in -40..=40_i32,
        ahead: bool,
    ) {
        let policy = Policy::builder().resync_window(window).max_drift(drift).build().unwrap();
        let reach = i64::from(window.min(drift));
        // Around the present step, whatever was learned before.
        let device = Device::totp(Totp::from_hotp(hotp.clone()), NOW).with_drift(learned).unwrap();
        // The first of the farthest two that are still right, and one step beyond it.
        let (last, beyond) = if ahead { (reach - 1, reach) } else { (-reach, -reach - 1) };
        prop_assume!(are_unique(&hotp, NOW / 30, 42));
        prop_assert!(resynced(&device, &policy, &pair(&hotp, last), NOW).1.is_right());
        let (failed, verdict) = resynced(&device, &policy, &pair(&hotp, beyond), NOW);
        prop_assert_eq!((verdict.reason(), failed.fails()), (Reason::Wrong, 1));
    }

    /// Rule 4 holds here, too: neither of the two may have been used or passed over.
    #[test]
    fn rule_18_a_resync_takes_no_used_code(hotp in hotps(), used in -5..=5_i64, first in -8..=5_i64) {
        let policy = Policy::builder().window(5).max_drift(20).build().unwrap();
        prop_assume!(are_unique(&hotp, NOW / 30, 21));
        let device = Device::totp(Totp::from_hotp(hotp.clone()), NOW);
        let [code, _] = pair(&hotp, used);
        let (device, verdict) = judge(&device, &policy, &code, NOW);
        prop_assert!(verdict.is_right());
        prop_assert_eq!(resynced(&device, &policy, &pair(&hotp, first), NOW).1.is_right(), first > used);
    }

    #[test]
    fn rule_18_a_resync_counts_and_locks_as_any_attempt(hotp in hotps(), right in 1..8_u32) {
        let policy = Policy::builder().max_drift(20).build().unwrap();
        let mut device = Device::totp(Totp::from_hotp(hotp.clone()), NOW);
        let none = [b"no code".to_vec(), b"no code".to_vec()];
        for fails in 1..=10 {
            let (next, verdict) = resynced(&device, &policy, &none, NOW);
            prop_assert_eq!((verdict.fails(), verdict.is_locked()), (fails, fails == 10));
            device = next;
            if fails == right {
                prop_assert!(resynced(&device, &policy, &pair(&hotp, 3), NOW).1.is_right(), "the fails are reset");
            }
        }
        let (next, verdict) = resynced(&device, &policy, &pair(&hotp, 3), NOW);
        prop_assert_eq!((verdict.reason(), &next), (Reason::Locked, &device));
    }

    #[test]
    fn rule_18_the_first_answer_is_searched_in_the_first_window(hotp in hotps(), away in -9..=9_i64) {
        let policy = Policy::builder().max_drift(8).first_window(9).build().unwrap();
        prop_assume!(are_unique(&hotp, NOW / 30, 12) && are_unique(&hotp, NOW / 30 + 100, 12));
        let device = Device::totp(Totp::from_hotp(hotp.clone()), NOW);
        let shown = |away: i64| hotp.generate((NOW / 30).saturating_add_signed(away));
        prop_assert_eq!(judge(&device, &policy, shown(10).as_bytes(), NOW).1.reason(), Reason::Wrong);
        let (device, verdict) = judge(&device, &policy, shown(away).as_bytes(), NOW);
        prop_assert_eq!(verdict.drift(), Some(away));
        // The next one stands around zero and around the drift, and nowhere else.
        let later = |away: i64| hotp.generate((NOW / 30 + 100).saturating_add_signed(away));
        let is_right = |other: i64| judge(&device, &policy, later(other).as_bytes(), NOW + 3000).1.is_right();
        for other in -12..=12_i64 {
            let kept = away.clamp(-8, 8);
            prop_assert_eq!(is_right(other), other.abs() <= 1 || (other - kept).abs() <= 1, "{} after {}", other, away);
        }
        prop_assert!(is_right(away));
    }

    #[test]
    fn rule_18_the_bound_counts_the_first_window(window in 0..20_u16, max_drift in 0..=100_u16, first in 0..=120_u16) {
        let build = |first, bound| Policy::builder().look_ahead(0).window(window).max_drift(max_drift).first_window(first).guess_bound(bound).build();
        let built = build(first, GuessChance::CERTAIN);
        if first.max(window) > window + max_drift {
            prop_assert_eq!(built, Err(Error::FirstWindow));
            return Ok(());
        }
        let built = built.unwrap();
        prop_assert_eq!(built.first_window(), first.max(window));
        let width = |steps: u16| 2 * u64::from(steps) + 1;
        let present = first.max(window);
        let accepted = width(present) + width(window).min((max_drift + window - present).into());
        let parts = (accepted * 2148 * 10 * 1_000_000_000).div_ceil(1 << 31);
        prop_assert_eq!(u64::from(built.guess_chance(Kind::Totp, Digits::SIX).parts_per_billion()), parts);
        let without = build(0, GuessChance::CERTAIN).unwrap().guess_chance(Kind::Totp, Digits::SIX);
        prop_assert_eq!(build(first, without).is_ok(), built.guess_chance(Kind::Totp, Digits::SIX) <= without);
    }

    /// A drift that a token file knows is searched around where the policy learns drift.
    #[test]
    fn rule_13_a_drift_of_another_system_is_searched_around(hotp in hotps(), drift in -1_100..1_100_i32) {
        prop_assert_eq!(Device::hotp(hotp.clone(), 0, NOW).with_drift(drift).err(), Some(Error::WrongKind));
        let device = match Device::totp(Totp::from_hotp(hotp.clone()), NOW).with_drift(drift) {
            Ok(device) => device,
            Err(error) => {
                prop_assert_eq!((error, drift.unsigned_abs() > u32::from(Policy::MAX_WINDOW)), (Error::MaxDrift, true));
                return Ok(());
            }
        };
        prop_assert!(drift.unsigned_abs() <= u32::from(Policy::MAX_WINDOW));
        prop_assert_eq!(&Device::from_bytes(device.to_record().as_bytes()).unwrap(), &device);
        let code = hotp.generate((NOW / 30).saturating_add_signed(drift.into()));
        let policy = Policy::builder().max_drift(Policy::MAX_WINDOW).guess_bound(GuessChance::one_in(1)).build().unwrap();
        prop_assert!(judge(&device, &policy, code.as_bytes(), NOW).1.is_right());
    }

    /// A fresh device may have a drift that a token file named, beside its first window.
    #[test]
    fn rule_18_the_bound_counts_each_step_that_is_right(
        hotp in hotps(),
        (window, max_drift, first) in (0..3_u16, 0..8_u16, 0..11_u16),
        drift in -10..=10_i32,
        is_used: bool,
    ) {
        let first = first.min(window + max_drift);
        let builder = Policy::builder().look_ahead(0).window(window).max_drift(max_drift).first_window(first);
        let policy = builder.guess_bound(GuessChance::CERTAIN).build().unwrap();
        prop_assume!(are_unique(&hotp, NOW / 30, 14));
        let mut device = Device::totp(Totp::from_hotp(hotp.clone()), NOW - 3000);
        if is_used {
            device = judge(&device, &policy, hotp.generate(NOW / 30 - 100).as_bytes(), NOW - 3000).0;
        }
        let device = device.with_drift(drift).unwrap();
        let is_right = |away: &i64| {
            let code = hotp.generate((NOW / 30).saturating_add_signed(*away));
            judge(&device, &policy, code.as_bytes(), NOW).1.is_right()
        };
        let right = (-14..=14_i64).filter(is_right).count() as u128;
        let parts = (right * u128::from(2148_u32 * 10) * 1_000_000_000).div_ceil(1 << 31);
        let chance = policy.guess_chance(Kind::Totp, Digits::SIX).parts_per_billion();
        prop_assert!(parts <= chance.into(), "{} steps are right", right);
    }

    /// Whatever is answered: the right code, too, is refused, and nothing is counted or changed.
    #[test]
    fn rule_19_a_device_is_usable_between_its_validity_dates_only(device in devices(), before in 0..2_u64, after in 0..2_u64, guess in "[0-9]{0,8}") {
        let policy = Policy::default();
        if !matches!(device.kind(), Kind::Totp | Kind::Hotp) {
            prop_assert_eq!(device.with_validity(Validity::ALWAYS).err(), Some(Error::WrongKind));
            return Ok(());
        }
        let (_, right) = challenged(&device, &policy, NOW);
        let limited = |first: Option<u64>, last: Option<u64>| device.clone().with_validity(Validity::new(first, last).unwrap()).unwrap();
        for usable in [limited(Some(NOW - before), Some(NOW + after)), limited(None, Some(NOW + after)), limited(Some(NOW - before), None)] {
            prop_assert!(judge(&usable, &policy, &right, NOW).1.is_right());
            prop_assert_eq!(usable.check_open(&policy, NOW), Ok(()));
        }
        for closed in [limited(Some(NOW + 1 + after), None), limited(None, Some(NOW - 1 - before)), limited(Some(1), Some(NOW - 1 - before))] {
            for answer in [&right[..], guess.as_bytes()] {
                let (next, verdict) = judge(&closed, &policy, answer, NOW);
                prop_assert_eq!((verdict.reason(), verdict.is_locked(), verdict.fails()), (Reason::OutsideValidity, false, 0));
                prop_assert_eq!(&next, &closed);
            }
            prop_assert_eq!(closed.check_open(&policy, NOW), Err(Error::OutsideValidity));
            prop_assert_eq!(closed.challenge(&policy, &mut Seeded(1), NOW).err(), Some(Error::OutsideValidity));
            let mut locked = closed;
            locked.set_status(Status::Locked, NOW).unwrap();
            prop_assert_eq!(judge(&locked, &policy, &right, NOW).1.reason(), Reason::Locked);
        }
    }

    /// What an administrator sets; nothing else of the device changes, and no used code comes back.
    #[test]
    fn rule_19_a_validity_changes_nothing_else(device in devices(), fails in 0..10_u32) {
        let policy = Policy::default();
        prop_assume!(matches!(device.kind(), Kind::Totp | Kind::Hotp));
        let (mut device, right) = challenged(&device, &policy, NOW);
        device = judge(&device, &policy, &right, NOW).0;
        let guess = wrong(&device, &policy, &right, NOW);
        for _ in 0..fails {
            device = judge(&device, &policy, &guess, NOW).0;
        }
        let mut limited = device.clone();
        let validity = Validity::new(Some(NOW - 5), Some(NOW + 500)).unwrap();
        limited.set_validity(validity, NOW).unwrap();
        prop_assert_eq!((limited.validity(), limited.revision()), (validity, device.revision() + 1));
        prop_assert_eq!((limited.status(), limited.fails(), limited.moving_factor()), (device.status(), fails, device.moving_factor()));
        prop_assert!(!judge(&limited, &policy, &right, NOW).1.is_right());
        // Another factor brings its own.
        limited.replace_factor(&device, NOW).unwrap();
        prop_assert_eq!(limited.validity(), Validity::ALWAYS);
    }

    /// Shorter ones than RFC 4226 asks for are taken knowingly only, and make its codes.
    #[test]
    fn short_secrets_are_taken_knowingly_only(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let allowed = Secret::new_allowing_short(&bytes);
        prop_assert_eq!(allowed.is_ok(), (10..=64).contains(&bytes.len()));
        prop_assert_eq!(Secret::new(&bytes).is_ok(), (16..=64).contains(&bytes.len()));
        let Ok(secret) = allowed else { return Ok(()) };
        prop_assert_eq!(secret.is_short(), bytes.len() < 16);
        let (base32, hex) = (secret.to_base32(), secret.to_hex());
        prop_assert_eq!(&Secret::from_base32_allowing_short(&base32).unwrap(), &secret);
        prop_assert_eq!(&Secret::from_hex_allowing_short(&hex).unwrap(), &secret);
        prop_assert_eq!(Secret::from_base32(&base32).err(), secret.is_short().then_some(Error::SecretLength));
        prop_assert_eq!(Secret::from_hex(&hex).err(), secret.is_short().then_some(Error::SecretLength));
        let code = Hotp::new(secret).generate(7);
        prop_assert_eq!(code.as_str(), crate::common::code(&bytes, keyfob::Algorithm::Sha1, 6, 7));
    }

    /// RFC 2104 section 2: a key longer than a block is hashed first, so its codes are those of the
    /// key itself.
    #[test]
    fn an_hmac_key_of_any_length_makes_its_codes(bytes in prop::collection::vec(any::<u8>(), 10..300), algorithm in 0..3_usize) {
        let algorithm = keyfob::Algorithm::ALL[algorithm];
        let read = Secret::from_hmac_key(&bytes, algorithm);
        let is_unhashed = algorithm == keyfob::Algorithm::Sha512 && (65..=128).contains(&bytes.len());
        prop_assert_eq!(read.as_ref().err(), is_unhashed.then_some(&Error::SecretLength));
        let Ok(secret) = read else { return Ok(()) };
        let code = Hotp::new(secret).with_algorithm(algorithm).generate(1);
        prop_assert_eq!(code.as_str(), crate::common::code(&bytes, algorithm, 6, 1));
    }
}

#[test]
fn rule_18_a_resync_of_totp_needs_a_policy_that_learns_drift() {
    let totp = Totp::new(Secret::new(b"12345678901234567890").unwrap());
    let device = Device::totp(totp, NOW);
    assert_eq!(device.resync(&Policy::default(), b"1", b"2", NOW).err(), Some(Error::NoDrift));
    let pin = pins().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current();
    for factor in [Factor::Pin(pin), Factor::Sms(Hotp::new(Secret::new(&[7; 20]).unwrap()))] {
        let device = crate::common::enrolled(factor, 0);
        assert_eq!(device.resync(&Policy::default(), b"1", b"2", NOW).err(), Some(Error::WrongKind));
    }
}

/// Of several obstacles one is the reason.
#[test]
fn rule_19_a_validity_comes_before_other_reasons() {
    let totp = Totp::new(Secret::new(b"12345678901234567890").unwrap());
    let lock = Lock::Throttle { max_fails: 1, first_delay: 60, max_delay: 60 };
    let policy = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN);
    let policy = policy.build().unwrap();
    let code = |time| totp.generate(time).unwrap();
    let mut ahead = judge(&Device::totp(totp.clone(), NOW), &policy, code(NOW + 7200).as_bytes(), NOW + 7200).0;
    ahead.unlock(NOW).unwrap();
    let throttled = judge(&Device::totp(totp.clone(), NOW), &policy, b"wrong", NOW).0;
    for (device, reason, error) in
        [(ahead, Reason::ClockWasAhead, Error::ClockWasAhead), (throttled, Reason::Throttled, Error::Throttled)]
    {
        let limited = |last| device.clone().with_validity(Validity::new(None, Some(last)).unwrap()).unwrap();
        for (device, reason, error) in
            [(limited(NOW), reason, error), (limited(NOW - 1), Reason::OutsideValidity, Error::OutsideValidity)]
        {
            for answer in [code(NOW).as_bytes(), b"wrong"] {
                let (next, verdict) = judge(&device, &policy, answer, NOW);
                assert_eq!((verdict.reason(), &next), (reason, &device));
            }
            assert_eq!(device.check_open(&policy, NOW), Err(error));
        }
    }
}

#[test]
fn rule_18_a_first_window_has_the_limit_of_every_window() {
    let first = |steps| Policy::builder().window(1).max_drift(1000).first_window(steps).guess_bound(GuessChance::CERTAIN).build();
    assert_eq!(first(1000).map(|policy| policy.first_window()), Ok(1000));
    assert_eq!(first(1001), Err(Error::FirstWindow));
}

#[test]
fn rule_19_a_validity_ends_after_it_begins() {
    assert_eq!(Validity::new(None, None), Ok(Validity::ALWAYS));
    assert_eq!(Validity::new(Some(5), Some(4)), Err(Error::Validity));
    assert_eq!(Validity::new(None, Some(0)), Err(Error::Validity));
    let second = Validity::new(Some(5), Some(5)).unwrap();
    assert_eq!((second.not_before(), second.not_after()), (Some(5), Some(5)));
    assert_eq!([4, 5, 6].map(|now| second.contains(now)), [false, true, false]);
    assert!(Validity::ALWAYS.contains(0) && Validity::ALWAYS.contains(u64::MAX));
    assert_eq!((Validity::ALWAYS.not_before(), Validity::ALWAYS.not_after()), (None, None));
}
