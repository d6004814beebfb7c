//! The result of a command.

/// Errors end the command and are only ever printed. A message is all they need.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
