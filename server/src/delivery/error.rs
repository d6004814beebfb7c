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
    /// Nothing was sent: the message does not fit this server's configuration.
    Unfit,
    /// The server gave no answer, or one that it is not at work.
    Unanswered,
    Transient,
    Permanent,
}

impl Error {
    /// The message cannot be sent to this server at all: a value is missing or malformed.
    pub(super) fn unfit(text: impl Into<String>) -> Self {
        Self { kind: Kind::Unfit, text: text.into() }
    }

    /// The server gave no answer, or one that it is not at work. That may pass by itself.
    pub(super) fn unanswered(text: impl Into<String>) -> Self {
        Self { kind: Kind::Unanswered, text: text.into() }
    }

    /// A refusal that may pass by itself.
    pub(super) fn transient(text: impl Into<String>) -> Self {
        Self { kind: Kind::Transient, text: text.into() }
    }

    /// An error that stays until somebody changes something.
    pub(super) fn permanent(text: impl Into<String>) -> Self {
        Self { kind: Kind::Permanent, text: text.into() }
    }

    /// The error of a message that several servers did not take. Equal texts appear once.
    pub(super) fn of_all(errors: Vec<Self>) -> Self {
        let is_transient = errors.iter().any(Self::is_transient);
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            if !texts.contains(&error.text) {
                texts.push(error.text);
            }
        }
        let text = texts.join("; then ");
        if is_transient { Self::transient(text) } else { Self::permanent(text) }
    }

    /// The error with more text at its end.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.text.push_str(hint);
        self
    }

    /// Whether sending the same message again may succeed. After a time-out the first message may
    /// have arrived as well.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Unanswered | Kind::Transient)
    }

    /// Whether the server was asked to take the message.
    pub(super) fn was_tried(&self) -> bool {
        self.kind != Kind::Unfit
    }

    /// Whether the server gave no answer, or one that it is not at work.
    pub(super) fn is_unanswered(&self) -> bool {
        self.kind == Kind::Unanswered
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
