//! The key pairs of ring that sign tokens.

use jsonwebtoken::DecodingKey;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use zeroize::Zeroizing;

use super::algorithm::SigningAlgorithm;

/// A key pair. ring does not wipe it.
pub(super) enum KeyPair {
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl KeyPair {
    /// Reads a private key in PKCS #8, as DER.
    ///
    /// Errors: what is wrong with it, without the key.
    pub(super) fn from_pkcs8(algorithm: SigningAlgorithm, der: &[u8]) -> Result<Self, String> {
        let pair = match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new()).map(Box::new).map(Self::Ecdsa)
            }
            // OpenSSL writes keys without their public half.
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Box::new).map(Self::Ed25519),
            SigningAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(der).map(Box::new).map(Self::Rsa),
        };
        pair.map_err(|error| error.to_string())
    }

    /// A fresh private key in PKCS #8, as DER; none for RSA, of which ring makes no keys.
    ///
    /// Errors: the operating system gave no randomness.
    pub(super) fn generate(algorithm: SigningAlgorithm) -> Option<Result<Zeroizing<Vec<u8>>, String>> {
        let random = SystemRandom::new();
        let made = match algorithm {
            SigningAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
            SigningAlgorithm::Rs256 => return None,
        };
        let made = made.map_err(|_| "the operating system gave no randomness".to_owned());
        Some(made.map(|document| Zeroizing::new(document.as_ref().to_vec())))
    }

    /// Signs a message, as RFC 7515 writes signatures.
    ///
    /// Errors: the operating system gave no randomness.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    /// The public half.
    pub(super) fn public(&self) -> DecodingKey {
        match self {
            Self::Ecdsa(pair) => DecodingKey::from_ec_der(pair.public_key().as_ref()),
            Self::Ed25519(pair) => DecodingKey::from_ed_der(pair.public_key().as_ref()),
            Self::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                DecodingKey::from_rsa_raw_components(&n, &e)
            }
        }
    }
}
