//! Portable Symmetric Key Container, RFC 6030, and the drafts that vendors still ship.

mod container;
mod crypt;
mod key;
mod read;
mod write;

pub(crate) use read::Reader;
pub use write::{PskcProtection, PskcSuite, PskcWriter};
