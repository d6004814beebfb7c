//! Layer 2: the truncated HMACs of a window's counters, several at once.
//!
//! A window asks for many HMACs under one key, which do not wait for each other. On `x86_64` they
//! are computed side by side, see [`x86`]. Elsewhere, and with `--cfg keyfob_lanes="portable"`,
//! there is nothing here, and [`hmac`](crate::hmac) computes them one after another on RustCrypto's
//! compression functions. What is done depends on the hash, on the processor and on how many
//! counters there are, never on what is computed.

// Targets without SSE2 registers are those of kernels and firmware.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable")))]
mod x86;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable")))]
use x86 as here;

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable"))))]
mod none;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable"))))]
use none as here;

#[cfg(feature = "capi")]
pub(crate) use here::clear_upper_halves;
#[cfg(any(test, fuzzing))]
pub(crate) use here::on_path;
pub(crate) use here::{BATCH, one, sha1_key, sha256_key, truncated};
#[cfg(test)]
pub(crate) use here::{PATHS, sha1_key_on_path};

/// The states after a key's block, of the inner and the outer hash.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "without lanes nobody reads them")]
pub(crate) enum Key<'k> {
    Sha1([&'k [u32; 5]; 2]),
    Sha256([&'k [u32; 8]; 2]),
}
