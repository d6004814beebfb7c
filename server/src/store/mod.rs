//! Devices in a database: SQLite in one file, or PostgreSQL.
//!
//! Reads and writes of devices go in batches. Each write is its own compare and swap, a condition on the version it read; a batch shares
//! the statement and the commit. An answer comes only after the commit.

mod accounts;
mod batch;
mod dialect;
mod keys;
mod rows;
mod schema;
mod sql;
mod trail;
mod writes;

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::sync::Arc;
use std::time::Duration;

use keyfob_scim::{Entry, Error, Event, Name, Page, Query, Row, Swap};
use sqlx::{AnyPool, AssertSqlSafe};
use tokio::task::JoinHandle;

pub use accounts::Account;
use batch::{Batches, Job};
use dialect::Dialect;
pub use keys::Keys;
use sql::Sql;
pub use trail::{Line, Wanted};
use writes::Change;

use crate::file::private;

/// How many devices a statement reads or writes at most.
const BATCH: usize = 64;

/// What the tasks of a store share.
struct Shared {
    dialect: Dialect,
    reads: AnyPool,
    writes: AnyPool,
    keys: Keys,
}

/// A store of devices, accounts and the audit trail. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    gets: Arc<Batches<i64, Option<Entry>>>,
    changes: Arc<Batches<Change, bool>>,
    tasks: Arc<std::sync::Mutex<Vec<JoinHandle<()>>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dialect", &self.shared.dialect).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at `url` (`sqlite://FILE` or `postgres://...`), makes it if there is none, and brings it to this version.
    ///
    /// Errors: a sentence for people.
    pub async fn open(url: &str, keys: Keys, connections: u32) -> Result<Self, String> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(url).ok_or("store: must be sqlite://FILE or postgres://USER@HOST/DATABASE")?;
        let fault = |error: sqlx::Error| format!("store {}: {error}", redacted(url));
        let full = match dialect {
            Dialect::Sqlite => {
                let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
                let path = path.split('?').next().unwrap_or(path);
                // Made here if it is missing, so that only its owner may read it: it holds addresses.
                private(OpenOptions::new().write(true).create(true).truncate(false))
                    .open(path)
                    .map_err(|error| format!("store {path}: {error}"))?;
                format!("sqlite://{path}")
            }
            Dialect::Postgres => url.to_owned(),
        };
        let writes = dialect.pool(&full, if dialect == Dialect::Sqlite { 1 } else { connections }, true).await.map_err(fault)?;
        schema::migrate(&writes, dialect).await.map_err(fault)?;
        let reads = match dialect {
            Dialect::Sqlite => dialect.pool(&full, 2, false).await.map_err(fault)?,
            Dialect::Postgres => writes.clone(),
        };
        let shared = Arc::new(Shared { dialect, reads, writes, keys });
        let (of_gets, of_changes) = (Arc::clone(&shared), Arc::clone(&shared));
        let (gets, mut tasks) = Batches::start(dialect.writers(), BATCH, move |jobs| {
            let shared = Arc::clone(&of_gets);
            async move { shared.get(jobs).await }
        });
        let (changes, writers) = Batches::start(dialect.writers(), BATCH, move |jobs| {
            let shared = Arc::clone(&of_changes);
            async move { shared.change(jobs).await }
        });
        tasks.extend(writers);
        Ok(Self { shared, gets: Arc::new(gets), changes: Arc::new(changes), tasks: Arc::new(std::sync::Mutex::new(tasks)) })
    }

    /// Ends when everything handed in is answered, and closes the database. Other clones must be gone, or their jobs are cut off after a
    /// few seconds.
    pub async fn close(self) {
        let tasks = self.tasks.lock().map(|mut tasks| std::mem::take(&mut *tasks)).unwrap_or_default();
        let shared = Arc::clone(&self.shared);
        drop(self);
        for task in tasks {
            let _ = tokio::time::timeout(Duration::from_secs(3), task).await;
        }
        shared.reads.close().await;
        shared.writes.close().await;
    }

    /// Whether the store answers. Errors: 503.
    pub async fn ready(&self) -> Result<(), Error> {
        let one: Result<i64, _> = sqlx::query_scalar("SELECT max(version) FROM keyfob_schema").fetch_one(&self.shared.reads).await;
        one.map(|_| ()).map_err(unavailable)
    }

    /// Reads an entry. Errors: 503.
    pub async fn get(&self, id: i64) -> Result<Option<Entry>, Error> {
        self.gets.run(id).await
    }

    /// Puts the entry in the place of the one it was read from, unless another was faster. Errors: 503.
    pub async fn swap(&self, swap: Box<Swap>) -> Result<bool, Error> {
        self.changes.run(Change::Swap(swap)).await
    }

    /// Writes to the trail. Errors: 503.
    pub async fn record(&self, event: Event) -> Result<(), Error> {
        self.changes.run(Change::Record(event)).await.map(|_| ())
    }

    /// Stores a new entry under the next number. Errors: 503.
    pub async fn insert(&self, entry: Box<Entry>, name: Name, event: Event) -> Result<Box<Entry>, Error> {
        self.shared.insert(entry, name, event).await.map_err(unavailable)
    }

    /// Searches. Errors: 503.
    pub async fn list(&self, query: &Query) -> Result<Page, Error> {
        self.shared.list(query).await.map_err(unavailable)
    }
}

impl Shared {
    async fn get(&self, jobs: Vec<Job<i64, Option<Entry>>>) {
        match self.read(&jobs).await {
            Ok(entries) => {
                for Job { input, answer } in jobs {
                    let entry = entries.get(&input).cloned().transpose();
                    // Whoever went away needs no answer.
                    let _ = answer.send(entry);
                }
            }
            Err(error) => fail(jobs, error),
        }
    }

    async fn read(&self, jobs: &[Job<i64, Option<Entry>>]) -> Result<HashMap<i64, Result<Entry, Error>>, sqlx::Error> {
        let mut sql = Sql::new(self.dialect, rows::SELECT_ENTRY);
        for (at, job) in jobs.iter().enumerate() {
            sql.push(if at == 0 { " WHERE id IN (" } else { ", " }).bind(job.input);
        }
        sql.push(")");
        let found = sqlx::query_with(AssertSqlSafe(sql.text), sql.values).fetch_all(&self.reads).await?;
        found.iter().map(|row| rows::entry(row, &self.keys)).collect()
    }

    async fn list(&self, query: &Query) -> Result<Page, sqlx::Error> {
        let mut sql = Sql::new(self.dialect, rows::SELECT_ROW);
        sql.wanted(query).page(query);
        let found = match query.limit {
            0 => Vec::new(),
            _ => sqlx::query_with(AssertSqlSafe(sql.text), sql.values).fetch_all(&self.reads).await?,
        };
        let rows: Vec<Row> = found.iter().map(rows::row).collect::<Result<_, _>>()?;
        let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        // A page that is not full tells how many there are.
        if shown < query.limit && (shown > 0 || query.offset == 0) {
            return Ok(Page { total: query.offset.saturating_add(shown), rows });
        }
        let mut sql = Sql::new(self.dialect, "SELECT count(*) FROM device");
        sql.wanted(query);
        let total: i64 = sqlx::query_scalar_with(AssertSqlSafe(sql.text), sql.values).fetch_one(&self.reads).await?;
        Ok(Page { total: u64::try_from(total).unwrap_or_default(), rows })
    }
}

/// Answers all jobs with the same fault.
fn fail<I, O>(jobs: Vec<Job<I, O>>, error: sqlx::Error) {
    let error = unavailable(error);
    for job in jobs {
        let _ = job.answer.send(Err(error.clone()));
    }
}

/// What the database could not do, for the client; the log has the database's own words.
fn unavailable(error: sqlx::Error) -> Error {
    tracing::error!("store: {error}");
    Error::new(503, "the store is not available; nothing was changed, and no verdict is given; try again")
}

/// A URL without its password.
pub(crate) fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.split_once('@') {
        Some((who, place)) => format!("{scheme}://{}:***@{place}", who.split(':').next().unwrap_or(who)),
        None => url.to_owned(),
    }
}
