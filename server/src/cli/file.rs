//! Files that hold a secret: readable by their owner only, whole on the disk when made, never overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::Result;

/// Makes a new file of these bytes, durably; an error leaves none behind.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = open_new(path).map_err(|error| {
        let todo = match error.kind() {
            io::ErrorKind::AlreadyExists => "it is not overwritten; choose another name, or remove it first",
            _ => "choose a folder that you may write to",
        };
        format!("{}: {error}; {todo}", path.display())
    })?;
    write(file, bytes).and_then(|()| sync_folder(path)).map_err(|error| {
        let _ = fs::remove_file(path);
        format!("{}: {error}; it was not made", path.display()).into()
    })
}

/// Opens a file that did not exist.
pub(crate) fn open_new(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Writes these bytes and waits until the disk has them.
pub(crate) fn write(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// If a file is made, only its owner may read and write it.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Waits until the disk has the names in the file's folder: a new file is lost with its name.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
