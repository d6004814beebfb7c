//! Searches windows, for `tests/aarch64/count` to count their instructions.

use std::env;
use std::hint::black_box;

use engine::{Algorithm, Hotp, Secret};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [how, algorithm, windows, counters, input] = &arguments[..] else {
        panic!("usage: search|twin ALGORITHM WINDOWS COUNTERS INPUT")
    };
    let algorithm = Algorithm::ALL.into_iter().find(|known| known.to_string() == *algorithm).unwrap();
    let counters: u64 = counters.parse().unwrap();
    let input: u8 = input.parse().unwrap();
    let hotp = Hotp::new(Secret::new(&[input; 20]).unwrap()).with_algorithm(algorithm);
    let first = 50_000_000 * u64::from(input);
    let last = first + counters - 1;
    // A narrow window has the codes of the first inputs, at other places, and not those of the
    // others.
    let code = hotp.generate(first + u64::from(input));
    for _ in 0..windows.parse().unwrap() {
        let (hotp, code, window) = (black_box(&hotp), black_box(code.as_bytes()), black_box(first..=last));
        if how == "twin" {
            // What a search must not be: it stops at the match.
            black_box(window.into_iter().find(|&counter| hotp.generate(counter).as_bytes() == code));
        } else {
            black_box(hotp.search(code, window));
        }
    }
}
