//! The C functions in any order with any bytes: nothing crashes, and what fails writes nothing.

use std::ffi::{CString, c_void};
use std::ptr::null;

use arbitrary::Arbitrary;
use keyfob::ffi::*;

#[derive(Arbitrary, Debug)]
pub struct Input {
    policy: Option<[u32; 17]>,
    calls: Vec<Call>,
}

#[derive(Arbitrary, Debug)]
enum Call {
    Record(Vec<u8>),
    Totp([u32; 3], u64, Vec<u8>, u64),
    Hotp([u32; 3], Vec<u8>, u64, u64),
    Sms(Vec<u8>, u64),
    Pin(Vec<u8>, u64),
    Recovery(u32, Vec<u8>, u64),
    RecoveryCode(u32, u16),
    CheckRecoveryCode(Vec<u8>),
    Challenge(i8, u64),
    Resend(u64),
    Verify(Vec<u8>, u64),
    VerifyAndStore(Vec<u8>, u64, i32),
    Resync(Vec<u8>, Vec<u8>, u64),
    Status(u32, u64),
    Unlock(u64),
    ForgetSteps(u64),
    Validity(u64, u64, u64),
    Replace(Vec<u8>, u8, u64),
    Info,
    Seal(u32, [u8; 32], Vec<u8>, [u8; 24]),
    Open(Vec<u8>, u32),
    WriteUri(CString, CString, u16),
    ParseUri(CString, u16, u16),
    Base32(CString, u8),
    Export,
    Import([u32; 7], [u64; 4], Vec<u8>),
    Search(Vec<u8>, Vec<u8>, u64, u8),
    Find(u8, Vec<u8>, Option<Vec<u8>>, u64),
}

unsafe extern "C" fn random(context: *mut c_void, bytes: *mut u8, length: usize) -> i32 {
    let answer = unsafe { *context.cast::<i8>() };
    unsafe { bytes.write_bytes(answer as u8, length) };
    i32::from(answer < 0)
}

unsafe extern "C" fn store(context: *mut c_void, next: *const keyfob_record, _: u64) -> i32 {
    assert_eq!(unsafe { keyfob_record_read((*next).bytes.as_ptr(), KEYFOB_RECORD_SIZE, std::ptr::null_mut()) }, keyfob_result::OK);
    unsafe { *context.cast::<i32>() }
}

fn zeroed<T>(size: impl FnOnce(&mut T) -> &mut u32) -> T {
    // SAFETY: structs of numbers and bytes.
    let mut value: T = unsafe { std::mem::zeroed() };
    *size(&mut value) = size_of::<T>() as u32;
    value
}

pub fn run(input: Input) {
    let mut policy: keyfob_policy = zeroed(|policy: &mut keyfob_policy| &mut policy.size);
    if let Some(numbers) = input.policy {
        // SAFETY: the seventeen numbers behind the size; the windows are kept narrow, for speed.
        unsafe { (&raw mut policy).cast::<[u32; 18]>().cast::<u32>().add(1).cast::<[u32; 17]>().write(numbers) };
        policy.window %= 64;
        policy.look_ahead %= 64;
        policy.resync_window %= 256;
        policy.first_window %= 64;
    }
    let policy = if input.policy.is_some() { &raw const policy } else { null() };
    let mut record = keyfob_record { bytes: [0; KEYFOB_RECORD_SIZE] };
    for call in input.calls.iter().take(48) {
        let before = record.bytes;
        let mut verdict: keyfob_verdict = zeroed(|verdict: &mut keyfob_verdict| &mut verdict.size);
        let mut challenge: keyfob_challenge = zeroed(|challenge: &mut keyfob_challenge| &mut challenge.size);
        let mut info: keyfob_info = zeroed(|info: &mut keyfob_info| &mut info.size);
        let mut row: keyfob_soffid_row = zeroed(|row: &mut keyfob_soffid_row| &mut row.size);
        let (mut bytes, mut text, mut label) = ([0_u8; 216], [0; 600], [0; 600]);
        let (mut length, mut number, mut matched) = (0_usize, 0_u32, 0_u64);
        let parameters = |[algorithm, digits, period]: [u32; 3], t0| keyfob_parameters {
            size: size_of::<keyfob_parameters>() as u32,
            algorithm: algorithm % 5,
            digits: digits % 12,
            period,
            t0,
            allow_short_secret: algorithm >> 31,
            reserved: 0,
        };
        let to = &raw mut record;
        // SAFETY: all pointers are to live values, of the lengths given.
        let result = unsafe {
            match call {
                Call::Record(bytes) => keyfob_record_read(bytes.as_ptr(), bytes.len(), to),
                Call::Totp(p, t0, secret, now) => {
                    keyfob_device_create_totp(&parameters(*p, *t0), secret.as_ptr(), secret.len(), *now, to)
                }
                Call::Hotp(p, secret, counter, now) => {
                    keyfob_device_create_hotp(&parameters(*p, 0), secret.as_ptr(), secret.len(), *counter, *now, to)
                }
                Call::Sms(secret, now) => keyfob_device_create_sms(null(), secret.as_ptr(), secret.len(), *now, to),
                Call::Pin(pin, now) => {
                    let digits: Vec<u8> = pin.iter().map(|byte| b'0' + byte % 10).collect();
                    keyfob_device_create_pin(policy, digits.as_ptr().cast(), digits.len(), *now, to)
                }
                Call::Recovery(count, secret, now) => {
                    keyfob_device_create_recovery(count % 80, secret.as_ptr(), secret.len(), *now, to)
                }
                Call::RecoveryCode(index, size) => {
                    let size = usize::from(*size).min(text.len());
                    let result = keyfob_device_recovery_code(to, index % 80, text.as_mut_ptr(), size);
                    if result == keyfob_result::OK {
                        let written = keyfob_recovery_code_check(text.as_ptr(), KEYFOB_RECOVERY_CODE_SIZE - 1, &raw mut number);
                        assert_eq!((written, number), (keyfob_result::OK, 1), "a code that was written has no typing error");
                    }
                    result
                }
                Call::CheckRecoveryCode(typed) => keyfob_recovery_code_check(typed.as_ptr().cast(), typed.len(), &raw mut number),
                Call::Challenge(answer, now) => {
                    let mut answer = *answer;
                    keyfob_device_challenge(to, policy, Some(random), (&raw mut answer).cast(), *now, &raw mut challenge)
                }
                Call::Resend(now) => keyfob_device_resend(to, policy, *now, &raw mut challenge),
                Call::Verify(answer, now) => {
                    keyfob_device_verify(to, policy, answer.as_ptr().cast(), answer.len(), *now, &raw mut verdict)
                }
                Call::VerifyAndStore(answer, now, outcome) => {
                    let mut outcome = *outcome;
                    let context = (&raw mut outcome).cast();
                    let store = Some(store as _);
                    keyfob_device_verify_and_store(
                        to,
                        policy,
                        answer.as_ptr().cast(),
                        answer.len(),
                        *now,
                        store,
                        context,
                        &raw mut verdict,
                    )
                }
                Call::Resync(first, second, now) => {
                    let (a, b) = (first.as_ptr().cast(), second.as_ptr().cast());
                    keyfob_device_resync(to, policy, a, first.len(), b, second.len(), *now, &raw mut verdict)
                }
                Call::Status(status, now) => keyfob_device_set_status(to, *status, *now),
                Call::Unlock(now) => keyfob_device_unlock(to, *now),
                Call::ForgetSteps(now) => keyfob_device_forget_steps(to, *now),
                Call::Validity(not_before, not_after, now) => keyfob_device_set_validity(to, *not_before, *not_after, *now),
                Call::Replace(secret, kind, now) => {
                    let mut from = keyfob_record { bytes: [0; KEYFOB_RECORD_SIZE] };
                    let (bytes, length, made) = (secret.as_ptr(), secret.len(), &raw mut from);
                    let _ = match kind % 4 {
                        0 => keyfob_device_create_totp(null(), bytes, length, 0, made),
                        1 => keyfob_device_create_hotp(null(), bytes, length, 0, 0, made),
                        2 => keyfob_device_create_recovery(u32::from(kind >> 2), bytes, length, 0, made),
                        _ => keyfob_device_create_sms(null(), bytes, length, 0, made),
                    };
                    keyfob_device_replace_factor(to, made, *now)
                }
                Call::Info => keyfob_device_info(to, &raw mut info),
                Call::Seal(id, key, device, nonce) => {
                    let (key, nonce) = (key.as_ptr(), nonce.as_ptr());
                    let seal = if *id % 2 == 0 { keyfob_record_seal } else { keyfob_record_seal_xaes_256_gcm };
                    seal(to, *id, key, device.as_ptr().cast(), device.len(), nonce, bytes.as_mut_ptr())
                }
                Call::Open(sealed, id) => keyfob_record_open(sealed.as_ptr(), sealed.len(), *id, [1; 32].as_ptr(), null(), 0, to),
                Call::WriteUri(issuer, account, size) => {
                    let size = usize::from(*size).min(text.len());
                    keyfob_uri_write(to, issuer.as_ptr(), account.as_ptr(), text.as_mut_ptr(), size, &raw mut length)
                }
                Call::ParseUri(uri, issuer, account) => {
                    let sizes = [issuer, account].map(|&size| usize::from(size).min(600));
                    keyfob_uri_parse(uri.as_ptr(), 0, to, text.as_mut_ptr(), sizes[0], label.as_mut_ptr(), sizes[1])
                }
                Call::Base32(text, size) => {
                    keyfob_secret_from_base32(text.as_ptr(), bytes.as_mut_ptr(), usize::from(*size).min(216), &raw mut length)
                }
                Call::Export => match keyfob_soffid_export(to, &raw mut row) {
                    keyfob_result::OK => {
                        let mut has_factor = 0;
                        assert!(keyfob_soffid_has_factor(to, &raw const row, &raw mut has_factor) == keyfob_result::OK);
                        assert_eq!(has_factor, 1, "the row that was just written");
                        keyfob_soffid_update(to, &raw mut row)
                    }
                    other => other,
                },
                Call::Import(small, large, text) => {
                    // SAFETY: the numbers behind the size, and then the texts.
                    let start = (&raw mut row).cast::<u32>();
                    start.add(1).cast::<[u32; 7]>().write(*small);
                    start.add(8).cast::<[u64; 4]>().write(*large);
                    let texts = (&raw mut row.kind).cast::<u8>();
                    texts.copy_from_nonoverlapping(text.as_ptr(), text.len().min(208));
                    keyfob_soffid_import(&raw const row, [7; 20].as_ptr(), 20, to)
                }
                Call::Search(secret, code, counter, width) => keyfob_hotp_search(
                    null(),
                    secret.as_ptr(),
                    secret.len(),
                    code.as_ptr().cast(),
                    code.len(),
                    *counter,
                    (*width).into(),
                    &raw mut number,
                    &raw mut matched,
                ),
                Call::Find(count, first, second, now) => {
                    let records = vec![record; usize::from(count % 70)];
                    let (codes, length) = (first.as_ptr().cast(), first.len());
                    let (next, next_length) = second.as_ref().map_or((null(), 0), |second| (second.as_ptr().cast(), second.len()));
                    keyfob_device_find(
                        records.as_ptr(),
                        records.len(),
                        policy,
                        codes,
                        length,
                        next,
                        next_length,
                        *now,
                        &raw mut matched,
                    )
                }
            }
        };
        assert_ne!(result, keyfob_result::PANIC);
        if result == keyfob_result::OK {
            let writes = !matches!(call, Call::Base32(..) | Call::Search(..) | Call::Find(..) | Call::CheckRecoveryCode(_));
            // SAFETY: the record is a live value.
            let read = unsafe { keyfob_record_read(record.bytes.as_ptr(), KEYFOB_RECORD_SIZE, std::ptr::null_mut()) };
            assert!(!writes || read == keyfob_result::OK);
        } else {
            assert_eq!(record.bytes, before);
            assert_eq!((verdict.reason, challenge.kind, length, number, matched), (0, 0, 0, 0, 0));
            assert!(bytes == [0; 216] && text == [0; 600] && label == [0; 600]);
        }
    }
}
