//! Status, the ends of time and numbers, secrets, and refusals from outside: rules 8, 9, 11 and 12.

use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob::{Code, Device, Error, Factor, Kind, Pin, Policy, Reason, Record, Secret, Status, Verdict};
use proptest::prelude::*;

use crate::common::{Failing, NOW, Seeded, challenged, committed, devices, hotp, hotps, is_message, secret, totp, wrong};
use crate::{failed, judge};

proptest! {
    #[test]
    fn rule_08_the_first_right_answer_validates(device in devices(), fails in 0..10_u32, later in 0..9_u64) {
        let policy = Policy::default();
        prop_assert_eq!((device.status(), device.last_used()), (Status::Created, None));
        let (device, right) = failed(&device, &policy, fails);
        prop_assert_eq!(device.status(), Status::Created);
        let now = if device.kind() == Kind::Totp { NOW } else { NOW + later };
        let (device, verdict) = judge(&device, &policy, &right, now);
        prop_assert!(verdict.is_right());
        prop_assert_eq!((device.status(), device.fails(), device.last_used()), (Status::Validated, 0, Some(now)));
    }

    #[test]
    fn rule_08_last_used_never_goes_back(hotp in hotps(), back in 0..=30_u64) {
        let policy = Policy::default();
        let device = Device::hotp(hotp.clone(), 0, NOW - 100);
        let (device, _) = judge(&device, &policy, hotp.generate(0).as_bytes(), NOW);
        let (device, verdict) = judge(&device, &policy, hotp.generate(1).as_bytes(), NOW - back);
        prop_assert!(verdict.is_right());
        prop_assert_eq!(device.last_used(), Some(NOW));
    }

    #[test]
    fn rule_09_a_factor_of_another_kind_is_refused(device in devices(), other in devices()) {
        prop_assume!(device.kind() != other.kind());
        let mut next = device.clone();
        prop_assert_eq!(next.replace_factor(&other, NOW), Err(Error::WrongKind));
        prop_assert_eq!(next, device);
    }

    #[test]
    fn rule_09_a_clock_set_back_is_an_error(device in devices(), back in 31..NOW) {
        let policy = Policy::default();
        let (device, right) = challenged(&device, &policy, NOW);
        let device = if device.pending_since().is_some() { device } else { judge(&device, &policy, &right, NOW).0 };
        prop_assert_eq!(device.verify(&policy, &right, NOW - back).err(), Some(Error::Clock));
        prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), NOW - back).err(), Some(Error::Clock));
        prop_assert_eq!(device.resend(&policy, NOW - back).err(), Some(Error::Clock));
    }

    #[test]
    fn rule_09_clocks_may_differ_a_little(device in devices(), back in 0..=30_u64) {
        let policy = Policy::default();
        let (device, right) = challenged(&device, &policy, NOW);
        let now = if device.kind() == Kind::Totp { NOW } else { NOW - back };
        prop_assert!(judge(&device, &policy, &right, now).1.is_right());
    }

    #[test]
    fn rule_09_the_engine_panics_at_no_time_or_counter(device in devices(), now: u64, edge in 0..40_u64, high: bool, answer in "[0-9]{0,70}") {
        for now in [now, if high { u64::MAX - edge } else { edge }] {
            for policy in [Policy::default(), Policy::soffid(), Policy::builder().window(0).max_drift(1000).build().unwrap()] {
                let _ = device.verify(&policy, answer.as_bytes(), now);
                let _ = device.resync(&policy, answer.as_bytes(), answer.as_bytes(), now);
                let _ = device.challenge(&policy, &mut Seeded(now), now);
                let _ = device.resend(&policy, now);
                let mut device = device.clone();
                prop_assert_eq!(device.unlock(now), Ok(()));
                for status in Status::ALL {
                    prop_assert_eq!(device.set_status(status, now), Ok(()));
                }
            }
        }
    }

    #[test]
    fn rule_09_codes_end_at_the_last_number_but_not_the_device(hotp in hotps()) {
        let history = keyfob::History { status: Status::Created, fails: 0, last_counter: Some(u64::MAX - 1), created: NOW, last_used: None };
        let policy = Policy::default();
        for factor in [Factor::Sms(hotp.clone()), Factor::Hotp(hotp.clone())] {
            let mut device = Device::restore(factor, history).unwrap();
            if is_message(&device) {
                prop_assert_eq!(device.challenge(&policy, &mut Seeded(1), NOW).err(), Some(Error::Exhausted));
            }
            prop_assert_eq!(device.verify(&policy, b"000000", NOW).err(), Some(Error::Exhausted));
            for status in [Status::Disabled, Status::Locked, Status::Created] {
                prop_assert_eq!(device.set_status(status, NOW), Ok(()));
            }
            prop_assert_eq!(device.unlock(NOW), Ok(()));
        }
        let beyond = keyfob::History { last_counter: Some(u64::MAX), ..history };
        prop_assert_eq!(Device::restore(Factor::Hotp(hotp), beyond).err(), Some(Error::Exhausted));
    }

    #[test]
    fn rule_09_the_last_counters_are_refused_not_wrapped(hotp in hotps(), left in 0..12_u64) {
        let counter = u64::MAX - left;
        let (device, policy) = (Device::hotp(hotp.clone(), counter, NOW), Policy::default());
        let code = hotp.generate(counter);
        match device.verify(&policy, code.as_bytes(), NOW) {
            Err(error) => prop_assert_eq!((error, left), (Error::Exhausted, 0)),
            Ok(attempt) => {
                let (device, verdict) = committed(attempt);
                prop_assert!(verdict.is_right());
                prop_assert!(device.moving_factor() > counter);
            }
        }
    }

    #[test]
    fn rule_12_outsiders_see_the_same_refusal(hotp in hotps(), fails in 0..8_u32) {
        let policy = Policy::default();
        let outside = |verdict: Verdict| (verdict.is_right(), verdict.is_locked());
        // Neighbouring steps may have the same code, once in a million.
        let step = NOW / 30;
        prop_assume!(hotp.generate(step) != hotp.generate(step - 1) && hotp.generate(step) != hotp.generate(step + 1));
        let totp = Device::totp(keyfob::Totp::from_hotp(hotp.clone()), NOW);
        let (totp, right) = failed(&totp, &policy, fails);
        let guess = wrong(&totp, &policy, &right, NOW);
        let (used, accepted) = judge(&totp, &policy, &right, NOW);
        let (sms, sent) = failed(&Device::sms(hotp, NOW), &policy, fails);
        let refusals = [
            (judge(&totp, &policy, &guess, NOW).1, Reason::Wrong),
            (judge(&used, &policy, &right, NOW).1, Reason::Replayed),
            (judge(&sms, &policy, &sent, NOW + 600).1, Reason::Expired),
            (judge(&judge(&sms, &policy, &sent, NOW).0, &policy, &sent, NOW).1, Reason::NoChallenge),
        ];
        for (verdict, reason) in refusals {
            prop_assert_eq!(outside(verdict), (false, false));
            prop_assert_eq!((verdict.reason(), verdict.matched(), verdict.drift()), (reason, None, None));
        }
        prop_assert_eq!((accepted.reason(), accepted.matched().is_some(), accepted.drift().is_some()), (Reason::Right, true, true));
    }
}

#[test]
fn rule_11_secrets_never_show() {
    let policy = Policy::default();
    let pin = Device::pin(Pin::new(b"40719283").unwrap(), &policy, NOW).unwrap();
    let (sms, _) = challenged(&Device::sms(hotp(), NOW), &policy, NOW);
    let challenge = sms.resend(&policy, NOW).unwrap();
    let code = hotp().generate(0);
    let uri = keyfob::Uri::parse("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    let attempt = sms.verify(&policy, code.as_bytes(), NOW).unwrap();
    let shown = format!(
        "{:?} {:?} {pin:?} {sms:?} {challenge:?} {code:?} {uri:?} {attempt:?} {:?} {:?} {:#?} {:?}",
        secret(),
        totp(),
        sms.to_record(),
        keyfob::SealKey::new(1, *b"0123456789abcdef0123456789abcdef"),
        Device::totp(totp(), NOW),
        sms.verify(&policy, code.as_bytes(), NOW).unwrap().split().1,
    );
    let bytes = format!("{:?}", secret().expose());
    for hidden in
        ["12345678901234567890", "GEZDGNBV", "31323334", &bytes[1..20], "40719283", code.as_str(), "0123456789abcdef", "52, 48, 55"]
    {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}

#[test]
fn rule_11_secrets_are_wiped_on_drop() {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<Secret>();
    wiped::<Pin>();
    wiped::<Code>();
    wiped::<Record>();
    wiped::<keyfob::SealKey>();

    // And in memory: drop in place, then read the process's own memory where the secret was.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::FileExt;
        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        let mut slot = Box::new(Some(Device::totp(totp(), NOW)));
        let address = (&raw const *slot) as u64;
        let read = || {
            let mut bytes = vec![0; size_of::<Option<Device>>()];
            memory.read_exact_at(&mut bytes, address).unwrap();
            bytes.windows(20).any(|bytes| bytes == secret().expose())
        };
        assert!(read(), "the secret must be where it is looked for");
        *slot = None;
        std::hint::black_box(&mut slot);
        assert!(!read());
    }
}

/// A generator that always gives the same byte.
struct Stuck(u8);

impl TryRng for Stuck {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_ne_bytes([self.0; 4]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_ne_bytes([self.0; 8]))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Stuck {}

#[test]
fn rule_11_failed_randomness_is_an_error() {
    for algorithm in keyfob::Algorithm::ALL {
        assert_eq!(Secret::random(algorithm, &mut Failing), Err(Error::Randomness));
        assert_eq!(Secret::random(algorithm, &mut Stuck(0)), Err(Error::Randomness));
        assert_eq!(Secret::random(algorithm, &mut Seeded(1)).unwrap().expose().len(), algorithm.secret_len());
    }
    let policy = Policy::default();
    let pin = Device::pin(Pin::new(b"12345678").unwrap(), &policy, NOW).unwrap();
    assert_eq!(pin.challenge(&policy, &mut Failing, NOW).err(), Some(Error::Randomness));
    // Stuck at the value that is always drawn again: this must not hang.
    assert_eq!(pin.challenge(&policy, &mut Stuck(255), NOW).err(), Some(Error::Randomness));
}
