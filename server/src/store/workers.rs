//! Threads that each own a connection, and take jobs many at a time.
//!
//! Jobs that arrive while a thread is at work make its next batch. So an idle store answers at
//! once, and one under load shares each statement and each commit among many requests; no delay is
//! ever added to gather more.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use keyfob_scim::Error;
use tokio::sync::oneshot;

/// How many jobs may wait before more are refused.
const MAX_WAITING_JOBS: usize = 8192;
/// How many jobs are taken at a time where they share statements: at most so many devices stand in
/// one.
pub(crate) const MAX_BATCH_JOBS: usize = 64;

/// A job that has waited longer than this is dropped unbegun: while a store is out of reach,
/// clients are told soon.
pub(crate) const JOB_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the reply to a job goes. To drop it is to refuse the job.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Where jobs are handed in.
pub(crate) struct Workers<J> {
    jobs: SyncSender<(Instant, J)>,
}

impl<J: Send + 'static> Workers<J> {
    /// Starts a thread for each connection; they end when this and its clones are gone and
    /// everything handed in is done.
    ///
    /// `work` is given at most `limit` jobs, and returns those that it has not finished: they are
    /// part of the next batch.
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

    /// Hands in the job that `make` makes, and waits for the reply. Errors: 503 if too many wait,
    /// or the threads have ended.
    pub(crate) async fn run<T>(&self, make: impl FnOnce(Reply<T>) -> J) -> Result<T, Error> {
        let (reply, outcome) = oneshot::channel();
        let job = (Instant::now(), make(reply));
        self.jobs.try_send(job).map_err(|_| Error::new(503, "too many requests wait for the store; try again"))?;
        outcome.await.map_err(|_| Error::new(503, "the store is out of reach or stopping; nothing was changed; try again"))?
    }
}

/// Fills a batch with what is there, and waits if that is nothing. Tells whether there is something
/// to do.
fn take<J>(waiting: &Mutex<Receiver<(Instant, J)>>, batch: &mut Vec<J>, limit: usize) -> bool {
    let jobs = if batch.is_empty() {
        let Ok(jobs) = waiting.lock() else { return false };
        let Ok(first) = jobs.recv() else { return false };
        batch.extend(young(first));
        jobs
    } else {
        // Held by a thread that waits for jobs, which will take them all.
        let Ok(jobs) = waiting.try_lock() else { return true };
        jobs
    };
    batch.extend(jobs.try_iter().filter_map(young).take(limit.saturating_sub(batch.len())));
    true
}

fn young<J>((since, job): (Instant, J)) -> Option<J> {
    (since.elapsed() < JOB_TIMEOUT).then_some(job)
}
