//! The state file: the plain record of one device.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use keyfob::{Device, RECORD_SIZE, Record};

use crate::cli::output::note;
use crate::cli::result::Result;
use crate::file::{self, Owner};

/// A locked state file: no other process changes it until this is dropped.
pub(crate) struct State {
    path: PathBuf,
    /// Closing it unlocks.
    _lock: File,
}

impl State {
    /// Locks the file. Waits for other processes that work on it, with a note.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        // A symbolic link stays one: its target is replaced.
        let path = path.canonicalize().map_err(|error| missing(path, &error))?;
        let lock = lock(&path, true)
            .map_err(|error| format!("{}.lock: {error}; the state file's folder and this file must be writable", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// Reads the device.
    pub(crate) fn read(&self) -> Result<Device> {
        read(&self.path)
    }

    /// Replaces the record durably: after a crash the file holds the old or the new one.
    pub(crate) fn replace(&self, record: &Record) -> Result<()> {
        file::replace(&self.path, record.as_bytes(), Owner::KeptOrMine)
            .map_err(|error| format!("{}: {error}; it could not be replaced, so there is no verdict", self.path.display()).into())
    }
}

/// Makes the state file of a new device.
pub(crate) fn create(path: &Path, device: &Device) -> Result<()> {
    // A login that began with a removed device of this name ends first, so that it does not replace
    // the new one. Without a lock file there is no such login.
    let _lock = match lock(path, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        lock => Some(lock.map_err(|error| file::not_created(path, &error))?),
    };
    Ok(file::create(path, device.to_record().as_bytes())?)
}

/// Waits until no other process works on the state file, with a note. Dropping the file unlocks it.
///
/// The lock is on a file beside it, which stays, and which is made if `creates`. A rename replaces
/// the state file, and a lock on the old file would not protect the new one.
fn lock(path: &Path, creates: bool) -> io::Result<File> {
    let beside = file::beside(path, ".lock");
    loop {
        let lock = file::private(OpenOptions::new().write(true).create(creates).truncate(false)).open(&beside)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                note(&format!("{}: waits for another process that works on it", path.display()));
                lock.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A lock on a removed file protects nothing: another process may have made it anew.
        if file::is_in_place(&lock, &beside) {
            return Ok(lock);
        }
    }
}

/// Reads the device of a state file.
pub(crate) fn read(path: &Path) -> Result<Device> {
    let bytes = File::open(path).and_then(|mut file| file::read(&mut file, RECORD_SIZE)).map_err(|error| missing(path, &error))?;
    Device::from_bytes(&bytes).map_err(|error| format!("{}: {error}; restore a good copy, or enroll again", path.display()).into())
}

fn missing(path: &Path, error: &io::Error) -> String {
    let todo = match error.kind() {
        io::ErrorKind::NotFound => "make it with keyfob enroll --state FILE",
        _ => "it must be a state file that you may read",
    };
    format!("{}: {error}; {todo}", path.display())
}
