//! Whole copies of a SQLite file, and whether the file is in use.

use std::path::Path;
use std::time::Duration;

use rusqlite::{ErrorCode, OpenFlags};

use super::error::{DatabaseError, ErrorKind};
use super::sqlite::Sqlite;

/// Copies a file as it is at one moment, while other processes write. `to` must be an empty file.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), DatabaseError> {
    let to = to.to_str().ok_or_else(|| DatabaseError::new("the name of the copy is not UTF-8, and SQLite takes no other"))?;
    let reader = Sqlite::reader(from)?;
    // The copy is a write to SQLite, though not to this file.
    reader.raw().execute_batch("PRAGMA query_only = OFF")?;
    reader.raw().execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// Reads a whole file and checks its pages and indexes. Faults that name `replaceable`, a table
/// that can be made anew, do not count. Errors: [`ErrorKind::Damaged`], with the first fault.
pub(crate) fn check_file(path: &Path, replaceable: &str) -> Result<(), DatabaseError> {
    let reader = Sqlite::reader(path)?;
    let mut check = reader.raw().prepare("PRAGMA quick_check")?;
    for found in check.query_map([], |row| row.get::<_, String>(0))? {
        let found = found?;
        if found != "ok" && !found.contains(replaceable) {
            return Err(DatabaseError::from_kind(ErrorKind::Damaged, found));
        }
    }
    Ok(())
}

/// Whether another process has a file open. A process that uses a file with a log holds a shared
/// lock on it from its first read on. If none has, the log is written into the file. A damaged file
/// counts as free.
pub(crate) fn is_in_use(path: &Path) -> Result<bool, DatabaseError> {
    let connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::ZERO)?;
    match connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK;") {
        Ok(()) => Ok(false),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(true),
        Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
