//! Searches that wait for a reader: whose turn it is, and until when.
//!
//! Accounts take turns, and no account has all readers of a lane as long as there are two of them:
//! so what one account searches for keeps no other waiting for long. The time that a search waits
//! is part of its own.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use keyfob_scim::Error;
use tokio::sync::oneshot;

use super::call::Call;
use super::refusal::unavailable;
use super::schema;
use crate::database::{Connection, DatabaseError, ErrorKind, persist};
use crate::priority::{Work, give_way};

/// How long a search may take, its wait for others included.
pub(crate) const SEARCH_TIMEOUT: Duration = Duration::from_secs(5);
/// How much later a client is answered that heard nothing of its search: the database did not keep
/// to the time.
const REPLY_GRACE: Duration = Duration::from_secs(1);
/// How many searches of one account may wait in a lane.
const MAX_WAITING_SEARCHES: usize = 64;

/// A search's claim to a reader: for whom, and until when.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    account: String,
    end: Instant,
}

impl Claim {
    /// A claim of an account from now on.
    pub(crate) fn new(account: &str) -> Self {
        let now = Instant::now();
        Self { account: account.to_owned(), end: now.checked_add(SEARCH_TIMEOUT).unwrap_or(now) }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}

/// Searches of one kind, with readers of their own.
pub(crate) struct Lane(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// The accounts that wait, in the order of their turns.
    waiting: VecDeque<(String, VecDeque<Job>)>,
    /// How many readers work for an account.
    busy: HashMap<String, usize>,
    /// How many may.
    share: usize,
    is_closed: bool,
}

struct Job {
    work: Call,
    end: Instant,
    /// Held by the client that waits.
    client: Weak<()>,
}

impl Job {
    fn is_wanted(&self) -> bool {
        self.client.strong_count() > 0 && Instant::now() < self.end
    }
}

impl Lane {
    /// Starts a thread for each reader. They end when this is gone and everything handed in is
    /// done. Threads whose searches take long give way to all others.
    pub(crate) fn start(
        name: &str,
        readers: Vec<Box<dyn Connection>>,
        is_long: bool,
    ) -> Result<(Self, Vec<JoinHandle<()>>), String> {
        let queue = Queue { share: readers.len().saturating_sub(1).max(1), ..Queue::default() };
        let shared = Arc::new(Shared { queue: Mutex::new(queue), changed: Condvar::new() });
        let start = |mut reader: Box<dyn Connection>| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                if is_long {
                    give_way(Work::Scan);
                }
                shared.serve(&mut *reader);
            })
        };
        let threads = readers.into_iter().map(start).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        Ok((Self(shared), threads))
    }

    /// Searches when the claim's turn comes. Doing `work` twice must do no harm. Errors: 503.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        claim: &Claim,
        mut work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, outcome) = oneshot::channel();
        let (client, end) = (Arc::new(()), claim.end);
        let work = Box::new(move |reader: &mut dyn Connection| {
            reader.end_at(Some(end));
            let found = persist(reader, &mut work);
            reader.end_at(None);
            let _ = reply.send(found.map_err(|error| refused(&schema::explained(reader, error))));
        });
        self.0.hand_in(&claim.account, Job { work, end, client: Arc::downgrade(&client) })?;
        match tokio::time::timeout_at(end.checked_add(REPLY_GRACE).unwrap_or(end).into(), outcome).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) if claim.is_over() => Err(waited_too_long()),
            Ok(Err(_)) => Err(Error::new(503, "the store is stopping; try again")),
            Err(_) => Err(took_too_long()),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Errors: 503, too many searches of the account wait.
    fn hand_in(&self, account: &str, job: Job) -> Result<(), Error> {
        let mut queue = self.lock();
        match queue.waiting.iter_mut().find(|(waiting, _)| waiting == account) {
            Some((_, jobs)) => {
                if jobs.len() >= MAX_WAITING_SEARCHES {
                    jobs.retain(Job::is_wanted);
                }
                if jobs.len() >= MAX_WAITING_SEARCHES {
                    let detail = format!(
                        "{MAX_WAITING_SEARCHES} searches of this account wait already; wait for their answers before sending more"
                    );
                    return Err(Error::new(503, detail));
                }
                jobs.push_back(job);
            }
            None => queue.waiting.push_back((account.to_owned(), VecDeque::from([job]))),
        }
        drop(queue);
        self.changed.notify_one();
        Ok(())
    }

    /// Does what is handed in, until there is no more to come.
    fn serve(&self, reader: &mut dyn Connection) {
        let mut queue = self.lock();
        loop {
            if let Some((account, job)) = queue.take() {
                drop(queue);
                // A client that has gone away needs no answer; one whose time is over hears so.
                if job.is_wanted() {
                    (job.work)(reader);
                } else {
                    drop(job);
                }
                queue = self.lock();
                queue.done(&account);
                // Another reader may have passed over this account.
                self.changed.notify_all();
            } else if queue.is_closed && queue.waiting.is_empty() {
                return;
            } else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Queue {
    /// The next search: the first of the first account that does not have its share of readers yet.
    fn take(&mut self) -> Option<(String, Job)> {
        let may = |account: &String| self.busy.get(account).is_none_or(|busy| *busy < self.share);
        let at = self.waiting.iter().position(|(account, _)| may(account))?;
        let (account, mut jobs) = self.waiting.remove(at)?;
        let job = jobs.pop_front()?;
        if !jobs.is_empty() {
            self.waiting.push_back((account.clone(), jobs));
        }
        let busy = self.busy.entry(account.clone()).or_default();
        *busy = busy.saturating_add(1);
        Some((account, job))
    }

    fn done(&mut self, account: &str) {
        if let Some(busy) = self.busy.get_mut(account) {
            *busy = busy.saturating_sub(1);
            if *busy == 0 {
                self.busy.remove(account);
            }
        }
    }
}

/// What became of a search that failed, for the client.
fn refused(error: &DatabaseError) -> Error {
    if error.kind != ErrorKind::TooLong {
        return unavailable(error);
    }
    tracing::warn!("store: a search took too long, and was ended");
    took_too_long()
}

/// Without a time to try again: the same search would take as long.
fn took_too_long() -> Error {
    let seconds = SEARCH_TIMEOUT.as_secs();
    let detail = format!(
        "the search took longer than {seconds} seconds, its wait for others included, and was ended; name a user, an id, a name, an \
         address or an externalId with eq, which an index answers"
    );
    Error { retry_after: None, ..Error::new(503, detail) }
}

fn waited_too_long() -> Error {
    let seconds = SEARCH_TIMEOUT.as_secs();
    let detail = format!(
        "the search waited for others for {seconds} seconds, and was not begun; try again, or name a user, an id, a name, an address or \
         an externalId with eq, which waits for no search that reads all devices"
    );
    Error::new(503, detail)
}
