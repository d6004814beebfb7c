//! What databases have in common: a connection, and transactions on it.

use std::time::Instant;

use super::dialect::{Access, Dialect};
use super::error::DatabaseError;
use super::record::Record;
use super::statement::Sql;

/// A connection to a database, owned by one thread. One that is lost is made anew by the next
/// statement, but within a transaction: what is left of that is not done, rather than done by
/// itself.
pub(crate) trait Connection: Send {
    fn dialect(&self) -> Dialect;

    /// Statements from now on end at this time with [`ErrorKind::TooLong`], and not later than others
    /// do; none: as others do.
    fn end_at(&mut self, deadline: Option<Instant>);

    /// Runs a statement and returns its rows. Outside of a transaction it is one of its own.
    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, DatabaseError>;

    /// Runs a statement that returns no rows; tells how many it changed.
    fn change(&mut self, sql: &Sql) -> Result<u64, DatabaseError>;

    /// Begins a transaction. Whatever becomes of it, it is ended by a commit that was done, or else
    /// by a rollback.
    fn begin(&mut self, access: Access) -> Result<(), DatabaseError> {
        self.run(self.dialect().begin(access)).map(|_| ())
    }

    /// Does what a transaction has done, durably. Errors: [`ErrorKind::Unknown`] unless it is certain
    /// that nothing was done.
    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.run("COMMIT").map(|_| ())
    }

    /// Gives up a transaction, and with it a connection on which that cannot be done.
    fn rollback(&mut self);

    /// Runs a statement without parameters.
    fn run(&mut self, text: &str) -> Result<Vec<Record>, DatabaseError> {
        self.rows(&Sql::new(text.to_owned()))
    }
}

/// Does `work` in one transaction: all that it writes durably, or nothing. `work` ends with the
/// first fault.
pub(crate) fn transaction<T>(
    connection: &mut dyn Connection,
    access: Access,
    work: impl FnOnce(&mut dyn Connection) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    connection.begin(access).map_err(DatabaseError::uncommitted)?;
    let ended = |error: DatabaseError| if access == Access::Snapshot { error.uncommitted() } else { error };
    let done =
        work(connection).map_err(DatabaseError::uncommitted).and_then(|value| connection.commit().map_err(ended).map(|()| value));
    if done.is_err() {
        connection.rollback();
    }
    done
}
