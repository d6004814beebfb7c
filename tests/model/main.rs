//! Random sequences of operations on a device and on a model of it. Both must agree after each
//! operation.

#[path = "../common/mod.rs"]
mod common;
mod device;
mod recovery;

use common::{NOW, Seeded, committed, devices, enrolled};
use device::{Model, Pending, code};
use keyfob::{
    Device, Error, Factor, GuessChance, Hotp, Lock, PinPositions, Policy, Reason, RecoveryCodes, Status, Validity, Verdict,
};
use proptest::prelude::*;
use recovery::spelled;

#[derive(Clone, Debug)]
enum Operation {
    Wait(u64),
    ClockBack(u64),
    /// Continues with a clock that is so many seconds behind.
    Skew(u64),
    Policy(Policy),
    Challenge,
    Resend,
    /// The code so many steps or counters away from the present one.
    Code(i64),
    /// The right answer to the pending challenge.
    Answer,
    Guess(String),
    /// Two codes in a row, so many counters or steps away from the present one.
    Resync(i64),
    /// Valid from and to so many seconds away from now.
    Validity(i64, i64),
    Status(usize),
    Unlock,
    /// Answers with a clock that is so many seconds ahead, then continues with a right one, after
    /// an unlock.
    Ahead(u64),
    ForgetSteps,
    /// A new secret or PIN, or the same one; TOTP with the same period and T0, or others.
    Replace {
        other: Device,
        secret: bool,
        period: bool,
    },
}

fn operations() -> impl Strategy<Value = Operation> {
    use Operation::{
        Ahead, Answer, Challenge, ClockBack, Code, ForgetSteps, Guess, Replace, Resend, Resync, Skew, Status, Unlock, Validity,
        Wait,
    };
    prop_oneof![
        4 => (0..100_u64).prop_map(Wait),
        1 => (0..2000_u64).prop_map(Wait),
        1 => (0..100_u64).prop_map(ClockBack),
        1 => (0..30_u64).prop_map(Skew),
        1 => policies().prop_map(Operation::Policy),
        3 => Just(Challenge),
        1 => Just(Resend),
        6 => (-4..=14_i64).prop_map(Code),
        4 => Just(Answer),
        6 => "[0-9]{3}|[0-9]{6}|[0-9]{0,12}| [0-9]{5}".prop_map(Guess),
        1 => (0..120_i64).prop_map(Resync),
        2 => (-6..6_i64).prop_map(Resync),
        1 => (-600..60_i64, 0..2000_i64).prop_map(|(first, more)| Validity(first, first + more)),
        1 => (0..4_usize).prop_map(Status),
        1 => Just(Unlock),
        1 => (0..20_000_u64).prop_map(Ahead),
        1 => Just(ForgetSteps),
        1 => (devices(), any::<bool>(), any::<bool>()).prop_map(|(other, secret, period)| Replace { other, secret, period }),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let locks = prop_oneof![
        (1..12_u32).prop_map(|fails| Lock::Hard { max_fails: fails }),
        (1..6_u32, 1..60_u32, 60..900_u32).prop_map(|(fails, first, longest)| Lock::Throttle {
            max_fails: fails,
            first_delay: first,
            max_delay: longest
        }),
        (1..6_u32, 1..60_u32, 60..900_u32, 1..8_u32).prop_map(|(fails, first, longest, more)| Lock::ThrottleThenLock {
            max_fails: fails,
            first_delay: first,
            max_delay: longest,
            total_fails: fails + more
        }),
    ];
    let asked = prop_oneof![(2..6_u8).prop_map(PinPositions::Count), Just(PinPositions::All)];
    let resync = prop_oneof![1..8_u16, Just(100)];
    (0..4_u16, 0..12_u16, (resync, 0..6_u16, 0..10_u16), locks, 60..900_u32, asked).prop_map(
        |(window, look_ahead, (resync, drift, first), lock, lifetime, asked)| {
            let builder = Policy::builder()
                .window(window)
                .look_ahead(look_ahead)
                .resync_window(resync)
                .max_drift(drift)
                .first_window(first.min(window + drift))
                .lock(lock)
                .code_lifetime(lifetime)
                .pin_positions(asked);
            builder.guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).build().unwrap()
        },
    )
}

/// The factor to replace `factor` with: that of `other`, changed to the same kind.
fn replacement(factor: &Factor, other: &Device, secret: bool, period: bool) -> Factor {
    let hotp = |old: &Hotp| if secret { other.generator().unwrap_or(old).clone() } else { old.clone() };
    match (factor, other.factor()) {
        (Factor::Totp(old), new) => {
            let (period, t0) = match new {
                Factor::Totp(new) if period => (new.period(), new.t0()),
                _ => (old.period(), old.t0()),
            };
            Factor::Totp(keyfob::Totp::from_hotp(hotp(old.hotp())).with_period(period).unwrap().with_t0(t0))
        }
        (Factor::Hotp(old), _) => Factor::Hotp(hotp(old)),
        (Factor::Sms(old), _) => Factor::Sms(hotp(old)),
        (Factor::Email(old), _) => Factor::Email(hotp(old)),
        (Factor::Pin(_), Factor::Pin(new)) if secret => Factor::Pin(new.clone()),
        (Factor::Pin(old), _) => Factor::Pin(old.clone()),
        (Factor::Recovery(_), Factor::Recovery(new)) if secret => Factor::Recovery(new.clone()),
        // The same secret with another count, where the other is a PIN.
        (Factor::Recovery(old), Factor::Pin(pin)) if period => {
            Factor::Recovery(RecoveryCodes::new(old.secret().clone(), pin.expose().len().try_into().unwrap()).unwrap())
        }
        (Factor::Recovery(old), _) => Factor::Recovery(old.clone()),
    }
}

fn compare(model: &mut Model, verdict: Verdict, device: &Device, policy: &Policy, codes: &[&str], now: u64) {
    let (reason, matched) = model.judge(policy, codes, now);
    assert_eq!((verdict.reason(), verdict.matched()), (reason, matched));
    assert_eq!(verdict.is_right(), reason == Reason::Right);
    assert_eq!((verdict.fails(), verdict.recovery_codes_left()), (model.fails, model.left()));
    assert_eq!(
        verdict.is_locked(),
        model.status == Status::Locked
            || model.status != Status::Disabled && model.throttled_until.is_some_and(|until| now < until)
    );
    model.agrees_with(device);
}

proptest! {
    #[test]
    fn device_and_model_agree(device in devices(), policy in policies(), operations in prop::collection::vec(operations(), 1..60)) {
        let (mut device, mut model, mut policy, mut now) = (device.clone(), Model::of(&device), policy, NOW);
        for operation in operations {
            match operation {
                Operation::Wait(seconds) => now += seconds,
                Operation::Skew(seconds) => now = now.max(model.seen) - seconds,
                Operation::Policy(other) => policy = other,
                Operation::ClockBack(seconds) => {
                    let then = now - seconds;
                    if then + 30 < model.seen {
                        prop_assert_eq!(device.verify(&policy, b"", then).err(), Some(Error::Clock));
                        prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), then).err(), Some(Error::Clock));
                    }
                }
                Operation::Challenge => {
                    let given = device.challenge(&policy, &mut Seeded(now), now).map(committed);
                    let given = given.map(|(next, challenge)| { device = next; challenge });
                    model.challenge(&policy, &given, now);
                }
                Operation::Resend => {
                    let waits = model.pending.is_some() && model.waits(&policy);
                    let alive = waits && !model.expired(&policy, now) && model.closed(&policy, now).is_none();
                    prop_assert_eq!(device.resend(&policy, now).is_ok(), alive);
                }
                Operation::Code(away) => {
                    let counted = |hotp: &Hotp| code(hotp, device.moving_factor().saturating_add_signed(away));
                    let answer = match device.factor() {
                        Factor::Totp(totp) => code(totp.hotp(), totp.step(now).unwrap().saturating_add_signed(away)),
                        Factor::Hotp(hotp) | Factor::Sms(hotp) | Factor::Email(hotp) => counted(hotp),
                        Factor::Recovery(codes) => spelled(codes, away),
                        Factor::Pin(_) => continue,
                    };
                    let (next, verdict) = committed(device.verify(&policy, answer.as_bytes(), now).unwrap());
                    device = next;
                    compare(&mut model, verdict, &device, &policy, &[&answer], now);
                }
                Operation::Answer => {
                    let Some(Pending { answer, .. }) = model.pending.clone() else { continue };
                    let (next, verdict) = committed(device.verify(&policy, answer.as_bytes(), now).unwrap());
                    device = next;
                    compare(&mut model, verdict, &device, &policy, &[&answer], now);
                }
                Operation::Guess(guess) => {
                    let (next, verdict) = committed(device.verify(&policy, guess.as_bytes(), now).unwrap());
                    device = next;
                    compare(&mut model, verdict, &device, &policy, &[&guess], now);
                }
                Operation::Resync(away) => {
                    let (hotp, first) = match device.factor().clone() {
                        Factor::Hotp(hotp) => (hotp, device.moving_factor().saturating_add_signed(away)),
                        Factor::Totp(totp) => (totp.hotp().clone(), totp.step(now).unwrap().saturating_add_signed(away)),
                        _ => continue,
                    };
                    let [first, second] = [0, 1].map(|more| code(&hotp, first + more));
                    let resynced = device.resync(&policy, first.as_bytes(), second.as_bytes(), now);
                    if matches!(device.factor(), Factor::Totp(_)) && policy.max_drift() == 0 {
                        prop_assert_eq!(resynced.err(), Some(Error::NoDrift));
                        continue;
                    }
                    let (next, verdict) = committed(resynced.unwrap());
                    device = next;
                    compare(&mut model, verdict, &device, &policy, &[&first, &second], now);
                }
                Operation::Validity(first, last) => {
                    let at = |away: i64| Some(now.saturating_add_signed(away));
                    let validity = Validity::new(at(first), at(last)).unwrap();
                    if matches!(device.factor(), Factor::Totp(_) | Factor::Hotp(_)) {
                        device.set_validity(validity, now).unwrap();
                        model.set_validity(validity, now);
                    } else {
                        prop_assert_eq!(device.set_validity(validity, now), Err(Error::WrongKind));
                    }
                }
                Operation::Status(number) => {
                    let status = Status::ALL[number];
                    if model.held && matches!(status, Status::Created | Status::Validated) {
                        prop_assert_eq!(device.set_status(status, now), Err(Error::Locked));
                    } else {
                        device.set_status(status, now).unwrap();
                        model.set_status(status, now);
                    }
                }
                Operation::Unlock => {
                    device.unlock(now).unwrap();
                    model.unlock(now);
                }
                Operation::Ahead(seconds) => {
                    let then = now + seconds;
                    if let Factor::Totp(totp) = device.factor() {
                        let answer = totp.generate(then).unwrap();
                        let (next, verdict) = committed(device.verify(&policy, answer.as_bytes(), then).unwrap());
                        device = next;
                        compare(&mut model, verdict, &device, &policy, &[answer.as_str()], then);
                    }
                    device.unlock(now).unwrap();
                    model.unlock(now);
                }
                Operation::ForgetSteps => {
                    let forgets = device.forget_steps(now);
                    prop_assert_eq!(forgets.is_ok(), model.forget_steps(now));
                }
                Operation::Replace { other, secret, period } => {
                    let factor = replacement(&model.factor, &other, secret, period);
                    if other.kind() != device.kind() {
                        let before = device.clone();
                        prop_assert_eq!(device.replace_factor(&other, now), Err(Error::WrongKind));
                        prop_assert_eq!(&device, &before);
                    }
                    let from = enrolled(factor, other.moving_factor() % 3);
                    if model.has_fewer_codes(&from) {
                        prop_assert_eq!(device.replace_factor(&from, now), Err(Error::RecoveryCodeCount));
                        continue;
                    }
                    device.replace_factor(&from, now).unwrap();
                    model.replace(&from, now);
                }
            }
            model.agrees_with(&device);
        }
    }
}
