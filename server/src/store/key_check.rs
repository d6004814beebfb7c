//! Key check values: for each key that seals records, a placeholder device that is sealed under the
//! key.
//!
//! A process stores the value before it seals its first record under a key. A process whose keys do
//! not open every value does not start. So the loss of a key is noticed, and two processes cannot
//! begin one store with different keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use keyfob::{Device, Hotp, SECRET_MAX_SIZE, Secret, sealed_key_id};

use super::columns::{key_check, key_check_columns};
use super::ring::Ring;
use crate::database::{Access, Connection, DatabaseError, Dialect, Record, Sql, transaction};

/// The id that the values are sealed under. No device has it.
const NO_DEVICE: i64 = 0;

/// Replaces the key's number in a store from before each key had a value. Records may be sealed
/// under other keys.
const UNKNOWN_KEY: i64 = -1;

/// How many records one statement reads.
const PAGE_RECORDS: i64 = 10_000;

/// The keys that a store needs, compared with the keys of the key file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCheck {
    /// The numbers of the keys whose values open.
    pub opened: Vec<u32>,
    /// The numbers of the keys that are missing.
    pub missing: Vec<u32>,
    /// The numbers whose key is not that of the store.
    pub other: Vec<u32>,
}

impl KeyCheck {
    /// Whether the keys are all that the store needs.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.other.is_empty()
    }

    /// Whether the keys are those of the store, some of which may be missing.
    pub fn is_of_store(&self) -> bool {
        !self.opened.is_empty() && self.other.is_empty()
    }
}

impl fmt::Display for KeyCheck {
    /// What is wrong with the keys. The text follows the name of the key file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.other.is_empty() {
            return write!(f, "lacks {}, which records of the store may be sealed under", numbered(&self.missing));
        }
        write!(f, "is not that of the store, whose records are sealed under another {}", numbered(&self.other))
    }
}

/// Names keys by their numbers.
pub(crate) fn numbered(keys: &[u32]) -> String {
    let numbers: Vec<_> = keys.iter().map(ToString::to_string).collect();
    format!("{} {}", if keys.len() == 1 { "key" } else { "keys" }, numbers.join(", "))
}

struct Value {
    key: i64,
    sealed: Vec<u8>,
    /// Whether `keyfob rotate-key` assumes that nothing is sealed under the key any more.
    is_retiring: bool,
}

/// Checks keys against a store's values. `None`: the store has no values yet, or not those of all
/// keys.
pub(crate) fn check(connection: &mut dyn Connection, ring: &Ring) -> Result<Option<KeyCheck>, DatabaseError> {
    let values = values(connection)?;
    if values.is_empty() || values.iter().any(|value| value.key == UNKNOWN_KEY) {
        return Ok(None);
    }
    compare(connection, ring, &values).map(Some)
}

/// Checks keys against a store's values. A new store gets the value of the first key. An older
/// store gets values for the keys that its records name.
pub(crate) fn begin(connection: &mut dyn Connection, ring: &Ring) -> Result<KeyCheck, DatabaseError> {
    if let Some(check) = check(connection, ring)? {
        return Ok(check);
    }
    let mut shown = shown(connection, ring)?;
    for value in values(connection)? {
        if let Ok(id) = sealed_key_id(&value.sealed) {
            *shown.entry(id).or_default() |= ring.open(&value.sealed, NO_DEVICE).is_ok();
        }
    }
    let opened: Vec<u32> = shown.iter().filter(|(_, opens)| **opens).map(|(id, _)| *id).collect();
    if opened.is_empty() && !shown.is_empty() {
        let (other, missing) = shown.into_keys().partition(|id| ring.ids().any(|known| known == *id));
        return Ok(KeyCheck { opened, missing, other });
    }
    let lost: Vec<u32> = shown.into_iter().filter(|(_, opens)| !opens).map(|(id, _)| id).collect();
    if !lost.is_empty() {
        // An older store may have lost them long ago. The devices that the keys open are served all
        // the same.
        tracing::warn!("store: some records are sealed under {}, which is missing; they cannot be read", numbered(&lost));
    }
    transaction(connection, Access::Write, |connection| {
        lock(connection)?;
        // Another process may have been first.
        let values = values(connection)?;
        if values.iter().all(|value| value.key == UNKNOWN_KEY) {
            connection.run(&format!("DELETE FROM key_check WHERE key_id = {UNKNOWN_KEY}"))?;
            let begun_with = if opened.is_empty() { vec![ring.first()] } else { opened };
            for key in begun_with {
                put(connection, ring, key)?;
            }
        }
        Ok(())
    })?;
    let values = values(connection)?;
    compare(connection, ring, &values)
}

/// Ensures that a store has the value of the first key, so that records may be sealed under it.
///
/// Errors: those of the database; the keys are not those of the store.
pub(crate) fn may_seal(connection: &mut dyn Connection, ring: &Ring) -> Result<(), DatabaseError> {
    let check = begin(connection, ring)?;
    let is_there = |value: &Value| value.key == i64::from(ring.first()) && !value.is_retiring;
    if check.opened.contains(&ring.first()) && values(connection)?.iter().any(is_there) {
        return Ok(());
    }
    transaction(connection, Access::Write, |connection| {
        lock(connection)?;
        let values = values(connection)?;
        let check = compare(connection, ring, &values)?;
        if !check.is_whole() {
            return Err(DatabaseError::new(format!("nothing is sealed under key {}: the key file {check}", ring.first())));
        }
        put(connection, ring, ring.first())
    })
}

/// Marks all keys but one as unused. A process that seals under a marked key removes the mark
/// first. Returns the marked keys.
pub(crate) fn mark_others(connection: &mut dyn Connection, first: u32) -> Result<Vec<u32>, DatabaseError> {
    let mut sql = Sql::new("UPDATE key_check SET retiring = 1 WHERE key_id >= 0 AND key_id <> ");
    sql.bind(i64::from(first)).push(" RETURNING key_id");
    connection.rows(&sql)?.iter_mut().map(|record| number(record.number(0)?)).collect()
}

/// Removes the values of these keys, if they are still marked. Returns those that are not.
pub(crate) fn remove_marked(connection: &mut dyn Connection, keys: &[u32]) -> Result<Vec<u32>, DatabaseError> {
    let mut left = Vec::new();
    for key in keys {
        let mut sql = Sql::new("DELETE FROM key_check WHERE retiring = 1 AND key_id = ");
        sql.bind(i64::from(*key));
        connection.change(&sql)?;
    }
    for value in values(connection)? {
        left.extend(keys.iter().find(|key| i64::from(**key) == value.key));
    }
    Ok(left)
}

/// Removes the value of a key. Returns whether there was one.
pub(crate) fn remove(connection: &mut dyn Connection, key: u32) -> Result<bool, DatabaseError> {
    let mut sql = Sql::new("DELETE FROM key_check WHERE key_id = ");
    sql.bind(i64::from(key)).push(" RETURNING key_id");
    Ok(!connection.rows(&sql)?.is_empty())
}

/// Waits until no other process changes the values. Otherwise two processes could begin a store at
/// once with different keys.
fn lock(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    match connection.dialect() {
        // There is only one writer at a time.
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => connection.run("SELECT version FROM keyfob_schema WHERE version = 1 FOR UPDATE").map(|_| ()),
    }
}

fn values(connection: &mut dyn Connection) -> Result<Vec<Value>, DatabaseError> {
    let mut records = connection.run(concat!("SELECT ", key_check_columns!(), " FROM key_check ORDER BY key_id"))?;
    let read = |record: &mut Record| {
        Ok(Value {
            key: record.number(key_check::KEY_ID)?,
            sealed: record.bytes(key_check::VALUE)?,
            is_retiring: record.number(key_check::RETIRING)? != 0,
        })
    };
    records.iter_mut().map(read).collect()
}

/// Stores a key's value, or removes its mark.
fn put(connection: &mut dyn Connection, ring: &Ring, key: u32) -> Result<(), DatabaseError> {
    let error = |error: keyfob::Error| DatabaseError::new(error.to_string());
    let placeholder = Device::hotp(Hotp::new(Secret::new(&[0; SECRET_MAX_SIZE]).map_err(error)?), 0, 0);
    let mut sql = Sql::new(concat!("INSERT INTO key_check (", key_check_columns!(), ") VALUES "));
    sql.tuple([i64::from(key).into(), ring.seal_under(key, &placeholder, NO_DEVICE).map_err(error)?.into(), 0.into()]);
    sql.push(" ON CONFLICT (key_id) DO UPDATE SET retiring = 0");
    connection.change(&sql).map(|_| ())
}

fn compare(connection: &mut dyn Connection, ring: &Ring, values: &[Value]) -> Result<KeyCheck, DatabaseError> {
    let mut check = KeyCheck::default();
    for value in values {
        let key = number(value.key)?;
        if ring.open(&value.sealed, NO_DEVICE).is_ok() {
            check.opened.push(key);
        } else if ring.ids().all(|id| id != key) {
            check.missing.push(key);
        } else if opens_a_record(connection, ring, key)? {
            // The value is damaged.
            check.opened.push(key);
        } else {
            check.other.push(key);
        }
    }
    Ok(check)
}

/// Whether a key opens one of the first records.
fn opens_a_record(connection: &mut dyn Connection, ring: &Ring, key: u32) -> Result<bool, DatabaseError> {
    for record in &mut connection.run("SELECT id, record FROM device ORDER BY id LIMIT 16")? {
        // A damaged record shows nothing.
        let (id, Ok(sealed)) = (record.id()?, record.bytes(1)) else { continue };
        if sealed_key_id(&sealed) == Ok(key) && ring.open(&sealed, id).is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The keys that records name: the number of each, and whether any record under it opens.
fn shown(connection: &mut dyn Connection, ring: &Ring) -> Result<BTreeMap<u32, bool>, DatabaseError> {
    let (mut shown, mut after) = (BTreeMap::new(), 0);
    loop {
        // The first eight bytes of a record name its key. Two records of each key are opened: one
        // may be damaged.
        let mut sql = Sql::new("SELECT min(id), max(id) FROM (SELECT id, substr(record, 1, 8) AS head FROM device WHERE id > ");
        sql.bind(after).push(" ORDER BY id LIMIT ").bind(PAGE_RECORDS).push(") AS page GROUP BY head");
        let mut ids = BTreeSet::new();
        for record in &mut connection.rows(&sql)? {
            ids.extend([record.number(0)?, record.number(1)?]);
        }
        let Some(last) = ids.last().copied() else { return Ok(shown) };
        for id in ids {
            let mut sql = Sql::new("SELECT record FROM device WHERE id = ");
            sql.bind(id);
            for record in &mut connection.rows(&sql)? {
                let Ok(sealed) = record.bytes(0) else { continue };
                if let Ok(key) = sealed_key_id(&sealed) {
                    *shown.entry(key).or_default() |= ring.open(&sealed, id).is_ok();
                }
            }
        }
        after = last;
    }
}

fn number(key: i64) -> Result<u32, DatabaseError> {
    u32::try_from(key).map_err(|_| DatabaseError::new(format!("table key_check: {key} is not the number of a key")))
}
