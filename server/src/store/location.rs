//! Where a store is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::postgres::{Server, Statements};
use super::sql::{Connection, Fault};
use super::sqlite::Sqlite;

/// The fewest connections of a process: one reads devices, one looks up, one scans and one changes.
pub const FEWEST: usize = 4;

/// How a database server is used. A file needs none of this.
#[derive(Clone)]
pub struct Options {
    /// The password, which need not stand in the URL.
    pub password: Option<String>,
    /// How many connections a process has, [`FEWEST`] or more.
    pub connections: usize,
    /// How long a statement may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { password: None, connections: 6, timeout: Duration::from_secs(5) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("connections", &self.connections).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Where a store is. Shown without a password.
#[derive(Clone, Debug)]
pub struct Location(Place);

#[derive(Clone, Debug)]
enum Place {
    Sqlite(PathBuf),
    Postgres(Box<Server>, usize),
}

impl Default for Location {
    /// A file in the working folder.
    fn default() -> Self {
        Self(Place::Sqlite("keyfob.db".into()))
    }
}

impl Location {
    /// Reads `sqlite://FILE` or `postgres://USER@HOST,HOST.../DATABASE?...`.
    ///
    /// Errors: a sentence for people, without the password.
    pub fn parse(url: &str, options: &Options) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err("names no file".to_owned()) } else { Ok(Self(Place::Sqlite(path.into()))) };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self(Place::Postgres(Box::new(Server::parse(url, options)?), options.connections)));
        }
        Err("must be sqlite://FILE or postgres://USER@HOST/DATABASE".to_owned())
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Place::Sqlite(path) => Some(path),
            Place::Postgres(..) => None,
        }
    }

    /// Whether both are one file, by whatever names. To SQLite, a file by two names is two files
    /// with a log each, which damage it.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        // A file that is not there is no other's.
        self.file().zip(other.file()).is_some_and(|(one, other)| same_file::is_same_file(one, other).unwrap_or(false))
    }

    /// A connection that writes. It makes the file if there is none.
    pub(crate) fn writer(&self) -> Result<Box<dyn Connection>, Fault> {
        Ok(match &self.0 {
            Place::Sqlite(path) => Box::new(Sqlite::writer(path)?),
            Place::Postgres(server, _) => Box::new(server.connect(Statements::Any)?),
        })
    }

    /// A connection that only reads.
    pub(crate) fn reader(&self) -> Result<Box<dyn Connection>, Fault> {
        Ok(match &self.0 {
            Place::Sqlite(path) => Box::new(Sqlite::reader(path)?),
            Place::Postgres(server, _) => Box::new(server.connect(Statements::Any)?),
        })
    }

    /// The connections of a process.
    pub(crate) fn connections(&self) -> Result<Connections, Fault> {
        match &self.0 {
            // A file has one writer at a time.
            Place::Sqlite(path) => {
                let writer = Sqlite::writer(path)?;
                let reader = |scans| writer.another(scans).map(|reader| Box::new(reader) as Box<dyn Connection>);
                Ok(Connections {
                    gets: vec![reader(false)?],
                    lookups: vec![reader(false)?],
                    scans: vec![reader(true)?, reader(true)?],
                    changes: vec![Box::new(writer)],
                })
            }
            Place::Postgres(server, connections) => {
                // With two that scan, no account has both.
                let scans = if *connections > FEWEST.saturating_add(1) { 2 } else { 1 };
                let changes = connections.saturating_sub(2).saturating_sub(scans).max(1);
                let open = |many, statements| {
                    let open = |_| server.connect(statements).map(|connection| Box::new(connection) as Box<dyn Connection>);
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
            Place::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Place::Postgres(server, _) => server.fmt(f),
        }
    }
}

/// The connections of a process, by what they are for.
pub(crate) struct Connections {
    pub(crate) gets: Vec<Box<dyn Connection>>,
    pub(crate) lookups: Vec<Box<dyn Connection>>,
    pub(crate) scans: Vec<Box<dyn Connection>>,
    pub(crate) changes: Vec<Box<dyn Connection>>,
}
