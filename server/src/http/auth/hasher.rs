//! Threads that hash passwords.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::hashing::Memory;
use crate::priority::{Work, give_way};

/// After how long without a job a thread gives its memory back. Proven credentials are hashed again
/// after 30 seconds, so accounts in use keep it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a thread does with its memory.
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// A thread that hashes in memory of its own. It has that memory from its first job on, until it
/// has had no job for [`IDLE_TIMEOUT`]. It ends when this and its clones are dropped. Its priority
/// is below that of requests: a hash takes as long as a thousand verifications of codes.
#[derive(Clone)]
pub(super) struct Hasher(Sender<Job>);

impl Hasher {
    /// Starts a thread.
    ///
    /// Errors: the operating system has no thread.
    pub(super) fn start() -> Result<Self, String> {
        Self::with_idle_timeout(IDLE_TIMEOUT)
    }

    fn with_idle_timeout(timeout: Duration) -> Result<Self, String> {
        let (jobs, waiting) = channel::<Job>();
        let thread = thread::Builder::new().name("keyfob-hashes".to_owned());
        let work = move || {
            give_way(Work::Hash);
            serve(&waiting, timeout);
        };
        thread.spawn(work).map_err(|error| format!("a thread for passwords could not be started: {error}"))?;
        Ok(Self(jobs))
    }

    /// Queues a job. None if the thread has ended.
    pub(super) fn run(&self, job: impl FnOnce(&mut Memory) + Send + 'static) -> Option<()> {
        self.0.send(Box::new(job)).ok()
    }
}

/// Does jobs until nothing can queue one.
fn serve(waiting: &Receiver<Job>, idle_timeout: Duration) {
    let mut memory = Memory::default();
    loop {
        let job = if memory.is_empty() { waiting.recv().map_err(Into::into) } else { waiting.recv_timeout(idle_timeout) };
        match job {
            // A job that panics refuses its request, and the thread goes on.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(&mut memory)))),
            Err(RecvTimeoutError::Timeout) => memory = Memory::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_that_panics_is_the_only_one_that_fails() {
        let hasher = Hasher::start().unwrap();
        let (sender, results) = channel();
        for job in 0..3 {
            let sender = sender.clone();
            let work = move |_: &mut Memory| {
                assert!(job != 1, "as a malformed hash");
                sender.send(job).unwrap();
            };
            hasher.run(work).unwrap();
        }
        drop(sender);
        assert_eq!(results.iter().collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn memory_is_used_again_until_the_thread_was_idle_for_long() {
        let hasher = Hasher::with_idle_timeout(Duration::from_millis(200)).unwrap();
        let (sender, had_memory) = channel();
        let hash = || {
            let sender = sender.clone();
            let work = move |memory: &mut Memory| {
                sender.send(!memory.is_empty()).unwrap();
                memory.hash(b"right").unwrap();
            };
            hasher.run(work).unwrap();
            had_memory.recv().unwrap()
        };
        assert!(!hash(), "none before the first hash");
        // A slow machine may have been idle for that long in between.
        assert!((0..20).any(|_| hash()), "the same again");
        thread::sleep(Duration::from_secs(1));
        assert!((0..20).any(|_| {
            thread::sleep(Duration::from_millis(500));
            !hash()
        }));
    }
}
