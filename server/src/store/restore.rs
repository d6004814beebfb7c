//! Restores of a store in a file from a backup.

use std::fs;
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use super::backup::{Backup, file_of, inspect};
use super::keys::Keys;
use crate::database::{Connection, DatabaseError, Location, Sql, copy_file, is_in_use};
use crate::file::{self, Lock, Owner};

/// The endings of the files that SQLite keeps beside a database.
const SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];
/// How many restores one second may see.
const MAX_FOLDERS: u32 = 100;
/// How many devices one statement reads.
const PAGE_DEVICES: i64 = 5_000;

/// A restore that is done.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) backup: Backup,
    /// The folder with the store that was in its place; none if there was none.
    pub(crate) old: Option<PathBuf>,
    /// How the devices of the old store differ, or why it cannot be read.
    pub(crate) changes: Result<Vec<DeviceChange>, String>,
}

/// How a device of the old store differs from the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceChange {
    pub(crate) id: i64,
    pub(crate) user: String,
    pub(crate) what: String,
}

/// Puts a copy of a backup in the place of the store at a location. Moves the old store into a new
/// folder beside it, whose name ends with `stamp`. After an interruption, the same call finishes.
///
/// Errors: a sentence for people; nothing is changed before the backup was read whole.
pub(crate) fn restore(location: &Location, from: &Path, keys: &Keys, stamp: &str) -> Result<Restored, String> {
    let shown = from.display();
    let failed = |error: io::Error| format!("store: {location}: {error}");
    let store = &real_path(file_of(location)?).map_err(failed)?;
    if location.is_same_file(&Location::from_file(from)) {
        return Err(format!("{shown}: is the store itself; name a backup of it"));
    }
    let backup = inspect(from, keys).map_err(|error| format!("{shown}: {error}"))?;
    if let Some(check) = backup.keys.as_ref().filter(|check| !check.is_whole()) {
        return Err(format!("the key file {check}, as {shown} shows; restore the key file of that time, or add its missing lines"));
    }
    let _lock =
        Lock::beside(store).map_err(failed)?.ok_or_else(|| format!("store: {location}: another keyfob restore works on it"))?;
    refuse_in_use(location, store)?;
    let temporary = file::beside(store, ".restored");
    let _ = fs::remove_file(&temporary);
    let placed = copy(from, &temporary, store).map_err(|error| format!("{shown}: cannot be copied: {error}")).and_then(|()| {
        // The copy may have taken minutes, in which a service was started.
        refuse_in_use(location, store)?;
        replace(store, &temporary, stamp).map_err(failed)
    });
    let _ = fs::remove_file(&temporary);
    let old = placed?;
    let changes = match old.as_deref().and_then(|folder| Some(folder.join(store.file_name()?))) {
        Some(old) => compare(&old, store).map_err(|error| error.to_string()),
        None => Ok(Vec::new()),
    };
    Ok(Restored { backup, old, changes })
}

/// The path behind symbolic links, since SQLite keeps the log there. Errors: a link leads nowhere,
/// such as to a disk that is not mounted.
fn real_path(store: &Path) -> io::Result<PathBuf> {
    if store.symlink_metadata().is_ok() { store.canonicalize() } else { Ok(store.to_owned()) }
}

fn refuse_in_use(location: &Location, store: &Path) -> Result<(), String> {
    if store.exists() && is_in_use(store).map_err(|error| format!("store: {location}: {error}"))? {
        return Err(format!("store: {location}: a process has it open; stop every service on it first"));
    }
    Ok(())
}

/// Copies a backup into a new file with the owner and the mode of the store.
fn copy(from: &Path, to: &Path, store: &Path) -> Result<(), DatabaseError> {
    let failed = |error: io::Error| DatabaseError::new(error.to_string());
    let file = file::open_new(to).map_err(failed)?;
    if let Ok(old) = fs::metadata(store) {
        file::own_as(&file, &old, Owner::KeptOrMine).map_err(failed)?;
    }
    copy_file(from, to)?;
    file.sync_all().map_err(failed)
}

/// Puts the new file in the place of the store, durably. At each moment there is a store, since a
/// service that finds none would make an empty one. Returns the folder with the old store, if there
/// was one.
fn replace(store: &Path, new: &Path, stamp: &str) -> io::Result<Option<PathBuf>> {
    let files = SUFFIXES.map(|end| file::beside(store, end));
    if !store.exists() && !files.iter().any(|path| path.exists()) {
        fs::rename(new, store)?;
        return file::sync_folder(store).map(|()| None);
    }
    let folder = new_folder(store, stamp)?;
    let aside = |path: &Path| folder.join(path.file_name().unwrap_or_default());
    // The log goes with the database: SQLite would apply it to the file that has the name next.
    for path in files.iter().filter(|path| path.exists()) {
        fs::rename(path, aside(path))?;
    }
    if store.exists() {
        match fs::hard_link(store, aside(store)) {
            // A file system without second names: for a moment there is no store.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::rename(store, aside(store))?,
            linked => linked?,
        }
    }
    file::sync_folder(&aside(store))?;
    fs::rename(new, store)
        .map_err(|error| io::Error::new(error.kind(), format!("{error}; the old store is in {}", folder.display())))?;
    file::sync_folder(store)?;
    Ok(Some(folder))
}

/// Creates a folder beside the store that only its owner can enter. Two restores may take place in
/// one second.
fn new_folder(store: &Path, stamp: &str) -> io::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let mut folder = file::beside(store, &format!(".old-{stamp}"));
    for number in 2..=MAX_FOLDERS {
        match builder.create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                folder = file::beside(store, &format!(".old-{stamp}-{number}"));
            }
            created => return created.map(|()| folder),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A device as far as people see it.
#[derive(PartialEq, Eq)]
struct Shown {
    id: i64,
    user: String,
    status: String,
    email: Option<String>,
    phone: Option<String>,
    external_id: Option<String>,
    deleted: i64,
}

/// Compares the devices of two files, in the order of their ids.
fn compare(old: &Path, restored: &Path) -> Result<Vec<DeviceChange>, DatabaseError> {
    let mut restored = Devices::open(restored)?.peekable();
    let mut changes = Vec::new();
    for device in Devices::open(old)? {
        let device = device?;
        let what = match next_same(&mut restored, device.id)? {
            None => "was created after the backup and is gone: create it anew".to_owned(),
            Some(copy) if copy.status != device.status => {
                format!("has status {} again and had {}: set that if it was on purpose", copy.status, device.status)
            }
            Some(copy) if copy.deleted != device.deleted => "was removed and is back: remove it again".to_owned(),
            Some(copy) if copy != device => {
                "has its earlier user, phone, e-mail address or externalId again: correct them".to_owned()
            }
            Some(_) => continue,
        };
        changes.push(DeviceChange { id: device.id, user: device.user, what });
    }
    Ok(changes)
}

/// The device of this id, if it is among the next ones, which are in the order of their ids.
fn next_same(devices: &mut Peekable<Devices>, id: i64) -> Result<Option<Shown>, DatabaseError> {
    while let Some(device) = devices.next_if(|device| device.as_ref().map_or(true, |device| device.id <= id)) {
        let device = device?;
        if device.id == id {
            return Ok(Some(device));
        }
    }
    Ok(None)
}

/// The devices of a file in the order of their ids, read page by page.
struct Devices {
    connection: Box<dyn Connection>,
    page: std::vec::IntoIter<Shown>,
    after: Option<i64>,
}

impl Devices {
    fn open(path: &Path) -> Result<Self, DatabaseError> {
        let connection = Location::from_file(path).reader()?;
        Ok(Self { connection, page: Vec::new().into_iter(), after: Some(i64::MIN) })
    }

    fn read(&mut self, after: i64) -> Result<(), DatabaseError> {
        let mut sql = Sql::new("SELECT id, user_name, status, email, phone, external_id, deleted FROM device WHERE id > ");
        sql.bind(after).push(" ORDER BY id LIMIT ").bind(PAGE_DEVICES);
        let records = self.connection.rows(&sql)?.into_iter();
        let page: Vec<_> = records
            .map(|mut record| {
                Ok(Shown {
                    id: record.number(0)?,
                    user: record.text(1)?,
                    status: record.text(2)?,
                    email: record.maybe_text(3)?,
                    phone: record.maybe_text(4)?,
                    external_id: record.maybe_text(5)?,
                    deleted: record.number(6)?,
                })
            })
            .collect::<Result<_, DatabaseError>>()?;
        self.after = page.last().map(|device| device.id);
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for Devices {
    type Item = Result<Shown, DatabaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(device) = self.page.next() {
            return Some(Ok(device));
        }
        if let Err(error) = self.read(self.after?) {
            self.after = None;
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}
