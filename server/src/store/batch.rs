//! Many at once: jobs that arrive while one batch is worked on make the next one.
//!
//! So a store that is idle answers at once, and one under load shares each statement and each commit among many requests; no delay is
//! ever added to gather more.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use keyfob_scim::Error;

/// How many jobs may wait before more are refused.
const WAITING: usize = 8192;

/// A job and where its answer goes.
pub(crate) struct Job<I, O> {
    pub(crate) input: I,
    pub(crate) answer: oneshot::Sender<Result<O, Error>>,
}

/// Where jobs are handed in. Clones hand in to the same workers, which end when the last one is dropped.
pub(crate) struct Batches<I, O>(mpsc::Sender<Job<I, O>>);

impl<I: Send + 'static, O: Send + 'static> Batches<I, O> {
    /// Starts `workers` workers, each of which takes at most `most` jobs at a time.
    pub(crate) fn start<F>(
        workers: usize,
        most: usize,
        work: impl Fn(Vec<Job<I, O>>) -> F + Clone + Send + 'static,
    ) -> (Self, Vec<JoinHandle<()>>)
    where
        F: Future<Output = ()> + Send,
    {
        let (jobs, waiting) = mpsc::channel::<Job<I, O>>(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let worker = |_| {
            let (waiting, work) = (Arc::clone(&waiting), work.clone());
            tokio::spawn(async move {
                loop {
                    let mut batch = Vec::with_capacity(most);
                    if waiting.lock().await.recv_many(&mut batch, most).await == 0 {
                        return;
                    }
                    work(batch).await;
                }
            })
        };
        (Self(jobs), (0..workers).map(worker).collect())
    }

    /// Hands in a job and waits for its answer. Errors: 503 if too many wait, or the workers have ended.
    pub(crate) async fn run(&self, input: I) -> Result<O, Error> {
        let (answer, told) = oneshot::channel();
        let busy = || Error::new(503, "too many requests wait for the store; try again");
        self.0.try_send(Job { input, answer }).map_err(|_| busy())?;
        told.await.map_err(|_| Error::new(503, "the store is stopping; try again"))?
    }
}
