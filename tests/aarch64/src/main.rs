//! Searches windows, for `tests/aarch64/count` to count their instructions: which hash, how many
//! windows, how many counters in each, and which input.

use std::env;
use std::hint::black_box;

use engine::{Algorithm, Hotp, Secret};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [algorithm, windows, counters, input] = &arguments[..] else { panic!("usage: ALGORITHM WINDOWS COUNTERS INPUT") };
    let algorithm = Algorithm::ALL.into_iter().find(|known| known.to_string() == *algorithm).unwrap();
    let counters: u64 = counters.parse().unwrap();
    let input: u8 = input.parse().unwrap();
    let hotp = Hotp::new(Secret::new(&[input; 20]).unwrap()).with_algorithm(algorithm);
    let first = 50_000_000 * u64::from(input);
    // The code of the input's counter, which may be none of the window's.
    let code = hotp.generate(first + u64::from(input));
    for _ in 0..windows.parse().unwrap() {
        black_box(black_box(&hotp).search(black_box(code.as_bytes()), black_box(first..=first + counters - 1)));
    }
}
