//! The state file: the plain record of one device.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use keyfob::{Device, RECORD_SIZE, Record};

use crate::cli::output::note;
use crate::cli::result::Result;
use crate::file::{self, Owner};

/// A state file that no other process changes as long as this lives.
pub(crate) struct State {
    path: PathBuf,
    /// Closing it unlocks.
    _lock: File,
}

impl State {
    /// Waits until no other process works on the file, and says so.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        // A symbolic link stays one: what it points to is replaced.
        let path = path.canonicalize().map_err(|error| missing(path, &error))?;
        // The lock is on a file beside it, which stays: a rename puts a new file in the state
        // file's place, and a lock on the old one would keep nobody off the new one.
        let beside = file::beside(&path, ".lock");
        let opened = file::private(OpenOptions::new().write(true).create(true).truncate(false)).open(&beside);
        let lock = opened
            .and_then(|lock| match lock.try_lock() {
                Ok(()) => Ok(lock),
                Err(TryLockError::WouldBlock) => {
                    note(&format!("{}: waits for another process that works on it", path.display()));
                    lock.lock().map(|()| lock)
                }
                Err(TryLockError::Error(error)) => Err(error),
            })
            .map_err(|error| format!("{}: {error}; the state file's folder and this file must be writable", beside.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// Reads the device.
    pub(crate) fn read(&self) -> Result<Device> {
        read(&self.path)
    }

    /// Puts `record` in the place of the one read, durably: after a crash the file holds the one or
    /// the other.
    pub(crate) fn replace(&self, record: &Record) -> Result<()> {
        // Nobody else writes it, for this one has the lock.
        file::replace(&self.path, record.as_bytes(), Owner::KeptOrMine)
            .map_err(|error| format!("{}: {error}; it could not be replaced, and no answer is given", self.path.display()).into())
    }
}

/// Makes the state file of a new device.
pub(crate) fn create(path: &Path, device: &Device) -> Result<()> {
    Ok(file::create(path, device.to_record().as_bytes())?)
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
