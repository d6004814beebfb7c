//! The mark of a store that is part of a migration.

use crate::database::{Connection, DatabaseError, Record, Sql};
use crate::store::columns::{migration, migration_columns};

/// The migration that a store is part of. A target has it until the copy is finished, a source
/// after it was moved.
pub(super) struct Mark {
    /// The identity of the source.
    pub(super) source: String,
    /// The identity of the target.
    pub(super) target: String,
    /// The run of the command that may write the copy: a random number.
    pub(super) run: String,
}

impl Mark {
    /// Writes the mark into a store.
    pub(super) fn write(&self, connection: &mut dyn Connection) -> Result<(), DatabaseError> {
        let mut sql = Sql::new(concat!("INSERT INTO migration (", migration_columns!(), ") VALUES "));
        sql.tuple([(&self.source).into(), (&self.target).into(), (&self.run).into()]);
        connection.change(&sql).map(|_| ())
    }
}

/// Reads the mark, if there is one.
pub(super) fn mark(connection: &mut dyn Connection) -> Result<Option<Mark>, DatabaseError> {
    let read = |record: &mut Record| {
        Ok(Mark {
            source: record.text(migration::SOURCE)?,
            target: record.text(migration::TARGET)?,
            run: record.text(migration::RUN)?,
        })
    };
    connection.run(concat!("SELECT ", migration_columns!(), " FROM migration"))?.first_mut().map(read).transpose()
}
