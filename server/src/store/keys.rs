//! The keys that records are sealed under at rest.

use std::fs::File;
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyfob::{Device, KEY_SIZE, NONCE_SIZE, SealKey, sealed_key_id};
use zeroize::Zeroizing;

use crate::file;

/// No key file is longer, in bytes.
const LIMIT: usize = 64 * 1024;

/// The keys of a store: new records are sealed under the first, older ones opened under any.
#[derive(Clone)]
pub struct Keys {
    first: SealKey,
    others: Vec<SealKey>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entry(&self.first.id()).entries(self.others.iter().map(SealKey::id)).finish()
    }
}

impl Keys {
    /// Reads keys: a line for each, its number, a space and 64 hexadecimal digits; the first is the one that seals.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let fault = || "each line must be a number, a space and 64 hexadecimal digits".to_owned();
            let (id, hex) = line.split_once(' ').ok_or_else(fault)?;
            let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(hex.trim().as_bytes()).map_err(|_| fault())?);
            let key: &[u8; KEY_SIZE] = bytes.as_slice().try_into().map_err(|_| fault())?;
            keys.push(SealKey::new(id.parse().map_err(|_| fault())?, *key));
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or("it holds no key")?;
        Ok(Self { first, others: keys.collect() })
    }

    /// Reads a key file; where there is none, makes one with a fresh key, readable by its owner only. Returns whether it is new.
    pub fn file(path: &Path) -> Result<(Self, bool), String> {
        let read = |mut file: File| file::read(&mut file, LIMIT);
        let (text, is_new) = match File::open(path).and_then(read) {
            Ok(text) => (text, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = Zeroizing::new([0; KEY_SIZE]);
                SysRng.try_fill_bytes(key.as_mut_slice()).map_err(|error| error.to_string())?;
                let text = Zeroizing::new(format!("1 {}\n", HEXLOWER_PERMISSIVE.encode(key.as_slice())).into_bytes());
                file::create(path, &text)?;
                (text, true)
            }
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let keys = str::from_utf8(&text).map_err(|_| "it is not text".to_owned()).and_then(Self::parse);
        keys.map(|keys| (keys, is_new)).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Seals a device under its number. Errors: the operating system gave no randomness.
    pub(crate) fn seal(&self, device: &Device, id: i64) -> Result<Vec<u8>, keyfob::Error> {
        let mut nonce = [0; NONCE_SIZE];
        SysRng.try_fill_bytes(&mut nonce).map_err(|_| keyfob::Error::Randomness)?;
        Ok(self.first.seal(device, &id.to_be_bytes(), nonce).to_vec())
    }

    /// Opens what was sealed under a device's number.
    pub(crate) fn open(&self, sealed: &[u8], id: i64) -> Result<Device, keyfob::Error> {
        let wanted = sealed_key_id(sealed)?;
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        keys.find(|key| key.id() == wanted).ok_or(keyfob::Error::SealKey)?.open(sealed, &id.to_be_bytes())
    }
}
