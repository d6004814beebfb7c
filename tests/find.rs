//! The search for a token by its codes, against the definition on `Hotp::generate` and against
//! `verify`.

mod common;

use common::{NOW, devices, hotp, pins, secret, totp};
use keyfob::{
    Algorithm, Device, Digits, Error, Factor, GuessChance, Hotp, Lock, Pin, Policy, Search, Secret, Status, Totp, Validity,
};
use proptest::prelude::*;

/// The counters whose codes the search looks for, by the definition.
fn shown(device: &Device, policy: &Policy, now: u64) -> Vec<u64> {
    const MAX: u64 = u64::MAX - 1;
    match device.factor() {
        Factor::Totp(totp) => {
            let Ok(present) = totp.step(now) else { return Vec::new() };
            let first = if device.last_used().is_none() { policy.first_window() } else { policy.window() };
            let around = |step: u64, width: u16| step.saturating_sub(width.into())..=step.saturating_add(width.into()).min(MAX);
            let mut steps: Vec<u64> = around(present, first).collect();
            if policy.max_drift() > 0 {
                let bound = i32::from(policy.max_drift());
                let drift = device.drift().clamp(-bound, bound);
                steps.extend(around(present.saturating_add_signed(drift.into()), policy.window()));
            }
            steps
        }
        Factor::Hotp(_) => {
            let first = device.moving_factor();
            (first..=first.saturating_add(policy.look_ahead().into()).min(MAX)).collect()
        }
        _ => Vec::new(),
    }
}

/// The drift with which the search has to find a device, by the definition; none if it must not.
fn drift(device: &Device, policy: &Policy, first: &str, second: Option<&str>, now: u64) -> Option<i64> {
    let hotp = device.generator()?;
    let code = |counter: u64| hotp.generate(counter);
    let is_at = |counter: &u64| {
        code(*counter).as_str() == first
            && second.is_none_or(|second| *counter < u64::MAX - 1 && code(*counter + 1).as_str() == second)
    };
    let place = shown(device, policy, now).into_iter().filter(is_at).min()?;
    Some(match device.factor() {
        Factor::Totp(totp) => place.wrapping_sub(totp.step(now).unwrap()).cast_signed() + i64::from(second.is_some()),
        _ => place.wrapping_sub(device.moving_factor()).cast_signed(),
    })
}

fn search(policy: &Policy, first: &str, second: Option<&str>, now: u64) -> Search {
    match second {
        None => Search::for_code(*policy, first.as_bytes(), now),
        Some(second) => Search::for_two_codes(*policy, first.as_bytes(), second.as_bytes(), now),
    }
}

fn find(devices: &[Device], policy: &Policy, first: &str, second: Option<&str>, now: u64) -> Vec<bool> {
    let mut found = vec![true; devices.len()];
    let count = search(policy, first, second, now).find(devices, &mut found);
    assert_eq!(count, found.iter().filter(|&&found| found).count());
    found
}

fn policies() -> impl Strategy<Value = Policy> {
    (0..=3_u16, 0..=12_u16, prop_oneof![Just(0), 0..=20_u16], 0..=10_u16).prop_map(|(window, look_ahead, max_drift, first)| {
        Policy::builder()
            .window(window)
            .look_ahead(look_ahead)
            .max_drift(max_drift)
            .first_window(first.min(window + max_drift))
            .guess_bound(GuessChance::CERTAIN)
            .build()
            .unwrap()
    })
}

/// Devices as they come: fresh, used, with a drift learned, closed, at the end of the counters.
fn any_devices() -> impl Strategy<Value = Device> {
    let end = (u64::MAX - 20..=u64::MAX).prop_map(|counter| Device::hotp(hotp(), counter, NOW));
    let late = (1..=60_u32, NOW - 100..NOW + 100)
        .prop_map(|(period, t0)| Device::totp(totp().with_period(period).unwrap().with_t0(t0), NOW));
    let plain = prop::array::uniform20(any::<u8>()).prop_map(|key| Device::totp(Totp::new(Secret::new(&key).unwrap()), NOW));
    let fresh = prop_oneof![3 => devices(), 1 => end, 1 => late, 4 => plain];
    (fresh, 0..4_u8, -15..=15_i64).prop_map(|(mut device, change, drift)| {
        match change {
            0 => device.set_status(Status::Disabled, NOW).unwrap(),
            1 => device.set_status(Status::Locked, NOW).unwrap(),
            2 => {
                let learning = Policy::builder().window(1).max_drift(20).first_window(20).guess_bound(GuessChance::CERTAIN);
                if let Factor::Totp(totp) = device.factor().clone()
                    && let Ok(code) = totp.generate(NOW.saturating_add_signed(drift * i64::from(totp.period())))
                    && let Ok(attempt) = device.verify(&learning.build().unwrap(), code.as_bytes(), NOW)
                {
                    device = attempt.split().0;
                }
            }
            _ => {}
        }
        device
    })
}

proptest! {
    #[test]
    fn search_finds_what_the_definition_says(
        devices in prop::collection::vec(any_devices(), 1..80),
        policy in policies(),
        which: prop::sample::Index,
        place in -2..14_i64,
        two: bool,
        in_a_row: bool,
    ) {
        let device = which.get(&devices);
        let counters = shown(device, &policy, NOW);
        let from = counters.first().copied().unwrap_or(7).saturating_add_signed(place).min(u64::MAX - 3);
        let fallback = hotp();
        let generator = device.generator().unwrap_or(&fallback);
        let (first, second) = (generator.generate(from), generator.generate(if in_a_row { from + 1 } else { from + 2 }));
        let second = two.then(|| second.as_str());
        let before = devices.clone();
        let drifts: Vec<Option<i64>> =
            devices.iter().map(|device| drift(device, &policy, first.as_str(), second, NOW)).collect();
        let expected: Vec<bool> = drifts.iter().map(Option::is_some).collect();
        prop_assert_eq!(find(&devices, &policy, first.as_str(), second, NOW), expected);
        let search = search(&policy, first.as_str(), second, NOW);
        prop_assert_eq!(devices.iter().map(|device| search.drift(device)).collect::<Vec<_>>(), drifts);
        prop_assert_eq!(devices, before);
    }

    /// What `verify` accepts of an open device, the search finds in it; and what it finds of an
    /// open one whose codes are not used up, `verify` accepts.
    #[test]
    fn search_finds_what_verify_accepts(device in any_devices(), policy in policies(), place in 0..30_u64) {
        prop_assume!(!matches!(device.status(), Status::Locked | Status::Disabled));
        let Some(from) = shown(&device, &policy, NOW).first().copied() else { return Ok(()) };
        let Some(hotp) = device.generator() else { return Ok(()) };
        let code = hotp.generate(from.saturating_add(place).min(u64::MAX - 1));
        let found = find(std::slice::from_ref(&device), &policy, code.as_str(), None, NOW)[0];
        let verdict = device.verify(&policy, code.as_bytes(), NOW).unwrap().commit(|_| Ok::<(), Error>(())).unwrap();
        prop_assert!(found || !verdict.is_right());
        prop_assert!(verdict.is_right() || !found || device.last_used().is_some());
        if verdict.is_right() && device.last_used().is_none() {
            prop_assert_eq!(search(&policy, code.as_str(), None, NOW).drift(&device), verdict.drift());
        }
    }

    #[test]
    fn pin_is_never_found(pin in pins(), policy in policies()) {
        let digits = String::from_utf8(pin.expose().to_vec()).unwrap();
        let device = Device::pin(pin, &policy, NOW).unwrap();
        prop_assert_eq!(find(&[device], &policy, &digits, None, NOW), [false]);
    }
}

fn token(key: u8) -> Hotp {
    Hotp::new(Secret::new(&[key; 20]).unwrap())
}

#[test]
fn each_of_many_is_found_at_its_place() {
    let policy = Policy::default();
    for len in [0, 1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130] {
        for algorithm in Algorithm::ALL {
            let tokens: Vec<Totp> =
                (0..len).map(|key| Totp::from_hotp(token(key).with_algorithm(algorithm)).with_t0(NOW - 3_000)).collect();
            let devices: Vec<_> = tokens.iter().map(|totp| Device::totp(totp.clone(), NOW)).collect();
            for (at, totp) in tokens.iter().enumerate().filter(|(at, _)| at % 13 < 2) {
                let codes = [0, 30].map(|later| totp.generate(NOW + later).unwrap());
                let mut expected = vec![false; devices.len()];
                expected[at] = true;
                assert_eq!(find(&devices, &policy, codes[0].as_str(), Some(codes[1].as_str()), NOW), expected, "{at} of {len}");
            }
            assert_eq!(find(&devices, &policy, "not a code", None, NOW), vec![false; devices.len()]);
        }
    }
}

#[test]
fn closed_devices_and_used_codes_are_found() {
    let policy = Policy::default();
    let code = totp().generate(NOW).unwrap();
    let used = Device::totp(totp(), NOW).verify(&policy, code.as_bytes(), NOW).unwrap().split().0;
    let (mut disabled, mut locked) = (used.clone(), used.clone());
    disabled.set_status(Status::Disabled, NOW).unwrap();
    locked.set_status(Status::Locked, NOW).unwrap();
    let expired = Device::totp(totp(), NOW).with_validity(Validity::new(None, Some(1)).unwrap()).unwrap();
    let throttle = Policy::builder().lock(Lock::Throttle { max_fails: 1, first_delay: 60, max_delay: 60 });
    let throttle = throttle.guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
    let throttled = Device::totp(totp(), NOW).verify(&throttle, b"wrong", NOW).unwrap().split().0;
    let devices = [used, disabled, locked, expired, throttled];
    assert_eq!(find(&devices, &policy, code.as_str(), None, NOW), [true; 5]);
}

#[test]
fn messages_and_other_lengths_are_not_found() {
    let code = hotp().generate(0);
    let eight = hotp().with_digits(Digits::EIGHT);
    let devices = [
        Device::sms(hotp(), NOW),
        Device::email(hotp(), NOW),
        Device::pin(Pin::new(b"49205187").unwrap(), &Policy::default(), NOW).unwrap(),
        Device::hotp(eight.clone(), 0, NOW),
        Device::hotp(hotp(), 0, NOW),
    ];
    assert_eq!(find(&devices, &Policy::default(), code.as_str(), None, NOW), [false, false, false, false, true]);
    let longer = eight.generate(0);
    assert_eq!(find(&devices, &Policy::default(), longer.as_str(), None, NOW), [false, false, false, true, false]);
    // Two codes of two lengths are those of no device.
    assert_eq!(find(&devices, &Policy::default(), code.as_str(), Some(longer.as_str()), NOW), [false; 5]);
}

#[test]
fn time_before_t0_and_the_end_of_counters_find_nothing_there() {
    let (policy, late) = (Policy::default(), totp().with_t0(NOW + 1));
    let devices = [
        Device::totp(late.clone(), NOW),
        Device::hotp(hotp(), u64::MAX, NOW),
        Device::hotp(hotp(), u64::MAX - 1, NOW),
        Device::totp(totp().with_period(1).unwrap(), NOW),
    ];
    let last = hotp().generate(u64::MAX - 1);
    assert_eq!(find(&devices, &policy, last.as_str(), None, NOW), [false, false, true, false]);
    assert_eq!(find(&devices, &policy, last.as_str(), None, u64::MAX), [false, false, true, true]);
    let after = hotp().generate(u64::MAX);
    assert_eq!(find(&devices, &policy, last.as_str(), Some(after.as_str()), NOW), [false; 4]);
    assert_eq!(find(&devices[..1], &policy, late.generate(NOW + 1).unwrap().as_str(), None, NOW), [false]);
}

#[test]
fn second_code_may_be_one_after_the_window() {
    let (policy, device) = (Policy::default(), Device::hotp(hotp(), 5, NOW));
    let codes = |first: u64| [hotp().generate(first), hotp().generate(first + 1)];
    for (first, is_found) in [(4, false), (5, true), (15, true), (16, false)] {
        let [one, other] = codes(first);
        let found = find(std::slice::from_ref(&device), &policy, one.as_str(), Some(other.as_str()), NOW);
        assert_eq!(found, [is_found], "from {first} on");
    }
}

#[test]
fn places_decide_how_many_devices_are_looked_at() {
    let devices = vec![Device::hotp(hotp(), 0, NOW); 70];
    let code = hotp().generate(0);
    let search = Search::for_code(Policy::default(), code.as_bytes(), NOW);
    let (mut few, mut many) = (vec![false; 66], vec![true; 75]);
    assert_eq!((search.find(&devices, &mut few), search.find(&devices, &mut many)), (66, 70));
    assert_eq!((few, &many[70..]), (vec![true; 66], &[false; 5][..]));
    assert_eq!(search.find::<Device>(&[], &mut []), 0);
    let borrowed: Vec<&Device> = devices.iter().collect();
    assert_eq!(search.find(&borrowed, &mut many), 70);
    assert!(!format!("{search:?}").contains(code.as_str()) && secret() == *hotp().secret());
}

#[test]
fn chance_is_devices_times_codes_over_all_codes() {
    let policy = Policy::builder().look_ahead(2).build().unwrap();
    let one = Search::for_code(policy, b"123456", NOW);
    let two = Search::for_two_codes(policy, b"123456", b"654321", NOW);
    // Three codes of each device; 2^31 values leave 2148 for the likeliest code.
    assert_eq!(one.chance(1_000).parts_per_billion(), 3_000_722);
    assert_eq!(two.chance(100_000).parts_per_billion(), 301);
    assert_eq!(one.chance(1_000_000), GuessChance::CERTAIN);
    assert_eq!((one.chance(0).parts_per_billion(), two.chance(1).parts_per_billion()), (0, 1));
    assert_eq!((one.chance(u64::MAX), two.chance(u64::MAX)), (GuessChance::CERTAIN, GuessChance::CERTAIN));
    assert_eq!(Search::for_code(policy, b"12345", NOW).chance(1_000).parts_per_billion(), 0);
}

#[test]
fn learned_drift_of_either_sign_is_searched() {
    let policy = Policy::builder().max_drift(20).build().unwrap();
    for drift in [-15, 15] {
        let device = Device::totp(totp(), NOW).with_drift(drift).unwrap();
        let code = totp().generate(NOW.saturating_add_signed(30 * i64::from(drift))).unwrap();
        assert_eq!(find(&[device], &policy, code.as_str(), None, NOW), [true], "drift {drift}");
    }
}
