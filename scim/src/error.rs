//! Errors (RFC 7644 section 3.12).

use std::fmt;

use serde_json::json;

/// The detail for the engine's [`keyfob::Error::Clock`], with the request that helps.
const CLOCK_DETAIL: &str = "time: is before T0 or before what the device has already seen; set the clock right, or, if it was ahead before and is \
                     right now, unlock the device: PATCH status to the value that it has";
/// The request that helps with [`keyfob::Error::ClockWasAhead`].
const FORGET_STEPS_REQUEST: &str = r#"PATCH {"Operations": [{"op": "remove", "path": "stepsAhead"}]}"#;

/// The detail for [`keyfob::Error::NoDrift`], with the key of the configuration.
const NO_DRIFT_DETAIL: &str = "a resynchronisation of a TOTP device needs policy.max_drift above 0, which is how far its clock may be off; \
                               nothing was verified";
/// The detail for [`keyfob::Error::Validity`], with the attributes.
const VALIDITY_DETAIL: &str = "notAfter: must not lie before notBefore, and must be after 1970-01-01 00:00:00";

/// The keyword of an error with status 400, or 409 for [`Uniqueness`](Self::Uniqueness).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// A filter that does not parse, or compares what cannot be compared.
    InvalidFilter,
    /// A body that does not parse, or has the wrong structure.
    InvalidSyntax,
    /// A path of a PATCH that names no attribute.
    InvalidPath,
    /// A value that is missing or not allowed.
    InvalidValue,
    /// A change of an attribute that cannot change.
    Mutability,
    /// A `remove` in a PATCH without a path.
    NoTarget,
    /// A cursor that is not one of this search (RFC 9865 section 2.1).
    InvalidCursor,
    /// A `count` of a page with a cursor that is 0 or not a number (RFC 9865 section 2.1).
    InvalidCount,
    /// A value that another device has already. The status is 409.
    Uniqueness,
}

impl ScimType {
    /// The keyword, as the RFC spells it.
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
            Self::Uniqueness => "uniqueness",
        }
    }
}

/// A refusal: an HTTP status, a keyword if the RFC has one, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// The keyword, with status 400 or 409.
    pub scim_type: Option<ScimType>,
    /// What is wrong and what to do, for people. It holds no secret and no code.
    pub detail: String,
    /// After how many seconds the same request may succeed, if time alone helps.
    pub retry_after: Option<u64>,
    /// The telephone number that gets no messages, if that is the cause.
    pub refused_number: Option<RefusedNumber>,
}

/// Why a telephone number gets no messages, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedNumber {
    /// For its prefix, by its [label](crate::MessageLimits::label).
    Prefix(String),
    /// It cannot be read, so it might have any prefix.
    Unread,
}

impl Error {
    /// A refusal without a keyword. With status 503 the request may be repeated after a second.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        let retry_after = (status == 503).then_some(1);
        Self { status, scim_type: None, detail: detail.into(), retry_after, refused_number: None }
    }

    /// Sets after how many seconds the same request may succeed.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Adds why a number gets no messages.
    pub(crate) fn with_refused_number(self, refused: RefusedNumber) -> Self {
        Self { refused_number: Some(refused), ..self }
    }

    /// A bad request with its keyword.
    pub(crate) fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { scim_type: Some(scim_type), ..Self::new(400, detail) }
    }

    /// The refusal of a serial that another device has as its name.
    pub fn serial_is_taken(serial: &str) -> Self {
        let detail = format!("name: there is a device {serial:?} already; find it with filter=name eq, or delete it first");
        Self { scim_type: Some(ScimType::Uniqueness), ..Self::new(409, detail) }
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

    /// The JSON body of the response.
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

/// A name from a request, for an error. A text that cannot be a name may be a misplaced PIN, and is
/// not repeated.
pub(crate) fn quoted(name: &str) -> String {
    const MAX_NAME_BYTES: usize = 100;
    let is_first = |char: char| char.is_ascii_alphabetic() || char == '$';
    let is_later = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_.:".contains(&byte);
    if name.len() <= MAX_NAME_BYTES && name.starts_with(is_first) && name.bytes().all(is_later) {
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
    /// The refusals of the engine: 503 for a wrong clock or no randomness, 409 for a state that
    /// forbids the operation, 400 for the others.
    fn from(error: keyfob::Error) -> Self {
        use keyfob::Error as E;
        match error {
            // No retry-after: an operator must act, or hours must pass.
            E::Clock => Self { retry_after: None, ..Self::new(503, CLOCK_DETAIL) },
            E::Randomness => Self::new(503, error.message()),
            E::ClockWasAhead => Self::new(409, format!("{}: {FORGET_STEPS_REQUEST}", error.message())),
            E::NoDrift => Self::new(409, NO_DRIFT_DETAIL),
            E::Validity => Self::value(VALIDITY_DETAIL),
            E::Locked | E::Throttled | E::Disabled | E::OutsideValidity | E::NoChallenge | E::Exhausted => {
                Self::new(409, error.message())
            }
            _ => Self::value(error.message()),
        }
    }
}
