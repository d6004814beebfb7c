//! The C ABI called from Rust, so that Miri sees both sides: unaligned and foreign memory, sizes,
//! callbacks, no byte written on failure. tests/c/test tests what each function does.

use core::ffi::{CStr, c_void};
use core::mem::{offset_of, zeroed};
use core::ptr::{null, null_mut};
use std::vec;

use zeroize::Zeroize;

use super::*;
use crate::Error;

const SECRET: &[u8; 20] = b"12345678901234567890";

fn message(result: i32) -> &'static str {
    // SAFETY: the library's own static text.
    unsafe { CStr::from_ptr(keyfob_result_message(result)) }.to_str().unwrap()
}

fn sized<T: memory::Sized>() -> T {
    // SAFETY: such structs are right whatever their bytes are, and begin with their size.
    unsafe {
        let mut value: T = zeroed();
        (&raw mut value).cast::<u32>().write(size_of::<T>() as u32);
        value
    }
}

fn totp() -> keyfob_record {
    let mut record = keyfob_record { bytes: [0; KEYFOB_RECORD_SIZE] };
    // SAFETY: all pointers are to live values.
    let result = unsafe { keyfob_device_create_totp(null(), SECRET.as_ptr(), SECRET.len(), 0, &raw mut record) };
    assert_eq!(result, keyfob_result::OK);
    record
}

#[test]
fn every_error_has_its_number_and_its_message() {
    let numbers = |from: i32, to: i32| (from..to).filter(|&number| message(number) != "unknown result");
    assert_eq!(numbers(20, 128).count(), 56);
    for error in [Error::SecretLength, Error::GuessBound, Error::SealNewer, Error::UriT0, Error::BufferTooSmall] {
        assert_eq!(message(keyfob_result::from(error) as i32), error.message());
    }
    assert_eq!((message(0), message(-1), message(i32::MAX)), ("done", "unknown result", "unknown result"));
}

#[test]
fn structs_have_no_padding_and_begin_with_their_size() {
    assert_eq!((size_of::<keyfob_policy>(), size_of::<keyfob_parameters>(), size_of::<keyfob_info>()), (72, 32, 136));
    assert_eq!((size_of::<keyfob_verdict>(), size_of::<keyfob_challenge>(), size_of::<keyfob_soffid_row>()), (48, 48, 272));
    assert_eq!((offset_of!(keyfob_verdict, matched), offset_of!(keyfob_challenge, issued_at)), (24, 24));
    assert_eq!((offset_of!(keyfob_info, t0), offset_of!(keyfob_soffid_row, kind)), (40, 64));
}

/// A struct as a later version might have it: `later` was added after its first publication.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grown {
    size: u32,
    first: u32,
    later: u64,
}

// SAFETY: two numbers of 32 bits, of which the first is the size, and an aligned one of 64.
unsafe impl memory::Sized for Grown {
    const FIRST_SIZE: usize = 8;
}

#[test]
fn structs_grow_and_older_and_newer_callers_go_on_working() {
    let read = |bytes: &[u8]| {
        let mut value = Grown { size: 0, first: 1, later: 2 };
        // SAFETY: the bytes begin with their number, but where that is tested.
        unsafe { memory::read_sized(bytes.as_ptr().cast(), &mut value) }.map(|()| (value.first, value.later))
    };
    let caller = |size: u32, rest: &[u8]| [&size.to_ne_bytes()[..], &7_u32.to_ne_bytes(), rest].concat();
    let nine = 9_u64.to_ne_bytes();
    assert_eq!(read(&caller(8, &[])), Ok((7, 2)), "an older caller: the rest is the default");
    assert_eq!(read(&caller(16, &nine)), Ok((7, 9)));
    assert_eq!(read(&caller(24, &[nine, [0; 8]].concat())), Ok((7, 9)), "a newer caller");
    assert_eq!(read(&caller(24, &[nine, nine].concat())), Err(keyfob_result::STRUCT_SIZE), "which wants what is not known here");
    assert_eq!(read(&caller(7, &[])), Err(keyfob_result::STRUCT_SIZE), "no version was so small");
    assert_eq!(read(&caller(4097, &[0; 4096])), Err(keyfob_result::STRUCT_SIZE));

    let write = |size: u32| {
        let mut place = [0xa5_u8; 32];
        place[..4].copy_from_slice(&size.to_ne_bytes());
        let value = Grown { size: 0, first: 7, later: 9 };
        // SAFETY: the place is larger than any size tested.
        unsafe { memory::OutSized::<Grown>::new(place.as_mut_ptr().cast()).map(|out| out.write(&value)) }.map(|()| place)
    };
    for (size, rest) in [(8, &[][..]), (16, &nine), (24, &[nine, [0; 8]].concat())] {
        let place = write(size).unwrap();
        let size = size as usize;
        assert_eq!(place[..size], caller(size as u32, rest), "the caller's size stays, and all that it has room for is written");
        assert!(place[size..].iter().all(|&byte| byte == 0xa5), "and nothing behind it");
    }
    assert_eq!(write(7).err(), Some(keyfob_result::STRUCT_SIZE));
    assert_eq!(write(4097).err(), Some(keyfob_result::STRUCT_SIZE));
}

/// A published size stays.
#[test]
fn the_first_published_sizes_stay() {
    fn first<T: memory::Sized>() -> (usize, bool) {
        (T::FIRST_SIZE, T::FIRST_SIZE <= size_of::<T>())
    }
    assert_eq!(first::<keyfob_policy>(), (64, true));
    assert_eq!(first::<keyfob_parameters>(), (24, true));
    assert_eq!(first::<keyfob_info>(), (104, true));
    assert_eq!(first::<keyfob_verdict>(), (48, true));
    assert_eq!(first::<keyfob_challenge>(), (48, true));
    assert_eq!(first::<keyfob_soffid_row>(), (272, true));
}

#[test]
fn memory_may_be_unaligned_and_larger() {
    let mut place = vec![0xa5_u8; size_of::<keyfob_verdict>() + 17];
    let record = totp();
    // SAFETY: the verdict lies at an odd place within `place`, with sixteen bytes behind it that
    // its size takes in.
    unsafe {
        let verdict: *mut keyfob_verdict = place.as_mut_ptr().add(1).cast();
        verdict.cast::<u32>().write_unaligned(size_of::<keyfob_verdict>() as u32 + 16);
        let mut copy = record;
        let result = keyfob_device_verify(&raw mut copy, null(), c"287082".as_ptr(), 6, 59, verdict);
        assert_eq!(result, keyfob_result::OK);
        assert_eq!(verdict.read_unaligned().right, 1);
    }
    assert_eq!(&place[1 + size_of::<keyfob_verdict>()..], [0; 16], "what the library does not know is zero");
}

/// What the callback below is given, and what it answers.
struct Kept(Option<(keyfob_record, u64)>, i32);

unsafe extern "C" fn keep(context: *mut c_void, next: *const keyfob_record, read: u64) -> i32 {
    // SAFETY: the context is a Kept, and the record lives during the call.
    unsafe {
        let kept = &mut *context.cast::<Kept>();
        kept.0 = Some((*next, read));
        kept.1
    }
}

#[test]
fn the_verdict_waits_for_the_store() {
    let record = totp();
    for (answer, expected) in [(0, keyfob_result::OK), (1, keyfob_result::STORE_CONFLICT), (2, keyfob_result::STORE_FAILED)] {
        let mut context = Kept(None, answer);
        let mut verdict: keyfob_verdict = sized();
        // SAFETY: all pointers are to live values.
        let result = unsafe {
            let context = (&raw mut context).cast();
            keyfob_device_verify_and_store(
                &raw const record,
                null(),
                c"287082".as_ptr(),
                6,
                59,
                Some(keep),
                context,
                &raw mut verdict,
            )
        };
        assert_eq!(result, expected);
        assert_eq!(verdict.right, u32::from(answer == 0));
        let (next, read) = context.0.unwrap();
        assert_eq!((read, next.bytes == record.bytes), (0, false));
    }
}

/// As on bare metal, whose library is built so. Draws positions, since a secret of zeros is always
/// refused.
#[cfg(not(feature = "getrandom"))]
#[test]
fn randomness_is_the_callers_without_an_operating_system() {
    let mut record = keyfob_record { bytes: [0; KEYFOB_RECORD_SIZE] };
    let mut challenge: keyfob_challenge = sized();
    // SAFETY: all pointers are to live values.
    let drawn = unsafe {
        assert_eq!(keyfob_device_create_pin(null(), c"49205187".as_ptr(), 8, 0, &raw mut record), keyfob_result::OK);
        keyfob_device_challenge(&raw mut record, null(), None, null_mut(), 0, &raw mut challenge)
    };
    assert_eq!((drawn, challenge.positions), (keyfob_result::RANDOMNESS, 0));
}

#[test]
fn nothing_is_written_on_failure() {
    let mut record = totp();
    let before = record;
    let mut verdict: keyfob_verdict = sized();
    let mut length = 7_usize;
    let mut text = [1; 8];
    // SAFETY: all pointers are NULL or to live values.
    unsafe {
        assert_eq!(keyfob_device_verify(&raw mut record, null(), null(), 3, 0, &raw mut verdict), keyfob_result::NULL_POINTER);
        assert_eq!(keyfob_device_verify(&raw mut record, null(), null(), usize::MAX, 0, &raw mut verdict), keyfob_result::LENGTH);
        assert_eq!(keyfob_device_verify(null_mut(), null(), null(), 0, 0, &raw mut verdict), keyfob_result::NULL_POINTER);
        assert_eq!(
            keyfob_uri_write(&raw const record, null(), c"a".as_ptr(), text.as_mut_ptr(), text.len(), &raw mut length),
            keyfob_result::BUFFER_TOO_SMALL
        );
        verdict.size = 3;
        assert_eq!(keyfob_device_verify(&raw mut record, null(), null(), 0, 0, &raw mut verdict), keyfob_result::STRUCT_SIZE);
    }
    assert_eq!((record.bytes, verdict.fails, length, text), (before.bytes, 0, 7, [1; 8]));
}

#[test]
fn uris_seals_and_rows_go_there_and_back() {
    let (mut record, mut back) = (totp(), totp());
    let (mut text, mut issuer, mut account) = ([0; 300], [0; 32], [0; 32]);
    let (mut sealed, mut key_id) = ([0; KEYFOB_SEALED_SIZE], 0);
    let mut row: keyfob_soffid_row = sized();
    let (key, nonce) = ([1_u8; KEYFOB_SEAL_KEY_SIZE], [2_u8; KEYFOB_SEAL_NONCE_SIZE]);
    // SAFETY: all pointers are to live values.
    unsafe {
        let (name, user) = (c"ACME".as_ptr(), c"alice".as_ptr());
        assert_eq!(keyfob_uri_write(&raw const record, name, user, text.as_mut_ptr(), 300, null_mut()), keyfob_result::OK);
        let parsed = keyfob_uri_parse(text.as_ptr(), 0, &raw mut back, issuer.as_mut_ptr(), 32, account.as_mut_ptr(), 32);
        assert_eq!((parsed, back.bytes), (keyfob_result::OK, record.bytes));
        assert_eq!((CStr::from_ptr(issuer.as_ptr()), CStr::from_ptr(account.as_ptr())), (c"ACME", c"alice"));

        for seal in [keyfob_record_seal, keyfob_record_seal_xaes_256_gcm] {
            let (key, id) = (key.as_ptr(), b"id".as_ptr().cast());
            assert_eq!(seal(&raw const record, 9, key, id, 2, nonce.as_ptr(), sealed.as_mut_ptr()), keyfob_result::OK);
            let named = keyfob_sealed_key_id(sealed.as_ptr(), 216, &raw mut key_id);
            assert_eq!((named, key_id), (keyfob_result::OK, 9));
            let opened = keyfob_record_open(sealed.as_ptr(), 216, 9, key, id, 2, &raw mut back);
            assert_eq!((opened, back.bytes), (keyfob_result::OK, record.bytes));
        }

        assert_eq!(keyfob_device_set_status(&raw mut record, keyfob_status::LOCKED as u32, 0), keyfob_result::OK);
        assert_eq!(keyfob_soffid_export(&raw const record, &raw mut row), keyfob_result::OK);
        assert_eq!(keyfob_soffid_import(&raw const row, null(), 0, &raw mut back), keyfob_result::OK);
        let mut info: keyfob_info = sized();
        assert_eq!(keyfob_device_info(&raw const back, &raw mut info), keyfob_result::OK);
        assert_eq!((info.status, info.kind), (keyfob_status::LOCKED as u32, keyfob_kind::TOTP as u32));
    }
}

/// As `Zeroizing` does on drop. Whether every copy is dropped so, tests/c/stack.c looks for in
/// optimised code.
#[test]
fn structs_that_hold_a_secret_overwrite_it() {
    let (mut challenge, mut row) = (sized::<keyfob_challenge>(), sized::<keyfob_soffid_row>());
    (challenge.code, challenge.issued_at) = ([7; KEYFOB_CODE_SIZE], 7);
    challenge.zeroize();
    assert_eq!((challenge.code, challenge.issued_at), ([0; KEYFOB_CODE_SIZE], 7));
    row.auth_key.fill(7);
    row.pin.fill(7);
    row.zeroize();
    assert!(row.auth_key.iter().chain(&row.pin).all(|&char| char == 0));
}
