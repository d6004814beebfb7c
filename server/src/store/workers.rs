//! Threads that each own a connection and take jobs in batches.
//!
//! Jobs that arrive while a thread works are its next batch. So an idle store responds at once, and
//! a busy one shares each statement and each commit among many requests. There is never a delay to
//! gather more.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use keyfob_scim::Error;
use tokio::sync::oneshot;

/// How many jobs may wait. More are refused.
const MAX_WAITING_JOBS: usize = 8192;
/// How many jobs a batch has at most, and so how many devices are in one statement.
pub(crate) const MAX_BATCH_JOBS: usize = 64;

/// A job that has waited longer than this is not begun. So clients get an error soon while a store
/// is out of reach.
pub(crate) const JOB_TIMEOUT: Duration = Duration::from_secs(5);

/// The channel for the reply to a job. Dropping it refuses the job.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// The queue of the jobs of several threads.
pub(crate) struct Workers<J> {
    jobs: SyncSender<(Instant, J)>,
}

impl<J: Send + 'static> Workers<J> {
    /// Starts a thread for each connection. The threads end once this is dropped and all jobs are
    /// done.
    ///
    /// `work` gets at most `limit` jobs, and returns the unfinished ones, which are part of the
    /// next batch.
    pub(crate) fn start<C: Send + 'static>(
        name: &str,
        connections: Vec<C>,
        limit: usize,
        work: impl Fn(&mut C, Vec<J>) -> Vec<J> + Clone + Send + 'static,
    ) -> Result<(Self, Vec<JoinHandle<()>>), String> {
        let (jobs, waiting) = sync_channel(MAX_WAITING_JOBS);
        let waiting = Arc::new(Mutex::new(waiting));
        let start = |mut connection| {
            let (waiting, work) = (Arc::clone(&waiting), work.clone());
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(move || {
                let mut batch = Vec::with_capacity(limit);
                while take(&waiting, &mut batch, limit) {
                    if !batch.is_empty() {
                        batch = work(&mut connection, batch);
                    }
                }
            })
        };
        let threads = connections.into_iter().map(start).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        Ok((Self { jobs }, threads))
    }

    /// Queues the job that `make` returns, and waits for the reply. Errors: 503 if too many jobs
    /// wait or the threads have ended.
    pub(crate) async fn run<T>(&self, make: impl FnOnce(Reply<T>) -> J) -> Result<T, Error> {
        let (reply, outcome) = oneshot::channel();
        let job = (Instant::now(), make(reply));
        self.jobs.try_send(job).map_err(|_| Error::new(503, "too many requests wait for the store; try again"))?;
        outcome.await.map_err(|_| Error::new(503, "the store is out of reach or stopping; nothing was changed; try again"))?
    }
}

/// Fills a batch with the jobs that are there, and waits if there are none. Returns whether to go
/// on.
fn take<J>(waiting: &Mutex<Receiver<(Instant, J)>>, batch: &mut Vec<J>, limit: usize) -> bool {
    let jobs = if batch.is_empty() {
        let Ok(jobs) = waiting.lock() else { return false };
        let Ok(first) = jobs.recv() else { return false };
        batch.extend(young(first));
        jobs
    } else {
        // An idle thread holds the lock and will take the jobs.
        let Ok(jobs) = waiting.try_lock() else { return true };
        jobs
    };
    batch.extend(jobs.try_iter().filter_map(young).take(limit.saturating_sub(batch.len())));
    true
}

fn young<J>((since, job): (Instant, J)) -> Option<J> {
    (since.elapsed() < JOB_TIMEOUT).then_some(job)
}
