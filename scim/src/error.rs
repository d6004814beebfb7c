//! Errors as RFC 7644 section 3.12 writes them.

use std::fmt;

use serde_json::json;

/// The engine's [`keyfob::Error::Clock`], with the request that helps.
const CLOCK: &str = "time: is before T0 or before what the device has already seen; set the clock right, or, if it was ahead before and is \
                     right now, unlock the device: PATCH status to the value that it has";
/// The request that helps with [`keyfob::Error::ClockWasAhead`].
const FORGET_STEPS: &str = r#"PATCH {"Operations": [{"op": "remove", "path": "stepsAhead"}]}"#;

/// The keyword of a fault, where the RFC names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// A filter that does not parse, or asks what cannot be asked.
    InvalidFilter,
    /// A body that does not parse, or has the wrong structure.
    InvalidSyntax,
    /// A path of a PATCH that names nothing.
    InvalidPath,
    /// A value that is missing or not of the allowed ones.
    InvalidValue,
    /// A change of what may not change.
    Mutability,
    /// A PATCH that removes nothing in particular.
    NoTarget,
    /// A cursor that is none of this search (RFC 9865 section 2.1).
    InvalidCursor,
    /// A page of a walk by cursor without a device, or not of a number of them (RFC 9865 section
    /// 2.1).
    InvalidCount,
}

impl ScimType {
    /// The keyword.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::InvalidValue => "invalidValue",
            Self::Mutability => "mutability",
            Self::NoTarget => "noTarget",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A refusal: an HTTP status, a keyword if there is one, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// The keyword, with status 400.
    pub scim_type: Option<ScimType>,
    /// What is wrong and what to do, for people. Holds no secret and no code.
    pub detail: String,
    /// After how many seconds asking again may help, where only that is needed.
    pub retry_after: Option<u64>,
}

impl Error {
    /// A refusal without a keyword. What is not there for the moment, 503, may be asked again after
    /// a second.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into(), retry_after: (status == 503).then_some(1) }
    }

    /// With how many seconds to wait before asking again.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// A bad request with its keyword.
    pub(crate) fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { scim_type: Some(scim_type), ..Self::new(400, detail) }
    }

    pub(crate) fn value(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidValue, detail)
    }

    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidSyntax, detail)
    }

    pub(crate) fn filter(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidFilter, detail)
    }

    /// The body that tells it.
    pub fn to_json(&self) -> Vec<u8> {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(scim_type), Some(body)) = (self.scim_type, body.as_object_mut()) {
            body.insert("scimType".to_owned(), scim_type.name().into());
        }
        body.to_string().into_bytes()
    }
}

/// A name as a refusal may repeat it. What cannot be a name may be a PIN out of its place, and is
/// not repeated.
pub(crate) fn quoted(name: &str) -> String {
    let is_first = |char: char| char.is_ascii_alphabetic() || char == '$';
    let is_later = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_.:".contains(&byte);
    if name.len() <= 100 && name.starts_with(is_first) && name.bytes().all(is_later) {
        format!("{name:?}")
    } else {
        "of that name".to_owned()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.detail)
    }
}

impl std::error::Error for Error {}

impl From<keyfob::Error> for Error {
    /// What the engine refuses: a wrong clock is the host's fault and lasts, a state that forbids
    /// the operation a conflict, the rest a wrong value.
    fn from(error: keyfob::Error) -> Self {
        use keyfob::Error as E;
        match error {
            // Asking again does not help before an operator has acted, or hours have passed.
            E::Clock => Self { retry_after: None, ..Self::new(503, CLOCK) },
            E::Randomness => Self::new(503, error.message()),
            E::ClockWasAhead => Self::new(409, format!("{}: {FORGET_STEPS}", error.message())),
            E::Locked | E::Throttled | E::Disabled | E::NoChallenge | E::Exhausted => Self::new(409, error.message()),
            _ => Self::value(error.message()),
        }
    }
}
