//! What the C ABI costs beside the Rust API, and beside liboath (Debian's liboath-dev), in the same
//! run.
//!
//! liboath stops at a match, so the code looked for is one that no step shows.

mod common;

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::hint::black_box;
use std::ptr::null;

use common::{ABSENT, KEY, NOW, case, heading, table};
use keyfob::ffi::{
    keyfob_device_verify, keyfob_hotp_generate, keyfob_policy, keyfob_policy_default, keyfob_record, keyfob_result,
    keyfob_totp_search, keyfob_verdict,
};
use keyfob::{Device, Error, Policy, Secret, Totp};

#[link(name = "oath")]
unsafe extern "C" {
    fn oath_init() -> c_int;
    fn oath_hotp_generate(
        secret: *const c_char,
        secret_length: usize,
        moving_factor: u64,
        digits: c_uint,
        add_checksum: bool,
        truncation_offset: usize,
        output_otp: *mut c_char,
    ) -> c_int;
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

/// [`ABSENT`], with its NUL.
const C_ABSENT: &CStr = c"999999";
/// An offset that says to take the one of RFC 4226.
const DYNAMIC: usize = usize::MAX;

fn generate() {
    let (mut code, mut other): ([c_char; 16], [c_char; 16]) = ([0; 16], [0; 16]);
    table(
        "generate",
        vec![
            case("C", || {
                // SAFETY: live values, and room for every code.
                unsafe { keyfob_hotp_generate(null(), KEY.as_ptr(), KEY.len(), black_box(NOW), code.as_mut_ptr(), code.len()) }
            }),
            case("liboath", || {
                // SAFETY: a live key of that length, and room for every code.
                unsafe { oath_hotp_generate(KEY.as_ptr().cast(), KEY.len(), black_box(NOW), 6, false, DYNAMIC, other.as_mut_ptr()) }
            }),
        ],
    );
    assert_eq!(code, other);
}

fn verify(window: u16) {
    let record = *Device::totp(Totp::new(Secret::new(KEY).unwrap()), NOW).to_record().as_bytes();
    let policy = Policy::builder().window(window).build().unwrap();
    // SAFETY: a struct of numbers; zeros are right, and its size is set.
    let (mut c_policy, mut verdict): (keyfob_policy, keyfob_verdict) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    c_policy.size = size_of::<keyfob_policy>().try_into().unwrap();
    verdict.size = size_of::<keyfob_verdict>().try_into().unwrap();
    // SAFETY: the policy is a live value.
    assert_eq!(unsafe { keyfob_policy_default(&raw mut c_policy) }, keyfob_result::OK);
    c_policy.window = window.into();
    let (mut found, mut matched) = (0, 0);
    let in_place = |policy: &Policy| {
        // In place, as C does it: the record that is read was just copied.
        let mut stored = *black_box(&record);
        let device = Device::from_bytes(&stored).unwrap();
        let (answer, now) = (black_box(ABSENT.as_bytes()), black_box(NOW));
        let verdict = device.verify_and_store(policy, answer, now, |next| {
            next.write_record(&mut stored);
            Ok::<(), Error>(())
        });
        // Where they are: to move them is no part of the work.
        black_box((&stored, &verdict.unwrap()));
    };
    let rust = case("Rust, record to record", || in_place(&policy));
    let builder = policy.to_builder();
    let rust_checking = case("Rust, checking its policy at each call", || in_place(black_box(&builder).check().unwrap()));
    let c = |name: &'static str, policy: *const keyfob_policy| {
        case(name, move || {
            let mut stored = keyfob_record { bytes: *black_box(&record) };
            // SAFETY: all pointers are to live values.
            let result = unsafe {
                keyfob_device_verify(
                    &raw mut stored,
                    policy,
                    ABSENT.as_ptr().cast(),
                    ABSENT.len(),
                    black_box(NOW),
                    &raw mut verdict,
                )
            };
            assert_eq!(result, keyfob_result::OK);
            black_box((&stored, &verdict));
        })
    };
    // NULL is the default policy; any other is checked at each call.
    let (c, c_checking) = (c("C, record to record", null()), c("C, checking its policy at each call", &raw const c_policy));
    let codes = case("C, codes only", || {
        // SAFETY: all pointers are NULL where they may be, else to live values.
        unsafe {
            keyfob_totp_search(
                null(),
                KEY.as_ptr(),
                KEY.len(),
                ABSENT.as_ptr().cast(),
                ABSENT.len(),
                black_box(NOW),
                window.into(),
                &raw mut found,
                &raw mut matched,
            )
        }
    });
    let liboath = case("liboath", || {
        // SAFETY: a live key of that length, and a text with its NUL.
        unsafe {
            oath_totp_validate(
                KEY.as_ptr().cast(),
                KEY.len(),
                black_box(NOW.cast_signed()),
                30,
                0,
                window.into(),
                C_ABSENT.as_ptr(),
            )
        }
    });
    let mut cases = vec![rust, rust_checking, c_checking, codes, liboath];
    if window == Policy::DEFAULT.window() {
        cases.insert(2, c);
    }
    table(&format!("verify a window of {}", 2 * window + 1), cases);
}

fn main() {
    // SAFETY: liboath's initialisation takes nothing.
    assert_eq!(unsafe { oath_init() }, 0);
    heading();
    generate();
    for window in [1, 10] {
        verify(window);
    }
}
