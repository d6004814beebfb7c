//! Layer 2: HMACs on Arm's instructions for the hashes, of a few counters at once.
//!
//! One compression leaves the unit for a hash waiting for its own results. Several streams, which
//! do not wait for each other, fill it. Each hash has one path, for any number of counters and on
//! any processor that has the instructions. cpufeatures asks for them once, at run time: of the
//! system, since a program may not ask the processor. RustCrypto's functions ask in the same way.
#![allow(unsafe_code, reason = "instructions that the processor may lack")]

mod neon;
mod sha1;
mod sha256;
mod sha512;

use core::array;

#[cfg(test)]
pub(crate) use super::one_key::compute_under_keys_on;
pub(crate) use super::one_key::{MAX_KEYS, compute_under_keys, max_keys};
use super::states::States;

// Rust names the instructions for SHA-1 and SHA-256 sha2, and those for SHA-512 sha3.
cpufeatures::new!(has_sha2, "sha2");
cpufeatures::new!(has_sha3, "sha3");

/// How many counters are asked for at once: a bit of a 64-bit word for each.
pub(crate) const BATCH_SIZE: usize = 64;

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha1_key_states(initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
    let is_available = has_sha2::get();
    if is_available {
        // SAFETY: the processor has the instructions.
        unsafe { sha1::key_states(initial, key, states) };
    }
    is_available
}

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha256_key_states(initial: &[u32; 8], key: &[u8; 64], states: [&mut [u32; 8]; 2]) -> bool {
    let is_available = has_sha2::get();
    if is_available {
        // SAFETY: the processor has the instructions.
        unsafe { sha256::key_states(initial, key, states) };
    }
    is_available
}

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha512_key_states(initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) -> bool {
    let is_available = has_sha3::get();
    if is_available {
        // SAFETY: the processor has the instructions.
        unsafe { sha512::key_states(initial, key, states) };
    }
    is_available
}

/// None is computed beside another.
pub(crate) const MACS_AT_ONCE: usize = 1;

/// None: the few HMACs of recovery codes are left to the caller, who has the same instructions.
pub(crate) const fn sha256_macs(_states: [&[u32; 8]; 2], _first: u64, _macs: &mut [[u32; 8]]) -> usize {
    0
}

/// The truncated HMAC of one counter; none if the caller has to compute it.
pub(crate) fn compute_one(states: States<'_>, counter: u64) -> Option<u32> {
    let mut value = [0];
    (compute_many(states, counter, &mut value) == 1).then_some(value).map(|[value]| value)
}

/// Fills `values` with the truncated HMACs of `first` and the counters after it. Returns how many;
/// the caller has to compute the others.
pub(crate) fn compute_many(states: States<'_>, first: u64, values: &mut [u32]) -> usize {
    match states {
        // SAFETY: the processor has the instructions.
        States::Sha1(states) if has_sha2::get() => unsafe { fill_sha1(states, first, values) },
        // SAFETY: the processor has the instructions.
        States::Sha256(states) if has_sha2::get() => unsafe { fill_sha256(states, first, values) },
        // SAFETY: the processor has the instructions.
        States::Sha512(states) if has_sha3::get() => unsafe { fill_sha512(states, first, values) },
        _ => return 0,
    }
    values.len()
}

/// Defines a function that fills values in streams, so many at once, and those that are left in
/// fewer.
macro_rules! fill {
    ($name:ident, $features:literal, $state:ty, $hmac:path, $streams:literal: $([$($left:ident)*])*) => {
        #[target_feature(enable = $features)]
        fn $name(states: [&$state; 2], first: u64, values: &mut [u32]) {
            let (many, left) = values.as_chunks_mut::<$streams>();
            let mut counter = first;
            for values in many {
                *values = $hmac(states, counters(counter));
                counter = counter.wrapping_add($streams);
            }
            match left {
                $([$($left),*] => [$(*$left),*] = $hmac(states, counters(counter)),)*
                _ => {}
            }
        }
    };
}

fill!(fill_sha1, "sha2", [u32; 5], sha1::sha1, 4: [a] [a b] [a b c]);
fill!(fill_sha256, "sha2", [u32; 8], sha256::sha256, 4: [a] [a b] [a b c]);
// Three would need more than the 32 registers.
fill!(fill_sha512, "sha3", [u64; 8], sha512::sha512, 2: [a]);

fn counters<const S: usize>(first: u64) -> [u64; S] {
    array::from_fn(|stream| first.wrapping_add(stream as u64))
}

/// How many platforms [`compute_on`] knows.
#[cfg(test)]
pub(crate) const PLATFORM_COUNT: usize = 1;

/// Fills `values` on the only platform, and returns its name; none if the processor lacks the
/// instructions for this hash.
#[cfg(any(test, fuzzing))]
pub(crate) fn compute_on(platform: usize, states: States<'_>, first: u64, values: &mut [u32]) -> Option<&'static str> {
    (platform == 0 && compute_many(states, first, values) == values.len()).then_some("Arm instructions")
}

/// [`sha1_key_states`] on one platform alone.
#[cfg(test)]
pub(crate) fn sha1_key_states_on(platform: usize, initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
    platform == 0 && sha1_key_states(initial, key, states)
}

/// None: see [`sha256_macs`].
#[cfg(test)]
pub(crate) const fn sha256_macs_on(_platform: usize, _states: [&[u32; 8]; 2], _first: u64, _macs: &mut [[u32; 8]]) -> usize {
    0
}

/// [`sha512_key_states`] on one platform alone.
#[cfg(test)]
pub(crate) fn sha512_key_states_on(platform: usize, initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) -> bool {
    platform == 0 && sha512_key_states(initial, key, states)
}
