//! The file of the keys that records are sealed under.

use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyfob::{SEAL_KEY_SIZE, SealCipher};
use zeroize::Zeroizing;

use super::keys::Keys;
use crate::file::Lock;
use crate::key_lines::KeyLines;

/// How a new key seals, if nobody says otherwise: what NIST approves.
const DEFAULT_CIPHER: SealCipher = SealCipher::XAes256Gcm;

/// A key file, by its path. All its errors are sentences for people with the path and without a
/// key.
#[derive(Clone, Debug)]
pub struct KeyFile(KeyLines);

impl KeyFile {
    /// The key file of a path. It need not exist.
    pub fn new(path: &Path) -> Self {
        Self(KeyLines::new(path))
    }

    /// Reads the keys. Blocks on the disk.
    pub fn read(&self) -> Result<Keys, String> {
        self.parse(&self.0.text()?)
    }

    /// Reads the keys. If there is no file, makes one with a fresh key that only its owner can
    /// read. Returns whether it is new.
    pub fn read_or_make(&self) -> Result<(Keys, bool), String> {
        let is_new = !self.0.exists();
        if is_new {
            self.make(None)?;
        }
        Ok((self.read()?, is_new))
    }

    /// Makes the file with a fresh key that only its owner can read. Errors: there is a file.
    pub(crate) fn make(&self, cipher: Option<SealCipher>) -> Result<(), String> {
        self.0.make(&fresh_line(1, cipher.unwrap_or(DEFAULT_CIPHER))?)
    }

    /// Locks the file against changes by other processes. Errors: another process has the lock.
    pub(crate) fn lock(&self) -> Result<Lock, String> {
        self.0.lock("keyfob rotate-key")
    }

    /// Adds a fresh key after the others: it opens records from now on, and seals once it is the
    /// first. Returns its number. The file must be locked.
    pub(crate) fn add(&self, cipher: Option<SealCipher>) -> Result<u32, String> {
        let text = self.0.text()?;
        let ids = self.parse(&text)?.ids();
        let next = ids.iter().max().and_then(|id| id.checked_add(1));
        let id = next.ok_or_else(|| self.0.error(&"there is no number left for another key"))?;
        self.0.append(&text, &fresh_line(id, cipher.unwrap_or(DEFAULT_CIPHER))?)?;
        Ok(id)
    }

    /// Moves the key of this number to the front, so that it seals. The file must be locked.
    pub(crate) fn promote(&self, id: u32) -> Result<(), String> {
        let is_it = |line: &str| line.trim().split_once(' ').is_some_and(|(number, _)| number.parse() == Ok(id));
        self.0.move_before(is_it, |_| true)
    }

    fn parse(&self, text: &str) -> Result<Keys, String> {
        Keys::parse(text).map_err(|error| self.0.error(&error))
    }
}

/// A line of a key file, with a fresh key.
fn fresh_line(id: u32, cipher: SealCipher) -> Result<Zeroizing<String>, String> {
    let mut key = Zeroizing::new([0; SEAL_KEY_SIZE]);
    SysRng.try_fill_bytes(key.as_mut_slice()).map_err(|error| error.to_string())?;
    Ok(Zeroizing::new(format!("{id} {cipher} {}\n", HEXLOWER_PERMISSIVE.encode(key.as_slice()))))
}
