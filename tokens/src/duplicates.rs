//! Finds tokens that a file has twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::{Kind, Token};

/// What two tokens have in common, and the entry of the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// The serial number and the kind. A device may have a HOTP key and a PIN key.
    Serial(u64),
    /// The secret: whoever has one token has the other's codes.
    Secret(u64),
}

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(first) => write!(f, "entry {first} has the same serial number and kind: remove one of them"),
            Self::Secret(first) => write!(f, "entry {first} has the same secret: enrol one of them anew"),
        }
    }
}

/// Remembers the tokens that it has seen, by two hashes of 16 bytes for each: of serial number and
/// secret.
#[derive(Default)]
pub struct Duplicates {
    seen: HashMap<[u8; 16], u64>,
}

impl Duplicates {
    /// Nothing seen.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a token before this one had the same serial number and kind, or the same secret.
    ///
    /// `entry` is the token's number in its file. [`Tokens::location`](crate::Tokens::location) has
    /// it, with the refused entries counted.
    pub fn check(&mut self, entry: u64, token: &Token) -> Option<Duplicate> {
        let kind = token.kind.name().as_bytes();
        let serial = token.serial.as_ref().and_then(|serial| self.note(entry, &[b"serial", kind, serial.as_bytes()]));
        // PINs are short: many are the same.
        let secret = if token.kind == Kind::Pin { None } else { self.note(entry, &[b"secret", token.secret.expose()]) };
        serial.map(Duplicate::Serial).or(secret.map(Duplicate::Secret))
    }

    /// Notes a value, and gives the entry that had it first.
    fn note(&mut self, entry: u64, parts: &[&[u8]]) -> Option<u64> {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut whole = hash.finalize();
        let key = whole.first_chunk().copied()?;
        whole.as_mut_slice().zeroize();
        match self.seen.entry(key) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(vacant) => {
                vacant.insert(entry);
                None
            }
        }
    }
}

impl fmt::Debug for Duplicates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Duplicates({} values)", self.seen.len())
    }
}
