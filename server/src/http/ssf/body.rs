//! The JSON object of a request.

use axum::http::{HeaderMap, header};
use keyfob_scim::Error;
use serde_json::{Map, Value};

/// The members of a body.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body. Errors: 415 for another media type or an encoding, 400 for what is no object
    /// in JSON.
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Error> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        if text(header::CONTENT_TYPE).is_some_and(|text| !is_json(text)) {
            return Err(Error::new(415, "Content-Type: must be application/json"));
        }
        if text(header::CONTENT_ENCODING).is_some_and(|text| !text.eq_ignore_ascii_case("identity")) {
            return Err(Error::new(415, "Content-Encoding: must be identity; send the body uncompressed"));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(Error::new(400, "the body must be a JSON object")),
            // Its text may repeat a part of the body.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(Error::new(400, format!("the body is no JSON, by line {line}, column {column}")))
            }
        }
    }

    /// Takes a member out. A null is none.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text out. Errors: 400 for another type.
    pub(super) fn take_text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::new(400, format!("{name}: must be text"))),
        }
    }

    /// Takes the stream out that a request is about. Errors: 400 without one.
    pub(super) fn take_stream(&mut self) -> Result<String, Error> {
        self.take_text("stream_id")?.ok_or_else(|| Error::new(400, "stream_id: is missing; GET /ssf/streams tells it"))
    }
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}
