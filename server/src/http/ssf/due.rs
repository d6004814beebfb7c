//! The tokens that a poll gets.

use std::collections::BTreeMap;

use keyfob_scim::Error;

use crate::http::app::App;
use crate::signals::{Outcome, Receiver, Signals};
use crate::store::{OutboxSignal, Store};

/// How often the store is asked for signals of further devices.
const MAX_ROUNDS: usize = 8;

/// The tokens that are due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// The number of each and its text, the oldest first.
    pub(super) tokens: Vec<(String, String)>,
    /// Whether others wait.
    pub(super) has_more: bool,
}

/// Signs the oldest signals of a receiver, one of each device at most: the next one of a device is
/// due once this one is accepted or given up. A signal that cannot be a token becomes a dead
/// letter.
///
/// Errors: 503.
pub(super) async fn due(app: &App, signals: &Signals, receiver: &Receiver, limit: u32) -> Result<Due, Error> {
    if app.store.stream(&receiver.name).await?.is_paused {
        return Ok(Due::default());
    }
    // A file of keys that was mended makes tokens of all of them.
    if let Some(algorithm) = receiver.algorithm.filter(|algorithm| !signals.signer.keys().have(*algorithm)) {
        return Err(Error::new(503, format!("there is no key for {algorithm} to sign with; see signals.keys_file")));
    }
    let (waiting, has_more) = oldest(&app.store, &receiver.name, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
    let (mut tokens, mut unfit) = (Vec::with_capacity(waiting.len()), Vec::new());
    for signal in waiting {
        match signals.signer.sign(&signal, receiver, app.config.users.as_ref()) {
            Ok(token) => tokens.push((signal.jti, token)),
            Err(reason) => {
                tracing::warn!("signals: {}: {} is given up: {reason}", receiver.name, signal.jti);
                unfit.push((signal.jti, reason));
            }
        }
        // Many signatures take long, and other requests wait for this thread.
        tokio::task::yield_now().await;
    }
    // Behind those that are given up others may be due.
    let has_more = has_more || !unfit.is_empty();
    let refused = app.store.bury_signals(&receiver.name, unfit).await?;
    signals.metrics.count(&receiver.name, Outcome::Refused, refused);
    Ok(Due { tokens, has_more })
}

/// The oldest signal of each device, at most `limit` of them, and whether others wait.
async fn oldest(store: &Store, receiver: &str, limit: usize) -> Result<(Vec<OutboxSignal>, bool), Error> {
    let mut found: BTreeMap<i64, OutboxSignal> = BTreeMap::new();
    let mut has_more = false;
    for _ in 0..MAX_ROUNDS {
        let page = limit.saturating_sub(found.len()).saturating_add(1);
        let held = found.keys().copied().collect();
        let signals = store.waiting_signals(receiver, held, u32::try_from(page).unwrap_or(u32::MAX)).await?;
        let is_last = signals.len() < page;
        for signal in signals {
            if found.len() == limit || found.contains_key(&signal.device) {
                has_more = true;
            } else {
                found.insert(signal.device, signal);
            }
        }
        if is_last || found.len() == limit {
            break;
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_unstable_by_key(|signal| signal.id);
    Ok((found, has_more))
}
