//! Sealed records.

use core::ffi::c_void;

use zeroize::Zeroizing;

use super::guard::guard;
use super::memory::{Buffer, Out, bytes, read};
use super::record::{device, keyfob_record, out};
use super::result::keyfob_result;
use super::size::{KEYFOB_SEAL_KEY_SIZE, KEYFOB_SEAL_NONCE_SIZE, KEYFOB_SEALED_SIZE};
use crate::{SealCipher, SealKey, sealed_key_id};

/// Seals a record for storage with XChaCha20-Poly1305, bound to `device_id`: the store's own name
/// for the device, in `device_id_length` bytes, which may be 0. `key` has KEYFOB_SEAL_KEY_SIZE
/// random bytes, and `key_id` names it for rotation. `nonce` has KEYFOB_SEAL_NONCE_SIZE bytes that
/// must never be used again with this key: draw them at random each time. `sealed` gets
/// KEYFOB_SEALED_SIZE bytes. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, the record's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_record_seal(
    record: *const keyfob_record,
    key_id: u32,
    key: *const u8,
    device_id: *const c_void,
    device_id_length: usize,
    nonce: *const u8,
    sealed: *mut u8,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { seal(SealCipher::XChaCha20Poly1305, record, (key_id, key), (device_id, device_id_length), nonce, sealed) }
}

/// As keyfob_record_seal with XAES-256-GCM, which is built of parts that NIST approves and fast on
/// processors with instructions for AES. One key needs one of the two functions only. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, the record's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_record_seal_xaes_256_gcm(
    record: *const keyfob_record,
    key_id: u32,
    key: *const u8,
    device_id: *const c_void,
    device_id_length: usize,
    nonce: *const u8,
    sealed: *mut u8,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { seal(SealCipher::XAes256Gcm, record, (key_id, key), (device_id, device_id_length), nonce, sealed) }
}

unsafe fn seal(
    cipher: SealCipher,
    record: *const keyfob_record,
    (key_id, key): (u32, *const u8),
    (device_id, device_id_length): (*const c_void, usize),
    nonce: *const u8,
    sealed: *mut u8,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller's promise is passed on.
        unsafe {
            let out = Buffer::new(sealed, KEYFOB_SEALED_SIZE, KEYFOB_SEALED_SIZE)?;
            let key = seal_key(key)?;
            let nonce = read(nonce.cast::<[u8; KEYFOB_SEAL_NONCE_SIZE]>())?;
            let (device, device_id) = (device(record)?, bytes(device_id.cast(), device_id_length)?);
            out.write(&SealKey::for_cipher(cipher, key_id, *key).seal(&device, device_id, nonce));
        }
        Ok(())
    })
}

/// Opens `sealed_length` bytes that were sealed under this key for this device id, by either
/// function. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SEAL_FOREIGN, SEAL_NEWER, SEAL_KEY_ID, SEAL_BROKEN, the record's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_record_open(
    sealed: *const u8,
    sealed_length: usize,
    key_id: u32,
    key: *const u8,
    device_id: *const c_void,
    device_id_length: usize,
    record: *mut keyfob_record,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let out = out(record)?;
            let key = seal_key(key)?;
            let (sealed, device_id) = (bytes(sealed, sealed_length)?, bytes(device_id.cast(), device_id_length)?);
            let device = SealKey::new(key_id, *key).open(sealed, device_id)?;
            out.write(device.to_record().as_bytes());
        }
        Ok(())
    })
}

/// Writes to `key_id` under which key `sealed_length` bytes were sealed. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SEAL_FOREIGN, SEAL_NEWER.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_sealed_key_id(sealed: *const u8, sealed_length: usize, key_id: *mut u32) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let out = Out::new(key_id)?;
            out.write(sealed_key_id(bytes(sealed, sealed_length)?)?);
        }
        Ok(())
    })
}

/// The bytes of a key, which are wiped on drop.
unsafe fn seal_key(key: *const u8) -> Result<Zeroizing<[u8; KEYFOB_SEAL_KEY_SIZE]>, keyfob_result> {
    let mut own = Zeroizing::new([0; KEYFOB_SEAL_KEY_SIZE]);
    // SAFETY: the caller's promise is passed on.
    own.copy_from_slice(unsafe { bytes(key, KEYFOB_SEAL_KEY_SIZE) }?);
    Ok(own)
}
