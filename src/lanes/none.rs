//! Layer 2: no lanes: all is left to the caller.

use super::Key;

/// Few, since they stand on a small stack.
pub(crate) const BATCH: usize = 4;

pub(crate) const fn sha1_key(_initial: &[u32; 5], _key: &[u8; 64], _states: [&mut [u32; 5]; 2]) -> bool {
    false
}

pub(crate) const fn sha256_key(_initial: &[u32; 8], _key: &[u8; 64], _states: [&mut [u32; 8]; 2]) -> bool {
    false
}

#[cfg(feature = "capi")]
pub(crate) const fn clear_upper_halves() {}

pub(crate) const fn one(_key: Key<'_>, _counter: u64) -> Option<u32> {
    None
}

pub(crate) const fn truncated(_key: Key<'_>, _first: u64, _values: &mut [u32]) -> bool {
    false
}

#[cfg(any(test, fuzzing))]
pub(crate) const PATHS: usize = 0;

#[cfg(any(test, fuzzing))]
pub(crate) const fn on_path(_path: usize, _key: Key<'_>, _first: u64, _values: &mut [u32]) -> Option<&'static str> {
    None
}

#[cfg(test)]
pub(crate) const fn sha1_key_on_path(_path: usize, _initial: &[u32; 5], _key: &[u8; 64], _states: [&mut [u32; 5]; 2]) -> bool {
    false
}
