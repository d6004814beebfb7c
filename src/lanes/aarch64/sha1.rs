//! Layer 2: HMAC-SHA-1 on Arm's instructions for it, of a few counters at once.
#![expect(clippy::indexing_slicing, reason = "by constants, and by streams, which are less than S")]

use core::arch::aarch64::{
    uint32x4_t, vaddq_u32, vcombine_u32, vcreate_u32, vdupq_n_u8, vdupq_n_u32, vgetq_lane_u32, vreinterpretq_u8_u32,
    vsetq_lane_u32, vsha1cq_u32, vsha1h_u32, vsha1mq_u32, vsha1pq_u32, vsha1su0q_u32, vsha1su1q_u32,
};

use super::neon::{load32, padded_key32, store32, truncate};
use crate::lanes::constants::words32::{COUNTER_BITS, END, SHA1_BITS};

/// The states after the key's block, for the inner and the outer hash.
#[target_feature(enable = "sha2")]
pub(super) fn key_states(initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) {
    for ([to_abcd @ .., to_e], (abcd, e)) in states.into_iter().zip(compress(initial, &padded_key32(key))) {
        store32(abcd, to_abcd);
        *to_e = e;
    }
}

/// The truncated HMAC-SHA-1 of each counter.
#[target_feature(enable = "sha2")]
pub(super) fn sha1<const S: usize>([inner, outer]: [&[u32; 5]; 2], counters: [u64; S]) -> [u32; S] {
    let zero = vdupq_n_u32(0);
    let mut blocks = [[zero, zero, zero, vsetq_lane_u32::<3>(COUNTER_BITS, zero)]; S];
    for (block, counter) in blocks.iter_mut().zip(counters) {
        block[0] = vcombine_u32(vcreate_u32(counter.rotate_left(32)), vcreate_u32(END.into()));
    }
    let hashes = compress(inner, &blocks);
    let mut blocks = [[zero, vsetq_lane_u32::<1>(END, zero), zero, vsetq_lane_u32::<3>(SHA1_BITS, zero)]; S];
    for (block, (abcd, e)) in blocks.iter_mut().zip(hashes) {
        block[0] = abcd;
        block[1] = vsetq_lane_u32::<0>(e, block[1]);
    }
    let mut values = [0; S];
    for (value, (abcd, e)) in values.iter_mut().zip(compress(outer, &blocks)) {
        let [last, ..] = e.to_le_bytes();
        let rest = vreinterpretq_u8_u32(vdupq_n_u32(e));
        *value = truncate::<4>(vreinterpretq_u8_u32(abcd), rest, vdupq_n_u8(last));
    }
    values
}

/// FIPS 180-4 section 6.1.2 in each stream: the state after as a, b, c, d and e.
#[target_feature(enable = "sha2")]
#[inline]
fn compress<const S: usize>(state: &[u32; 5], blocks: &[[uint32x4_t; 4]; S]) -> [(uint32x4_t, u32); S] {
    let [first_abcd @ .., first_e] = state;
    let first_abcd = load32(first_abcd);
    let (mut abcd, mut e, mut w) = ([first_abcd; S], [*first_e; S], *blocks);
    // Four rounds of each stream for each number, of step 3.
    macro_rules! four_rounds {
        ($rounds:ident, $k:ident; $($four:literal)*) => {$(
            for s in 0..S {
                if $four >= 4 {
                    let sum = vsha1su0q_u32(w[s][$four % 4], w[s][($four + 1) % 4], w[s][($four + 2) % 4]);
                    w[s][$four % 4] = vsha1su1q_u32(sum, w[s][($four + 3) % 4]);
                }
                let next_e = vsha1h_u32(vgetq_lane_u32::<0>(abcd[s]));
                abcd[s] = $rounds(abcd[s], e[s], vaddq_u32(w[s][$four % 4], $k));
                e[s] = next_e;
            }
        )*};
    }
    let [k0, k1, k2, k3] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6].map(|k| vdupq_n_u32(k));
    four_rounds!(vsha1cq_u32, k0; 0 1 2 3 4);
    four_rounds!(vsha1pq_u32, k1; 5 6 7 8 9);
    four_rounds!(vsha1mq_u32, k2; 10 11 12 13 14);
    four_rounds!(vsha1pq_u32, k3; 15 16 17 18 19);
    let mut states = [(first_abcd, *first_e); S];
    for s in 0..S {
        states[s] = (vaddq_u32(first_abcd, abcd[s]), first_e.wrapping_add(e[s]));
    }
    states
}
