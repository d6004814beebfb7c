//! The keys that sign tokens, and their public halves for receivers.

use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::BASE64;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use zeroize::Zeroizing;

use super::algorithm::SigningAlgorithm;
use super::key_pair::KeyPair;
use super::provider;

/// A key that signs tokens. The private half is wiped on drop.
pub(super) struct SigningKey {
    /// Its thumbprint (RFC 7638), which is its id in tokens.
    pub(super) id: String,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) private: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    /// Reads a private key in PKCS #8, as DER. Errors: what is wrong with it, without the key.
    pub(super) fn from_pkcs8(algorithm: SigningAlgorithm, der: &[u8]) -> Result<Self, String> {
        provider::install();
        let public = KeyPair::from_pkcs8(algorithm, der)?.public();
        let read = || -> jsonwebtoken::errors::Result<(Jwk, String)> {
            let mut public = Jwk::from_decoding_key(&public, Some(algorithm.in_library()))?;
            let id = public.thumbprint(ThumbprintHash::SHA256)?;
            public.common.public_key_use = Some(PublicKeyUse::Signature);
            public.common.key_id = Some(id.clone());
            Ok((public, id))
        };
        let (public, id) = read().map_err(|error| error.to_string())?;
        let private = match algorithm {
            SigningAlgorithm::Es256 => EncodingKey::from_ec_der(der),
            SigningAlgorithm::EdDsa => EncodingKey::from_ed_der(der),
            SigningAlgorithm::Rs256 => EncodingKey::from_rsa_der(der),
        };
        Ok(Self { id, algorithm, private, public })
    }

    /// Reads a line of a key file. Errors: what is wrong with it, without the key.
    fn from_line(line: &str) -> Result<Self, String> {
        let error =
            || "each line must be the id of a key, its algorithm (ES256, EdDSA or RS256) and its PKCS #8 in Base64".to_owned();
        let mut words = line.split_ascii_whitespace();
        let (Some(id), Some(name), Some(text), None) = (words.next(), words.next(), words.next(), words.next()) else {
            return Err(error());
        };
        let algorithm = SigningAlgorithm::from_name(name).ok_or_else(error)?;
        let der = Zeroizing::new(BASE64.decode(text.as_bytes()).map_err(|_| error())?);
        let key =
            Self::from_pkcs8(algorithm, &der).map_err(|error| format!("the key {id:?} is no key for {algorithm}: {error}"))?;
        // The id depends on the public half, and this on the private one.
        if key.id != id {
            return Err(format!("the key {id:?} is damaged or has the id of another: by its bytes its id is {}", key.id));
        }
        Ok(key)
    }

    /// The line of a key file.
    pub(super) fn to_line(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(BASE64.encode(self.private.as_bytes()));
        Zeroizing::new(format!("{} {} {}\n", self.id, self.algorithm, *key))
    }
}

/// The keys of one moment.
pub(super) struct KeySet(Vec<SigningKey>);

impl KeySet {
    /// Reads keys, one a line: the id, the algorithm and the key in PKCS #8 as Base64, with spaces
    /// in between. The first one signs.
    ///
    /// Errors: a sentence for people, which holds no key.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let key = SigningKey::from_line(line)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(format!("the key {} is in it twice", key.id));
            }
            keys.push(key);
        }
        if keys.is_empty() { Err("it holds no key".to_owned()) } else { Ok(Self(keys)) }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        self.0.iter()
    }

    /// The key that signs with an algorithm, or with any.
    pub(super) fn first(&self, algorithm: Option<SigningAlgorithm>) -> Option<&SigningKey> {
        self.iter().find(|key| algorithm.is_none_or(|wanted| key.algorithm == wanted))
    }
}

/// The keys that sign. Clones share them, changes included.
#[derive(Clone)]
pub(crate) struct SigningKeys(Arc<RwLock<Arc<KeySet>>>);

impl SigningKeys {
    pub(super) fn new(keys: KeySet) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    /// The keys as they are now.
    pub(super) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ids of the keys, in their order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.current().iter().map(|key| key.id.clone()).collect()
    }

    /// Whether one of the keys signs with this algorithm.
    pub(crate) fn have(&self, algorithm: SigningAlgorithm) -> bool {
        self.current().first(Some(algorithm)).is_some()
    }

    /// Replaces the keys by those of `next`, for all clones. Returns whether they are others, or in
    /// another order.
    pub(crate) fn replace(&self, next: &Self) -> bool {
        let is_other = self.ids() != next.ids();
        if is_other {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = next.current();
        }
        is_other
    }

    /// The public halves of all keys, for receivers.
    pub(crate) fn jwks(&self) -> JwkSet {
        JwkSet { keys: self.current().iter().map(|key| key.public.clone()).collect() }
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Header, Validation, decode, encode};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn token_is_verified_by_the_public_half_of_its_key_alone() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa] {
            let der = || KeyPair::generate(algorithm).unwrap().unwrap();
            let (own, other, claims) = (der(), der(), json!({"iss": "https://otp.example.com", "iat": 7}));
            let public = |der: &[u8]| KeyPair::from_pkcs8(algorithm, der).unwrap().public();
            let key = SigningKey::from_pkcs8(algorithm, &own).unwrap();
            let token = encode(&Header::new(algorithm.in_library()), &claims, &key.private).unwrap();
            let mut validation = Validation::new(algorithm.in_library());
            (validation.required_spec_claims, validation.validate_exp) = (std::collections::HashSet::new(), false);
            assert_eq!(decode::<Value>(&token, &public(&own), &validation).unwrap().claims, claims);
            assert!(decode::<Value>(&token, &public(&other), &validation).is_err());
        }
    }

    #[test]
    fn key_of_another_id_is_refused_without_being_shown() {
        let keys = [0, 1].map(|_| {
            let der = KeyPair::generate(SigningAlgorithm::Es256).unwrap().unwrap();
            SigningKey::from_pkcs8(SigningAlgorithm::Es256, &der).unwrap()
        });
        let line = keys[0].to_line();
        assert!(KeySet::parse(&line).is_ok());
        let error = KeySet::parse(&line.replace(&keys[0].id, &keys[1].id)).err().unwrap();
        assert!(error.contains(&keys[1].id) && error.ends_with(&keys[0].id), "{error}");
        assert!(!error.contains(line.split_ascii_whitespace().last().unwrap()));
    }
}
