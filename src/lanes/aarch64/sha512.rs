//! Layer 2: HMAC-SHA-512 on Arm's instructions for it, of a few counters at once.
#![expect(clippy::indexing_slicing, reason = "by constants, and by streams, which are less than S")]

use core::arch::aarch64::{
    uint64x2_t, vaddq_u64, vcombine_u64, vcreate_u64, vdupq_laneq_u8, vdupq_n_u64, veorq_u64, vextq_u64, vreinterpretq_u8_u64,
    vreinterpretq_u64_u8, vrev64q_u8, vsetq_lane_u64, vsha512h2q_u64, vsha512hq_u64, vsha512su0q_u64, vsha512su1q_u64,
};

use super::neon::{load_bytes, load64, store64, truncate};
use crate::lanes::constants::K512;
use crate::lanes::constants::words64::{COUNTER_BITS, END, INNER_PAD, OUTER_PAD, SHA512_BITS};

/// The states after the key's block, for the inner and the outer hash.
#[target_feature(enable = "sha3")]
pub(super) fn key_states(initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) {
    let mut blocks = [INNER_PAD, OUTER_PAD].map(|pad| [vdupq_n_u64(pad); 8]);
    for block in &mut blocks {
        for (to, bytes) in block.iter_mut().zip(key.as_chunks().0) {
            *to = veorq_u64(*to, vreinterpretq_u64_u8(vrev64q_u8(load_bytes(bytes))));
        }
    }
    for (to, quarters) in states.into_iter().zip(compress(initial, blocks)) {
        to.as_chunks_mut().0.iter_mut().zip(quarters).for_each(|(to, quarter)| store64(quarter, to));
    }
}

/// The truncated HMAC-SHA-512 of each counter.
#[target_feature(enable = "sha3")]
pub(super) fn sha512<const S: usize>([inner, outer]: [&[u64; 8]; 2], counters: [u64; S]) -> [u32; S] {
    let zero = vdupq_n_u64(0);
    let mut blocks = [[zero, zero, zero, zero, zero, zero, zero, vsetq_lane_u64::<1>(COUNTER_BITS, zero)]; S];
    for (block, counter) in blocks.iter_mut().zip(counters) {
        block[0] = vcombine_u64(vcreate_u64(counter), vcreate_u64(END));
    }
    let hashes = compress(inner, blocks);
    let (end, bits) = (vsetq_lane_u64::<0>(END, zero), vsetq_lane_u64::<1>(SHA512_BITS, zero));
    let mut values = [0; S];
    let blocks = hashes.map(|[ab, cd, ef, gh]| [ab, cd, ef, gh, end, zero, zero, bits]);
    for (value, [ab, cd, _, gh]) in values.iter_mut().zip(compress(outer, blocks)) {
        let (low, high, last) = (vreinterpretq_u8_u64(ab), vreinterpretq_u8_u64(cd), vreinterpretq_u8_u64(gh));
        *value = truncate::<8>(low, high, vdupq_laneq_u8::<8>(last));
    }
    values
}

/// FIPS 180-4 section 6.4.2 in each stream: the state after as a, b and c, d and e, f and g, h.
#[target_feature(enable = "sha3")]
#[inline]
fn compress<const S: usize>(state: &[u64; 8], mut w: [[uint64x2_t; 8]; S]) -> [[uint64x2_t; 4]; S] {
    let mut first = [vdupq_n_u64(0); 4];
    first.iter_mut().zip(state.as_chunks().0).for_each(|(to, pair)| *to = load64(pair));
    let mut states = [first; S];
    // Two rounds of each stream for each number, of step 3. No vector moves: from two rounds to the
    // next the four take each other's places in turn.
    macro_rules! two_rounds {
        ($($two:literal)*) => {$(
            // The first of two rounds takes the higher word.
            let k = load64(const { &[K512.as_flattened()[2 * $two + 1], K512.as_flattened()[2 * $two]] });
            for s in 0..S {
                if $two >= 8 {
                    let ninth = vextq_u64::<1>(w[s][($two + 4) % 8], w[s][($two + 5) % 8]);
                    let sum = vsha512su0q_u64(w[s][$two % 8], w[s][($two + 1) % 8]);
                    w[s][$two % 8] = vsha512su1q_u64(sum, w[s][($two + 7) % 8], ninth);
                }
                let word = w[s][$two % 8];
                let [ab, cd, ef, gh] = [4, 5, 6, 7].map(|at| states[s][(at - $two % 4) % 4]);
                let sum = vaddq_u64(vaddq_u64(vextq_u64::<1>(word, word), k), gh);
                let sum = vsha512hq_u64(sum, vextq_u64::<1>(ef, gh), vextq_u64::<1>(cd, ef));
                states[s][(7 - $two % 4) % 4] = vsha512h2q_u64(sum, cd, ab);
                states[s][(5 - $two % 4) % 4] = vaddq_u64(cd, sum);
            }
        )*};
    }
    two_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39);
    for state in &mut states {
        state.iter_mut().zip(first).for_each(|(to, first)| *to = vaddq_u64(*to, first));
    }
    states
}
