//! Several services on one PostgreSQL: the binary and a real server, private to each test.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "support/walk.rs"]
mod by_cursor;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "service/client.rs"]
mod client;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "support/cluster.rs"]
mod cluster;
#[path = "postgres/cursors.rs"]
mod cursors;
#[path = "postgres/failover.rs"]
mod failover;
#[path = "postgres/fleet.rs"]
mod fleet;
#[path = "postgres/guesses.rs"]
mod guesses;
#[path = "postgres/limits.rs"]
mod limits;
#[path = "postgres/load.rs"]
mod load;
#[path = "postgres/migrate.rs"]
mod migrate;
#[path = "postgres/migrate_killed.rs"]
mod migrate_killed;
#[path = "postgres/passwords.rs"]
mod passwords;
#[path = "support/pgbouncer.rs"]
mod pgbouncer;
#[path = "postgres/pooler.rs"]
mod pooler;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "service/process.rs"]
mod process;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/pump.rs"]
mod pump;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "postgres/recovery.rs"]
mod recovery;
#[path = "postgres/rotation.rs"]
mod rotation;
#[path = "postgres/signals.rs"]
mod signals;
#[path = "postgres/silence.rs"]
mod silence;
// The servers that delivery is tested with.
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "../src/delivery/tests/sink.rs"]
mod sink;
#[path = "postgres/soffid.rs"]
mod soffid;
#[path = "postgres/trouble.rs"]
mod trouble;
