//! The service, and the commands that work on its store.

pub(super) mod account;
pub(super) mod audit;
pub(super) mod backup;
pub(super) mod config;
mod configuration;
pub(super) mod export;
pub(super) mod find;
mod first_account;
mod greeting;
pub(super) mod health;
pub(super) mod import;
mod import_keys;
pub(super) mod import_soffid;
mod import_store;
pub(super) mod make_key;
mod manager;
pub(super) mod migrate;
mod open;
pub(super) mod restore;
pub(super) mod rotate;
pub(super) mod serve;
pub(super) mod signals;
pub(super) mod signing_key;
mod startup;
mod stop;
mod watch;
