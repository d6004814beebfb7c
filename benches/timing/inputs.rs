//! The pairs of classes whose times are compared, and the twins that must differ.

use std::hint::black_box;
use std::ops::Range;

use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob::{
    Algorithm, Attempt, Challenge, Device, Hotp, Lock, Pin, Policy, RECORD_SIZE, RECOVERY_CODE_SIZE, RecoveryCodes, Secret, Status,
    Totp, Verdict,
};

const NOW: u64 = 1_700_000_000;
const STEP: u64 = NOW / 30;
/// Inputs of each class: enough that no table remembers them.
const POOL: usize = 256;

/// A generator whose numbers follow from its seed (`SplitMix64`).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from((u128::from(self.next()) * bound as u128) >> 64).unwrap()
    }
}

impl TryRng for Seeded {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.iter_mut().try_for_each(|byte| self.try_next_u64().map(|number| *byte = number.to_le_bytes()[0]))
    }
}

impl TryCryptoRng for Seeded {}

/// A record and an answer to its device: plain bytes, of one size whatever they are.
#[derive(Clone, Copy)]
pub(crate) struct Input {
    record: [u8; RECORD_SIZE],
    answer: [u8; RECOVERY_CODE_SIZE],
    len: u8,
}

impl Input {
    fn new(device: &Device, answer: &[u8]) -> Self {
        let (record, len) = (*device.to_record().as_bytes(), u8::try_from(answer.len()).unwrap());
        let mut input = Self { record, answer: [0; RECOVERY_CODE_SIZE], len };
        input.answer[..answer.len()].copy_from_slice(answer);
        input
    }

    /// One of two, of which both are read: a cache is left alike by either.
    pub(crate) fn select(&mut self, [first, second]: &[Self; 2], class: usize) {
        let mask = black_box(u8::try_from(class).unwrap().wrapping_neg());
        let select = |first: u8, second: u8| first ^ mask & (first ^ second);
        for (to, (one, other)) in self.record.iter_mut().zip(first.record.iter().zip(&second.record)) {
            *to = select(*one, *other);
        }
        for (to, (one, other)) in self.answer.iter_mut().zip(first.answer.iter().zip(&second.answer)) {
            *to = select(*one, *other);
        }
        self.len = select(first.len, second.len);
    }

    pub(crate) fn device(&self) -> Device {
        Device::from_bytes(&self.record).unwrap()
    }

    fn answer(&self) -> &[u8] {
        &self.answer[..usize::from(self.len)]
    }
}

/// Pairs of inputs, one of either class, and what is timed of them.
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) inputs: Vec<[Input; 2]>,
    pub(crate) call: fn(&Input, &Device),
}

impl Pair {
    fn new(name: &str, [first, second]: [Vec<Input>; 2], call: fn(&Input, &Device)) -> Self {
        Self { name: name.to_owned(), inputs: first.into_iter().zip(second).map(|(one, other)| [one, other]).collect(), call }
    }
}

fn store(attempt: Attempt<Verdict>) {
    let (next, held) = attempt.split();
    black_box(next.to_record());
    black_box(held.release());
}

/// As a server does it: from the record that was read to the record that is stored.
fn from_record(input: &Input, _: &Device) {
    let device = Device::from_bytes(&input.record).unwrap();
    store(device.verify(black_box(&Policy::soffid()), input.answer(), black_box(NOW)).unwrap());
}

/// The same of a window of three steps, whose codes are made by other instructions than many.
fn from_record_of_three(input: &Input, _: &Device) {
    let device = Device::from_bytes(&input.record).unwrap();
    store(device.verify(black_box(&Policy::default()), input.answer(), black_box(NOW)).unwrap());
}

/// The same under a throttle that ends in a lock.
fn from_record_under_a_total(input: &Input, _: &Device) {
    let device = Device::from_bytes(&input.record).unwrap();
    store(device.verify(black_box(&total()), input.answer(), black_box(NOW)).unwrap());
}

fn total() -> Policy {
    let lock = Lock::ThrottleThenLock { max_fails: 2, first_delay: 1, max_delay: 1, total_fails: 3 };
    Policy::builder().window(10).lock(lock).build().unwrap()
}

/// From the device on: where the classes differ in what everybody may know, which reading a record
/// may branch on.
fn from_device(input: &Input, device: &Device) {
    store(device.verify(black_box(&Policy::soffid()), input.answer(), black_box(NOW)).unwrap());
}

/// What [`from_record`] must not be: it stops at the match.
fn twin_that_stops(input: &Input, device: &Device) {
    let hotp = device.generator().unwrap().keyed();
    black_box((STEP - 10..=STEP + 10).find(|&step| hotp.generate(step).as_bytes() == input.answer()));
}

/// Nor this: it compares each code up to the first wrong digit.
fn twin_that_compares(input: &Input, device: &Device) {
    let hotp = device.generator().unwrap().keyed();
    let is = |code: &[u8]| code.iter().zip(input.answer()).all(|(one, other)| black_box(one) == black_box(other));
    black_box((STEP - 10..=STEP + 10).filter(|&step| is(hotp.generate(step).as_bytes())).count());
}

fn secrets(algorithm: Algorithm) -> impl Iterator<Item = Secret> {
    let mut random = Seeded(1);
    (0..POOL).map(move |_| Secret::random(algorithm, &mut random).unwrap())
}

/// Makes a class: an input for each secret.
fn class(algorithm: Algorithm, make: impl Fn(&Totp) -> (Device, Vec<u8>)) -> Vec<Input> {
    let totps = secrets(algorithm).map(|secret| Totp::new(secret).with_algorithm(algorithm));
    totps.map(|totp| make(&totp)).map(|(device, answer)| Input::new(&device, &answer)).collect()
}

/// The code of so many steps from now.
fn code(totp: &Totp, steps: i64) -> Vec<u8> {
    totp.hotp().generate(STEP.checked_add_signed(steps).unwrap()).as_bytes().to_vec()
}

fn with_wrong(mut code: Vec<u8>, places: Range<usize>) -> Vec<u8> {
    code[places].iter_mut().for_each(|digit| *digit = b'0' + (*digit - b'0' + 5) % 10);
    code
}

/// A device of every secret with an answer.
fn totp(algorithm: Algorithm, answer: impl Fn(&Totp) -> Vec<u8>) -> Vec<Input> {
    class(algorithm, |totp| (Device::totp(totp.clone(), NOW), answer(totp)))
}

/// The code of so many steps from now, of which digits are changed.
fn changed(steps: i64, places: Range<usize>) -> Vec<Input> {
    totp(Algorithm::Sha1, move |totp| with_wrong(code(totp, steps), places.clone()))
}

fn locked(answer: impl Fn(&Totp) -> Vec<u8>) -> Vec<Input> {
    class(Algorithm::Sha1, |totp| {
        let mut device = Device::totp(totp.clone(), NOW);
        device.set_status(Status::Locked, NOW).unwrap();
        (device, answer(totp))
    })
}

fn hotp(counter: u64) -> Vec<Input> {
    class(Algorithm::Sha1, |totp| (Device::hotp(totp.hotp().clone(), 5, NOW), totp.hotp().generate(counter).as_bytes().to_vec()))
}

/// Devices that wait for an answer.
fn asked(make: impl Fn(&Hotp) -> Device, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<Input> {
    let devices = secrets(Algorithm::Sha1).map(|secret| make(&Hotp::new(secret)));
    let input = |device: Device| {
        let (device, held) = device.challenge(&Policy::soffid(), &mut Seeded(2), NOW).unwrap().split();
        let right = match held.release() {
            Challenge::Message { code, .. } => code.as_bytes().to_vec(),
            Challenge::Positions(asked) => asked.iter().map(pin).collect(),
            Challenge::Authenticator => Vec::new(),
        };
        Input::new(&device, &change(right))
    };
    devices.map(input).collect()
}

/// The digit of the PIN at a position from 1 on.
fn pin(position: u8) -> u8 {
    b"49205187"[usize::from(position) - 1]
}

fn pins(change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<Input> {
    asked(|_| Device::pin(Pin::new(b"49205187").unwrap(), &Policy::soffid(), NOW).unwrap(), change)
}

/// A device of 30 recovery codes for each secret, with a code of an index, perhaps changed.
fn recovery(index: usize, change: fn(Vec<u8>) -> Vec<u8>) -> Vec<Input> {
    let codes = secrets(Algorithm::Sha256).map(|secret| RecoveryCodes::new(secret, 30).unwrap());
    let input = |codes: RecoveryCodes| {
        let code = codes.iter().nth(index).unwrap();
        Input::new(&Device::recovery(codes.clone(), NOW), &change(code.as_bytes().to_vec()))
    };
    codes.map(input).collect()
}

/// Devices one fail away from the total that locks.
fn before_the_total(answer: impl Fn(&Totp) -> Vec<u8>) -> Vec<Input> {
    class(Algorithm::Sha1, |totp| {
        let wrong = |device: Device| device.verify(&total(), b"wrong", NOW - 60).unwrap().split().0;
        (wrong(wrong(Device::totp(totp.clone(), NOW - 60))), answer(totp))
    })
}

pub(crate) fn pairs() -> Vec<Pair> {
    let none = |totp: &Totp| with_wrong(code(totp, 0), 0..6);
    let sha1 = |steps: i64| changed(steps, 0..0);
    let sms = |change: fn(Vec<u8>) -> Vec<u8>| asked(|hotp| Device::sms(hotp.clone(), NOW), change);
    let wrong_none = totp(Algorithm::Sha1, none);
    let pair = |name: &str, classes| Pair::new(name, classes, from_record);
    let mut pairs = vec![
        pair("TOTP: match at the first step, no match", [sha1(-10), wrong_none.clone()]),
        pair("TOTP: match in the middle, no match", [sha1(0), wrong_none.clone()]),
        pair("TOTP: match at the last step, no match", [sha1(10), wrong_none.clone()]),
        pair("TOTP: match at the first step, at the last", [sha1(-10), sha1(10)]),
        pair("TOTP: five digits of the first code right, none", [5..6, 0..6].map(|places| changed(-10, places))),
        pair("TOTP: first digit wrong, last digit wrong", [0..1, 5..6].map(|places| changed(0, places))),
        pair("TOTP: other characters, no match", [totp(Algorithm::Sha1, |_| b"\xff\0-1 9".to_vec()), wrong_none.clone()]),
        pair("TOTP: one secret, many secrets", [vec![wrong_none[0]; POOL], wrong_none.clone()]),
        Pair::new("TOTP, three steps: match at the first, no match", [sha1(-1), wrong_none.clone()], from_record_of_three),
        Pair::new("TOTP, three steps: match at the first, at the last", [sha1(-1), sha1(1)], from_record_of_three),
        pair("TOTP, locked: right, wrong", [locked(|totp| code(totp, 0)), locked(none)]),
        pair("HOTP: match at the expected counter, at the last", [hotp(5), hotp(29)]),
        pair("SMS: right, wrong", [sms(|right| right), sms(|right| with_wrong(right, 0..6))]),
        pair("PIN: right, wrong", [pins(|right| right), pins(|right| with_wrong(right, 0..3))]),
        pair(
            "PIN: first digit wrong, last digit wrong",
            [pins(|right| with_wrong(right, 0..1)), pins(|right| with_wrong(right, 2..3))],
        ),
    ];
    // The wrong ones: of the right form with other bits, as another list has, and with a typing
    // error.
    let [other, mistyped] = [(|_| b"00000-00000-0000".to_vec()) as fn(Vec<u8>) -> Vec<u8>, |mut code| {
        code[3] ^= 1;
        code
    }];
    pairs.push(pair("recovery codes: the first, the last", [0, 29].map(|index| recovery(index, |code| code))));
    pairs.push(pair("recovery codes: right, wrong", [recovery(17, |code| code), recovery(17, other)]));
    pairs.push(pair("recovery codes: right, mistyped", [recovery(17, |code| code), recovery(17, mistyped)]));
    let before_total = [before_the_total(|totp| code(totp, 0)), before_the_total(none)];
    pairs.push(Pair::new("TOTP, before the total that locks: right, wrong", before_total, from_record_under_a_total));
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let name = format!("TOTP {algorithm}: match in the middle, no match");
        pairs.push(pair(&name, [totp(algorithm, |totp| code(totp, 0)), totp(algorithm, none)]));
    }
    pairs.push(Pair::new("TOTP: locked, open", [locked(none), wrong_none], from_device));
    pairs
}

pub(crate) fn twins() -> Vec<Pair> {
    vec![
        Pair::new("twin that stops at the match: first step, last step", [changed(-10, 0..0), changed(10, 0..0)], twin_that_stops),
        Pair::new("twin that compares digit by digit: five right, none", [changed(0, 5..6), changed(0, 0..6)], twin_that_compares),
    ]
}
