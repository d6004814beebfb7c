//! PostgreSQL and databases with its protocol: a session that is opened again when it is lost.
//!
//! A connection can be lost in silence, when a firewall forgets it or a host loses power. A
//! statement would then wait for its whole time. So the operating system sends keepalives, and an
//! idle session is checked before use. A short statement gets only a part of its time in an old
//! session, which leaves time to send it again in a new one.
//!
//! Statements have no names. Each goes to the server as a whole, with text and values in one round
//! trip. So no pooler can combine the text of one statement with the values of another.

mod connection;
mod error;
mod hosts;
mod identity;
mod password;
mod pooler;
mod server;
mod value;

pub(crate) use connection::{Postgres, Statements};
pub(crate) use server::Server;
