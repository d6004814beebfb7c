//! Errors of a server: their kind and their text.

use std::error::Error as _;

use tokio_postgres::error::Severity;

use super::pooler;
use crate::database::error::ErrorKind;

/// The kind of an error, by the codes of PostgreSQL (appendix A). Other databases with its protocol
/// use them too.
pub(super) fn kind(error: &tokio_postgres::Error) -> ErrorKind {
    let Some(server) = error.as_db_error() else {
        return if error.is_closed() || is_broken(error) { ErrorKind::Unknown } else { ErrorKind::Refused };
    };
    match server.code().code() {
        // Serialization failure or deadlock; or another process has just made the table, its type
        // or the row.
        "40001" | "40P01" | "23505" | "42P07" | "42710" => ErrorKind::Conflict,
        // A server that became a standby or is starting; a session that a pooler exchanged within a
        // statement. The only division is the one of `Sql::keep_plan`.
        "25006" | "57P03" | "26000" | "42P05" | "22012" => ErrorKind::Unreached,
        "40003" | "57P01" | "57P02" | "57P05" => ErrorKind::Unknown,
        "57014" => ErrorKind::TooLong,
        code if code.starts_with("08") => ErrorKind::Unknown,
        _ if ends_session(server.parsed_severity(), server.severity()) => ErrorKind::Unknown,
        "XX001" | "XX002" => ErrorKind::Damaged,
        _ => ErrorKind::Refused,
    }
}

/// Whether an error of a statement that the session keeps shows that others use the session. The
/// statement is missing (26000), its name is in use (42P05), it has other parameters (08P01), or it
/// is another one and refused the values (`Sql::keep_plan`). An error that ends the session shows
/// nothing: `PgBouncer` has 08P01 for a server that crashed, too.
pub(super) fn shows_sharing(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| is_of_shared_session(error.code().code(), error.parsed_severity(), error.severity()))
}

fn is_of_shared_session(code: &str, severity: Option<Severity>, name: &str) -> bool {
    ["26000", "42P05", "08P01", "22012"].contains(&code) && !ends_session(severity, name)
}

/// Whether an error of this severity ends the session. Old servers send its `name` only. The
/// statement is not undone then: a server that cannot flush a commit panics, and may find the
/// commit in its log when it restarts.
fn ends_session(severity: Option<Severity>, name: &str) -> bool {
    match severity {
        Some(severity) => matches!(severity, Severity::Panic | Severity::Fatal),
        None => matches!(name, "PANIC" | "FATAL"),
    }
}

fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// An error with its causes, since the outermost alone says little. None contains a value.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_that_ends_the_session_shows_no_shared_session() {
        for code in ["26000", "42P05", "08P01", "22012"] {
            assert!(is_of_shared_session(code, Some(Severity::Error), "ERROR"), "{code}");
            assert!(!is_of_shared_session(code, Some(Severity::Fatal), "FATAL"), "{code}");
            assert!(!is_of_shared_session(code, None, "FATAL"), "{code}");
        }
        assert!(!is_of_shared_session("57P01", Some(Severity::Error), "ERROR"));
    }
}
