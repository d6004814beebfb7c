//! What a running service does for its outbox now and then: it corrects the counts in memory, and
//! writes how many signals were lost.

use std::time::Duration;

use keyfob_scim::Error;
use tokio::sync::watch;
use tokio::time::Instant;

use super::handle::Store;
use super::streams::add_lost;
use crate::database::{Access, Connection, ErrorKind, transaction};

/// How often lost signals are written. A change writes no count of its own.
const LOST_INTERVAL: Duration = Duration::from_secs(1);
/// How often the counts in memory are corrected.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);

impl Store {
    /// Keeps the counts of the outbox right until the channel changes or closes.
    pub async fn keep_outbox(&self, mut stopped: watch::Receiver<bool>) {
        let receivers = self.0.rooms.receivers();
        if receivers.is_empty() {
            return;
        }
        let mut counted = Instant::now();
        let mut is_stopped = false;
        while !is_stopped {
            is_stopped = tokio::time::timeout(LOST_INTERVAL, stopped.changed()).await.is_ok();
            // Tried again a second later. The log has the error.
            let _ = self.write_lost().await;
            if counted.elapsed() >= COUNT_INTERVAL {
                for receiver in &receivers {
                    let _ = self.signal_counts(receiver).await;
                }
                counted = Instant::now();
            }
        }
    }

    /// Writes how many signals were lost since the last time, and returns it by receiver. Errors:
    /// 503.
    pub(crate) async fn write_lost(&self) -> Result<Vec<(String, u64)>, Error> {
        let rooms = self.0.rooms.clone();
        if rooms.receivers().iter().all(|receiver| rooms.unwritten(receiver) == 0) {
            return Ok(Vec::new());
        }
        self.submit(move |connection: &mut dyn Connection| {
            let lost = rooms.take_unwritten();
            // Tried once: what is added twice would count twice.
            let written = transaction(connection, Access::Write, |connection| add_lost(connection, &lost));
            match written {
                Ok(()) => Ok(lost),
                Err(error) => {
                    if error.kind != ErrorKind::Unknown {
                        rooms.give_back(&lost);
                    }
                    Err(error)
                }
            }
        })
        .await
    }
}
