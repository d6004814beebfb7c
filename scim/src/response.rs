//! An HTTP response, as far as SCIM goes.

use std::fmt;

use serde::Serialize;

use crate::error::Error;

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
    /// The label of a telephone number that was refused for its prefix, for metrics. It is not
    /// sent. See [`MessageLimits::label`](crate::MessageLimits::label).
    pub refused_prefix: Option<String>,
}

impl Response {
    /// A response without headers and body.
    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), refused_prefix: None }
    }

    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { body, ..Self::empty(status) },
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
        let response = Self { body, refused_prefix: error.refused_prefix, ..Self::empty(error.status) };
        match error.retry_after {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}
