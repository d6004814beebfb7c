//! Secrets, digits, PINs and policies: what is taken, and which error each wrong one gets.

mod common;

use common::{NOW, Seeded, hotp, secret, totp};
use keyfob::{
    Algorithm, Device, Digits, Error, Factor, GuessChance, History, Kind, Lock, Pin, PinPositions, Policy, PolicyBuilder, Reason,
    Secret, Status,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn secrets_read_as_they_are_written(bytes in prop::collection::vec(any::<u8>(), 16..=64)) {
        let secret = Secret::new(&bytes).unwrap();
        prop_assert_eq!(secret.expose(), &bytes);
        prop_assert_eq!(&Secret::from_base32(&secret.to_base32()).unwrap(), &secret);
        prop_assert_eq!(&Secret::from_hex(&secret.to_hex()).unwrap(), &secret);
        let mut grouped = String::new();
        for (at, char) in secret.to_base32().to_lowercase().chars().enumerate() {
            grouped.push_str(["", " ", "-"][if at % 4 == 0 { 1 + at / 4 % 2 } else { 0 }]);
            grouped.push(char);
        }
        prop_assert_eq!(&Secret::from_base32(&format!("{grouped}====\n")).unwrap(), &secret);
    }

    /// Authenticators ignore the bits behind the last whole byte, so those who choose a secret by
    /// typing letters may rely on it.
    #[test]
    fn spare_bits_of_base32_are_ignored(symbols in "[A-Z2-7]{26}|[A-Z2-7]{28}|[A-Z2-7]{29}|[A-Z2-7]{31}|[A-Z2-7]{32}") {
        let secret = Secret::from_base32(&symbols).unwrap();
        prop_assert_eq!(secret.expose().len(), symbols.len() * 5 / 8);
        prop_assert!(symbols[..symbols.len() - 1] == secret.to_base32()[..symbols.len() - 1]);
    }

    #[test]
    fn secrets_panic_on_no_text(text in "\\PC{0,200}") {
        let _ = (Secret::from_base32(&text), Secret::from_hex(&text));
    }
}

#[test]
fn wrong_secrets_are_told_apart() {
    assert_eq!(Secret::new(&[1; 15]), Err(Error::SecretLength));
    assert_eq!(Secret::new(&[1; 65]), Err(Error::SecretLength));
    assert_eq!(Secret::new(&[1; 300]), Err(Error::SecretLength));
    assert_eq!(Secret::from_base32(""), Err(Error::SecretLength));
    assert_eq!(Secret::from_base32("GEZDGNBVGY3TQOJQ"), Err(Error::SecretLength));
    assert_eq!(Secret::from_base32("GEZDGNBVGY3TQOJ0GEZDGNBVGY3TQOJ0"), Err(Error::SecretBase32));
    assert_eq!(Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3"), Err(Error::SecretBase32), "27 characters are no whole bytes");
    assert_eq!(Secret::from_base32("GEZDGNBV=GY3TQOJQGEZDGNBVGY3TQOJQ"), Err(Error::SecretBase32));
    assert_eq!(Secret::from_base32(&"A".repeat(104)), Err(Error::SecretLength));
    assert_eq!(Secret::from_base32(&"A".repeat(1000)), Err(Error::SecretLength));
    assert_eq!(Secret::from_hex("0g"), Err(Error::SecretHex));
    assert_eq!(Secret::from_hex(&"0".repeat(33)), Err(Error::SecretHex));
    assert_eq!(Secret::from_hex(&"0".repeat(30)), Err(Error::SecretLength));
    assert_eq!(Secret::from_hex(&"0".repeat(130)), Err(Error::SecretLength));
    assert_eq!(secret().write_base32(&mut [0; 31]), Err(Error::BufferTooSmall));
    assert_eq!(secret().write_hex(&mut [0; 39]), Err(Error::BufferTooSmall));
}

#[test]
fn names_and_letters_read_as_they_are_written() {
    for algorithm in Algorithm::ALL {
        for name in [algorithm.name(), algorithm.hmac_name(), algorithm.standard_name()] {
            assert_eq!(name.to_lowercase().parse(), Ok(algorithm));
        }
    }
    for kind in Kind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    for status in Status::ALL {
        assert_eq!(status.to_string().parse(), Ok(status));
    }
    assert_eq!("MD5".parse::<Algorithm>(), Err(Error::Algorithm));
    assert_eq!("totp".parse::<Kind>(), Err(Error::Kind));
    assert_eq!("VV".parse::<Status>(), Err(Error::Status));
    assert_eq!("v".parse::<Status>(), Err(Error::Status));
    assert_eq!("".parse::<Status>(), Err(Error::Status));
    assert_eq!((0..=255).filter(|&digits| Digits::new(digits).is_ok()).collect::<Vec<_>>(), [6, 7, 8, 9, 10]);
    assert_eq!(totp().with_period(0), Err(Error::Period));
    assert_eq!(totp().with_t0(10).step(9), Err(Error::Clock));
    assert_eq!(Reason::ALL.map(Reason::name).iter().collect::<std::collections::HashSet<_>>().len(), 10);
}

#[test]
fn wrong_pins_are_told_apart() {
    assert_eq!(Pin::new(b"123"), Err(Error::PinLength));
    assert_eq!(Pin::new(&[b'1'; 65]), Err(Error::PinLength));
    assert_eq!(Pin::new(b"1234567x"), Err(Error::PinDigits));
    assert_eq!(Pin::new("١٢٣٤".as_bytes()), Err(Error::PinDigits));
    assert_eq!(Device::pin(Pin::new(b"1234567").unwrap(), &Policy::default(), NOW).err(), Some(Error::PinLength));
    let short = Policy::builder().pin_min_length(4).build().unwrap();
    assert!(Device::pin(Pin::new(b"1234").unwrap(), &short, NOW).is_ok());
}

#[test]
fn each_wrong_choice_of_a_policy_has_its_own_error() {
    let throttle = |fails, first, longest| Lock::Throttle { max_fails: fails, first_delay: first, max_delay: longest };
    let total = |fails, first, longest, total| Lock::ThrottleThenLock {
        max_fails: fails,
        first_delay: first,
        max_delay: longest,
        total_fails: total,
    };
    let wrong = |change: fn(PolicyBuilder) -> PolicyBuilder| {
        change(Policy::builder().guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN)).build().err()
    };
    assert_eq!(wrong(|policy| policy), None);
    assert_eq!(wrong(|policy| policy.window(1000).look_ahead(1000).resync_window(10_000).max_drift(1000).pin_min_length(64)), None);
    assert_eq!(wrong(|policy| policy.window(1001)), Some(Error::Window));
    assert_eq!(wrong(|policy| policy.look_ahead(1001)), Some(Error::LookAhead));
    assert_eq!(wrong(|policy| policy.resync_window(0)), Some(Error::ResyncWindow));
    assert_eq!(wrong(|policy| policy.resync_window(10_001)), Some(Error::ResyncWindow));
    assert_eq!(wrong(|policy| policy.max_drift(1001)), Some(Error::MaxDrift));
    assert_eq!(wrong(|policy| policy.lock(Lock::Hard { max_fails: 0 })), Some(Error::MaxFails));
    assert_eq!(wrong(|policy| policy.code_lifetime(0).code_reuse(0)), Some(Error::CodeLifetime));
    assert_eq!(wrong(|policy| policy.code_lifetime(59)), Some(Error::CodeReuse));
    assert_eq!(wrong(|policy| policy.pin_min_length(3)), Some(Error::PinMinLength));
    assert_eq!(wrong(|policy| policy.pin_min_length(65)), Some(Error::PinMinLength));
    assert_eq!(wrong(|policy| policy.pin_positions(PinPositions::Count(1))), Some(Error::PinPositions));
    assert_eq!(wrong(|policy| policy.pin_positions(PinPositions::Count(9))), Some(Error::PinPositions));
    assert_eq!(wrong(|policy| policy.clock_skew(3601)), Some(Error::ClockSkew));
    for (lock, error) in [
        (throttle(0, 1, 1), Some(Error::MaxFails)),
        (throttle(1, 0, 1), Some(Error::FirstDelay)),
        (throttle(1, 2, 1), Some(Error::MaxDelay)),
        (throttle(1, 1, 1), None),
        (total(0, 1, 1, 1), Some(Error::MaxFails)),
        (total(1, 0, 1, 2), Some(Error::FirstDelay)),
        (total(1, 2, 1, 2), Some(Error::MaxDelay)),
        (total(2, 1, 1, 2), Some(Error::TotalFails)),
        (total(2, 1, 1, 3), None),
    ] {
        let policy = Policy::builder().guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).lock(lock);
        assert_eq!(policy.build().err(), error);
    }
}

#[test]
fn chances_are_what_a_hand_reckons() {
    let policy = Policy::default();
    let ppb = |policy: Policy, kind, digits| policy.guess_chance(kind, Digits::new(digits).unwrap()).parts_per_billion();
    // 3 codes x 10 guesses x 2148 / 2^31 for six digits; rounded up.
    assert_eq!(ppb(policy, Kind::Totp, 6), 30_008);
    assert_eq!(ppb(policy, Kind::Hotp, 6), 110_027);
    assert_eq!(ppb(policy, Kind::Sms, 6), 10_003);
    assert_eq!(ppb(policy, Kind::Totp, 8), 308);
    // Ten digits have no more than 2^31 codes.
    assert_eq!(ppb(policy, Kind::Sms, 10), 5);
    assert_eq!(ppb(policy, Kind::Pin, 6), 10_000_000);
    assert_eq!(ppb(Policy::soffid(), Kind::Totp, 6), 210_051);
    assert_eq!(ppb(Policy::soffid(), Kind::Hotp, 6), 250_061);
    let all = Policy::builder().pin_positions(PinPositions::All).build().unwrap();
    assert_eq!(ppb(all, Kind::Pin, 6), 100);
    for digits in 8..=64 {
        assert!(Policy::builder().pin_positions(PinPositions::All).pin_min_length(digits).build().is_ok(), "{digits}");
    }

    // 5 guesses at once, then a day's wait after each of 365 more.
    let throttle = Lock::Throttle { max_fails: 5, first_delay: 86_400, max_delay: 86_400 };
    assert_eq!(Policy::builder().lock(throttle).build(), Err(Error::GuessBound));
    let yearly =
        Policy::builder().lock(throttle).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
    assert_eq!(ppb(yearly, Kind::Sms, 6), u32::try_from((370_u64 * 2148 * 1_000_000_000).div_ceil(1 << 31)).unwrap());
    // A total ends the guessing, however long that takes.
    let total = |total_fails| Lock::ThrottleThenLock { max_fails: 5, first_delay: 86_400, max_delay: 86_400, total_fails };
    let with = |lock| Policy::builder().lock(lock).pin_positions(PinPositions::Count(4));
    let hundred = with(total(100)).look_ahead(0).build().unwrap();
    assert_eq!(hundred.guess_chance(Kind::Totp, Digits::SIX).to_string(), "1 in 3332");
    // Look-ahead 10 and window 10 accept 11 and 21 codes.
    for (builder, allowed) in [(with(total(90)), 90), (with(total(47)).window(10), 47)] {
        assert!(builder.build().is_ok(), "{allowed}");
        assert_eq!(builder.lock(total(allowed + 1)).build(), Err(Error::GuessBound), "{allowed}");
    }
    assert_eq!(with(total(90)).pin_positions(PinPositions::Count(3)).build(), Err(Error::PinGuessBound));

    let never = Lock::Hard { max_fails: u32::MAX };
    let never =
        Policy::builder().lock(never).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
    assert_eq!(never.guess_chance(Kind::Sms, Digits::SIX), GuessChance::CERTAIN);
}

#[test]
fn a_policy_above_its_bound_is_refused_until_the_bound_is_raised() {
    assert_eq!(Policy::builder().window(50).build(), Err(Error::GuessBound));
    assert!(Policy::builder().window(50).guess_bound(GuessChance::one_in(500)).build().is_ok());
    assert!(Policy::builder().window(50).lock(Lock::Hard { max_fails: 9 }).build().is_ok());
    assert_eq!(Policy::builder().lock(Lock::Hard { max_fails: 11 }).build(), Err(Error::PinGuessBound), "a PIN's three digits");
    assert!(Policy::builder().lock(Lock::Hard { max_fails: 11 }).pin_guess_bound(GuessChance::one_in(90)).build().is_ok());
    assert_eq!(Policy::soffid().to_builder().build(), Ok(Policy::soffid()));
    let raised = Policy::builder().window(50).guess_bound(GuessChance::one_in(500)).build().unwrap();
    assert_eq!(raised.to_builder().build(), Ok(raised));
    assert_eq!((GuessChance::one_in(0), GuessChance::one_in(1)), (GuessChance::CERTAIN, GuessChance::CERTAIN));
    assert_eq!(GuessChance::one_in(3).parts_per_billion(), 333_333_334);
    assert_eq!(GuessChance::one_in(u32::MAX).parts_per_billion(), 1);
}

#[test]
fn secrets_are_drawn_in_the_size_of_the_hash() {
    let mut rng = Seeded(1);
    for (algorithm, len) in Algorithm::ALL.into_iter().zip([20, 32, 64]) {
        let [first, second] = [(); 2].map(|()| Secret::random(algorithm, &mut rng).unwrap());
        assert_eq!(first.expose().len(), len);
        assert_ne!(first, second);
    }
}

#[test]
fn a_store_that_fails_keeps_the_verdict() {
    let device = Device::totp(totp(), NOW);
    let code = totp().generate(NOW).unwrap();
    let attempt = device.verify(&Policy::default(), code.as_bytes(), NOW).unwrap();
    assert_eq!(attempt.commit(|_| Err("the disk is full")).err(), Some("the disk is full"));
    // Nothing was stored, so the code is still good.
    let attempt = device.verify(&Policy::default(), code.as_bytes(), NOW).unwrap();
    let (next, held) = attempt.split();
    assert_eq!(next.status(), Status::Validated);
    assert!(held.release().is_right());
    // And by the call that stores.
    let verdict = device.verify_and_store(&Policy::default(), code.as_bytes(), NOW, |_| Err(Error::Randomness));
    assert_eq!(verdict, Err(Error::Randomness));
}

#[test]
fn every_way_to_store_gives_the_same_record() {
    let device = Device::totp(totp(), NOW);
    let policy = Policy::default();
    for (answer, right) in [(totp().generate(NOW).unwrap().as_str(), true), ("000000", false)] {
        let attempt = device.verify(&policy, answer.as_bytes(), NOW).unwrap();
        let (next, held) = attempt.split();
        let mut stored = *device.to_record().as_bytes();
        let verdict = device.verify_and_store(&policy, answer.as_bytes(), NOW, |next| {
            assert_eq!((next.revision(), next.to_record().as_bytes()), (1, next.to_device().to_record().as_bytes()));
            next.write_record(&mut stored);
            Ok::<(), Error>(())
        });
        assert_eq!((verdict, &stored), (Ok(held.release()), next.to_record().as_bytes()));
        assert_eq!(verdict.unwrap().is_right(), right);
    }
}

/// A store that updates where the revision is one less than the next one's must not wait for an
/// update that never comes.
#[test]
fn nothing_is_stored_where_nothing_changed() {
    let mut device = Device::totp(totp(), NOW);
    device.set_status(Status::Disabled, NOW).unwrap();
    let attempt = device.verify(&Policy::default(), b"000000", NOW).unwrap();
    assert!(!attempt.is_changed());
    let verdict = attempt.commit(|_| Err("must not be called")).unwrap();
    assert_eq!(verdict.reason(), Reason::Disabled);
    let again = device.verify_and_store(&Policy::default(), b"000000", NOW, |_| Err(Error::Randomness));
    assert_eq!(again, Ok(verdict));
}

#[test]
fn a_history_comes_back_as_it_went_in() {
    for last_counter in [None, Some(0), Some(56_666_667)] {
        let history =
            History { status: Status::Validated, fails: 3, last_counter, created: NOW, last_used: last_counter.map(|_| NOW + 5) };
        let device = Device::restore(Factor::Totp(totp()), history).unwrap();
        assert_eq!(device.history(), history);
        assert_eq!(Device::from_bytes(device.to_record().as_bytes()), Ok(device));
    }
}

/// Whichever of both is the later one: a row written by several hosts, or with a clock that was
/// ahead when it was enrolled.
#[test]
fn a_restored_device_has_seen_its_enrolment_and_its_last_use() {
    for (created, last_used) in [(NOW, None), (NOW, Some(NOW + 900)), (NOW + 900, Some(NOW)), (NOW + 900, Some(0))] {
        let history = History { status: Status::Validated, fails: 0, last_counter: None, created, last_used };
        let device = Device::restore(Factor::Hotp(hotp()), history).unwrap();
        let seen = last_used.map_or(created, |used| used.max(created));
        assert_eq!(device.last_changed(), seen, "created at {created}, used at {last_used:?}");
        let judged = |now| device.verify(&Policy::default(), b"no code", now).map(|attempt| attempt.is_changed());
        assert_eq!((judged(seen - 31), judged(seen - 30)), (Err(Error::Clock), Ok(true)));
    }
}
