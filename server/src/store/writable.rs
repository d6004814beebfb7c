//! Whether the store takes writes: the outcome of the last one, and trial writes after one that
//! failed.
//!
//! A load balancer sends no requests to an instance that is not ready, so no request would ever
//! show that the store has recovered. The question itself therefore starts a trial write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyfob_scim::{Error, Event, EventKind};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::Store;
use super::batch::trail;
use super::retry::persist;
use super::sql::{Access, Connection, Failure, Fault, transaction};
use super::writes::next;

/// The least time between the starts of two trial writes.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a question waits for a trial write. One that a lock holds up takes seconds.
const WAIT: Duration = Duration::from_millis(500);

/// The outcome of the last write. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Writable {
    /// Why the last write failed; none if it was done.
    last: watch::Sender<Option<Failure>>,
    /// When the last trial began; locked while one runs.
    tried: Arc<Mutex<Option<Instant>>>,
}

impl Writable {
    /// Notes the outcome of a write, and returns it.
    pub(crate) fn note<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        match &outcome {
            Ok(_) => self.done(),
            Err(fault) => self.failed(fault),
        }
        outcome
    }

    /// Notes that something was written.
    pub(crate) fn done(&self) {
        if self.replace(None) {
            tracing::info!("store: it takes writes again");
        }
    }

    /// Notes that a write failed.
    pub(crate) fn failed(&self, fault: &Fault) {
        self.replace(Some(fault.failure));
    }

    /// Returns whether this is another state than before.
    fn replace(&self, next: Option<Failure>) -> bool {
        self.last.send_if_modified(|last| {
            let is_other = last.is_some() != next.is_some();
            *last = next;
            is_other
        })
    }
}

impl Store {
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
