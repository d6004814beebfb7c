//! Recovery codes.

use core::ffi::c_char;

use super::device::enrol;
use super::guard::guard;
use super::memory::{Buffer, Out, bytes, chars};
use super::record::{device, keyfob_record};
use super::result::keyfob_result;
use crate::{Device, Error, Factor, RecoveryCode, RecoveryCodes, Secret};

/// Makes a device of `count` recovery codes, 1 to 64, for a user who may lose every other factor.
/// Each is right once. `secret` has 16 to 64 bytes and is drawn for this device alone, by
/// keyfob_secret_random for SHA-256. keyfob_device_recovery_code has the codes: show them once. To
/// renew them, make another such device and give it to keyfob_device_replace_factor, which ends the
/// old codes. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SECRET_LENGTH, RECOVERY_CODE_COUNT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_create_recovery(
    count: u32,
    secret: *const u8,
    secret_length: usize,
    now: u64,
    record: *mut keyfob_record,
) -> keyfob_result {
    let make = || {
        // SAFETY: the caller keeps to the header.
        let secret = Secret::new(unsafe { bytes(secret, secret_length) }?)?;
        let count = u8::try_from(count).map_err(|_| Error::RecoveryCodeCount)?;
        Ok(Device::recovery(RecoveryCodes::new(secret, count)?, now))
    };
    // SAFETY: the caller keeps to the header.
    unsafe { enrol(record, make) }
}

/// Writes the recovery code of `index`, from 0 on, and a NUL to `code`, which has room for
/// `code_size` bytes: KEYFOB_RECOVERY_CODE_SIZE always suffice. A used one is written as well. An
/// index behind the last is RECOVERY_CODE_COUNT. The caller wipes `code`. Thread-safe.
///
/// Results: NULL_POINTER, BUFFER_TOO_SMALL, the record's, WRONG_KIND, RECOVERY_CODE_COUNT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_recovery_code(
    record: *const keyfob_record,
    index: u32,
    code: *mut c_char,
    code_size: usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let device = unsafe { device(record) }?;
        let Factor::Recovery(codes) = device.factor() else { return Err(Error::WrongKind.into()) };
        let made = codes.iter().nth(index as usize).ok_or(Error::RecoveryCodeCount)?;
        // SAFETY: the caller keeps to the header.
        unsafe { Buffer::for_text(code, code_size, made.as_str())?.write_text(made.as_str()) };
        Ok(())
    })
}

/// Writes 1 to `well_formed` if `typed` is written as a recovery code, its check symbol included,
/// else 0: for a form that shows a typing error before it costs a fail. Either case, with anything
/// between the symbols that is no letter and no digit of ASCII. I and L are read as 1, O as 0 and U
/// as V. 64 bytes at most. It says nothing of whether the code is right. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_recovery_code_check(
    typed: *const c_char,
    typed_length: usize,
    well_formed: *mut u32,
) -> keyfob_result {
    guard(|| {
        let out = Out::new(well_formed)?;
        // SAFETY: the caller keeps to the header.
        let typed = unsafe { chars(typed, typed_length) }?;
        // SAFETY: the caller keeps to the header.
        unsafe { out.write(RecoveryCode::is_well_formed(typed).into()) };
        Ok(())
    })
}
