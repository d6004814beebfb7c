//! Layer 2: HMAC (RFC 2104) of an 8-byte counter under a key computed once.
//!
//! Written on the bare compression functions, since that is where the time goes: the two states after the padded key are kept, the
//! counter and the inner hash are one block each, and so a candidate of a window costs two compressions instead of four. A key
//! has at most 64 bytes, so it is never hashed first. RustCrypto's `hmac` is what the tests compare with.

use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::{Algorithm, Secret};

/// A hash function, as far as HMAC of one block needs it.
trait Hash {
    type State: Copy + Zeroize;
    type Block: Copy + Zeroize + AsMut<[u8]> + AsRef<[u8]>;

    const INITIAL: Self::State;
    const ZEROS: Self::Block;

    fn compress(state: &mut Self::State, block: &Self::Block);
    /// Writes the state in big endian to the front of `block` and returns how many bytes it has.
    fn write(state: &Self::State, block: &mut Self::Block) -> usize;
}

macro_rules! hash {
    ($name:ident, $word:ty, $words:literal, $block:literal, $compress:path, $initial:expr) => {
        struct $name;

        impl Hash for $name {
            type State = [$word; $words];
            type Block = [u8; $block];

            const INITIAL: Self::State = $initial;
            const ZEROS: Self::Block = [0; $block];

            fn compress(state: &mut Self::State, block: &Self::Block) {
                $compress(state, core::slice::from_ref(block));
            }

            fn write(state: &Self::State, block: &mut Self::Block) -> usize {
                let bytes = state.map(<$word>::to_be_bytes);
                let bytes = bytes.as_flattened();
                if let Some(front) = block.get_mut(..bytes.len()) {
                    front.copy_from_slice(bytes);
                }
                bytes.len()
            }
        }
    };
}

// The initial values are those of FIPS 180-4, sections 5.3.1, 5.3.3 and 5.3.5.
hash!(Sha1, u32, 5, 64, sha1::block_api::compress, [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0,]);
hash!(
    Sha256,
    u32,
    8,
    64,
    sha2::block_api::compress256,
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,]
);
hash!(
    Sha512,
    u64,
    8,
    128,
    sha2::block_api::compress512,
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

/// The two states after the padded key's block.
struct States<H: Hash> {
    inner: H::State,
    outer: H::State,
}

impl<H: Hash> States<H> {
    fn new(secret: &Secret) -> Self {
        let after = |pad: u8| {
            let mut state = H::INITIAL;
            let mut block = Zeroizing::new(H::ZEROS);
            block.as_mut().fill(pad);
            block.as_mut().iter_mut().zip(secret.padded()).for_each(|(byte, key)| *byte ^= key);
            H::compress(&mut state, &block);
            state
        };
        Self { inner: after(0x36), outer: after(0x5c) }
    }

    fn truncated(&self, counter: u64) -> u32 {
        let mut block = H::ZEROS;
        if let Some(front) = block.as_mut().first_chunk_mut() {
            *front = counter.to_be_bytes();
        }
        finish::<H>(&mut block, 8);
        let mut hash = self.inner;
        H::compress(&mut hash, &block);

        block = H::ZEROS;
        let len = H::write(&hash, &mut block);
        finish::<H>(&mut block, len);
        let mut mac = self.outer;
        H::compress(&mut mac, &block);

        let len = H::write(&mac, &mut block);
        truncate(block.as_ref().get(..len).unwrap_or_default())
    }
}

impl<H: Hash> Drop for States<H> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// Ends a message of `len` bytes that follows one block: the bit 1, zeros, and the length of both in bits (FIPS 180-4 section 5.1).
#[expect(clippy::arithmetic_side_effects, reason = "both lengths are at most 128")]
fn finish<H: Hash>(block: &mut H::Block, len: usize) {
    let bytes = block.as_mut();
    let bits = 8 * (bytes.len() + len) as u64;
    if let Some(byte) = bytes.get_mut(len) {
        *byte = 0x80;
    }
    if let Some(end) = bytes.last_chunk_mut() {
        *end = bits.to_be_bytes();
    }
}

/// RFC 4226 section 5.3: 31 bits of the MAC, from the byte that its last four bits name; in constant time, where the RFC indexes.
fn truncate(mac: &[u8]) -> u32 {
    let mut words = [0_u32; 5];
    for (word, bytes) in words.iter_mut().zip(mac.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let offset = u32::from(mac.last().copied().unwrap_or_default() & 15);
    let (mut high, mut low) = (0, 0);
    for (at, (word, next)) in (0_u32..).zip(words.iter().zip(words.iter().skip(1))) {
        let here = (offset >> 2).ct_eq(&at);
        high.conditional_assign(word, here);
        low.conditional_assign(next, here);
    }
    let pair = (u64::from(high) << 32 | u64::from(low)) << ((offset & 3) << 3);
    (pair >> 32) as u32 & 0x7fff_ffff
}

/// A key of any algorithm after its first block; wiped on drop.
pub(crate) struct Keyed(Any);

enum Any {
    Sha1(States<Sha1>),
    Sha256(States<Sha256>),
    Sha512(States<Sha512>),
}

impl Keyed {
    /// Two compressions.
    pub(crate) fn new(algorithm: Algorithm, secret: &Secret) -> Self {
        Self(match algorithm {
            Algorithm::Sha1 => Any::Sha1(States::new(secret)),
            Algorithm::Sha256 => Any::Sha256(States::new(secret)),
            Algorithm::Sha512 => Any::Sha512(States::new(secret)),
        })
    }

    /// The 31 bits that RFC 4226 section 5.3 takes of the HMAC of `counter`: two compressions.
    pub(crate) fn truncated(&self, counter: u64) -> u32 {
        match &self.0 {
            Any::Sha1(states) => states.truncated(counter),
            Any::Sha256(states) => states.truncated(counter),
            Any::Sha512(states) => states.truncated(counter),
        }
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;

    use super::Keyed;
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
            let truncated = |algorithm| Keyed::new(algorithm, &secret).truncated(counter);
            prop_assert_eq!(truncated(Algorithm::Sha1), hmac::<Hmac<sha1::Sha1>>(&key, counter));
            prop_assert_eq!(truncated(Algorithm::Sha256), hmac::<Hmac<sha2::Sha256>>(&key, counter));
            prop_assert_eq!(truncated(Algorithm::Sha512), hmac::<Hmac<sha2::Sha512>>(&key, counter));
        }
    }
}
