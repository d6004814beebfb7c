//! The service from outside: the binary, driven over HTTP as its clients do.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "service/accounts.rs"]
mod accounts;
#[path = "support/walk.rs"]
mod by_cursor;
#[path = "service/client.rs"]
mod client;
#[path = "service/connections.rs"]
mod connections;
#[path = "service/cors.rs"]
mod cors;
#[path = "service/crash.rs"]
mod crash;
#[path = "service/cursors.rs"]
mod cursors;
#[path = "service/export.rs"]
mod export;
#[path = "service/fields.rs"]
mod fields;
#[path = "service/files.rs"]
mod files;
#[path = "service/find.rs"]
mod find;
#[path = "service/flood.rs"]
mod flood;
#[path = "service/gateways.rs"]
mod gateways;
#[path = "service/gone.rs"]
mod gone;
#[path = "service/guesses.rs"]
mod guesses;
#[path = "service/health.rs"]
mod health;
#[path = "service/import.rs"]
mod import;
#[path = "service/killed.rs"]
mod killed;
#[path = "service/limits.rs"]
mod limits;
#[path = "service/manager.rs"]
mod manager;
#[path = "service/memory.rs"]
mod memory;
#[path = "service/moments.rs"]
mod moments;
#[path = "service/operation.rs"]
mod operation;
#[path = "service/polls.rs"]
mod polls;
#[path = "service/problems.rs"]
mod problems;
#[path = "service/process.rs"]
mod process;
#[path = "support/pump.rs"]
mod pump;
#[path = "service/readme.rs"]
mod readme;
#[path = "service/recovery.rs"]
mod recovery;
#[path = "service/refusals.rs"]
mod refusals;
#[path = "service/renewal.rs"]
mod renewal;
#[path = "service/restore.rs"]
mod restore;
#[path = "service/rotation.rs"]
mod rotation;
#[path = "service/searches.rs"]
mod searches;
#[path = "service/settings.rs"]
mod settings;
#[path = "service/signals.rs"]
mod signals;
// The servers that delivery is tested with.
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "../src/delivery/tests/sink.rs"]
mod sink;
#[path = "service/soffid.rs"]
mod soffid;
#[path = "service/ssf.rs"]
mod ssf;
#[path = "service/tokens.rs"]
mod tokens;
#[path = "service/trouble.rs"]
mod trouble;
#[path = "service/walk.rs"]
mod walk;
