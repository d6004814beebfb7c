//! What the benches share: times, and a table of them.
//!
//! Each time is the least of many short runs, since whatever else a machine does only ever adds to
//! it; and the runs of one row of the table are taken in turn, so that all of them see the same
//! machine.

use std::hint::black_box;
use std::time::{Duration, Instant};

pub(crate) const KEY: &[u8] = b"12345678901234567890";
pub(crate) const NOW: u64 = 1_700_000_000;

/// Six digits that no step around [`NOW`] shows: peers stop at a match, and so they do not.
pub(crate) const ABSENT: &str = "999999";

/// What is timed, and its name.
pub(crate) type Case<'c> = (&'c str, Box<dyn FnMut() + 'c>);

pub(crate) fn case<'c, T>(name: &'c str, mut call: impl FnMut() -> T + 'c) -> Case<'c> {
    (name, Box::new(move || drop(black_box(call()))))
}

/// How many short runs each case has.
const RUNS: u32 = 700;

/// Seconds of one call of each case, the least of so many runs.
fn seconds(cases: &mut [Case], runs: u32) -> Vec<f64> {
    const RUN: Duration = Duration::from_micros(300);
    let run = |call: &mut dyn FnMut(), calls: u32| {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        start.elapsed().as_secs_f64() / f64::from(calls)
    };
    let mut least = Vec::new();
    let mut calls = Vec::new();
    for (_, call) in cases.iter_mut() {
        let warm_up = runs.div_ceil(70);
        let first = run(call, warm_up).min(run(call, warm_up));
        least.push(first);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number of calls")]
        calls.push((RUN.as_secs_f64() / first).ceil() as u32);
    }
    for _ in 0..runs {
        for (((_, call), calls), least) in cases.iter_mut().zip(&calls).zip(&mut least) {
            *least = least.min(run(call, *calls));
        }
    }
    least
}

/// One compression of SHA-1 that waits for the one before: the yardstick, by which machines
/// compare.
fn unit() -> Case<'static> {
    let (mut state, block) = ([1, 2, 3, 4, 5], [[7; 64]]);
    case("unit", move || sha1::block_api::compress(black_box(&mut state), black_box(&block)))
}

/// Times the cases, the yardstick among them, and prints each in nanoseconds and as a multiple of
/// it.
pub(crate) fn table(title: &str, cases: Vec<Case>) {
    table_of_runs(title, cases, RUNS);
}

/// As [`table`], with fewer runs, for cases that take many milliseconds.
pub(crate) fn table_of_runs(title: &str, cases: Vec<Case>, runs: u32) {
    let mut cases: Vec<Case> = std::iter::once(unit()).chain(cases).collect();
    let times = seconds(&mut cases, runs);
    let unit = times[0];
    println!("\n{title:<44} {:>10} {:>9}", "ns", "multiple");
    for ((name, _), time) in cases.iter().zip(&times).skip(1) {
        println!("  {name:<42} {:>10.1} {:>9.2}", time * 1e9, time / unit);
    }
}

/// Prints what one unit is.
pub(crate) fn heading() {
    let times = seconds(&mut [unit()], RUNS);
    println!("the unit: one SHA-1 compression that waits for the one before, {:.1} ns here", times[0] * 1e9);
}
