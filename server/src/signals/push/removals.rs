//! What is to be written to the store: signals that were taken or given up, many at once, and
//! whether the receiver fails.

use std::time::Duration;

use tokio::time::Instant;

use super::health::later;
use crate::store::{OutboxSignal, Store};

/// How long the next write waits after one that failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Why a receiver does not take signals, and since when in Unix seconds; none if it does.
pub(super) type Failing = Option<(String, u64)>;

/// What waits to be written.
#[derive(Default)]
pub(super) struct Removals {
    /// The rows and the numbers of the tokens.
    accepted: Vec<(i64, String)>,
    /// The same, with the reasons.
    dead: Vec<(i64, String, String)>,
    /// None without a change.
    failing: Option<Failing>,
    is_writing: bool,
    /// The rows that a batch has removed.
    removed: Vec<i64>,
    /// When a write may begin; none at any time.
    next: Option<Instant>,
}

impl Removals {
    /// Has a signal deleted, which the receiver has taken.
    pub(super) fn delete(&mut self, signal: &OutboxSignal) {
        self.accepted.push((signal.id, signal.jti.clone()));
    }

    /// Makes a signal a dead letter, for this reason.
    pub(super) fn bury(&mut self, signal: &OutboxSignal, reason: String) {
        self.dead.push((signal.id, signal.jti.clone(), reason));
    }

    /// Notes whether the receiver fails.
    pub(super) fn set_failing(&mut self, failing: Failing) {
        self.failing = Some(failing);
    }

    /// Takes all that waits as a batch, unless another one is written.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Self> {
        let is_empty = self.accepted.is_empty() && self.dead.is_empty() && self.failing.is_none();
        if self.is_writing || is_empty || self.next.is_some_and(|next| now < next) {
            return None;
        }
        let batch = Self {
            accepted: std::mem::take(&mut self.accepted),
            dead: std::mem::take(&mut self.dead),
            failing: self.failing.take(),
            ..Self::default()
        };
        self.is_writing = true;
        Some(batch)
    }

    /// Writes a batch, and returns it with what could not be written.
    pub(super) async fn write(mut self, store: &Store, receiver: &str) -> Self {
        let accepted: Vec<_> = self.accepted.iter().map(|(_, jti)| jti.clone()).collect();
        if store.delete_signals(receiver, &accepted).await.is_ok() {
            self.removed.extend(self.accepted.drain(..).map(|(id, _)| id));
        }
        let dead = self.dead.iter().map(|(_, jti, reason)| (jti.clone(), reason.clone())).collect();
        if store.bury_signals(receiver, dead).await.is_ok() {
            self.removed.extend(self.dead.drain(..).map(|(id, ..)| id));
        }
        if let Some(failing) = self.failing.take()
            && store.set_failing(receiver, failing.clone()).await.is_err()
        {
            self.failing = Some(failing);
        }
        self
    }

    /// Ends a batch. What could not be written waits again. Returns the rows that were removed.
    pub(super) fn end(&mut self, batch: Self, now: Instant) -> Vec<i64> {
        self.is_writing = false;
        let is_whole = batch.accepted.is_empty() && batch.dead.is_empty() && batch.failing.is_none();
        self.next = (!is_whole).then(|| later(now, RETRY_PAUSE));
        self.accepted.extend(batch.accepted);
        self.dead.extend(batch.dead);
        // A later change counts.
        self.failing = self.failing.take().or(batch.failing);
        batch.removed
    }
}

#[cfg(test)]
mod tests {
    use keyfob_scim::Signal;

    use super::*;

    #[test]
    fn batch_that_could_not_be_written_waits_with_what_came_since() {
        let (mut removals, now) = (Removals::default(), Instant::now());
        assert!(removals.begin(now).is_none());
        let signal = |id| OutboxSignal {
            id,
            jti: format!("{id}-ab"),
            device: 0,
            since: 0,
            signal: Signal::verification(None, "idp".into(), 0),
        };
        removals.delete(&signal(1));
        removals.bury(&signal(2), "no".into());
        removals.set_failing(Some(("cause".into(), 7)));
        let mut batch = removals.begin(now).unwrap();
        removals.delete(&signal(3));
        removals.set_failing(None);
        assert!(removals.begin(now).is_none(), "one at a time");
        batch.removed.extend(batch.accepted.drain(..).map(|(id, _)| id));
        assert_eq!(removals.end(batch, now), [1]);
        assert!(removals.begin(now).is_none(), "not at once again");
        let batch = removals.begin(now + RETRY_PAUSE).unwrap();
        assert_eq!(
            (batch.accepted, batch.dead, batch.failing),
            (vec![(3, "3-ab".to_owned())], vec![(2, "2-ab".to_owned(), "no".to_owned())], Some(None))
        );
    }
}
