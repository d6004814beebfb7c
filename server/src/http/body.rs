//! The body of a request, within limits of length and time.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use keyfob_scim::Error;

/// The longest body.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Reads the body. Errors: 400, 408 or 413 for one that is broken, slow or too long.
pub(super) async fn read_body(body: Body) -> Result<Bytes, Error> {
    let too_long = || Error::new(413, format!("the body is longer than {MAX_BODY_BYTES} bytes"));
    // Refuse a body that is announced as too long without reading it.
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(too_long());
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Error::new(400, "the connection ended within the body")),
        Err(_) => Err(Error::new(408, format!("the body took longer than {} seconds", BODY_TIMEOUT.as_secs()))),
    }
}
