//! The tables, and how an older store becomes a newer one.

use super::sql::{Connection, Fault, Sql};

/// Each step brings a store one version further; none is ever changed once it was released.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE device (
        id {number} PRIMARY KEY,
        version {number} NOT NULL,
        name {text} NOT NULL,
        user_name {text} NOT NULL,
        email {text},
        phone {text},
        external_id {text},
        deleted {number} NOT NULL,
        kind {text} NOT NULL,
        status {text} NOT NULL,
        fails {number} NOT NULL,
        created {number} NOT NULL,
        last_used {number},
        record {bytes} NOT NULL
    )",
    "CREATE INDEX device_name ON device (name, id)",
    "CREATE INDEX device_user ON device (user_name, id)",
    "CREATE INDEX device_user_folded ON device (lower(user_name), id)",
    "CREATE INDEX device_email ON device (email, id) WHERE email IS NOT NULL",
    "CREATE INDEX device_phone ON device (phone, id) WHERE phone IS NOT NULL",
    "CREATE INDEX device_external_id ON device (external_id, id) WHERE external_id IS NOT NULL",
    "CREATE INDEX device_kind ON device (kind, id)",
    "CREATE INDEX device_status ON device (status, id)",
    "CREATE INDEX device_created ON device (created, id)",
    "CREATE INDEX device_last_used ON device (last_used, id) WHERE last_used IS NOT NULL",
    "CREATE TABLE trail (
        id {serial},
        at {number} NOT NULL,
        event {text} NOT NULL,
        actor {text} NOT NULL,
        device {number} NOT NULL,
        user_name {text} NOT NULL,
        success {number} NOT NULL,
        reason {text} NOT NULL,
        drift {number}
    )",
    "CREATE INDEX trail_device ON trail (device, id)",
    "CREATE TABLE account (
        name {text} PRIMARY KEY,
        roles {text} NOT NULL,
        password {text},
        token {text} UNIQUE
    )",
    "CREATE TABLE sequence (name {text} PRIMARY KEY, last {number} NOT NULL)",
    "INSERT INTO sequence (name, last) VALUES ('device', 0), ('name', 0)",
]];

/// Brings the store to the newest version. Several processes may do so at once: each step is done by the first, and seen by the others.
///
/// Errors: a store of a newer keyfob, and those of the database.
pub(crate) fn migrate<C: Connection>(connection: &mut C) -> Result<(), Fault> {
    connection.run(&C::types("CREATE TABLE IF NOT EXISTS keyfob_schema (version {number} PRIMARY KEY)"))?;
    while connection.transaction(|connection| step(connection))? {}
    Ok(())
}

/// Does the next step, if there is one.
fn step<C: Connection>(connection: &mut C) -> Result<bool, Fault> {
    let done = connection
        .run("SELECT coalesce(max(version), 0) FROM keyfob_schema")?
        .first_mut()
        .map_or(Ok(0), |record| record.number(0))?;
    let at = usize::try_from(done).unwrap_or(usize::MAX);
    if at > MIGRATIONS.len() {
        return Err(Fault("it was made by a newer keyfob; upgrade".to_owned()));
    }
    let Some(statements) = MIGRATIONS.get(at) else { return Ok(false) };
    for statement in *statements {
        connection.run(&C::types(statement))?;
    }
    let mut sql = Sql::new("INSERT INTO keyfob_schema (version) VALUES ");
    sql.tuple([done.saturating_add(1).into()]);
    connection.rows(&sql)?;
    Ok(true)
}
