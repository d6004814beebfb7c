//! Rule 10: verification does the same work whatever the code, the secret, the place of the match
//! and the device's status.
//!
//! Counted rather than timed: Valgrind's callgrind counts the instructions of each call of `probe`,
//! and within a group of cases the counts must be equal to the last one. Valgrind hides the SHA
//! extensions and AVX-512 from the program, so these are the counts of AVX2; with `RUSTFLAGS='--cfg
//! keyfob_lanes="portable"'` they are those of a processor without lanes. A twin that stops at the
//! first wrong digit must be caught by the same counting. The clock of a noisy machine can neither
//! fail nor pass this.

mod common;
#[path = "constant_time/recovery.rs"]
mod recovery;
#[path = "constant_time/searches.rs"]
mod searches;
#[path = "constant_time/tokens.rs"]
mod tokens;

use std::convert::Infallible;
use std::process::{Command, ExitCode};
use std::{env, fs};

use common::{NOW, challenged, totp};
use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob::{
    Algorithm, Attempt, Device, Digits, GuessChance, Hotp, Kind, Lock, Pin, PinPositions, Policy, Secret, SoffidRow, Status, Totp,
    Verdict,
};

#[inline(never)]
fn probe<'d>(device: &'d Device, policy: &Policy, answer: &[u8], second: Option<&[u8]>, now: u64) -> Option<Attempt<'d, Verdict>> {
    match second {
        None => device.verify(policy, answer, now).ok(),
        Some(second) => device.resync(policy, answer, second, now).ok(),
    }
}

/// Any other call, several times.
#[inline(never)]
fn probed(call: &dyn Fn() -> bool) -> usize {
    (0..16).filter(|_| call()).count()
}

/// A generator that gives always the same.
struct Drawn([u8; 64]);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.copy_from_slice(&self.0[..to.len()]);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

/// What [`probe`] must not be: it compares as `==` does, and stops searching at the match.
#[inline(never)]
fn probe_twin(hotp: &Hotp, window: std::ops::RangeInclusive<u64>, code: &[u8]) -> Option<u64> {
    window.into_iter().find(|&counter| hotp.generate(counter).as_bytes() == code)
}

/// A case: its group, its name, and a call of the probe.
type Case = (&'static str, &'static str, Box<dyn Fn()>);

fn case(group: &'static str, name: &'static str, device: &Device, policy: Policy, answer: &[u8], now: u64) -> Case {
    let (device, answer) = (device.clone(), answer.to_vec());
    (group, name, Box::new(move || drop(std::hint::black_box(probe(&device, &policy, &answer, None, now)))))
}

/// Two codes in a row, over the resync window of 101 counters: more than one batch, which is 64.
fn resyncs() -> Vec<Case> {
    let hotp = Hotp::new(common::secret());
    let device = Device::hotp(hotp.clone(), 5, NOW);
    let mut locked = device.clone();
    locked.set_status(Status::Locked, NOW).unwrap();
    let cases = [
        ("match at the first", &device, 5, 6),
        ("match over the end of a batch", &device, 68, 69),
        ("match in the second batch", &device, 80, 81),
        ("match at the last", &device, 104, 105),
        ("not in a row", &device, 80, 82),
        ("second wrong", &device, 50, 90),
        ("first wrong", &device, 4, 6),
        ("none right", &device, 2_000, 3_000),
        ("locked, right", &locked, 5, 6),
    ];
    let case = |(name, device, first, second): (&'static str, &Device, u64, u64)| -> Case {
        let (device, [first, second]) = (device.clone(), [first, second].map(|counter| hotp.generate(counter)));
        let call =
            move || drop(std::hint::black_box(probe(&device, &Policy::default(), first.as_bytes(), Some(second.as_bytes()), NOW)));
        ("HOTP resync", name, Box::new(call))
    };
    cases.into_iter().map(case).collect()
}

fn authenticators() -> Vec<Case> {
    let mut cases = Vec::new();
    let policy = Policy::soffid();
    for (group, algorithm) in ["TOTP SHA-1", "TOTP SHA-256", "TOTP SHA-512"].into_iter().zip(Algorithm::ALL) {
        let totp = Totp::from_hotp(totp().hotp().clone().with_algorithm(algorithm));
        let device = Device::totp(totp.clone(), NOW);
        let code = |steps: i64| totp.generate(NOW.saturating_add_signed(30 * steps)).unwrap().as_bytes().to_vec();
        let (first, middle, last) = (code(-10), code(0), code(10));
        let mut near = middle.clone();
        near[5] = b'0' + (near[5] - b'0' + 1) % 10;
        let mut locked = device.clone();
        locked.set_status(Status::Locked, NOW).unwrap();
        let mut disabled = device.clone();
        disabled.set_status(Status::Disabled, NOW).unwrap();
        let fails = (0..9).fold(device.clone(), |device, _| device.verify(&policy, b"wrong", NOW).unwrap().split().0);
        let other = Device::totp(Totp::from_hotp(Hotp::new(Secret::new(&[0xff; 20]).unwrap()).with_algorithm(algorithm)), NOW);
        for (name, device, answer) in [
            ("match at the first step", &device, &first),
            ("match in the middle", &device, &middle),
            ("match at the last step", &device, &last),
            ("no match", &device, &b"000000".to_vec()),
            ("all but the last digit", &device, &near),
            ("other characters", &device, &b"\xff\xff\xff\xff\xff\xff".to_vec()),
            ("the fail that locks", &fails, &near),
            ("locked, right", &locked, &middle),
            ("locked, wrong", &locked, &near),
            ("disabled, right", &disabled, &middle),
            ("another secret", &other, &middle),
        ] {
            cases.push(case(group, name, device, policy, answer, NOW));
        }
    }
    let device = Device::totp(totp(), NOW);
    let code = |time: u64| totp().generate(time).unwrap().as_bytes().to_vec();
    let used = device.verify(&policy, &code(NOW), NOW).unwrap().split().0;
    for (name, answer) in [
        ("the code accepted last", code(NOW)),
        ("an older one", code(NOW - 60)),
        ("right", code(NOW + 60)),
        ("no match", b"000000".to_vec()),
    ] {
        cases.push(case("TOTP, used a moment ago", name, &used, policy, &answer, NOW));
    }
    let later = NOW + 86_400;
    for (name, answer) in [("the code accepted last", code(NOW)), ("right", code(later)), ("no match", b"000000".to_vec())] {
        cases.push(case("TOTP, used long ago", name, &used, policy, &answer, later));
    }
    let drifting = Policy::builder().max_drift(20).build().unwrap();
    let drifted = (1..=9).fold(device.clone(), |device, steps| {
        let (now, shown) = (NOW + 3_600 * steps, NOW + 3_630 * steps);
        device.verify(&drifting, &code(shown), now).unwrap().split().0
    });
    assert_eq!(drifted.drift(), 9);
    for (name, answer) in [
        ("around zero", code(later)),
        ("around the drift", code(later + 270)),
        ("the code accepted last", code(NOW + 3_630 * 9)),
        ("no match", b"000000".to_vec()),
    ] {
        cases.push(case("TOTP, drifted", name, &drifted, drifting, &answer, later));
    }
    for (name, back) in [("as none can be right", 7_200), ("as the window reaches it", 90)] {
        let mut ahead = used.clone();
        ahead.unlock(NOW - back).unwrap();
        for answer in [code(NOW - back), code(NOW), b"000000".to_vec()] {
            cases.push(case(
                if back == 90 { "TOTP, nearly caught up" } else { "TOTP, used ahead" },
                name,
                &ahead,
                policy,
                &answer,
                NOW - back,
            ));
        }
    }
    let lock = Lock::Throttle { max_fails: 1, first_delay: 60, max_delay: 60 };
    let certain = Policy::builder().guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN);
    let throttle = certain.max_drift(9).lock(lock).build().unwrap();
    let ten = Totp::from_hotp(Hotp::new(common::secret()).with_digits(Digits::TEN));
    let (open, code) = (Device::totp(ten.clone(), NOW), ten.generate(NOW + 30).unwrap());
    let throttled = open.verify(&throttle, b"wrong", NOW).unwrap().split().0;
    for (name, device, answer) in [
        ("right, drifted", &open, code.as_bytes()),
        ("the fail that throttles", &open, b"0000000000"),
        ("throttled, right", &throttled, code.as_bytes()),
    ] {
        cases.push(case("TOTP of ten digits, throttle and drift", name, device, throttle, answer, NOW));
    }
    let lock = Lock::ThrottleThenLock { max_fails: 1, first_delay: 60, max_delay: 60, total_fails: 2 };
    let total = throttle.to_builder().lock(lock).build().unwrap();
    let later = NOW + 60;
    let (right, locked) = (ten.generate(later).unwrap(), throttled.verify(&total, b"wrong", later).unwrap().split().0);
    for (name, device, answer) in [
        ("right after a delay", &throttled, right.as_bytes()),
        ("the fail that locks", &throttled, b"0000000000"),
        ("locked, right", &locked, right.as_bytes()),
    ] {
        cases.push(case("TOTP of ten digits, throttle that locks", name, device, total, answer, later));
    }
    let hotp = Hotp::new(common::secret()).with_digits(Digits::EIGHT);
    let device = Device::hotp(hotp.clone(), 5, NOW);
    for (name, counter) in [("expected", 5), ("last of the window", 15), ("behind", 4), ("beyond", 16)] {
        cases.push(case("HOTP", name, &device, Policy::default(), hotp.generate(counter).as_bytes(), NOW));
    }
    cases
}

fn messages_and_pins() -> Vec<Case> {
    let mut cases = Vec::new();
    let policy = Policy::default();
    let (sms, code) = challenged(&Device::sms(Hotp::new(common::secret()), NOW), &policy, NOW);
    let unasked = Device::sms(Hotp::new(common::secret()), NOW);
    cases.push(case("SMS", "right", &sms, policy, &code, NOW));
    cases.push(case("SMS", "wrong", &sms, policy, b"999999", NOW));
    cases.push(case("SMS", "expired, right", &sms, policy, &code, NOW + 600));
    cases.push(case("SMS", "expired, wrong", &sms, policy, b"999999", NOW + 600));
    cases.push(case("SMS", "no challenge, right", &unasked, policy, &code, NOW));

    let (pin, right) = challenged(&Device::pin(Pin::new(b"49205187").unwrap(), &policy, NOW).unwrap(), &policy, NOW);
    let changed = |at: usize| {
        let mut answer = right.clone();
        answer[at] = b'0' + (answer[at] - b'0' + 1) % 10;
        answer
    };
    cases.push(case("PIN", "right", &pin, policy, &right, NOW));
    cases.push(case("PIN", "first digit wrong", &pin, policy, &changed(0), NOW));
    cases.push(case("PIN", "last digit wrong", &pin, policy, &changed(2), NOW));
    cases.push(case("PIN", "all wrong", &pin, policy, b"xxx", NOW));

    let whole = Policy::builder().pin_positions(PinPositions::All).build().unwrap();
    let (pin, right) = challenged(&Device::pin(Pin::new(b"49205187").unwrap(), &whole, NOW).unwrap(), &whole, NOW);
    for (name, answer) in
        [("right", &right[..]), ("first wrong", b"59205187"), ("last wrong", b"49205188"), ("all wrong", b"xxxxxxxx")]
    {
        cases.push(case("whole PIN", name, &pin, whole, answer, NOW));
    }

    for (name, counter) in [("match at the first", 0), ("match at the last", 20), ("no match", 99)] {
        let (hotp, code) = (Hotp::new(common::secret()), Hotp::new(common::secret()).generate(counter));
        let call = move || {
            std::hint::black_box(probe_twin(&hotp, 0..=20, code.as_bytes()));
        };
        cases.push((TWIN, name, Box::new(call)));
    }
    cases
}

fn secrets_outside_of_devices() -> Vec<Case> {
    let case = |group, name, call: Box<dyn Fn() -> bool>| -> Case {
        (
            group,
            name,
            Box::new(move || {
                std::hint::black_box(probed(&*call));
            }),
        )
    };
    let mut cases: Vec<Case> = Vec::new();
    for (name, zeros) in [("no byte is zero", 0), ("all but the last are zero", 63)] {
        let mut bytes = [0; 64];
        bytes[zeros..].fill(7);
        let call = move || Secret::random(Algorithm::Sha512, &mut Drawn(std::hint::black_box(bytes))).is_ok();
        cases.push(case(DRAWS, name, Box::new(call)));
    }
    let row = |auth_key, pin| SoffidRow {
        kind: Kind::Totp,
        status: Status::Created,
        fails: 0,
        created: NOW,
        last_used: None,
        last_issued: None,
        last_counter: None,
        auth_key,
        pin,
        digits: None,
        algorithm: None,
        max_fails: 10,
    };
    for (name, key, pin) in [
        ("the same", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "49205187"),
        ("first character", "AEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "49205187"),
        ("last character", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJA", "49205187"),
        ("first digit", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "59205187"),
        ("last digit", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "49205188"),
    ] {
        let call = move || {
            let one = row("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "49205187");
            std::hint::black_box(&one) == std::hint::black_box(&row(key, pin))
        };
        cases.push(case(ROWS, name, Box::new(call)));
    }
    cases
}

const TWIN: &str = "broken twin";
const DRAWS: &str = "Secret::random";
const ROWS: &str = "equality of SoffidRow";

/// The function that the cases of a group call.
fn probe_of(group: &str) -> &'static str {
    match group {
        TWIN => "probe_twin",
        DRAWS | ROWS => "probed",
        _ if group.starts_with("find") => "searches::probe_search",
        _ => "probe",
    }
}

fn cases() -> Vec<Case> {
    authenticators()
        .into_iter()
        .chain(resyncs())
        .chain(tokens::cases())
        .chain(searches::cases())
        .chain(messages_and_pins())
        .chain(recovery::cases())
        .chain(secrets_outside_of_devices())
        .collect()
}

/// The instructions of each call of `probe`, as callgrind counts them. Of one function for each
/// run: of several whose names begin alike, callgrind counts some as 0.
fn count(probe: &str, calls: usize) -> Result<Vec<u64>, String> {
    let folder = env::temp_dir().join(format!("keyfob-constant-time-{}", std::process::id()));
    fs::create_dir(&folder).map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--toggle-collect=constant_time::{probe}"))
        .arg(format!("--dump-after=constant_time::{probe}"))
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(env::current_exe().map_err(|error| error.to_string())?)
        .arg("probes")
        .output()
        .map_err(|error| format!("valgrind does not start ({error}): install the Debian package valgrind"))?;
    let read = |number: usize| {
        let dump = fs::read_to_string(folder.join(format!("out.{number}"))).ok()?;
        dump.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok())
    };
    let counts: Vec<u64> = (1..=calls).map_while(read).collect();
    fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    if !output.status.success() || counts.len() != calls {
        return Err(format!("{} counts of {calls} calls of {probe}; {}", counts.len(), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(counts)
}

/// The counts of all cases.
fn counts() -> Result<Vec<u64>, String> {
    let probes: Vec<&str> = cases().iter().map(|case| probe_of(case.0)).collect();
    let mut counts = vec![0; probes.len()];
    for probe in ["probe", "probe_twin", "searches::probe_search", "probed"] {
        let places: Vec<usize> = (0..probes.len()).filter(|&at| probes[at] == probe).collect();
        for (place, count) in places.iter().zip(count(probe, places.len())?) {
            counts[*place] = count;
        }
    }
    Ok(counts)
}

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some("probes") {
        for (_, _, call) in cases() {
            call();
        }
        return ExitCode::SUCCESS;
    }
    let counts = match counts() {
        Ok(counts) => counts,
        Err(error) => {
            eprintln!("rule_10: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut groups: Vec<(&str, Vec<(&str, u64)>)> = Vec::new();
    for ((group, name, _), count) in cases().into_iter().zip(counts) {
        match groups.last_mut().filter(|last| last.0 == group) {
            Some((_, cases)) => cases.push((name, count)),
            None => groups.push((group, vec![(name, count)])),
        }
    }
    let (mut passed, mut failed) = (0, 0);
    for (group, cases) in groups {
        let equal = cases.iter().all(|case| case.1 == cases[0].1) && cases[0].1 > 500;
        let right = equal == (group != TWIN);
        println!("test rule_10_the_same_work_for_every_answer: {group} ... {}", if right { "ok" } else { "FAILED" });
        if !right {
            for (name, count) in &cases {
                println!("    {count:>9} instructions: {name}");
            }
        }
        if right { passed += 1 } else { failed += 1 }
    }
    println!("\ntest result: {}. {passed} passed; {failed} failed", if failed == 0 { "ok" } else { "FAILED" });
    ExitCode::from(u8::from(failed > 0))
}
