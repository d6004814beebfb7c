//! Which account a request is of.

use std::net::IpAddr;

use axum::http::HeaderMap;
use keyfob_scim::Response;

use super::app::App;
use super::auth::Caller;
use super::listen::Peer;

/// Identifies the account of a request by its headers. Errors: the refusal, once it may be sent.
pub(super) async fn identify(app: &App, headers: &HeaderMap, peer: Option<&Peer>) -> Result<Caller, Response> {
    let from = peer.map_or(IpAddr::from([0; 4]), |peer| peer.address.ip());
    match app.accounts.identify(headers, from, &app.store, &app.metrics).await {
        Ok(caller) => Ok(caller),
        Err(refusal) => {
            // While the refusal is delayed, other clients need the connection more.
            let is_repeated = peer.is_some_and(Peer::mark_refused);
            Err(refusal.delayed(is_repeated).await)
        }
    }
}
