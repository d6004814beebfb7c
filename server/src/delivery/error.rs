//! Why a code was not delivered.

use std::fmt;

/// Why a code was not delivered. Its text is for the log. It holds neither the code nor anything of
/// the configuration but hosts, ports and keys.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    text: String,
    /// The text for clients, without hosts and ports.
    client_text: String,
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
    fn new(kind: Kind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, client_text: text.clone(), text }
    }

    /// The message cannot be sent to this server at all: a value is missing or malformed.
    pub(super) fn unfit(text: impl Into<String>) -> Self {
        Self::new(Kind::Unfit, text)
    }

    /// The server gave no answer, or one that it is not at work. That may pass by itself.
    pub(super) fn unanswered(text: impl Into<String>) -> Self {
        Self::new(Kind::Unanswered, text)
    }

    /// A refusal that may pass by itself.
    pub(super) fn transient(text: impl Into<String>) -> Self {
        Self::new(Kind::Transient, text)
    }

    /// An error that stays until somebody changes something.
    pub(super) fn permanent(text: impl Into<String>) -> Self {
        Self::new(Kind::Permanent, text)
    }

    /// The error of a message that several servers did not take. Equal texts appear once.
    pub(super) fn of_all(errors: Vec<Self>) -> Self {
        let kind = if errors.iter().any(Self::is_transient) { Kind::Transient } else { Kind::Permanent };
        let (texts, client_texts): (Vec<_>, Vec<_>) = errors.into_iter().map(|error| (error.text, error.client_text)).unzip();
        Self { kind, text: in_turn(texts), client_text: in_turn(client_texts) }
    }

    /// The error of a server, which the log names with its host, and clients by a label. A message
    /// that does not fit was not sent to any.
    pub(super) fn of_server(self, server: &impl fmt::Display, label: &str) -> Self {
        if self.kind == Kind::Unfit {
            return self;
        }
        let (text, client_text) = (format!("{server}: {}", self.text), format!("{label}: {}", self.client_text));
        Self { text, client_text, ..self }
    }

    /// The error with another text for clients: its own may name a host.
    pub(super) fn with_client_text(self, text: &str) -> Self {
        Self { client_text: text.to_owned(), ..self }
    }

    /// The error with more text at its end.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.text.push_str(hint);
        self.client_text.push_str(hint);
        self
    }

    /// The text for clients. It names no host and no port.
    pub(crate) fn client_text(&self) -> &str {
        &self.client_text
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

/// The texts of several servers. Equal texts appear once.
fn in_turn(all: Vec<String>) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in all {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("; then ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
