//! Threads that each own a connection and take jobs in batches.
//!
//! Jobs that arrive while a thread works are its next batch. So an idle store responds at once, and
//! a busy one shares each statement and each commit among many requests. There is never a delay to
//! gather more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
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

/// The queue of the jobs of several threads. It takes memory for the jobs that wait. A bounded
/// channel of the standard library takes it for all of [`MAX_WAITING_JOBS`] at once.
pub(crate) struct Workers<J> {
    jobs: Sender<Waiting<J>>,
    count: Arc<AtomicUsize>,
}

/// A job that waits since a moment, and is counted until it is taken or dropped.
struct Waiting<J> {
    since: Instant,
    job: J,
    _counted: Counted,
}

/// One of the jobs that wait.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// None if [`MAX_WAITING_JOBS`] wait.
    fn new(count: &Arc<AtomicUsize>) -> Option<Self> {
        // Dropped again if it is one too many.
        let counted = Self(Arc::clone(count));
        (count.fetch_add(1, Ordering::Relaxed) < MAX_WAITING_JOBS).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
        let (jobs, waiting) = channel();
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
        Ok((Self { jobs, count: Arc::default() }, threads))
    }

    /// Queues the job that `make` returns, and waits for the reply. Errors: 503 if too many jobs
    /// wait or the threads have ended.
    pub(crate) async fn run<T>(&self, make: impl FnOnce(Reply<T>) -> J) -> Result<T, Error> {
        let refused = || Error::new(503, "too many requests wait for the store; try again");
        let counted = Counted::new(&self.count).ok_or_else(refused)?;
        let (reply, outcome) = oneshot::channel();
        let job = Waiting { since: Instant::now(), job: make(reply), _counted: counted };
        self.jobs.send(job).map_err(|_| refused())?;
        outcome.await.map_err(|_| Error::new(503, "the store is out of reach or stopping; nothing was changed; try again"))?
    }
}

/// Fills a batch with the jobs that are there, and waits if there are none. Returns whether to go
/// on.
fn take<J>(waiting: &Mutex<Receiver<Waiting<J>>>, batch: &mut Vec<J>, limit: usize) -> bool {
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

fn young<J>(Waiting { since, job, .. }: Waiting<J>) -> Option<J> {
    (since.elapsed() < JOB_TIMEOUT).then_some(job)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn queue_refuses_more_jobs_than_may_wait_and_has_room_again_once_they_are_taken() {
        let (gate, opened) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let may_go_on = Arc::new(Mutex::new(may_go_on));
        let work = move |(): &mut (), jobs: Vec<Reply<()>>| {
            // Once the test has what it wants, nothing holds a batch up.
            let _ = (gate.send(()), may_go_on.lock().unwrap().recv());
            for reply in jobs {
                let _ = reply.send(Ok(()));
            }
            Vec::new()
        };
        let (workers, threads) = Workers::start("test", vec![()], 1, work).unwrap();
        let job = || Box::pin(workers.run(|reply| reply));
        let context = &mut Context::from_waker(Waker::noop());
        let mut first = job();
        assert!(first.as_mut().poll(context).is_pending());
        opened.recv().unwrap();
        let mut others: Vec<_> = (0..MAX_WAITING_JOBS).map(|_| job()).collect();
        assert!(others.iter_mut().all(|job| job.as_mut().poll(context).is_pending()));
        let Poll::Ready(Err(error)) = job().as_mut().poll(context) else { panic!("one too many") };
        assert_eq!((error.status, &*error.detail), (503, "too many requests wait for the store; try again"));
        go_on.send(()).unwrap();
        opened.recv().unwrap();
        let mut last = job();
        assert!(last.as_mut().poll(context).is_pending());
        drop((go_on, opened));
        drop((first, others, last));
        drop(workers);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
