//! How jsonwebtoken signs: with ring, which TLS has anyway. Its own choices would bring another
//! library, or one with a known fault.
#![expect(clippy::trivially_copy_pass_by_ref, clippy::needless_pass_by_value, reason = "the types of jsonwebtoken")]

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::jwk::ThumbprintHash;
use jsonwebtoken::signature::{self, Signer};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sha2::{Digest as _, Sha256};

use super::algorithm::SigningAlgorithm;
use super::key_pair::KeyPair;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: digest,
    },
};

/// Installs the provider for this process. jsonwebtoken panics without one.
pub(super) fn install() {
    // Installed before.
    let _ = PROVIDER.install_default();
}

struct RingSigner {
    algorithm: Algorithm,
    pair: KeyPair,
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        self.pair.sign(message).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let known = SigningAlgorithm::try_from(*algorithm).map_err(|()| unsupported())?;
    let pair = KeyPair::from_pkcs8(known, key.as_bytes()).map_err(|_| new_error(ErrorKind::InvalidKeyFormat))?;
    Ok(Box::new(RingSigner { algorithm: *algorithm, pair }))
}

/// The service signs tokens and reads none.
#[cfg(not(test))]
fn verifier(_: &Algorithm, _: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    Err(unsupported())
}

#[cfg(test)]
use tests::verifier;

/// SHA-256 for the thumbprints of keys (RFC 7638).
fn digest(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    match hash {
        ThumbprintHash::SHA256 => Ok(Sha256::digest(data).to_vec()),
        _ => Err(unsupported()),
    }
}

fn unsupported() -> jsonwebtoken::errors::Error {
    new_error(ErrorKind::UnsupportedAlgorithm)
}

/// Verification for tests.
#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKeyKind;
    use jsonwebtoken::signature::Verifier;
    use ring::rsa::PublicKeyComponents;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    struct RingVerifier {
        algorithm: Algorithm,
        key: DecodingKey,
    }

    impl Verifier<Vec<u8>> for RingVerifier {
        fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
            let verified = match (self.algorithm, self.key.kind()) {
                (Algorithm::ES256, DecodingKeyKind::SecretOrDer(key)) => {
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
                }
                (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(key)) => {
                    UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
                }
                (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                    PublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                }
                _ => return Err(signature::Error::new()),
            };
            verified.map_err(|_| signature::Error::new())
        }
    }

    impl JwtVerifier for RingVerifier {
        fn algorithm(&self) -> Algorithm {
            self.algorithm
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the types of jsonwebtoken")]
    pub(super) fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
        Ok(Box::new(RingVerifier { algorithm: *algorithm, key: key.clone() }))
    }
}
