//! Random rows of Soffid's table and random attempts on them: each verdict and each column is the
//! one that the rule says.

#[path = "../common/mod.rs"]
mod common;
mod reference;

use common::{NOW, Seeded, committed};
use keyfob::{
    Algorithm, Attempt, Device, Error, GuessChance, Kind, Lock, PinPositions, Policy, SOFFID_AUTH_KEY_SIZE, Status, Verdict,
};
use proptest::prelude::*;
use reference::{Judged, Reference, Row};

#[derive(Clone, Debug)]
enum Operation {
    Wait(u64),
    ClockBack(u64),
    Challenge,
    /// The code so many steps or counters away from the present one.
    Code(i64),
    /// The code that was accepted last.
    Again,
    /// What the pending challenge wants.
    Answer,
    Guess(String),
    /// Two codes in a row, so many counters ahead, or not in a row.
    Resync(u64, bool),
    /// The two codes that were accepted last.
    ResyncAgain,
    Status(usize),
    Unlock,
    /// The factor of another row.
    Replace(Box<Drawn>),
}

fn operations() -> impl Strategy<Value = Operation> {
    use Operation::{Again, Answer, Challenge, ClockBack, Code, Guess, Replace, Resync, ResyncAgain, Status, Unlock, Wait};
    prop_oneof![
        3 => (0..100_u64).prop_map(Wait),
        1 => (0..2000_u64).prop_map(Wait),
        1 => prop_oneof![0..60_u64, 0..5000_u64].prop_map(ClockBack),
        3 => Just(Challenge),
        8 => prop_oneof![-2..=2_i64, -14..=28_i64].prop_map(Code),
        1 => Just(Again),
        4 => Just(Answer),
        3 => "[0-9]{3}|[0-9]{6}|[0-9]{0,12}| [0-9]{5}".prop_map(Guess),
        1 => (0..110_u64, any::<bool>()).prop_map(|(ahead, in_a_row)| Resync(ahead, in_a_row)),
        1 => Just(ResyncAgain),
        1 => (0..4_usize).prop_map(Status),
        1 => Just(Unlock),
        1 => rows().prop_map(|drawn| Replace(Box::new(drawn))),
    ]
}

/// A row, and the secret that it says; of SMS and e-mail the one that was drawn.
#[derive(Clone, Debug)]
struct Drawn {
    row: Row,
    secret: Vec<u8>,
}

/// Rows that the add-on writes, and early ones with NULL; times mostly of the past.
fn rows() -> impl Strategy<Value = Drawn> {
    let kinds = prop_oneof![
        4 => Just(Kind::Totp),
        4 => Just(Kind::Hotp),
        1 => Just(Kind::Sms),
        1 => Just(Kind::Email),
        2 => Just(Kind::Pin),
    ];
    let statuses = prop_oneof![
        4 => Just(Status::Created),
        8 => Just(Status::Validated),
        2 => Just(Status::Locked),
        1 => Just(Status::Disabled),
    ];
    let fails = prop_oneof![8 => 0..12_u32, 1 => any::<u32>()];
    let time = || prop_oneof![12 => NOW - 10_000_000..=NOW, 1 => NOW..NOW + 4000, 1 => 0..3_u64, 1 => u64::MAX - 3600..=u64::MAX];
    let times = (time(), prop::option::of(time()), prop::option::of(time()));
    let counter = prop_oneof![2 => Just(None), 12 => (-40..=10_i64).prop_map(Some), 1 => (10..300_i64).prop_map(Some)];
    let counters = (counter, prop::bool::weighted(0.05));
    let secret = (prop::collection::vec(any::<u8>(), 16..=64), 0..4_usize);
    let algorithm = prop::option::of((0..3_usize, any::<bool>()));
    let parameters = (prop::option::of(6..=10_u32), algorithm, "[0-9]{4,12}");
    let row = (kinds, statuses, fails, times, counters, secret, parameters, 1..15_u32);
    row.prop_map(|(kind, status, fails, times, (counter, at_the_end), (secret, spelling), (digits, algorithm, pin), max_fails)| {
        let last_counter = counter.and_then(|away| match kind {
            Kind::Totp => i64::try_from((NOW / 30).saturating_add_signed(away)).ok(),
            _ if at_the_end => Some(i64::MAX - away.abs() - 1000),
            _ => Some(away),
        });
        let algorithm = algorithm.map(|(at, lower)| {
            let name = Algorithm::ALL[at].hmac_name();
            if lower { name.to_lowercase() } else { name.to_owned() }
        });
        let auth_key = match kind {
            Kind::Totp | Kind::Hotp => spelled(&secret, spelling),
            _ => ["", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="][spelling % 2].to_owned(),
        };
        let (created, last_used, last_issued) = times;
        let row =
            Row { kind, status, fails, created, last_used, last_issued, last_counter, auth_key, pin, digits, algorithm, max_fails };
        Drawn { row, secret }
    })
}

/// RFC 4648 section 6, with its padding, as the add-on writes a secret.
fn base32(secret: &[u8]) -> String {
    let bits = secret.iter().fold(String::new(), |bits, byte| format!("{bits}{byte:08b}"));
    let char = |bits: &str| {
        let value = u8::from_str_radix(&format!("{bits:0<5}"), 2).unwrap();
        char::from(if value < 26 { b'A' + value } else { b'2' + value - 26 })
    };
    let text: String = (0..bits.len()).step_by(5).map(|at| char(&bits[at..bits.len().min(at + 5)])).collect();
    let padding = text.len().next_multiple_of(8) - text.len();
    text + &"=".repeat(padding)
}

/// As people write it.
fn spelled(secret: &[u8], spelling: usize) -> String {
    let padded = base32(secret);
    let bare = padded.trim_end_matches('=');
    match spelling {
        0 => padded,
        1 => bare.to_owned(),
        2 => padded.to_lowercase(),
        _ => bare.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect::<Vec<_>>().join(" "),
    }
}

/// Soffid's windows. The lock of authenticators may be another one than the row's.
fn policies() -> impl Strategy<Value = (Policy, u32)> {
    let asked = prop_oneof![(2..=5_u8).prop_map(PinPositions::Count), Just(PinPositions::All)];
    let skew = prop_oneof![Just(0), Just(30), Just(3600)];
    let lock = prop_oneof![3 => Just(0), 1 => 1..20_u32];
    (asked, skew, lock).prop_map(|(asked, skew, lock)| {
        let policy = Policy::soffid().to_builder().pin_positions(asked).clock_skew(skew).guess_bound(GuessChance::CERTAIN);
        (policy.pin_guess_bound(GuessChance::CERTAIN).build().unwrap(), lock)
    })
}

/// A fault of one column, and its error; none where the kind does not read that column.
fn faults() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![20 => Just(None), 1 => (0..6_usize).prop_map(Some)]
}

fn spoil(row: &mut Row, fault: usize) -> Option<Error> {
    let (is_shown, is_pin) = (matches!(row.kind, Kind::Totp | Kind::Hotp), row.kind == Kind::Pin);
    let (is_read, error) = match fault {
        0 => (is_shown, Error::SecretBase32),
        1 => (is_shown, Error::SecretLength),
        2 => (!is_pin, Error::Algorithm),
        3 => (!is_pin, Error::Digits),
        4 => (is_pin, Error::PinLength),
        _ => (is_pin, Error::PinDigits),
    };
    match fault {
        0 => row.auth_key = "no secret: 0189".into(),
        1 => row.auth_key = "GEZDGNBVGY3TQOJQ".into(),
        2 => row.algorithm = Some("HmacMD5".into()),
        3 => row.digits = Some(5),
        4 => row.pin = "123".into(),
        _ => row.pin = "12a4".into(),
    }
    is_read.then_some(error)
}

/// A host that keeps rows; of devices that are asked the record as well, once there is one.
struct Host {
    row: Row,
    drawn: Vec<u8>,
    kept: Option<Device>,
}

impl Host {
    fn device(&self) -> Device {
        self.kept.clone().unwrap_or_else(|| self.row.view().import(&self.drawn).unwrap())
    }

    fn write(&mut self, device: Device) {
        let (mut row, mut key) = (self.row.view(), [0; SOFFID_AUTH_KEY_SIZE]);
        row.update(&device, &mut key).unwrap();
        self.row = row.into();
        self.kept = Some(device).filter(|device| !matches!(device.kind(), Kind::Totp | Kind::Hotp));
    }

    fn attempt<T>(&mut self, attempt: Result<Attempt<'_, T>, Error>) -> Result<T, Error> {
        let (next, answer) = committed(attempt?);
        self.write(next);
        Ok(answer)
    }
}

fn judged(verdict: Verdict) -> Judged {
    Judged { reason: verdict.reason(), matched: verdict.matched(), fails: verdict.fails(), is_locked: verdict.is_locked() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Ten thousand rows, unless `PROPTEST_CASES` asks for others.
    #[test]
    fn rows_agree_with_the_rule_in_every_verdict_and_column(
        Drawn { mut row, secret } in rows(), fault in faults(), (policy, other_lock) in policies(),
        operations in prop::collection::vec(operations(), 1..8),
    ) {
        if let Some(error) = fault.and_then(|fault| spoil(&mut row, fault)) {
            prop_assert_eq!(row.view().import(&secret), Err(error));
            return Ok(());
        }
        let is_shown = matches!(row.kind, Kind::Totp | Kind::Hotp);
        let fails = if is_shown && other_lock > 0 { other_lock } else { row.max_fails };
        let policy = policy.to_builder().lock(Lock::Hard { max_fails: fails }).build().unwrap();
        let mut host = Host { row: row.clone(), drawn: secret.clone(), kept: None };
        let (mut rule, mut now) = (Reference::new(row, secret), NOW);
        for operation in operations {
            let device = host.device();
            let codes: Vec<String> = match operation {
                Operation::Code(away) if is_shown => {
                    let here = if rule.row.kind == Kind::Totp { now / 30 } else { rule.expected() };
                    vec![rule.code(here.saturating_add_signed(away))]
                }
                Operation::Again if is_shown => rule.accepted().map(|last| rule.code(last)).into_iter().collect(),
                Operation::Answer => rule.pending.iter().map(|pending| pending.answer.clone()).collect(),
                Operation::Guess(ref guess) => vec![guess.clone()],
                Operation::Resync(ahead, in_a_row) if rule.row.kind == Kind::Hotp => {
                    let first = rule.expected().saturating_add(ahead);
                    vec![rule.code(first), rule.code(first.saturating_add(1 + u64::from(!in_a_row)))]
                }
                Operation::ResyncAgain if rule.row.kind == Kind::Hotp && rule.expected() > 1 => {
                    [2, 1].map(|back| rule.code(rule.expected() - back)).into()
                }
                _ => vec![],
            };
            let texts: Vec<&str> = codes.iter().map(String::as_str).collect();
            match texts[..] {
                [] => {}
                [code] => {
                    let given = host.attempt(device.verify(&policy, code.as_bytes(), now)).map(judged);
                    prop_assert_eq!(given, rule.judge(&policy, &texts, now));
                }
                [first, second, ..] => {
                    let given = host.attempt(device.resync(&policy, first.as_bytes(), second.as_bytes(), now)).map(judged);
                    prop_assert_eq!(given, rule.judge(&policy, &texts, now));
                }
            }
            match operation {
                Operation::Wait(seconds) => now += seconds,
                Operation::ClockBack(seconds) => now -= seconds,
                Operation::Challenge => {
                    let given = host.attempt(device.challenge(&policy, &mut Seeded(now), now));
                    rule.challenge(&policy, &given, now);
                }
                Operation::Unlock => {
                    let mut next = device;
                    next.unlock(now).unwrap();
                    host.write(next);
                    rule.unlock(now);
                }
                Operation::Status(number) if is_shown => {
                    let mut next = device;
                    next.set_status(Status::ALL[number], now).unwrap();
                    host.write(next);
                    rule.set_status(Status::ALL[number], now);
                }
                Operation::Replace(other) if is_shown && other.secret != rule.secret => {
                    let words = Row { kind: rule.row.kind, auth_key: base32(&other.secret), ..other.row };
                    let Ok(from) = words.view().import(&[]) else { continue };
                    let (digits, algorithm) = (from.digits().unwrap(), from.algorithm().unwrap());
                    let words = Row { digits: Some(digits.get().into()), algorithm: Some(algorithm.hmac_name().into()), ..words };
                    let mut next = device;
                    next.replace_factor(&from, now).unwrap();
                    host.write(next);
                    rule.replace(&words, other.secret, from.moving_factor(), now);
                }
                _ => {}
            }
            prop_assert_eq!(&host.row, &rule.row);
        }
    }
}
