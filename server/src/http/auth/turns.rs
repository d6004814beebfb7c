//! Turns at hashing: two at a time, each with a thread and its area of memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::fair::Fair;
use super::hasher::Hasher;
use super::throttle::Pair;
use crate::http::network::Network;

/// How a turn is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// To check what was right before: before all others, and never refused.
    Again,
    /// To check a password that was not right before.
    Check,
    /// To check nothing, for there is no password. It waits for its turn as a check would, and
    /// takes no time.
    Nothing,
}

/// The turns. Cheap to clone.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<Queue>>);

struct Queue {
    /// What is free. While there is something, nobody waits.
    hashers: Vec<Hasher>,
    again: VecDeque<oneshot::Sender<Turn>>,
    others: Fair<oneshot::Sender<Turn>>,
}

/// A turn, until it is dropped.
pub(super) struct Turn {
    /// None if it is to check nothing.
    hasher: Option<Hasher>,
    turns: Turns,
}

impl Turns {
    pub(super) fn new(hashers: Vec<Hasher>) -> Self {
        Self(Arc::new(Mutex::new(Queue { hashers, again: VecDeque::new(), others: Fair::new() })))
    }

    /// Waits for a turn, for a name that came from this address. None: too many wait.
    pub(super) async fn take(&self, ask: Ask, address: Network, name: Pair) -> Option<Turn> {
        let waiting = {
            let mut queue = self.0.lock().ok()?;
            let queue = &mut *queue;
            if !queue.hashers.is_empty() {
                let hasher = if ask == Ask::Nothing { None } else { queue.hashers.pop() };
                return Some(Turn { hasher, turns: self.clone() });
            }
            let (turn, waiting) = oneshot::channel();
            match ask {
                Ask::Again => queue.again.push_back(turn),
                // To drop what has lost its place is to refuse it.
                Ask::Check => drop(queue.others.push(address, name, true, turn).ok()?),
                Ask::Nothing => drop(queue.others.push(address, name, false, turn).ok()?),
            }
            waiting
        };
        waiting.await.ok()
    }

    /// Gives a thread to the next one who waits.
    fn give(&self, mut hasher: Hasher) {
        let Ok(mut queue) = self.0.lock() else { return };
        let mut free = Vec::new();
        loop {
            let Some(next) = queue.again.pop_front().or_else(|| queue.others.pop(&mut free)) else {
                queue.hashers.push(hasher);
                break;
            };
            match next.send(Turn { hasher: Some(hasher), turns: self.clone() }) {
                Ok(()) => break,
                // It waits no more. Without its thread, the turn can be dropped here.
                Err(mut turn) => match turn.hasher.take() {
                    Some(again) => hasher = again,
                    None => break,
                },
            }
        }
        for waiting in free {
            let _ = waiting.send(Turn { hasher: None, turns: self.clone() });
        }
    }

    /// How many wait, whatever for.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        let queue = self.0.lock().unwrap();
        queue.again.len() + queue.others.len()
    }
}

impl Turn {
    /// Whether a password is the one of this hash. Returns the turn as well, which goes on. None:
    /// it could not be checked.
    ///
    /// Errors: what is wrong with the hash, for the log.
    pub(super) async fn verify(self, password: Zeroizing<String>, hash: String) -> Option<(Self, Result<bool, String>)> {
        let (answer, told) = oneshot::channel();
        let hasher = self.hasher.clone()?;
        // With the turn, so that its thread is not lost with whoever waits here.
        hasher.run(move |area| {
            let verdict = area.verify(password.as_bytes(), &hash);
            let _ = answer.send((self, verdict));
        })?;
        told.await.ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(hasher) = self.hasher.take() {
            self.turns.give(hasher);
        }
    }
}
