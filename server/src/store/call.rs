//! Work for a thread with a connection, and the reply to it.

use std::time::Instant;

use super::refusal::unavailable;
use super::schema;
use super::workers::{JOB_TIMEOUT, Reply};
use crate::database::{Connection, DatabaseError};

/// Work outside a batch.
pub(crate) type Call = Box<dyn FnOnce(&mut dyn Connection) + Send>;

/// Combines work with the channel for its outcome.
pub(crate) fn call<T: Send + 'static>(
    work: impl FnOnce(&mut dyn Connection) -> Result<T, DatabaseError> + Send + 'static,
    reply: Reply<T>,
) -> Call {
    let since = Instant::now();
    Box::new(move |connection| {
        // A client that has gone away needs no reply. Others of the batch may have taken so long
        // that this one is too old to begin.
        if reply.is_closed() || since.elapsed() >= JOB_TIMEOUT {
            return;
        }
        let _ = reply.send(work(connection).map_err(|error| unavailable(&schema::explained(connection, error))));
    })
}
