//! The accounts of clients: HTTP Basic (RFC 7617) with a password, or a bearer token (RFC 6750).
//!
//! Tokens are too long to be guessed. Passwords are paused after wrong ones, and take turns at
//! being hashed.

mod accounts;
mod caller;
mod credentials;
mod fair_queue;
mod hasher;
mod hashing;
mod proven;
mod refusal;
mod throttle;
mod turns;

pub use accounts::Accounts;
pub(super) use caller::Caller;
pub use hashing::{hash_password, hash_token};
