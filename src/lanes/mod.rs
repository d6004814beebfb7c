//! Layer 2: the truncated HMACs of a window's counters, several at once.
//!
//! A window asks for many HMACs under one key, which do not wait for each other. On `x86_64` and on
//! `aarch64` they are computed side by side, see [`x86`] and [`aarch64`]; on `x86_64` those of many
//! keys as well. On other processors, and with `--cfg keyfob_lanes="portable"`, [`portable`] leaves
//! them to [`hmac`](crate::hmac), which computes them one after another on RustCrypto's compression
//! functions. The choice depends on the hash, on the processor and on the number of counters, never
//! on the values.

mod constants;
mod one_key;
mod states;

// Targets without SSE2 registers are those of kernels and firmware.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable")))]
mod x86;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable")))]
use x86 as target;

// What the processor has is asked of the system: without one there are no lanes.
#[cfg(all(
    target_arch = "aarch64",
    target_endian = "little",
    target_feature = "neon",
    not(any(target_os = "none", keyfob_lanes = "portable"))
))]
mod aarch64;
#[cfg(all(
    target_arch = "aarch64",
    target_endian = "little",
    target_feature = "neon",
    not(any(target_os = "none", keyfob_lanes = "portable"))
))]
use aarch64 as target;

#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable")),
    all(
        target_arch = "aarch64",
        target_endian = "little",
        target_feature = "neon",
        not(any(target_os = "none", keyfob_lanes = "portable"))
    )
)))]
mod portable;
#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable")),
    all(
        target_arch = "aarch64",
        target_endian = "little",
        target_feature = "neon",
        not(any(target_os = "none", keyfob_lanes = "portable"))
    )
)))]
use portable as target;

pub(crate) use states::{Initial, States};
#[cfg(any(test, fuzzing))]
pub(crate) use target::compute_on;
#[cfg(test)]
pub(crate) use target::compute_under_keys_on;
pub(crate) use target::{
    BATCH_SIZE, MACS_AT_ONCE, MAX_KEYS, compute_many, compute_one, compute_under_keys, max_keys, sha1_key_states,
    sha256_key_states, sha256_macs, sha512_key_states,
};
#[cfg(test)]
pub(crate) use target::{PLATFORM_COUNT, sha1_key_states_on, sha256_macs_on, sha512_key_states_on};
