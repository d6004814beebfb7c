//! Layer 2: HMAC-SHA-1 on the SHA extensions, of a few counters at once, with the words of the
//! message from one of two places.
//!
//! AMD's processors take them from the extensions as well. Intel's keep busy with those
//! instructions the unit that the rounds wait for, and two streams take nearly twice as long as
//! one; there AVX-512 computes the words beside the rounds.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "by constants from 4 to 19, and by streams, which are less than S"
)]

/// Four rounds of each stream for each number, of FIPS 180-4 section 6.1.2, step 3.
macro_rules! four_rounds {
    ($first_e:ident, $w:ident, $abcd:ident, $before:ident; $($four:literal)*) => {$(
        for s in 0..S {
            if $four >= 4 {
                $w[s][$four] = next(&$w[s], $four);
            }
            let word = $w[s][$four];
            let e = if $four == 0 { _mm_add_epi32($first_e, word) } else { _mm_sha1nexte_epu32($before[s], word) };
            $before[s] = $abcd[s];
            $abcd[s] = _mm_sha1rnds4_epu32::<{ $four / 5 }>($abcd[s], e);
        }
    )*};
}

/// Defines `key_states` and `sha1` on the module's `next(w, i)`: the i-th four words of a message,
/// of those in `w` before it.
macro_rules! sha1 {
    ($features:literal) => {
        use core::arch::x86_64::{__m128i, _mm_add_epi32, _mm_or_si128, _mm_setzero_si128, _mm_sha1nexte_epu32, _mm_sha1rnds4_epu32};

        use crate::lanes::x86::sha_ni::{falling, padded_key, truncate, words};
        use crate::lanes::constants::words32::{COUNTER_BITS, END, SHA1_BITS};
        use crate::lanes::x86::counter::{high, low};

        /// The states after the key's block, for the inner and the outer hash.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn key_states(initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) {
            for (to, [abcd, e]) in states.into_iter().zip(compress(initial, padded_key(key))) {
                let ([a, b, c, d], [e, ..]) = (words(abcd), words(e));
                *to = [a, b, c, d, e];
            }
        }

        /// The truncated HMAC-SHA-1 of each counter.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn sha1<const S: usize>([inner, outer]: [&[u32; 5]; 2], counters: [u64; S]) -> [u32; S] {
            let zero = _mm_setzero_si128();
            let mut blocks = [[zero, zero, zero, falling([0, 0, 0, COUNTER_BITS])]; S];
            for (block, counter) in blocks.iter_mut().zip(counters) {
                block[0] = falling([high(counter), low(counter), END, 0]);
            }
            let hashes = compress(inner, blocks);
            let mut blocks = [[zero, zero, zero, falling([0, 0, 0, SHA1_BITS])]; S];
            for (block, [abcd, e]) in blocks.iter_mut().zip(hashes) {
                block[0] = abcd;
                block[1] = _mm_or_si128(e, falling([0, END, 0, 0]));
            }
            let mut values = [0; S];
            for (value, [abcd, e]) in values.iter_mut().zip(compress(outer, blocks)) {
                *value = truncate::<12>(abcd, e);
            }
            values
        }

        /// FIPS 180-4 section 6.1.2 in each stream: the state before and after as a, b, c, d
        /// falling and e in the highest lane before zeros.
        #[target_feature(enable = $features)]
        #[inline]
        fn compress<const S: usize>(state: &[u32; 5], blocks: [[__m128i; 4]; S]) -> [[__m128i; 2]; S] {
            let [a, b, c, d, e] = *state;
            let (first_abcd, first_e) = (falling([a, b, c, d]), falling([e, 0, 0, 0]));
            let mut w = [[first_abcd; 20]; S];
            for s in 0..S {
                w[s][..4].copy_from_slice(&blocks[s]);
            }
            let mut abcd = [first_abcd; S];
            // As it was four rounds ago: its first word, rotated, is e.
            let mut before = [first_abcd; S];
            four_rounds!(first_e, w, abcd, before; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
            let mut states = [[first_abcd; 2]; S];
            for s in 0..S {
                states[s] = [_mm_add_epi32(first_abcd, abcd[s]), _mm_sha1nexte_epu32(before[s], first_e)];
            }
            states
        }
    };
}

/// With the words from the SHA extensions.
pub(super) mod sha_words {
    use core::arch::x86_64::{_mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_xor_si128};

    sha1!("sha,sse4.1");

    #[target_feature(enable = "sha,sse4.1")]
    #[inline]
    fn next(w: &[__m128i; 20], four: usize) -> __m128i {
        let sum = _mm_xor_si128(_mm_sha1msg1_epu32(w[four - 4], w[four - 3]), w[four - 2]);
        _mm_sha1msg2_epu32(sum, w[four - 1])
    }
}

/// With the words from AVX-512.
pub(super) mod avx512_words {
    use core::arch::x86_64::{
        _mm_alignr_epi8, _mm_bslli_si128, _mm_bsrli_si128, _mm_rol_epi32, _mm_ternarylogic_epi32, _mm_xor_si128,
    };

    sha1!("sha,sse4.1,avx512f,avx512vl");

    #[target_feature(enable = "avx512f,avx512vl")]
    #[inline]
    fn xor4(a: __m128i, b: __m128i, c: __m128i, d: __m128i) -> __m128i {
        _mm_ternarylogic_epi32::<0b1001_0110>(_mm_xor_si128(a, b), c, d)
    }

    #[target_feature(enable = "avx512f,avx512vl")]
    #[inline]
    pub(super) fn next(w: &[__m128i; 20], four: usize) -> __m128i {
        if four < 8 {
            // The fourth word takes the first, which is not there yet.
            let sum =
                xor4(w[four - 4], w[four - 2], _mm_alignr_epi8::<8>(w[four - 4], w[four - 3]), _mm_bslli_si128::<4>(w[four - 1]));
            let words = _mm_rol_epi32::<1>(sum);
            return _mm_xor_si128(words, _mm_rol_epi32::<1>(_mm_bsrli_si128::<12>(words)));
        }
        // The same rule put twice into itself: of the words 6, 16, 28 and 32 before.
        let sum = xor4(_mm_alignr_epi8::<8>(w[four - 2], w[four - 1]), w[four - 4], w[four - 7], w[four - 8]);
        _mm_rol_epi32::<2>(sum)
    }
}

#[cfg(test)]
mod tests {
    use core::arch::x86_64::{_mm_set_epi32, _mm_setzero_si128, _mm_storeu_si128};

    use proptest::prelude::*;

    use super::avx512_words;

    /// FIPS 180-4 section 6.1.2, step 1.
    fn schedule(block: [u32; 16]) -> [u32; 80] {
        let mut w = [0_u32; 80];
        w[..16].copy_from_slice(&block);
        for t in 16..80 {
            w[t] = (w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]).rotate_left(1);
        }
        w
    }

    /// Without the SHA extensions, which Miri has not.
    #[target_feature(enable = "avx512f,avx512vl")]
    fn schedule_in_fours(block: [u32; 16]) -> [u32; 80] {
        let mut fours = [_mm_setzero_si128(); 20];
        for (four, words) in fours.iter_mut().zip(block.as_chunks::<4>().0) {
            let [a, b, c, d] = words.map(u32::cast_signed);
            *four = _mm_set_epi32(a, b, c, d);
        }
        for four in 4..20 {
            fours[four] = avx512_words::next(&fours, four);
        }
        let mut w = [0; 80];
        for (to, four) in w.as_chunks_mut::<4>().0.iter_mut().zip(fours) {
            // SAFETY: writes as many bytes as the four words have, at any alignment.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), four) };
            to.reverse();
        }
        w
    }

    proptest! {
        #[test]
        fn the_words_are_those_of_the_standard(block: [u32; 16]) {
            if crate::lanes::x86::platform::Platform::Avx512Ymm.is_available() {
                // SAFETY: the processor has the instructions.
                prop_assert_eq!(unsafe { schedule_in_fours(block) }, schedule(block));
            }
        }
    }
}
