//! Serials of tokens: no two devices that are not deleted have the same one.

use keyfob_scim::Row;

use crate::database::{Connection, DatabaseError, Sql};

/// Waits for the turn to give devices their serials. Until the transaction ends, no other one has
/// it. A transaction takes its turn before it locks any other row, so that two of them never wait
/// for each other.
pub(crate) fn take_turn(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    const TURN: &str =
        "INSERT INTO sequence (name, last) VALUES ('serial', 1) ON CONFLICT (name) DO UPDATE SET last = sequence.last + 1";
    connection.change(&Sql::new(TURN)).map(|_| ())
}

/// Whether another device that is not deleted has the name of this one. Only in a transaction that
/// has taken its turn.
pub(crate) fn is_taken(connection: &mut dyn Connection, row: &Row) -> Result<bool, DatabaseError> {
    let mut sql = Sql::new("SELECT id FROM device WHERE deleted = 0 AND name = ");
    // An earlier try whose connection was lost may have stored this very device.
    sql.bind(&row.name).push(" AND id <> ").bind(row.id).push(" LIMIT 1");
    Ok(!connection.rows(&sql)?.is_empty())
}
