//! Whether the store takes writes: the outcome of the last write.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, watch};

use crate::database::{DatabaseError, ErrorKind};

/// The outcome of the last write. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Writable {
    /// Why the last write failed; `None` if it succeeded.
    pub(super) last: watch::Sender<Option<ErrorKind>>,
    /// When the last trial began; locked while one runs.
    pub(super) tried: Arc<Mutex<Option<Instant>>>,
}

impl Writable {
    /// Notes the outcome of a write, and returns it.
    pub(crate) fn note<T>(&self, outcome: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        match &outcome {
            Ok(_) => self.done(),
            Err(error) => self.failed(error),
        }
        outcome
    }

    /// Notes that a write succeeded.
    pub(crate) fn done(&self) {
        if self.replace(None) {
            tracing::info!("store: it takes writes again");
        }
    }

    /// Notes that a write failed.
    pub(crate) fn failed(&self, error: &DatabaseError) {
        self.replace(Some(error.kind));
    }

    /// Returns whether the state has changed.
    fn replace(&self, next: Option<ErrorKind>) -> bool {
        self.last.send_if_modified(|last| {
            let is_other = last.is_some() != next.is_some();
            *last = next;
            is_other
        })
    }
}
