//! The version and the stage of a store, and the migration of older ones.

use super::migrations::{IDENTITY_STEP, KEY_CHECK_STEP, MIGRATIONS, Migration};
use crate::database::{Connection, DatabaseError, Dialect, ErrorKind, Record, Sql, persist, persist_transaction};

/// The version of a store whose devices were moved elsewhere.
const MOVED_VERSION: i64 = 1_000_000_000;
/// The version of a store that is an unfinished copy. Older keyfobs refuse it as the version of a
/// newer one.
const UNFINISHED_VERSION: i64 = 1_000_000_001;

/// The stage of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It serves devices.
    Live,
    /// Its devices were moved elsewhere.
    Moved,
    /// It is an unfinished copy of another one.
    Unfinished,
}

/// What a database holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// No tables.
    Nothing,
    /// Not a store but something else, by its kind and its name.
    Other(String),
    /// A store, by its stage and the number of its steps.
    Store(Stage, usize),
}

/// Migrates the store to the newest version. Several processes may do so at once: the first does a
/// step, and the others see it done.
///
/// Errors: those of the database; it is not UTF-8; the store is of a newer keyfob, was moved
/// elsewhere or is an unfinished copy.
pub(crate) fn migrate(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    persist(connection, check_encoding)?;
    migrate_by(connection, MIGRATIONS)
}

fn migrate_by(connection: &mut dyn Connection, steps: &[Migration]) -> Result<(), DatabaseError> {
    let table = connection.dialect().types("CREATE TABLE IF NOT EXISTS keyfob_schema (version {number} PRIMARY KEY)");
    persist(connection, |connection| connection.run(&table).map(|_| ()))?;
    while persist_transaction(connection, |connection| step(connection, steps))? {}
    Ok(())
}

/// Migrates the store to an older version, as the keyfob of that version did.
#[cfg(test)]
pub(crate) fn migrate_to(connection: &mut dyn Connection, version: usize) -> Result<(), DatabaseError> {
    migrate_by(connection, MIGRATIONS.get(..version).unwrap_or_default())
}

/// Migrates a new store to the last version with one key check value for all keys.
#[cfg(test)]
pub(crate) fn migrate_before_key_check(connection: &mut dyn Connection) {
    let before = MIGRATIONS.iter().position(|step| step.iter().any(|(_, sql)| sql.contains("FROM witness"))).unwrap();
    migrate_to(connection, before).unwrap();
}

/// Errors: the database is not UTF-8. PostgreSQL would refuse some names or store bytes that it
/// cannot read. SQLite would sort texts differently from pages and filters.
fn check_encoding(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    let (asked, cure) = match connection.dialect() {
        Dialect::Sqlite => ("PRAGMA encoding", "copy it into a new file: sqlite3 OLD .dump | sqlite3 NEW"),
        Dialect::Postgres => (
            "SHOW server_encoding",
            "create another one (CREATE DATABASE keyfob ENCODING 'UTF8' TEMPLATE template0) and copy this one into it with pg_dump and psql",
        ),
    };
    let encoding = connection.run(asked)?.first_mut().map(|record| record.text(0)).transpose()?.unwrap_or_default();
    if ["UTF8", "UTF-8"].contains(&encoding.to_ascii_uppercase().as_str()) {
        return Ok(());
    }
    Err(DatabaseError::new(format!("the database has the encoding {encoding} and keyfob needs UTF-8; {cure}")))
}

/// Whether there is a store: a database may be empty, or hold something else.
pub(crate) fn exists(connection: &mut dyn Connection) -> Result<bool, DatabaseError> {
    let table = match connection.dialect() {
        Dialect::Sqlite => "SELECT count(*) FROM sqlite_master WHERE name = 'keyfob_schema'",
        Dialect::Postgres => "SELECT count(to_regclass('keyfob_schema'))",
    };
    Ok(connection.run(table)?.first_mut().map_or(Ok(0), |record| record.number(0))? > 0)
}

/// Whether the store is of this version. Errors: as those of [`migrate`].
pub(crate) fn check(connection: &mut dyn Connection) -> Result<bool, DatabaseError> {
    Ok(version(connection)? == MIGRATIONS.len())
}

/// Finds what a database holds, without writing to it. Errors: those of the database; a store of a
/// newer keyfob.
pub(crate) fn holds(connection: &mut dyn Connection) -> Result<Holds, DatabaseError> {
    if exists(connection)? {
        let (stage, steps) = stage(connection)?;
        return Ok(Holds::Store(stage, steps));
    }
    let first = connection.run(match connection.dialect() {
        Dialect::Sqlite => "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name LIMIT 1",
        // Objects of an extension do not matter.
        Dialect::Postgres => {
            "SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'table' END, \
             relname::TEXT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname = current_schema() \
             WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND NOT EXISTS (SELECT FROM pg_depend WHERE deptype = 'e' AND \
             classid = 'pg_class'::REGCLASS AND objid = pg_class.oid) ORDER BY relkind NOT IN ('r', 'p'), relname LIMIT 1"
        }
    })?;
    let other = |mut found: Record| Ok(Holds::Other(format!("{} {}", found.text(0)?, found.text(1)?)));
    first.into_iter().next().map_or(Ok(Holds::Nothing), other)
}

/// Whether a store with this number of steps has a key check value for each key.
pub(crate) fn has_key_check(steps: usize) -> bool {
    steps >= KEY_CHECK_STEP
}

/// Whether a store with this number of steps has an identity.
pub(crate) fn has_identity(steps: usize) -> bool {
    steps >= IDENTITY_STEP
}

/// Whether a store with this number of steps is of this version.
pub(crate) fn is_current(steps: usize) -> bool {
    steps == MIGRATIONS.len()
}

/// The unique identity of a store.
pub(crate) fn identity(connection: &mut dyn Connection) -> Result<Option<String>, DatabaseError> {
    connection.run("SELECT id FROM identity")?.first_mut().map(|record| record.text(0)).transpose()
}

/// Records the stage of the store.
pub(crate) fn set(connection: &mut dyn Connection, stage: Stage) -> Result<(), DatabaseError> {
    match stage {
        Stage::Live => connection.run(&format!("DELETE FROM keyfob_schema WHERE version >= {MOVED_VERSION}")).map(|_| ()),
        Stage::Moved => add(connection, MOVED_VERSION).map(|_| ()),
        Stage::Unfinished => add(connection, UNFINISHED_VERSION).map(|_| ()),
    }
}

/// The error of a store whose devices were moved elsewhere.
pub(crate) fn moved() -> DatabaseError {
    DatabaseError::from_kind(ErrorKind::Moved, "its devices were moved to another store by keyfob migrate; serve that store")
}

/// Replaces an error that a move of the store explains: for a service that still runs on it,
/// statements find no tables. Only outside a transaction.
pub(crate) fn explained(connection: &mut dyn Connection, error: DatabaseError) -> DatabaseError {
    match error.kind {
        ErrorKind::Refused if matches!(stage(connection), Ok((Stage::Moved, _))) => moved(),
        _ => error,
    }
}

/// The error of a store that is an unfinished copy.
pub(crate) fn unfinished() -> DatabaseError {
    DatabaseError::new("it is an unfinished copy of another store; run the same keyfob migrate again, which finishes it")
}

/// The number of steps of a live store. Errors: as those of [`migrate`].
fn version(connection: &mut dyn Connection) -> Result<usize, DatabaseError> {
    match stage(connection)? {
        (Stage::Live, steps) => Ok(steps),
        (Stage::Moved, _) => Err(moved()),
        (Stage::Unfinished, _) => Err(unfinished()),
    }
}

fn stage(connection: &mut dyn Connection) -> Result<(Stage, usize), DatabaseError> {
    let versions = format!(
        "SELECT coalesce(max(CASE WHEN version < {MOVED_VERSION} THEN version END), 0), coalesce(max(version), 0) FROM keyfob_schema"
    );
    let mut records = connection.run(&versions)?;
    let Some(record) = records.first_mut() else { return Ok((Stage::Live, 0)) };
    let (done, last) = (record.number(0)?, record.number(1)?);
    let steps = usize::try_from(done).ok().filter(|steps| *steps <= MIGRATIONS.len());
    match (steps, last) {
        (Some(steps), MOVED_VERSION) => Ok((Stage::Moved, steps)),
        (Some(steps), UNFINISHED_VERSION) => Ok((Stage::Unfinished, steps)),
        (Some(steps), _) if last == done => Ok((Stage::Live, steps)),
        _ => Err(DatabaseError::new("it was made by a newer keyfob; upgrade")),
    }
}

/// Does the next step, if there is one.
fn step(connection: &mut dyn Connection, steps: &[Migration]) -> Result<bool, DatabaseError> {
    let done = version(connection)?;
    let Some(statements) = steps.get(done) else { return Ok(false) };
    // First the version, which only one process can insert. The others wait, and then find the step
    // done.
    let next = i64::try_from(done).unwrap_or(i64::MAX).saturating_add(1);
    if !add(connection, next)? {
        return Ok(true);
    }
    let dialect = connection.dialect();
    for (only, statement) in *statements {
        if only.is_none_or(|only| only == dialect) {
            connection.run(&dialect.types(statement))?;
        }
    }
    Ok(true)
}

/// Inserts a version. Returns whether it was not there yet.
fn add(connection: &mut dyn Connection, version: i64) -> Result<bool, DatabaseError> {
    let mut sql = Sql::new("INSERT INTO keyfob_schema (version) VALUES ");
    sql.tuple([version.into()]).push(" ON CONFLICT DO NOTHING RETURNING version");
    Ok(!connection.rows(&sql)?.is_empty())
}
