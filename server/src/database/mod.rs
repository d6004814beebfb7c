//! Databases: SQLite in a file, or PostgreSQL.
//!
//! A [`Location`] says where a database is and opens connections. Statements, transactions, retries
//! and errors are the same for both. Nothing here knows of devices: that is [`crate::store`].

mod connection;
mod dialect;
mod error;
mod files;
mod functions;
mod latency;
mod location;
mod options;
mod postgres;
mod record;
mod retry;
mod snapshot;
mod sqlite;
mod statement;
mod value;

pub(crate) use connection::{Connection, transaction};
pub(crate) use dialect::{Access, Dialect};
pub(crate) use error::{DatabaseError, ErrorKind};
pub(crate) use latency::{Latency, latency, observed};
pub(crate) use location::Connections;
pub use location::Location;
pub use options::{MIN_CONNECTIONS, Options};
pub use record::Readable;
pub(crate) use record::Record;
pub(crate) use retry::{Pauses, persist, persist_transaction, reread};
pub(crate) use snapshot::{check_file, copy_file, is_in_use};
#[cfg(test)]
pub(crate) use sqlite::{Sqlite, uncommitted};
pub(crate) use statement::Sql;
pub(crate) use value::{Type, Value};
