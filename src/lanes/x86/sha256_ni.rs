//! Layer 2: HMAC-SHA-256 on the SHA extensions, of a few counters at once.
#![expect(clippy::indexing_slicing, reason = "by constants, and by streams, which are less than S")]
#![expect(clippy::many_single_char_names, reason = "the names of FIPS 180-4")]

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi64,
};

use super::counter::{counters, high, low};
use super::sha_ni::{falling, padded_key, rising, truncate, turned, words};
use crate::lanes::constants::K256;
use crate::lanes::constants::words32::{COUNTER_BITS, END, SHA256_BITS};

/// The states after the key's block, for the inner and the outer hash.
#[target_feature(enable = "sha,sse4.1")]
pub(super) fn key_states(initial: &[u32; 8], key: &[u8; 64], states: [&mut [u32; 8]; 2]) {
    let mut blocks = padded_key(key);
    for words in blocks.as_flattened_mut() {
        *words = turned(*words);
    }
    for (to, [abcd, efgh]) in states.into_iter().zip(compress(initial, blocks)) {
        let ([a, b, c, d], [e, f, g, h]) = (words(abcd), words(efgh));
        *to = [a, b, c, d, e, f, g, h];
    }
}

/// The truncated HMAC-SHA-256 of each counter.
#[target_feature(enable = "sha,sse4.1")]
pub(super) fn sha256<const S: usize>(states: [&[u32; 8]; 2], counters: [u64; S]) -> [u32; S] {
    let mut values = [0; S];
    for (value, [abcd, efgh]) in values.iter_mut().zip(hmacs(states, counters)) {
        *value = truncate::<0>(abcd, efgh);
    }
    values
}

/// The whole HMAC-SHA-256 of `first` and the numbers after it.
#[target_feature(enable = "sha,sse4.1")]
pub(super) fn fill_macs(states: [&[u32; 8]; 2], first: u64, macs: &mut [[u32; 8]]) {
    let (many, left) = macs.as_chunks_mut::<4>();
    let mut number = first;
    for macs in many {
        *macs = whole(states, counters(number));
        number = number.wrapping_add(4);
    }
    match left {
        [a, b, c] => [*a, *b, *c] = whole(states, counters(number)),
        [a, b] => [*a, *b] = whole(states, counters(number)),
        [a] => [*a] = whole(states, counters(number)),
        _ => {}
    }
}

/// The HMAC of each counter, in its words.
#[target_feature(enable = "sha,sse4.1")]
fn whole<const S: usize>(states: [&[u32; 8]; 2], counters: [u64; S]) -> [[u32; 8]; S] {
    let mut macs = [[0; 8]; S];
    for (mac, [abcd, efgh]) in macs.iter_mut().zip(hmacs(states, counters)) {
        let ([a, b, c, d], [e, f, g, h]) = (words(abcd), words(efgh));
        *mac = [a, b, c, d, e, f, g, h];
    }
    macs
}

/// The HMAC of each counter, as `compress` leaves it.
#[target_feature(enable = "sha,sse4.1")]
#[inline]
fn hmacs<const S: usize>([inner, outer]: [&[u32; 8]; 2], counters: [u64; S]) -> [[__m128i; 2]; S] {
    let zero = _mm_setzero_si128();
    let mut blocks = [[zero, zero, zero, rising([0, 0, 0, COUNTER_BITS])]; S];
    for (block, counter) in blocks.iter_mut().zip(counters) {
        block[0] = rising([high(counter), low(counter), END, 0]);
    }
    let hashes = compress(inner, blocks);
    let mut blocks = [[zero, zero, rising([END, 0, 0, 0]), rising([0, 0, 0, SHA256_BITS])]; S];
    for (block, [abcd, efgh]) in blocks.iter_mut().zip(hashes) {
        block[0] = turned(abcd);
        block[1] = turned(efgh);
    }
    compress(outer, blocks)
}

/// FIPS 180-4 section 6.2.2 in each stream: the state after as a, b, c, d and e, f, g, h, both
/// falling.
#[target_feature(enable = "sha,sse4.1")]
#[inline]
fn compress<const S: usize>(state: &[u32; 8], mut w: [[__m128i; 4]; S]) -> [[__m128i; 2]; S] {
    let [a, b, c, d, e, f, g, h] = *state;
    let (first_abef, first_cdgh) = (falling([a, b, e, f]), falling([c, d, g, h]));
    let (mut abef, mut cdgh) = ([first_abef; S], [first_cdgh; S]);
    macro_rules! four_rounds {
        ($($four:literal)*) => {$(
            let k = &K256[$four / 4];
            let at = 4 * ($four % 4);
            let k = rising([k[at], k[at + 1], k[at + 2], k[at + 3]]);
            for s in 0..S {
                if $four >= 4 {
                    let ninth = _mm_alignr_epi8::<4>(w[s][($four + 3) % 4], w[s][($four + 2) % 4]);
                    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[s][$four % 4], w[s][($four + 1) % 4]), ninth);
                    w[s][$four % 4] = _mm_sha256msg2_epu32(sum, w[s][($four + 3) % 4]);
                }
                let sum = _mm_add_epi32(w[s][$four % 4], k);
                cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], sum);
                abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32::<0b00_00_11_10>(sum));
            }
        )*};
    }
    four_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    let mut states = [[first_abef; 2]; S];
    for s in 0..S {
        let (abef, cdgh) = (_mm_add_epi32(first_abef, abef[s]), _mm_add_epi32(first_cdgh, cdgh[s]));
        states[s] = [_mm_unpackhi_epi64(cdgh, abef), _mm_unpacklo_epi64(cdgh, abef)];
    }
    states
}
