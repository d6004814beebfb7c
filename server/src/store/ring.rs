//! The keys as they are at one moment.

use data_encoding::HEXLOWER_PERMISSIVE;
use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyfob::{Device, SEAL_KEY_SIZE, SEAL_NONCE_SIZE, SealKey, sealed_key_id};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Keys that do not change.
pub(crate) struct Ring {
    pub(super) first: SealKey,
    pub(super) others: Vec<SealKey>,
    /// The SHA-256 of the text that held them.
    pub(super) digest: [u8; 32],
}

impl Ring {
    /// Reads keys, one a line: the number, a space and 64 hexadecimal digits. The first one seals.
    ///
    /// Errors: a sentence for people, which holds no key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<SealKey> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let error = || "each line must be a number, a space and 64 hexadecimal digits".to_owned();
            let (id, hex) = line.split_once(' ').ok_or_else(error)?;
            let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(hex.trim().as_bytes()).map_err(|_| error())?);
            let key: &[u8; SEAL_KEY_SIZE] = bytes.as_slice().try_into().map_err(|_| error())?;
            let id = id.parse().map_err(|_| error())?;
            if keys.iter().any(|key| key.id() == id) {
                return Err(format!("two keys have the number {id}"));
            }
            keys.push(SealKey::new(id, *key));
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or("it holds no key")?;
        Ok(Self { first, others: keys.collect(), digest: Sha256::digest(text).into() })
    }

    /// The number of the key that seals.
    pub(crate) fn first(&self) -> u32 {
        self.first.id()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.all().map(SealKey::id)
    }

    /// Opens a record that was sealed under a device's id.
    pub(crate) fn open(&self, sealed: &[u8], id: i64) -> Result<Device, keyfob::Error> {
        self.key(sealed_key_id(sealed)?).ok_or(keyfob::Error::SealKeyId)?.open(sealed, &id.to_be_bytes())
    }

    /// Seals a device under its id with one of the keys. Errors: there is no such key; the
    /// operating system gave no randomness.
    pub(crate) fn seal_under(&self, key: u32, device: &Device, id: i64) -> Result<Vec<u8>, keyfob::Error> {
        let key = self.key(key).ok_or(keyfob::Error::SealKeyId)?;
        let mut nonce = [0; SEAL_NONCE_SIZE];
        SysRng.try_fill_bytes(&mut nonce).map_err(|_| keyfob::Error::Randomness)?;
        Ok(key.seal(device, &id.to_be_bytes(), nonce).to_vec())
    }

    pub(super) fn key(&self, id: u32) -> Option<&SealKey> {
        self.all().find(|key| key.id() == id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SealKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}
