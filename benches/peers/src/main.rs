//! What the engine costs beside aws-lc-rs, whose HMAC is the assembler of AWS-LC, in the same run.

#[path = "../../common/mod.rs"]
mod common;

use std::hint::black_box;
use std::ops::RangeInclusive;

use aws_lc_rs::hmac;
use common::{ABSENT, KEY, NOW, case, heading, table};
use keyfob::{Hotp, Secret};

const STEP: u64 = NOW / 30;

/// As its documentation has it: the key made for the call, and a tag for each code.
fn plain(key: &hmac::Key, counter: u64) -> u32 {
    let tag = hmac::sign(key, &counter.to_be_bytes());
    let mac = tag.as_ref();
    let offset = usize::from(mac[19] & 15);
    let word = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap());
    (word & 0x7fff_ffff) % 1_000_000
}

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, black_box(KEY))
}

fn plain_search(window: RangeInclusive<u64>, code: &str) -> Option<u64> {
    let code: u32 = code.parse().ok()?;
    let key = key();
    let mut found = None;
    for counter in window {
        if plain(&key, counter) == code {
            found = Some(counter);
        }
    }
    found
}

fn hotp() -> Hotp {
    Hotp::new(Secret::new(black_box(KEY)).unwrap())
}

fn generate() {
    let hotp = hotp();
    assert_eq!(hotp.generate(STEP).as_str(), format!("{:06}", plain(&key(), STEP)));
    table(
        "generate",
        vec![
            case("keyfob, from the raw secret", || black_box(&hotp).generate(black_box(STEP))),
            case("aws-lc-rs", || plain(&key(), black_box(STEP))),
        ],
    );
}

/// Windows of `2 * steps + 1` counters; the widest is that of a resync.
fn search(steps: u64) {
    let (hotp, first, last) = (hotp(), STEP - steps, STEP + steps);
    assert_eq!((hotp.search(ABSENT.as_bytes(), first..=last), plain_search(first..=last, ABSENT)), (None, None));
    let window = || black_box(first)..=last;
    table(
        &format!("search a window of {}", 2 * steps + 1),
        vec![
            case("keyfob, from the raw secret", || black_box(&hotp).search(black_box(ABSENT.as_bytes()), window())),
            case("aws-lc-rs", || plain_search(window(), black_box(ABSENT))),
        ],
    );
}

fn main() {
    heading();
    generate();
    for steps in [1, 10, 500] {
        search(steps);
    }
}
