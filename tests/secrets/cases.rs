//! What is run under memcheck: every kind, window and way in, with secret and answer hidden.

use std::hint::black_box;

use keyfob::ffi::*;
use keyfob::{
    Algorithm, Code, Device, Digits, Factor, GuessChance, Hotp, Kind, Lock, Pin, PinPositions, Policy, RecoveryCodes, SEALED_SIZE,
    SealKey, Search, Secret, Status, Totp, Validity,
};

use crate::common::{NOW, Seeded, challenged, hotp, secret};
use crate::memcheck::{declassify, hide, is_hidden};

/// What a case must be found to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// No branch and no index on what is hidden, though the outcome depends on it.
    Silent,
    /// The same, and nothing of the next device depends on it: what is closed does not tell whether
    /// the answer was right.
    Blind,
    /// Reported.
    Reported,
}

/// A case, with a call that returns whether the outcome depended on what was hidden.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) expected: Expected,
    pub(crate) call: Box<dyn Fn() -> bool>,
}

fn case(name: impl Into<String>, call: impl Fn() -> bool + 'static) -> Case {
    Case { name: name.into(), expected: Expected::Silent, call: Box::new(call) }
}

impl Case {
    fn blind(self) -> Self {
        Self { expected: Expected::Blind, ..self }
    }
}

fn hide_secret(device: &Device) {
    match device.factor() {
        Factor::Pin(pin) => hide(pin.expose()),
        other => hide(other.secret().unwrap().expose()),
    }
}

/// The offset of the secret in a record.
const SECRET: usize = 96;

/// The record, its secret hidden.
fn hidden_record(device: &Device) -> keyfob_record {
    let record = keyfob_record { bytes: *black_box(device.to_record()).as_bytes() };
    let len = usize::from(record.bytes[7]);
    hide(&record.bytes[SECRET..SECRET + len]);
    record
}

fn hidden(answer: &[u8]) -> Vec<u8> {
    let answer = black_box(answer.to_vec());
    hide(&answer);
    answer
}

/// Judges an answer, or two for a resync.
fn verify(name: impl Into<String>, device: &Device, policy: Policy, answers: &[&[u8]], now: u64) -> Case {
    let (device, answers) = (device.clone(), answers.iter().map(|answer| answer.to_vec()).collect::<Vec<_>>());
    case(name, move || {
        let device = black_box(device.clone());
        hide_secret(&device);
        let answers: Vec<_> = answers.iter().map(|answer| hidden(answer)).collect();
        let attempt = match &answers[..] {
            [answer] => device.verify(black_box(&policy), answer, now),
            [first, second] => device.resync(black_box(&policy), first, second, now),
            _ => return false,
        };
        let Ok(attempt) = attempt else { return false };
        let (next, held) = attempt.split();
        let verdict = held.release();
        let record = next.to_record();
        let depends = record.as_bytes()[..SECRET].iter().any(|&byte| is_hidden(byte.into()));
        declassify(&verdict);
        black_box(verdict.is_right());
        depends
    })
}

fn authenticators() -> Vec<Case> {
    let mut cases = Vec::new();
    for algorithm in Algorithm::ALL {
        for window in [0, 1, 10] {
            let policy = Policy::builder().window(window).build().unwrap();
            let totp =
                Totp::from_hotp(Hotp::new(Secret::new(&[0xa5; 64][..algorithm.secret_len()]).unwrap()).with_algorithm(algorithm));
            let (device, right) = (Device::totp(totp.clone(), NOW), totp.generate(NOW).unwrap());
            cases.push(verify(format!("TOTP {algorithm}, window {window}, right"), &device, policy, &[right.as_bytes()], NOW));
            cases.push(verify(format!("TOTP {algorithm}, window {window}, wrong"), &device, policy, &[b"000000"], NOW));
        }
    }
    for digits in 6..=10 {
        let hotp = hotp().with_digits(Digits::new(digits).unwrap());
        let (device, code) = (Device::hotp(hotp.clone(), 5, NOW), hotp.generate(9));
        cases.push(verify(format!("HOTP, {digits} digits"), &device, Policy::soffid(), &[code.as_bytes()], NOW));
    }
    let device = Device::hotp(hotp(), 5, NOW);
    let pair = [80, 81].map(|counter| hotp().generate(counter));
    cases.push(verify("HOTP resync", &device, Policy::default(), &[pair[0].as_bytes(), pair[1].as_bytes()], NOW));
    cases.push(verify("TOTP, other characters", &Device::totp(Totp::new(secret()), NOW), Policy::default(), &[b"\xff\0-1 9"], NOW));

    // Every state in which a device can be.
    let device = Device::totp(Totp::new(secret()), NOW);
    let right = Totp::new(secret()).generate(NOW + 30).unwrap();
    for status in Status::ALL {
        let mut device = device.clone();
        device.set_status(status, NOW).unwrap();
        let case = verify(format!("TOTP with status {status:?}"), &device, Policy::default(), &[right.as_bytes()], NOW);
        cases.push(if matches!(status, Status::Locked | Status::Disabled) { case.blind() } else { case });
    }
    let used = device.verify(&Policy::default(), right.as_bytes(), NOW).unwrap().split().0;
    cases.push(verify("TOTP, replayed", &used, Policy::default(), &[right.as_bytes()], NOW));
    cases.push(verify("TOTP, repeated later", &used, Policy::default(), &[right.as_bytes()], NOW + 86_400));
    let mut ahead = used;
    ahead.unlock(NOW - 7_200).unwrap();
    cases.push(verify("TOTP, used ahead", &ahead, Policy::default(), &[right.as_bytes()], NOW - 7_200).blind());
    let lock = Lock::Throttle { max_fails: 1, first_delay: 60, max_delay: 60 };
    let throttle =
        Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN).max_drift(9);
    let throttle = throttle.build().unwrap();
    let throttled = device.verify(&throttle, b"wrong", NOW).unwrap().split().0;
    cases.push(verify("TOTP that learns its drift", &device, throttle, &[right.as_bytes()], NOW));
    cases.push(verify("TOTP, throttled", &throttled, throttle, &[right.as_bytes()], NOW).blind());
    let lock = Lock::ThrottleThenLock { max_fails: 1, first_delay: 60, max_delay: 60, total_fails: 2 };
    let total = throttle.to_builder().lock(lock).build().unwrap();
    let later = NOW + 60;
    let locked = throttled.verify(&total, b"wrong", later).unwrap().split().0;
    cases.push(verify("TOTP, a fail before the lock", &throttled, total, &[right.as_bytes(), b"000000"], later));
    cases.push(verify("TOTP, locked by its total", &locked, total, &[right.as_bytes()], later).blind());
    cases
}

/// Hardware tokens: a clock that is off, a validity, a short secret.
fn tokens() -> Vec<Case> {
    let policy = Policy::builder().max_drift(40).first_window(20).build().unwrap();
    let (device, code) = (Device::totp(Totp::new(secret()), NOW), |away: u64| totp_code(&Totp::new(secret()), away));
    let pair = [code(7), code(8)];
    let used = device.resync(&policy, pair[0].as_bytes(), pair[1].as_bytes(), NOW).unwrap().split().0;
    let limited = |device: &Device, validity| device.clone().with_validity(validity).unwrap();
    let expired = Validity::new(None, Some(NOW - 1)).unwrap();
    let valid = limited(&device, Validity::new(Some(NOW), Some(NOW)).unwrap());
    let short = Totp::new(Secret::new_allowing_short(&[0xa5; 10]).unwrap());
    let short_code = totp_code(&short, 0);
    let mut cases = Vec::new();
    for (name, device, codes) in
        [("right", &device, &pair), ("wrong", &device, &[code(90), code(95)]), ("done before", &used, &pair)]
    {
        let codes = codes.each_ref().map(|code| code.as_bytes());
        cases.push(verify(format!("TOTP resync, {name}"), device, policy, &codes, NOW));
    }
    let both = pair.each_ref().map(|code| code.as_bytes());
    cases.push(verify("TOTP resync after its validity", &limited(&device, expired), policy, &both, NOW).blind());
    cases.push(verify("TOTP with a drift of a resync", &used, policy, &[code(10).as_bytes()], NOW));
    cases.push(verify("TOTP in its first window", &device, policy, &[code(20).as_bytes()], NOW));
    cases.push(verify("TOTP within its validity", &valid, policy, &[code(0).as_bytes()], NOW));
    cases.push(verify("TOTP after its validity", &limited(&device, expired), policy, &[code(0).as_bytes()], NOW).blind());
    let counted = limited(&Device::hotp(hotp(), 5, NOW), expired);
    cases.push(verify("HOTP after its validity", &counted, policy, &[hotp().generate(5).as_bytes()], NOW).blind());
    cases.push(verify("TOTP with a short secret", &Device::totp(short, NOW), policy, &[short_code.as_bytes()], NOW));
    cases
}

/// The code of so many steps later than [`NOW`].
fn totp_code(totp: &Totp, steps: u64) -> Code {
    totp.generate(NOW + 30 * steps).unwrap()
}

fn asked() -> Vec<Case> {
    let mut cases = Vec::new();
    let policy = Policy::default();
    for device in [Device::sms(hotp(), NOW), Device::email(hotp(), NOW)] {
        let kind = device.kind();
        cases.push(verify(format!("{kind:?}, not asked"), &device, policy, &[b"123456"], NOW).blind());
        let (device, right) = challenged(&device, &policy, NOW);
        cases.push(verify(format!("{kind:?}, right"), &device, policy, &[&right], NOW));
        cases.push(verify(format!("{kind:?}, expired"), &device, policy, &[&right], NOW + 600).blind());
    }
    let whole = Policy::builder().pin_positions(PinPositions::All).build().unwrap();
    for (name, policy) in [("positions of a PIN", policy), ("whole PIN", whole)] {
        let (device, right) = challenged(&Device::pin(Pin::new(b"49205187").unwrap(), &policy, NOW).unwrap(), &policy, NOW);
        cases.push(verify(format!("{name}, right"), &device, policy, &[&right], NOW));
        cases.push(verify(format!("{name}, wrong"), &device, policy, &[&vec![b'x'; right.len()]], NOW));
    }
    let codes = RecoveryCodes::new(secret(), 30).unwrap();
    let device = Device::recovery(codes.clone(), NOW);
    let right = codes.iter().nth(17).unwrap();
    let used = device.verify(&policy, right.as_bytes(), NOW).unwrap().split().0;
    for (name, typed) in [("right", right.as_bytes()), ("wrong", b"00000-00000-0000"), ("other characters", &[0xff; 16])] {
        cases.push(verify(format!("recovery code, {name}"), &device, policy, &[typed], NOW));
        cases.push(verify(format!("recovery code, one used, {name}"), &used, policy, &[typed], NOW));
    }
    for status in [Status::Locked, Status::Disabled] {
        let mut device = device.clone();
        device.set_status(status, NOW).unwrap();
        cases.push(verify(format!("recovery code, {status:?}"), &device, policy, &[right.as_bytes()], NOW).blind());
    }
    cases.push(case("recovery codes to show", move || {
        let codes = black_box(codes.clone());
        hide(codes.secret().expose());
        codes.iter().all(|code| is_hidden(code.as_bytes()[15].into()))
    }));
    cases.push(case("a code to send", move || {
        let device = black_box(Device::sms(hotp(), NOW));
        hide_secret(&device);
        let (next, held) = device.challenge(&policy, &mut Seeded(1), NOW).unwrap().split();
        let keyfob::Challenge::Message { code, .. } = held.release() else { return false };
        black_box(next.to_record());
        is_hidden(code.as_bytes()[5].into())
    }));
    cases.push(case("a code of a key that was hashed once, and a search for it", move || {
        let hotp = black_box(hotp());
        hide(hotp.secret().expose());
        let keyed = hotp.keyed();
        let code = keyed.generate(7);
        black_box((hotp.search(code.as_bytes(), 0..=70), keyed.search(code.as_bytes(), 0..=70)));
        is_hidden(code.as_bytes()[0].into())
    }));
    cases
}

fn records() -> Vec<Case> {
    let mut cases = Vec::new();
    // Of the second version.
    let short = Hotp::new(Secret::new_allowing_short(&[0xa5; 10]).unwrap());
    let limited = Device::totp(Totp::new(secret()), NOW).with_validity(Validity::new(Some(1), Some(NOW)).unwrap()).unwrap();
    for device in every_kind().into_iter().chain([Device::hotp(short, 0, NOW), limited]) {
        let (read, sealed) = (device.clone(), device);
        let version = read.to_record().as_bytes()[2];
        cases.push(case(format!("record of {:?}, version {version}", read.kind()), move || {
            let record = hidden_record(&read);
            let Ok(device) = Device::from_bytes(black_box(&record.bytes)) else { return false };
            let written = device.to_record();
            is_hidden(written.as_bytes()[SECRET].into()) && is_hidden(written.as_bytes()[167].into())
        }));
        cases.push(case(format!("seal of {:?}, version {version}", sealed.kind()), move || {
            let device = black_box(sealed.clone());
            hide_secret(&device);
            let raw = black_box([7; 32]);
            hide(&raw);
            let key = SealKey::new(1, raw);
            // Opening is not run: all that it decrypts depends on the key, what everybody may know
            // of a device too.
            let bytes = key.seal(&device, b"device", [3; 24]);
            is_hidden(bytes[SEALED_SIZE - 1].into())
        }));
    }
    cases
}

/// Among devices of every kind, and among enough of one to fill vectors.
fn searches() -> Vec<Case> {
    let mut cases = Vec::new();
    for algorithm in Algorithm::ALL {
        for second in [None, Some(b"654321")] {
            let alike = (0..17).map(|_| Device::totp(Totp::from_hotp(hotp().with_algorithm(algorithm)), NOW));
            let devices: Vec<Device> = alike.chain(every_kind()).collect();
            let name = format!("a search by {} of {algorithm}", if second.is_some() { "two codes" } else { "one code" });
            cases.push(case(name, move || {
                let devices = black_box(devices.clone());
                devices.iter().for_each(hide_secret);
                let first = hidden(b"123456");
                let search = match second {
                    None => Search::for_code(Policy::default(), &first, NOW),
                    Some(second) => Search::for_two_codes(Policy::default(), &first, &hidden(second), NOW),
                };
                let mut found = vec![false; devices.len()];
                let count = black_box(search.find(&devices, &mut found));
                let byte = usize::to_le_bytes(count)[0];
                is_hidden(byte.into())
            }));
        }
    }
    cases
}

fn every_kind() -> [Device; 6] {
    let (policy, hotp) = (Policy::default(), hotp());
    [
        Device::totp(Totp::from_hotp(hotp.clone()), NOW),
        Device::hotp(hotp.clone(), 0, NOW),
        challenged(&Device::sms(hotp.clone(), NOW), &policy, NOW).0,
        challenged(&Device::email(hotp, NOW), &policy, NOW).0,
        challenged(&Device::pin(Pin::new(b"49205187").unwrap(), &policy, NOW).unwrap(), &policy, NOW).0,
        Device::recovery(RecoveryCodes::new(secret(), 10).unwrap(), NOW),
    ]
}

fn an_empty_verdict() -> keyfob_verdict {
    keyfob_verdict {
        size: u32::try_from(size_of::<keyfob_verdict>()).unwrap(),
        right: 0,
        locked: 0,
        reason: 0,
        fails: 0,
        recovery_codes_left: 0,
        matched: 0,
        drift: 0,
        retry_at: 0,
    }
}

#[expect(unsafe_code, reason = "a callback of C")]
unsafe extern "C" fn store(to: *mut std::ffi::c_void, next: *const keyfob_record, _: u64) -> i32 {
    // SAFETY: the context is the record that the case below gave, and the library's record lives
    // during the call.
    unsafe { *to.cast::<keyfob_record>() = *next };
    0
}

#[expect(unsafe_code, reason = "calls of C")]
fn c_abi() -> Vec<Case> {
    let mut cases = Vec::new();
    for device in every_kind() {
        let kind = device.kind();
        let typed: &[u8] = match kind {
            Kind::Pin => b"123",
            Kind::Recovery => b"00000-00000-0000",
            _ => b"123456",
        };
        let (in_place, stored) = (device.clone(), device);
        cases.push(case(format!("keyfob_device_verify of {kind:?}"), move || {
            let (mut record, answer, mut verdict) = (hidden_record(&in_place), hidden(typed), an_empty_verdict());
            // SAFETY: live values, of the lengths given.
            let result = unsafe {
                keyfob_device_verify(&raw mut record, std::ptr::null(), answer.as_ptr().cast(), answer.len(), NOW, &raw mut verdict)
            };
            result == keyfob_result::OK && is_hidden(verdict.fails.into())
        }));
        cases.push(case(format!("keyfob_device_verify_and_store of {kind:?}"), move || {
            let (record, answer, mut verdict) = (hidden_record(&stored), hidden(typed), an_empty_verdict());
            let mut next = keyfob_record { bytes: [0; KEYFOB_RECORD_SIZE] };
            let (code, length, to) = (answer.as_ptr().cast(), answer.len(), (&raw mut next).cast());
            // SAFETY: live values, of the lengths given.
            let result = unsafe {
                let verdict = &raw mut verdict;
                keyfob_device_verify_and_store(&raw const record, std::ptr::null(), code, length, NOW, Some(store), to, verdict)
            };
            result == keyfob_result::OK && is_hidden(verdict.fails.into()) && is_hidden(next.bytes[167].into())
        }));
    }
    cases.push(case("keyfob_device_resync", || {
        let mut record = hidden_record(&Device::hotp(hotp(), 0, NOW));
        let (answers, mut verdict) = ([hidden(b"123456"), hidden(b"654321")], an_empty_verdict());
        let [first, second] = &answers;
        // SAFETY: live values, of the lengths given.
        let result = unsafe {
            let (first, second) = ((first.as_ptr().cast(), first.len()), (second.as_ptr().cast(), second.len()));
            let verdict = &raw mut verdict;
            keyfob_device_resync(&raw mut record, std::ptr::null(), first.0, first.1, second.0, second.1, NOW, verdict)
        };
        result == keyfob_result::OK && is_hidden(verdict.fails.into())
    }));
    cases
}

/// What the verification must not be: each must be reported.
fn twins() -> Vec<Case> {
    let stops = |code: &[u8], answer: &[u8]| code.iter().zip(answer).all(|(one, other)| one == other);
    let table = |code: &[u8], answer: &[u8]| {
        let mut seen = [0_u8; 256];
        code.iter().zip(answer).for_each(|(one, other)| seen[usize::from(one ^ other)] += 1);
        black_box(seen)[0] == 6
    };
    let twin = |name: &str, compare: fn(&[u8], &[u8]) -> bool| {
        let case = case(name, move || {
            let hotp = black_box(hotp());
            hide(hotp.secret().expose());
            let (keyed, answer) = (hotp.keyed(), hidden(b"123456"));
            let right = black_box(compare(keyed.generate(7).as_bytes(), &answer));
            declassify(&right);
            true
        });
        Case { expected: Expected::Reported, ..case }
    };
    vec![twin("broken twin that stops at a wrong digit", stops), twin("broken twin that indexes a table", table)]
}

pub(crate) fn all() -> Vec<Case> {
    [authenticators(), tokens(), asked(), records(), searches(), c_abi(), twins()].into_iter().flatten().collect()
}
