//! Layer 2: no SIMD instructions. Everything is left to the caller.

#[cfg(test)]
pub(crate) use super::one_key::compute_under_keys_on;
pub(crate) use super::one_key::{MAX_KEYS, compute_under_keys, max_keys};
use super::states::States;

/// Few, since a batch is on a small stack.
pub(crate) const BATCH_SIZE: usize = 4;

pub(crate) const fn sha1_key_states(_initial: &[u32; 5], _key: &[u8; 64], _states: [&mut [u32; 5]; 2]) -> bool {
    false
}

pub(crate) const fn sha256_key_states(_initial: &[u32; 8], _key: &[u8; 64], _states: [&mut [u32; 8]; 2]) -> bool {
    false
}

pub(crate) const fn sha512_key_states(_initial: &[u64; 8], _key: &[u8; 64], _states: [&mut [u64; 8]; 2]) -> bool {
    false
}

/// None is computed beside another.
pub(crate) const MACS_AT_ONCE: usize = 1;

pub(crate) const fn sha256_macs(_states: [&[u32; 8]; 2], _first: u64, _macs: &mut [[u32; 8]]) -> usize {
    0
}

pub(crate) const fn compute_one(_states: States<'_>, _counter: u64) -> Option<u32> {
    None
}

pub(crate) const fn compute_many(_states: States<'_>, _first: u64, _values: &mut [u32]) -> usize {
    0
}

#[cfg(any(test, fuzzing))]
pub(crate) const PLATFORM_COUNT: usize = 0;

#[cfg(any(test, fuzzing))]
pub(crate) const fn compute_on(_platform: usize, _states: States<'_>, _first: u64, _values: &mut [u32]) -> Option<&'static str> {
    None
}

#[cfg(test)]
pub(crate) const fn sha1_key_states_on(
    _platform: usize,
    _initial: &[u32; 5],
    _key: &[u8; 64],
    _states: [&mut [u32; 5]; 2],
) -> bool {
    false
}

#[cfg(test)]
pub(crate) const fn sha256_macs_on(_platform: usize, _states: [&[u32; 8]; 2], _first: u64, _macs: &mut [[u32; 8]]) -> usize {
    0
}

#[cfg(test)]
pub(crate) const fn sha512_key_states_on(
    _platform: usize,
    _initial: &[u64; 8],
    _key: &[u8; 64],
    _states: [&mut [u64; 8]; 2],
) -> bool {
    false
}
