//! The commands that need no service: they work on a secret or on a state file.

mod authenticator;
mod clock;
pub(super) mod code;
pub(super) mod enroll;
mod export;
mod input;
mod qr;
mod recovery;
pub(super) mod renew;
pub(super) mod resync;
mod secret;
pub(super) mod show;
pub(super) mod state;
pub(super) mod unlock;
pub(super) mod verify;

pub(crate) use authenticator::cautions;
pub(crate) use export::token_of_state;
