//! A preview of an import of tokens, and the search for secrets that the store has.

use std::collections::{HashMap, HashSet};

use keyfob::Device;
use sha2::{Digest as _, Sha256};

use super::import::read_only;
use super::import_tokens::{Found, NewToken, TokenOutcome};
use super::keys::Keys;
use super::{key_check, schema};
use crate::database::{Access, Connection, DatabaseError, Location, Sql, transaction};

/// How many records of the store one statement reads, in the search for secrets.
const PAGE_RECORDS: i64 = 10_000;

/// A store that is only read, to preview an import. If there is none yet, none is made.
pub(crate) struct TokenPreview {
    store: Option<(Box<dyn Connection>, Keys)>,
    /// The devices of the store by their secrets, once they were asked for.
    secrets: Option<Secrets>,
}

impl TokenPreview {
    /// Opens the store with the keys of `read_keys`, which is called if there is a store.
    ///
    /// Errors: a sentence for people; the keys are not those of the store.
    pub(crate) fn open(location: &Location, read_keys: impl FnOnce() -> Result<Keys, String>) -> Result<Self, String> {
        let Some(mut connection) = read_only(location)? else { return Ok(Self { store: None, secrets: None }) };
        let keys = read_keys()?;
        let mut check = || {
            // An older store has other values, which the import checks when it opens the store.
            if schema::check(&mut *connection)? { key_check::check(&mut *connection, &keys.ring()) } else { Ok(None) }
        };
        match check().map_err(|error: DatabaseError| format!("store: {location}: {error}"))? {
            Some(check) if !check.is_whole() => Err(format!("sealing_keys_file: it {check}; give the key file of this store")),
            _ => Ok(Self { store: Some((connection, keys)), secrets: None }),
        }
    }

    /// What an import would do with each token. Errors: a sentence for people.
    pub(crate) fn outcomes(&mut self, tokens: &[NewToken]) -> Result<Vec<TokenOutcome>, String> {
        let found = match &mut self.store {
            Some((connection, keys)) => {
                let find = |connection: &mut dyn Connection| Found::read(connection, keys, tokens);
                transaction(&mut **connection, Access::Snapshot, find).map_err(|error| format!("store: {error}"))?
            }
            None => Found::default(),
        };
        Ok(tokens.iter().map(|token| found.outcome(token).unwrap_or(TokenOutcome::Stored)).collect())
    }

    /// The outcome for a token whose secret a device may have already. None if no device has it, or
    /// the one with the token's serial has it. The first call reads the whole store.
    ///
    /// Errors: a sentence for people.
    pub(crate) fn outcome_by_secret(&mut self, token: &NewToken) -> Result<Option<TokenOutcome>, String> {
        let secrets = match (&mut self.secrets, &mut self.store) {
            (Some(secrets), _) => secrets,
            (empty, Some((connection, keys))) => {
                empty.insert(Secrets::read(&mut **connection, keys).map_err(|error| format!("store: {error}"))?)
            }
            (empty, None) => empty.insert(Secrets::default()),
        };
        Ok(secrets.outcome(token))
    }
}

/// The start of a hash: enough to tell secrets apart.
type ShortHash = [u8; 16];

fn short_hash(parts: &[&[u8]]) -> ShortHash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().first_chunk().copied().unwrap_or_default()
}

fn secret_hash(device: &Device) -> Option<ShortHash> {
    Some(short_hash(&[device.kind().name().as_bytes(), device.generator()?.secret().expose()]))
}

/// The device that has a secret.
#[derive(Clone, Copy)]
struct Holder {
    name: ShortHash,
    owner: Owner,
}

#[derive(Clone, Copy)]
enum Owner {
    Deleted,
    Inventory,
    /// A user, by a hash of the name.
    User(ShortHash),
}

/// The TOTP and HOTP devices that can be read, by their secrets.
#[derive(Default)]
struct Secrets {
    /// One of each secret; a deleted one only if there is no other.
    first: HashMap<ShortHash, Holder>,
    /// Secrets and names of the others.
    more: HashSet<(ShortHash, ShortHash)>,
}

impl Secrets {
    fn read(connection: &mut dyn Connection, keys: &Keys) -> Result<Self, DatabaseError> {
        let (mut secrets, mut last) = (Self::default(), 0);
        loop {
            let mut sql = Sql::new("SELECT id, deleted, user_name, record, name FROM device WHERE id > ");
            sql.bind(last).push(" ORDER BY id LIMIT ").bind(PAGE_RECORDS);
            let mut records = connection.rows(&sql)?;
            if records.is_empty() {
                return Ok(secrets);
            }
            for record in &mut records {
                last = record.id()?;
                let Ok(device) = keys.open(&record.bytes(3)?, last) else { continue };
                let Some(secret) = secret_hash(&device) else { continue };
                let owner = match (record.number(1)? == 0, record.text(2)?) {
                    (false, _) => Owner::Deleted,
                    (true, user) if user.is_empty() => Owner::Inventory,
                    (true, user) => Owner::User(short_hash(&[user.as_bytes()])),
                };
                secrets.add(secret, Holder { name: short_hash(&[record.text(4)?.as_bytes()]), owner });
            }
        }
    }

    fn add(&mut self, secret: ShortHash, holder: Holder) {
        let Some(first) = self.first.get_mut(&secret) else {
            self.first.insert(secret, holder);
            return;
        };
        let is_better = matches!(first.owner, Owner::Deleted);
        let other = if is_better { std::mem::replace(first, holder) } else { holder };
        self.more.insert((secret, other.name));
    }

    fn outcome(&self, token: &NewToken) -> Option<TokenOutcome> {
        let secret = secret_hash(&token.entry.device)?;
        let holder = self.first.get(&secret)?;
        if let Some(serial) = token.serial() {
            let name = short_hash(&[serial.as_bytes()]);
            if holder.name == name || self.more.contains(&(secret, name)) {
                return None;
            }
        }
        Some(match holder.owner {
            Owner::Deleted => TokenOutcome::WasDeleted,
            Owner::User(_) | Owner::Inventory if token.serial().is_some() => TokenOutcome::SecretHasOtherName,
            Owner::User(user) if user != short_hash(&[token.entry.row.user.as_bytes()]) => TokenOutcome::SecretIsTaken,
            Owner::User(_) | Owner::Inventory => TokenOutcome::Unchanged,
        })
    }
}
