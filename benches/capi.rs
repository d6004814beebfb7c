//! What the C ABI costs beside the Rust API, and beside liboath (Debian's liboath-dev), in the same run.
//!
//! liboath stops at a match, so the code looked for is one that no step shows.

use std::ffi::{c_char, c_int, c_uint};
use std::hint::black_box;
use std::ptr::null;

use criterion::{Criterion, criterion_group, criterion_main};
use keyfob::ffi::{
    keyfob_device_verify, keyfob_policy, keyfob_policy_default, keyfob_record, keyfob_result, keyfob_totp_search, keyfob_verdict,
};
use keyfob::{Device, Policy, Secret, Totp};

#[link(name = "oath")]
unsafe extern "C" {
    fn oath_init() -> c_int;
    fn oath_totp_validate(
        secret: *const c_char,
        secret_length: usize,
        now: i64,
        time_step_size: c_uint,
        start_offset: i64,
        window: usize,
        otp: *const c_char,
    ) -> c_int;
}

const KEY: &[u8] = b"12345678901234567890";
const NOW: u64 = 1_700_000_000;
const ABSENT: &std::ffi::CStr = c"999999";

fn verify(c: &mut Criterion) {
    // SAFETY: liboath's initialisation takes nothing.
    assert_eq!(unsafe { oath_init() }, 0);
    let totp = Totp::new(Secret::new(KEY).unwrap());
    let record = *Device::totp(totp, NOW).to_record().as_bytes();
    let absent = ABSENT.to_bytes();
    for window in [1_u16, 10] {
        let mut group = c.benchmark_group(format!("verify +-{window}"));
        let policy = Policy::builder().window(window).build().unwrap();
        group.bench_function("Rust, record to record", |b| {
            b.iter(|| {
                // In place, as C does it: the record that is read was just copied.
                let mut stored = *black_box(&record);
                let device = Device::from_bytes(&stored).unwrap();
                let attempt = device.verify(&policy, black_box(absent), black_box(NOW)).unwrap();
                let verdict = attempt.commit(|next| {
                    stored = *next.to_record().as_bytes();
                    Ok::<(), ()>(())
                });
                (stored, verdict.unwrap())
            });
        });
        // SAFETY: a struct of numbers; zeros are right, and its size is set.
        let (mut c_policy, mut verdict): (keyfob_policy, keyfob_verdict) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        c_policy.size = size_of::<keyfob_policy>().try_into().unwrap();
        verdict.size = size_of::<keyfob_verdict>().try_into().unwrap();
        // SAFETY: the policy is a live value.
        assert_eq!(unsafe { keyfob_policy_default(&raw mut c_policy) }, keyfob_result::OK);
        c_policy.window = window.into();
        group.bench_function("C, record to record", |b| {
            b.iter(|| {
                let mut stored = keyfob_record { bytes: *black_box(&record) };
                // SAFETY: all pointers are to live values.
                let result = unsafe {
                    keyfob_device_verify(
                        &raw mut stored,
                        &raw const c_policy,
                        absent.as_ptr(),
                        absent.len(),
                        black_box(NOW),
                        &raw mut verdict,
                    )
                };
                assert_eq!(result, keyfob_result::OK);
                (stored, verdict)
            });
        });
        let (mut found, mut matched) = (0, 0);
        group.bench_function("C, codes only", |b| {
            b.iter(|| {
                // SAFETY: all pointers are NULL where they may be, else to live values.
                unsafe {
                    keyfob_totp_search(
                        null(),
                        KEY.as_ptr(),
                        KEY.len(),
                        absent.as_ptr(),
                        absent.len(),
                        black_box(NOW),
                        window.into(),
                        &raw mut found,
                        &raw mut matched,
                    )
                }
            });
        });
        group.bench_function("liboath", |b| {
            b.iter(|| {
                // SAFETY: a live key of that length, and a text with its NUL.
                unsafe {
                    oath_totp_validate(
                        KEY.as_ptr().cast(),
                        KEY.len(),
                        black_box(NOW.cast_signed()),
                        30,
                        0,
                        window.into(),
                        ABSENT.as_ptr(),
                    )
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, verify);
criterion_main!(benches);
