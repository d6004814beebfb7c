//! HTTP methods.

use std::str::FromStr;

use crate::error::Error;

/// An HTTP method that some operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl FromStr for Method {
    type Err = Error;

    /// Reads the method of a request line. Errors: 405.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "GET" => Ok(Self::Get),
            "HEAD" => Ok(Self::Head),
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "PATCH" => Ok(Self::Patch),
            "DELETE" => Ok(Self::Delete),
            _ => Err(Error::new(405, "method: must be GET, HEAD, POST, PUT, PATCH or DELETE")),
        }
    }
}
