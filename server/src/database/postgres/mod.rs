//! PostgreSQL, and what speaks its protocol: a session that is opened anew when it is lost.
//!
//! A connection can be lost in silence: a firewall forgets it, a host loses power. Then no end is
//! heard of, and a statement would wait for its whole time. So the operating system is asked to
//! look (keepalives), a session that was idle is asked whether it lives before it is used, and a
//! short statement gets a share of its time in a session that is not new: who sends it again has
//! time left for a new one.
//!
//! Statements have no names. Each goes to the server as a whole, text and values in one round trip,
//! so whatever a pooler does between two of them, it cannot bring together the text of one and the
//! values of another.

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
