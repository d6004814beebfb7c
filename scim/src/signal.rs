//! Signals: what other systems should hear of a device, as security events.
//!
//! A signal is decided beside the line of the audit trail, and a store writes it in the same
//! transaction. [`claims`](crate::set::claims) makes a security event token of it. It holds no
//! secret and no code; the names of devices mask their addresses.

use keyfob::Kind;
use serde::{Deserialize, Serialize};

use crate::entry::Row;

/// The format that [`Signal::to_json`] writes.
const FORMAT: u32 = 1;

/// Something that other systems should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What happened.
    pub kind: SignalKind,
    /// When, in Unix seconds.
    pub at: u64,
    /// The id of the device; 0 for a new one, which has no id yet, and of a
    /// [`Verification`](SignalKind::Verification).
    pub device_id: i64,
    /// The kind of the device; none of a [`Verification`](SignalKind::Verification).
    pub device_kind: Option<Kind>,
    /// The name of the device, in which an address is masked; empty for a new device, which has no
    /// name yet.
    pub device_name: String,
    /// How often the device was changed, this change included: with its id and the time, the name
    /// of the change. 0 of a new device.
    pub version: i64,
    /// The user whose device it is, or was before this change; empty for a device without one.
    pub user: String,
    /// The client's name for the device.
    pub external_id: Option<String>,
    /// The name of the account that sent the request.
    pub actor: String,
    /// Who began it.
    pub initiator: Initiator,
    /// Why, in a few English words for administrators.
    pub reason: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// A credential became usable, unusable or another one (CAEP 1.0).
    CredentialChange(ChangeType),
    /// A wrong answer locked a device (RISC 1.0).
    CredentialCompromise,
    /// A resource changed (RFC 9967).
    Scim(ScimEvent),
    /// A receiver asked for an event, to see that it gets them (SSF 1.0).
    Verification {
        /// The text that the receiver asked for.
        state: Option<String>,
    },
}

/// How a credential changed, in the words of CAEP 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeType {
    /// It is usable from now on.
    Create,
    /// It is not usable, and may become so again.
    Revoke,
    /// It was changed.
    Update,
    /// It is gone.
    Delete,
}

impl ChangeType {
    /// The value of `change_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Revoke => "revoke",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Who began a change, in the words of CAEP 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initiator {
    /// A request of an administrator.
    Admin,
    /// An answer of a user.
    User,
}

impl Initiator {
    /// The value of `initiating_entity`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

/// A change of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimEvent {
    /// What was done with it.
    pub operation: ScimOperation,
    /// The names of the attributes that a new device has, or that have another value; none of a
    /// deletion. A value is in no event.
    pub attributes: Vec<String>,
}

/// What was done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScimOperation {
    /// It was created.
    Create,
    /// It was replaced.
    Put,
    /// It was changed in part.
    Patch,
    /// It was deleted.
    Delete,
}

impl Signal {
    /// A verification event, which is about no device.
    pub const fn verification(state: Option<String>, actor: String, at: u64) -> Self {
        Self {
            kind: SignalKind::Verification { state },
            at,
            device_id: 0,
            device_kind: None,
            device_name: String::new(),
            version: 0,
            user: String::new(),
            external_id: None,
            actor,
            initiator: Initiator::Admin,
            reason: None,
        }
    }

    /// The signal with the id and name that a store gave a new device.
    #[must_use]
    pub fn with_new_device(self, row: &Row) -> Self {
        Self { device_id: row.id, device_name: row.name.clone(), ..self }
    }

    /// The text that a store keeps, in one line of JSON. Later versions of keyfob read it.
    pub fn to_json(&self) -> String {
        let (kind, change_type, operation, attributes, state) = match &self.kind {
            SignalKind::CredentialChange(change_type) => (StoredKind::CredentialChange, Some(*change_type), None, &[][..], None),
            SignalKind::CredentialCompromise => (StoredKind::CredentialCompromise, None, None, &[][..], None),
            SignalKind::Scim(event) => (StoredKind::Scim, None, Some(event.operation), event.attributes.as_slice(), None),
            SignalKind::Verification { state } => (StoredKind::Verification, None, None, &[][..], state.clone()),
        };
        let stored = Stored {
            v: FORMAT,
            kind,
            change_type,
            operation,
            attributes: attributes.to_vec(),
            state,
            at: self.at,
            device_id: self.device_id,
            device_kind: self.device_kind.map(|kind| kind.name().to_owned()),
            device_name: self.device_name.clone(),
            version: self.version,
            user: self.user.clone(),
            external_id: self.external_id.clone(),
            actor: self.actor.clone(),
            initiator: self.initiator,
            reason: self.reason.clone(),
        };
        // Only a map with keys that are no texts cannot be written.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Reads the text that [`to_json`](Self::to_json) writes.
    ///
    /// Errors: what is wrong with the text.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let Version { v } = serde_json::from_str(text).map_err(|error| format!("the signal cannot be read: {error}"))?;
        if v != FORMAT {
            return Err(format!("the signal is of format {v}, and this version of keyfob reads format {FORMAT}"));
        }
        let stored: Stored = serde_json::from_str(text).map_err(|error| format!("the signal cannot be read: {error}"))?;
        let kind = match (stored.kind, stored.change_type, stored.operation) {
            (StoredKind::CredentialChange, Some(change_type), _) => SignalKind::CredentialChange(change_type),
            (StoredKind::CredentialCompromise, ..) => SignalKind::CredentialCompromise,
            (StoredKind::Scim, _, Some(operation)) => SignalKind::Scim(ScimEvent { operation, attributes: stored.attributes }),
            (StoredKind::Verification, ..) => SignalKind::Verification { state: stored.state },
            (StoredKind::CredentialChange, None, _) => return Err("the signal cannot be read: it has no change_type".to_owned()),
            (StoredKind::Scim, _, None) => return Err("the signal cannot be read: it has no operation".to_owned()),
        };
        let device_kind = match &stored.device_kind {
            Some(name) => Some(
                Kind::ALL
                    .into_iter()
                    .find(|kind| kind.name() == name)
                    .ok_or("the signal cannot be read: its device is of an unknown kind")?,
            ),
            None => None,
        };
        Ok(Self {
            kind,
            at: stored.at,
            device_id: stored.device_id,
            device_kind,
            device_name: stored.device_name,
            version: stored.version,
            user: stored.user,
            external_id: stored.external_id,
            actor: stored.actor,
            initiator: stored.initiator,
            reason: stored.reason,
        })
    }
}

/// The format of a stored signal.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// A signal as a store keeps it.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    kind: StoredKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change_type: Option<ChangeType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<ScimOperation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    at: u64,
    device_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device_kind: Option<String>,
    device_name: String,
    version: i64,
    user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    actor: String,
    initiator: Initiator,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredKind {
    CredentialChange,
    CredentialCompromise,
    Scim,
    Verification,
}
