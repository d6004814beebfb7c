//! Answers and challenges: rules 5, 6 and 7.

use std::collections::HashMap;

use keyfob::{Challenge, Device, Error, GuessChance, Kind, Lock, Pin, PinPositions, Policy, Positions, Reason, Status};
use proptest::prelude::*;

use crate::common::{NOW, Seeded, challenged, committed, devices, hotp, hotps, pins, wrong};
use crate::{failed, judge};

proptest! {
    #[test]
    fn rule_05_a_code_is_exactly_its_digits(device in devices(), spelling in 0..14_usize, noise in prop::collection::vec(any::<u8>(), 0..80)) {
        // Recovery codes have several spellings: rule 20.
        prop_assume!(device.kind() != Kind::Recovery);
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
    fn rule_06_another_factor_ends_the_pending_code(hotp in hotps(), other in hotps(), same: bool, email: bool, later in 0..60_u64) {
        let policy = Policy::default();
        let device = if email { Device::email(hotp.clone(), NOW) } else { Device::sms(hotp.clone(), NOW) };
        let (mut device, sent) = challenged(&device, &policy, NOW);
        let new = if same { hotp } else { other };
        device.replace_factor(&if email { Device::email(new, NOW) } else { Device::sms(new, NOW) }, NOW).unwrap();
        prop_assert_eq!(judge(&device, &policy, &sent, NOW).1.reason(), Reason::NoChallenge);
        // Nor does the next challenge make it right.
        let (device, right) = challenged(&device, &policy, NOW + later);
        prop_assume!(right != sent);
        prop_assert_eq!(judge(&device, &policy, &sent, NOW + later).1.reason(), Reason::Wrong);
        prop_assert!(judge(&device, &policy, &right, NOW + later).1.is_right());
    }

    /// The other device has sent a code of its secret. No challenge sends that code again.
    #[test]
    fn rule_06_a_code_that_the_other_device_sent_is_never_right(hotp in hotps(), other in hotps(), same: bool, email: bool, used: bool) {
        let policy = Policy::default();
        let new = if same { hotp.clone() } else { other };
        let [mut device, from] = [hotp, new].map(|hotp| if email { Device::email(hotp, NOW) } else { Device::sms(hotp, NOW) });
        let (mut from, mut sent) = challenged(&from, &policy, NOW);
        if used {
            from = judge(&from, &policy, &sent, NOW).0;
            (from, sent) = challenged(&from, &policy, NOW);
        }
        device.replace_factor(&from, NOW).unwrap();
        prop_assert_eq!(device.moving_factor(), from.moving_factor() + 1);
        prop_assert_eq!(judge(&device, &policy, &sent, NOW).1.reason(), Reason::NoChallenge);
        let (device, right) = challenged(&device, &policy, NOW);
        prop_assume!(right != sent);
        prop_assert_eq!(judge(&device, &policy, &sent, NOW).1.reason(), Reason::Wrong);
        prop_assert!(judge(&device, &policy, &right, NOW).1.is_right());
    }

    #[test]
    fn rule_06_message_codes_expire(hotp in hotps(), lifetime in 60..100_000_u32, age in 0..200_000_u64, email: bool) {
        let policy = Policy::builder().code_lifetime(lifetime).build().unwrap();
        let device = if email { Device::email(hotp, NOW) } else { Device::sms(hotp, NOW) };
        let (device, right) = challenged(&device, &policy, NOW);
        let alive = age < u64::from(lifetime);
        let (after, verdict) = judge(&device, &policy, &right, NOW + age);
        prop_assert_eq!(verdict.reason(), if alive { Reason::Right } else { Reason::Expired });
        prop_assert_eq!(after.fails(), u32::from(!alive));
        // Used or expired, it has no challenge any more, whatever the clock and the lifetime are
        // then.
        let longer = Policy::builder().code_lifetime(u32::MAX).build().unwrap();
        for (policy, now) in [(policy, NOW + age), (policy, (NOW + age).saturating_sub(30)), (longer, NOW + age)] {
            prop_assert_eq!(judge(&after, &policy, &right, now).1.reason(), Reason::NoChallenge);
        }
    }

    /// The device has seen a time at which the code had expired. A clock that is a little behind
    /// does not make it right again.
    #[test]
    fn rule_06_expiry_goes_by_the_latest_clock(hotp in hotps(), ahead in 0..30_u64, back in 1..=30_u64) {
        let policy = Policy::default();
        let (mut device, right) = challenged(&Device::sms(hotp, NOW), &policy, NOW);
        let seen = NOW + 600 + ahead;
        device.set_status(Status::Validated, seen).unwrap();
        prop_assert_eq!(device.resend(&policy, seen - back).err(), Some(Error::NoChallenge));
        prop_assert_eq!(judge(&device, &policy, &right, seen - back).1.reason(), Reason::Expired);
    }

    /// The clocks of two hosts differ as far as the policy allows. A code that the slower host
    /// issues lives all the same.
    #[test]
    fn rule_06_a_fresh_code_is_right_whatever_the_skew(hotp in hotps(), skew in 0..=30_u64, lifetime in 1..60_u32, age in 0..60_u64) {
        let policy = Policy::builder().code_lifetime(lifetime).code_reuse(0).build().unwrap();
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
        // A challenge asked again is the same one while it is young, by the latest clock.
        let reuse = Policy::builder().code_lifetime(lifetime).code_reuse(lifetime).build().unwrap();
        let (again, _) = committed(device.challenge(&reuse, &mut Seeded(1), NOW).unwrap());
        prop_assert_eq!(again, device);
    }

    #[test]
    fn rule_06_message_codes_die_wherever_the_lock_comes_from(hotp in hotps(), by_limit: bool, by_status: bool) {
        let (mut device, right) = failed(&Device::sms(hotp, NOW), &Policy::default(), 5);
        if by_limit {
            let strict = Policy::builder().lock(Lock::Hard { max_fails: 5 }).build().unwrap();
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
    fn rule_06_message_codes_die_at_the_lock(hotp in hotps(), which in 0..3_usize) {
        let lock = [
            Lock::Hard { max_fails: 5 },
            Lock::Throttle { max_fails: 5, first_delay: 1, max_delay: 1_000_000 },
            Lock::ThrottleThenLock { max_fails: 5, first_delay: 1, max_delay: 1_000_000, total_fails: 6 },
        ][which];
        let policy = Policy::builder().lock(lock).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
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
        // Setting the same status, which records the time of a resend, changes nothing else.
        let mut noted = device.clone();
        noted.set_status(noted.status(), NOW + wait).unwrap();
        prop_assert_eq!((noted.last_changed(), noted.pending_since(), noted.fails()), (NOW + wait, Some(NOW), 0));
        prop_assert_eq!(noted.resend(&policy, NOW + wait), device.resend(&policy, NOW + wait));
        // A resend gives the same code until it expires.
        prop_assert_eq!(device.resend(&policy, NOW + wait).is_ok(), wait < 600);
    }

    #[test]
    fn rule_07_a_new_pin_wants_a_new_challenge(pin in pins(), other in pins()) {
        let policy = Policy::default();
        let (mut device, right) = challenged(&Device::pin(pin, &policy, NOW).unwrap(), &policy, NOW);
        device.replace_factor(&Device::pin(other, &policy, NOW).unwrap(), NOW).unwrap();
        prop_assert_eq!((device.positions(), device.pending_since()), (None, None));
        prop_assert_eq!(judge(&device, &policy, &right, NOW).1.reason(), Reason::NoChallenge);
        let (device, right) = challenged(&device, &policy, NOW);
        prop_assert!(judge(&device, &policy, &right, NOW).1.is_right());
    }

    #[test]
    fn rule_07_positions_stay_until_answered_rightly(pin in pins(), count in 2..=8_u8, wrongs in 0..9_u32) {
        let policy = Policy::builder().pin_positions(PinPositions::Count(count)).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
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
        let policy = Policy::builder().pin_positions(PinPositions::All).build().unwrap();
        let device = Device::pin(pin.clone(), &policy, NOW).unwrap();
        prop_assert_eq!(judge(&device, &policy, pin.expose(), NOW).1.reason(), Reason::NoChallenge);
        let (device, right) = challenged(&device, &policy, NOW);
        prop_assert_eq!(&right, pin.expose());
        let (device, verdict) = judge(&device, &policy, &right, NOW);
        prop_assert!(verdict.is_right());
        // The challenge is used up.
        prop_assert_eq!(judge(&device, &policy, &right, NOW).1.reason(), Reason::NoChallenge);
    }

    #[test]
    fn rule_07_a_stricter_policy_holds_at_once(pin in pins(), few in 2..=4_u8, more in 5..=8_u8, all: bool) {
        let asked = |asked| Policy::builder().pin_positions(asked).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        let (lax, strict) = (asked(PinPositions::Count(few)), asked(if all { PinPositions::All } else { PinPositions::Count(more) }));
        let (device, right) = challenged(&Device::pin(pin.clone(), &lax, NOW).unwrap(), &lax, NOW);
        prop_assert!(!judge(&device, &strict, &right, NOW).1.is_right());
        // A resend does not ask for positions whose answer is refused.
        prop_assert_eq!(device.resend(&strict, NOW), Err(Error::NoChallenge));
        prop_assert!(device.resend(&lax, NOW).is_ok());
        let (next, answer) = challenged(&device, &strict, NOW);
        // The positions asked before are among those asked now.
        prop_assert_eq!(next.positions().unwrap().mask() & device.positions().unwrap().mask(), device.positions().unwrap().mask());
        prop_assert_eq!(answer.len(), if all { pin.expose().len() } else { more.into() });
        prop_assert!(judge(&next, &strict, &answer, NOW).1.is_right());
        prop_assert!(judge(&next, &lax, &answer, NOW).1.is_right());
    }

    /// The PIN is from a time when fewer digits were enough.
    #[test]
    fn rule_07_a_pin_shorter_than_the_policy_asks_is_asked_whole(digits in "[0-9]{4,8}", few in 2..=4_u8, asked_before: bool) {
        let lax = Policy::builder().pin_min_length(4).pin_positions(PinPositions::Count(few)).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
        let strict = Policy::builder().pin_positions(PinPositions::Count(8)).build().unwrap();
        let mut device = Device::pin(Pin::new(digits.as_bytes()).unwrap(), &lax, NOW).unwrap();
        if asked_before {
            device = challenged(&device, &lax, NOW).0;
        }
        let (device, right) = challenged(&device, &strict, NOW);
        prop_assert_eq!(&right, digits.as_bytes());
        prop_assert_eq!(device.resend(&strict, NOW), Ok(Challenge::Positions(device.positions().unwrap())));
        prop_assert!(judge(&device, &strict, &right, NOW).1.is_right());
    }
}

#[test]
fn rule_05_zeros_are_a_code_like_any_other() {
    let counter = 349_495;
    assert_eq!(hotp().generate(counter).as_str(), "000000");
    assert!(judge(&Device::hotp(hotp(), counter, NOW), &Policy::default(), b"000000", NOW).1.is_right());
    assert!(!judge(&Device::hotp(hotp(), 0, NOW), &Policy::default(), b"000000", NOW).1.is_right());
}

/// Draws positions 1000 times for each of the possible `sets`, and checks that all are equally
/// likely: chi-square exceeds `limit` for one of 1000 seeds. The seed is fixed.
fn assert_even(device: &Device, policy: &Policy, sets: u32, limit: f64) {
    let (mut rng, mut seen) = (Seeded(7), HashMap::<Positions, u32>::new());
    for _ in 0..1000 * sets {
        let (_, challenge) = committed(device.challenge(policy, &mut rng, NOW).unwrap());
        let Challenge::Positions(positions) = challenge else { panic!("no positions") };
        *seen.entry(positions).or_default() += 1;
    }
    assert_eq!(u32::try_from(seen.len()), Ok(sets));
    let chi_square: f64 = seen.values().map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0).sum();
    assert!(chi_square < limit, "{chi_square}");
}

#[test]
fn rule_07_positions_are_drawn_evenly() {
    let policy = Policy::default();
    let pin = Device::pin(Pin::new(b"12345678").unwrap(), &policy, NOW).unwrap();
    // All sets of 3 out of 8; 55 degrees of freedom.
    assert_even(&pin, &policy, 56, 93.2);
}

/// Whatever positions were asked before.
#[test]
fn rule_07_positions_that_a_stricter_policy_adds_are_drawn_evenly() {
    let asked =
        |count| Policy::builder().pin_positions(PinPositions::Count(count)).pin_guess_bound(GuessChance::CERTAIN).build().unwrap();
    let pin = Device::pin(Pin::new(b"12345678").unwrap(), &asked(2), NOW).unwrap();
    for seed in 0..6 {
        let (pending, _) = committed(pin.challenge(&asked(2), &mut Seeded(seed), NOW).unwrap());
        // One of the 6 that were not asked; then 3 of them. 5 and 19 degrees of freedom.
        assert_even(&pending, &asked(3), 6, 20.5);
        assert_even(&pending, &asked(5), 20, 43.8);
    }
}
