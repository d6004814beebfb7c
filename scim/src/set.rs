//! The claims of a security event token (SET, RFC 8417). A host signs and sends them.

use keyfob::Kind;
use serde_json::{Map, Value, json};

use crate::settings::SignalProfile;
use crate::signal::{ScimOperation, Signal, SignalKind};

/// The type of a changed credential (CAEP 1.0).
pub const CREDENTIAL_CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
/// The type of a locked credential (RISC 1.0).
pub const CREDENTIAL_COMPROMISE: &str = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise";
/// The type of the event that a receiver asks for (SSF 1.0).
pub const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";
/// The type of a new resource (RFC 9967).
pub const SCIM_CREATE: &str = "urn:ietf:params:scim:event:prov:create:notice";
/// The type of a replaced resource (RFC 9967).
pub const SCIM_PUT: &str = "urn:ietf:params:scim:event:prov:put:notice";
/// The type of a resource that was changed in part (RFC 9967).
pub const SCIM_PATCH: &str = "urn:ietf:params:scim:event:prov:patch:notice";
/// The type of a deleted resource (RFC 9967).
pub const SCIM_DELETE: &str = "urn:ietf:params:scim:event:prov:delete";

/// Whom a token is for, and about whom.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// `iss`: the service, as its receivers know it.
    pub issuer: &'a str,
    /// `aud`: the receiver.
    pub audience: &'a str,
    /// The form of the claims.
    pub profile: SignalProfile,
    /// Whom it is about. Of a [`Verification`](SignalKind::Verification) it is the stream, as
    /// [`Subject::Opaque`]. Of a [`Scim`](SignalKind::Scim) event it is not used: that is about the
    /// device.
    pub subject: Subject<'a>,
}

/// Whom an event is about: a subject identifier of RFC 9493. A host makes its text.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A user by the issuer that knows it.
    IssSub {
        /// Who gives the user this name.
        issuer: &'a str,
        /// The name of the user there.
        subject: &'a str,
    },
    /// A user by an e-mail address.
    Email(&'a str),
    /// A user by a text that means something to the receiver.
    Opaque(&'a str),
    /// A user by an account as a URI, `acct:franck@example.com`.
    Account(&'a str),
    /// A user by any other URI.
    Uri(&'a str),
}

impl Subject<'_> {
    fn to_json(self) -> Value {
        match self {
            Self::IssSub { issuer, subject } => json!({"format": "iss_sub", "iss": issuer, "sub": subject}),
            Self::Email(email) => json!({"format": "email", "email": email}),
            Self::Opaque(id) => json!({"format": "opaque", "id": id}),
            Self::Account(uri) => json!({"format": "account", "uri": uri}),
            Self::Uri(uri) => json!({"format": "uri", "uri": uri}),
        }
    }
}

/// The claims of the token of a signal. They depend on nothing else, so a repeated token has the
/// same.
pub fn claims(signal: &Signal, jti: &str, recipient: &Recipient<'_>) -> Map<String, Value> {
    let (event_type, mut event) = event(signal, recipient.profile);
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), recipient.issuer.into());
    claims.insert("aud".to_owned(), recipient.audience.into());
    claims.insert("iat".to_owned(), signal.at.into());
    claims.insert("jti".to_owned(), jti.into());
    match (&signal.kind, recipient.profile) {
        (SignalKind::Scim(_), _) => {
            claims.insert("sub_id".to_owned(), device(signal));
            // It tells the change from others, whichever receiver hears of it (RFC 9967 section
            // 2.2).
            claims.insert("txn".to_owned(), format!("{}.{}.{}", signal.device_id, signal.version, signal.at).into());
        }
        (SignalKind::CredentialChange(_) | SignalKind::CredentialCompromise, SignalProfile::Soffid) => {
            event.insert("subject".to_owned(), recipient.subject.to_json());
        }
        _ => {
            claims.insert("sub_id".to_owned(), recipient.subject.to_json());
        }
    }
    let events: Map<_, _> = [(event_type.to_owned(), Value::Object(event))].into_iter().collect();
    claims.insert("events".to_owned(), Value::Object(events));
    claims
}

/// The type and the members of an event, without its subject.
fn event(signal: &Signal, profile: SignalProfile) -> (&'static str, Map<String, Value>) {
    let mut event = Map::new();
    let event_type = match &signal.kind {
        SignalKind::CredentialChange(change_type) => {
            event.insert("change_type".to_owned(), change_type.name().into());
            event.insert("friendly_name".to_owned(), signal.device_name.as_str().into());
            CREDENTIAL_CHANGE
        }
        SignalKind::CredentialCompromise => CREDENTIAL_COMPROMISE,
        SignalKind::Scim(scim) if scim.operation == ScimOperation::Delete => return (SCIM_DELETE, event),
        SignalKind::Scim(scim) => {
            event.insert("attributes".to_owned(), scim.attributes.as_slice().into());
            let event_type = match scim.operation {
                ScimOperation::Create => SCIM_CREATE,
                ScimOperation::Put => SCIM_PUT,
                ScimOperation::Patch | ScimOperation::Delete => SCIM_PATCH,
            };
            return (event_type, event);
        }
        SignalKind::Verification { state } => {
            if let Some(state) = state {
                event.insert("state".to_owned(), state.as_str().into());
            }
            return (VERIFICATION, event);
        }
    };
    if let Some(kind) = signal.device_kind {
        event.insert("credential_type".to_owned(), credential_type(kind, profile).into());
    }
    match profile {
        SignalProfile::Soffid => {
            event.insert("event_timestamp".to_owned(), signal.at.saturating_mul(1000).into());
        }
        SignalProfile::Caep => {
            event.insert("event_timestamp".to_owned(), signal.at.into());
            event.insert("initiating_entity".to_owned(), signal.initiator.name().into());
            if let Some(reason) = &signal.reason {
                event.insert("reason_admin".to_owned(), json!({"en": reason}));
            }
        }
    }
    (event_type, event)
}

/// The credential type of a kind of device.
const fn credential_type(kind: Kind, profile: SignalProfile) -> &'static str {
    match kind {
        Kind::Totp | Kind::Hotp => "app",
        Kind::Sms => "phone-sms",
        Kind::Email => match profile {
            SignalProfile::Soffid => "verifiable-credential",
            SignalProfile::Caep => "email",
        },
        Kind::Pin => "pin",
        Kind::Recovery => "recovery-code",
    }
}

/// The subject identifier of a device as a resource (RFC 9967).
fn device(signal: &Signal) -> Value {
    let mut device = json!({"format": "scim", "uri": format!("/OtpDevice/{}", signal.device_id)});
    if let (Some(external_id), Some(members)) = (&signal.external_id, device.as_object_mut()) {
        members.insert("externalId".to_owned(), external_id.as_str().into());
    }
    device
}
