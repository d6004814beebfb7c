//! Layer 2: what the streams share, on the SHA extensions (SHA-NI) and on the instructions for
//! SHA-512: words in vectors, a key's blocks, and the truncation.
//!
//! One compression leaves the SHA unit waiting for its own results; `S` streams, which do not wait
//! for each other, fill it. The words of a message are known, so no byte is reordered or loaded,
//! and the inner hash is the outer message as it is.

use core::arch::x86_64::{
    __m128i, _mm_adds_epu8, _mm_and_si128, _mm_cvtsi128_si32, _mm_extract_epi32, _mm_or_si128, _mm_set_epi32, _mm_set_epi64x,
    _mm_set1_epi8, _mm_set1_epi32, _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_sub_epi8, _mm_xor_si128,
};

use crate::lanes::constants::words32::{INNER_PAD, OUTER_PAD};

/// The first word in the highest lane, as the instructions for SHA-1 have it.
#[target_feature(enable = "sse4.1")]
#[inline]
pub(super) fn falling(words: [u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(u32::cast_signed);
    _mm_set_epi32(a, b, c, d)
}

/// The first word in the lowest lane, as the instructions for SHA-256 have it.
#[target_feature(enable = "sse4.1")]
#[inline]
pub(super) fn rising([a, b, c, d]: [u32; 4]) -> __m128i {
    falling([d, c, b, a])
}

#[target_feature(enable = "sha,sse4.1")]
#[inline]
pub(super) fn turned(words: __m128i) -> __m128i {
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

/// The two blocks of a key, each of its falling words xor the pad of the inner and of the outer
/// hash (RFC 2104).
#[target_feature(enable = "sha,sse4.1")]
#[inline]
pub(super) fn padded_key(key: &[u8; 64]) -> [[__m128i; 4]; 2] {
    let turned = rising([0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203]);
    let (inner, outer) = (_mm_set1_epi32(INNER_PAD.cast_signed()), _mm_set1_epi32(OUTER_PAD.cast_signed()));
    let mut blocks = [[inner; 4], [outer; 4]];
    let [inner, outer] = &mut blocks;
    for ((inner, outer), words) in inner.iter_mut().zip(outer).zip(key.as_chunks::<8>().0.as_chunks::<2>().0) {
        let [low, high] = words.map(i64::from_le_bytes);
        let words = _mm_shuffle_epi8(_mm_set_epi64x(high, low), turned);
        (*inner, *outer) = (_mm_xor_si128(words, *inner), _mm_xor_si128(words, *outer));
    }
    blocks
}

/// RFC 4226 section 5.3 of a MAC whose first four words fall in `abcd`, whose fifth is the highest
/// of `rest`, and whose last byte is byte `LAST` of `rest`. A byte shuffle takes its indices from a
/// register, not from memory.
#[target_feature(enable = "sse4.1")]
#[inline]
pub(super) fn truncate<const LAST: i8>(abcd: __m128i, rest: __m128i) -> u32 {
    let offset = _mm_and_si128(_mm_shuffle_epi8(rest, _mm_set1_epi8(LAST)), _mm_set1_epi8(15));
    // Byte n of the MAC is byte 15 - n of `abcd`, or byte 31 - n of `rest`. An index with its
    // highest bit set gives 0: those below 0 have it, and those above 15 get it.
    let from_abcd = _mm_sub_epi8(rising([0x0f0e_0d0c, 0, 0, 0]), offset);
    let from_rest = _mm_adds_epu8(_mm_sub_epi8(rising([0x1f1e_1d1c, 0, 0, 0]), offset), _mm_set1_epi8(0x70));
    let word = _mm_or_si128(_mm_shuffle_epi8(abcd, from_abcd), _mm_shuffle_epi8(rest, from_rest));
    _mm_cvtsi128_si32(word).cast_unsigned() & 0x7fff_ffff
}
