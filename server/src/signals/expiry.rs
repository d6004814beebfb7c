//! Gives up the signals that a receiver has not fetched for too long. Those that are pushed are
//! given up by their sender.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::metrics::Outcome;
use super::receiver::Receiver;
use super::service::Signals;
use crate::store::Store;

/// How often it looks for old signals. They may wait for hours at least.
const INTERVAL: Duration = Duration::from_secs(60);
/// How many signals one look reads.
const PAGE_SIGNALS: u32 = 1000;

/// Gives up old signals of all receivers that poll, until the channel becomes true or closes.
pub(crate) async fn give_up_unfetched(signals: Arc<Signals>, store: Store, mut stop: watch::Receiver<bool>) {
    loop {
        for receiver in signals.rules.receivers.iter().filter(|receiver| receiver.push.is_none()) {
            give_up(&signals, &store, receiver).await;
        }
        if tokio::time::timeout(INTERVAL, stop.wait_for(|is_stopped| *is_stopped)).await.is_ok() {
            return;
        }
    }
}

/// Gives up the old signals of a receiver. A paused stream keeps all. What fails is tried again
/// after a while.
async fn give_up(signals: &Signals, store: &Store, receiver: &Receiver) {
    if store.stream(&receiver.name).await.is_ok_and(|stream| stream.is_paused) {
        return;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let oldest = now.saturating_sub(signals.rules.give_up.as_secs());
    let hours = signals.rules.give_up.as_secs().div_ceil(3600);
    loop {
        let Ok(waiting) = store.waiting_signals(&receiver.name, Vec::new(), PAGE_SIGNALS).await else { return };
        let old = waiting.iter().filter(|signal| signal.since <= oldest).map(|signal| signal.jti.clone());
        let reasons: Vec<_> =
            old.map(|jti| (jti, format!("given up after {hours} hours: the receiver did not accept it"))).collect();
        if reasons.is_empty() {
            return;
        }
        // Another process may have given up some of them.
        let Ok(count) = store.bury_signals(&receiver.name, reasons).await else { return };
        tracing::warn!("signals: {}: {count} were given up after {hours} hours, since it did not accept them", receiver.name);
        signals.metrics.count(&receiver.name, Outcome::GivenUp, count);
    }
}
