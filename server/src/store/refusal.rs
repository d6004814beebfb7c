//! The error for a client when the database has failed.

use keyfob_scim::Error;

use crate::database::{DatabaseError, ErrorKind};

/// Logs an error of the database in its own words, and returns the error for the client.
pub(crate) fn unavailable(error: &DatabaseError) -> Error {
    let detail = match error.kind {
        // This state lasts, and was logged once.
        ErrorKind::Gone => {
            "a file of the store was deleted or replaced while the service used it; no verdict is given, and what was just changed may be \
             lost; the service must be stopped, and started with the right file"
        }
        ErrorKind::Moved => {
            "the store was moved to another one by keyfob migrate; nothing was changed, and no verdict is given; the service must be stopped, \
             and started with that store"
        }
        ErrorKind::Unknown => {
            "the store did not answer; whether it has stored this is not known, and no verdict is given; try again"
        }
        _ => "the store is not available; nothing was changed, and no verdict is given; try again",
    };
    if error.kind != ErrorKind::Gone {
        tracing::error!("store: {error}");
    }
    Error::new(503, detail)
}
