//! What the engine costs beside its peers, in the same run: totp-rs, and RustCrypto's hmac used plainly.
//!
//! The yardstick is one compression of SHA-1 that waits for the one before: divide by it to compare machines. Every search looks for a
//! code that is not there, so that the peers, which stop at a match, do the same work.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use keyfob::{Device, Hotp, Policy, Secret, Totp};

const KEY: &[u8] = b"12345678901234567890";
const NOW: u64 = 1_700_000_000;
const STEP: u64 = NOW / 30;

/// Six digits that no step around [`NOW`] shows.
const ABSENT: &str = "999999";

/// As the documentation of hmac has it: a fresh Mac for each code.
fn plain(counter: u64) -> u32 {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(KEY).unwrap();
    mac.update(&counter.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[19] & 15);
    let word = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap());
    (word & 0x7fff_ffff) % 1_000_000
}

fn plain_search(window: std::ops::RangeInclusive<u64>, code: &str) -> Option<u64> {
    let code: u32 = code.parse().ok()?;
    let mut found = None;
    for counter in window {
        if plain(counter) == code {
            found = Some(counter);
        }
    }
    found
}

fn peer(skew: u16) -> totp_rs::Totp {
    totp_rs::Builder::new().with_secret(KEY.to_vec()).with_skew(skew).build().unwrap()
}

fn unit(c: &mut Criterion) {
    c.bench_function("unit/one chained SHA-1 compression", |b| {
        let (mut state, block) = ([1, 2, 3, 4, 5], [[7; 64]]);
        b.iter(|| sha1::block_api::compress(black_box(&mut state), black_box(&block)));
    });
}

fn generate(c: &mut Criterion) {
    let secret = Secret::new(KEY).unwrap();
    let (hotp, peer) = (Hotp::new(secret), peer(0));
    let mut group = c.benchmark_group("generate from a raw key");
    group.bench_function("keyfob", |b| b.iter(|| hotp.generate(black_box(STEP))));
    group.bench_function("totp-rs", |b| b.iter(|| peer.generate(black_box(NOW))));
    group.bench_function("plain RustCrypto", |b| b.iter(|| plain(black_box(STEP))));
    group.finish();
}

fn verify(c: &mut Criterion) {
    let totp = Totp::new(Secret::new(KEY).unwrap());
    for (name, skew) in [("3", 1), ("21", 10), ("1001", 500)] {
        let steps = u64::from(skew);
        let peer = peer(skew);
        let mut group = c.benchmark_group(format!("verify a window of {name}"));
        assert_eq!(totp.search(ABSENT.as_bytes(), NOW, skew), Ok(None));
        assert_eq!((peer.check(ABSENT, NOW), plain_search(STEP - steps..=STEP + steps, ABSENT)), (None, None));
        group.bench_function("keyfob, codes only", |b| b.iter(|| totp.search(black_box(ABSENT.as_bytes()), black_box(NOW), skew)));
        if skew <= 10 {
            let policy = Policy::builder().window(skew).build().unwrap();
            let record = *Device::totp(totp.clone(), NOW).to_record().as_bytes();
            group.bench_function("keyfob, record to record", |b| {
                b.iter(|| {
                    let device = Device::from_bytes(black_box(&record)).unwrap();
                    let attempt = device.verify(&policy, black_box(ABSENT.as_bytes()), black_box(NOW)).unwrap();
                    let mut stored = None;
                    let verdict = attempt
                        .commit(|next| {
                            stored = Some(next.to_record());
                            Ok::<(), ()>(())
                        })
                        .unwrap();
                    (stored, verdict)
                });
            });
        }
        group.bench_function("totp-rs", |b| b.iter(|| peer.check(black_box(ABSENT), black_box(NOW))));
        let window = || STEP - steps..=STEP + steps;
        group.bench_function("plain RustCrypto", |b| b.iter(|| plain_search(black_box(window()), black_box(ABSENT))));
        group.finish();
    }
}

fn record(c: &mut Criterion) {
    let device = Device::totp(Totp::new(Secret::new(KEY).unwrap()), NOW);
    let record = *device.to_record().as_bytes();
    c.bench_function("record/decode and encode", |b| b.iter(|| Device::from_bytes(black_box(&record)).unwrap().to_record()));
    #[cfg(feature = "seal")]
    c.bench_function("record/seal and open", |b| {
        let key = keyfob::SealKey::new(1, [1; 32]);
        b.iter(|| {
            let sealed = key.seal(black_box(&device), b"42", black_box([2; 24]));
            key.open(black_box(&sealed), b"42").unwrap()
        });
    });
}

criterion_group!(benches, unit, generate, verify, record);
criterion_main!(benches);
