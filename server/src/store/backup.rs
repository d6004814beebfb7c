//! Backups of a store in a file.

use std::fs::{self, File};
use std::path::Path;

use super::key_check::{self, KeyCheck};
use super::keys::Keys;
use super::schema::{self, Holds, Stage};
use crate::database::{Connection, DatabaseError, Location, check_file, copy_file};
use crate::file::{self, Lock};

/// What a backup holds.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    /// How many devices.
    pub(crate) devices: i64,
    /// How many lines of the trail.
    pub(crate) lines: i64,
    /// The time of the last line, in Unix seconds.
    pub(crate) last_at: Option<i64>,
    /// What the keys lack to open its records. None if the backup cannot tell: it is of a store
    /// without a device, or of an old version.
    pub(crate) keys: Option<KeyCheck>,
}

/// Copies the store at a location into a new file that only its owner can read, while services go
/// on. The copy is read once before it gets its name, so a file of that name is a whole backup.
///
/// Errors: a sentence for people.
pub(crate) fn back_up(location: &Location, to: &Path, keys: &Keys) -> Result<Backup, String> {
    let from = file_of(location)?;
    let shown = to.display();
    if to.symlink_metadata().is_ok() {
        return Err(file::not_created(to, &std::io::ErrorKind::AlreadyExists.into()));
    }
    let not_created = |error: std::io::Error| file::not_created(to, &error);
    let _lock = Lock::beside(to).map_err(not_created)?.ok_or_else(|| format!("{shown}: another keyfob backup writes it"))?;
    let temporary = file::beside(to, ".tmp");
    // Left by a process that was killed.
    let _ = fs::remove_file(&temporary);
    drop(file::open_new(&temporary).map_err(not_created)?);
    let backup = copy_file(from, &temporary)
        .map_err(|error| format!("store: {location}: {error}"))
        .and_then(|()| inspect(&temporary, keys).map_err(|error| format!("store: {location}: its copy is no backup: {error}")))
        .and_then(|backup| publish(&temporary, to).map(|()| backup).map_err(not_created));
    let _ = fs::remove_file(&temporary);
    backup
}

/// Gives a complete file another name durably, unless there is a file of that name.
fn publish(temporary: &Path, to: &Path) -> std::io::Result<()> {
    File::open(temporary)?.sync_all()?;
    match fs::hard_link(temporary, to) {
        // A file system without second names.
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => fs::rename(temporary, to)?,
        linked => linked?,
    }
    file::sync_folder(to)
}

/// The file of a store. Errors: it is in PostgreSQL.
pub(super) fn file_of(location: &Location) -> Result<&Path, String> {
    location.file().ok_or_else(|| {
        format!(
            "store: {location}: PostgreSQL backs up and restores its databases itself, with pg_basebackup and an archive of its log"
        )
    })
}

/// Reads a file from its first page to its last. Errors: it is damaged, or no store that can be
/// served.
pub(super) fn inspect(path: &Path, keys: &Keys) -> Result<Backup, DatabaseError> {
    // A service makes the index of texts anew.
    check_file(path, "device_text")?;
    let connection = &mut *Location::from_file(path).reader()?;
    let steps = match schema::holds(connection)? {
        Holds::Store(Stage::Live, steps) => steps,
        Holds::Store(Stage::Moved, _) => return Err(schema::moved()),
        Holds::Store(Stage::Unfinished, _) => return Err(schema::unfinished()),
        Holds::Nothing => return Err(DatabaseError::new("it is empty, and no store of keyfob")),
        Holds::Other(what) => return Err(DatabaseError::new(format!("it has the {what}, and is no store of keyfob"))),
    };
    Ok(Backup {
        devices: number(connection, "SELECT count(*) FROM device")?.unwrap_or_default(),
        lines: number(connection, "SELECT count(*) FROM trail")?.unwrap_or_default(),
        last_at: number(connection, "SELECT max(at) FROM trail WHERE id = (SELECT max(id) FROM trail)")?,
        keys: if schema::has_key_check(steps) { key_check::check(connection, &keys.ring())? } else { None },
    })
}

fn number(connection: &mut dyn Connection, query: &'static str) -> Result<Option<i64>, DatabaseError> {
    connection.run(query)?.first_mut().map_or(Ok(None), |record| record.maybe_number(0))
}
