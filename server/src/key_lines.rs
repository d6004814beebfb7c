//! A file of keys, one a line, which only its owner can read. All errors are sentences for people
//! with the path and without a key.

use std::fmt::Display;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::file::{self, Lock, Owner};

/// The longest file of keys.
const MAX_FILE_BYTES: usize = 64 * 1024;

/// A file of keys, by its path.
#[derive(Clone, Debug)]
pub(crate) struct KeyLines(PathBuf);

impl KeyLines {
    /// The file of a path. It need not exist.
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Whether there is such a file.
    pub(crate) fn exists(&self) -> bool {
        self.0.exists()
    }

    /// Makes the file with this line, readable by its owner only. Errors: there is a file.
    pub(crate) fn make(&self, line: &str) -> Result<(), String> {
        file::create(&self.0, line.as_bytes())
    }

    /// Locks the file against changes by other processes. Errors: another process has the lock; it
    /// is at work with this command.
    pub(crate) fn lock(&self, command: &str) -> Result<Lock, String> {
        let path = self.0.canonicalize().map_err(|error| self.error(&error))?;
        match Lock::beside(&path) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(self.error(&format!("another {command} is at work on it; wait until that one has ended"))),
            Err(error) => Err(self.error(&format!("{error}; run it as a user who may write to its folder"))),
        }
    }

    /// The text of the file. Blocks on the disk.
    pub(crate) fn text(&self) -> Result<Zeroizing<String>, String> {
        let bytes = file::open_regular(&self.0).and_then(|mut file| file::read(&mut file, MAX_FILE_BYTES));
        let bytes = bytes.map_err(|error| self.error(&error))?;
        str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| self.error(&"it is not text"))
    }

    /// Replaces the text by itself with this line at its end. The file must be locked.
    pub(crate) fn append(&self, text: &str, line: &str) -> Result<(), String> {
        let break_ = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        self.write(&Zeroizing::new(format!("{text}{break_}{line}")))
    }

    /// Moves the line that is `moved` before the first one that is `behind`, or to the end if no
    /// line is. The file must be locked.
    pub(crate) fn move_before(&self, moved: impl Fn(&str) -> bool, behind: impl Fn(&str) -> bool) -> Result<(), String> {
        let text = self.text()?;
        let moved = |line: &&str| moved(line);
        let (line, others) = (text.lines().find(moved), text.lines().filter(|line| !moved(line)));
        let others: Vec<&str> = others.collect();
        let place = others.iter().position(|line| behind(line)).unwrap_or(others.len());
        let (before, after) = others.split_at_checked(place).unwrap_or((&others, &[]));
        let mut next = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
        for line in before.iter().copied().chain(line).chain(after.iter().copied()) {
            next.push_str(line);
            next.push('\n');
        }
        self.write(&next)
    }

    /// Replaces the file. Its owner and its mode stay.
    fn write(&self, text: &str) -> Result<(), String> {
        file::replace(&self.0, text.as_bytes(), Owner::Kept).map_err(|error| {
            let todo = match error.kind() {
                ErrorKind::PermissionDenied => "; run it as the file's owner or as root",
                _ => "",
            };
            self.error(&format!("{error}{todo}"))
        })
    }

    /// An error of the file.
    pub(crate) fn error(&self, error: &dyn Display) -> String {
        format!("{}: {error}", self.0.display())
    }
}
