//! Errors of a database, by what they leave open.

use std::fmt;

use super::value::Type;

/// What an error says about the statement that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The database refused it, and would refuse it again.
    Refused,
    /// It and its transaction were not done because of a conflict with another transaction.
    Conflict,
    /// It was not done: there is no connection, or the session is not the one that it was.
    Unreached,
    /// The connection was lost or too slow, or the disk failed. It may have been done, or may be
    /// done later.
    Unknown,
    /// The database ended it at its deadline.
    TooLong,
    /// A part of the database's files is damaged.
    Damaged,
    /// The files were deleted or replaced since they were opened.
    Gone,
    /// `keyfob migrate` has moved the tables to another database.
    Moved,
}

impl ErrorKind {
    /// Whether another try may succeed.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::Conflict | Self::Unreached | Self::Unknown)
    }
}

/// An error of a database, in the database's own words. It is for the log.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseError {
    pub(crate) kind: ErrorKind,
    text: String,
    /// The column of a row that cannot be read, counted from 0.
    column: Option<usize>,
}

impl DatabaseError {
    /// An error that another try does not change.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::from_kind(ErrorKind::Refused, text)
    }

    pub(crate) fn from_kind(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), column: None }
    }

    /// An error of one column of a row.
    pub(crate) fn for_column(column: usize, text: impl Into<String>) -> Self {
        Self { column: Some(column), ..Self::new(text) }
    }

    /// The error as text, given the columns that were read.
    pub(crate) fn in_words(&self, columns: &[(&str, Type)]) -> String {
        match self.column.and_then(|position| columns.get(position)) {
            Some((name, _)) => format!("column {name} {}", self.text),
            None => self.text.clone(),
        }
    }

    /// The error of a statement that changed nothing for certain: it only reads, or its transaction
    /// was never committed.
    pub(crate) fn uncommitted(self) -> Self {
        if self.kind == ErrorKind::Unknown { Self { kind: ErrorKind::Unreached, ..self } } else { self }
    }

    /// The same error, not to be tried again.
    pub(crate) fn refused(self) -> Self {
        Self { kind: ErrorKind::Refused, ..self }
    }

    /// The same error, with the place where it happened.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { text: format!("{place}: {}", self.text), ..self }
    }

    /// The same error after an earlier one that left the outcome open.
    pub(crate) fn unknown(self) -> Self {
        Self { kind: ErrorKind::Unknown, ..self }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
