//! The endpoints of the Shared Signals Framework (SSF) 1.0: metadata, keys, streams, their status,
//! verification, and the poll (RFC 8936).

mod body;
mod discovery;
mod dispatch;
mod due;
mod outcomes;
mod poll;
mod poll_request;
mod response;
mod routes;
mod status;
mod streams;
mod verification;

pub(super) use dispatch::{find, respond};
