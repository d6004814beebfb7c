//! The file of the keys that records are sealed under.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyfob::{SEAL_KEY_SIZE, SealCipher};
use zeroize::Zeroizing;

use super::keys::Keys;
use crate::file::{self, Lock, Owner};

/// How a new key seals, if nobody says otherwise: what NIST approves.
const DEFAULT_CIPHER: SealCipher = SealCipher::XAes256Gcm;
/// The longest key file.
const MAX_KEY_FILE_BYTES: usize = 64 * 1024;

/// A key file, by its path. All its errors are sentences for people with the path and without a
/// key.
#[derive(Clone, Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// The key file of a path. It need not exist.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Reads the keys. Blocks on the disk.
    pub fn read(&self) -> Result<Keys, String> {
        Keys::parse(&self.text()?).map_err(|error| self.error(&error))
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
        file::create(&self.0, fresh_line(1, cipher.unwrap_or(DEFAULT_CIPHER))?.as_bytes())
    }

    /// Locks the file against changes by other processes. Errors: another process has the lock.
    pub(crate) fn lock(&self) -> Result<Lock, String> {
        let path = self.0.canonicalize().map_err(|error| self.error(&error))?;
        match Lock::beside(&path) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(self.error(&"another keyfob rotate-key is at work on it; wait until that one has ended")),
            Err(error) => Err(self.error(&format!("{error}; run it as a user who may write to its folder"))),
        }
    }

    /// Adds a fresh key after the others: it opens records from now on, and seals once it is the
    /// first. Returns its number. The file must be locked.
    pub(crate) fn add(&self, cipher: Option<SealCipher>) -> Result<u32, String> {
        let text = self.text()?;
        let ids = Keys::parse(&text).map_err(|error| self.error(&error))?.ids();
        let next = ids.iter().max().and_then(|id| id.checked_add(1));
        let id = next.ok_or_else(|| self.error(&"there is no number left for another key"))?;
        let line = fresh_line(id, cipher.unwrap_or(DEFAULT_CIPHER))?;
        let break_ = if text.ends_with('\n') { "" } else { "\n" };
        self.write(&Zeroizing::new(format!("{}{break_}{}", *text, *line)))?;
        Ok(id)
    }

    /// Moves the key of this number to the front, so that it seals. The file must be locked.
    pub(crate) fn promote(&self, id: u32) -> Result<(), String> {
        let text = self.text()?;
        let is_it = |line: &&str| line.trim().split_once(' ').is_some_and(|(number, _)| number.parse() == Ok(id));
        let mut next = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
        for line in text.lines().filter(is_it).chain(text.lines().filter(|line| !is_it(line))) {
            next.push_str(line);
            next.push('\n');
        }
        self.write(&next)
    }

    fn text(&self) -> Result<Zeroizing<String>, String> {
        let bytes = file::open_regular(&self.0).and_then(|mut file| file::read(&mut file, MAX_KEY_FILE_BYTES));
        let bytes = bytes.map_err(|error| self.error(&error))?;
        str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| self.error(&"it is not text"))
    }

    /// Replaces the file. Its owner and its mode stay.
    fn write(&self, text: &str) -> Result<(), String> {
        file::replace(&self.0, text.as_bytes(), Owner::Kept).map_err(|error| {
            let todo = match error.kind() {
                ErrorKind::PermissionDenied => "; run it as the file's owner or as root",
                _ => "",
            };
            self.error(&format!("{error}{todo}"))
        })
    }

    fn error(&self, error: &dyn std::fmt::Display) -> String {
        format!("{}: {error}", self.0.display())
    }
}

/// A line of a key file, with a fresh key.
fn fresh_line(id: u32, cipher: SealCipher) -> Result<Zeroizing<String>, String> {
    let mut key = Zeroizing::new([0; SEAL_KEY_SIZE]);
    SysRng.try_fill_bytes(key.as_mut_slice()).map_err(|error| error.to_string())?;
    Ok(Zeroizing::new(format!("{id} {cipher} {}\n", HEXLOWER_PERMISSIVE.encode(key.as_slice()))))
}
