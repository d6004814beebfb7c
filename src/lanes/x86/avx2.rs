//! Layer 2: a vector of AVX2, which has neither rotation nor functions of three operands: 8 lanes
//! of 32 bits, or 4 of 64.

/// Defines the operations that differ from AVX-512's.
macro_rules! binary {
    ($word_bits:literal) => {
        use core::arch::x86_64::{_mm256_andnot_si256, _mm256_or_si256};

        #[target_feature(enable = "avx2")]
        #[inline]
        fn rotate_left<const BITS: u32>(word: Vector) -> Vector {
            let right = const { $word_bits - BITS };
            _mm256_or_si256(shift_left(word, splat(BITS.into())), shift_right(word, splat(right.into())))
        }

        #[target_feature(enable = "avx2")]
        #[inline]
        fn choose(which: Vector, one: Vector, zero: Vector) -> Vector {
            _mm256_or_si256(and(which, one), _mm256_andnot_si256(which, zero))
        }

        #[target_feature(enable = "avx2")]
        #[inline]
        fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
            xor(xor(a, b), c)
        }
    };
}

pub(super) mod words32 {
    use crate::lanes::x86::vector::{hmac_in_lanes, primitives};
    use crate::lanes::x86::vector_keys::hmac_under_keys;

    primitives!(
        "avx2",
        __m256i of 8 u32,
        _mm256_set1_epi32,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_add_epi32,
        _mm256_sub_epi32,
        _mm256_and_si256,
        _mm256_xor_si256,
        _mm256_sllv_epi32,
        _mm256_srlv_epi32
    );
    binary!(32);

    #[target_feature(enable = "avx2")]
    #[inline]
    fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm256_or_si256(and(a, b), and(c, _mm256_or_si256(a, b)))
    }

    hmac_in_lanes!("avx2", unrolled);
    hmac_under_keys!("avx2", unrolled);

    /// The whole HMAC-SHA-256 of `first` and the numbers after it, at most [`LANES`].
    #[target_feature(enable = "avx2")]
    pub(in crate::lanes::x86) fn fill_macs(states: [&[u32; 8]; 2], first: u64, macs: &mut [[u32; 8]]) {
        let mut words = hmac_sha256(states, first).map(|vector| store(vector));
        for (at, words) in words.iter().enumerate() {
            for (mac, word) in macs.iter_mut().zip(words) {
                if let Some(to) = mac.get_mut(at) {
                    *to = *word;
                }
            }
        }
        wipe(words.as_flattened_mut());
    }
}

pub(super) mod words64 {
    use crate::lanes::x86::vector::primitives;
    use crate::lanes::x86::vector_sha512::{hmac_sha512_in_lanes, hmac_sha512_under_keys, sha512_key_states};

    primitives!(
        "avx2",
        __m256i of 4 u64,
        _mm256_set1_epi64x,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_add_epi64,
        _mm256_sub_epi64,
        _mm256_and_si256,
        _mm256_xor_si256,
        _mm256_sllv_epi64,
        _mm256_srlv_epi64
    );
    binary!(64);

    /// Of three operations in a round, as the next round has `xor(b, c)` from this one.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
        xor(b, and(xor(a, b), xor(b, c)))
    }

    hmac_sha512_in_lanes!("avx2");
    hmac_sha512_under_keys!("avx2");
    sha512_key_states!("avx2");
}
