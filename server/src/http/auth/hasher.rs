//! Threads that hash passwords.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::hashing::Memory;
use crate::priority::{Work, give_way};

/// What a thread does with its memory.
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// A thread that hashes in memory of its own. It ends when this and its clones are dropped. Its
/// priority is below that of requests: a hash takes as long as a thousand verifications of codes.
#[derive(Clone)]
pub(super) struct Hasher(Sender<Job>);

impl Hasher {
    /// Starts a thread with this memory.
    ///
    /// Errors: the operating system has no thread.
    pub(super) fn start(mut memory: Memory) -> Result<Self, String> {
        let (jobs, waiting) = channel::<Job>();
        let thread = thread::Builder::new().name("keyfob-hashes".to_owned());
        let work = move || {
            give_way(Work::Hash);
            for job in waiting {
                // A job that panics refuses its request, and the thread goes on.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
            }
        };
        thread.spawn(work).map_err(|error| format!("a thread for passwords could not be started: {error}"))?;
        Ok(Self(jobs))
    }

    /// Queues a job. None if the thread has ended.
    pub(super) fn run(&self, job: impl FnOnce(&mut Memory) + Send + 'static) -> Option<()> {
        self.0.send(Box::new(job)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_that_panics_is_the_only_one_that_fails() {
        let hasher = Hasher::start(Memory::default()).unwrap();
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
}
