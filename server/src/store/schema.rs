//! The tables, and the migrations of older stores.

use crate::database::{Connection, DatabaseError, Dialect, ErrorKind, Record, Sql, persist, persist_transaction};

/// Statements, some for one dialect only.
type Migration = &'static [(Option<Dialect>, &'static str)];

/// Each step migrates a store by one version. A released step is never changed.
const MIGRATIONS: &[Migration] = &[
    FIRST,
    &[(None, "CREATE TABLE witness (id {number} PRIMARY KEY, record {bytes} NOT NULL)")],
    RANDOM_NUMBERS,
    KEY_CHECK,
    IDENTITY,
    LAST_MODIFIED,
    TEXTS,
    MESSAGE_COUNTS,
];

/// How many messages were sent in each interval of each limit, see `counters`. The index serves the
/// deletion of ended intervals.
const MESSAGE_COUNTS: Migration = &[
    (None, "CREATE TABLE message_count (counter {text} PRIMARY KEY, sent {number} NOT NULL, ends {number} NOT NULL)"),
    (None, "CREATE INDEX message_count_ends ON message_count (ends)"),
];

/// When a visible attribute of a device last changed. Null without a change since the column
/// exists. It has no index: each attempt changes it, and few clients filter by it.
const LAST_MODIFIED: Migration = &[(None, "ALTER TABLE device ADD COLUMN last_modified {number}")];

/// The index itself, in SQLite.
pub(super) const TEXT_INDEX: &str = "CREATE VIRTUAL TABLE device_text USING \
                                     fts5(user_name, name, content = '', contentless_delete = 1, detail = column, tokenize = 'trigram')";

/// The index of texts in SQLite, see `texts`. An index of users has the names as well, so a search
/// that reads all of them reads no other page.
const TEXTS: Migration = &[
    (Some(Dialect::Sqlite), "DROP INDEX device_user"),
    (Some(Dialect::Sqlite), "CREATE INDEX device_user ON device (user_name, id, name, deleted)"),
    (Some(Dialect::Sqlite), "CREATE TABLE device_unindexed (id INTEGER PRIMARY KEY)"),
    (Some(Dialect::Sqlite), "INSERT INTO device_unindexed (id) SELECT id FROM device ORDER BY id"),
    (Some(Dialect::Sqlite), TEXT_INDEX),
    (
        Some(Dialect::Sqlite),
        "CREATE TRIGGER device_created_unindexed AFTER INSERT ON device BEGIN \
         INSERT INTO device_unindexed (id) VALUES (new.id) ON CONFLICT DO NOTHING; END",
    ),
    (
        Some(Dialect::Sqlite),
        "CREATE TRIGGER device_renamed_unindexed AFTER UPDATE OF user_name, name ON device \
         WHEN new.user_name <> old.user_name OR new.name <> old.name BEGIN \
         INSERT INTO device_unindexed (id) VALUES (new.id) ON CONFLICT DO NOTHING; END",
    ),
    (
        Some(Dialect::Sqlite),
        "CREATE TRIGGER device_removed_unindexed AFTER DELETE ON device BEGIN \
         INSERT INTO device_unindexed (id) VALUES (old.id) ON CONFLICT DO NOTHING; END",
    ),
];

/// Device ids are random, so lists are in the order of creation. An index for a filter that finds
/// many devices has them in that order. PostgreSQL knows how many there are and uses
/// `device_created` where that is quicker. It keeps its old indexes, since building one would
/// exceed the statement timeout.
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
    // PostgreSQL updates no index of a row as long as no indexed column changes. An index on a
    // column that each right code changes would make it update every index of the table.
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
    // In a file, a line at the end costs almost nothing. Its index entry would be in a random page
    // that the commit must write whole: a third fewer attempts would be committed. So SQLite reads
    // the whole trail instead.
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

/// The version with which a store has a key check value for each key.
const KEY_CHECK_STEP: usize = 4;
/// One key check value for each key instead of one for all. SQL cannot tell the key of the old
/// value, so it stays until the first process has read the records.
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

/// The version with which a store has an identity.
pub(crate) const IDENTITY_STEP: usize = 5;
/// The unique identity of a store, and the migration that it is part of, if any: see `copy`.
const IDENTITY: Migration = &[
    (None, "CREATE TABLE identity (id {text} PRIMARY KEY)"),
    (Some(Dialect::Sqlite), "INSERT INTO identity (id) VALUES (lower(hex(randomblob(16))))"),
    (Some(Dialect::Postgres), "INSERT INTO identity (id) VALUES (replace(gen_random_uuid()::TEXT, '-', ''))"),
    (None, "CREATE TABLE migration (source {text} PRIMARY KEY, target {text} NOT NULL, run {text} NOT NULL)"),
];

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
