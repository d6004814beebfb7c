//! The keys that sign tokens, and their public halves for receivers.

use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use jsonwebtoken::Header;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use serde::Serialize;
use zeroize::Zeroizing;

use super::algorithm::SigningAlgorithm;
use super::key_pair::KeyPair;
use super::provider;

/// A key that signs tokens. Its bytes are wiped on drop; ring does not wipe the pair.
pub(super) struct SigningKey {
    /// Its thumbprint (RFC 7638), which is its id in tokens.
    pub(super) id: String,
    pub(super) algorithm: SigningAlgorithm,
    /// The private key in PKCS #8, as DER.
    der: Zeroizing<Vec<u8>>,
    /// What was read of it, once for all tokens.
    pair: KeyPair,
    public: Jwk,
}

impl SigningKey {
    /// Reads a private key in PKCS #8, as DER. Errors: what is wrong with it, without the key.
    pub(super) fn from_pkcs8(algorithm: SigningAlgorithm, der: &[u8]) -> Result<Self, String> {
        provider::install();
        let pair = KeyPair::from_pkcs8(algorithm, der)?;
        let public = pair.public();
        let read = || -> jsonwebtoken::errors::Result<(Jwk, String)> {
            let mut public = Jwk::from_decoding_key(&public, Some(algorithm.in_library()))?;
            let id = public.thumbprint(ThumbprintHash::SHA256)?;
            public.common.public_key_use = Some(PublicKeyUse::Signature);
            public.common.key_id = Some(id.clone());
            Ok((public, id))
        };
        let (public, id) = read().map_err(|error| error.to_string())?;
        Ok(Self { id, algorithm, der: Zeroizing::new(der.to_vec()), pair, public })
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
        let key = Zeroizing::new(BASE64.encode(&self.der));
        Zeroizing::new(format!("{} {} {}\n", self.id, self.algorithm, *key))
    }

    /// The token of claims, of this type (`typ`), in compact form (RFC 7515 section 7.1).
    ///
    /// Errors: why it could not be signed, without the key.
    pub(super) fn sign(&self, token_type: &str, claims: &impl Serialize) -> Result<String, String> {
        let header =
            Header { typ: Some(token_type.to_owned()), kid: Some(self.id.clone()), ..Header::new(self.algorithm.in_library()) };
        let part =
            |json: serde_json::Result<Vec<u8>>| json.map(|json| BASE64URL_NOPAD.encode(&json)).map_err(|error| error.to_string());
        let mut token = part(serde_json::to_vec(&header))?;
        token.push('.');
        token.push_str(&part(serde_json::to_vec(claims))?);
        let signature = self.pair.sign(token.as_bytes()).map_err(|_| "the operating system gave no randomness".to_owned())?;
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Ok(token)
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
    use jsonwebtoken::{Validation, decode};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn token_is_verified_by_the_public_half_of_its_key_alone() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa] {
            let key = || SigningKey::from_pkcs8(algorithm, &KeyPair::generate(algorithm).unwrap().unwrap()).unwrap();
            let (key, other, claims) = (key(), key(), json!({"iss": "https://otp.example.com", "iat": 7}));
            let token = key.sign("secevent+jwt", &claims).unwrap();
            let mut validation = Validation::new(algorithm.in_library());
            (validation.required_spec_claims, validation.validate_exp) = (std::collections::HashSet::new(), false);
            let verified = decode::<Value>(&token, &key.pair.public(), &validation).unwrap();
            assert_eq!((verified.header.typ.as_deref(), verified.header.kid), (Some("secevent+jwt"), Some(key.id)));
            assert_eq!(verified.claims, claims);
            assert!(decode::<Value>(&token, &other.pair.public(), &validation).is_err());
        }
    }
}
