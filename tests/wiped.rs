//! Rule 11 for each type that holds a secret: after it is dropped, its memory does not hold the secret any more.
//!
//! The process reads its own memory, as a core dump would: the compiler then cannot know what is read.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;

use common::{NOW, hotp, secret, totp};
use keyfob::{Code, Device, Pin, Record, SealKey, Secret};

/// Drops a value where it lies, and tells whether `secret` was there before, and whether it is there after.
fn held<T>(value: T, secret: &[u8]) -> [bool; 2] {
    let memory = File::open("/proc/self/mem").unwrap();
    // Cleared, it drops what it holds and writes nothing over it; a `None` would bring whatever lay on the stack.
    let mut place = vec![value];
    let address = place.as_ptr().addr() as u64;
    let is_there = || {
        let mut bytes = vec![0; size_of::<T>()];
        memory.read_exact_at(&mut bytes, address).unwrap();
        bytes.windows(secret.len()).any(|bytes| bytes == secret)
    };
    black_box(&mut place);
    let before = is_there();
    place.clear();
    black_box(&mut place);
    [before, is_there()]
}

#[test]
fn rule_11_each_type_that_holds_a_secret_wipes_it() {
    const WIPED: [bool; 2] = [true, false];
    let device = || Device::totp(totp(), NOW);
    assert_eq!(held::<Secret>(secret(), secret().expose()), WIPED, "Secret");
    assert_eq!(held::<Pin>(Pin::new(b"4920518736").unwrap(), b"4920518736"), WIPED, "Pin");
    assert_eq!(held::<Code>(hotp().generate(1), b"287082"), WIPED, "Code");
    assert_eq!(held::<Record>(device().to_record(), secret().expose()), WIPED, "Record");
    assert_eq!(held::<Device>(device(), secret().expose()), WIPED, "Device");
    assert_eq!(
        held::<SealKey>(SealKey::new(1, *b"0123456789abcdef0123456789ABCDEF"), b"0123456789abcdef0123456789ABCDEF"),
        WIPED,
        "SealKey"
    );
    // What does not wipe is found so: otherwise this test would pass of anything.
    assert_eq!(held::<[u8; 20]>(*b"12345678901234567890", b"12345678901234567890"), [true, true], "an array");
}
