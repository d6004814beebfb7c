//! SQLite in one file.

use std::ffi::c_int;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[cfg(unix)]
use rusqlite::FileControl;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::connection::Connection;
use super::dialect::Dialect;
use super::error::{DatabaseError, ErrorKind};
use super::files::Files;
use super::functions;
use super::record::Record;
use super::statement::Sql;
use super::value::Value;
use crate::file;

/// How long a writer waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one statement of a reader may take, since others wait for it. PostgreSQL has the same
/// limit.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// After how many steps of its virtual machine SQLite checks the deadline: some tenth of a
/// millisecond.
const PROGRESS_STEPS: c_int = 20_000;

/// How much of the file the writer keeps in memory: the upper levels of the table of a million
/// devices. The system caches the rest of the file for all connections.
const WRITER_CACHE_KIB: u32 = 1536;
/// The same for connections that read what an index finds.
const READER_CACHE_KIB: u32 = 384;
/// The same for connections that read the whole file, where a cache helps little.
const SCAN_CACHE_KIB: u32 = 128;
/// How many changed pages of a commit the writer keeps before it writes some to the log: 16 MiB.
/// They would be written once more when they change again.
const MAX_CHANGED_PAGES: u32 = 4096;

/// A connection to a file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: rusqlite::Connection,
    clock: Arc<Clock>,
    deadline: Option<Instant>,
    files: Arc<Files>,
}

/// The deadline of a reader's statement.
#[derive(Debug)]
struct Clock {
    opened: Instant,
    /// In milliseconds since `opened`.
    end: AtomicU64,
}

impl Clock {
    fn set(&self, end: Instant) {
        let end = end.saturating_duration_since(self.opened).as_millis();
        self.end.store(u64::try_from(end).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.opened.elapsed().as_millis() > self.end.load(Ordering::Relaxed).into()
    }
}

impl Sqlite {
    /// Opens a file to write, and makes it if there is none. Only its owner may read it, since it
    /// holds addresses.
    pub(crate) fn writer(path: &Path) -> Result<Self, DatabaseError> {
        regular(path)?;
        let options = &mut OpenOptions::new();
        file::private(options.write(true).create(true).truncate(false))
            .open(path)
            .map_err(|error| DatabaseError::new(error.to_string()))?;
        // FULL: a commit survives the loss of power. A checkpoint flushes twice more. With 64 MiB
        // of log checkpoints are rare, and write a page that changed often only once.
        let settings = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384; \
             PRAGMA cache_spill = {MAX_CHANGED_PAGES};"
        );
        Self::open(path, WRITER_CACHE_KIB, &settings, None)
    }

    /// Opens the file to read only.
    pub(crate) fn reader(path: &Path) -> Result<Self, DatabaseError> {
        Self::open(path, READER_CACHE_KIB, "PRAGMA query_only = ON;", None)?.with_clock()
    }

    /// Another connection to the same files that only reads. `scans`: it reads the whole file, not
    /// only what an index finds.
    pub(crate) fn another(&self, scans: bool) -> Result<Self, DatabaseError> {
        let (path, cache) = (self.files.path(), if scans { SCAN_CACHE_KIB } else { READER_CACHE_KIB });
        Self::open(path, cache, "PRAGMA query_only = ON;", Some(&self.files))?.with_clock()
    }

    fn open(path: &Path, cache: u32, settings: &str, files: Option<&Arc<Files>>) -> Result<Self, DatabaseError> {
        regular(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // This read makes SQLite open the log as well.
        connection.execute_batch(&format!("PRAGMA cache_size = -{cache}; {settings} SELECT count(*) FROM sqlite_master;"))?;
        connection.set_prepared_statement_cache_capacity(128);
        functions::add(&connection)?;
        let files = match files {
            Some(files) => Arc::clone(files),
            None => Arc::new(Files::new(path)?),
        };
        let clock = Clock { opened: Instant::now(), end: AtomicU64::new(u64::MAX) };
        let opened = Self { connection, clock: Arc::new(clock), deadline: None, files };
        // The file may have been replaced in between.
        if opened.has_moved()? {
            return Err(DatabaseError::new("the file was replaced while it was opened; try again"));
        }
        opened.files.check()?;
        Ok(opened)
    }

    /// The connection itself, whose statements have no time limit.
    pub(super) fn raw(&self) -> &rusqlite::Connection {
        &self.connection
    }

    fn with_clock(mut self) -> Result<Self, DatabaseError> {
        let clock = Arc::clone(&self.clock);
        self.connection.progress_handler(PROGRESS_STEPS, Some(move || clock.is_over()))?;
        Ok(self)
    }

    #[cfg(unix)]
    fn has_moved(&self) -> Result<bool, DatabaseError> {
        let mut has_moved = 0;
        self.connection.file_control(None::<&str>, FileControl::HasMoved(&mut has_moved))?;
        Ok(has_moved != 0)
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as on Unix")]
    fn has_moved(&self) -> Result<bool, DatabaseError> {
        Ok(false)
    }

    /// Checks the files before a statement. Within a transaction, its begin has checked them.
    fn check(&self) -> Result<(), DatabaseError> {
        if self.connection.is_autocommit() { self.files.check().inspect_err(|_| self.empty_log()) } else { Ok(()) }
    }

    /// Writes the log into a database file that was moved away, and empties the log. SQLite would
    /// not. The log would then be applied to the file that has the old name now, such as a restored
    /// backup.
    fn empty_log(&self) {
        if !self.files.is_log_left() {
            return;
        }
        // It does not wait for other connections. The last one to close succeeds.
        let emptied = self
            .connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0)));
        self.files.log_is_empty(emptied == Ok(0));
    }
}

impl Sqlite {
    /// The conversion for errors of a statement. Outside a transaction, a statement that writes is
    /// its own commit.
    fn error_of(&self, statement: &rusqlite::Statement<'_>) -> fn(rusqlite::Error) -> DatabaseError {
        if self.is_commit(statement) { uncommitted } else { DatabaseError::from }
    }

    fn is_commit(&self, statement: &rusqlite::Statement<'_>) -> bool {
        self.connection.is_autocommit() && !statement.readonly()
    }

    /// Checks the files after a commit. A commit to a deleted file is lost, and the file in its
    /// place does not have it.
    fn committed(&self) -> Result<(), DatabaseError> {
        self.files.check().inspect_err(|_| {
            self.files.log_is_empty(false);
            self.empty_log();
        })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if self.connection.is_autocommit() {
            self.empty_log();
        }
    }
}

impl Connection for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn end_at(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, DatabaseError> {
        self.check()?;
        // Only readers check the clock.
        let (now, deadline) = (Instant::now(), self.deadline);
        let end = now.checked_add(STATEMENT_TIMEOUT).unwrap_or(now);
        self.clock.set(deadline.map_or(end, |deadline| deadline.min(end)));
        let mut statement = self.connection.prepare_cached(&sql.text)?;
        let error = self.error_of(&statement);
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(&sql.values)).map_err(error)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(error)? {
            let mut values = Vec::with_capacity(columns);
            for at in 0..columns {
                values.push(value(row.get_ref(at)?));
            }
            records.push(Record(values));
        }
        drop(rows);
        // A BEGIN is no commit: autocommit is off after it.
        if self.is_commit(&statement) {
            self.committed()?;
        }
        Ok(records)
    }

    fn change(&mut self, sql: &Sql) -> Result<u64, DatabaseError> {
        self.check()?;
        let mut statement = self.connection.prepare_cached(&sql.text)?;
        let error = self.error_of(&statement);
        let changed = statement.execute(params_from_iter(&sql.values)).map_err(error)?;
        if self.is_commit(&statement) {
            self.committed()?;
        }
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.connection.prepare_cached("COMMIT")?.execute([]).map_err(uncommitted)?;
        self.committed()
    }

    fn rollback(&mut self) {
        // Some errors roll back by themselves.
        if !self.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!("store: a transaction could not be rolled back: {error}");
        }
    }
}

/// The error of a commit, and what it leaves open.
///
/// SQLite has rolled back and shows no trace of the commit. But if only the flush failed, the log
/// has all its pages and the commit mark. The next commit overwrites them; a crash before it brings
/// them back. A full disk leaves no doubt, since the checksum of the incomplete last page is wrong.
/// Neither does another process's lock or an error in the statement.
pub(crate) fn uncommitted(error: rusqlite::Error) -> DatabaseError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::ConstraintViolation | ErrorCode::Unknown) => error.into(),
        _ => DatabaseError::from_kind(ErrorKind::Unknown, error.to_string()),
    }
}

/// Refuses a path that is no file, for which SQLite would report a broken disk. A missing path is
/// left to the open.
fn regular(path: &Path) -> Result<(), DatabaseError> {
    let kind = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => "a folder",
        Ok(metadata) if !metadata.is_file() => "a pipe, a socket or a device",
        _ => return Ok(()),
    };
    Err(DatabaseError::new(format!("it is {kind}, and must be a file")))
}

/// SQLite enforces neither the type of a column nor the encoding of text.
fn value(stored: ValueRef<'_>) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Real(_) => Value::Unreadable("holds a fraction"),
        ValueRef::Text(bytes) => {
            str::from_utf8(bytes).map_or(Value::Unreadable("holds text that is not UTF-8"), |text| Value::Text(text.to_owned()))
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::List(..) => return Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no arrays".into())),
            Self::Unreadable(what) => return Err(rusqlite::Error::ToSqlConversionFailure((*what).into())),
        }))
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => ErrorKind::TooLong,
            Some(ErrorCode::DatabaseCorrupt) => ErrorKind::Damaged,
            _ => ErrorKind::Refused,
        };
        if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            return Self::from_kind(kind, "the file is not a SQLite database");
        }
        Self::from_kind(kind, error.to_string())
    }
}
