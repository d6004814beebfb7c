//! Files that other programs write and read, and codes that they compute. `make test-peers`
//! installs the programs and runs these tests. `cargo test` leaves them out.

#[path = "../common/mod.rs"]
mod common;

mod keepassxc;
mod peer;
mod pskc;
mod uris;
