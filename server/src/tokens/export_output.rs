//! Where an export goes: a new file, a new folder of images, or standard output.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::export_encoder::Encoded;
use crate::file;

/// The places of an export. Dropping it without [`keep`](Self::keep) removes what it made.
pub(crate) struct ExportOutput {
    file: Option<NewFile>,
    folder: Option<NewFolder>,
    is_printed: bool,
}

impl ExportOutput {
    /// Checks that nothing would be overwritten. Makes nothing.
    ///
    /// Errors: a sentence for people.
    pub(crate) fn check(output: Option<&Path>, folder: Option<&Path>) -> Result<(), String> {
        let given = [output.filter(|path| *path != Path::new("-")), folder];
        match given.into_iter().flatten().find(|path| fs::symlink_metadata(path).is_ok()) {
            Some(path) => Err(file::not_created(path, &io::ErrorKind::AlreadyExists.into())),
            None => Ok(()),
        }
    }

    /// Makes a file and a folder, which must not exist; `-` is standard output.
    ///
    /// Errors: a sentence for people.
    pub(crate) fn new(output: Option<&Path>, folder: Option<&Path>) -> Result<Self, String> {
        let is_printed = output == Some(Path::new("-"));
        let file = output.filter(|_| !is_printed).map(NewFile::new).transpose()?;
        let folder = folder.map(NewFolder::new).transpose()?;
        Ok(Self { file, folder, is_printed })
    }

    /// Writes a piece; its image, if it has one, to a file of this name.
    ///
    /// Errors: a sentence for people.
    pub(crate) fn write(&mut self, piece: &Encoded, name: &str) -> Result<(), String> {
        if let Some(NewFile { path, file, .. }) = &mut self.file {
            file.write_all(&piece.text).map_err(|error| format!("{}: {error}; it was removed", path.display()))?;
        }
        if self.is_printed {
            io::stdout().lock().write_all(&piece.text).map_err(|error| format!("standard output: {error}"))?;
        }
        if let Some((folder, image)) = self.folder.as_ref().zip(piece.image.as_ref()) {
            let path = folder.path.join(name);
            let written = file::open_new(&path).and_then(|mut file| file.write_all(image));
            written.map_err(|error| format!("{}: {error}; the folder was removed", path.display()))?;
        }
        Ok(())
    }

    /// Waits until all is on the disk, and keeps it.
    ///
    /// Errors: a sentence for people; nothing is left then.
    pub(crate) fn keep(mut self) -> Result<(), String> {
        if self.is_printed {
            io::stdout().lock().flush().map_err(|error| format!("standard output: {error}"))?;
        }
        if let Some(NewFile { path, file, .. }) = &self.file {
            let synced = file.sync_all().and_then(|()| file::sync_folder(path));
            synced.map_err(|error| format!("{}: {error}; it was removed", path.display()))?;
        }
        if let Some(NewFolder { path, .. }) = &self.folder {
            let synced = sync_files(path).and_then(|()| file::sync_folder(path));
            synced.map_err(|error| format!("{}: {error}; it was removed", path.display()))?;
        }
        if let Some(file) = &mut self.file {
            file.is_kept = true;
        }
        if let Some(folder) = &mut self.folder {
            folder.is_kept = true;
        }
        Ok(())
    }
}

fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_all()?;
    }
    // The names in the folder itself.
    file::sync_folder(&folder.join("image"))
}

/// A new file, removed on drop unless it is kept.
struct NewFile {
    path: PathBuf,
    file: File,
    is_kept: bool,
}

impl NewFile {
    fn new(path: &Path) -> Result<Self, String> {
        let file = file::open_new(path).map_err(|error| file::not_created(path, &error))?;
        Ok(Self { path: path.to_owned(), file, is_kept: false })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A new folder that only its owner may enter, removed with its files on drop unless it is kept.
struct NewFolder {
    path: PathBuf,
    is_kept: bool,
}

impl NewFolder {
    fn new(path: &Path) -> Result<Self, String> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| file::not_created(path, &error))?;
        Ok(Self { path: path.to_owned(), is_kept: false })
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
