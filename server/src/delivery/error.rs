//! Why a code was not delivered.

use std::fmt;

/// Why a code was not delivered. Its text holds neither the code nor anything of the configuration
/// but hosts, ports and keys.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Transient,
    Permanent,
}

impl Error {
    /// An error that may pass by itself.
    pub(super) fn transient(text: impl Into<String>) -> Self {
        Self { kind: Kind::Transient, text: text.into() }
    }

    /// An error that stays until somebody changes something.
    pub(super) fn permanent(text: impl Into<String>) -> Self {
        Self { kind: Kind::Permanent, text: text.into() }
    }

    /// The error with more text at its end.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.text.push_str(hint);
        self
    }

    /// Whether sending the same message again may succeed. After a time-out the first message may
    /// have arrived as well.
    pub(crate) fn is_transient(&self) -> bool {
        self.kind == Kind::Transient
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
