//! Any sequence of operations on any device, at any time, under any policy: what must hold after
//! each.

use std::convert::Infallible;

use arbitrary::Arbitrary;
use keyfob::{
    Algorithm, Attempt, Challenge, Code, Device, Digits, Error, Factor, GuessChance, Hotp, Lock, Pin, PinPositions, Policy,
    RecoveryCodes, Search, Secret, Status, Totp, Validity, Verdict,
};

use crate::seeded::Seeded;

#[derive(Arbitrary, Clone, Debug)]
pub struct Input {
    secret: Vec<u8>,
    kind: u8,
    algorithm: u8,
    digits: u8,
    period: u32,
    t0: u64,
    counter: u64,
    created: u64,
    policy: (u16, u16, u16, u16, u16, u8, u32, u32, u32, u8),
    total_fails: u8,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Clone, Debug)]
enum Operation {
    Verify(Vec<u8>, u64),
    VerifyRight(u8, u64),
    Resync(Vec<u8>, Vec<u8>, u64),
    ResyncRight(u8, u64),
    Challenge(u64, u64),
    Resend(u64),
    Status(u8, u64),
    Unlock(u64),
    ForgetSteps(u64),
    Validity(Option<u64>, Option<u64>, u64),
    Replace(Vec<u8>, u8, u32, u64),
    Later(u16),
    OtherPolicy,
}

fn enrol(input: &Input, policy: &Policy) -> Result<Device, Error> {
    if input.kind % 6 == 5 {
        let codes = RecoveryCodes::new(Secret::new(&input.secret)?, input.digits)?;
        return Ok(Device::recovery(codes, input.created));
    }
    if input.kind % 6 == 4 {
        let digits: Vec<u8> = input.secret.iter().map(|byte| b'0' + byte % 10).collect();
        return Device::pin(Pin::new(&digits)?, policy, input.created);
    }
    let hotp = Hotp::new(Secret::new_allowing_short(&input.secret)?)
        .with_algorithm(Algorithm::ALL[usize::from(input.algorithm % 3)])
        .with_digits(Digits::new(input.digits)?);
    Ok(match input.kind % 6 {
        0 => Device::totp(Totp::from_hotp(hotp).with_period(input.period)?.with_t0(input.t0), input.created),
        1 => Device::hotp(hotp, input.counter, input.created),
        2 => Device::sms(hotp, input.created),
        _ => Device::email(hotp, input.created),
    })
}

fn policy(input: &Input) -> Result<Policy, Error> {
    let (window, look_ahead, resync, drift, first_window, fails, first, longest, lifetime, positions) = input.policy;
    let fails = u32::from(fails);
    let lock = match (first, input.total_fails) {
        (0, _) => Lock::Hard { max_fails: fails },
        (_, 0) => Lock::Throttle { max_fails: fails, first_delay: first, max_delay: longest },
        (_, total) => {
            Lock::ThrottleThenLock { max_fails: fails, first_delay: first, max_delay: longest, total_fails: total.into() }
        }
    };
    let asked = if positions == 0 { PinPositions::All } else { PinPositions::Count(positions) };
    let (window, drift) = (window % 64, drift % 64);
    Policy::builder()
        .window(window)
        .look_ahead(look_ahead % 64)
        .resync_window(resync % 256)
        .max_drift(drift)
        .first_window(first_window % (window + drift + 1))
        .lock(lock)
        .code_lifetime(lifetime)
        .code_reuse(lifetime / 2)
        .pin_positions(asked)
        .pin_min_length(4)
        .guess_bound(GuessChance::CERTAIN)
        .pin_guess_bound(GuessChance::CERTAIN)
        .build()
}

fn store<T>(device: &mut Device, attempt: Result<Attempt<'_, T>, Error>) -> Option<T> {
    let before = device.clone();
    let answer = attempt.ok()?.commit(|next| Ok::<_, Infallible>(*device = next.to_device())).ok()?;
    assert!(device.revision() - before.revision() <= 1);
    assert_eq!(device.revision() == before.revision(), *device == before, "a change and no revision, or the other way");
    assert!(device.moving_factor() >= before.moving_factor());
    Some(answer)
}

/// Judges an answer and checks what every verdict must keep.
fn judge(device: &mut Device, policy: &Policy, attempt: Result<Attempt<'_, Verdict>, Error>, now: u64) -> Option<Verdict> {
    let before = device.clone();
    let verdict = store(device, attempt)?;
    let closed = matches!(before.status(), Status::Locked | Status::Disabled) || !before.validity().contains(now);
    if verdict.is_right() {
        assert!(!closed && device.fails() == 0 && device.status() == Status::Validated && !verdict.is_locked());
        assert!(device.positions().is_none() && device.pending_since().is_none());
        if let Some(left) = before.recovery_codes_left() {
            assert_eq!((verdict.recovery_codes_left(), device.recovery_codes_left()), (Some(left - 1), Some(left - 1)));
        } else if !matches!(device.factor(), Factor::Pin(_)) {
            assert!(verdict.matched().unwrap() >= before.moving_factor());
            assert_eq!(device.moving_factor(), verdict.matched().unwrap() + 1);
        }
        assert!(i64::from(device.drift()).unsigned_abs() <= u64::from(policy.max_drift()));
    } else {
        assert!(device.fails() == before.fails() || device.fails() == before.fails() + 1);
        assert_eq!((verdict.matched(), verdict.drift()), (None, None));
        assert_eq!(device.last_used(), before.last_used());
        assert_eq!(device.recovery_codes_left(), before.recovery_codes_left());
    }
    if let Lock::Hard { max_fails: fails } = policy.lock() {
        let is_closed = matches!(device.status(), Status::Locked | Status::Disabled) || !device.validity().contains(now);
        assert!(device.fails() < fails || is_closed);
    }
    Some(verdict)
}

/// The code that a clock shows which is so many steps off: 128 and more count as behind.
fn shown(totp: &Totp, now: u64, off: u8) -> Code {
    totp.hotp().generate(totp.step(now).unwrap_or_default().saturating_add_signed(off.cast_signed().into()))
}

pub fn run(input: Input) {
    let Ok(mut policy) = policy(&input) else { return };
    let mut other = Policy::default();
    let Ok(mut device) = enrol(&input, &policy) else { return };
    let mut now = input.created;
    for operation in input.operations.iter().take(64) {
        match operation {
            Operation::OtherPolicy => std::mem::swap(&mut policy, &mut other),
            Operation::Later(seconds) => now = now.saturating_add(u64::from(*seconds)),
            Operation::Verify(answer, time) => {
                let before = device.clone();
                let attempt = before.verify(&policy, answer, *time);
                judge(&mut device, &policy, attempt, *time);
            }
            Operation::VerifyRight(ahead, skew) => {
                now = now.saturating_add(skew % 100);
                let answer = match (device.factor(), device.resend(&policy, now)) {
                    (Factor::Totp(totp), _) => shown(totp, now, *ahead).as_bytes().to_vec(),
                    (Factor::Hotp(hotp), _) => {
                        hotp.generate(device.moving_factor().saturating_add(u64::from(*ahead))).as_bytes().to_vec()
                    }
                    (_, Ok(Challenge::Message { code, .. })) => code.as_bytes().to_vec(),
                    (Factor::Recovery(codes), _) => codes
                        .iter()
                        .nth(usize::from(*ahead % codes.count()))
                        .map_or_else(Vec::new, |code| code.as_str().as_bytes().to_vec()),
                    (Factor::Pin(pin), Ok(Challenge::Positions(asked))) => {
                        asked.iter().map(|number| pin.expose()[usize::from(number) - 1]).collect()
                    }
                    _ => Vec::new(),
                };
                let before = device.clone();
                let attempt = before.verify(&policy, &answer, now);
                let verdict = judge(&mut device, &policy, attempt, now);
                // What verify accepts of an authenticator, the search finds in it.
                if verdict.is_some_and(|verdict| verdict.is_right()) && matches!(device.factor(), Factor::Totp(_) | Factor::Hotp(_))
                {
                    assert_eq!(Search::for_code(policy, &answer, now).find(&[&before], &mut [false]), 1);
                }
            }
            Operation::Resync(first, second, time) => {
                let before = device.clone();
                let attempt = before.resync(&policy, first, second, *time);
                judge(&mut device, &policy, attempt, *time);
            }
            Operation::ResyncRight(ahead, time) => {
                let before = device.clone();
                let (first, second) = match before.factor() {
                    Factor::Hotp(hotp) => {
                        let at = device.moving_factor().saturating_add(u64::from(*ahead));
                        (hotp.generate(at), hotp.generate(at.saturating_add(1)))
                    }
                    Factor::Totp(totp) => (shown(totp, *time, *ahead), shown(totp, *time, ahead.wrapping_add(1))),
                    _ => continue,
                };
                let attempt = before.resync(&policy, first.as_bytes(), second.as_bytes(), *time);
                judge(&mut device, &policy, attempt, *time);
            }
            Operation::Challenge(seed, time) => {
                let before = device.clone();
                let attempt = before.challenge(&policy, &mut Seeded(*seed), *time);
                if store(&mut device, attempt).is_some() {
                    assert_eq!((device.fails(), device.status()), (before.fails(), before.status()));
                    let (asked, now) =
                        (before.positions().map_or(0, |asked| asked.mask()), device.positions().map_or(0, |asked| asked.mask()));
                    assert_eq!(asked & now, asked, "what was asked stays asked");
                }
            }
            Operation::Resend(time) => drop(device.resend(&policy, *time)),
            Operation::Status(number, time) => {
                let before = device.clone();
                if device.set_status(Status::ALL[usize::from(number % 4)], *time).is_err() {
                    assert_eq!(device, before);
                }
                assert!(device.moving_factor() >= before.moving_factor());
            }
            Operation::Replace(secret, kind, period, time) => {
                let before = device.clone();
                let Ok(other) = enrol(&Input { secret: secret.clone(), kind: *kind, period: *period, ..input.clone() }, &policy)
                else {
                    continue;
                };
                let same = device.factor().generator() == other.factor().generator();
                let same_codes = device.factor().secret() == other.factor().secret();
                match device.replace_factor(&other, *time) {
                    Ok(()) => {
                        assert_eq!((device.fails(), device.status()), (before.fails(), before.status()));
                        assert_eq!((device.pending_since(), device.drift()), (None, 0));
                        assert_eq!(device.throttled_until(), before.throttled_until());
                        assert!(!same || device.moving_factor() >= before.moving_factor());
                        let used = |device: &Device| match device.factor() {
                            Factor::Recovery(codes) => codes.count() - device.recovery_codes_left().unwrap_or_default(),
                            _ => 0,
                        };
                        assert!(!same_codes || used(&device) >= used(&before));
                    }
                    Err(_) => assert_eq!(device, before),
                }
            }
            Operation::ForgetSteps(time) => {
                let before = device.clone();
                match device.forget_steps(*time) {
                    Ok(()) => {
                        assert!(device.moving_factor() <= before.moving_factor() && device.drift() == 0);
                        assert_eq!((device.fails(), device.status()), (before.fails(), before.status()));
                    }
                    Err(_) => assert_eq!(device, before),
                }
            }
            Operation::Validity(first, last, time) => {
                let Ok(validity) = Validity::new(*first, *last) else { continue };
                let before = device.clone();
                match device.set_validity(validity, *time) {
                    Ok(()) => {
                        assert_eq!((device.validity(), device.revision()), (validity, before.revision() + 1));
                        assert_eq!((device.fails(), device.status()), (before.fails(), before.status()));
                        assert_eq!((device.moving_factor(), device.drift()), (before.moving_factor(), before.drift()));
                    }
                    Err(_) => assert_eq!(device, before),
                }
            }
            Operation::Unlock(time) => {
                if device.unlock(*time).is_ok() {
                    assert!(device.fails() == 0 && device.status() != Status::Locked);
                }
            }
        }
        let record = device.to_record();
        assert_eq!(Device::from_bytes(record.as_bytes()).as_ref(), Ok(&device));
    }
}
