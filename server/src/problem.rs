//! A problem of the configuration, named by its key.

use std::fmt;

/// A problem of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the key, or the name of the variable; empty for the whole configuration.
    pub key: String,
    /// What is wrong and what to do. Holds no value: it may be a password.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(key: &str, message: &str) -> Self {
        Self { key: key.to_owned(), message: message.to_owned() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.key, self.message) }
    }
}
