//! Signs the tokens of receivers.

use jsonwebtoken::{Header, encode};
use keyfob_scim::set::{Recipient, Subject, claims};
use keyfob_scim::{SignalKind, SignalProfile};

use super::config::Rules;
use super::keys::SigningKeys;
use super::receiver::Receiver;
use crate::delivery::Users;
use crate::store::OutboxSignal;

/// The type of the tokens (RFC 8417 section 2.3).
const TOKEN_TYPE: &str = "secevent+jwt";

/// Signs tokens. Cheap to clone; clones share the keys.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    issuer: String,
    profile: SignalProfile,
    keys: SigningKeys,
}

impl Signer {
    /// A signer for the receivers of the rules.
    ///
    /// Errors: what is wrong and what to do, if there is no key for a receiver's algorithm.
    pub(crate) fn new(rules: &Rules, keys: SigningKeys) -> Result<Self, String> {
        for receiver in &rules.receivers {
            if let Some(algorithm) = receiver.algorithm.filter(|algorithm| !keys.have(*algorithm)) {
                return Err(format!(
                    "it has no key for {algorithm}, which the receiver {} wants; add one with keyfob rotate-signing-key: \
                     --algorithm for ES256 and EdDSA, --import FILE for RS256",
                    receiver.name
                ));
            }
        }
        Ok(Self { issuer: rules.issuer.clone(), profile: rules.profile, keys })
    }

    /// The token of a signal, in compact form. All tokens of a signal for a receiver have the same
    /// claims.
    ///
    /// Errors: why there can be none, for the operator; it holds no secret.
    pub(crate) fn sign(&self, outgoing: &OutboxSignal, receiver: &Receiver, users: Option<&Users>) -> Result<String, String> {
        let OutboxSignal { signal, jti, .. } = outgoing;
        let value = match signal.kind {
            SignalKind::Verification { .. } | SignalKind::Scim(_) => None,
            SignalKind::CredentialChange(_) | SignalKind::CredentialCompromise => {
                Some(receiver.subject.value(&signal.user, users)?)
            }
        };
        let subject = match &value {
            Some(value) => receiver.subject.subject(&self.issuer, value),
            // The stream (SSF 1.0 section 8.1.4.1).
            None => Subject::Opaque(&receiver.name),
        };
        let recipient = Recipient { issuer: &self.issuer, audience: &receiver.audience, profile: self.profile, subject };
        let keys = self.keys.current();
        let key = keys.first(receiver.algorithm).ok_or_else(|| {
            let algorithm = receiver.algorithm.map_or("any algorithm", super::SigningAlgorithm::name);
            format!("the file of signing keys has no key for {algorithm} any more")
        })?;
        let header =
            Header { typ: Some(TOKEN_TYPE.to_owned()), kid: Some(key.id.clone()), ..Header::new(key.algorithm.in_library()) };
        encode(&header, &claims(signal, jti, &recipient), &key.private).map_err(|error| format!("it could not be signed: {error}"))
    }

    /// The keys that sign.
    pub(crate) const fn keys(&self) -> &SigningKeys {
        &self.keys
    }
}
