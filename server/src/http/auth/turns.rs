//! Turns at hashing: two at a time, each with a thread and its memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::fair_queue::FairQueue;
use super::hasher::Hasher;
use super::throttle::PairHash;
use crate::http::network::Network;

/// What a turn is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To check a password that was right before. It is first, and never refused.
    Recheck,
    /// To check a password that was not right before.
    Check,
    /// To check nothing, since the account has no password. It waits as a check does, and takes no
    /// time.
    Wait,
}

/// The turns. Cheap to clone.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<Queue>>);

struct Queue {
    /// The free threads. While there is one, no request waits.
    hashers: Vec<Hasher>,
    rechecks: VecDeque<oneshot::Sender<Turn>>,
    others: FairQueue<oneshot::Sender<Turn>>,
}

/// A turn, until it is dropped.
pub(super) struct Turn {
    /// None for [`Purpose::Wait`].
    hasher: Option<Hasher>,
    turns: Turns,
}

impl Turns {
    pub(super) fn new(hashers: Vec<Hasher>) -> Self {
        Self(Arc::new(Mutex::new(Queue { hashers, rechecks: VecDeque::new(), others: FairQueue::new() })))
    }

    /// Waits for a turn, for a name from this network. None if too many wait.
    pub(super) async fn take(&self, purpose: Purpose, network: Network, name: PairHash) -> Option<Turn> {
        let waiting = {
            let mut queue = self.0.lock().ok()?;
            let queue = &mut *queue;
            if !queue.hashers.is_empty() {
                let hasher = if purpose == Purpose::Wait { None } else { queue.hashers.pop() };
                return Some(Turn { hasher, turns: self.clone() });
            }
            let (turn, waiting) = oneshot::channel();
            match purpose {
                Purpose::Recheck => queue.rechecks.push_back(turn),
                // To drop a sender is to refuse its request.
                Purpose::Check => drop(queue.others.push(network, name, true, turn).ok()?),
                Purpose::Wait => drop(queue.others.push(network, name, false, turn).ok()?),
            }
            waiting
        };
        waiting.await.ok()
    }

    /// Gives a thread to the next turn.
    fn give(&self, mut hasher: Hasher) {
        let Ok(mut queue) = self.0.lock() else { return };
        let mut free = Vec::new();
        loop {
            let Some(next) = queue.rechecks.pop_front().or_else(|| queue.others.pop(&mut free)) else {
                queue.hashers.push(hasher);
                break;
            };
            match next.send(Turn { hasher: Some(hasher), turns: self.clone() }) {
                Ok(()) => break,
                // Nobody waits for it. Without its thread, the turn can be dropped here.
                Err(mut turn) => match turn.hasher.take() {
                    Some(returned) => hasher = returned,
                    None => break,
                },
            }
        }
        for waiting in free {
            let _ = waiting.send(Turn { hasher: None, turns: self.clone() });
        }
    }

    /// How many turns wait, for any purpose.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        let queue = self.0.lock().unwrap();
        queue.rechecks.len() + queue.others.len()
    }
}

impl Turn {
    /// Whether a password has this hash. Returns the turn as well, which goes on. None if the
    /// thread has ended.
    ///
    /// Errors: what is wrong with the hash, for the log.
    pub(super) async fn verify(self, password: Zeroizing<String>, hash: String) -> Option<(Self, Result<bool, String>)> {
        let (sender, verdict) = oneshot::channel();
        let hasher = self.hasher.clone()?;
        // The job owns the turn, so that a dropped request does not lose the thread.
        hasher.run(move |memory| {
            let verdict = memory.verify(password.as_bytes(), &hash);
            let _ = sender.send((self, verdict));
        })?;
        verdict.await.ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(hasher) = self.hasher.take() {
            self.turns.give(hasher);
        }
    }
}
