//! What several test files need: a deterministic generator, devices of every kind, and a store with
//! compare and swap.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::convert::Infallible;
use std::sync::Mutex;

use hmac::{Hmac, KeyInit, Mac};
use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob::{
    Algorithm, Attempt, Challenge, Device, Digits, Error, Factor, Hotp, Kind, Next, Pin, Policy, RECORD_SIZE, RecoveryCodes,
    Secret, Totp,
};
use proptest::prelude::*;

/// A generator whose numbers follow from its seed (SplitMix64): reproducible, and no source of
/// secrets.
pub struct Seeded(pub u64);

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(number ^ number >> 31)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().try_for_each(|byte| self.try_next_u64().map(|number| *byte = number.to_le_bytes()[0]))
    }
}

impl TryCryptoRng for Seeded {}

/// A generator that fails.
pub struct Failing;

impl TryRng for Failing {
    type Error = std::io::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

impl TryCryptoRng for Failing {}

/// A time far enough from both ends of time.
pub const NOW: u64 = 1_700_000_000;

/// A new device of a factor; `counter` is that of HOTP.
pub fn enrolled(factor: Factor, counter: u64) -> Device {
    match factor {
        Factor::Totp(totp) => Device::totp(totp, NOW),
        Factor::Hotp(hotp) => Device::hotp(hotp, counter, NOW),
        Factor::Sms(hotp) => Device::sms(hotp, NOW),
        Factor::Email(hotp) => Device::email(hotp, NOW),
        Factor::Pin(pin) => {
            let policy = Policy::builder().pin_min_length(4).build().unwrap();
            Device::pin(pin, &policy, NOW).unwrap()
        }
        Factor::Recovery(codes) => Device::recovery(codes, NOW),
    }
}

pub fn secret() -> Secret {
    Secret::new(b"12345678901234567890").unwrap()
}

pub fn totp() -> Totp {
    Totp::new(secret())
}

pub fn hotp() -> Hotp {
    Hotp::new(secret())
}

pub fn hotps() -> impl Strategy<Value = Hotp> {
    (prop::collection::vec(any::<u8>(), 16..=64), 0..3_usize, 6..=10_u8).prop_map(|(secret, algorithm, digits)| {
        Hotp::new(Secret::new(&secret).unwrap()).with_algorithm(Algorithm::ALL[algorithm]).with_digits(Digits::new(digits).unwrap())
    })
}

pub fn pins() -> impl Strategy<Value = Pin> {
    "[0-9]{8,64}".prop_map(|digits| Pin::new(digits.as_bytes()).unwrap())
}

pub fn recovery_codes(least: u8) -> impl Strategy<Value = RecoveryCodes> {
    (prop::collection::vec(any::<u8>(), 16..=64), least..=64_u8)
        .prop_map(|(secret, count)| RecoveryCodes::new(Secret::new(&secret).unwrap(), count).unwrap())
}

/// Fresh devices of every kind, enrolled at [`NOW`].
pub fn devices() -> impl Strategy<Value = Device> {
    prop_oneof![
        (hotps(), 1..=3600_u32, 0..NOW)
            .prop_map(|(hotp, period, t0)| Device::totp(Totp::from_hotp(hotp).with_period(period).unwrap().with_t0(t0), NOW)),
        (hotps(), 0..u64::MAX - 2_000_000).prop_map(|(hotp, counter)| Device::hotp(hotp, counter, NOW)),
        hotps().prop_map(|hotp| Device::sms(hotp, NOW)),
        hotps().prop_map(|hotp| Device::email(hotp, NOW)),
        pins().prop_map(|pin| Device::pin(pin, &Policy::default(), NOW).unwrap()),
        // More than a test uses up.
        recovery_codes(16).prop_map(|codes| Device::recovery(codes, NOW)),
    ]
}

/// The check at the end of a record, as docs/record-format.md defines it: written a second time.
pub fn check(record: &[u8]) -> u64 {
    let odd = 0x9e37_79b9_7f4a_7c15_u64;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(odd).rotate_left(29);
    let words = record[..RECORD_SIZE - 8].chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    let sums = (0..4).map(|sum| words.clone().skip(sum).step_by(4).fold(odd, step));
    let sum = sums.fold(odd, step);
    (sum ^ sum >> 32).wrapping_mul(odd)
}

/// The next device and the answer, as a host sees them that stores the bytes.
pub fn committed<T>(attempt: Attempt<'_, T>) -> (Device, T) {
    let (next, held) = attempt.split();
    (Device::from_bytes(next.to_record().as_bytes()).unwrap(), held.release())
}

/// Requests a challenge, and gives the device that waits for its answer beside the right answer.
pub fn challenged(device: &Device, policy: &Policy, now: u64) -> (Device, Vec<u8>) {
    let (device, challenge) = committed(device.challenge(policy, &mut Seeded(now), now).unwrap());
    let answer = match (challenge, device.factor()) {
        (Challenge::Message { code, .. }, _) => code.as_bytes().to_vec(),
        (Challenge::Positions(positions), Factor::Pin(pin)) => {
            positions.iter().map(|number| pin.expose()[usize::from(number) - 1]).collect()
        }
        (Challenge::Authenticator, Factor::Totp(totp)) => totp.generate(now).unwrap().as_bytes().to_vec(),
        (Challenge::Authenticator, Factor::Hotp(hotp)) => hotp.generate(device.moving_factor()).as_bytes().to_vec(),
        (Challenge::Authenticator, Factor::Recovery(codes)) => {
            // The first that is left, where they were used in their order; else the last.
            let used = codes.count() - device.recovery_codes_left().unwrap();
            codes.iter().take(usize::from(used) + 1).last().unwrap().as_str().as_bytes().to_vec()
        }
        other => panic!("a challenge of another kind: {other:?}"),
    };
    (device, answer)
}

/// An answer of the right length that is wrong: no code of any window is it.
pub fn wrong(device: &Device, policy: &Policy, right: &[u8], now: u64) -> Vec<u8> {
    let mut answer = right.to_vec();
    loop {
        let verdict = device.verify(policy, &answer, now).unwrap().commit(|_| Ok::<(), Error>(())).unwrap();
        if !verdict.is_right() && verdict.reason() != keyfob::Reason::Replayed && answer != right {
            return answer;
        }
        for digit in answer.iter_mut().rev() {
            *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
            if *digit != b'0' {
                break;
            }
        }
    }
}

/// RFC 4226 to the letter, on RustCrypto's HMAC: what tests compare the engine's codes with.
pub fn code(secret: &[u8], algorithm: Algorithm, digits: u32, counter: u64) -> String {
    fn mac<M: Mac + KeyInit>(key: &[u8], counter: u64) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
        mac.update(&counter.to_be_bytes());
        mac.finalize().into_bytes().to_vec()
    }
    let mac = match algorithm {
        Algorithm::Sha1 => mac::<Hmac<sha1::Sha1>>(secret, counter),
        Algorithm::Sha256 => mac::<Hmac<sha2::Sha256>>(secret, counter),
        Algorithm::Sha512 => mac::<Hmac<sha2::Sha512>>(secret, counter),
    };
    let offset = usize::from(mac[mac.len() - 1] & 15);
    let truncated = u64::from(u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff);
    format!("{:0width$}", truncated % 10_u64.pow(digits), width = digits as usize)
}

/// Whether the device waits for what it was sent rather than for what it shows.
pub fn is_message(device: &Device) -> bool {
    matches!(device.kind(), Kind::Sms | Kind::Email)
}

/// A store of one record with compare and swap, as a table with a version column.
pub struct Store(Mutex<Vec<u8>>);

/// Somebody else stored first.
#[derive(Debug)]
pub struct Conflict;

impl Store {
    pub fn new(device: &Device) -> Self {
        Self(Mutex::new(device.to_record().as_bytes().to_vec()))
    }

    pub fn read(&self) -> Device {
        Device::from_bytes(&self.0.lock().unwrap()).unwrap()
    }

    pub fn swap(&self, revision: u64, next: &Next<'_>) -> Result<(), Conflict> {
        let mut stored = self.0.lock().unwrap();
        if Device::from_bytes(&stored).unwrap().revision() != revision {
            return Err(Conflict);
        }
        stored.copy_from_slice(next.to_record().as_bytes());
        Ok(())
    }
}
