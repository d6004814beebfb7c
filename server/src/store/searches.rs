//! Searches that wait for a reader: their order and their deadlines.
//!
//! Accounts take turns, and no account can occupy all readers of a lane that has at least two. So
//! the searches of one account do not hold up those of others for long. The waiting time of a
//! search is part of its time limit.

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

/// How long a search may take, including its wait for others.
pub(crate) const SEARCH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long after the deadline the client gets an error if the database has ignored the deadline.
const REPLY_GRACE: Duration = Duration::from_secs(1);
/// How many searches of one account may wait in a lane.
const MAX_WAITING_SEARCHES: usize = 64;

/// A claim to a reader: the account and the deadline of a search.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    account: String,
    end: Instant,
}

impl Claim {
    /// A claim of an account, from now on.
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
    /// How many readers may work for one account.
    share: usize,
    is_closed: bool,
}

struct Job {
    work: Call,
    end: Instant,
    /// Alive as long as the client waits.
    client: Weak<()>,
}

impl Job {
    fn is_wanted(&self) -> bool {
        self.client.strong_count() > 0 && Instant::now() < self.end
    }
}

impl Lane {
    /// Starts a thread for each reader. The threads end once this is dropped and all jobs are done.
    /// `is_long`: threads with long searches give way to all others.
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

    /// Runs a search when it is the claim's turn. Doing `work` twice must do no harm. Errors: 503.
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

    /// Does jobs until the lane is closed and none is left.
    fn serve(&self, reader: &mut dyn Connection) {
        let mut queue = self.lock();
        loop {
            if let Some((account, job)) = queue.take() {
                drop(queue);
                // Dropping the job replies to a client that has run out of time. A client that has
                // gone away needs no reply.
                if job.is_wanted() {
                    (job.work)(reader);
                } else {
                    drop(job);
                }
                queue = self.lock();
                queue.done(&account);
                // Another reader may have skipped this account.
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
    /// The next search: the first one of the first account that has less than its share of readers.
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

/// The error of a failed search, for the client.
fn refused(error: &DatabaseError) -> Error {
    if error.kind != ErrorKind::TooLong {
        return unavailable(error);
    }
    tracing::warn!("store: a search took too long, and was ended");
    took_too_long()
}

/// It names no time to try again, since the same search would take as long.
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
