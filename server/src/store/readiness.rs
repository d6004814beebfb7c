//! Whether a store is fit to serve: its version, its keys, and trial writes after a write that
//! failed.
//!
//! A load balancer sends no requests to an instance that is not ready, so no request would ever
//! show that the store has recovered. The question itself therefore starts a trial write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyfob_scim::{Error, Event, EventKind};
use tokio::time::timeout;

use super::batch::trail;
use super::handle::Store;
use super::key_check::{self, KeyCheck};
use super::keys::Keys;
use super::schema;
use super::writes::next;
use crate::database::{Access, Connection, Dialect, Failure, Fault, persist, transaction};

/// The least time between the starts of two trial writes.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a question waits for a trial write. One that a lock holds up takes seconds.
const WAIT: Duration = Duration::from_millis(500);

impl Store {
    /// Whether the store answers and takes writes, and the keys open what it holds. Errors: 503.
    pub async fn ready(&self) -> Result<(), Error> {
        let ring = self.0.keys.ring();
        let (is_current, check) =
            self.look(move |connection| Ok((schema::check(connection)?, key_check::check(connection, &ring)?))).await?;
        if !is_current {
            return Err(Error::new(503, "the store is of another version; restart the service"));
        }
        match check.filter(|check| !check.is_whole()) {
            Some(check) => Err(Error::new(503, format!("the key file {check}; put what is missing back"))),
            None => self.takes_writes().await,
        }
    }

    /// Checks the keys against the store's key check values, and begins a new store with the first
    /// key. Errors: 503.
    pub async fn check_keys(&self) -> Result<KeyCheck, Error> {
        let ring = self.0.keys.ring();
        let work = move |connection: &mut dyn Connection| persist(connection, |connection| key_check::begin(connection, &ring));
        self.submit(work).await
    }

    /// Takes other keys in the place of those that it has, if they are those of the store too. Keys
    /// that it needs and has stay there, although the others lack them. Returns what the others
    /// lack. Errors: 503.
    pub async fn take_keys(&self, next: &Keys) -> Result<KeyCheck, Error> {
        let ring = next.ring();
        let check = self.look(move |connection| key_check::check(connection, &ring)).await?.unwrap_or_default();
        if check.is_whole() || check.is_of_store() {
            self.0.keys.replace(next, &check.missing);
        }
        Ok(check)
    }

    /// Whether a commit that was told survives a crash of the database, as far as that can be
    /// asked. Errors: 503.
    pub async fn is_durable(&self) -> Result<bool, Error> {
        self.look(|connection| {
            // A file is opened so that it is.
            if connection.dialect() == Dialect::Sqlite {
                return Ok(true);
            }
            let mut is_on = |setting: &str| match connection.run(&format!("SHOW {setting}"))?.first_mut() {
                Some(record) => Ok::<_, Fault>(record.text(0)? != "off"),
                None => Ok(true),
            };
            Ok(is_on("synchronous_commit")? && is_on("fsync")?)
        })
        .await
    }

    /// Whether the store takes writes. After a write that failed, a trial write decides, at most
    /// one a second. Errors: 503.
    pub(crate) async fn takes_writes(&self) -> Result<(), Error> {
        let mut last = self.0.writable.last.subscribe();
        if last.borrow().is_none() {
            return Ok(());
        }
        self.start_trial();
        let _ = timeout(WAIT, last.wait_for(Option::is_none)).await;
        let Some(failure) = *last.borrow() else { return Ok(()) };
        let reason = match failure {
            Failure::Refused | Failure::Conflict | Failure::TooLong => {
                "refuses writes: its disk may be full, another program may hold a lock, or a table may be missing"
            }
            Failure::Unreached => "is out of reach",
            Failure::Damaged => "is damaged",
            Failure::Gone => "has lost a file, which was deleted or replaced: stop the service and start it with the right one",
            Failure::Moved => "was moved to another one by keyfob migrate: stop the service and start it with that one",
            Failure::Unknown => "does not finish writes: its disk may be full, or another program may hold a lock",
        };
        Err(Error::new(503, format!("the store {reason}; the log has the error")))
    }

    /// Starts a trial write, unless one runs or began less than a second ago.
    fn start_trial(&self) {
        let Ok(mut tried) = Arc::clone(&self.0.writable.tried).try_lock_owned() else { return };
        if tried.is_some_and(|tried| tried.elapsed() < PAUSE) {
            return;
        }
        *tried = Some(Instant::now());
        let store = self.clone();
        tokio::spawn(async move {
            // A failure is noted, and in the log.
            let _ = store.submit(write_nothing).await;
            drop(tried);
        });
    }
}

/// Writes as an answer to a code does, and leaves nothing behind but a gap in the numbers of names.
///
/// It needs what that needs: the tables, no lock on them by others, and room for a line of the
/// trail. To delete a line, or to change one, is no part of it: accounts of a database may lack the
/// right to do so. An update that changes nothing would prove nothing: SQLite writes none.
fn write_nothing(connection: &mut dyn Connection) -> Result<(), Fault> {
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
    persist(connection, |connection| {
        transaction(connection, Access::Write, |connection| {
            connection.run("SAVEPOINT line")?;
            trail(connection, &[&line])?;
            connection.run("ROLLBACK TO SAVEPOINT line")?;
            // No device has the number 0.
            connection.run("UPDATE device SET version = version + 1 WHERE id = 0")?;
            next(connection, "name").map(|_| ())
        })
    })
}
