//! Layer 2: HMACs under many keys, each with a window of its own: what a search among devices asks
//! for.
//!
//! A narrow window leaves most of a vector empty. Across keys vectors are full, and they compute
//! the states of the keys, too.

use super::platform::Platform;
use super::{avx2, avx512};
use crate::lanes::states::Initial;
use crate::wipe::wipe;

/// The most keys that are computed with at once.
pub(crate) const MAX_KEYS: usize = avx512::words32::two_zmm::LANES;

/// Fewer keys cost less one after another.
const MIN_KEYS: usize = 4;

/// Each lane's key and counter, in vectors of words of one size, for one hash.
macro_rules! compute_vector {
    (
        $width:path, $word:ident, $rows:literal, $under_keys:ident, $initial:ident, $keys:ident, $firsts:ident, $count:ident,
        $judge:ident
    ) => {{
        use $width as width;
        let mut words = [[0; width::LANES]; $rows];
        let mut counters = [0; width::LANES];
        for (lane, (key, first)) in $keys.iter().zip($firsts).enumerate().take(width::LANES) {
            for (row, word) in words.iter_mut().zip(key.as_chunks().0) {
                row.get_mut(lane).into_iter().for_each(|to| *to = $word::from_be_bytes(*word));
            }
            counters.get_mut(lane).into_iter().for_each(|to| *to = *first);
        }
        let lanes = $keys.len();
        let mut judge = |values: &mut [u32]| $judge(values.get_mut(..lanes).unwrap_or_default());
        // SAFETY: the processor has the instructions.
        unsafe { width::$under_keys($initial, &words, &counters, $count, &mut judge) };
        wipe(words.as_flattened_mut());
    }};
    ($words32:path, $words64:path, $initial:ident, $keys:ident, $firsts:ident, $count:ident, $judge:ident) => {
        match $initial {
            Initial::Sha1(initial) => {
                compute_vector!($words32, u32, 16, sha1_under_keys, initial, $keys, $firsts, $count, $judge);
            }
            Initial::Sha256(initial) => {
                compute_vector!($words32, u32, 16, sha256_under_keys, initial, $keys, $firsts, $count, $judge);
            }
            Initial::Sha512(initial) => {
                compute_vector!($words64, u64, 8, sha512_under_keys, initial, $keys, $firsts, $count, $judge);
            }
        }
    };
}

impl Platform {
    /// How many keys it takes at once; 0 without such vectors.
    const fn max_keys(self, initial: Initial<'_>) -> usize {
        let (words32, words64) = match self {
            Self::Avx2 => (avx2::words32::LANES, avx2::words64::LANES),
            Self::Avx512Zmm => (avx512::words32::zmm::LANES, avx512::words64::zmm::LANES),
            Self::Avx512TwoZmm => (avx512::words32::two_zmm::LANES, avx512::words64::two_zmm::LANES),
            _ => (0, 0),
        };
        if matches!(initial, Initial::Sha512(_)) { words64 } else { words32 }
    }

    /// The cheapest vectors for many keys; none if streams under one key after another cost less.
    /// Measured, as [`detect`](Self::detect).
    fn detect_for_keys(initial: Initial<'_>) -> Option<Self> {
        let is_worth = |platform: &Self| match initial {
            Initial::Sha256(_) if *platform == Self::Avx2 => Self::detect_streams().is_none(),
            Initial::Sha512(_) => !Self::Sha512.is_available(),
            _ => true,
        };
        [Self::widest(), Self::Avx2].into_iter().find(|platform| platform.is_available()).filter(is_worth)
    }

    /// False if it has no such vectors, or the processor lacks its instructions, or there are more
    /// keys than lanes.
    fn compute_under_keys(
        self,
        initial: Initial<'_>,
        keys: &[&[u8; 64]],
        firsts: &[u64],
        count: u64,
        judge: &mut dyn FnMut(&mut [u32]),
    ) -> bool {
        if !self.is_available() || keys.len() > self.max_keys(initial) {
            return false;
        }
        match self {
            Self::Avx2 => compute_vector!(avx2::words32, avx2::words64, initial, keys, firsts, count, judge),
            Self::Avx512Zmm => compute_vector!(avx512::words32::zmm, avx512::words64::zmm, initial, keys, firsts, count, judge),
            Self::Avx512TwoZmm => {
                compute_vector!(avx512::words32::two_zmm, avx512::words64::two_zmm, initial, keys, firsts, count, judge);
            }
            _ => return false,
        }
        true
    }
}

/// How many keys this processor takes at once; 0 if the caller has to compute with each.
pub(crate) fn max_keys(initial: Initial<'_>) -> usize {
    Platform::detect_for_keys(initial).map_or(0, |platform| platform.max_keys(initial))
}

/// Calls `judge` with the truncated HMACs of `firsts`, each under its own of `keys`, then with
/// those of the counters after them, `count` times. False if the caller has to compute them.
pub(crate) fn compute_under_keys(
    initial: Initial<'_>,
    keys: &[&[u8; 64]],
    firsts: &[u64],
    count: u64,
    judge: &mut dyn FnMut(&mut [u32]),
) -> bool {
    keys.len() >= MIN_KEYS
        && Platform::detect_for_keys(initial)
            .is_some_and(|platform| platform.compute_under_keys(initial, keys, firsts, count, judge))
}

/// [`compute_under_keys`] on one platform alone, of any number of keys; false if it has no such
/// vectors, or its instructions are not here.
#[cfg(test)]
pub(crate) fn compute_under_keys_on(
    platform: usize,
    initial: Initial<'_>,
    keys: &[&[u8; 64]],
    firsts: &[u64],
    count: u64,
    judge: &mut dyn FnMut(&mut [u32]),
) -> bool {
    Platform::named(platform).is_some_and(|platform| platform.compute_under_keys(initial, keys, firsts, count, judge))
}
