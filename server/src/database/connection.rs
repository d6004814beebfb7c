//! What databases have in common: a connection, and transactions on it.

use std::time::Instant;

use super::dialect::{Access, Dialect};
use super::error::DatabaseError;
use super::record::Record;
use super::statement::Sql;

/// A connection to a database, owned by one thread. A lost connection is opened again by the next
/// statement. Within a transaction it is not: the rest of the transaction fails instead of running
/// alone.
pub(crate) trait Connection: Send {
    fn dialect(&self) -> Dialect;

    /// Sets a deadline for the statements that follow, which then end with [`ErrorKind::TooLong`].
    /// The usual time limit still holds. `None` leaves the usual limit only.
    fn end_at(&mut self, deadline: Option<Instant>);

    /// Runs a statement and returns its rows. Outside a transaction, the statement is a transaction
    /// of its own.
    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, DatabaseError>;

    /// Runs a statement that returns no rows. Returns how many rows it changed.
    fn change(&mut self, sql: &Sql) -> Result<u64, DatabaseError>;

    /// Begins a transaction. The caller ends it: with a commit or, if that fails, with a rollback.
    fn begin(&mut self, access: Access) -> Result<(), DatabaseError> {
        self.run(self.dialect().begin(access)).map(|_| ())
    }

    /// Commits a transaction durably. Errors: [`ErrorKind::Unknown`] unless it is certain that
    /// nothing was committed.
    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.run("COMMIT").map(|_| ())
    }

    /// Rolls a transaction back. Closes the connection if that fails.
    fn rollback(&mut self);

    /// Runs a statement without parameters.
    fn run(&mut self, text: &str) -> Result<Vec<Record>, DatabaseError> {
        self.rows(&Sql::new(text.to_owned()))
    }
}

/// Does `work` in one transaction: everything that it writes is durable, or nothing is. `work` must
/// return the first error.
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
