//! A connection that loses responses, to test what becomes of statements.

use std::time::Instant;

use crate::database::{Access, Connection, DatabaseError, Dialect, ErrorKind, Record, Sql};

/// A connection whose responses get lost: the statement is done or not, and the client does not
/// know.
pub(super) struct Lossy {
    pub(super) inner: Box<dyn Connection>,
    /// For each next statement, whether it is done and whether its response gets lost.
    pub(super) fates: Vec<Fate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Well,
    /// Done, and the response is lost.
    Unheard,
    /// Done on the primary only, as after its crash, and the response is lost.
    UnheardHere,
    /// Not done, and the response is lost.
    Undone,
    /// Refused because of a conflict.
    Conflict,
}

impl Lossy {
    fn meet<T>(&mut self, work: impl FnOnce(&mut dyn Connection) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        match if self.fates.is_empty() { Fate::Well } else { self.fates.remove(0) } {
            Fate::Well => work(&mut *self.inner),
            Fate::Unheard => {
                work(&mut *self.inner)?;
                Err(DatabaseError::from_kind(ErrorKind::Unknown, "lost"))
            }
            Fate::UnheardHere => {
                self.inner.run("SET synchronous_commit = local")?;
                work(&mut *self.inner)?;
                self.inner.run("RESET synchronous_commit")?;
                Err(DatabaseError::from_kind(ErrorKind::Unknown, "lost"))
            }
            Fate::Undone => Err(DatabaseError::from_kind(ErrorKind::Unknown, "lost")),
            Fate::Conflict => Err(DatabaseError::from_kind(ErrorKind::Conflict, "deadlock")),
        }
    }
}

impl Connection for Lossy {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn end_at(&mut self, deadline: Option<Instant>) {
        self.inner.end_at(deadline);
    }

    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, DatabaseError> {
        self.meet(|inner| inner.rows(sql))
    }

    fn change(&mut self, sql: &Sql) -> Result<u64, DatabaseError> {
        self.meet(|inner| inner.change(sql))
    }

    fn begin(&mut self, access: Access) -> Result<(), DatabaseError> {
        self.meet(|inner| inner.begin(access))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.meet(|inner| inner.commit())
    }

    fn rollback(&mut self) {
        self.inner.rollback();
    }
}
