//! What a client hears of a database that could not do its part.

use keyfob_scim::Error;

use crate::database::{Failure, Fault};

/// What the database could not do, for the client; the log has the database's own words.
pub(crate) fn unavailable(fault: &Fault) -> Error {
    let detail = match fault.failure {
        // The log has heard of it once, which is enough: it stays so.
        Failure::Gone => {
            "a file of the store was deleted or replaced while the service used it; no verdict is given, and what was just changed may be \
             lost; the service must be stopped, and started with the right file"
        }
        Failure::Moved => {
            "the store was moved to another one by keyfob migrate; nothing was changed, and no verdict is given; the service must be stopped, \
             and started with that store"
        }
        Failure::Unknown => "the store did not answer; whether it has stored this is not known, and no verdict is given; try again",
        _ => "the store is not available; nothing was changed, and no verdict is given; try again",
    };
    if fault.failure != Failure::Gone {
        tracing::error!("store: {fault}");
    }
    Error::new(503, detail)
}
