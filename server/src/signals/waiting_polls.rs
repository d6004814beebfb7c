//! How many polls of each receiver wait for an event. Each of them looks into the store again and
//! again, so there is a limit: a receiver that forgets its polls must not hold up the others.

use std::collections::HashMap;

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many polls of a receiver may wait. One is enough, and a client that has gone may leave some
/// behind.
pub(crate) const MAX_WAITING_POLLS: usize = 16;

/// The places of the polls that wait.
#[derive(Debug)]
pub(crate) struct WaitingPolls(HashMap<String, Semaphore>);

impl WaitingPolls {
    /// Places for receivers of these names.
    pub(super) fn new(receivers: impl IntoIterator<Item = String>) -> Self {
        Self(receivers.into_iter().map(|receiver| (receiver, Semaphore::new(MAX_WAITING_POLLS))).collect())
    }

    /// Takes a place for a poll of a receiver, until the permit is dropped. None if there is none.
    pub(crate) fn take(&self, receiver: &str) -> Option<SemaphorePermit<'_>> {
        self.0.get(receiver)?.try_acquire().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_receiver_are_its_own_and_come_back() {
        let polls = WaitingPolls::new(["one".to_owned(), "two".to_owned()]);
        let mut taken: Vec<_> = (0..MAX_WAITING_POLLS).map(|_| polls.take("one").unwrap()).collect();
        assert!(polls.take("one").is_none() && polls.take("two").is_some());
        taken.pop();
        assert!(polls.take("one").is_some());
    }
}
