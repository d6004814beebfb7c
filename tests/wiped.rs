//! Rule 11 for each type that holds a secret: after it is dropped, its memory does not hold the
//! secret any more.
//!
//! The process reads its own memory, as a core dump would: the compiler then cannot know what is
//! read.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;

use common::{NOW, hotp, secret, totp};
use keyfob::{Algorithm, Code, Device, KeyedHotp, Pin, Record, RecoveryCode, RecoveryCodes, SealCipher, SealKey, Secret};

/// Drops a value where it lies, and tells whether `secret` was there before, and whether it is
/// there after.
fn held<T>(value: T, secret: &[u8]) -> [bool; 2] {
    let memory = File::open("/proc/self/mem").unwrap();
    // Cleared, it drops what it holds and writes nothing over it; a `None` would bring whatever lay
    // on the stack.
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
    let codes = || RecoveryCodes::new(secret(), 10).unwrap();
    let text = codes().iter().next().unwrap();
    assert_eq!(held::<RecoveryCodes>(codes(), secret().expose()), WIPED, "RecoveryCodes");
    assert_eq!(held::<RecoveryCode>(text.clone(), text.as_str().as_bytes()), WIPED, "RecoveryCode");
    assert_eq!(held::<Record>(device().to_record(), secret().expose()), WIPED, "Record");
    assert_eq!(held::<Device>(device(), secret().expose()), WIPED, "Device");
    let key = b"0123456789abcdef0123456789ABCDEF";
    for cipher in SealCipher::ALL {
        assert_eq!(held::<SealKey>(SealKey::for_cipher(cipher, 1, *key), key), WIPED, "SealKey, {cipher}");
    }
    // What does not wipe is found so: otherwise this test would pass of anything.
    assert_eq!(held::<[u8; 20]>(*b"12345678901234567890", b"12345678901234567890"), [true, true], "an array");
}

/// The hash's state after the block of a padded key, from which every code can be made as from the
/// key: word by word, as it lies in memory.
fn state(algorithm: Algorithm, pad: u8) -> Vec<u8> {
    fn padded<const BLOCK: usize>(pad: u8) -> [u8; BLOCK] {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(secret().expose()).for_each(|(byte, key)| *byte ^= key);
        block
    }
    // The initial values are those of FIPS 180-4, sections 5.3.1, 5.3.3 and 5.3.5.
    match algorithm {
        Algorithm::Sha1 => {
            let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
            sha1::block_api::compress(&mut state, &[padded(pad)]);
            state.map(u32::to_ne_bytes).concat()
        }
        Algorithm::Sha256 => {
            let mut state =
                [0x6a09_e667_u32, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
            sha2::block_api::compress256(&mut state, &[padded(pad)]);
            state.map(u32::to_ne_bytes).concat()
        }
        Algorithm::Sha512 => {
            let mut state = [
                0x6a09_e667_f3bc_c908_u64,
                0xbb67_ae85_84ca_a73b,
                0x3c6e_f372_fe94_f82b,
                0xa54f_f53a_5f1d_36f1,
                0x510e_527f_ade6_82d1,
                0x9b05_688c_2b3e_6c1f,
                0x1f83_d9ab_fb41_bd6b,
                0x5be0_cd19_137e_2179,
            ];
            sha2::block_api::compress512(&mut state, &[padded(pad)]);
            state.map(u64::to_ne_bytes).concat()
        }
    }
}

/// Both states of each hash: what is inside of `KeyedHotp` is the key of every search as well.
#[test]
fn rule_11_a_hashed_key_is_wiped_too() {
    for algorithm in Algorithm::ALL {
        for (name, pad) in [("inner", 0x36), ("outer", 0x5c)] {
            let keyed = hotp().with_algorithm(algorithm).keyed();
            assert_eq!(held::<KeyedHotp>(keyed, &state(algorithm, pad)), [true, false], "{algorithm}, {name}");
        }
    }
}
