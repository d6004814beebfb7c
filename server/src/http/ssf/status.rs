//! The status of a stream (SSF 1.0 section 8.1.2). A paused one keeps its signals.

use keyfob_scim::{Error, Response};
use serde_json::json;

use super::body::Members;
use super::response;
use super::streams::{own, stream_id};
use crate::signals::Signals;
use crate::store::Store;

const ENABLED: &str = "enabled";
const PAUSED: &str = "paused";

/// Reads the status of a stream.
pub(super) async fn get(store: &Store, signals: &Signals, account: &str, query: &str) -> Result<Response, Error> {
    let id = stream_id(query).ok_or_else(|| Error::new(400, "stream_id: is missing; GET /ssf/streams tells it"))?;
    let receiver = own(signals, account, &id)?;
    let stream = store.stream(&receiver.name).await?;
    shown(&receiver.name, stream.is_paused)
}

/// Pauses a stream, or enables it.
pub(super) async fn set(store: &Store, signals: &Signals, account: &str, mut body: Members) -> Result<Response, Error> {
    let receiver = own(signals, account, &body.take_stream()?)?;
    let is_paused = match body.take_text("status")?.as_deref() {
        Some(ENABLED) => false,
        Some(PAUSED) => true,
        Some("disabled") => return Err(Error::new(403, "status: a stream is disabled in the configuration only; pause it")),
        _ => return Err(Error::new(400, "status: must be enabled or paused")),
    };
    store.set_paused(&receiver.name, is_paused).await?;
    let status = word(is_paused);
    tracing::info!("signals: {}: {status} by account {account:?}", receiver.name);
    shown(&receiver.name, is_paused)
}

fn shown(id: &str, is_paused: bool) -> Result<Response, Error> {
    response::json(&json!({"stream_id": id, "status": word(is_paused)}))
}

const fn word(is_paused: bool) -> &'static str {
    if is_paused { PAUSED } else { ENABLED }
}
