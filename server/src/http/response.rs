//! From a response of the SCIM layer to one of HTTP, and the id of a request.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use keyfob_scim::Response;

/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// The client's id of the request if it is fit for a log, or else a fresh one.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let fits = |id: &&str| {
        !id.is_empty()
            && id.len() <= MAX_REQUEST_ID_BYTES
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    // It is no secret: the hash of nothing, under a key of its own, takes no call of the system.
    let fresh = || format!("{:016x}", RandomState::new().build_hasher().finish());
    given.filter(fits).map_or_else(fresh, str::to_owned)
}

pub(super) fn into_http(response: Response, id: &str, media_type: &'static str) -> axum::response::Response {
    let has_body = !response.body.is_empty();
    let mut http = axum::response::Response::new(Body::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = http.headers_mut();
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
    if has_body && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    // Responses hold secrets and verdicts: no cache may keep them, unless they say so themselves.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert("x-request-id", id);
    }
    http
}
