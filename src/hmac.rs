//! Layer 2: HMAC (RFC 2104) of an 8-byte counter under a key computed once.
//!
//! Written on the bare compression functions, since that is where the time goes: the two states after the padded key are kept, the
//! counter and the inner hash are one block each, and so a candidate of a window costs two compressions instead of four. A key
//! has at most 64 bytes, so it is never hashed first. RustCrypto's `hmac` is what the tests compare with. Where
//! [`lanes`] are faster, they compute the same.

use core::ops::RangeInclusive;

use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, Zeroizing};

use crate::{Algorithm, Secret, lanes};

/// Defines the two states after a padded key's block, for one hash function.
macro_rules! states {
    ($name:ident, $word:ty, $words:literal, $compress:path, $first:path, $lanes:expr, $initial:expr) => {
        struct $name {
            inner: [$word; $words],
            outer: [$word; $words],
        }

        impl $name {
            const BLOCK: usize = 16 * size_of::<$word>();
            const HASH: usize = $words * size_of::<$word>();
            const INITIAL: [$word; $words] = $initial;

            fn new(secret: &Secret) -> Self {
                if let Some([inner, outer]) = $lanes(&Self::INITIAL, secret.padded()) {
                    return Self { inner, outer };
                }
                let (mut inner, mut outer) = (Self::INITIAL, Self::INITIAL);
                let mut block = [0x36; Self::BLOCK];
                block.iter_mut().zip(secret.padded()).for_each(|(byte, key)| *byte ^= key);
                $compress(&mut inner, core::slice::from_ref(&block));
                for byte in &mut block {
                    *byte ^= 0x36 ^ 0x5c;
                }
                $compress(&mut outer, core::slice::from_ref(&block));
                // A slice is wiped in one go; an array would be, byte by byte.
                block.as_mut_slice().zeroize();
                Self { inner, outer }
            }

            fn truncated(&self, counter: u64) -> u32 {
                const COUNTER: usize = size_of::<u64>();
                let hash = Self::end::<COUNTER>(self.inner, &counter.to_be_bytes());
                let mac = Self::end::<{ Self::HASH }>(self.outer, hash.map(<$word>::to_be_bytes).as_flattened());
                let [.., last] = mac;
                truncate($first(&mac), last.to_le_bytes()[0])
            }

            /// The hash of one block and a message of `LEN` bytes after it.
            fn end<const LEN: usize>(mut state: [$word; $words], message: &[u8]) -> [$word; $words] {
                let mut block = const { last_block::<{ Self::BLOCK }>(LEN) };
                block.iter_mut().zip(message).for_each(|(byte, value)| *byte = *value);
                $compress(&mut state, core::slice::from_ref(&block));
                state
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.inner.as_mut_slice().zeroize();
                self.outer.as_mut_slice().zeroize();
            }
        }
    };
}

/// The last block of a message, of whose bytes `len` (at most 64) stand in it and one block before it: after them the bit 1, zeros,
/// and in the last bytes the length in bits (FIPS 180-4 section 5.1).
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "evaluated in compilation"
)]
const fn last_block<const BLOCK: usize>(len: usize) -> [u8; BLOCK] {
    let bits = 8 * (BLOCK + len);
    let mut block = [0; BLOCK];
    block[len] = 0x80;
    block[BLOCK - 2] = (bits >> 8) as u8;
    block[BLOCK - 1] = bits as u8;
    block
}

// The initial values are those of FIPS 180-4, sections 5.3.1, 5.3.3 and 5.3.5.
states!(
    Sha1,
    u32,
    5,
    sha1::block_api::compress,
    first_of_32,
    lanes::sha1_key,
    [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
);
states!(
    Sha256,
    u32,
    8,
    sha2::block_api::compress256,
    first_of_32,
    lanes::sha256_key,
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19]
);
states!(
    Sha512,
    u64,
    8,
    sha2::block_api::compress512,
    first_of_64,
    |_, _| None::<[[u64; 8]; 2]>,
    [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ]
);

/// The first 20 bytes of a MAC, as words.
fn first_of_32<const N: usize>(mac: &[u32; N]) -> [u32; 5] {
    let mut words = [0; 5];
    words.iter_mut().zip(mac).for_each(|(to, from)| *to = *from);
    words
}

fn first_of_64(mac: &[u64; 8]) -> [u32; 5] {
    let [a, b, c, ..] = mac.map(|word| [(word >> 32) as u32, (word & 0xffff_ffff) as u32]);
    [a[0], a[1], b[0], b[1], c[0]]
}

/// RFC 4226 section 5.3: 31 bits of the MAC, from the byte that the last four bits of its last byte name. Where the RFC indexes, this
/// shifts: by 8 and 4 bytes through selection, by the rest within a word.
fn truncate(words: [u32; 5], last: u8) -> u32 {
    let offset = last & 15;
    let ([mut first, mut second, mut third, fourth, fifth], by_8, by_4) =
        (words, Choice::from(offset >> 3), Choice::from(offset >> 2 & 1));
    first.conditional_assign(&third, by_8);
    second.conditional_assign(&fourth, by_8);
    third.conditional_assign(&fifth, by_8);
    first.conditional_assign(&second, by_4);
    second.conditional_assign(&third, by_4);
    let pair = (u64::from(first) << 32 | u64::from(second)) << ((offset & 3) << 3);
    (pair >> 32) as u32 & 0x7fff_ffff
}

/// A key of any algorithm after its first block; wiped on drop.
pub(crate) struct Key(Any);

enum Any {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Key {
    /// Two compressions.
    pub(crate) fn new(algorithm: Algorithm, secret: &Secret) -> Self {
        Self(match algorithm {
            Algorithm::Sha1 => Any::Sha1(Sha1::new(secret)),
            Algorithm::Sha256 => Any::Sha256(Sha256::new(secret)),
            Algorithm::Sha512 => Any::Sha512(Sha512::new(secret)),
        })
    }

    /// The 31 bits that RFC 4226 section 5.3 takes of the HMAC of `counter`: two compressions.
    pub(crate) fn truncated(&self, counter: u64) -> u32 {
        let mut value = [0];
        self.fill(counter, &mut value);
        let [value] = value;
        value
    }

    /// Calls `judge` with each counter of `window` and its truncated value, from the lowest on.
    pub(crate) fn each(&self, window: RangeInclusive<u64>, mut judge: impl FnMut(u64, u32)) {
        const BATCH: u64 = lanes::BATCH as u64;
        if window.is_empty() {
            return;
        }
        let mut values = Zeroizing::new([0; lanes::BATCH]);
        let (mut first, last) = window.into_inner();
        loop {
            let after = last.wrapping_sub(first);
            let count = after.min(const { BATCH - 1 }) as usize + 1;
            let batch = values.get_mut(..count).unwrap_or_default();
            self.fill(first, batch);
            for value in batch {
                judge(first, *value);
                first = first.wrapping_add(1);
            }
            if after < BATCH {
                break;
            }
        }
    }

    /// Computes the truncated values of `first` and the counters after it.
    fn fill(&self, first: u64, values: &mut [u32]) {
        let in_lanes = match &self.0 {
            Any::Sha1(states) => lanes::truncated(lanes::Key::Sha1([&states.inner, &states.outer]), first, values),
            Any::Sha256(states) => lanes::truncated(lanes::Key::Sha256([&states.inner, &states.outer]), first, values),
            Any::Sha512(_) => false,
        };
        if !in_lanes {
            let mut counter = first;
            for value in values {
                *value = match &self.0 {
                    Any::Sha1(states) => states.truncated(counter),
                    Any::Sha256(states) => states.truncated(counter),
                    Any::Sha512(states) => states.truncated(counter),
                };
                counter = counter.wrapping_add(1);
            }
        }
    }
}

/// [`Key::truncated`] for a key used once.
pub(crate) fn truncated(algorithm: Algorithm, secret: &Secret, counter: u64) -> u32 {
    Key::new(algorithm, secret).truncated(counter)
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;

    use super::Key;
    use crate::{Algorithm, Secret};

    /// RFC 4226 section 5.3 to the letter, on RustCrypto's HMAC.
    fn reference(mac: &[u8]) -> u32 {
        let offset = usize::from(mac[mac.len() - 1] & 15);
        u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff
    }

    fn hmac<M: Mac + KeyInit>(key: &[u8], counter: u64) -> u32 {
        let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
        mac.update(&counter.to_be_bytes());
        reference(&mac.finalize().into_bytes())
    }

    proptest! {
        #[test]
        fn agrees_with_rustcrypto(key in prop::collection::vec(any::<u8>(), 16..=64), counter: u64) {
            let secret = Secret::new(&key).unwrap();
            let truncated = |algorithm| Key::new(algorithm, &secret).truncated(counter);
            prop_assert_eq!(truncated(Algorithm::Sha1), hmac::<Hmac<sha1::Sha1>>(&key, counter));
            prop_assert_eq!(truncated(Algorithm::Sha256), hmac::<Hmac<sha2::Sha256>>(&key, counter));
            prop_assert_eq!(truncated(Algorithm::Sha512), hmac::<Hmac<sha2::Sha512>>(&key, counter));
        }
    }
}
