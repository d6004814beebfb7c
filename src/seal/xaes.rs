//! XAES-256-GCM as C2SP specifies it: AES-256-GCM (NIST SP 800-38D) under a key that CMAC in
//! counter mode (SP 800-108r1) derives for each nonce.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes256Enc, Block};
use zeroize::Zeroize;

use super::gcm::{self, Gcm, KEY_SIZE};
use crate::record::Writer;
use crate::wipe::wipe;

const NONCE_SIZE: usize = 24;
/// The label of the derivation.
const LABEL: u8 = b'X';
/// The reduction polynomial of the field of CMAC (SP 800-38B section 5.3).
const REDUCTION: u128 = 0b1000_0111;

/// A key, ready to derive others. Wiped on drop.
#[derive(Clone)]
pub(super) struct XAes {
    aes: Aes256Enc,
    /// The subkey K1 of CMAC (SP 800-38B section 6.1).
    subkey: u128,
}

impl XAes {
    pub(super) fn new(key: &[u8; KEY_SIZE]) -> Self {
        let aes = Aes256Enc::new(key.into());
        let mut block = Block::default();
        aes.encrypt_block(&mut block);
        let zeros = u128::from_be_bytes(block.0);
        block.0.zeroize();
        let carry = zeros >> (u128::BITS - 1);
        Self { aes, subkey: (zeros << 1) ^ (REDUCTION & carry.wrapping_neg()) }
    }

    /// AES-256-GCM for this nonce.
    #[inline]
    pub(super) fn derive(&self, nonce: [u8; NONCE_SIZE]) -> Gcm {
        // The first half is the context of the derivation, the second half the nonce of GCM.
        let mut halves = [[0; gcm::NONCE_SIZE]; 2];
        halves.as_flattened_mut().copy_from_slice(&nonce);
        let [context, rest] = halves;
        let mut key = [0; KEY_SIZE];
        let (blocks, _) = key.as_chunks_mut();
        for (block, counter) in blocks.iter_mut().zip(1..) {
            let mut to = Writer(block);
            to.put([0, counter, LABEL, 0]);
            to.put(context);
            *block = (u128::from_be_bytes(*block) ^ self.subkey).to_be_bytes();
        }
        self.aes.encrypt_blocks(Block::cast_slice_from_core_mut(blocks));
        let gcm = Gcm::new(&key, rest);
        wipe(&mut key);
        gcm
    }
}

impl Drop for XAes {
    fn drop(&mut self) {
        self.subkey.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// The two vectors of the specification: the highest bit before the subkey is 0, and 1.
    #[test]
    fn vectors_of_the_specification_come_out() {
        for (key, data, wanted) in [
            (1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ] {
            let mut text = *b"XAES-256-GCM";
            let tag = XAes::new(&[key; KEY_SIZE]).derive(*b"ABCDEFGHIJKLMNOPQRSTUVWX").encrypt(data.as_bytes(), &mut text);
            let mut bytes = [0; 28];
            HEXLOWER.decode_mut(wanted.as_bytes(), &mut bytes).unwrap();
            assert_eq!((text.as_slice(), tag.as_slice()), bytes.split_at(12));
        }
    }
}
