//! Layer 2: HMAC-SHA-512 on Arm's instructions for it, of a few counters at once.
#![expect(clippy::indexing_slicing, reason = "by constants, and by streams, which are less than S")]
#![expect(clippy::arithmetic_side_effects, reason = "numbers of vectors, less than 16, and constants")]

use core::arch::aarch64::{
    uint64x2_t, vaddq_u64, vcombine_u64, vcreate_u64, vdupq_laneq_u8, vdupq_n_u64, veorq_u64, vextq_u64, vreinterpretq_u8_u64,
    vreinterpretq_u64_u8, vrev64q_u8, vsetq_lane_u64, vsha512h2q_u64, vsha512hq_u64, vsha512su0q_u64, vsha512su1q_u64,
};
use core::arch::asm;
use core::hint::black_box;

use super::neon::{load_bytes, load64, store64, truncate};
use crate::lanes::constants::K512;
use crate::lanes::constants::words64::{COUNTER_BITS, END, INNER_PAD, OUTER_PAD, SHA512_BITS};

// Where the constant words of a message begin, in vectors: after a counter, after a hash, and
// nowhere in a key.
const COUNTER: usize = 1;
const HASH: usize = 4;
const KEY: usize = 8;

/// The constants of two rounds each. The first round takes the higher word.
type Constants = [[u64; 2]; 8];

const NEXT: [Constants; 4] = [constants(1, [0; 16]), constants(2, [0; 16]), constants(3, [0; 16]), constants(4, [0; 16])];

/// The constants of sixteen rounds, with the constant words of their messages added.
const fn constants(sixteen: usize, words: [u64; 16]) -> Constants {
    let mut k = [[0; 2]; 8];
    let mut t = 0;
    while t < 16 {
        k[t / 2][1 - t % 2] = K512[sixteen][t].wrapping_add(words[t]);
        t += 1;
    }
    k
}

/// The constant words of a message that has them from a vector on. [`END`] after a counter shares
/// its vector, and is not one of them.
const fn constant_words(from: usize) -> [u64; 16] {
    let mut words = [0; 16];
    match from {
        COUNTER => words[15] = COUNTER_BITS,
        HASH => (words[8], words[15]) = (END, SHA512_BITS),
        _ => {}
    }
    words
}

/// The states after the key's block, for the inner and the outer hash.
#[target_feature(enable = "sha3")]
pub(super) fn key_states(initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) {
    let mut blocks = [INNER_PAD, OUTER_PAD].map(|pad| [vdupq_n_u64(pad); 8]);
    for block in &mut blocks {
        for (to, bytes) in block.iter_mut().zip(key.as_chunks().0) {
            *to = veorq_u64(*to, vreinterpretq_u64_u8(vrev64q_u8(load_bytes(bytes))));
        }
    }
    for (to, quarters) in states.into_iter().zip(compress::<2, KEY>(initial, blocks)) {
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
    let hashes = compress::<S, COUNTER>(inner, blocks);
    let (end, bits) = (vsetq_lane_u64::<0>(END, zero), vsetq_lane_u64::<1>(SHA512_BITS, zero));
    let blocks = hashes.map(|[ab, cd, ef, gh]| [ab, cd, ef, gh, end, zero, zero, bits]);
    let mut values = [0; S];
    for (value, [ab, cd, _, gh]) in values.iter_mut().zip(compress::<S, HASH>(outer, blocks)) {
        let (low, high, last) = (vreinterpretq_u8_u64(ab), vreinterpretq_u8_u64(cd), vreinterpretq_u8_u64(gh));
        *value = truncate::<8>(low, high, vdupq_laneq_u8::<8>(last));
    }
    values
}

/// Keeps the compiler from making what takes `then` before `first` is there. It would make words
/// early, and then there are more of them than registers. This is no instruction.
#[target_feature(enable = "neon")]
#[inline]
fn after(first: uint64x2_t, mut then: uint64x2_t) -> uint64x2_t {
    // SAFETY: nothing is executed.
    unsafe { asm!("/* {0:v} {1:v} */", in(vreg) first, inout(vreg) then, options(pure, nomem, nostack, preserves_flags)) };
    then
}

/// FIPS 180-4 section 6.4.2 in each stream, of a message whose vectors from `CONSTANT_FROM` on are
/// constant: the state after as a, b and c, d and e, f and g, h.
#[target_feature(enable = "sha3")]
#[inline]
fn compress<const S: usize, const CONSTANT_FROM: usize>(state: &[u64; 8], mut w: [[uint64x2_t; 8]; S]) -> [[uint64x2_t; 4]; S] {
    let mut first = [vdupq_n_u64(0); 4];
    first.iter_mut().zip(state.as_chunks().0).for_each(|(to, pair)| *to = load64(pair));
    let mut states = [first; S];
    // What the stream before computed last.
    let mut before = first[0];
    // Two rounds of each stream for each number, of step 3. No vector moves: from two rounds to the
    // next the four of a state take each other's places in turn.
    macro_rules! two_rounds {
        ($k:expr; $($two:literal)*) => {$(
            let k = load64(&$k[$two % 8]);
            for s in 0..S {
                let [ab, cd, ef, gh] = [4, 5, 6, 7].map(|at| states[s][(at - $two % 4) % 4]);
                let mut sum = vaddq_u64(k, gh);
                if $two >= 8 {
                    let [new, next, middle, last] = [$two, $two + 1, $two + 4, $two + 7].map(|at| w[s][at % 8]);
                    let ninth = vextq_u64::<1>(middle, w[s][($two + 5) % 8]);
                    // The constant words here that sigma is taken of are 0, and so is it.
                    let is_same = (8 + CONSTANT_FROM..15).contains(&$two);
                    let new = after(before, new);
                    let new = if is_same { new } else { vsha512su0q_u64(new, next) };
                    w[s][$two % 8] = vsha512su1q_u64(new, last, ninth);
                }
                if $two >= 8 || $two < CONSTANT_FROM {
                    let word = w[s][$two % 8];
                    sum = vaddq_u64(vextq_u64::<1>(word, word), sum);
                }
                let sum = vsha512hq_u64(sum, vextq_u64::<1>(ef, gh), vextq_u64::<1>(cd, ef));
                let new_ef = vaddq_u64(cd, sum);
                before = vsha512h2q_u64(after(new_ef, sum), cd, ab);
                states[s][(7 - $two % 4) % 4] = before;
                states[s][(5 - $two % 4) % 4] = new_ef;
            }
        )*};
    }
    // From memory: the compiler would take an instruction more to find each by itself.
    let (given, next) = black_box(&const { (constants(0, constant_words(CONSTANT_FROM)), NEXT) });
    two_rounds!(given; 0 1 2 3 4 5 6 7);
    two_rounds!(next[0]; 8 9 10 11 12 13 14 15);
    two_rounds!(next[1]; 16 17 18 19 20 21 22 23);
    two_rounds!(next[2]; 24 25 26 27 28 29 30 31);
    two_rounds!(next[3]; 32 33 34 35 36 37 38 39);
    for state in &mut states {
        state.iter_mut().zip(first).for_each(|(to, first)| *to = vaddq_u64(*to, first));
    }
    states
}
