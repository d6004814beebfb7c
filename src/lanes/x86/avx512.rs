//! Layer 2: one or two vectors of AVX-512, whose `vprold` rotates and whose `vpternlogd` is any
//! function of three bits. A ymm has 8 lanes of 32 bits or 4 of 64, a zmm twice as many.

/// Defines the operations that differ from AVX2's.
macro_rules! ternary {
    ($features:literal, $rotate:ident, $ternary:ident) => {
        use core::arch::x86_64::{$rotate, $ternary};

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn rotate_left<const BITS: i32>(word: Vector) -> Vector {
            $rotate::<BITS>(word)
        }

        // The function's table of values: bit 4a + 2b + c of the number is that of a, b and c. For
        // words of 64 bits it is `vpternlogd` as well, which Miri executes, unlike `vpternlogq`.

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn choose(which: Vector, one: Vector, zero: Vector) -> Vector {
            $ternary::<0b1100_1010>(which, one, zero)
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
            $ternary::<0b1110_1000>(a, b, c)
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
            $ternary::<0b1001_0110>(a, b, c)
        }
    };
}

/// SHA-1 and SHA-256.
pub(super) mod words32 {
    pub(in crate::lanes::x86) mod ymm {
        use crate::lanes::x86::vector::{hmac_in_lanes, primitives};

        primitives!(
            "avx512f,avx512vl",
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
        ternary!("avx512f,avx512vl", _mm256_rol_epi32, _mm256_ternarylogic_epi32);
        hmac_in_lanes!("avx512f,avx512vl", unrolled);
    }

    pub(in crate::lanes::x86) mod zmm {
        use crate::lanes::x86::vector::{hmac_in_lanes, primitives};
        use crate::lanes::x86::vector_keys::hmac_under_keys;

        primitives!(
            "avx512f",
            __m512i of 16 u32,
            _mm512_set1_epi32,
            _mm512_loadu_si512,
            _mm512_storeu_si512,
            _mm512_add_epi32,
            _mm512_sub_epi32,
            _mm512_and_si512,
            _mm512_xor_si512,
            _mm512_sllv_epi32,
            _mm512_srlv_epi32
        );
        ternary!("avx512f", _mm512_rol_epi32, _mm512_ternarylogic_epi32);
        hmac_in_lanes!("avx512f", unrolled);
        hmac_under_keys!("avx512f", unrolled);
    }

    #[expect(clippy::arithmetic_side_effects, reason = "numbers of rounds, less than 80")]
    pub(in crate::lanes::x86) mod zmm_and_ymm {
        use super::{ymm, zmm};
        use crate::lanes::x86::pair::pair;
        use crate::lanes::x86::vector::hmac_in_lanes;

        pair!("avx512f,avx512vl", zmm and ymm, u32);
        hmac_in_lanes!("avx512f,avx512vl", looped);
    }

    #[expect(clippy::arithmetic_side_effects, reason = "numbers of rounds, less than 80")]
    pub(in crate::lanes::x86) mod two_zmm {
        use super::zmm;
        use crate::lanes::x86::pair::pair;
        use crate::lanes::x86::vector::hmac_in_lanes;
        use crate::lanes::x86::vector_keys::hmac_under_keys;

        pair!("avx512f", zmm and zmm, u32);
        hmac_in_lanes!("avx512f", looped);
        hmac_under_keys!("avx512f", looped);
    }
}

/// SHA-512.
pub(super) mod words64 {
    pub(in crate::lanes::x86) mod ymm {
        use crate::lanes::x86::vector::primitives;
        use crate::lanes::x86::vector_sha512::{hmac_sha512_in_lanes, sha512_key_states};

        primitives!(
            "avx512f,avx512vl",
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
        ternary!("avx512f,avx512vl", _mm256_rol_epi64, _mm256_ternarylogic_epi32);
        hmac_sha512_in_lanes!("avx512f,avx512vl");
        sha512_key_states!("avx512f,avx512vl");
    }

    pub(in crate::lanes::x86) mod zmm {
        use crate::lanes::x86::vector::primitives;
        use crate::lanes::x86::vector_sha512::{hmac_sha512_in_lanes, hmac_sha512_under_keys};

        primitives!(
            "avx512f",
            __m512i of 8 u64,
            _mm512_set1_epi64,
            _mm512_loadu_si512,
            _mm512_storeu_si512,
            _mm512_add_epi64,
            _mm512_sub_epi64,
            _mm512_and_si512,
            _mm512_xor_si512,
            _mm512_sllv_epi64,
            _mm512_srlv_epi64
        );
        ternary!("avx512f", _mm512_rol_epi64, _mm512_ternarylogic_epi32);
        hmac_sha512_in_lanes!("avx512f");
        hmac_sha512_under_keys!("avx512f");
    }

    pub(in crate::lanes::x86) mod zmm_and_ymm {
        use super::{ymm, zmm};
        use crate::lanes::x86::pair::pair;
        use crate::lanes::x86::vector_sha512::hmac_sha512_in_lanes;

        pair!("avx512f,avx512vl", zmm and ymm, u64);
        hmac_sha512_in_lanes!("avx512f,avx512vl");
    }

    pub(in crate::lanes::x86) mod two_zmm {
        use super::zmm;
        use crate::lanes::x86::pair::pair;
        use crate::lanes::x86::vector_sha512::{hmac_sha512_in_lanes, hmac_sha512_under_keys};

        pair!("avx512f", zmm and zmm, u64);
        hmac_sha512_in_lanes!("avx512f");
        hmac_sha512_under_keys!("avx512f");
    }
}
