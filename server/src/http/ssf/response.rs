//! Responses in JSON. Errors have the form of RFC 8935 section 2.3, which receivers know.

use keyfob_scim::{Error, Response};
use serde::Serialize;
use serde_json::{Value, json};

const JSON_TYPE: &str = "application/json";

/// A response with a body.
pub(super) fn json(value: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(value).map_err(|error| Error::new(500, format!("the response could not be written: {error}")))?;
    Ok(Response { body, ..empty(200) })
}

/// A response without a body.
pub(super) const fn empty(status: u16) -> Response {
    Response { status, headers: Vec::new(), body: Vec::new(), refused_number: None }
}

/// A response with its media type, and an error in the form of receivers.
pub(super) fn complete(mut response: Response) -> Response {
    if response.status >= 400 {
        response.body = error_body(response.status, &response.body);
    }
    let has_type = response.headers.iter().any(|(name, _)| *name == "content-type");
    if has_type || response.body.is_empty() { response } else { response.with_header("content-type", JSON_TYPE.to_owned()) }
}

/// The body of an error that SCIM would describe by `body`.
fn error_body(status: u16, body: &[u8]) -> Vec<u8> {
    let err = match status {
        401 => "authentication_failed",
        403 => "access_denied",
        400..500 => "invalid_request",
        _ => "server_error",
    };
    let detail = serde_json::from_slice::<Value>(body).ok();
    let detail = detail.as_ref().and_then(|body| body.get("detail")?.as_str()).unwrap_or_default();
    json!({"err": err, "description": detail}).to_string().into_bytes()
}
