//! Files that hold a secret. A new file is readable by its owner only, complete on the disk, and
//! never overwrites another.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Bytes that may hold a secret, wiped on drop.
pub(crate) type Wiped = Zeroizing<Vec<u8>>;

/// Creates a file of these bytes durably. An error leaves no file behind.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let file = open_new(path).map_err(|error| not_created(path, &error))?;
    write(file, bytes).and_then(|()| sync_folder(path)).map_err(|error| {
        let _ = fs::remove_file(path);
        format!("{}: {error}; it was not made", path.display())
    })
}

/// Why a file or a folder could not be created, and what to do.
pub(crate) fn not_created(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{shown}: is there already; it is not overwritten; choose another name, or remove it first")
        }
        _ => format!("{shown}: {error}; choose a folder that you may write to"),
    }
}

/// The owner of a file that replaces another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The old file's owner and group. If that is refused, the file is not replaced.
    Kept,
    /// The old file's owner and group. If that is refused, this process's, and only its owner may
    /// read it.
    KeptOrMine,
}

/// Replaces a file by these bytes durably: after a crash it is the old or the new one. The new file
/// has the old one's mode. Of a symbolic link, the target is replaced. Only one process at a time
/// may call this for a file.
pub(crate) fn replace(path: &Path, bytes: &[u8], owner: Owner) -> io::Result<()> {
    let path = &fs::canonicalize(path)?;
    let temporary = beside(path, ".tmp");
    // Left by a process that was killed.
    let _ = fs::remove_file(&temporary);
    let replaced = open_new(&temporary)
        .and_then(|file| own_as(&file, &fs::metadata(path)?, owner).map(|()| file))
        .and_then(|file| write(file, bytes))
        // A file that was removed meanwhile stays removed.
        .and_then(|()| fs::metadata(path))
        .and_then(|_| fs::rename(&temporary, path))
        .and_then(|()| sync_folder(path));
    if replaced.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// Gives a file the owner, the group and the mode of another. Errors: only root may give files
/// away.
#[cfg_attr(not(unix), expect(unused_variables, reason = "files there have none of it"))]
pub(crate) fn own_as(file: &File, other: &fs::Metadata, owner: Owner) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let mine = file.metadata()?;
        // Even setting the present owner may be refused.
        let (uid, gid) = ((mine.uid() != other.uid()).then(|| other.uid()), (mine.gid() != other.gid()).then(|| other.gid()));
        match fchown(file, uid, gid) {
            Err(error) if owner == Owner::KeptOrMine && error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            result => result?,
        }
        file.set_permissions(other.permissions())?;
    }
    Ok(())
}

/// The path of a file beside another, with this ending appended to the name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or(OsStr::new("")).to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Creates a file that does not exist.
pub(crate) fn open_new(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Opens a regular file for reading. Opening a pipe without a writer would block, so the kind is
/// checked before. It is checked again afterwards: the name may mean another file by then.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let check = |metadata: fs::Metadata| {
        let kind = if metadata.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
        if metadata.is_file() { Ok(()) } else { Err(io::Error::other(format!("it must be a regular file, and is {kind}"))) }
    };
    check(fs::metadata(path)?)?;
    let file = File::open(path)?;
    check(file.metadata()?)?;
    Ok(file)
}

/// The right to change a file. No other process has it until this is dropped.
pub(crate) struct Lock {
    /// Closing it unlocks.
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks a file; none if another process has locked it. The lock is on a file beside it, since
    /// [`replace`] puts a new file in its place, and a lock on the old file would not protect the
    /// new one.
    pub(crate) fn beside(path: &Path) -> io::Result<Option<Self>> {
        let path = beside(path, ".lock");
        loop {
            let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let lock = Self { file, path: path.clone() };
            // The process that had the lock before may have removed its file.
            if is_in_place(&lock.file, &lock.path) {
                return Ok(Some(lock));
            }
        }
    }
}

#[cfg(unix)]
impl Drop for Lock {
    fn drop(&mut self) {
        if is_in_place(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the path still leads to this open file.
#[cfg_attr(not(unix), expect(unused_variables, reason = "an open file stays there"))]
pub(crate) fn is_in_place(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (here, there) = (file.metadata().map(place), fs::metadata(path).map(place));
        matches!((here, there), (Ok(here), Ok(there)) if here == there)
    }
    #[cfg(not(unix))]
    true
}

/// Writes these bytes, and waits until they are on the disk.
pub(crate) fn write(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// Lets only the owner read and write a new file.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// How other users can access a file that holds a secret, and what to do; none if they cannot.
#[cfg_attr(not(unix), expect(unused_variables, reason = "files there have neither mode nor owner"))]
pub(crate) fn exposed(path: &Path) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::metadata(path).ok()?;
        exposed_by(metadata.mode(), metadata.uid(), rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    None
}

/// Root may read all files. Orchestrators hand out secrets in files of root's that a group may
/// read: that is no exposure that an operator could end.
#[cfg(unix)]
const fn exposed_by(mode: u32, owner: u32, user: u32) -> Option<&'static str> {
    if owner != user && owner != 0 {
        return Some("another user owns it, and can read and replace it; give it to the user of the service (chown)");
    }
    if mode & 0o006 != 0 {
        return Some("all users of this machine can read or write it; leave it to its owner (chmod 600)");
    }
    if mode & 0o060 != 0 && owner == user {
        return Some("its group can read or write it; leave it to its owner (chmod 600)");
    }
    None
}

/// Waits until the names in the file's folder are on the disk: without its name a new file is lost.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads `source` to its end, or to one byte more than `limit`. The buffer never grows: growing
/// would leave copies of secrets behind.
pub(crate) fn read(source: &mut impl Read, limit: usize) -> io::Result<Wiped> {
    let mut buffer = Zeroizing::new(vec![0; limit.saturating_add(1)]);
    let mut len = 0_usize;
    while let Some(room) = buffer.get_mut(len..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => break,
            Ok(more) => len = len.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(len);
    Ok(buffer)
}

#[cfg(all(test, unix))]
mod tests {
    use super::exposed_by;

    #[test]
    fn files_of_other_users_and_open_files_are_exposed() {
        for (mode, owner, user, wanted) in [
            (0o100_600, 1000, 1000, None),
            (0o100_400, 0, 1000, None),
            (0o100_440, 0, 1000, None),
            (0o100_600, 0, 0, None),
            (0o100_640, 1000, 1000, Some("its group")),
            (0o100_620, 0, 0, Some("its group")),
            (0o100_604, 1000, 1000, Some("all users")),
            (0o100_602, 1000, 1000, Some("all users")),
            (0o100_644, 0, 1000, Some("all users")),
            (0o100_600, 1001, 1000, Some("another user")),
            (0o100_600, 1001, 0, Some("another user")),
        ] {
            let found = exposed_by(mode, owner, user);
            assert_eq!(found.is_some(), wanted.is_some(), "{mode:o} {owner} {user}: {found:?}");
            assert!(found.unwrap_or_default().starts_with(wanted.unwrap_or_default()), "{mode:o} {owner} {user}: {found:?}");
        }
    }
}
