//! The files of a SQLite database, watched: are they still the ones that were opened?

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{DatabaseError, ErrorKind};

/// The endings of the files that SQLite keeps beside a database: the log of commits and its index.
const SUFFIXES: [&str; 2] = ["-wal", "-shm"];

/// The files behind the connections of one process. Once one of them is deleted or replaced, the
/// database is [gone](ErrorKind::Gone). It stays gone if the file comes back, since other processes
/// may have written in between.
#[derive(Debug)]
pub(crate) struct Files {
    database: File,
    beside: Vec<File>,
    is_gone: AtomicBool,
    is_log_empty: AtomicBool,
}

/// A file by its name and its identity: the device and the inode.
#[derive(Debug)]
struct File {
    path: PathBuf,
    identity: (u64, u64),
}

impl File {
    fn new(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&fs::metadata(&path)?);
        Ok(Self { path, identity })
    }

    fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity)
    }
}

impl Files {
    /// Watches the files of a database that is open and was read. Errors: the file is missing or
    /// has a second name.
    pub(crate) fn new(path: &Path) -> Result<Self, DatabaseError> {
        let error = |error: io::Error| DatabaseError::new(error.to_string());
        // SQLite follows a link: the other files are beside the link's target.
        let real = path.canonicalize().map_err(error)?;
        if names(&real).map_err(error)? > 1 {
            return Err(DatabaseError::new(
                "the file has a second name (a hard link): SQLite keeps a log for each name, and processes that use different names \
                 damage the file; remove the other name, or copy the store into a file of its own",
            ));
        }
        let named = |end: &str| {
            let mut name = real.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        };
        Ok(Self {
            database: File::new(path.to_owned()).map_err(error)?,
            // A database of an older version may have none.
            beside: SUFFIXES.into_iter().filter_map(|end| File::new(named(end)).ok()).collect(),
            is_gone: AtomicBool::new(false),
            is_log_empty: AtomicBool::new(false),
        })
    }

    /// The path of the database, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.database.path
    }

    /// Checks the files. Errors: one was deleted or replaced, which is logged once.
    pub(crate) fn check(&self) -> Result<(), DatabaseError> {
        let missing = std::iter::once(&self.database).chain(&self.beside).find(|file| !file.is_there());
        if let Some(File { path, .. }) = missing
            && !self.is_gone.swap(true, Ordering::Relaxed)
        {
            tracing::error!(
                "store: {} was deleted or replaced while it was in use; every request is refused, since what is written now would be \
                 lost; stop this service, put the right file in its place, and start it again",
                path.display()
            );
        }
        if self.is_gone.load(Ordering::Relaxed) {
            return Err(DatabaseError::from_kind(ErrorKind::Gone, "a file of the store was deleted or replaced"));
        }
        Ok(())
    }

    /// Whether the log must be emptied: the database was moved away, and the log must not be
    /// applied to another file. An empty log may already belong to another process.
    pub(crate) fn is_log_left(&self) -> bool {
        !self.database.is_there() && !self.is_log_empty.load(Ordering::Relaxed)
    }

    /// Remembers whether the log is empty.
    pub(crate) fn log_is_empty(&self, is_empty: bool) {
        self.is_log_empty.store(is_empty, Ordering::Relaxed);
    }
}

/// How many names (hard links) a file has.
#[cfg(unix)]
fn names(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata(path)?.nlink())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn names(_: &Path) -> io::Result<u64> {
    Ok(1)
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// On other systems an open file can be neither deleted nor replaced.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
