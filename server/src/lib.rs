//! keyfob's command line and its service: the only place with a clock, randomness, files and
//! sockets.
//!
//! [`cli`] reads the command line. [`http`] serves `keyfob_scim` over a [`store`], which keeps
//! devices in a [`database`]. [`config`] configures them.
//!
//! The layers, lowest first. A module uses its own layer and lower ones only, as
//! `tests/layers.rs` checks:
//!
//! 1. `connection`, `file`, `key_lines`, `phone`, `priority`, `problem`, `tls`
//! 2. `database`
//! 3. `store`
//! 4. `delivery`
//! 5. `signals`
//! 6. `config`
//! 7. `soffid`, `tokens`
//! 8. `http`
//! 9. `cli`
#![forbid(unsafe_code)]
// No panic is reachable from any input: what may panic is not written. Tests may.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod cli;
pub mod config;
mod connection;
pub mod database;
mod delivery;
mod file;
pub mod http;
mod key_lines;
mod phone;
mod priority;
mod problem;
mod signals;
mod soffid;
pub mod store;
mod tls;
mod tokens;
