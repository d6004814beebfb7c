//! The steps that bring a store from one version to the next.

use crate::database::Dialect;

/// Statements, some for one dialect only.
pub(super) type Migration = &'static [(Option<Dialect>, &'static str)];

/// Each step migrates a store by one version. A released step is never changed.
pub(super) const MIGRATIONS: &[Migration] = &[
    FIRST,
    &[(None, "CREATE TABLE witness (id {number} PRIMARY KEY, record {bytes} NOT NULL)")],
    RANDOM_NUMBERS,
    KEY_CHECK,
    IDENTITY,
    LAST_MODIFIED,
    TEXTS,
    MESSAGE_COUNTS,
    SIGNALS,
];

/// Signals that wait for their receivers, see `outbox`, and what is known of each receiver, see
/// `streams`. No id is given twice, since a late deletion must find no other signal under it.
const SIGNALS: Migration = &[
    (
        None,
        "CREATE TABLE outbox (
        id {lasting},
        receiver {text} NOT NULL,
        jti {text} NOT NULL,
        device {number} NOT NULL,
        at {number} NOT NULL,
        signal {text} NOT NULL,
        is_dead {number} NOT NULL,
        error {text}
    )",
    ),
    (None, "CREATE INDEX outbox_receiver ON outbox (receiver, is_dead, id)"),
    (
        None,
        "CREATE TABLE signal_stream (
        receiver {text} PRIMARY KEY,
        owner {text},
        beat {number} NOT NULL,
        is_paused {number} NOT NULL,
        lost {number} NOT NULL,
        error {text},
        failing_since {number}
    )",
    ),
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
pub(super) const KEY_CHECK_STEP: usize = 4;
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
