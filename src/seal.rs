//! Layer 3, feature `seal`: records encrypted for storage with XAES-256-GCM or XChaCha20-Poly1305.
//!
//! Their nonce of 24 bytes can be drawn at random each time a record is stored, for all devices
//! under one key and as long as one likes. The 12 bytes of AES-GCM or ChaCha20-Poly1305 could not.

mod gcm;
mod xaes;

use core::fmt;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use zeroize::{Zeroize, ZeroizeOnDrop};

use self::xaes::XAes;
use crate::record::{Reader, Writer};
use crate::{Device, Error, RECORD_SIZE, Record};

/// The size of a sealing key in bytes.
pub const SEAL_KEY_SIZE: usize = 32;
/// The size of a nonce in bytes.
pub const SEAL_NONCE_SIZE: usize = 24;
/// The size of a sealed record in bytes: header, key id, nonce, record, tag.
pub const SEALED_SIZE: usize = HEADER_SIZE + KEY_ID_SIZE + SEAL_NONCE_SIZE + RECORD_SIZE + TAG_SIZE;

const MAGIC: [u8; 3] = *b"kfs";
/// The magic bytes and the version, which names the cipher.
const HEADER_SIZE: usize = 4;
const KEY_ID_SIZE: usize = 4;
const TAG_SIZE: usize = 16;

/// How a key seals. Numbers are those of the version in a sealed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SealCipher {
    /// XChaCha20-Poly1305: fast on processors without instructions for AES.
    XChaCha20Poly1305 = 1,
    /// XAES-256-GCM (C2SP): built of parts that NIST approves, and fast on processors with
    /// instructions for AES.
    XAes256Gcm = 2,
}

impl SealCipher {
    /// Both.
    pub const ALL: [Self; 2] = [Self::XChaCha20Poly1305, Self::XAes256Gcm];

    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XChaCha20Poly1305 => "xchacha20-poly1305",
            Self::XAes256Gcm => "xaes-256-gcm",
        }
    }

    /// The cipher of a [`name`](Self::name); none of any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.name() == name)
    }
}

impl fmt::Display for SealCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The host's key for sealing records, with the number that it is known by, so that keys can be
/// rotated. It seals with one cipher, and opens what either sealed. Wiped on drop.
///
/// ```
/// use keyfob::{Device, SealCipher, SealKey, Secret, Totp, sealed_key_id};
///
/// let device = Device::totp(Totp::new(Secret::new(b"12345678901234567890")?), 0);
/// // In real life: 32 random bytes, kept apart from the store.
/// let key = SealKey::for_cipher(SealCipher::XAes256Gcm, 7, [1; 32]);
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
    /// For a key that seals with XAES-256-GCM: a derivation costs less than to make it.
    xaes: Option<XAes>,
}

impl SealKey {
    /// Takes 32 random bytes and the number that names them. Seals with
    /// [`SealCipher::XChaCha20Poly1305`].
    pub const fn new(id: u32, key: [u8; SEAL_KEY_SIZE]) -> Self {
        Self { id, key, xaes: None }
    }

    /// Takes 32 random bytes and the number that names them. Seals with `cipher`.
    pub fn for_cipher(cipher: SealCipher, id: u32, key: [u8; SEAL_KEY_SIZE]) -> Self {
        match cipher {
            SealCipher::XChaCha20Poly1305 => Self::new(id, key),
            SealCipher::XAes256Gcm => Self { id, key, xaes: Some(XAes::new(&key)) },
        }
    }

    /// The cipher that it seals with.
    pub const fn cipher(&self) -> SealCipher {
        if self.xaes.is_some() { SealCipher::XAes256Gcm } else { SealCipher::XChaCha20Poly1305 }
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
        let text = body.as_mut_bytes();
        let encrypted = match &self.xaes {
            None => self.xchacha().encrypt_inout_detached(&nonce.into(), device_id, text.as_mut_slice().into()).map(Into::into),
            Some(xaes) => Ok(xaes.derive(nonce).encrypt(device_id, text)),
        };
        // XChaCha20-Poly1305 fails only above 64 GiB. In that case this function returns zeros,
        // which no key opens.
        let Ok::<[u8; TAG_SIZE], _>(tag) = encrypted else { return sealed };
        let mut to = Writer(&mut sealed);
        to.put(MAGIC);
        to.put([self.cipher() as u8]);
        to.put(self.id.to_le_bytes());
        to.put(nonce);
        to.put(*body.as_bytes());
        to.put(tag);
        sealed
    }

    /// Opens what was sealed under this key for `device_id`, with either cipher.
    ///
    /// Errors: [`Error::SealForeign`], [`Error::SealNewer`], [`Error::SealKeyId`],
    /// [`Error::SealBroken`], and those of [`Device::from_bytes`].
    pub fn open(&self, sealed: &[u8], device_id: &[u8]) -> Result<Device, Error> {
        let (cipher, id) = header(sealed)?;
        if id != self.id {
            return Err(Error::SealKeyId);
        }
        let mut from = Reader(sealed.get(const { HEADER_SIZE + KEY_ID_SIZE }..).unwrap_or_default());
        let nonce = from.take::<SEAL_NONCE_SIZE>().ok_or(Error::SealForeign)?;
        let mut body = Record::from_bytes(from.take().ok_or(Error::SealForeign)?);
        let tag = from.take::<TAG_SIZE>().ok_or(Error::SealForeign)?;
        let text = body.as_mut_bytes();
        let is_right = match (cipher, &self.xaes) {
            (SealCipher::XChaCha20Poly1305, _) => {
                let text = text.as_mut_slice().into();
                self.xchacha().decrypt_inout_detached(&nonce.into(), device_id, text, &tag.into()).is_ok()
            }
            (SealCipher::XAes256Gcm, Some(xaes)) => xaes.derive(nonce).decrypt(device_id, text, &tag),
            (SealCipher::XAes256Gcm, None) => XAes::new(&self.key).derive(nonce).decrypt(device_id, text, &tag),
        };
        if is_right { Device::from_bytes(body.as_bytes()) } else { Err(Error::SealBroken) }
    }

    fn xchacha(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&self.key).into())
    }
}

/// Which key a sealed record needs. Errors: [`Error::SealForeign`], [`Error::SealNewer`].
pub fn sealed_key_id(sealed: &[u8]) -> Result<u32, Error> {
    header(sealed).map(|(_, id)| id)
}

/// The cipher and the key of a sealed record.
fn header(sealed: &[u8]) -> Result<(SealCipher, u32), Error> {
    let mut from = Reader(sealed);
    let (Some(MAGIC), Some([version])) = (from.take(), from.take()) else { return Err(Error::SealForeign) };
    let newest = SealCipher::ALL.into_iter().map(|cipher| cipher as u8).max();
    if Some(version) > newest {
        return Err(Error::SealNewer);
    }
    let cipher = SealCipher::ALL.into_iter().find(|cipher| *cipher as u8 == version).filter(|_| sealed.len() == SEALED_SIZE);
    let id = from.take().map(u32::from_le_bytes);
    cipher.zip(id).ok_or(Error::SealForeign)
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
