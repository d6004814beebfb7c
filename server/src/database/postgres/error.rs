//! What an error of a server leaves open, and what it says.

use std::error::Error as _;

use tokio_postgres::error::Severity;

use super::pooler;
use crate::database::error::ErrorKind;

/// What an error leaves open. Its codes are those of PostgreSQL (appendix A), which the others use
/// too.
pub(super) fn kind(error: &tokio_postgres::Error) -> ErrorKind {
    let Some(server) = error.as_db_error() else {
        return if error.is_closed() || is_broken(error) { ErrorKind::Unknown } else { ErrorKind::Refused };
    };
    match server.code().code() {
        // Serialization failure, deadlock; a table, its type or a row that another process has just
        // made.
        "40001" | "40P01" | "23505" | "42P07" | "42710" => ErrorKind::Conflict,
        // A server that became a standby, or starts; a session that a pooler exchanged within a
        // statement.
        "25006" | "57P03" | "26000" | "42P05" => ErrorKind::Unreached,
        "40003" | "57P01" | "57P02" | "57P05" => ErrorKind::Unknown,
        "57014" => ErrorKind::TooLong,
        code if code.starts_with("08") => ErrorKind::Unknown,
        _ if ends_session(server.parsed_severity(), server.severity()) => ErrorKind::Unknown,
        "XX001" | "XX002" => ErrorKind::Damaged,
        _ => ErrorKind::Refused,
    }
}

/// Whether an error of this severity, which old servers only name, ends the session. The server has
/// not undone the statement then: one that cannot flush a commit panics, and may find the commit in
/// its log when it starts again.
fn ends_session(severity: Option<Severity>, name: &str) -> bool {
    match severity {
        Some(severity) => matches!(severity, Severity::Panic | Severity::Fatal),
        None => matches!(name, "PANIC" | "FATAL"),
    }
}

fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// An error with its cause: the outermost alone says little. None of them holds a value.
pub(super) fn explained(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    if let Some(advice) = error.code().and_then(|code| pooler::advice(code.code())) {
        text = format!("{text}; {advice}");
    }
    text
}
