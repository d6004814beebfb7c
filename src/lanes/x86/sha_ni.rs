//! Layer 2: HMAC-SHA-256 on the SHA extensions (SHA-NI), of a few counters at once, and what SHA-1 shares with it.
//!
//! One compression leaves the SHA unit waiting for its own results; `S` streams, which do not wait for each other, fill it. What stands
//! in a word of a message is known, so no byte is put in order or loaded, and the inner hash is the outer message as it is.
#![expect(clippy::indexing_slicing, reason = "by constants, and by streams, which are less than S")]
#![expect(clippy::many_single_char_names, reason = "the names of FIPS 180-4")]

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_adds_epu8, _mm_alignr_epi8, _mm_and_si128, _mm_cvtsi128_si32, _mm_extract_epi32, _mm_or_si128,
    _mm_set_epi32, _mm_set_epi64x, _mm_set1_epi8, _mm_set1_epi32, _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32,
    _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_sub_epi8, _mm_unpackhi_epi64, _mm_unpacklo_epi64,
    _mm_xor_si128,
};

use super::wide::{COUNTER_BITS, END, K256, SHA256_BITS};
use super::{high, low};

/// The first word in the highest lane, as the instructions for SHA-1 have it.
#[target_feature(enable = "sha,sse4.1")]
#[inline]
pub(super) fn falling(words: [u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(u32::cast_signed);
    _mm_set_epi32(a, b, c, d)
}

/// The first word in the lowest lane, as the instructions for SHA-256 have it.
#[target_feature(enable = "sha,sse4.1")]
#[inline]
fn rising([a, b, c, d]: [u32; 4]) -> __m128i {
    falling([d, c, b, a])
}

#[target_feature(enable = "sha,sse4.1")]
#[inline]
fn turned(words: __m128i) -> __m128i {
    _mm_shuffle_epi32::<0b00_01_10_11>(words)
}

/// The four words of a vector, the highest lane first.
#[target_feature(enable = "sha,sse4.1")]
#[inline]
pub(super) fn words(vector: __m128i) -> [u32; 4] {
    [
        _mm_extract_epi32::<3>(vector).cast_unsigned(),
        _mm_extract_epi32::<2>(vector).cast_unsigned(),
        _mm_extract_epi32::<1>(vector).cast_unsigned(),
        _mm_extract_epi32::<0>(vector).cast_unsigned(),
    ]
}

/// The two blocks of a key, each of its falling words xor the pad of the inner and of the outer hash (RFC 2104).
#[target_feature(enable = "sha,sse4.1")]
#[inline]
pub(super) fn padded_key(key: &[u8; 64]) -> [[__m128i; 4]; 2] {
    let turned = rising([0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203]);
    let (inner, outer) = (_mm_set1_epi32(0x3636_3636), _mm_set1_epi32(0x5c5c_5c5c));
    let mut blocks = [[inner; 4], [outer; 4]];
    let [inner, outer] = &mut blocks;
    for ((inner, outer), words) in inner.iter_mut().zip(outer).zip(key.as_chunks::<8>().0.as_chunks::<2>().0) {
        let [low, high] = words.map(i64::from_le_bytes);
        let words = _mm_shuffle_epi8(_mm_set_epi64x(high, low), turned);
        (*inner, *outer) = (_mm_xor_si128(words, *inner), _mm_xor_si128(words, *outer));
    }
    blocks
}

/// The states after the key's block, for the inner and the outer hash.
#[target_feature(enable = "sha,sse4.1")]
pub(super) fn sha256_key(initial: &[u32; 8], key: &[u8; 64], states: [&mut [u32; 8]; 2]) {
    let mut blocks = padded_key(key);
    for words in blocks.as_flattened_mut() {
        *words = turned(*words);
    }
    for (to, [abcd, efgh]) in states.into_iter().zip(sha256_compress(initial, blocks)) {
        let ([a, b, c, d], [e, f, g, h]) = (words(abcd), words(efgh));
        *to = [a, b, c, d, e, f, g, h];
    }
}

/// The truncated HMAC-SHA-256 of each counter.
#[target_feature(enable = "sha,sse4.1")]
pub(super) fn sha256<const S: usize>([inner, outer]: [&[u32; 8]; 2], counters: [u64; S]) -> [u32; S] {
    let zero = _mm_setzero_si128();
    let mut blocks = [[zero, zero, zero, rising([0, 0, 0, COUNTER_BITS])]; S];
    for (block, counter) in blocks.iter_mut().zip(counters) {
        block[0] = rising([high(counter), low(counter), END, 0]);
    }
    let hashes = sha256_compress(inner, blocks);
    let mut blocks = [[zero, zero, rising([END, 0, 0, 0]), rising([0, 0, 0, SHA256_BITS])]; S];
    for (block, [abcd, efgh]) in blocks.iter_mut().zip(hashes) {
        block[0] = turned(abcd);
        block[1] = turned(efgh);
    }
    let mut truncated = [0; S];
    for (truncated, [abcd, efgh]) in truncated.iter_mut().zip(sha256_compress(outer, blocks)) {
        *truncated = truncate::<0>(abcd, efgh);
    }
    truncated
}

/// FIPS 180-4 section 6.2.2 in each stream: the state after as a, b, c, d and e, f, g, h, both falling.
#[target_feature(enable = "sha,sse4.1")]
#[inline]
fn sha256_compress<const S: usize>(state: &[u32; 8], mut w: [[__m128i; 4]; S]) -> [[__m128i; 2]; S] {
    let [a, b, c, d, e, f, g, h] = *state;
    let (first_abef, first_cdgh) = (falling([a, b, e, f]), falling([c, d, g, h]));
    let (mut abef, mut cdgh) = ([first_abef; S], [first_cdgh; S]);
    macro_rules! four_rounds {
        ($($four:literal)*) => {$(
            let k = rising([K256[4 * $four], K256[4 * $four + 1], K256[4 * $four + 2], K256[4 * $four + 3]]);
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

/// RFC 4226 section 5.3 of a MAC whose first four words fall in `abcd`, whose fifth is the highest of `rest`, and whose last byte is byte
/// `LAST` of `rest`. A byte shuffle takes its indices from a register, not from memory.
#[target_feature(enable = "sha,sse4.1")]
#[inline]
pub(super) fn truncate<const LAST: i8>(abcd: __m128i, rest: __m128i) -> u32 {
    let offset = _mm_and_si128(_mm_shuffle_epi8(rest, _mm_set1_epi8(LAST)), _mm_set1_epi8(15));
    // Byte n of the MAC is byte 15 - n of `abcd`, or byte 31 - n of `rest`. An index with its highest bit set gives 0: those below 0
    // have it, and those above 15 get it.
    let from_abcd = _mm_sub_epi8(rising([0x0f0e_0d0c, 0, 0, 0]), offset);
    let from_rest = _mm_adds_epu8(_mm_sub_epi8(rising([0x1f1e_1d1c, 0, 0, 0]), offset), _mm_set1_epi8(0x70));
    let word = _mm_or_si128(_mm_shuffle_epi8(abcd, from_abcd), _mm_shuffle_epi8(rest, from_rest));
    _mm_cvtsi128_si32(word).cast_unsigned() & 0x7fff_ffff
}
