//! Whether a store is fit to serve: its version, its keys, and trial writes after a write that
//! failed.
//!
//! A load balancer sends no requests to an instance that is not ready, so no request would ever
//! show that the store has recovered. So the readiness check itself starts a trial write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyfob_scim::{Error, Event, EventKind};
use tokio::time::timeout;

use super::handle::Store;
use super::key_check::{self, KeyCheck};
use super::keys::Keys;
use super::writes::next;
use super::{lines, schema};
use crate::database::{Connection, DatabaseError, Dialect, ErrorKind, persist, persist_transaction};

/// The least time between the starts of two trial writes.
const TRIAL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a check waits for a trial write. A lock may hold up the write for seconds.
const TRIAL_TIMEOUT: Duration = Duration::from_millis(500);

impl Store {
    /// Checks that the store responds and takes writes, and that the keys open its records. Errors:
    /// 503.
    pub async fn ready(&self) -> Result<(), Error> {
        let ring = self.0.keys.ring();
        let (is_current, check) =
            self.look(move |connection| Ok((schema::check(connection)?, key_check::check(connection, &ring)?))).await?;
        if !is_current {
            return Err(Error::new(503, "the store is of another version; restart the service"));
        }
        match check.filter(|check| !check.is_whole()) {
            Some(check) => Err(Error::new(503, format!("the key file {check}; restore the missing keys"))),
            None => self.takes_writes().await,
        }
    }

    /// Checks that the keys belong to this store. A new store gets the key check value of the first
    /// key. Errors: 503.
    pub async fn check_keys(&self) -> Result<KeyCheck, Error> {
        let ring = self.0.keys.ring();
        let work = move |connection: &mut dyn Connection| persist(connection, |connection| key_check::begin(connection, &ring));
        self.submit(work).await
    }

    /// Replaces the keys if the next ones belong to this store too. Keys that the store needs stay,
    /// even if they are not among the next ones. Returns what the next ones lack. Errors: 503.
    pub async fn take_keys(&self, next: &Keys) -> Result<KeyCheck, Error> {
        let ring = next.ring();
        let check = self.look(move |connection| key_check::check(connection, &ring)).await?.unwrap_or_default();
        if check.is_whole() || check.is_of_store() {
            self.0.keys.replace(next, &check.missing);
        }
        Ok(check)
    }

    /// Whether commits survive a crash of the database, as far as its settings tell. Errors: 503.
    pub async fn is_durable(&self) -> Result<bool, Error> {
        self.look(|connection| {
            // A file is always opened with durable commits.
            if connection.dialect() == Dialect::Sqlite {
                return Ok(true);
            }
            let mut is_on = |setting: &str| match connection.run(&format!("SHOW {setting}"))?.first_mut() {
                Some(record) => Ok::<_, DatabaseError>(record.text(0)? != "off"),
                None => Ok(true),
            };
            Ok(is_on("synchronous_commit")? && is_on("fsync")?)
        })
        .await
    }

    /// Checks that the store takes writes. After a failed write, a trial write decides, at most one
    /// a second. Errors: 503.
    pub(crate) async fn takes_writes(&self) -> Result<(), Error> {
        let mut last = self.0.writable.last.subscribe();
        if last.borrow().is_none() {
            return Ok(());
        }
        self.start_trial();
        let _ = timeout(TRIAL_TIMEOUT, last.wait_for(Option::is_none)).await;
        let Some(kind) = *last.borrow() else { return Ok(()) };
        let reason = match kind {
            ErrorKind::Refused | ErrorKind::Conflict | ErrorKind::TooLong => {
                "refuses writes: its disk may be full, another program may hold a lock, or a table may be missing"
            }
            ErrorKind::Unreached => "is out of reach",
            ErrorKind::Damaged => "is damaged",
            ErrorKind::Gone => "has lost a file, which was deleted or replaced: stop the service and start it with the right one",
            ErrorKind::Moved => "was moved to another one by keyfob migrate: stop the service and start it with that one",
            ErrorKind::Unknown => "does not finish writes: its disk may be full, or another program may hold a lock",
        };
        Err(Error::new(503, format!("the store {reason}; the log has the error")))
    }

    /// Starts a trial write, unless one runs or began less than a second ago.
    fn start_trial(&self) {
        let Ok(mut tried) = Arc::clone(&self.0.writable.tried).try_lock_owned() else { return };
        if tried.is_some_and(|tried| tried.elapsed() < TRIAL_INTERVAL) {
            return;
        }
        *tried = Some(Instant::now());
        let store = self.clone();
        tokio::spawn(async move {
            // A failure is noted and logged.
            let _ = store.submit(write_nothing).await;
            drop(tried);
        });
    }
}

/// Writes as a verdict does, and leaves nothing but a gap in the numbers of names.
///
/// It needs what a verdict needs: the tables, no lock on them, and room for a line of the trail. It
/// neither deletes nor changes a line, since the database account may lack that right. An update
/// without changes would prove nothing, because SQLite does not write it.
fn write_nothing(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    let line = Event {
        kind: EventKind::Verify,
        at: 0,
        actor: String::new(),
        device_id: 0,
        user: String::new(),
        success: false,
        reason: String::new(),
        drift: None,
    };
    persist_transaction(connection, |connection| {
        connection.run("SAVEPOINT line")?;
        lines::insert(connection, &[&line])?;
        connection.run("ROLLBACK TO SAVEPOINT line")?;
        // No device has the id 0.
        connection.run("UPDATE device SET version = version + 1 WHERE id = 0")?;
        next(connection, "name").map(|_| ())
    })
}
