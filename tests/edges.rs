//! What inputs drawn at random hardly ever reach: each rule of a record's fields by itself, and the
//! ends of ranges.

mod common;

use common::{NOW, challenged, check, committed, hotp, secret, totp};
use keyfob::{
    Algorithm, Code, Device, Digits, Error, GuessChance, Kind, Lock, Pin, Policy, RECORD_SIZE, Reason, SEALED_SIZE, SealKey,
    Secret, Status, Totp, sealed_key_id,
};

/// The device's record with other bytes at some places, and a check that is right.
fn forged(device: &Device, changes: &[(usize, &[u8])]) -> [u8; RECORD_SIZE] {
    let mut record = *device.to_record().as_bytes();
    for (at, bytes) in changes {
        record[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    let sum = check(&record);
    record[RECORD_SIZE - 8..].copy_from_slice(&sum.to_le_bytes());
    record
}

// The offsets of docs/record-format.md.
const KIND: usize = 3;
const STATUS: usize = 4;
const ALGORITHM: usize = 5;
const DIGITS: usize = 6;
const LENGTH: usize = 7;
const PERIOD: usize = 8;
const DRIFT: usize = 16;
const FLAGS: usize = 20;
const T0: usize = 24;
const MOVING: usize = 32;
const POSITIONS: usize = 40;
const ISSUED: usize = 48;
const USED: usize = 64;
const REVISION: usize = 88;
const SECRET: usize = 96;

const PENDING: &[u8] = &[2];

/// Bytes of a record, and where they stand.
type Change<'b> = (usize, &'b [u8]);

#[test]
fn each_field_that_no_device_has_is_refused() {
    let policy = Policy::default();
    let totp = Device::totp(totp(), NOW);
    let counter = Device::hotp(hotp(), 5, NOW);
    let sms = challenged(&Device::sms(hotp(), NOW), &policy, NOW).0;
    let pin = Device::pin(Pin::new(b"49205187").unwrap(), &policy, NOW).unwrap();
    let asked = challenged(&pin, &policy, NOW).0;
    let one = &1_u64.to_le_bytes()[..];
    let refused: [(&str, &Device, &[Change<'_>]); 36] = [
        ("kind 0", &totp, &[(KIND, &[0])]),
        ("kind 6", &totp, &[(KIND, &[6])]),
        ("a status that is none", &totp, &[(STATUS, b"X")]),
        ("algorithm 0", &totp, &[(ALGORITHM, &[0])]),
        ("algorithm 4", &totp, &[(ALGORITHM, &[4])]),
        ("5 digits", &totp, &[(DIGITS, &[5])]),
        ("11 digits", &totp, &[(DIGITS, &[11])]),
        ("a secret of 15 bytes", &totp, &[(LENGTH, &[15]), (SECRET + 15, &[0; 5])]),
        ("a secret of 65 bytes", &totp, &[(LENGTH, &[65])]),
        ("a byte behind the secret", &totp, &[(SECRET + 20, &[1])]),
        ("two bytes behind the secret, the same", &totp, &[(SECRET + 20, &[1, 1])]),
        ("a byte at the end behind the secret", &totp, &[(SECRET + 63, &[1])]),
        ("a secret longer than said", &totp, &[(LENGTH, &[19])]),
        ("TOTP of period 0", &totp, &[(PERIOD, &[0; 4])]),
        ("HOTP with a period", &counter, &[(PERIOD, &[30])]),
        ("HOTP with T0", &counter, &[(T0, one)]),
        ("HOTP with drift", &counter, &[(DRIFT, &[1])]),
        ("drift of 1001", &totp, &[(DRIFT, &1001_i32.to_le_bytes())]),
        ("drift of -1001", &totp, &[(DRIFT, &(-1001_i32).to_le_bytes())]),
        ("an unknown flag", &totp, &[(FLAGS, &[16])]),
        ("validated before a lock, and open", &totp, &[(FLAGS, &[8])]),
        ("validated before a lock, and disabled without one", &totp, &[(FLAGS, &[8]), (STATUS, b"D")]),
        ("used, and not said so", &totp, &[(USED, one)]),
        ("issued, and not pending", &counter, &[(ISSUED, one)]),
        ("TOTP with a challenge", &totp, &[(FLAGS, PENDING)]),
        ("HOTP with a challenge", &counter, &[(FLAGS, PENDING)]),
        ("held, and not disabled", &totp, &[(FLAGS, &[4])]),
        ("TOTP with positions", &totp, &[(POSITIONS, &[3])]),
        ("SMS with positions", &sms, &[(POSITIONS, &[3])]),
        ("PIN with positions, and not asked", &pin, &[(POSITIONS, &[7])]),
        ("PIN asked for one position", &asked, &[(POSITIONS, &1_u64.to_le_bytes())]),
        ("PIN asked for a position that it has not", &asked, &[(POSITIONS, &0x103_u64.to_le_bytes())]),
        ("PIN with an algorithm", &pin, &[(ALGORITHM, &[1])]),
        ("PIN with a counter", &pin, &[(MOVING, one)]),
        ("PIN of three digits", &pin, &[(LENGTH, &[3]), (SECRET + 3, &[0; 5])]),
        ("PIN of letters", &pin, &[(SECRET, b"a")]),
    ];
    for (name, device, changes) in refused {
        assert_eq!(Device::from_bytes(&forged(device, changes)).err(), Some(Error::RecordDamaged), "{name}");
    }
    let longer: &[(usize, &[u8])] = &[(SECRET + 8, b"1"), (LENGTH, &[8])];
    assert_eq!(Device::from_bytes(&forged(&pin, longer)).err(), Some(Error::RecordDamaged), "a PIN longer than said");
}

#[test]
fn the_last_of_each_field_is_accepted() {
    let policy = Policy::default();
    let totp = Device::totp(totp(), NOW);
    let sms = Device::sms(hotp(), NOW);
    let asked = challenged(&Device::pin(Pin::new(b"49205187").unwrap(), &policy, NOW).unwrap(), &policy, NOW).0;
    let accepted: [(&str, &Device, &[Change<'_>]); 11] = [
        ("drift of 1000", &totp, &[(DRIFT, &1000_i32.to_le_bytes())]),
        ("drift of -1000", &totp, &[(DRIFT, &(-1000_i32).to_le_bytes())]),
        ("10 digits", &totp, &[(DIGITS, &[10])]),
        ("a secret of 16 bytes", &totp, &[(LENGTH, &[16]), (SECRET + 16, &[0; 4])]),
        ("a secret of 64 bytes", &totp, &[(LENGTH, &[64]), (SECRET, &[7; 64])]),
        ("an SMS code issued at time 0", &sms, &[(FLAGS, PENDING)]),
        ("held, and disabled", &totp, &[(FLAGS, &[4]), (STATUS, b"D")]),
        ("validated before a lock, and locked", &totp, &[(FLAGS, &[8]), (STATUS, b"L")]),
        ("validated before a lock, and disabled since", &totp, &[(FLAGS, &[12]), (STATUS, b"D")]),
        ("PIN asked for two positions", &asked, &[(POSITIONS, &3_u64.to_le_bytes())]),
        ("PIN asked for all positions", &asked, &[(POSITIONS, &0xff_u64.to_le_bytes())]),
    ];
    for (name, device, changes) in accepted {
        let record = forged(device, changes);
        let read = Device::from_bytes(&record).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(read.to_record().as_bytes() == &record, "{name}");
    }
}

#[test]
fn a_seal_is_recognized_by_its_header_and_its_length() {
    let sealed = SealKey::new(7, [1; 32]).seal(&Device::totp(totp(), NOW), b"device", [2; 24]);
    assert_eq!(sealed_key_id(&sealed), Ok(7));
    for len in 0..SEALED_SIZE {
        assert_eq!(sealed_key_id(&sealed[..len]), Err(Error::SealForeign), "{len} bytes");
    }
    assert_eq!(sealed_key_id(&[&sealed[..], &[0]].concat()), Err(Error::SealForeign));
    let mut older = sealed;
    older[3] = 0;
    assert_eq!(sealed_key_id(&older), Err(Error::SealForeign));
}

#[test]
fn totp_ends_one_step_before_the_last_number() {
    let seconds = Totp::new(secret()).with_period(1).unwrap();
    let search = |time, window| seconds.search(b"000000", time, window).map(|_| ());
    assert_eq!(search(u64::MAX, 0), Err(Error::Exhausted));
    assert_eq!(search(u64::MAX, 1), Ok(()), "the step before is one");
    assert_eq!(search(u64::MAX - 1, 0), Ok(()));
    assert_eq!(Totp::new(secret()).with_t0(60).search(b"000000", 59, 1), Err(Error::Clock));
    let device = Device::totp(seconds, 0);
    let none = Policy::builder().window(0).build().unwrap();
    assert_eq!(device.verify(&none, b"000000", u64::MAX).err(), Some(Error::Exhausted));
}

#[test]
fn chances_are_never_above_certainty() {
    assert_eq!(GuessChance::from_parts_per_billion(1_000_000_001), GuessChance::CERTAIN);
    assert_eq!(GuessChance::from_parts_per_billion(1_000_000_000), GuessChance::CERTAIN);
    assert_eq!(GuessChance::from_parts_per_billion(999_999_999).parts_per_billion(), 999_999_999);
    assert_eq!(GuessChance::from_parts_per_billion(1_000_000), GuessChance::one_in(1_000));
    assert_eq!(GuessChance::one_in(0), GuessChance::CERTAIN);
    assert_eq!(GuessChance::one_in(3).parts_per_billion(), 333_333_334, "rounded up");
    assert_eq!(GuessChance::from_parts_per_billion(0).to_string(), "1 in 1000000000");
}

/// Of a delay of more than a year no second one is waited for.
#[test]
fn a_throttle_longer_than_a_year_lets_its_first_fails_guess_and_no_more() {
    const DAY: u32 = 24 * 60 * 60;
    let chance = |first: u32, longest: u32| {
        let lock = Lock::Throttle { max_fails: 3, first_delay: first, max_delay: longest };
        let policy =
            Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        policy.guess_chance(Kind::Totp, Digits::SIX).parts_per_billion()
    };
    let hard = |fails: u32| {
        let policy = Policy::builder().lock(Lock::Hard { max_fails: fails }).build().unwrap();
        policy.guess_chance(Kind::Totp, Digits::SIX).parts_per_billion()
    };
    assert_eq!(chance(366 * DAY, 366 * DAY), hard(3));
    assert_eq!(chance(365 * DAY, 365 * DAY), hard(4), "a delay of just a year ends in it");
    // 200 days, and then 400.
    assert_eq!(chance(200 * DAY, 400 * DAY), hard(4));
}

#[test]
fn codes_are_equal_if_their_digits_are() {
    let code = |counter| -> Code { hotp().generate(counter) };
    assert_eq!(code(1), code(1));
    assert_ne!(code(1), code(2));
    let eight = hotp().with_digits(Digits::EIGHT).generate(1);
    assert_ne!(code(1), eight, "the same value with more digits");
    for algorithm in Algorithm::ALL {
        assert_eq!(hotp().with_algorithm(algorithm).keyed().generate(3), hotp().with_algorithm(algorithm).generate(3));
    }
}

/// Neither tells anything, but what it is.
#[test]
fn an_attempt_says_whether_there_is_something_to_store() {
    let policy = Policy::default();
    let open = Device::totp(totp(), NOW);
    let right = totp().generate(NOW).unwrap();
    for answer in [right.as_bytes(), b"000000"] {
        let attempt = open.verify(&policy, answer, NOW).unwrap();
        assert!(attempt.is_changed(), "an open device changes with every answer");
        assert_eq!(format!("{attempt:?}"), "Attempt(..)");
        let (_, held) = attempt.split();
        assert_eq!(format!("{held:?}"), "Held(..)");
    }
    let once = committed(open.verify(&policy, b"000000", NOW).unwrap()).0;
    let twice = once.verify_and_store(&policy, b"000000", NOW, |next| {
        assert_eq!((next.revision(), format!("{next:?}")), (once.revision() + 1, "Next(..)".into()));
        Ok::<(), Error>(())
    });
    assert_eq!(twice.unwrap().fails(), 2);
    let mut locked = open.clone();
    locked.set_status(Status::Locked, NOW).unwrap();
    assert!(!locked.verify(&policy, right.as_bytes(), NOW).unwrap().is_changed());
}

/// A delay that still runs says nothing of a device that is locked or disabled by now.
#[test]
fn the_last_word_on_a_throttled_device_is_its_lock() {
    let throttle = Policy::builder()
        .lock(Lock::Throttle { max_fails: 1, first_delay: 600, max_delay: 600 })
        .guess_bound(GuessChance::CERTAIN)
        .pin_guess_bound(GuessChance::CERTAIN);
    let throttle = throttle.build().unwrap();
    let throttled = committed(Device::totp(totp(), NOW).verify(&throttle, b"000000", NOW).unwrap()).0;
    let told = |device: &Device, policy: &Policy| {
        let verdict = committed(device.verify(policy, b"000000", NOW + 1).unwrap()).1;
        (verdict.reason(), verdict.retry_at(), verdict.fails())
    };
    assert_eq!(told(&throttled, &throttle), (Reason::Throttled, Some(NOW + 600), 1));
    let locks_at_once = Policy::builder().lock(Lock::Hard { max_fails: 1 }).build().unwrap();
    assert_eq!(told(&throttled, &locks_at_once), (Reason::Locked, None, 1));
    let mut disabled = throttled;
    disabled.set_status(Status::Disabled, NOW).unwrap();
    assert_eq!(told(&disabled, &throttle), (Reason::Disabled, None, 1));
}

/// RFC 6238, appendix B, as a caller writes it.
#[test]
fn a_totp_takes_algorithm_and_digits() {
    let key = b"1234567890".repeat(7);
    for (algorithm, code) in [(Algorithm::Sha1, "94287082"), (Algorithm::Sha256, "46119246"), (Algorithm::Sha512, "90693936")] {
        let secret = Secret::new(&key[..algorithm.secret_len()]).unwrap();
        let totp = Totp::new(secret).with_algorithm(algorithm).with_digits(Digits::EIGHT);
        assert_eq!(totp.generate(59).unwrap().as_str(), code);
    }
}

/// The same code is sent for a minute, and then another.
#[test]
fn a_code_is_issued_again_while_it_is_younger_than_the_reuse() {
    let policy = Policy::default();
    let device = challenged(&Device::sms(hotp(), NOW), &policy, NOW).0;
    for (age, counter) in [(0, 0), (59, 0), (60, 1)] {
        assert_eq!(challenged(&device, &policy, NOW + age).0.moving_factor(), counter, "{age}");
    }
    let last = |moving: u64| {
        let device = Device::from_bytes(&forged(&Device::sms(hotp(), NOW), &[(MOVING, &moving.to_le_bytes())])).unwrap();
        device.challenge(&policy, &mut common::Seeded(1), NOW).err()
    };
    assert_eq!((last(u64::MAX - 1), last(u64::MAX)), (None, Some(Error::Exhausted)));
}

/// What people read, in logs and errors.
#[test]
fn names_and_messages_are_printed() {
    assert_eq!(
        format!("{} {}", Algorithm::Sha256, Reason::Replayed),
        format!("{} {}", Algorithm::Sha256.name(), Reason::Replayed.name())
    );
    assert!(Error::Clock.to_string().len() > 10);
    assert_eq!(SealKey::new(7, [1; 32]).id(), 7);
}

/// Nothing was used before, whenever the new steps begin.
#[test]
fn a_totp_that_was_never_used_has_nothing_used_up_in_other_steps() {
    let mut device = Device::totp(totp().with_t0(3600), NOW);
    device.replace_factor(&Device::totp(totp(), NOW), NOW).unwrap();
    assert_eq!(device.moving_factor(), 0);
}

/// Ten counters after the expected one by default, 24 in Soffid, and no more.
#[test]
fn a_token_may_be_ahead_by_the_look_ahead() {
    for (policy, ahead) in [(Policy::default(), 10), (Policy::soffid(), 24), (Policy::builder().look_ahead(0).build().unwrap(), 0)]
    {
        let device = Device::hotp(hotp(), 7, NOW);
        assert_eq!(u64::from(policy.look_ahead()), ahead);
        for (counter, right) in [(7, true), (7 + ahead, true), (8 + ahead, false)] {
            let verdict = committed(device.verify(&policy, hotp().generate(counter).as_bytes(), NOW).unwrap()).1;
            assert_eq!((verdict.is_right(), verdict.drift()), (right, right.then_some((counter - 7).cast_signed())), "{counter}");
        }
    }
}

/// Nothing is throttled until the first second, of which clocks that were never set tell.
#[test]
fn time_begins_without_a_throttle() {
    let verdict = committed(Device::hotp(hotp(), 0, 0).verify(&Policy::default(), b"000000", 0).unwrap()).1;
    assert_eq!((verdict.reason(), verdict.is_locked(), verdict.retry_at()), (Reason::Wrong, false, None));
}

#[test]
fn a_code_that_expired_dies_with_the_fail_that_locks() {
    let policy = Policy::builder().lock(Lock::Hard { max_fails: 1 }).build().unwrap();
    let (device, code) = challenged(&Device::sms(hotp(), NOW), &policy, NOW);
    let (device, verdict) = committed(device.verify(&policy, &code, NOW + u64::from(policy.code_lifetime())).unwrap());
    assert_eq!((verdict.reason(), verdict.is_locked(), device.status()), (Reason::Expired, true, Status::Locked));
    assert_eq!(device.pending_since(), None);
}

/// The values of RFC 4226, appendix D, looked for.
#[test]
fn a_search_returns_the_lowest_counter_or_none() {
    let (hotp, totp) = (hotp(), Totp::new(secret()));
    for (code, window, place) in [
        (b"755224", 0..=10, Some(0)),
        (b"287082", 0..=10, Some(1)),
        (b"520489", 0..=9, Some(9)),
        (b"520489", 0..=8, None),
        (b"287082", 2..=10, None),
        (b"287083", 0..=10, None),
    ] {
        assert_eq!(hotp.search(code, window.clone()), place, "{window:?}");
        assert_eq!(hotp.keyed().search(code, window.clone()), place, "{window:?}");
    }
    assert_eq!(hotp.search(b"28708", 0..=10), None);
    assert_eq!(totp.search(b"287082", 59, 0), Ok(Some(1)));
    assert_eq!(totp.search(b"287082", 89, 0), Ok(None));
    assert_eq!(totp.search(b"287082", 89, 1), Ok(Some(1)));
    assert_eq!(format!("{:?}", hotp.keyed()), "KeyedHotp { digits: Digits(6), .. }");
}

/// Two steps of one window happen to have the same code: once used it is not right again.
#[test]
fn a_code_of_two_steps_is_right_once() {
    const STEPS: [u64; 2] = [56_836_343, 56_836_349];
    let [now, later] = STEPS.map(|step| step * 30);
    let (first, second) = (totp().generate(now).unwrap(), totp().generate(later).unwrap());
    assert_eq!((first.as_str(), second.as_str()), ("624555", "624555"));
    let device = Device::totp(totp(), now);
    let (device, verdict) = committed(device.verify(&Policy::soffid(), b"624555", now).unwrap());
    assert_eq!((verdict.reason(), verdict.matched()), (Reason::Right, Some(STEPS[0])));
    for now in [now, later] {
        let (_, verdict) = committed(device.verify(&Policy::soffid(), b"624555", now).unwrap());
        assert_eq!((verdict.reason(), verdict.fails()), (Reason::Replayed, 0));
    }
}

#[test]
fn pins_are_equal_if_their_digits_are() {
    let pin = |digits: &[u8]| Pin::new(digits).unwrap();
    assert_eq!(pin(b"49205187"), pin(b"49205187"));
    assert_ne!(pin(b"49205187"), pin(b"49205188"));
    assert_ne!(pin(b"49205187"), pin(b"492051870"), "more digits");
}

/// One that wraps would be an old one again, and a swap on it would write over an attempt.
#[test]
fn nothing_changes_after_the_last_revision() {
    let policy = Policy::default();
    let pin = Device::pin(Pin::new(b"49205187").unwrap(), &policy, NOW).unwrap();
    let last = |device: &Device| Device::from_bytes(&forged(device, &[(REVISION, &u64::MAX.to_le_bytes())])).unwrap();
    for device in
        [Device::totp(totp(), NOW), Device::hotp(hotp(), 0, NOW), Device::sms(hotp(), NOW), Device::email(hotp(), NOW), pin]
    {
        let (asked, right) = challenged(&device, &policy, NOW);
        let (fresh, asked) = (last(&device), last(&asked));
        for answer in [&right[..], b"no code"] {
            assert_eq!(asked.verify(&policy, answer, NOW).err(), Some(Error::Exhausted), "{}", device.kind());
            let stored = asked.verify_and_store(&policy, answer, NOW, |_| Err(Error::Randomness));
            assert_eq!(stored, Err(Error::Exhausted), "{}", device.kind());
        }
        let challenge = fresh.challenge(&policy, &mut common::Seeded(1), NOW).map(|attempt| attempt.is_changed());
        // There is nothing to store of a challenge that an authenticator answers.
        let is_asked = !matches!(device.kind(), Kind::Totp | Kind::Hotp);
        assert_eq!(challenge, if is_asked { Err(Error::Exhausted) } else { Ok(false) });
        let mut changed = asked.clone();
        assert_eq!(changed.unlock(NOW), Err(Error::Exhausted));
        assert_eq!(changed.set_status(Status::Disabled, NOW), Err(Error::Exhausted));
        assert_eq!(changed.replace_factor(&device, NOW), Err(Error::Exhausted));
        assert_eq!(changed, asked);
    }
    let counter = last(&Device::hotp(hotp(), 0, NOW));
    assert_eq!(counter.resync(&policy, b"755224", b"287082", NOW).err(), Some(Error::Exhausted));
}
