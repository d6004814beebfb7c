//! What each fuzz target does with an input, here so that `tests/replay.rs` runs the corpora as
//! ordinary tests.

pub mod capi;
pub mod filter;
pub mod lanes;
pub mod machine;
pub mod record;
pub mod scim;
mod seeded;
pub mod tokens;
pub mod uri;
