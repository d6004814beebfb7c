//! An event that a receiver asks for, to see that its stream works (SSF 1.0 section 8.1.4).

use std::time::SystemTime;

use keyfob_scim::{Error, Response, Signal};

use super::body::Members;
use super::response;
use super::streams::own;
use crate::signals::Signals;
use crate::store::Store;

/// The longest state.
const MAX_STATE_BYTES: usize = 1024;
/// After how many seconds there may be room again.
const FULL_RETRY_SECONDS: u64 = 60;

/// Stores a verification event for a receiver.
pub(super) async fn request(store: &Store, signals: &Signals, account: &str, mut body: Members) -> Result<Response, Error> {
    let receiver = own(signals, account, &body.take_stream()?)?;
    let state = body.take_text("state")?;
    if state.as_ref().is_some_and(|state| state.len() > MAX_STATE_BYTES) {
        return Err(Error::new(400, format!("state: is longer than {MAX_STATE_BYTES} bytes")));
    }
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|_| Error::new(503, "the clock of this machine is before 1970; set it"))?;
    let signal = Signal::verification(state, account.to_owned(), now.as_secs());
    if !store.add_signal(&receiver.name, signal).await? {
        let full = "as many events wait for this receiver as may; take them first";
        return Err(Error::new(429, full).with_retry_after(FULL_RETRY_SECONDS));
    }
    Ok(response::empty(204))
}
