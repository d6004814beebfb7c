//! Layer 2: HMACs under many keys at once, a key and a counter in each lane.

use super::{Sha1, Sha256, Sha512};
use crate::lanes::{self, Initial};
use crate::{Algorithm, Secret};

/// The most keys that any processor takes at once.
pub(crate) const MAX_KEYS: usize = lanes::MAX_KEYS;

/// Keys that are computed with side by side, each from a counter of its own: as many as
/// [`max_keys`] says.
pub(crate) struct Keys<'k> {
    blocks: [&'k [u8; 64]; MAX_KEYS],
    firsts: [u64; MAX_KEYS],
    len: usize,
}

impl<'k> Keys<'k> {
    pub(crate) const fn new() -> Self {
        Self { blocks: [&[0; 64]; MAX_KEYS], firsts: [0; MAX_KEYS], len: 0 }
    }

    /// Adds a key and its first counter; one too many is left out.
    pub(crate) fn push(&mut self, secret: &'k Secret, first: u64) {
        if let (Some(block), Some(to_first)) = (self.blocks.get_mut(self.len), self.firsts.get_mut(self.len)) {
            (*block, *to_first) = (secret.padded(), first);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Calls `judge` with the truncated values of the first counters, one under each key, then with
    /// those of the next counters, `count` times. False if the caller has to compute them.
    pub(crate) fn compute(&self, algorithm: Algorithm, count: u64, judge: &mut dyn FnMut(&mut [u32])) -> bool {
        lanes::compute_under_keys(initial(algorithm), self.blocks(), self.firsts(), count, judge)
    }

    fn blocks(&self) -> &[&'k [u8; 64]] {
        self.blocks.get(..self.len).unwrap_or_default()
    }

    fn firsts(&self) -> &[u64] {
        self.firsts.get(..self.len).unwrap_or_default()
    }

    /// [`compute`](Self::compute) on one platform alone.
    #[cfg(test)]
    pub(crate) fn compute_on(&self, platform: usize, algorithm: Algorithm, count: u64, judge: &mut dyn FnMut(&mut [u32])) -> bool {
        lanes::compute_under_keys_on(platform, initial(algorithm), self.blocks(), self.firsts(), count, judge)
    }
}

/// How many keys the processor takes at once; 0 if each is computed with by itself.
pub(crate) fn max_keys(algorithm: Algorithm) -> usize {
    lanes::max_keys(initial(algorithm))
}

const fn initial(algorithm: Algorithm) -> Initial<'static> {
    match algorithm {
        Algorithm::Sha1 => Initial::Sha1(&Sha1::INITIAL),
        Algorithm::Sha256 => Initial::Sha256(&Sha256::INITIAL),
        Algorithm::Sha512 => Initial::Sha512(&Sha512::INITIAL),
    }
}
