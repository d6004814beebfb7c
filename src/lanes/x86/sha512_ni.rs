//! Layer 2: HMAC-SHA-512 on the instructions for it, of a few counters at once.
//!
//! Processors have them since 2024. The streams are written over the three instructions, and the
//! tests run them over models of the instructions as well, on every processor with AVX2.
#![expect(clippy::indexing_slicing, reason = "by constants, and by streams, which are less than S")]

/// Four rounds of each stream for each number, of FIPS 180-4 section 6.4.2, step 3.
macro_rules! four_rounds {
    ($w:ident, $abef:ident, $cdgh:ident; $($four:literal)*) => {$(
        let k = const { K512.as_flattened().as_chunks::<4>().0[$four] };
        let k = rising(k);
        for s in 0..S {
            if $four >= 4 {
                let [new, next, middle, last] = [$four, $four + 1, $four + 2, $four + 3].map(|four| $w[s][four % 4]);
                // The words from the seventh to the fourth before the new ones.
                let seventh = _mm256_permute4x64_epi64::<0b00_11_10_01>(_mm256_blend_epi32::<0b0000_0011>(middle, last));
                let sum = _mm256_add_epi64(first_sums(new, _mm256_castsi256_si128(next)), seventh);
                $w[s][$four % 4] = new_words(sum, last);
            }
            let sum = _mm256_add_epi64($w[s][$four % 4], k);
            $cdgh[s] = two_rounds($cdgh[s], $abef[s], _mm256_castsi256_si128(sum));
            $abef[s] = two_rounds($abef[s], $cdgh[s], _mm256_extracti128_si256::<1>(sum));
        }
    )*};
}

/// Defines `key_states` and `sha512` on the module's `first_sums`, `new_words` and `two_rounds`.
macro_rules! sha512 {
    ($features:literal) => {
        use core::arch::x86_64::{
            __m256i, _mm_blend_epi32, _mm256_add_epi64, _mm256_blend_epi32, _mm256_castsi256_si128, _mm256_extracti128_si256,
            _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setzero_si256,
            _mm256_storeu_si256, _mm256_xor_si256,
        };

        use crate::lanes::x86::sha_ni::truncate;
        use crate::lanes::constants::K512;
        use crate::lanes::constants::words64::{COUNTER_BITS, END, INNER_PAD, OUTER_PAD, SHA512_BITS};
        use crate::wipe::wipe;

        /// The first word in the highest lane.
        #[target_feature(enable = $features)]
        #[inline]
        fn falling(words: [u64; 4]) -> __m256i {
            let [a, b, c, d] = words.map(u64::cast_signed);
            _mm256_set_epi64x(a, b, c, d)
        }

        /// The first word in the lowest lane.
        #[target_feature(enable = $features)]
        #[inline]
        fn rising([a, b, c, d]: [u64; 4]) -> __m256i {
            falling([d, c, b, a])
        }

        /// The states after the key's block, for the inner and the outer hash.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn key_states(initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) {
            let mut blocks = [[_mm256_set1_epi64x(INNER_PAD.cast_signed()); 4], [_mm256_set1_epi64x(OUTER_PAD.cast_signed()); 4]];
            for block in &mut blocks {
                for (to, words) in block.iter_mut().zip(key.as_chunks::<8>().0.as_chunks::<4>().0) {
                    *to = _mm256_xor_si256(*to, rising(words.map(u64::from_be_bytes)));
                }
            }
            for (to, [abef, cdgh]) in states.into_iter().zip(compress(initial, blocks)) {
                let [mut low, mut high] = [[0; 4]; 2];
                // SAFETY: each writes as many bytes as the array has, at any alignment.
                unsafe {
                    _mm256_storeu_si256(low.as_mut_ptr().cast(), abef);
                    _mm256_storeu_si256(high.as_mut_ptr().cast(), cdgh);
                }
                let ([f, e, b, a], [h, g, d, c]) = (low, high);
                *to = [a, b, c, d, e, f, g, h];
                wipe(&mut low);
                wipe(&mut high);
            }
        }

        /// The truncated HMAC-SHA-512 of each counter.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn sha512<const S: usize>([inner, outer]: [&[u64; 8]; 2], counters: [u64; S]) -> [u32; S] {
            let zero = _mm256_setzero_si256();
            let mut blocks = [[zero, zero, zero, rising([0, 0, 0, COUNTER_BITS])]; S];
            for (block, counter) in blocks.iter_mut().zip(counters) {
                block[0] = rising([counter, END, 0, 0]);
            }
            let hashes = compress(inner, blocks);
            let mut blocks = [[zero, zero, rising([END, 0, 0, 0]), rising([0, 0, 0, SHA512_BITS])]; S];
            for (block, [abef, cdgh]) in blocks.iter_mut().zip(hashes) {
                block[0] = turned(_mm256_permute2x128_si256::<0x31>(cdgh, abef));
                block[1] = turned(_mm256_permute2x128_si256::<0x20>(cdgh, abef));
            }
            let mut values = [0; S];
            for (value, [abef, cdgh]) in values.iter_mut().zip(compress(outer, blocks)) {
                let (ab, cd) = (_mm256_extracti128_si256::<1>(abef), _mm256_extracti128_si256::<1>(cdgh));
                // The word with the last byte, below the one with the bytes from 16 on.
                let rest = _mm_blend_epi32::<0b1100>(_mm256_castsi256_si128(cdgh), cd);
                *value = truncate::<0>(ab, rest);
            }
            values
        }

        /// The four words the other way round.
        #[target_feature(enable = $features)]
        #[inline]
        fn turned(words: __m256i) -> __m256i {
            _mm256_permute4x64_epi64::<0b00_01_10_11>(words)
        }

        /// FIPS 180-4 section 6.4.2 in each stream, of rising words: the state after as a, b, e, f
        /// and c, d, g, h, both falling.
        #[target_feature(enable = $features)]
        #[inline]
        fn compress<const S: usize>(state: &[u64; 8], mut w: [[__m256i; 4]; S]) -> [[__m256i; 2]; S] {
            let [a, b, c, d, e, f, g, h] = *state;
            let (first_abef, first_cdgh) = (falling([a, b, e, f]), falling([c, d, g, h]));
            let (mut abef, mut cdgh) = ([first_abef; S], [first_cdgh; S]);
            four_rounds!(w, abef, cdgh; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
            let mut states = [[first_abef; 2]; S];
            for s in 0..S {
                states[s] = [_mm256_add_epi64(first_abef, abef[s]), _mm256_add_epi64(first_cdgh, cdgh[s])];
            }
            states
        }
    };
}

/// On the instructions themselves.
pub(super) mod instructions {
    use core::arch::x86_64::{
        _mm256_sha512msg1_epi64 as first_sums, _mm256_sha512msg2_epi64 as new_words, _mm256_sha512rnds2_epi64 as two_rounds,
    };

    sha512!("sha512");
}

#[cfg(test)]
mod tests;
