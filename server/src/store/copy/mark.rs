//! Which migration a store is part of.

use crate::database::{Connection, Fault, Record, Value};

/// Which migration a store is part of: the target until it is finished, the source from the end of
/// a move on.
pub(super) struct Mark {
    /// The identity of the source.
    pub(super) source: String,
    /// That of the target.
    pub(super) target: String,
    /// The run that may write the copy: a number drawn by each start of the command.
    pub(super) run: String,
}

impl Mark {
    /// Its columns.
    pub(super) fn values(&self) -> [Value; 3] {
        [(&self.source).into(), (&self.target).into(), (&self.run).into()]
    }
}

/// Reads the mark, if there is one.
pub(super) fn mark(connection: &mut dyn Connection) -> Result<Option<Mark>, Fault> {
    let read = |record: &mut Record| Ok(Mark { source: record.text(0)?, target: record.text(1)?, run: record.text(2)? });
    connection.run("SELECT source, target, run FROM migration")?.first_mut().map(read).transpose()
}
