//! The keys as they are at one moment.

use data_encoding::HEXLOWER_PERMISSIVE;
use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyfob::{Device, SEAL_KEY_SIZE, SEAL_NONCE_SIZE, SealCipher, SealKey, sealed_key_id};
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
    /// Reads keys, one a line: the number, the cipher and 64 hexadecimal digits, with a space in
    /// between. A line without a cipher is one of XChaCha20-Poly1305. The first key seals.
    ///
    /// Errors: a sentence for people, which holds no key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<SealKey> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let error =
                || "each line must be a number, a cipher (xaes-256-gcm or xchacha20-poly1305) and 64 hexadecimal digits".to_owned();
            let (id, rest) = line.split_once(' ').ok_or_else(error)?;
            let (cipher, hex) = match rest.trim().split_once(' ') {
                Some((name, hex)) => (SealCipher::from_name(name).ok_or_else(error)?, hex.trim()),
                None => (SealCipher::XChaCha20Poly1305, rest.trim()),
            };
            let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| error())?);
            let key: &[u8; SEAL_KEY_SIZE] = bytes.as_slice().try_into().map_err(|_| error())?;
            let id = id.parse().map_err(|_| error())?;
            if keys.iter().any(|key| key.id() == id) {
                return Err(format!("two keys have the number {id}"));
            }
            keys.push(SealKey::for_cipher(cipher, id, *key));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_seals_with_the_cipher_of_its_line() {
        let hex = "0f".repeat(32);
        let lines = format!("3 xaes-256-gcm {hex}\n# a remark\n\n 2  xchacha20-poly1305  {hex}\n1 {hex}\n");
        let ring = Ring::parse(&lines).unwrap();
        let ciphers: Vec<_> = ring.all().map(|key| (key.id(), key.cipher().name())).collect();
        assert_eq!(ciphers, [(3, "xaes-256-gcm"), (2, "xchacha20-poly1305"), (1, "xchacha20-poly1305")]);
        for (line, error) in [
            (
                format!("1 aes {hex}"),
                "each line must be a number, a cipher (xaes-256-gcm or xchacha20-poly1305) and 64 hexadecimal digits",
            ),
            (format!("1 xaes-256-gcm xaes-256-gcm {hex}"), "each line must be"),
            (format!("1 xaes-256-gcm {hex}00"), "each line must be"),
            (format!("xaes-256-gcm {hex}"), "each line must be"),
            (String::new(), "it holds no key"),
        ] {
            let refused = Ring::parse(&line).err().unwrap();
            assert!(refused.starts_with(error), "{refused}");
            assert!(!refused.contains(&hex[..8]), "{refused}");
        }
    }
}
