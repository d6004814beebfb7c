//! Layer 2: HMAC (RFC 2104) of an 8-byte counter under a key computed once.
//!
//! Written on the bare compression functions, where the time goes. The two states after the padded
//! key are kept, and the counter and the inner hash are one block each. So a candidate of a window
//! costs two compressions instead of four. A key has at most 64 bytes, so it
//! is never hashed first. The tests compare with RustCrypto's `hmac`. [`lanes`] computes the same
//! faster, where the processor can.

use core::ops::RangeInclusive;

use subtle::{Choice, ConditionallySelectable};

use crate::wipe::wipe;
use crate::{Algorithm, Secret, lanes};

/// Defines the two states after a padded key's block, for one hash function.
macro_rules! states {
    ($name:ident, $word:ty, $words:literal, $compress:path, $first:path, $lanes:expr, $initial:expr) => {
        struct $name {
            inner: [$word; $words],
            outer: [$word; $words],
        }

        impl $name {
            const BLOCK_BYTES: usize = 16 * size_of::<$word>();
            const HASH_BYTES: usize = $words * size_of::<$word>();
            const INITIAL: [$word; $words] = $initial;

            const EMPTY: Self = Self { inner: Self::INITIAL, outer: Self::INITIAL };

            /// Of an empty one.
            fn set(&mut self, secret: &Secret) {
                if !$lanes(&Self::INITIAL, secret.padded(), [&mut self.inner, &mut self.outer]) {
                    self.set_portably(secret);
                }
            }

            fn set_portably(&mut self, secret: &Secret) {
                let mut block = [0x36; Self::BLOCK_BYTES];
                block.iter_mut().zip(secret.padded()).for_each(|(byte, key)| *byte ^= key);
                $compress(&mut self.inner, core::slice::from_ref(&block));
                for byte in &mut block {
                    *byte ^= 0x36 ^ 0x5c;
                }
                $compress(&mut self.outer, core::slice::from_ref(&block));
                wipe(&mut block);
            }

            /// The truncated HMAC of `counter`.
            fn compute(&self, counter: u64) -> u32 {
                let mut mac = self.mac(counter);
                let [.., last] = mac;
                let value = truncate($first(&mac), last.to_le_bytes()[0]);
                wipe(&mut mac);
                value
            }

            /// The HMAC of `counter`, on RustCrypto's compression function.
            fn mac(&self, counter: u64) -> [$word; $words] {
                const COUNTER_BYTES: usize = size_of::<u64>();
                let mut hash = Self::end::<COUNTER_BYTES>(self.inner, &counter.to_be_bytes()).map(<$word>::to_be_bytes);
                let mac = Self::end::<{ Self::HASH_BYTES }>(self.outer, hash.as_flattened());
                wipe(hash.as_flattened_mut());
                mac
            }

            /// The hash of one block and a message of `LEN` bytes after it.
            fn end<const LEN: usize>(mut state: [$word; $words], message: &[u8]) -> [$word; $words] {
                let mut block = const { last_block::<{ Self::BLOCK_BYTES }>(LEN) };
                block.iter_mut().zip(message).for_each(|(byte, value)| *byte = *value);
                $compress(&mut state, core::slice::from_ref(&block));
                wipe(&mut block);
                state
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                wipe(&mut self.inner);
                wipe(&mut self.outer);
            }
        }
    };
}

/// The last block of a message that has one block before it and `len` bytes in it, at most 64.
/// After these bytes come the bit 1, zeros, and the length in bits (FIPS 180-4 section 5.1).
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "evaluated in compilation"
)]
const fn last_block<const BLOCK_BYTES: usize>(len: usize) -> [u8; BLOCK_BYTES] {
    let bits = 8 * (BLOCK_BYTES + len);
    let mut block = [0; BLOCK_BYTES];
    block[len] = 0x80;
    block[BLOCK_BYTES - 2] = (bits >> 8) as u8;
    block[BLOCK_BYTES - 1] = bits as u8;
    block
}

// The initial values are those of FIPS 180-4, sections 5.3.1, 5.3.3 and 5.3.5.
states!(
    Sha1,
    u32,
    5,
    sha1::block_api::compress,
    first_of_32,
    lanes::sha1_key_states,
    [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
);
states!(
    Sha256,
    u32,
    8,
    sha2::block_api::compress256,
    first_of_32,
    lanes::sha256_key_states,
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19]
);
states!(
    Sha512,
    u64,
    8,
    sha2::block_api::compress512,
    first_of_64,
    lanes::sha512_key_states,
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

/// RFC 4226 section 5.3: 31 bits of the MAC, from the byte that the last four bits of its last byte
/// name. Where the RFC indexes, this shifts: by 8 and 4 bytes through selection, by the rest within
/// a word.
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

/// The states after the block of a key, of any algorithm; wiped on drop.
pub(crate) struct HmacState(Any);

enum Any {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl HmacState {
    /// Two compressions.
    pub(crate) fn new(algorithm: Algorithm, secret: &Secret) -> Self {
        let mut state = Self(match algorithm {
            Algorithm::Sha1 => Any::Sha1(Sha1::EMPTY),
            Algorithm::Sha256 => Any::Sha256(Sha256::EMPTY),
            Algorithm::Sha512 => Any::Sha512(Sha512::EMPTY),
        });
        state.set(secret);
        state
    }

    /// Calls `then` with a state that stays where it is made. To move what was just written costs
    /// as much as half a compression, and copying the empty states of one of three sizes costs a
    /// call.
    pub(crate) fn scope<T>(algorithm: Algorithm, secret: &Secret, then: impl FnOnce(&Self) -> T) -> T {
        macro_rules! scope {
            ($hash:ident) => {{
                let mut state = Self(Any::$hash($hash::EMPTY));
                state.set(secret);
                then(&state)
            }};
        }
        match algorithm {
            Algorithm::Sha1 => scope!(Sha1),
            Algorithm::Sha256 => scope!(Sha256),
            Algorithm::Sha512 => scope!(Sha512),
        }
    }

    /// [`truncated`](Self::truncated) under a key that is used once.
    pub(crate) fn truncated_once(algorithm: Algorithm, secret: &Secret, counter: u64) -> u32 {
        Self::scope(algorithm, secret, |state| state.truncated(counter))
    }

    #[inline]
    fn set(&mut self, secret: &Secret) {
        match &mut self.0 {
            Any::Sha1(states) => states.set(secret),
            Any::Sha256(states) => states.set(secret),
            Any::Sha512(states) => states.set(secret),
        }
    }

    /// The 31 bits that RFC 4226 section 5.3 takes of the HMAC of `counter`: two compressions.
    pub(crate) fn truncated(&self, counter: u64) -> u32 {
        lanes::compute_one(self.for_lanes(), counter).unwrap_or_else(|| self.truncated_portably(counter))
    }

    /// Calls `judge` with the truncated values of `window`, in batches from the lowest counter on,
    /// each with its first. Wipes them.
    pub(crate) fn batches(&self, window: RangeInclusive<u64>, mut judge: impl FnMut(u64, &mut [u32])) {
        // Most windows are narrow, and to clear the room of a wide one costs as much as a tenth of
        // theirs.
        const SMALL_BATCH_SIZE: usize = 16;
        if window.is_empty() {
            return;
        }
        let (first, last) = window.into_inner();
        if lanes::BATCH_SIZE > SMALL_BATCH_SIZE && last.wrapping_sub(first) < SMALL_BATCH_SIZE as u64 {
            self.batches_in([0; SMALL_BATCH_SIZE], first, last, &mut judge);
        } else {
            self.batches_in([0; lanes::BATCH_SIZE], first, last, &mut judge);
        }
    }

    fn batches_in<const N: usize>(&self, mut room: [u32; N], mut first: u64, last: u64, judge: &mut impl FnMut(u64, &mut [u32])) {
        loop {
            let after = last.wrapping_sub(first);
            let more = usize::try_from(after).unwrap_or(N).min(const { N - 1 });
            let values = room.get_mut(..=more).unwrap_or_default();
            self.fill(first, values);
            judge(first, values);
            if after < const { N as u64 } {
                break;
            }
            first = first.wrapping_add(const { N as u64 });
        }
        wipe(&mut room);
    }

    /// Computes the truncated values of `first` and the counters after it.
    fn fill(&self, first: u64, values: &mut [u32]) {
        let done = lanes::compute_many(self.for_lanes(), first, values);
        let mut counter = first.wrapping_add(done as u64);
        for value in values.iter_mut().skip(done) {
            *value = self.truncated_portably(counter);
            counter = counter.wrapping_add(1);
        }
    }

    fn truncated_portably(&self, counter: u64) -> u32 {
        match &self.0 {
            Any::Sha1(states) => states.compute(counter),
            Any::Sha256(states) => states.compute(counter),
            Any::Sha512(states) => states.compute(counter),
        }
    }

    const fn for_lanes(&self) -> lanes::States<'_> {
        match &self.0 {
            Any::Sha1(states) => lanes::States::Sha1([&states.inner, &states.outer]),
            Any::Sha256(states) => lanes::States::Sha256([&states.inner, &states.outer]),
            Any::Sha512(states) => lanes::States::Sha512([&states.inner, &states.outer]),
        }
    }
}

pub(crate) use lanes::MACS_AT_ONCE;

/// HMAC-SHA-256 of a number of 64 bits, whole; wiped on drop.
pub(crate) struct HmacSha256(Sha256);

impl HmacSha256 {
    /// Two compressions.
    pub(crate) fn new(secret: &Secret) -> Self {
        let mut state = Self(Sha256::EMPTY);
        state.0.set(secret);
        state
    }

    /// The HMACs of `first` and the numbers after it: two compressions each.
    pub(crate) fn compute(&self, first: u64, macs: &mut [[u32; 8]]) {
        let done = lanes::sha256_macs([&self.0.inner, &self.0.outer], first, macs);
        for (mac, at) in macs.iter_mut().zip(0..).skip(done) {
            *mac = self.0.mac(first.wrapping_add(at));
        }
    }
}

/// Each platform by itself, for tests and fuzzing.
#[cfg(any(test, fuzzing))]
impl HmacState {
    /// Runs [`fill`](Self::fill) on one platform and returns its name; none if the processor lacks
    /// the instructions, or the platform lacks this hash.
    pub(crate) fn fill_on(&self, platform: usize, first: u64, values: &mut [u32]) -> Option<&'static str> {
        let Some(platform) = platform.checked_sub(1) else {
            values.iter_mut().zip(0..).for_each(|(value, at)| *value = self.truncated_portably(first.wrapping_add(at)));
            return Some("portable");
        };
        lanes::compute_on(platform, self.for_lanes(), first, values)
    }
}

mod keys;
#[cfg(test)]
mod tests;

/// For the tests of `lanes`.
#[cfg(test)]
#[allow(dead_code, reason = "only x86 has a test with models of instructions")]
pub(crate) const SHA512_INITIAL: [u64; 8] = Sha512::INITIAL;

pub(crate) use keys::{Keys, MAX_KEYS, max_keys};
