//! Rule 10 by the clock, in the way of dudect (Reparaz, Balasch and Verbauwhede, "Dude, is my code
//! constant time?", 2017): two classes of inputs in random turn, and Welch's t-test of their times,
//! of all of them and of those below each of several percentiles, since whatever else a machine
//! does makes some times longer. Two broken twins must be caught by the same harness.
//!
//! `make timing` takes ten million samples of each pair of classes. A number as an argument is how
//! many to take, and `twins` runs the twins alone.

mod inputs;
mod statistics;

use std::env;
use std::hint::black_box;
use std::process::ExitCode;

use inputs::{Pair, Seeded, pairs, twins};
use statistics::Tests;

/// Above it times depend on the class: dudect's bound.
const BOUND: f64 = 4.5;
/// Samples between which nothing is computed: what is drawn before and what is reckoned after
/// stands outside of all times.
const BATCH: usize = 10_000;

/// The processor's count of time: of the time stamp counter where there is one, otherwise
/// nanoseconds.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "reads the time stamp counter")]
#[inline(always)]
fn now() -> u64 {
    use core::arch::x86_64::{_mm_lfence, _rdtsc};
    // SAFETY: every x86-64 processor has both; what came before has ended, and what comes after has
    // not begun.
    unsafe {
        _mm_lfence();
        let now = _rdtsc();
        _mm_lfence();
        now
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn now() -> u64 {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap()
}

/// Takes so many samples of a pair, in batches.
fn measure(pair: &Pair, samples: usize) -> Tests {
    let mut random = Seeded(0x6b65_7966_6f62);
    // Each sample reads the same place.
    let mut place = pair.inputs[0][0];
    let mut batch = |times: &mut Vec<(usize, u64)>| {
        let drawn: Vec<(usize, usize)> = (0..BATCH).map(|_| (random.below(2), random.below(pair.inputs.len()))).collect();
        times.clear();
        for (class, at) in drawn {
            place.select(&pair.inputs[at], class);
            let (input, device) = (black_box(&place), black_box(place.device()));
            let start = now();
            (pair.call)(input, &device);
            times.push((class, now().wrapping_sub(start)));
        }
    };
    let mut times = Vec::with_capacity(BATCH);
    // The first batch warms up, the second one says which times are long.
    batch(&mut times);
    batch(&mut times);
    let mut tests = Tests::new(&times);
    while tests.count() < samples {
        batch(&mut times);
        for &(class, time) in &times {
            tests.add(class, time);
        }
    }
    tests
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let samples = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let only_twins = arguments.iter().any(|argument| argument == "twins");
    println!("{samples} samples of each pair; times are equal if |t| < {BOUND}\n");
    println!("{:<58} {:>9} {:>12} {:>8}", "", "ticks", "difference", "max |t|");
    let mut failed = 0;
    for (is_twin, pairs) in [(false, if only_twins { Vec::new() } else { pairs() }), (true, twins())] {
        for pair in pairs {
            let tests = measure(&pair, samples);
            let (t, difference) = tests.worst();
            let is_right = (t < BOUND) != is_twin;
            failed += usize::from(!is_right);
            let verdict = match (is_right, is_twin) {
                (true, false) => "equal",
                (true, true) => "caught, as it must be",
                (false, false) => "NOT EQUAL",
                (false, true) => "NOT CAUGHT",
            };
            println!("{:<58} {:>9.1} {:>12.3} {:>8.2}  {verdict}", pair.name, tests.mean(), difference, t);
        }
    }
    if failed > 0 {
        println!("\n{failed} failed");
    }
    ExitCode::from(u8::from(failed > 0))
}
