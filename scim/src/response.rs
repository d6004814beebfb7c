//! An HTTP response, as far as SCIM goes.

use std::fmt;

use serde::Serialize;

use crate::error::{Error, RefusedNumber};

/// How many bytes a body with a secret gets before it is written. One with 64 codes has less.
const SECRET_CAPACITY_BYTES: usize = 8192;

/// A response, as far as SCIM goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those of the transport, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, of type `application/scim+json`; empty for none. To a HEAD, a host sends its
    /// length and not the body.
    pub body: Vec<u8>,
    /// The telephone number that gets no messages, if this is a refusal for it. It is for metrics,
    /// and not sent.
    pub refused_number: Option<RefusedNumber>,
}

impl Response {
    /// A response without headers and body.
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), refused_number: None }
    }

    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        Self::written_to(Vec::with_capacity(128), status, value)
    }

    /// A body with a secret. It gets its room before it is written, for the image or 64 recovery
    /// codes: one that grows leaves copies behind in the heap.
    pub(crate) fn json_with_secret(status: u16, value: &impl Serialize) -> Self {
        Self::written_to(Vec::with_capacity(SECRET_CAPACITY_BYTES), status, value)
    }

    fn written_to(mut body: Vec<u8>, status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_writer(&mut body, value) {
            Ok(()) => Self { body, ..Self::empty(status) },
            Err(error) => Error::new(500, format!("the response could not be written: {error}")).into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap_or_default()
    }
}

// The body may be a verdict, or the image of a secret.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        let body = error.to_json();
        let response = Self { body, refused_number: error.refused_number, ..Self::empty(error.status) };
        match error.retry_after {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_with_a_secret_is_written_into_its_room() {
        let text = "x".repeat(SECRET_CAPACITY_BYTES - 2);
        let body = Response::json_with_secret(200, &text).body;
        assert_eq!((body.len(), body.capacity()), (SECRET_CAPACITY_BYTES, SECRET_CAPACITY_BYTES), "it has not grown");
    }
}
