//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};

use super::connection::Connection;
use super::error::DatabaseError;
use super::options::{MIN_CONNECTIONS, Options};
use super::postgres::{Postgres, Server, Statements};
use super::sqlite::Sqlite;

/// Where a database is. Shown without a password.
#[derive(Clone, Debug)]
pub struct Location(Backend);

#[derive(Clone, Debug)]
enum Backend {
    Sqlite(PathBuf),
    Postgres(Box<Server>, usize),
}

impl Default for Location {
    /// A file in the working folder.
    fn default() -> Self {
        Self(Backend::Sqlite("keyfob.db".into()))
    }
}

impl Location {
    /// Reads `sqlite://FILE` or `postgres://USER@HOST,HOST.../DATABASE?...`.
    ///
    /// Errors: a sentence for people, without the password.
    pub fn parse(url: &str, options: &Options) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err("names no file".to_owned()) } else { Ok(Self(Backend::Sqlite(path.into()))) };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self(Backend::Postgres(Box::new(Server::parse(url, options)?), options.connections)));
        }
        Err("must be sqlite://FILE or postgres://USER@HOST/DATABASE".to_owned())
    }

    /// A file.
    pub(crate) fn from_file(path: &Path) -> Self {
        Self(Backend::Sqlite(path.to_owned()))
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Backend::Sqlite(path) => Some(path),
            Backend::Postgres(..) => None,
        }
    }

    /// Whether both are the same file, by whatever names. SQLite takes two names for two files with
    /// a log each, which damages the file.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        // A missing file is not the same as any other.
        self.file().zip(other.file()).is_some_and(|(one, other)| same_file::is_same_file(one, other).unwrap_or(false))
    }

    /// A connection that writes. It makes the file if there is none.
    pub(crate) fn writer(&self) -> Result<Box<dyn Connection>, DatabaseError> {
        Ok(match &self.0 {
            Backend::Sqlite(path) => Box::new(Sqlite::writer(path)?),
            Backend::Postgres(server, _) => Box::new(Postgres::open(Server::clone(server), Statements::Any)?),
        })
    }

    /// A connection that only reads.
    pub(crate) fn reader(&self) -> Result<Box<dyn Connection>, DatabaseError> {
        Ok(match &self.0 {
            Backend::Sqlite(path) => Box::new(Sqlite::reader(path)?),
            Backend::Postgres(server, _) => Box::new(Postgres::open(Server::clone(server), Statements::Any)?),
        })
    }

    /// The connections of a process.
    pub(crate) fn connections(&self) -> Result<Connections, DatabaseError> {
        match &self.0 {
            // A file has one writer at a time.
            Backend::Sqlite(path) => {
                let writer = Sqlite::writer(path)?;
                let reader = |scans| writer.another(scans).map(|reader| Box::new(reader) as Box<dyn Connection>);
                Ok(Connections {
                    gets: vec![reader(false)?],
                    lookups: vec![reader(false)?],
                    scans: vec![reader(true)?, reader(true)?],
                    changes: vec![Box::new(writer)],
                })
            }
            Backend::Postgres(server, connections) => {
                // With two scanning connections, no account can occupy both.
                let scans = if *connections > MIN_CONNECTIONS.saturating_add(1) { 2 } else { 1 };
                let changes = connections.saturating_sub(2).saturating_sub(scans).max(1);
                let open = |many, statements| {
                    let open = |_| {
                        Postgres::open(Server::clone(server), statements)
                            .map(|connection| Box::new(connection) as Box<dyn Connection>)
                    };
                    (0..many).map(open).collect::<Result<Vec<_>, _>>()
                };
                Ok(Connections {
                    gets: open(1, Statements::Short)?,
                    lookups: open(1, Statements::Short)?,
                    scans: open(scans, Statements::Any)?,
                    changes: open(changes, Statements::Short)?,
                })
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Backend::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Backend::Postgres(server, _) => server.fmt(f),
        }
    }
}

/// The connections of a process, by purpose.
pub(crate) struct Connections {
    pub(crate) gets: Vec<Box<dyn Connection>>,
    pub(crate) lookups: Vec<Box<dyn Connection>>,
    pub(crate) scans: Vec<Box<dyn Connection>>,
    pub(crate) changes: Vec<Box<dyn Connection>>,
}
