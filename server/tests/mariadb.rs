//! Soffid's tables in MariaDB: the binary and a real server, private to each test.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[allow(dead_code, reason = "not all of it is used here")]
#[path = "service/client.rs"]
mod client;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "support/cluster.rs"]
mod cluster;
#[path = "mariadb/files.rs"]
mod files;
#[path = "support/mariadb.rs"]
mod mariadb;
#[allow(dead_code, reason = "not all of it is used here")]
#[path = "service/process.rs"]
mod process;
#[path = "mariadb/tables.rs"]
mod tables;
