//! The tables, and how an older store becomes a newer one.

use crate::database::{Access, Connection, DatabaseError, Dialect, ErrorKind, Record, Sql, persist, transaction};

/// Statements, some for one dialect only.
type Migration = &'static [(Option<Dialect>, &'static str)];

/// Each step brings a store one version further; none is ever changed once it was released.
const MIGRATIONS: &[Migration] = &[
    FIRST,
    &[(None, "CREATE TABLE witness (id {number} PRIMARY KEY, record {bytes} NOT NULL)")],
    RANDOM_NUMBERS,
    KEY_CHECK,
    IDENTITY,
    LAST_MODIFIED,
];

/// When anything that is shown of a device last changed; null where nothing has since the column is
/// there. No index: each attempt changes it, and what changed is asked for by few.
const LAST_MODIFIED: Migration = &[(None, "ALTER TABLE device ADD COLUMN last_modified {number}")];

/// Numbers of devices are drawn at random, so a list goes by creation, and an index that answers a
/// filter with many devices has them in that order. PostgreSQL knows how many there are, and reads
/// `device_created` where that is quicker; to make an index anew would take it longer than a
/// statement may.
const RANDOM_NUMBERS: Migration = &[
    (None, "DELETE FROM sequence WHERE name = 'device'"),
    (Some(Dialect::Sqlite), "DROP INDEX device_kind"),
    (Some(Dialect::Sqlite), "CREATE INDEX device_kind ON device (kind, created, id)"),
    (Some(Dialect::Sqlite), "DROP INDEX device_status"),
    (Some(Dialect::Sqlite), "CREATE INDEX device_status ON device (status, created, id)"),
];

const FIRST: Migration = &[
    (
        None,
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
    ),
    (None, "CREATE INDEX device_name ON device (name, id)"),
    (None, "CREATE INDEX device_user ON device (user_name, id)"),
    (None, "CREATE INDEX device_user_folded ON device (lower(user_name), id)"),
    (None, "CREATE INDEX device_email ON device (email, id) WHERE email IS NOT NULL"),
    (None, "CREATE INDEX device_phone ON device (phone, id) WHERE phone IS NOT NULL"),
    (None, "CREATE INDEX device_external_id ON device (external_id, id) WHERE external_id IS NOT NULL"),
    (None, "CREATE INDEX device_kind ON device (kind, id)"),
    (None, "CREATE INDEX device_status ON device (status, id)"),
    (None, "CREATE INDEX device_created ON device (created, id)"),
    // PostgreSQL writes a changed row into no index as long as no indexed column changed. An index
    // on what changes with each right answer would make it write every index of the table anew.
    (Some(Dialect::Sqlite), "CREATE INDEX device_last_used ON device (last_used, id) WHERE last_used IS NOT NULL"),
    (Some(Dialect::Postgres), "ALTER TABLE device SET (fillfactor = 80)"),
    (
        None,
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
    ),
    // A line at the end of a file costs nearly nothing; its place in an index is a page anywhere,
    // which the commit must write whole: with it, a third fewer attempts would be committed. A file
    // is read through in place of that.
    (Some(Dialect::Postgres), "CREATE INDEX trail_device ON trail (device, id)"),
    (
        None,
        "CREATE TABLE account (
        name {text} PRIMARY KEY,
        roles {text} NOT NULL,
        password {text},
        token {text} UNIQUE
    )",
    ),
    (None, "CREATE TABLE sequence (name {text} PRIMARY KEY, last {number} NOT NULL)"),
    (None, "INSERT INTO sequence (name, last) VALUES ('device', 0), ('name', 0)"),
];

/// One key check value for each key, in the place of one for all: the old one, of which SQL does
/// not tell the key, keeps its place until the first process has gone through the records.
const KEY_CHECK: Migration = &[
    (
        None,
        "CREATE TABLE key_check (
        key_id {number} PRIMARY KEY,
        value {bytes} NOT NULL,
        retiring {number} NOT NULL
    )",
    ),
    (None, "INSERT INTO key_check (key_id, value, retiring) SELECT -1, record, 0 FROM witness"),
    (None, "DROP TABLE witness"),
];

/// The step that gives a store its identity.
pub(crate) const IDENTITY_STEP: usize = 5;
/// A number that tells a store from all others, and the migration that the store is part of, if
/// any: see `copy`.
const IDENTITY: Migration = &[
    (None, "CREATE TABLE identity (id {text} PRIMARY KEY)"),
    (Some(Dialect::Sqlite), "INSERT INTO identity (id) VALUES (lower(hex(randomblob(16))))"),
    (Some(Dialect::Postgres), "INSERT INTO identity (id) VALUES (replace(gen_random_uuid()::TEXT, '-', ''))"),
    (None, "CREATE TABLE migration (source {text} PRIMARY KEY, target {text} NOT NULL, run {text} NOT NULL)"),
];

/// The version of a store whose devices were moved elsewhere.
const MOVED_VERSION: i64 = 1_000_000_000;
/// The version of a store that is an unfinished copy. To a keyfob that does not know it, it is that
/// of a newer one.
const UNFINISHED_VERSION: i64 = 1_000_000_001;

/// What may be done with a store.
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
    /// No table at all.
    Nothing,
    /// No store, but something else, by its kind and its name.
    Other(String),
    /// A store, with so many steps done.
    Store(Stage, usize),
}

/// Brings the store to the newest version. Several processes may do so at once: each step is done
/// by the first, and seen by the others.
///
/// Errors: a database that is not UTF-8, a store of a newer keyfob, one that was moved elsewhere,
/// an unfinished copy, and those of the database.
pub(crate) fn migrate(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    persist(connection, check_encoding)?;
    migrate_by(connection, MIGRATIONS)
}

fn migrate_by(connection: &mut dyn Connection, steps: &[Migration]) -> Result<(), DatabaseError> {
    let table = connection.dialect().types("CREATE TABLE IF NOT EXISTS keyfob_schema (version {number} PRIMARY KEY)");
    persist(connection, |connection| connection.run(&table).map(|_| ()))?;
    while persist(connection, |connection| transaction(connection, Access::Write, |connection| step(connection, steps)))? {}
    Ok(())
}

/// Brings the store to an older version, as the keyfob of that version did.
#[cfg(test)]
pub(crate) fn migrate_to(connection: &mut dyn Connection, version: usize) -> Result<(), DatabaseError> {
    migrate_by(connection, MIGRATIONS.get(..version).unwrap_or_default())
}

/// Brings a new store to the last version in which one key check value was there for all keys.
#[cfg(test)]
pub(crate) fn migrate_before_key_check(connection: &mut dyn Connection) {
    let before = MIGRATIONS.iter().position(|step| step.iter().any(|(_, sql)| sql.contains("FROM witness"))).unwrap();
    migrate_to(connection, before).unwrap();
}

/// Errors: the database is not UTF-8. PostgreSQL would refuse some names, or store bytes that mean
/// nothing to it; SQLite would sort texts by other bytes than pages and filters do.
fn check_encoding(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    let (asked, cure) = match connection.dialect() {
        Dialect::Sqlite => ("PRAGMA encoding", "copy it into a new file: sqlite3 JOB_TIMEOUT .dump | sqlite3 NEW"),
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

/// What a database holds, which is not written to. Errors: a store of a newer keyfob, and those of
/// the database.
pub(crate) fn holds(connection: &mut dyn Connection) -> Result<Holds, DatabaseError> {
    if exists(connection)? {
        let (stage, steps) = stage(connection)?;
        return Ok(Holds::Store(stage, steps));
    }
    let first = connection.run(match connection.dialect() {
        Dialect::Sqlite => "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name LIMIT 1",
        // What an extension has brought is in nobody's way.
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

/// Whether a store with so many steps done has an identity.
pub(crate) fn has_identity(steps: usize) -> bool {
    steps >= IDENTITY_STEP
}

/// Whether a store with so many steps done is of this version.
pub(crate) fn is_current(steps: usize) -> bool {
    steps == MIGRATIONS.len()
}

/// The number that tells a store from all others.
pub(crate) fn identity(connection: &mut dyn Connection) -> Result<Option<String>, DatabaseError> {
    connection.run("SELECT id FROM identity")?.first_mut().map(|record| record.text(0)).transpose()
}

/// Writes down what may be done with the store.
pub(crate) fn set(connection: &mut dyn Connection, stage: Stage) -> Result<(), DatabaseError> {
    match stage {
        Stage::Live => connection.run(&format!("DELETE FROM keyfob_schema WHERE version >= {MOVED_VERSION}")).map(|_| ()),
        Stage::Moved => add(connection, MOVED_VERSION).map(|_| ()),
        Stage::Unfinished => add(connection, UNFINISHED_VERSION).map(|_| ()),
    }
}

/// The fault of a store whose devices were moved elsewhere.
pub(crate) fn moved() -> DatabaseError {
    DatabaseError::from_kind(ErrorKind::Moved, "its devices were moved to another store by keyfob migrate; serve that store")
}

/// The fault that explains another one: where a service still runs on a store that was moved,
/// statements find no tables. Only outside of a transaction.
pub(crate) fn explained(connection: &mut dyn Connection, error: DatabaseError) -> DatabaseError {
    match error.kind {
        ErrorKind::Refused if matches!(stage(connection), Ok((Stage::Moved, _))) => moved(),
        _ => error,
    }
}

/// The fault of a store that is an unfinished copy.
pub(crate) fn unfinished() -> DatabaseError {
    DatabaseError::new("it is an unfinished copy of another store; run the same keyfob migrate again, which finishes it")
}

/// The steps that were done. Errors: as those of [`migrate`].
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
    // First the row that only one can write: the others wait for it, and then find the step done.
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

/// Writes a version down; tells whether this was the first to do so.
fn add(connection: &mut dyn Connection, version: i64) -> Result<bool, DatabaseError> {
    let mut sql = Sql::new("INSERT INTO keyfob_schema (version) VALUES ");
    sql.tuple([version.into()]).push(" ON CONFLICT DO NOTHING RETURNING version");
    Ok(!connection.rows(&sql)?.is_empty())
}
