//! Turns at hashing: two at a time, each with an area of memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::fair::Fair;
use super::hashing::Area;
use super::throttle::Pair;
use crate::http::network::Network;

/// How a turn is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// To check what was right before: before all others, and never refused.
    Again,
    /// To check a password that was not right before.
    Check,
    /// To check nothing, for there is no password. It waits for its turn as a check would, and takes no time.
    Nothing,
}

/// The turns. Cheap to clone.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<Queue>>);

struct Queue {
    /// What is free. While there is something, nobody waits.
    areas: Vec<Area>,
    again: VecDeque<oneshot::Sender<Turn>>,
    others: Fair<oneshot::Sender<Turn>>,
}

/// A turn, until it is dropped.
pub(super) struct Turn {
    /// None if it is to check nothing.
    area: Option<Area>,
    turns: Turns,
}

impl Turns {
    pub(super) fn new(areas: Vec<Area>) -> Self {
        Self(Arc::new(Mutex::new(Queue { areas, again: VecDeque::new(), others: Fair::new() })))
    }

    /// Waits for a turn, for a name that came from this address. None: too many wait.
    pub(super) async fn take(&self, ask: Ask, address: Network, name: Pair) -> Option<Turn> {
        let waiting = {
            let mut queue = self.0.lock().ok()?;
            let queue = &mut *queue;
            if !queue.areas.is_empty() {
                let area = if ask == Ask::Nothing { None } else { queue.areas.pop() };
                return Some(Turn { area, turns: self.clone() });
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

    /// Gives an area to the next one who waits.
    fn give(&self, mut area: Area) {
        let Ok(mut queue) = self.0.lock() else { return };
        let mut free = Vec::new();
        loop {
            let Some(next) = queue.again.pop_front().or_else(|| queue.others.pop(&mut free)) else {
                queue.areas.push(area);
                break;
            };
            match next.send(Turn { area: Some(area), turns: self.clone() }) {
                Ok(()) => break,
                // It waits no more. Without its area, the turn can be dropped here.
                Err(mut turn) => match turn.area.take() {
                    Some(again) => area = again,
                    None => break,
                },
            }
        }
        for waiting in free {
            let _ = waiting.send(Turn { area: None, turns: self.clone() });
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
    /// Whether a password is the one of this hash. Returns the turn as well, which goes on. None: it could not be checked.
    ///
    /// Errors: what is wrong with the hash, for the log.
    pub(super) async fn verify(mut self, password: Zeroizing<String>, hash: String) -> Option<(Self, Result<bool, String>)> {
        // With the turn, so that its area is not lost with whoever waits here.
        let check = move || {
            let verdict = self.area.as_mut().map(|area| area.verify(password.as_bytes(), &hash));
            verdict.map(|verdict| (self, verdict))
        };
        tokio::task::spawn_blocking(check).await.ok()?
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(area) = self.area.take() {
            self.turns.give(area);
        }
    }
}
