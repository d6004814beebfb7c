//! Layer 2: HMACs on the SIMD instructions of `x86_64`.
//!
//! A few counters are quickest in streams on the SHA extensions ([`sha1_ni`], [`sha256_ni`],
//! [`sha512_ni`]), many in the lanes of vectors ([`vector`], [`vector_sha512`]), along one window
//! or across many keys ([`keys`]). [`Platform`] picks among the instructions that the processor
//! has, which it asks once, at run time.
#![allow(unsafe_code, reason = "instructions that the processor may lack")]

mod avx2;
mod avx512;
mod counter;
mod keys;
mod pair;
mod platform;
mod sha1_ni;
mod sha2;
mod sha256_ni;
mod sha512_ni;
mod sha_ni;
mod vector;
mod vector_keys;
mod vector_sha512;
mod vendor;

#[cfg(test)]
pub(crate) use keys::compute_under_keys_on;
pub(crate) use keys::{MAX_KEYS, compute_under_keys, max_keys};
use platform::Platform;
#[cfg(any(test, fuzzing))]
pub(crate) use platform::compute_on;
#[cfg(test)]
pub(crate) use platform::{PLATFORM_COUNT, sha1_key_states_on, sha256_macs_on, sha512_key_states_on};

use super::states::States;

/// How many counters are asked for at once: enough for the widest vector, and a bit of a 64-bit
/// word for each.
pub(crate) const BATCH_SIZE: usize = 64;

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha1_key_states(initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
    Platform::detect_streams().is_some_and(|platform| platform.sha1_key_states(initial, key, states))
}

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha256_key_states(initial: &[u32; 8], key: &[u8; 64], states: [&mut [u32; 8]; 2]) -> bool {
    let is_available = Platform::ShaNi.is_available();
    if is_available {
        // SAFETY: the processor has the instructions.
        unsafe { sha256_ni::key_states(initial, key, states) };
    }
    is_available
}

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha512_key_states(initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) -> bool {
    let platforms = [Platform::Sha512, Platform::Avx512Ymm, Platform::Avx2];
    let best = platforms.into_iter().find(|platform| platform.is_available());
    best.is_some_and(|platform| platform.sha512_key_states(initial, key, states))
}

/// How many whole HMACs are best asked for at once.
pub(crate) const MACS_AT_ONCE: usize = avx2::words32::LANES;

/// Fills `macs` with the HMAC-SHA-256 of `first` and the numbers after it, whole. Returns how many;
/// the caller has to compute the others.
pub(crate) fn sha256_macs(states: [&[u32; 8]; 2], first: u64, macs: &mut [[u32; 8]]) -> usize {
    let best = [Platform::ShaNi, Platform::Avx2].into_iter().find(|platform| platform.is_available());
    best.map_or(0, |platform| platform.sha256_macs(states, first, macs))
}

/// The truncated HMAC of one counter; none if the caller has to compute it.
pub(crate) fn compute_one(states: States<'_>, counter: u64) -> Option<u32> {
    let value = match states {
        // On Intel's processors too: one stream waits for its rounds, not for its words.
        // SAFETY: the processor has the instructions.
        States::Sha1(states) if Platform::ShaNi.is_available() => unsafe { sha1_ni::sha_words::sha1(states, [counter]) },
        // SAFETY: the processor has the instructions.
        States::Sha256(states) if Platform::ShaNi.is_available() => unsafe { sha256_ni::sha256(states, [counter]) },
        // SAFETY: the processor has the instructions.
        States::Sha512(states) if Platform::Sha512.is_available() => unsafe { sha512_ni::instructions::sha512(states, [counter]) },
        _ => return None,
    };
    let [value] = value;
    Some(value)
}

/// Fills `values` with the truncated HMACs of `first` and the counters after it. Returns how many;
/// the caller has to compute the others.
pub(crate) fn compute_many(states: States<'_>, first: u64, values: &mut [u32]) -> usize {
    let mut done = 0_usize;
    while let Some(left) = values.get_mut(done..).filter(|left| !left.is_empty())
        && let Some(platform) = Platform::detect(states, left.len())
    {
        done = done.saturating_add(platform.compute(states, first.wrapping_add(done as u64), left));
    }
    done
}
