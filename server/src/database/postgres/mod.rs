//! PostgreSQL and databases with its protocol: a session that is opened again when it is lost.
//!
//! A connection can be lost in silence, when a firewall forgets it or a host loses power. A
//! statement would then wait for its whole time. So the operating system sends keepalives, and an
//! idle session is checked before use. A short statement gets only a part of its time in an old
//! session, which leaves time to send it again in a new one.
//!
//! Most statements have no names. Each goes to the server as a whole, with text and values in one
//! round trip. The statements of a verdict have names, so that the server plans them once. Each of
//! them checks that it got its own values: a pooler may have exchanged the session in between.

mod connection;
mod error;
mod hosts;
mod identity;
mod password;
mod pooler;
mod prepared;
mod server;
mod value;

pub(crate) use connection::{Postgres, Statements};
pub(crate) use server::Server;
