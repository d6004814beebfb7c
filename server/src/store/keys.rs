//! The keys that seal records at rest.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use keyfob::{Device, SealCipher, SealKey, sealed_key_id};

use super::key_check;
use super::ring::Ring;
use crate::database::{Connection, DatabaseError, persist};

/// How long a process may seal under a key before it checks again with the store. `keyfob
/// rotate-key` waits longer.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The keys of one store. The first seals new records, and all of them open records. Clones share
/// them, changes included.
#[derive(Clone)]
pub struct Keys(Arc<RwLock<State>>);

struct State {
    ring: Arc<Ring>,
    /// The numbers of the keys that this process has sealed under, or was about to.
    sealed: BTreeSet<u32>,
    /// When the store last had the key check value of the first key.
    checked: Option<Instant>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Keys {
    /// Reads keys, one a line: the number, the cipher and 64 hexadecimal digits, with a space in
    /// between. A line without a cipher is one of XChaCha20-Poly1305. The first key seals.
    ///
    /// Errors: a sentence for people, which holds no key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ring = Arc::new(Ring::parse(text)?);
        Ok(Self(Arc::new(RwLock::new(State { ring, sealed: BTreeSet::new(), checked: None }))))
    }

    /// The numbers of the keys. The first one seals.
    pub fn ids(&self) -> Vec<u32> {
        self.ring().ids().collect()
    }

    /// How the key of this number seals; none if there is no such key.
    pub(crate) fn cipher(&self, id: u32) -> Option<SealCipher> {
        self.ring().key(id).map(SealKey::cipher)
    }

    /// Whether both were read from the same text.
    pub(crate) fn are(&self, other: &Self) -> bool {
        self.ring().digest == other.ring().digest
    }

    /// Replaces the keys with those of `next`, for all clones. Old keys stay, after the new ones,
    /// if this process has sealed under them or if they are `needed`. Otherwise a wrong file would
    /// make their records unreadable.
    pub(crate) fn replace(&self, next: &Self, needed: &[u32]) {
        let next = next.ring();
        let mut state = self.write();
        let stays =
            |key: &&SealKey| (state.sealed.contains(&key.id()) || needed.contains(&key.id())) && next.key(key.id()).is_none();
        let kept: Vec<SealKey> = state.ring.all().filter(stays).cloned().collect();
        let others = next.others.iter().cloned().chain(kept).collect();
        state.ring = Arc::new(Ring { first: next.first.clone(), others, digest: next.digest });
        state.checked = None;
    }

    /// The keys as they are now.
    pub(crate) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.read().ring)
    }

    /// Opens a record that was sealed under a device's id.
    pub(crate) fn open(&self, sealed: &[u8], id: i64) -> Result<Device, keyfob::Error> {
        self.ring().open(sealed, id)
    }

    /// Returns a sealer for the first key, once the store has its key check value. Use it at once,
    /// and outside a transaction.
    ///
    /// Errors: those of the database; the keys are not those of the store.
    pub(crate) fn sealer(&self, connection: &mut dyn Connection) -> Result<Sealer, DatabaseError> {
        let is_fresh = |checked: Instant| checked.elapsed() < CHECK_INTERVAL;
        {
            let state = self.read();
            if state.checked.is_some_and(is_fresh) {
                return Ok(Sealer(Arc::clone(&state.ring)));
            }
        }
        let (ring, began) = {
            let mut state = self.write();
            let first = state.ring.first.id();
            // Before the check, so that the key is not dropped between the check and the record.
            state.sealed.insert(first);
            (Arc::clone(&state.ring), Instant::now())
        };
        persist(connection, |connection| key_check::may_seal(connection, &ring))?;
        let mut state = self.write();
        if Arc::ptr_eq(&state.ring, &ring) {
            state.checked = Some(began);
        }
        Ok(Sealer(ring))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seals records under the first key, whose key check value is in the store.
pub(crate) struct Sealer(Arc<Ring>);

impl Sealer {
    /// Seals a device under its id. Errors: the operating system gave no randomness.
    pub(crate) fn seal(&self, device: &Device, id: i64) -> Result<Vec<u8>, DatabaseError> {
        self.0.seal_under(self.0.first(), device, id).map_err(|error| DatabaseError::new(error.to_string()))
    }

    /// Opens a record with any of the keys.
    pub(crate) fn open(&self, sealed: &[u8], id: i64) -> Result<Device, keyfob::Error> {
        self.0.open(sealed, id)
    }

    /// Whether a record is sealed under the key that seals.
    pub(crate) fn is_current(&self, sealed: &[u8]) -> bool {
        sealed_key_id(sealed).is_ok_and(|id| id == self.0.first())
    }

    /// A sealer without a check.
    #[cfg(test)]
    pub(crate) fn unchecked(keys: &Keys) -> Self {
        Self(keys.ring())
    }
}
