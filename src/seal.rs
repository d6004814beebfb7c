//! Layer 3, feature `seal`: records encrypted for storage with XChaCha20-Poly1305.
//!
//! XChaCha's nonce of 24 bytes can be drawn at random each time a record is stored, for all devices
//! under one key and as long as one likes; the 12 bytes of AES-GCM or ChaCha20-Poly1305 could not.

use core::fmt;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::record::{Reader, Writer};
use crate::{Device, Error, RECORD_SIZE, Record};

/// The size of a sealing key in bytes.
pub const SEAL_KEY_SIZE: usize = 32;
/// The size of a nonce in bytes.
pub const SEAL_NONCE_SIZE: usize = 24;
/// The size of a sealed record in bytes: header, key id, nonce, record, tag.
pub const SEALED_SIZE: usize = HEADER.len() + KEY_ID_SIZE + SEAL_NONCE_SIZE + RECORD_SIZE + TAG_SIZE;

const VERSION: u8 = 1;
const HEADER: [u8; 4] = [b'k', b'f', b's', VERSION];
const KEY_ID_SIZE: usize = 4;
const TAG_SIZE: usize = 16;

/// The host's key for sealing records, with the number that it is known by, so that keys can be
/// rotated. Wiped on drop.
///
/// ```
/// use keyfob::{Device, Secret, SealKey, Totp, sealed_key_id};
///
/// let device = Device::totp(Totp::new(Secret::new(b"12345678901234567890")?), 0);
/// let key = SealKey::new(7, [1; 32]); // in real life: 32 random bytes, kept apart from the store
/// // In real life the nonce is random, and a fresh one each time.
/// let sealed = key.seal(&device, b"device 42", [2; 24]);
///
/// assert_eq!(sealed_key_id(&sealed), Ok(7));
/// assert_eq!(key.open(&sealed, b"device 42")?, device);
/// assert!(key.open(&sealed, b"device 43").is_err());
/// # Ok::<(), keyfob::Error>(())
/// ```
#[derive(Clone)]
pub struct SealKey {
    id: u32,
    key: [u8; SEAL_KEY_SIZE],
}

impl SealKey {
    /// Takes 32 random bytes and the number that names them.
    pub const fn new(id: u32, key: [u8; SEAL_KEY_SIZE]) -> Self {
        Self { id, key }
    }

    /// The number that names the key.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Seals the device's record, bound to `device_id`: the host's own name for the device.
    ///
    /// `nonce` must never be used again with this key: draw it at random for each call, as from
    /// `getrandom::SysRng`.
    pub fn seal(&self, device: &Device, device_id: &[u8], nonce: [u8; SEAL_NONCE_SIZE]) -> [u8; SEALED_SIZE] {
        self.seal_record(device.to_record(), device_id, nonce)
    }

    pub(crate) fn seal_record(&self, mut body: Record, device_id: &[u8], nonce: [u8; SEAL_NONCE_SIZE]) -> [u8; SEALED_SIZE] {
        let mut sealed = [0; SEALED_SIZE];
        let encrypted = self.cipher().encrypt_inout_detached(&nonce.into(), device_id, body.as_mut_bytes().into());
        // Encryption fails only above 256 GiB. In that case this function returns zeros, which no
        // key opens.
        let Ok(tag) = encrypted else { return sealed };
        let mut to = Writer(&mut sealed);
        to.put(HEADER);
        to.put(self.id.to_le_bytes());
        to.put(nonce);
        to.put(*body.as_bytes());
        to.put(tag.into());
        sealed
    }

    /// Opens what was sealed under this key for `device_id`.
    ///
    /// Errors: [`Error::SealForeign`], [`Error::SealNewer`], [`Error::SealKeyId`],
    /// [`Error::SealBroken`], and those of [`Device::from_bytes`].
    pub fn open(&self, sealed: &[u8], device_id: &[u8]) -> Result<Device, Error> {
        if sealed_key_id(sealed)? != self.id {
            return Err(Error::SealKeyId);
        }
        let mut from = Reader(sealed.get(const { HEADER.len() + KEY_ID_SIZE }..).unwrap_or_default());
        let nonce = from.take::<SEAL_NONCE_SIZE>().ok_or(Error::SealForeign)?;
        let mut body = Zeroizing::new(from.take::<RECORD_SIZE>().ok_or(Error::SealForeign)?);
        let tag = from.take::<TAG_SIZE>().ok_or(Error::SealForeign)?;
        self.cipher()
            .decrypt_inout_detached(&nonce.into(), device_id, body.as_mut_slice().into(), &tag.into())
            .map_err(|_| Error::SealBroken)?;
        Device::from_bytes(body.as_slice())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&self.key).into())
    }
}

/// Which key a sealed record needs. Errors: [`Error::SealForeign`], [`Error::SealNewer`].
pub fn sealed_key_id(sealed: &[u8]) -> Result<u32, Error> {
    let mut from = Reader(sealed);
    match from.take() {
        Some([b'k', b'f', b's', version]) if version > VERSION => return Err(Error::SealNewer),
        Some(HEADER) if sealed.len() == SEALED_SIZE => {}
        _ => return Err(Error::SealForeign),
    }
    from.take().map(u32::from_le_bytes).ok_or(Error::SealForeign)
}

impl Drop for SealKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl ZeroizeOnDrop for SealKey {}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}
