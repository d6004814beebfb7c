//! Layer 2: what the streams share: words in vectors of Advanced SIMD, the pads of a key's blocks,
//! and the truncation.
//!
//! Lanes rise, which is the order of the words in memory, and so a load is one instruction.

use core::arch::aarch64::{
    uint8x16_t, uint8x16x2_t, uint32x4_t, uint64x2_t, vaddq_u8, vandq_u8, vcombine_u8, vcreate_u8, vdupq_n_u8, vdupq_n_u32,
    veorq_u8, veorq_u32, vgetq_lane_u32, vld1q_u8, vld1q_u32, vld1q_u64, vqtbl2q_u8, vreinterpretq_u32_u8, vrev32q_u8, vst1q_u32,
    vst1q_u64,
};

use crate::lanes::constants::words32::{INNER_PAD, OUTER_PAD};

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn load_bytes(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: reads as many bytes as the array has, at any alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn load32(words: &[u32; 4]) -> uint32x4_t {
    // SAFETY: reads as many bytes as the array has, at any alignment.
    unsafe { vld1q_u32(words.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn load64(words: &[u64; 2]) -> uint64x2_t {
    // SAFETY: reads as many bytes as the array has, at any alignment.
    unsafe { vld1q_u64(words.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn store32(words: uint32x4_t, to: &mut [u32; 4]) {
    // SAFETY: writes as many bytes as the array has, at any alignment.
    unsafe { vst1q_u32(to.as_mut_ptr(), words) };
}

#[target_feature(enable = "neon")]
#[inline]
pub(super) fn store64(words: uint64x2_t, to: &mut [u64; 2]) {
    // SAFETY: writes as many bytes as the array has, at any alignment.
    unsafe { vst1q_u64(to.as_mut_ptr(), words) };
}

/// The two blocks of a key in words of 32 bits, each word xor the pad of the inner and of the outer
/// hash (RFC 2104).
#[target_feature(enable = "neon")]
#[inline]
pub(super) fn padded_key32(key: &[u8; 64]) -> [[uint32x4_t; 4]; 2] {
    let mut blocks = [INNER_PAD, OUTER_PAD].map(|pad| [vdupq_n_u32(pad); 4]);
    for block in &mut blocks {
        for (to, bytes) in block.iter_mut().zip(key.as_chunks().0) {
            *to = veorq_u32(*to, vreinterpretq_u32_u8(vrev32q_u8(load_bytes(bytes))));
        }
    }
    blocks
}

/// RFC 4226 section 5.3 of a MAC of words of `WORD` bytes, whose first bytes are in `low` and the
/// next in `high`. The lowest bits of each byte of `last` are those of the MAC's last byte. The
/// table is two registers: no byte comes from memory.
#[target_feature(enable = "neon")]
#[inline]
pub(super) fn truncate<const WORD: u8>(low: uint8x16_t, high: uint8x16_t, last: uint8x16_t) -> u32 {
    let offset = vandq_u8(last, vdupq_n_u8(15));
    // The lowest byte of the result is the last of the four. In a word the first byte is the
    // highest: byte n of the MAC is byte n ^ (WORD - 1) of the registers.
    let bytes = vaddq_u8(offset, vcombine_u8(vcreate_u8(0x0001_0203), vcreate_u8(0)));
    let places = veorq_u8(bytes, vdupq_n_u8(const { WORD - 1 }));
    let word = vqtbl2q_u8(uint8x16x2_t(low, high), places);
    vgetq_lane_u32::<0>(vreinterpretq_u32_u8(word)) & 0x7fff_ffff
}
