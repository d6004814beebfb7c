//! Threads that hash passwords.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::hashing::Area;
use crate::priority::{Work, give_way};

/// What a thread does with its area of memory.
type Job = Box<dyn FnOnce(&mut Area) + Send>;

/// A thread that hashes in an area of memory of its own. It ends when this and its clones are gone.
/// It gives way to requests: ten milliseconds of a processor are a thousand verifications.
#[derive(Clone)]
pub(super) struct Hasher(Sender<Job>);

impl Hasher {
    /// Starts a thread with this area. Errors: the operating system gave no thread.
    pub(super) fn start(mut area: Area) -> Result<Self, String> {
        let (jobs, waiting) = channel::<Job>();
        let thread = thread::Builder::new().name("keyfob-hashes".to_owned());
        let work = move || {
            give_way(Work::Hash);
            for job in waiting {
                // Whoever waits for a job that panics is refused, and the next one is done.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut area)));
            }
        };
        thread.spawn(work).map_err(|error| format!("a thread for passwords could not be started: {error}"))?;
        Ok(Self(jobs))
    }

    /// Hands in a job, which is done after those before it. None: the thread has ended.
    pub(super) fn run(&self, job: impl FnOnce(&mut Area) + Send + 'static) -> Option<()> {
        self.0.send(Box::new(job)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_panics_is_the_only_one_that_fails() {
        let hasher = Hasher::start(Area::default()).unwrap();
        let (told, answers) = channel();
        for job in 0..3 {
            let told = told.clone();
            let work = move |_: &mut Area| {
                assert!(job != 1, "as a hash that has a fault");
                told.send(job).unwrap();
            };
            hasher.run(work).unwrap();
        }
        drop(told);
        assert_eq!(answers.iter().collect::<Vec<_>>(), [0, 2]);
    }
}
