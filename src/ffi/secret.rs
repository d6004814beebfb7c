//! Secrets as text and from randomness.

use core::ffi::{c_char, c_void};

use super::guard::guard;
use super::memory::{Buffer, Out, bytes, utf8};
use super::random::{Random, keyfob_random_fn};
use super::result::keyfob_result;
use crate::{Algorithm, Error, Secret};

/// Draws a secret of the size that suits the keyfob_algorithm: 20, 32 or 64 bytes. `secret` has
/// room for `secret_size` bytes; how many were written goes to `secret_length`. `random` may be
/// NULL in hosted builds, where the operating system's generator is taken; `context` is passed to
/// it. The caller wipes `secret`. Thread-safe, if `random` is.
///
/// Results: NULL_POINTER, BUFFER_TOO_SMALL, ALGORITHM, RANDOMNESS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_secret_random(
    algorithm: u32,
    random: keyfob_random_fn,
    context: *mut c_void,
    secret: *mut u8,
    secret_size: usize,
    secret_length: *mut usize,
) -> keyfob_result {
    guard(|| {
        let algorithm = u8::try_from(algorithm).ok().and_then(Algorithm::from_number).ok_or(Error::Algorithm)?;
        let drawn = Secret::random(algorithm, &mut Random(random, context))?;
        // SAFETY: the caller keeps to the header.
        unsafe { write(&drawn, secret, secret_size, secret_length) }
    })
}

/// Reads a secret as people type it in Base32: either case, blanks and hyphens between groups, with
/// or without padding. One of 10 to 15 bytes is read as well; what takes secrets takes it only
/// where its parameters allow that. `text` ends with a NUL. `secret` has room for `secret_size`
/// bytes, KEYFOB_SECRET_MAX_SIZE always suffice; how many were written goes to `secret_length`. The
/// caller wipes `secret` and `text`. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_BASE32.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_secret_from_base32(
    text: *const c_char,
    secret: *mut u8,
    secret_size: usize,
    secret_length: *mut usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let read = Secret::from_base32_allowing_short(unsafe { utf8(text, keyfob_result::SECRET_BASE32) }?)?;
        // SAFETY: the caller keeps to the header.
        unsafe { write(&read, secret, secret_size, secret_length) }
    })
}

/// Reads a secret in hexadecimal, otherwise as keyfob_secret_from_base32. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_HEX.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_secret_from_hex(
    text: *const c_char,
    secret: *mut u8,
    secret_size: usize,
    secret_length: *mut usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let read = Secret::from_hex_allowing_short(unsafe { utf8(text, keyfob_result::SECRET_HEX) }?)?;
        // SAFETY: the caller keeps to the header.
        unsafe { write(&read, secret, secret_size, secret_length) }
    })
}

/// Writes a secret in Base32, upper case without padding, and a NUL to `text`, which has room for
/// `text_size` bytes: KEYFOB_BASE32_SIZE always suffice. The caller wipes `text`. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_secret_to_base32(
    secret: *const u8,
    secret_length: usize,
    text: *mut c_char,
    text_size: usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let secret = Secret::new_allowing_short(unsafe { bytes(secret, secret_length) }?)?;
        let mut buffer = zeroize::Zeroizing::new([0; super::KEYFOB_BASE32_SIZE]);
        let made = secret.write_base32(&mut *buffer)?;
        // SAFETY: the caller keeps to the header.
        unsafe { Buffer::for_text(text, text_size, made)?.write_text(made) };
        Ok(())
    })
}

/// Writes a secret in lower-case hexadecimal and a NUL to `text`: KEYFOB_HEX_SIZE always suffice.
/// The caller wipes `text`. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_secret_to_hex(
    secret: *const u8,
    secret_length: usize,
    text: *mut c_char,
    text_size: usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let secret = Secret::new_allowing_short(unsafe { bytes(secret, secret_length) }?)?;
        let mut buffer = zeroize::Zeroizing::new([0; super::KEYFOB_HEX_SIZE]);
        let made = secret.write_hex(&mut *buffer)?;
        // SAFETY: the caller keeps to the header.
        unsafe { Buffer::for_text(text, text_size, made)?.write_text(made) };
        Ok(())
    })
}

unsafe fn write(secret: &Secret, to: *mut u8, size: usize, length: *mut usize) -> Result<(), keyfob_result> {
    let length = Out::new(length)?;
    let buffer = Buffer::new(to, size, secret.expose().len())?;
    // SAFETY: the caller's promise is passed on.
    unsafe {
        buffer.write(secret.expose());
        length.write(secret.expose().len());
    }
    Ok(())
}
