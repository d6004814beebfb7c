//! Codes without a device: generate and search.

use core::ffi::c_char;

use super::guard::guard;
use super::memory::{Buffer, Out, Sized, bytes, chars, read_sized};
use super::result::keyfob_result;
use crate::{Algorithm, Digits, Error, Hotp, Policy, Secret, Totp};

/// The hash under the HMAC.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_algorithm {
    /// HMAC-SHA-1, what every authenticator knows.
    SHA1 = 1,
    /// HMAC-SHA-256.
    SHA256 = 2,
    /// HMAC-SHA-512.
    SHA512 = 3,
}

/// The parameters of an authenticator, apart from the secret. As an argument of a function, NULL is
/// SHA-1, 6 digits, 30 seconds and T0 = 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct keyfob_parameters {
    /// sizeof(keyfob_parameters).
    pub size: u32,
    /// A keyfob_algorithm.
    pub algorithm: u32,
    /// Digits of a code, 6 to 10.
    pub digits: u32,
    /// TOTP: the length of a step in seconds, 1 or more. Ignored otherwise.
    pub period: u32,
    /// TOTP: the time from which steps are counted, in Unix seconds. Ignored otherwise.
    pub t0: u64,
    /// 1 to take a secret of 10 to 15 bytes as well, for tokens that were made with one; else 0.
    pub allow_short_secret: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: four numbers of 32 bits, of which the first is the size, an aligned one of 64, and two
// more of 32.
unsafe impl Sized for keyfob_parameters {
    // Up to `t0`.
    const FIRST_SIZE: usize = 24;
}

/// The parameters at `pointer`, the defaults for NULL, with this secret.
pub(super) unsafe fn hotp(
    pointer: *const keyfob_parameters,
    secret: *const u8,
    length: usize,
) -> Result<(Hotp, keyfob_parameters), keyfob_result> {
    let size = size_of::<keyfob_parameters>() as u32;
    let mut parameters = keyfob_parameters {
        size,
        algorithm: keyfob_algorithm::SHA1 as u32,
        digits: 6,
        period: 30,
        t0: 0,
        allow_short_secret: 0,
        reserved: 0,
    };
    if !pointer.is_null() {
        // SAFETY: the caller's promise is passed on.
        unsafe { read_sized(pointer, &mut parameters) }?;
    }
    // SAFETY: the caller's promise is passed on.
    let secret = unsafe { bytes(secret, length) }?;
    let secret = if parameters.allow_short_secret == 0 { Secret::new(secret) } else { Secret::new_allowing_short(secret) }?;
    let algorithm = u8::try_from(parameters.algorithm).ok().and_then(Algorithm::from_number).ok_or(Error::Algorithm)?;
    let digits = u8::try_from(parameters.digits).map_err(|_| Error::Digits).and_then(Digits::new)?;
    Ok((Hotp::new(secret).with_algorithm(algorithm).with_digits(digits), parameters))
}

/// As `hotp`, with period and T0.
pub(super) unsafe fn totp(pointer: *const keyfob_parameters, secret: *const u8, length: usize) -> Result<Totp, keyfob_result> {
    // SAFETY: the caller's promise is passed on.
    let (hotp, parameters) = unsafe { hotp(pointer, secret, length) }?;
    Ok(Totp::from_hotp(hotp).with_period(parameters.period)?.with_t0(parameters.t0))
}

/// Writes the code of `counter` (RFC 4226) and a NUL to `code`, which has room for `code_size`
/// bytes: KEYFOB_CODE_SIZE always suffice. `parameters` may be NULL. The caller wipes `code`.
/// Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, the parameters'.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_hotp_generate(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    counter: u64,
    code: *mut c_char,
    code_size: usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let (hotp, _) = unsafe { hotp(parameters, secret, secret_length) }?;
        let made = hotp.generate(counter);
        // SAFETY: the caller keeps to the header.
        unsafe { Buffer::for_text(code, code_size, made.as_str())?.write_text(made.as_str()) };
        Ok(())
    })
}

/// Writes the code of `time`, in Unix seconds (RFC 6238), and a NUL to `code`, as
/// keyfob_hotp_generate does. KEYFOB_RESULT_CLOCK before T0. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, the parameters', PERIOD, CLOCK.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_totp_generate(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    time: u64,
    code: *mut c_char,
    code_size: usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let made = unsafe { totp(parameters, secret, secret_length) }?.generate(time)?;
        // SAFETY: the caller keeps to the header.
        unsafe { Buffer::for_text(code, code_size, made.as_str())?.write_text(made.as_str()) };
        Ok(())
    })
}

/// Searches `code` from `counter` to `look_ahead` (0 to 1000) counters after it, all of them, in
/// constant time. Writes 1 and the lowest matching counter to `found` and `matched`, or 0 and 0.
/// Keeps no state: the same code is found again. `parameters` may be NULL. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters', LOOK_AHEAD.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_hotp_search(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    code: *const c_char,
    code_length: usize,
    counter: u64,
    look_ahead: u32,
    found: *mut u32,
    matched: *mut u64,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let (hotp, _) = unsafe { hotp(parameters, secret, secret_length) }?;
        // SAFETY: the caller keeps to the header.
        let code = unsafe { chars(code, code_length) }?;
        let look_ahead =
            u16::try_from(look_ahead).ok().filter(|&counters| counters <= Policy::MAX_WINDOW).ok_or(keyfob_result::LOOK_AHEAD)?;
        let place = hotp.search(code, counter..=counter.saturating_add(look_ahead.into()));
        // SAFETY: the caller keeps to the header.
        unsafe { write_found(place, found, matched) }
    })
}

/// Searches `code` from `window` (0 to 1000) steps before `time`, in Unix seconds, to as many after
/// it. Otherwise as keyfob_hotp_search, with the step in `matched`. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters', PERIOD, WINDOW, CLOCK, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_totp_search(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    code: *const c_char,
    code_length: usize,
    time: u64,
    window: u32,
    found: *mut u32,
    matched: *mut u64,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let totp = unsafe { totp(parameters, secret, secret_length) }?;
        // SAFETY: the caller keeps to the header.
        let code = unsafe { chars(code, code_length) }?;
        let window = u16::try_from(window).ok().filter(|&window| window <= Policy::MAX_WINDOW).ok_or(keyfob_result::WINDOW)?;
        let place = totp.search(code, time, window)?;
        // SAFETY: the caller keeps to the header.
        unsafe { write_found(place, found, matched) }
    })
}

unsafe fn write_found(place: Option<u64>, found: *mut u32, matched: *mut u64) -> Result<(), keyfob_result> {
    let (found, matched) = (Out::new(found)?, Out::new(matched)?);
    // SAFETY: the caller's promise is passed on.
    unsafe {
        found.write(place.is_some().into());
        matched.write(place.unwrap_or_default());
    }
    Ok(())
}
