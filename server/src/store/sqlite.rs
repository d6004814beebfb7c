//! SQLite in one file.

use std::ffi::c_int;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::sql::{Connection, Dialect, Failure, Fault, Record, Sql, Value};
use crate::file;

/// How long a writer waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// How long a reader may be at one statement, in milliseconds: those behind it wait for it. PostgreSQL is told the same.
const LIMIT: u64 = 5000;

/// After so many steps of its machine SQLite is asked to look at the clock: some tenth of a millisecond.
const STEPS: c_int = 20_000;

/// A connection to a file, and the time until which its statement may take.
#[derive(Debug)]
pub(crate) struct Sqlite(rusqlite::Connection, Arc<Deadline>);

/// A time, in milliseconds since a reader was opened; none is 0.
#[derive(Debug)]
struct Deadline {
    opened: Instant,
    at: AtomicU64,
}

impl Deadline {
    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_over(&self) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at != 0 && self.now() > at
    }
}

impl Sqlite {
    /// Opens a file for one that writes, and makes it if there is none, readable by its owner only: it holds addresses.
    pub(crate) fn writer(path: &Path) -> Result<Self, Fault> {
        let options = &mut OpenOptions::new();
        file::private(options.write(true).create(true).truncate(false))
            .open(path)
            .map_err(|error| Fault::new(error.to_string()))?;
        let writer = Self::open(path)?;
        // FULL: a commit that was answered survives the loss of power. A checkpoint flushes twice more: at 64 MiB of log they are seldom, and
        // write what changed often but once.
        writer.0.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384;")?;
        Ok(writer)
    }

    /// Opens the file for one that only reads.
    pub(crate) fn reader(path: &Path) -> Result<Self, Fault> {
        let mut reader = Self::open(path)?;
        reader.0.execute_batch("PRAGMA query_only = ON;")?;
        let deadline = Arc::clone(&reader.1);
        reader.0.progress_handler(STEPS, Some(move || deadline.is_over()))?;
        Ok(reader)
    }

    fn open(path: &Path) -> Result<Self, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.execute_batch("PRAGMA cache_size = -65536;")?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(Self(connection, Arc::new(Deadline { opened: Instant::now(), at: AtomicU64::new(0) })))
    }
}

impl Sqlite {
    /// What makes a fault of an error of a statement: outside of a transaction, one that writes is its own commit.
    fn fault_of(&self, statement: &rusqlite::Statement<'_>) -> fn(rusqlite::Error) -> Fault {
        if self.0.is_autocommit() && !statement.readonly() { uncommitted } else { Fault::from }
    }
}

impl Connection for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, Fault> {
        // Only a reader's is asked for.
        self.1.at.store(self.1.now().saturating_add(LIMIT), Ordering::Relaxed);
        let mut statement = self.0.prepare_cached(&sql.text)?;
        let fault = self.fault_of(&statement);
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(&sql.values)).map_err(fault)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let read = |at: usize| {
                Ok(match row.get(at)? {
                    Stored::Null => Value::Null,
                    Stored::Integer(number) => Value::Number(number),
                    Stored::Text(text) => Value::Text(text),
                    Stored::Blob(bytes) => Value::Bytes(bytes),
                    Stored::Real(_) => return Err(Fault::new("a column holds a fraction")),
                })
            };
            records.push(Record((0..columns).map(read).collect::<Result<_, Fault>>()?));
        }
        Ok(records)
    }

    fn change(&mut self, sql: &Sql) -> Result<u64, Fault> {
        let mut statement = self.0.prepare_cached(&sql.text)?;
        let fault = self.fault_of(&statement);
        let changed = statement.execute(params_from_iter(&sql.values)).map_err(fault)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.0.prepare_cached("COMMIT")?.execute([]).map(|_| ()).map_err(uncommitted)
    }

    fn rollback(&mut self) {
        // Some faults roll it back themselves.
        if !self.0.is_autocommit()
            && let Err(fault) = self.run("ROLLBACK")
        {
            tracing::error!("store: a transaction could not be given up: {fault}");
        }
    }
}

/// The fault of a commit, and what it leaves open.
///
/// SQLite has rolled it back, and shows nothing of it. But where only the flush failed, the log has all its pages and the mark of a commit: a
/// crash before the next commit, which is written over them, brings them back. A full disk is certain: the last page is not whole, and the
/// log's checksum tells. So are a lock that another has and a mistake in the statement.
pub(crate) fn uncommitted(error: rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::ConstraintViolation | ErrorCode::Unknown) => error.into(),
        _ => Fault::of(Failure::Unknown, error.to_string()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::List(_) => return Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no arrays".into())),
        }))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(error.to_string())
    }
}
