//! XAES-256-GCM as C2SP specifies it: AES-256-GCM (NIST SP 800-38D) under a key that CMAC in
//! counter mode (SP 800-108r1) derives for each nonce.

use aes_gcm::AesGcm;
use aes_gcm::aead::KeyInit;
use aes_gcm::aead::array::Array;
use aes_gcm::aes::Aes256Enc;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::aes::cipher::consts::U12;
use zeroize::{Zeroize, Zeroizing};

use crate::record::Writer;

/// AES-256-GCM without the key schedule of decryption, which GCM does not use.
pub(super) type Gcm = AesGcm<Aes256Enc, U12>;

const KEY_SIZE: usize = 32;
const NONCE_SIZE: usize = 24;
const BLOCK_SIZE: usize = 16;
/// The first half of a nonce is the context of the derivation, the second half the nonce of
/// AES-256-GCM.
const HALF_NONCE_SIZE: usize = NONCE_SIZE / 2;
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
        let mut block = Array::from([0; BLOCK_SIZE]);
        aes.encrypt_block(&mut block);
        let zeros = u128::from_be_bytes(block.0);
        block.0.zeroize();
        let carry = zeros >> (u128::BITS - 1);
        Self { aes, subkey: (zeros << 1) ^ (REDUCTION & carry.wrapping_neg()) }
    }

    /// The cipher for this nonce, and the nonce that it takes.
    pub(super) fn derive(&self, nonce: [u8; NONCE_SIZE]) -> (Gcm, [u8; HALF_NONCE_SIZE]) {
        let mut halves = [[0; HALF_NONCE_SIZE]; 2];
        halves.as_flattened_mut().copy_from_slice(&nonce);
        let [context, rest] = halves;
        let mut blocks = [1, 2].map(|counter| {
            let mut message = [0; BLOCK_SIZE];
            let mut to = Writer(&mut message);
            to.put([0, counter, LABEL, 0]);
            to.put(context);
            Array((u128::from_be_bytes(message) ^ self.subkey).to_be_bytes())
        });
        self.aes.encrypt_blocks(&mut blocks);
        let mut key = Zeroizing::new([0; KEY_SIZE]);
        for (to, block) in key.as_chunks_mut().0.iter_mut().zip(&mut blocks) {
            *to = block.0;
            block.0.zeroize();
        }
        (Gcm::new((&*key).into()), rest)
    }
}

impl Drop for XAes {
    fn drop(&mut self) {
        self.subkey.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::AeadInOut;
    use data_encoding::HEXLOWER;

    use super::*;

    /// The two vectors of the specification: the highest bit before the subkey is 0, and 1.
    #[test]
    fn vectors_of_the_specification_come_out() {
        for (key, data, wanted) in [
            (1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ] {
            let (cipher, nonce) = XAes::new(&[key; KEY_SIZE]).derive(*b"ABCDEFGHIJKLMNOPQRSTUVWX");
            let mut text = *b"XAES-256-GCM";
            let tag = cipher.encrypt_inout_detached(&nonce.into(), data.as_bytes(), text.as_mut_slice().into()).unwrap();
            let mut bytes = [0; 28];
            HEXLOWER.decode_mut(wanted.as_bytes(), &mut bytes).unwrap();
            assert_eq!((&text[..], &tag[..]), bytes.split_at(12));
        }
    }
}
