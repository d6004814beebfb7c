//! AES-256-GCM (NIST SP 800-38D) for a key that is used once, and for texts as short as a record.
//!
//! AES and GHASH are RustCrypto's. Its aes-gcm takes texts of any length and keeps the key, and so
//! encrypts and hashes a few blocks at a time. Here one call encrypts all blocks of a key, and
//! another one hashes the text with its length.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes256Enc, Block};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

use crate::RECORD_SIZE;
use crate::record::Writer;
use crate::wipe::wipe;

pub(super) const KEY_SIZE: usize = 32;
pub(super) const NONCE_SIZE: usize = 12;
const TAG_SIZE: usize = 16;
const BLOCK_SIZE: usize = 16;
/// The blocks of the longest text.
const TEXT_BLOCKS: usize = RECORD_SIZE.div_ceil(BLOCK_SIZE);

/// What a key and a nonce give, for one text. Its parts wipe themselves on drop.
pub(super) struct Gcm {
    ghash: GHash,
    blocks: Blocks,
}

/// The encrypted blocks of a key: of zeros, the first counter block J0, and the key stream.
struct Blocks([[u8; BLOCK_SIZE]; 2 + TEXT_BLOCKS]);

impl Gcm {
    /// Section 7.1, steps 1 to 3, with the key stream of the longest text.
    #[inline]
    pub(super) fn new(key: &[u8; KEY_SIZE], nonce: [u8; NONCE_SIZE]) -> Self {
        let mut counters = [0; BLOCK_SIZE];
        Writer(&mut counters).put(nonce);
        let counters = u128::from_be_bytes(counters);
        let mut blocks = Blocks([[0; BLOCK_SIZE]; 2 + TEXT_BLOCKS]);
        let [_, counter_blocks @ ..] = &mut blocks.0;
        counter_blocks.iter_mut().zip(1..).for_each(|(block, counter)| *block = (counters | counter).to_be_bytes());
        Aes256Enc::new(key.into()).encrypt_blocks(Block::cast_slice_from_core_mut(&mut blocks.0));
        let [subkey, ..] = &blocks.0;
        Self { ghash: GHash::new(subkey.into()), blocks }
    }

    /// Encrypts the text, and returns its tag, which also covers `data`.
    #[inline]
    pub(super) fn encrypt<const SIZE: usize>(self, data: &[u8], text: &mut [u8; SIZE]) -> [u8; TAG_SIZE] {
        let Self { ghash, blocks } = self;
        blocks.apply_key_stream(text);
        blocks.mask(hash(ghash, data, text))
    }

    /// Decrypts the text if the tag is right for it and `data`. Otherwise leaves it as it is and
    /// returns false.
    #[inline]
    pub(super) fn decrypt<const SIZE: usize>(self, data: &[u8], text: &mut [u8; SIZE], tag: &[u8; TAG_SIZE]) -> bool {
        let Self { ghash, blocks } = self;
        let is_right = blocks.mask(hash(ghash, data, text)).ct_eq(tag).into();
        if is_right {
            blocks.apply_key_stream(text);
        }
        is_right
    }
}

/// Section 7.1, steps 4 and 5, of an encrypted text.
fn hash<const SIZE: usize>(mut ghash: GHash, data: &[u8], text: &[u8; SIZE]) -> [u8; BLOCK_SIZE] {
    const { assert!(SIZE <= TEXT_BLOCKS * BLOCK_SIZE, "a text is longer than its blocks") };
    let mut blocks = [[0; BLOCK_SIZE]; TEXT_BLOCKS + 1];
    blocks.as_flattened_mut().iter_mut().zip(text).for_each(|(to, byte)| *to = *byte);
    let count = const { SIZE.div_ceil(BLOCK_SIZE) };
    if let Some(lengths) = blocks.get_mut(count) {
        let bits = |bytes: usize| u128::from((bytes as u64).saturating_mul(8));
        *lengths = (bits(data.len()) << 64 | bits(SIZE)).to_be_bytes();
    }
    ghash.update_padded(data);
    ghash.update(Block::cast_slice_from_core(blocks.get(..=count).unwrap_or_default()));
    ghash.finalize().0
}

impl Blocks {
    fn apply_key_stream<const SIZE: usize>(&self, text: &mut [u8; SIZE]) {
        const { assert!(SIZE <= TEXT_BLOCKS * BLOCK_SIZE, "a text is longer than the key stream") };
        let [_, _, key_stream @ ..] = &self.0;
        text.iter_mut().zip(key_stream.as_flattened()).for_each(|(byte, key)| *byte ^= key);
    }

    /// Section 7.1, step 6: the tag of a hash.
    fn mask(&self, hash: [u8; BLOCK_SIZE]) -> [u8; TAG_SIZE] {
        let [_, mask, ..] = self.0;
        (u128::from_ne_bytes(hash) ^ u128::from_ne_bytes(mask)).to_ne_bytes()
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        wipe(self.0.as_flattened_mut());
    }
}

impl ZeroizeOnDrop for Blocks {}

#[cfg(test)]
mod tests {
    use aes_gcm::Aes256Gcm;
    use aes_gcm::aead::AeadInOut;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    fn bytes<const SIZE: usize>(hex: &str) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        HEXLOWER.decode_mut(hex.as_bytes(), &mut bytes).unwrap();
        bytes
    }

    /// Of `gcmEncryptExtIV256.rsp`, NIST's Cryptographic Algorithm Validation Program.
    #[test]
    fn vectors_of_nist_come_out() {
        fn check<const SIZE: usize, const DATA_SIZE: usize>([key, nonce, text, data, encrypted, tag]: [&str; 6]) {
            let (mut body, data) = (bytes::<SIZE>(text), bytes::<DATA_SIZE>(data));
            let gcm = || Gcm::new(&bytes(key), bytes(nonce));
            assert_eq!(gcm().encrypt(&data, &mut body), bytes(tag));
            assert_eq!(body, bytes(encrypted));
            assert!(gcm().decrypt(&data, &mut body, &bytes(tag)));
            assert_eq!(body, bytes(text));
        }
        check::<13, 90>([
            "ff9506b4d46ba54128876fadfcc673a4c927c618ea7d95cfcaa508cbc8f7fc66",
            "3742ad2208a0484345eee1be",
            "7fd0d6cadc92cad27bb2d7d8c8",
            "f1360a27fdc244be8739d85af6491c762a693aafe668c449515fdeeedb6a90aeee3891bbc8b69adc6a6426cb12fcdebc\
             32c9f58c5259d128b91efa28620a3a9a0168b0ff5e76951cb41647ba4aa1f87fac0d97ac580e42cffc7e",
            "bdb8346b28eb4d7226493611a6",
            "7484d827b767647f44c7f94a39f8175c",
        ]);
        check::<32, 0>([
            "268ed1b5d7c9c7304f9cae5fc437b4cd3aebe2ec65f0d85c3918d3d3b5bba89b",
            "9ed9d8180564e0e945f5e5d4",
            "fe29a40d8ebf57262bdb87191d01843f4ca4b2de97d88273154a0b7d9e2fdb80",
            "",
            "791a4a026f16f3a5ea06274bf02baab469860abde5e645f3dd473a5acddeecfc",
            "05b2b74db0662550435ef1900e136b15",
        ]);
        check::<51, 48>([
            "463b412911767d57a0b33969e674ffe7845d313b88c6fe312f3d724be68e1fca",
            "611ce6f9a6880750de7da6cb",
            "e7d1dcf668e2876861940e012fe52a98dacbd78ab63c08842cc9801ea581682ad54af0c34d0d7f6f59e8ee0bf4900e0fd85042",
            "0a682fbc6192e1b47a5e0868787ffdafe5a50cead3575849990cdd2ea9b3597749403efb4a56684f0c6bde352d4aeec5",
            "8886e196010cb3849d9c1a182abe1eeab0a5f3ca423c3669a4a8703c0f146e8e956fb122e0d721b869d2b6fcd4216d7d4d3758",
            "2469cecd70fd98fec9264f71df1aee9a",
        ]);
    }

    fn compare<const SIZE: usize>(key: [u8; KEY_SIZE], nonce: [u8; NONCE_SIZE], data: &[u8], text: &[u8]) {
        let mut body: [u8; SIZE] = text[..SIZE].try_into().unwrap();
        let mut peers = body;
        let tag = Gcm::new(&key, nonce).encrypt(data, &mut body);
        let peer = Aes256Gcm::new(&key.into());
        let peers_tag = peer.encrypt_inout_detached(&nonce.into(), data, peers.as_mut_slice().into()).unwrap();
        assert_eq!((body, tag), (peers, peers_tag.into()));
        for bit in 0..8 * TAG_SIZE {
            let mut wrong = tag;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!Gcm::new(&key, nonce).decrypt(data, &mut body, &wrong), "bit {bit}");
            assert_eq!(body, peers, "a wrong tag leaves the text encrypted");
        }
        assert!(Gcm::new(&key, nonce).decrypt(data, &mut body, &tag));
        assert_eq!(body, text[..SIZE]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn results_are_those_of_aes_gcm(
            key: [u8; KEY_SIZE],
            nonce: [u8; NONCE_SIZE],
            data in prop::collection::vec(any::<u8>(), 0..200),
            text in prop::collection::vec(any::<u8>(), TEXT_BLOCKS * BLOCK_SIZE),
        ) {
            compare::<0>(key, nonce, &data, &text);
            compare::<1>(key, nonce, &data, &text);
            compare::<16>(key, nonce, &data, &text);
            compare::<161>(key, nonce, &data, &text);
            compare::<RECORD_SIZE>(key, nonce, &data, &text);
            compare::<{ TEXT_BLOCKS * BLOCK_SIZE }>(key, nonce, &data, &text);
        }
    }
}
