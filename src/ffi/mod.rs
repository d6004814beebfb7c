//! Layer 4, feature `capi`: the C ABI, on the engine's public API only. C programmers read
//! `include/keyfob.h`, which cbindgen makes of these files: their documentation is written for that
//! header.
//!
//! Every function copies its input, works on copies, and writes its output last and only on
//! success. `memory` holds the raw pointers; the rest calls it.
#![allow(unsafe_code, reason = "the C ABI takes pointers; each use says why it is sound")]
#![allow(non_camel_case_types, reason = "the names are those of the C header")]
#![allow(clippy::missing_safety_doc, clippy::doc_markdown, reason = "the words are the header's, for C programmers")]
#![allow(clippy::inline_always, reason = "measured: see benches/capi.rs")]
#![allow(clippy::too_many_arguments, reason = "C has no slices: each is a pointer and a length")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "sizes of structs, and ASCII as c_char")]

mod attempt;
mod avx;
mod challenge;
mod code;
mod device;
mod find;
mod guard;
mod memory;
mod policy;
mod random;
mod record;
mod recovery;
mod result;
mod seal;
mod secret;
mod size;
mod soffid;
#[cfg(test)]
mod tests;
mod uri;
mod verdict;

pub use attempt::*;
pub use challenge::*;
pub use code::*;
pub use device::*;
pub use find::*;
pub use policy::*;
pub use random::keyfob_random_fn;
pub use record::*;
pub use recovery::*;
pub use result::*;
pub use seal::*;
pub use secret::*;
pub use size::*;
pub use soffid::*;
pub use uri::*;
pub use verdict::*;
