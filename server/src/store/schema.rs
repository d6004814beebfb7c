//! The tables, and how an older store becomes a newer one.

use sqlx::{AnyPool, AssertSqlSafe, Connection as _, Error};

use super::dialect::Dialect;

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

/// Brings the store to the newest version. Several processes may do so at once: the first that commits a step wins, the others see it
/// done. Errors: a store of a newer keyfob, and those of the database.
pub(crate) async fn migrate(pool: &AnyPool, dialect: Dialect) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match steps(pool, dialect).await {
            Err(Error::Database(error)) if tries < 5 => {
                // Another process was faster with the same step, or made the table at the same moment.
                tracing::debug!("migration: {error}; looking again");
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
            done => return done,
        }
    }
}

async fn steps(pool: &AnyPool, dialect: Dialect) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let table = dialect.types("CREATE TABLE IF NOT EXISTS keyfob_schema (version {number} PRIMARY KEY)");
    sqlx::query(AssertSqlSafe(table)).execute(&mut *connection).await?;
    let done: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM keyfob_schema").fetch_one(&mut *connection).await?;
    let done = usize::try_from(done.unwrap_or(0)).unwrap_or(0);
    if done > MIGRATIONS.len() {
        return Err(Error::Configuration("the store was made by a newer keyfob; upgrade".into()));
    }
    for (version, step) in (1_i64..).zip(MIGRATIONS).skip(done) {
        let mut transaction = connection.begin_with(dialect.begin()).await?;
        // The number first: whoever else is at this step waits here, and fails.
        sqlx::query("INSERT INTO keyfob_schema (version) VALUES ($1)").bind(version).execute(&mut *transaction).await?;
        for statement in *step {
            sqlx::query(AssertSqlSafe(dialect.types(statement))).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}
