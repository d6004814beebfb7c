//! Layer 2: 8 lanes on AVX2, which has neither rotation nor functions of three operands.

use core::arch::x86_64::{_mm256_andnot_si256, _mm256_or_si256};

use super::vector::{hmac_in_lanes, primitives};
use super::vector_keys::hmac_under_keys;

primitives!(
    "avx2",
    __m256i of 8,
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

#[target_feature(enable = "avx2")]
#[inline]
fn rotate_left<const BITS: u32>(word: Vector) -> Vector {
    _mm256_or_si256(shift_left(word, splat(BITS)), shift_right(word, splat(32_u32.wrapping_sub(BITS))))
}

#[target_feature(enable = "avx2")]
#[inline]
fn choose(which: Vector, one: Vector, zero: Vector) -> Vector {
    _mm256_or_si256(and(which, one), _mm256_andnot_si256(which, zero))
}

#[target_feature(enable = "avx2")]
#[inline]
fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm256_or_si256(and(a, b), and(c, _mm256_or_si256(a, b)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(xor(a, b), c)
}

hmac_in_lanes!("avx2", unrolled);
hmac_under_keys!("avx2", unrolled);
