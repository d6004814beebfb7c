//! Devices in SQLite: compare and swap, with the audit trail in the same transaction.

use std::error::Error as StdError;

use keyfob::{Device, SealKey};
use keyfob_scim::{
    Allowance, Count, Counted, DeliveryResult, Entry, Error, Event, FoundTokens, MemoryStore, Message, Naming, Page, Query, Row,
    Signal, Store, Swap, TokenSearch,
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

/// `AUTOINCREMENT`: no device ever gets the id of another one, not even of a deleted one.
const SCHEMA: &str = "
    CREATE TABLE device (
        id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL, name TEXT NOT NULL, user TEXT NOT NULL, email TEXT,
        phone TEXT, external_id TEXT, deleted INTEGER NOT NULL, last_modified INTEGER NOT NULL, record BLOB NOT NULL
    );
    CREATE TABLE trail (at INTEGER, event TEXT, actor TEXT, device_id INTEGER, success INTEGER, reason TEXT);
    CREATE TABLE name_counter (last INTEGER NOT NULL);
    INSERT INTO name_counter VALUES (0);
    CREATE TABLE allowance (number INTEGER NOT NULL);
    INSERT INTO allowance VALUES (0);
    CREATE TABLE message_count (counter TEXT PRIMARY KEY, sent INTEGER NOT NULL, ends INTEGER NOT NULL);
";
const COLUMNS: &str = "id, version, name, user, email, phone, external_id, deleted, last_modified, record";

/// A connection, and the key that seals the records.
pub(crate) struct Database {
    connection: Connection,
    key: SealKey,
}

impl Database {
    /// A database that ends with the process, with a key that ends with it too. A real host opens a
    /// file, with `PRAGMA synchronous = FULL`, and reads the key from where secrets are kept.
    pub(crate) fn in_memory() -> Result<Self, Box<dyn StdError>> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection, key: SealKey::new(1, key) })
    }

    /// Refuses or allows all writes, as a full disk does.
    #[cfg(test)]
    pub(crate) fn set_read_only(&self, is_read_only: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "query_only", is_read_only)
    }

    /// Runs statements in one transaction, which waits for the write lock before it reads.
    fn transaction<T>(&mut self, work: impl FnOnce(&Transaction<'_>, &SealKey) -> Result<T, Error>) -> Result<T, Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
        let done = work(&transaction, &self.key)?;
        transaction.commit().map_err(unavailable)?;
        Ok(done)
    }

    fn entries(&self, wanted: Option<i64>) -> Result<Vec<Entry>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM device WHERE ?1 IS NULL OR id = ?1");
        let mut statement = self.connection.prepare(&sql).map_err(unavailable)?;
        let mut rows = statement.query([wanted]).map_err(unavailable)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(unavailable)? {
            entries.push(self.entry(row)?);
        }
        Ok(entries)
    }

    fn entry(&self, columns: &rusqlite::Row<'_>) -> Result<Entry, Error> {
        let id: i64 = columns.get(0).map_err(unavailable)?;
        let record: Vec<u8> = columns.get(9).map_err(unavailable)?;
        let device = self.key.open(&record, &id.to_be_bytes()).map_err(|error| Error::new(503, error.to_string()))?;
        let read = || {
            let row = Row {
                id,
                name: columns.get(2)?,
                user: columns.get(3)?,
                email: columns.get(4)?,
                phone: columns.get(5)?,
                external_id: columns.get(6)?,
                deleted: columns.get(7)?,
                kind: device.kind(),
                status: device.status(),
                fails: device.fails(),
                created: device.created(),
                last_used: device.last_used(),
                last_modified: columns.get::<_, i64>(8)?.try_into().unwrap_or_default(),
            };
            Ok(Entry { row, version: columns.get(1)?, device: device.clone() })
        };
        read().map_err(unavailable)
    }
}

impl Store for Database {
    fn get(&mut self, id: i64) -> Result<Option<Entry>, Error> {
        Ok(self.entries(Some(id))?.pop())
    }

    // The default settings make no signals.
    fn insert(&mut self, mut entry: Entry, naming: Naming, event: Event, _signals: Vec<Signal>) -> Result<Entry, Error> {
        self.transaction(|transaction, key| {
            let next = || {
                let sql = "UPDATE name_counter SET last = last + 1 RETURNING last";
                transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
            };
            let row = &mut entry.row;
            let is_serial = matches!(naming, Naming::Serial(_));
            row.name = naming.resolve(next).map_err(unavailable)?;
            if is_serial {
                check_serial(transaction, row)?;
            }
            // The id is known after this, and the seal holds it.
            let sql = "INSERT INTO device (version, name, user, email, phone, external_id, deleted, last_modified, record) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, x'') RETURNING id";
            let columns = params![
                entry.version,
                row.name,
                row.user,
                row.email,
                row.phone,
                row.external_id,
                row.deleted,
                seconds(row.last_modified)
            ];
            row.id = transaction.query_row(sql, columns, |row| row.get(0)).map_err(unavailable)?;
            let record = seal(key, &entry.device, entry.row.id)?;
            let sql = "UPDATE device SET record = ?2 WHERE id = ?1";
            transaction.execute(sql, params![entry.row.id, record]).map_err(unavailable)?;
            add_to_trail(transaction, &Event { device_id: entry.row.id, ..event })?;
            Ok(entry)
        })
    }

    fn swap(&mut self, swap: Swap) -> Result<bool, Error> {
        self.transaction(|transaction, key| replace(transaction, key, &swap))
    }

    /// A host that runs for days deletes the counters whose intervals have ended.
    fn swap_counted(&mut self, swap: Swap, counts: &[Count]) -> Result<Counted, Error> {
        self.transaction(|transaction, key| {
            let sent = |count: &Count| {
                let sql = "SELECT coalesce(max(sent), 0) FROM message_count WHERE counter = ?1";
                transaction.query_row(sql, [&count.counter], |row| row.get::<_, u32>(0)).map_err(unavailable)
            };
            for count in counts {
                if sent(count)? >= count.max {
                    return Ok(Counted::Full(count.clone()));
                }
            }
            if !replace(transaction, key, &swap)? {
                return Ok(Counted::Lost);
            }
            for count in counts {
                let sql =
                    "INSERT INTO message_count (counter, sent, ends) VALUES (?1, 1, ?2) ON CONFLICT DO UPDATE SET sent = sent + 1";
                transaction.execute(sql, params![count.counter, seconds(count.ends)]).map_err(unavailable)?;
            }
            Ok(Counted::Stored)
        })
    }

    fn audit(&mut self, event: Event) -> Result<(), Error> {
        self.transaction(|transaction, _| add_to_trail(transaction, &event))
    }

    /// A store for many devices makes SQL of the query instead.
    fn list(&mut self, query: &Query) -> Result<Page, Error> {
        let mut all = MemoryStore::default();
        for entry in self.entries(None)? {
            all.put(entry);
        }
        all.list(query)
    }

    fn admit(&mut self, cost_seconds: u64, now: u64) -> Result<u64, Error> {
        self.transaction(|transaction, _| {
            let kept: i64 = transaction.query_row("SELECT number FROM allowance", [], |row| row.get(0)).map_err(unavailable)?;
            let (next, wait) = Allowance::from_number(kept.unsigned_abs()).spend(cost_seconds, now);
            transaction.execute("UPDATE allowance SET number = ?1", [seconds(next.number())]).map_err(unavailable)?;
            Ok(wait)
        })
    }

    /// A store for many devices reads some hundred at a time instead.
    fn find(&mut self, search: &TokenSearch) -> Result<FoundTokens, Error> {
        let mut found = FoundTokens::default();
        found.look_at(search, &self.entries(None)?);
        Ok(found)
    }

    fn check_user(&mut self, _user: &str) -> Result<bool, Error> {
        Ok(true)
    }

    /// The loop over the steps delivers messages itself, since that awaits a gateway.
    fn deliver(&mut self, _message: &Message) -> Result<DeliveryResult, Error> {
        Ok(Err("a database sends no messages".to_owned()))
    }
}

/// Replaces an entry, if the database still has this version of it.
fn replace(transaction: &Transaction<'_>, key: &SealKey, swap: &Swap) -> Result<bool, Error> {
    let Entry { row, version, device } = &swap.entry;
    if swap.claims_serial {
        check_serial(transaction, row)?;
    }
    let record = seal(key, device, row.id)?;
    let sql = "UPDATE device SET version = version + 1, name = ?3, user = ?4, email = ?5, phone = ?6, external_id = ?7, \
               deleted = ?8, last_modified = ?9, record = ?10 WHERE id = ?1 AND version = ?2 RETURNING id";
    let columns = params![
        row.id,
        version,
        row.name,
        row.user,
        row.email,
        row.phone,
        row.external_id,
        row.deleted,
        seconds(row.last_modified),
        record
    ];
    let swapped: Option<i64> = transaction.query_row(sql, columns, |row| row.get(0)).optional().map_err(unavailable)?;
    if swapped.is_some() {
        add_to_trail(transaction, &swap.event)?;
    }
    Ok(swapped.is_some())
}

/// Checks that no other device has the serial of this one. A transaction of SQLite that writes is
/// alone; another database needs a lock, or a unique index.
fn check_serial(transaction: &Transaction<'_>, row: &Row) -> Result<(), Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE name = ?1 AND id <> ?2 AND deleted = 0)";
    let is_taken: bool = transaction.query_row(sql, params![row.name, row.id], |row| row.get(0)).map_err(unavailable)?;
    if is_taken { Err(Error::serial_is_taken(&row.name)) } else { Ok(()) }
}

fn seal(key: &SealKey, device: &Device, id: i64) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(|_| Error::new(503, "the operating system gives no random bytes"))?;
    Ok(key.seal(device, &id.to_be_bytes(), nonce).to_vec())
}

fn add_to_trail(transaction: &Transaction<'_>, event: &Event) -> Result<(), Error> {
    let Event { kind, at, actor, device_id, success, reason, .. } = event;
    let sql = "INSERT INTO trail VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let done = transaction.execute(sql, params![seconds(*at), kind.name(), actor, device_id, success, reason]);
    done.map(|_| ()).map_err(unavailable)
}

/// A time as SQLite has it.
fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// The answer while the database does not work. Its own text may hold what a client sent.
fn unavailable(_: rusqlite::Error) -> Error {
    Error::new(503, "the database is not available; try again")
}
