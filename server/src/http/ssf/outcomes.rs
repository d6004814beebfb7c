//! What a receiver says of tokens that it got by a poll: accepted ones are deleted, refused ones
//! become dead letters.

use std::collections::BTreeMap;

use keyfob_scim::Error;

use super::poll_request::PollRequest;
use crate::http::app::App;

/// Takes the outcomes of a poll into the store. Numbers of no token of the receiver are ignored: a
/// lost response has them sent twice.
pub(super) async fn take(app: &App, receiver: &str, poll: &PollRequest) -> Result<(), Error> {
    let jtis: Vec<String> = poll.accepted.iter().chain(poll.refused.keys()).cloned().collect();
    if jtis.is_empty() {
        return Ok(());
    }
    let mut rows: BTreeMap<String, i64> = app.store.signal_ids(receiver, &jtis).await?.into_iter().collect();
    // Removed, so that each counts once: what is both is accepted.
    let accepted: Vec<i64> = poll.accepted.iter().filter_map(|jti| rows.remove(jti)).collect();
    let refused: Vec<(i64, String)> =
        poll.refused.iter().filter_map(|(jti, error)| Some((rows.remove(jti)?, error.clone()))).collect();
    app.store.delete_signals(receiver, accepted).await?;
    app.store.bury_signals(receiver, refused).await
}
