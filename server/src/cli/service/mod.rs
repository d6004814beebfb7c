//! The service, and the commands that work on its store.

pub(super) mod account;
pub(super) mod audit;
mod configuration;
pub(super) mod export;
mod first_account;
mod greeting;
pub(super) mod import;
pub(super) mod migrate;
mod open;
pub(super) mod rotate;
pub(super) mod serve;
mod signals;
mod startup;
mod watch;
