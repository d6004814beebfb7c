//! What a database could not do, and what that leaves open.

use std::fmt;

use super::value::Type;

/// What became of a statement that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// It was refused, and would be again.
    Refused,
    /// It and its transaction were not done, as others were in its way.
    Conflict,
    /// It was not done: there is no connection.
    Unreached,
    /// The connection was lost or took too long, or the disk failed: it may have been done, or be
    /// done later.
    Unknown,
    /// The database ended it, as its time was over.
    TooLong,
    /// The database found a part of its files damaged.
    Damaged,
    /// The files are not where they were opened: what they hold is not the store any more.
    Gone,
    /// The store's devices were moved to another store by keyfob migrate.
    Moved,
}

impl ErrorKind {
    /// Whether another try may be done.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::Conflict | Self::Unreached | Self::Unknown)
    }
}

/// What the database could not do, in its own words: for the log.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseError {
    pub(crate) kind: ErrorKind,
    text: String,
    /// The column of a row that cannot be read, counted from 0.
    column: Option<usize>,
}

impl DatabaseError {
    /// One that trying again does not help.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::from_kind(ErrorKind::Refused, text)
    }

    pub(crate) fn from_kind(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), column: None }
    }

    /// One of a column of a row that was read.
    pub(crate) fn for_column(column: usize, text: impl Into<String>) -> Self {
        Self { column: Some(column), ..Self::new(text) }
    }

    /// In words, given the columns that were read.
    pub(crate) fn in_words(&self, columns: &[(&str, Type)]) -> String {
        match self.column.and_then(|position| columns.get(position)) {
            Some((name, _)) => format!("column {name} {}", self.text),
            None => self.text.clone(),
        }
    }

    /// One of a statement that changes nothing by itself: it reads, or what it does counts with a
    /// commit that was not sent.
    pub(crate) fn uncommitted(self) -> Self {
        if self.kind == ErrorKind::Unknown { Self { kind: ErrorKind::Unreached, ..self } } else { self }
    }

    /// One that leaves nothing open that matters, and that is not tried again.
    pub(crate) fn refused(self) -> Self {
        Self { kind: ErrorKind::Refused, ..self }
    }

    /// The same, with the store where it happened.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { text: format!("{place}: {}", self.text), ..self }
    }

    /// The last of several faults, one of which left open what was done.
    pub(crate) fn unknown(self) -> Self {
        Self { kind: ErrorKind::Unknown, ..self }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
