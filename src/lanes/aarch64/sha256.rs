//! Layer 2: HMAC-SHA-256 on Arm's instructions for it, of a few counters at once.
#![expect(clippy::indexing_slicing, reason = "by constants, and by streams, which are less than S")]

use core::arch::aarch64::{
    uint32x4_t, vaddq_u32, vcombine_u32, vcreate_u32, vdupq_laneq_u8, vdupq_n_u32, vreinterpretq_u8_u32, vsetq_lane_u32,
    vsha256h2q_u32, vsha256hq_u32, vsha256su0q_u32, vsha256su1q_u32,
};

use super::neon::{load32, padded_key32, store32, truncate};
use crate::lanes::constants::K256;
use crate::lanes::constants::words32::{COUNTER_BITS, END, SHA256_BITS};

/// The states after the key's block, for the inner and the outer hash.
#[target_feature(enable = "sha2")]
pub(super) fn key_states(initial: &[u32; 8], key: &[u8; 64], states: [&mut [u32; 8]; 2]) {
    for (to, halves) in states.into_iter().zip(compress(initial, &padded_key32(key))) {
        to.as_chunks_mut().0.iter_mut().zip(halves).for_each(|(to, half)| store32(half, to));
    }
}

/// The truncated HMAC-SHA-256 of each counter.
#[target_feature(enable = "sha2")]
pub(super) fn sha256<const S: usize>([inner, outer]: [&[u32; 8]; 2], counters: [u64; S]) -> [u32; S] {
    let zero = vdupq_n_u32(0);
    let mut blocks = [[zero, zero, zero, vsetq_lane_u32::<3>(COUNTER_BITS, zero)]; S];
    for (block, counter) in blocks.iter_mut().zip(counters) {
        block[0] = vcombine_u32(vcreate_u32(counter.rotate_left(32)), vcreate_u32(END.into()));
    }
    let hashes = compress(inner, &blocks);
    let (end, bits) = (vsetq_lane_u32::<0>(END, zero), vsetq_lane_u32::<3>(SHA256_BITS, zero));
    let mut values = [0; S];
    let blocks = hashes.map(|[abcd, efgh]| [abcd, efgh, end, bits]);
    for (value, [abcd, efgh]) in values.iter_mut().zip(compress(outer, &blocks)) {
        let (low, high) = (vreinterpretq_u8_u32(abcd), vreinterpretq_u8_u32(efgh));
        *value = truncate::<4>(low, high, vdupq_laneq_u8::<12>(high));
    }
    values
}

/// FIPS 180-4 section 6.2.2 in each stream: the state after as a, b, c, d and e, f, g, h.
#[target_feature(enable = "sha2")]
#[inline]
fn compress<const S: usize>(state: &[u32; 8], blocks: &[[uint32x4_t; 4]; S]) -> [[uint32x4_t; 2]; S] {
    let mut first = [vdupq_n_u32(0); 2];
    first.iter_mut().zip(state.as_chunks().0).for_each(|(to, half)| *to = load32(half));
    let [first_abcd, first_efgh] = first;
    let (mut abcd, mut efgh, mut w) = ([first_abcd; S], [first_efgh; S], *blocks);
    // Four rounds of each stream for each number, of step 3.
    macro_rules! four_rounds {
        ($($four:literal)*) => {$(
            let k = load32(const { &K256.as_flattened().as_chunks().0[$four] });
            for s in 0..S {
                if $four >= 4 {
                    let sum = vsha256su0q_u32(w[s][$four % 4], w[s][($four + 1) % 4]);
                    w[s][$four % 4] = vsha256su1q_u32(sum, w[s][($four + 2) % 4], w[s][($four + 3) % 4]);
                }
                let sum = vaddq_u32(w[s][$four % 4], k);
                let before = abcd[s];
                abcd[s] = vsha256hq_u32(before, efgh[s], sum);
                efgh[s] = vsha256h2q_u32(efgh[s], before, sum);
            }
        )*};
    }
    four_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    let mut states = [first; S];
    for s in 0..S {
        states[s] = [vaddq_u32(first_abcd, abcd[s]), vaddq_u32(first_efgh, efgh[s])];
    }
    states
}
