//! The streams over models of the instructions, against RustCrypto's HMAC.

#![expect(clippy::many_single_char_names, reason = "the names of FIPS 180-4")]

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use std::vec::Vec;

use crate::lanes::x86::platform::Platform;

/// The instructions as Intel's manual describes them (volume 2, `VSHA512MSG1` and its neighbours).
mod models {
    use core::arch::x86_64::{__m128i, _mm_storeu_si128};

    sha512!("avx2");

    #[target_feature(enable = "avx2")]
    fn words4(vector: __m256i) -> [u64; 4] {
        let mut words = [0; 4];
        // SAFETY: writes as many bytes as the array has, at any alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) };
        words
    }

    #[target_feature(enable = "avx2")]
    fn words2(vector: __m128i) -> [u64; 2] {
        let mut words = [0; 2];
        // SAFETY: writes as many bytes as the array has, at any alignment.
        unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), vector) };
        words
    }

    fn sigma_0(word: u64) -> u64 {
        word.rotate_right(1) ^ word.rotate_right(8) ^ word >> 7
    }

    fn sigma_1(word: u64) -> u64 {
        word.rotate_right(19) ^ word.rotate_right(61) ^ word >> 6
    }

    #[target_feature(enable = "avx2")]
    fn first_sums(words: __m256i, next: __m128i) -> __m256i {
        let ([w0, w1, w2, w3], [w4, _]) = (words4(words), words2(next));
        let sum = |word: u64, next| word.wrapping_add(sigma_0(next));
        rising([sum(w0, w1), sum(w1, w2), sum(w2, w3), sum(w3, w4)])
    }

    #[target_feature(enable = "avx2")]
    fn new_words(sums: __m256i, last: __m256i) -> __m256i {
        let ([s0, s1, s2, s3], [_, _, w14, w15]) = (words4(sums), words4(last));
        let word = |sum: u64, before| sum.wrapping_add(sigma_1(before));
        let (w16, w17) = (word(s0, w14), word(s1, w15));
        rising([w16, w17, word(s2, w16), word(s3, w17)])
    }

    #[target_feature(enable = "avx2")]
    fn two_rounds(cdgh: __m256i, abef: __m256i, sums: __m128i) -> __m256i {
        let ([h, g, d, c], [f, e, b, a]) = (words4(cdgh), words4(abef));
        let (mut state, sums) = ([a, b, c, d, e, f, g, h], words2(sums));
        for sum in sums {
            let [a, b, c, d, e, f, g, h] = state;
            let low = e.rotate_right(14) ^ e.rotate_right(18) ^ e.rotate_right(41);
            let first = [e & f ^ !e & g, low, sum].into_iter().fold(h, u64::wrapping_add);
            let high = a.rotate_right(28) ^ a.rotate_right(34) ^ a.rotate_right(39);
            let second = high.wrapping_add(a & b ^ a & c ^ b & c);
            state = [first.wrapping_add(second), a, b, c, d.wrapping_add(first), e, f, g];
        }
        let [a, b, _, _, e, f, ..] = state;
        falling([a, b, e, f])
    }
}

/// RFC 4226 section 5.3 to the letter, on RustCrypto's HMAC.
fn reference(key: &[u8], counter: u64) -> u32 {
    let mut mac = Hmac::<sha2::Sha512>::new_from_slice(key).unwrap();
    mac.update(&counter.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[63] & 15);
    u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff
}

/// The values of `S` counters, from the bytes of the key on.
#[target_feature(enable = "avx2")]
fn compute<const S: usize>(key: &[u8; 64], first: u64) -> [u32; S] {
    let mut states = [[0; 8]; 2];
    let [inner, outer] = &mut states;
    models::key_states(&crate::hmac::SHA512_INITIAL, key, [inner, outer]);
    models::sha512([&states[0], &states[1]], core::array::from_fn(|stream| first.wrapping_add(stream as u64)))
}

proptest! {
    #[test]
    fn streams_over_models_of_the_sha512_instructions_agree_with_rustcrypto(
        key in prop::array::uniform32(any::<[u8; 2]>()),
        first in prop_oneof![any::<u64>(), Just(u64::MAX)],
    ) {
        if Platform::Avx2.is_available() {
            let key: &[u8; 64] = key.as_flattened().try_into().unwrap();
            let expected: Vec<u32> = (0..4).map(|at| reference(key, first.wrapping_add(at))).collect();
            // SAFETY: the processor has the instructions.
            unsafe {
                prop_assert_eq!(&compute::<1>(key, first)[..], &expected[..1]);
                prop_assert_eq!(&compute::<2>(key, first)[..], &expected[..2]);
                prop_assert_eq!(&compute::<3>(key, first)[..], &expected[..3]);
                prop_assert_eq!(&compute::<4>(key, first)[..], &expected[..4]);
            }
        }
    }
}
