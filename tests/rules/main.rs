//! The engine's rules, each as a property under its number in docs/rules.md, by subject. Rule 10 is
//! in `constant_time.rs`.

mod answers;
mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod limits;
mod locks;
mod recovery;
mod replay;
mod tokens;

use common::{NOW, challenged, committed, wrong};
use keyfob::{Device, Factor, Hotp, Pin, Policy, RecoveryCodes, Secret, Totp, Verdict};

fn judge(device: &Device, policy: &Policy, answer: &[u8], now: u64) -> (Device, Verdict) {
    committed(device.verify(policy, answer, now).unwrap())
}

/// A device that has failed `fails` times, with a pending challenge and its right answer.
fn failed(device: &Device, policy: &Policy, fails: u32) -> (Device, Vec<u8>) {
    let (mut device, right) = challenged(device, policy, NOW);
    let guess = wrong(&device, policy, &right, NOW);
    for _ in 0..fails {
        device = judge(&device, policy, &guess, NOW).0;
    }
    (device, right)
}

/// A factor of the device's kind with the other's secret; the same period and T0.
fn another(device: &Device, other: &Device) -> Factor {
    // Two random devices have the same secret only where proptest has shrunk them.
    let secret = other.factor().secret().filter(|&new| device.factor().secret() != Some(new));
    let secret = secret.cloned().unwrap_or_else(|| Secret::new(b"another secret, of none of them").unwrap());
    match (device.factor(), other.factor()) {
        (Factor::Pin(_), Factor::Pin(new)) => Factor::Pin(new.clone()),
        (Factor::Pin(_), _) => Factor::Pin(Pin::new(b"99887766").unwrap()),
        (Factor::Recovery(old), _) => Factor::Recovery(RecoveryCodes::new(secret, old.count()).unwrap()),
        (old, _) => {
            let Some(hotp) = old.generator() else { unreachable!("all others have one") };
            of_generator(old, Hotp::new(secret).with_algorithm(hotp.algorithm()).with_digits(hotp.digits()))
        }
    }
}

/// A factor like this one whose codes are made by `hotp`: the same kind, period and T0.
fn of_generator(factor: &Factor, hotp: Hotp) -> Factor {
    match factor {
        Factor::Totp(old) => Factor::Totp(Totp::from_hotp(hotp).with_period(old.period()).unwrap().with_t0(old.t0())),
        Factor::Hotp(_) => Factor::Hotp(hotp),
        Factor::Sms(_) => Factor::Sms(hotp),
        Factor::Email(_) => Factor::Email(hotp),
        Factor::Pin(_) | Factor::Recovery(_) => panic!("it has no generator"),
    }
}

/// Resyncs a HOTP device with the next two codes, and returns the match; none for other kinds.
fn resynced(device: &Device, policy: &Policy, now: u64) -> Option<(Device, u64)> {
    let Factor::Hotp(hotp) = device.factor() else { return None };
    let [first, second] = [0, 1].map(|more| hotp.generate(device.moving_factor() + more));
    let (next, verdict) = committed(device.resync(policy, first.as_bytes(), second.as_bytes(), now).unwrap());
    verdict.matched().map(|matched| (next, matched))
}
