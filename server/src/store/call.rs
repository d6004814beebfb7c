//! Work that a thread does with its connection, and the reply to it.

use std::time::Instant;

use super::refusal::unavailable;
use super::schema;
use super::workers::{Answer, OLD};
use crate::database::{Connection, Fault};

/// Work for a thread that is no part of a batch.
pub(crate) type Call = Box<dyn FnOnce(&mut dyn Connection) + Send>;

/// Work with the place where its outcome goes.
pub(crate) fn call<T: Send + 'static>(
    work: impl FnOnce(&mut dyn Connection) -> Result<T, Fault> + Send + 'static,
    answer: Answer<T>,
) -> Call {
    let since = Instant::now();
    Box::new(move |connection| {
        // Whoever went away needs no answer, and what was not begun need not be. Those before it in
        // its batch may have waited long.
        if answer.is_closed() || since.elapsed() >= OLD {
            return;
        }
        let _ = answer.send(work(connection).map_err(|fault| unavailable(&schema::explained(connection, fault))));
    })
}
