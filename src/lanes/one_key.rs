//! Layer 2: no HMACs under many keys at once. Each key is left to the caller.
#![allow(dead_code, reason = "x86 computes with many keys")]

use super::states::Initial;

/// No keys are computed with at once.
pub(crate) const MAX_KEYS: usize = 1;

pub(crate) const fn max_keys(_initial: Initial<'_>) -> usize {
    0
}

pub(crate) const fn compute_under_keys(
    _initial: Initial<'_>,
    _keys: &[&[u8; 64]],
    _firsts: &[u64],
    _count: u64,
    _judge: &mut dyn FnMut(&mut [u32]),
) -> bool {
    false
}

#[cfg(test)]
pub(crate) const fn compute_under_keys_on(
    _platform: usize,
    _initial: Initial<'_>,
    _keys: &[&[u8; 64]],
    _firsts: &[u64],
    _count: u64,
    _judge: &mut dyn FnMut(&mut [u32]),
) -> bool {
    false
}
