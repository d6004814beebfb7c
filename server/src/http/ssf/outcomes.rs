//! What a receiver says of tokens that it got by a poll: accepted ones are deleted, refused ones
//! become dead letters.

use keyfob_scim::Error;

use super::poll_request::PollRequest;
use crate::signals::{Outcome, SignalMetrics};
use crate::store::Store;

/// Takes the outcomes of a poll into the store, and counts them. Numbers of no token of the
/// receiver are ignored: a lost response has them sent twice.
pub(super) async fn take(store: &Store, metrics: &SignalMetrics, receiver: &str, poll: &PollRequest) -> Result<(), Error> {
    let jtis: Vec<String> = poll.accepted.iter().chain(poll.refused.keys()).cloned().collect();
    if jtis.is_empty() {
        return Ok(());
    }
    let mut known = store.known_jtis(receiver, &jtis).await?;
    // Removed, so that each counts once: what is both is accepted.
    let accepted: Vec<String> = poll.accepted.iter().filter(|jti| known.remove(*jti)).cloned().collect();
    let refused = poll.refused.iter().filter(|(jti, _)| known.remove(*jti));
    let refused: Vec<_> = refused.map(|(jti, error)| (jti.clone(), error.clone())).collect();
    let taken = u64::try_from(accepted.len()).unwrap_or(u64::MAX);
    store.delete_signals(receiver, &accepted).await?;
    let refused = store.bury_signals(receiver, refused).await?;
    metrics.count(receiver, Outcome::Accepted, taken);
    metrics.count(receiver, Outcome::Refused, refused);
    Ok(())
}
