//! The keys that records are sealed under at rest.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use data_encoding::HEXLOWER_PERMISSIVE;
use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyfob::{Device, KEY_SIZE, NONCE_SIZE, SealKey, sealed_key_id};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::file::{self, Owner};

/// No key file is longer, in bytes.
const LIMIT: usize = 64 * 1024;

/// The keys of a store: new records are sealed under the first, older ones opened under any. Clones share them, and so learn of other ones.
#[derive(Clone)]
pub struct Keys(Arc<RwLock<Ring>>);

#[derive(Clone)]
struct Ring {
    first: SealKey,
    others: Vec<SealKey>,
    /// The SHA-256 of the text that said them.
    digest: [u8; 32],
}

impl Ring {
    fn all(&self) -> impl Iterator<Item = &SealKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Keys {
    /// Reads keys: a line for each, its number, a space and 64 hexadecimal digits; the first is the one that seals.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<SealKey> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let fault = || "each line must be a number, a space and 64 hexadecimal digits".to_owned();
            let (id, hex) = line.split_once(' ').ok_or_else(fault)?;
            let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(hex.trim().as_bytes()).map_err(|_| fault())?);
            let key: &[u8; KEY_SIZE] = bytes.as_slice().try_into().map_err(|_| fault())?;
            let id = id.parse().map_err(|_| fault())?;
            if keys.iter().any(|key| key.id() == id) {
                return Err(format!("two keys have the number {id}"));
            }
            keys.push(SealKey::new(id, *key));
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or("it holds no key")?;
        Ok(Self(Arc::new(RwLock::new(Ring { first, others: keys.collect(), digest: Sha256::digest(text).into() }))))
    }

    /// The numbers of the keys, first that of the one that seals.
    pub fn ids(&self) -> Vec<u32> {
        self.ring().all().map(SealKey::id).collect()
    }

    /// Whether both were read from the same text.
    pub(crate) fn are(&self, other: &Self) -> bool {
        let digest = other.ring().digest;
        self.ring().digest == digest
    }

    /// Takes the keys of another value in the place of its own, for all clones.
    pub fn replace(&self, other: &Self) {
        let next = other.ring().clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a key file; where there is none, makes one with a fresh key, readable by its owner only. Returns whether it is new.
    pub fn file(path: &Path) -> Result<(Self, bool), String> {
        let is_new = !path.exists();
        if is_new {
            file::create(path, fresh_line(1)?.as_bytes())?;
        }
        Ok((Self::read(path)?, is_new))
    }

    /// Reads a key file that there is.
    pub fn read(path: &Path) -> Result<Self, String> {
        Self::parse(&text(path)?).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Seals a device under its number. Errors: the operating system gave no randomness.
    pub(crate) fn seal(&self, device: &Device, id: i64) -> Result<Vec<u8>, keyfob::Error> {
        let mut nonce = [0; NONCE_SIZE];
        SysRng.try_fill_bytes(&mut nonce).map_err(|_| keyfob::Error::Randomness)?;
        Ok(self.ring().first.seal(device, &id.to_be_bytes(), nonce).to_vec())
    }

    /// Opens what was sealed under a device's number.
    pub(crate) fn open(&self, sealed: &[u8], id: i64) -> Result<Device, keyfob::Error> {
        let wanted = sealed_key_id(sealed)?;
        let ring = self.ring();
        ring.all().find(|key| key.id() == wanted).ok_or(keyfob::Error::SealKey)?.open(sealed, &id.to_be_bytes())
    }

    /// Whether a record is sealed under the key that seals.
    pub(crate) fn is_current(&self, sealed: &[u8]) -> bool {
        sealed_key_id(sealed).is_ok_and(|id| id == self.ring().first.id())
    }
}

/// Adds a fresh key to a key file, behind the others: it opens from now on, and seals once it stands first. Returns its number.
pub fn add_key(path: &Path) -> Result<u32, String> {
    let text = text(path)?;
    let ids = Keys::parse(&text)?.ids();
    let id = ids.iter().max().and_then(|id| id.checked_add(1)).ok_or("there is no number left for another key")?;
    let line = fresh_line(id)?;
    let break_ = if text.ends_with('\n') { "" } else { "\n" };
    let next = Zeroizing::new(format!("{}{break_}{}", *text, *line));
    write(path, &next)?;
    Ok(id)
}

/// Puts the key of this number first in a key file, so that it seals.
pub fn promote_key(path: &Path, id: u32) -> Result<(), String> {
    let text = text(path)?;
    let is_it = |line: &&str| line.trim().split_once(' ').is_some_and(|(number, _)| number.parse() == Ok(id));
    let mut next = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
    for line in text.lines().filter(is_it).chain(text.lines().filter(|line| !is_it(line))) {
        next.push_str(line);
        next.push('\n');
    }
    write(path, &next)
}

/// Whoever could read the file goes on reading it.
fn write(path: &Path, text: &str) -> Result<(), String> {
    file::replace(path, text.as_bytes(), Owner::Kept).map_err(|error| {
        let todo = match error.kind() {
            ErrorKind::PermissionDenied => "; do it as the file's owner, or as root",
            _ => "",
        };
        format!("{}: {error}{todo}", path.display())
    })
}

fn text(path: &Path) -> Result<Zeroizing<String>, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = File::open(path).and_then(|mut file| file::read(&mut file, LIMIT)).map_err(|error| fault(&error))?;
    str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| fault(&"it is not text"))
}

/// A line of a key file, with a fresh key.
fn fresh_line(id: u32) -> Result<Zeroizing<String>, String> {
    let mut key = Zeroizing::new([0; KEY_SIZE]);
    SysRng.try_fill_bytes(key.as_mut_slice()).map_err(|error| error.to_string())?;
    Ok(Zeroizing::new(format!("{id} {}\n", HEXLOWER_PERMISSIVE.encode(key.as_slice()))))
}
