//! Which signals a change makes, beside its line in the audit trail.

use keyfob::{Kind, Status};

use crate::attribute::Attribute;
use crate::entry::Entry;
use crate::settings::{Settings, SignalProfile, SignalSettings};
use crate::signal::{ChangeType, Initiator, ScimEvent, ScimOperation, Signal, SignalKind};

/// The attributes that a change can give another value, and those of a new device.
const SHOWN: [Attribute; 12] = [
    Attribute::Id,
    Attribute::ExternalId,
    Attribute::Name,
    Attribute::Type,
    Attribute::User,
    Attribute::Status,
    Attribute::Fails,
    Attribute::Email,
    Attribute::Phone,
    Attribute::Pin,
    Attribute::NotBefore,
    Attribute::NotAfter,
];

/// What made a device as it is now, and what it was before.
#[derive(Clone, Copy)]
pub(crate) enum Cause<'a> {
    /// A create.
    Create,
    /// A token file.
    Import,
    /// A PUT, or a PATCH.
    Update { before: &'a Entry, is_put: bool, forgets_steps: bool },
    /// A DELETE.
    Delete,
    /// New recovery codes.
    RenewCodes,
    /// The answer to a challenge, or two codes for a resynchronization.
    Answer { before: Status },
}

/// A signal of a credential, without what all have.
struct Told<'a> {
    kind: SignalKind,
    user: &'a str,
    reason: Option<String>,
}

impl<'a> Told<'a> {
    fn change(change_type: ChangeType, user: &'a str) -> Self {
        Self { kind: SignalKind::CredentialChange(change_type), user, reason: None }
    }

    fn because(self, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..self }
    }
}

impl Signal {
    /// The signals of a device of a token file, for the transaction that stores it.
    pub fn for_import(settings: &Settings, entry: &Entry, actor: &str, at: u64) -> Vec<Self> {
        signals(settings, Cause::Import, entry, actor, at)
    }
}

/// The signals of a device that is `after` now, in their order. Without any, nothing is allocated.
pub(crate) fn signals(settings: &Settings, cause: Cause<'_>, after: &Entry, actor: &str, at: u64) -> Vec<Signal> {
    let Some(SignalSettings { profile, has_credential_events, has_scim_events }) = settings.signals else { return Vec::new() };
    let told = match profile {
        _ if !has_credential_events => [None, None],
        SignalProfile::Soffid => [soffid(cause, after), None],
        SignalProfile::Caep => caep(cause, after),
    };
    let scim = if has_scim_events { scim_event(cause, after) } else { None };
    if scim.is_none() && told.iter().all(Option::is_none) {
        return Vec::new();
    }
    let version = match cause {
        Cause::Create | Cause::Import => after.version,
        // A store increments the version that was read.
        _ => after.version.saturating_add(1),
    };
    let signal = |kind: SignalKind, user: &str, reason: Option<String>| Signal {
        kind,
        at,
        device_id: after.row.id,
        device_kind: Some(after.row.kind),
        device_name: after.row.name.clone(),
        version,
        user: user.to_owned(),
        external_id: after.row.external_id.clone(),
        actor: actor.to_owned(),
        initiator: if matches!(cause, Cause::Answer { .. }) { Initiator::User } else { Initiator::Admin },
        reason,
    };
    let told = told.into_iter().flatten().map(|told| signal(told.kind, told.user, told.reason));
    told.chain(scim.map(|event| signal(SignalKind::Scim(event), &after.row.user, None))).collect()
}

/// What Soffid's add-on says. It never speaks of a change of the user, the address or the secret.
fn soffid<'a>(cause: Cause<'a>, after: &'a Entry) -> Option<Told<'a>> {
    let row = &after.row;
    let told = |change_type| Told::change(change_type, &row.user);
    match cause {
        _ if !row.has_user() => match cause {
            // The status of a token that is taken back is about the user who had it.
            Cause::Update { before, .. } if before.row.has_user() => {
                soffid_status(before.row.status, row.status).map(|change_type| Told::change(change_type, &before.row.user))
            }
            _ => None,
        },
        Cause::Create => (row.status == Status::Validated).then(|| told(ChangeType::Create)),
        Cause::Import => (row.status != Status::Validated).then(|| told(ChangeType::Create)),
        Cause::Update { before, .. } => soffid_status(before.row.status, row.status).map(told),
        Cause::Answer { before } => lock(before, after),
        Cause::Delete | Cause::RenewCodes => None,
    }
}

fn soffid_status(before: Status, after: Status) -> Option<ChangeType> {
    match after {
        _ if before == after => None,
        Status::Validated => Some(ChangeType::Create),
        Status::Locked => Some(ChangeType::Revoke),
        Status::Disabled => Some(ChangeType::Delete),
        Status::Created => None,
    }
}

/// The compromise, if an answer locked the device.
fn lock(before: Status, after: &Entry) -> Option<Told<'_>> {
    let row = &after.row;
    (before != Status::Locked && row.status == Status::Locked).then(|| Told {
        kind: SignalKind::CredentialCompromise,
        user: &row.user,
        reason: Some(format!("locked after {} wrong answers in a row", row.fails)),
    })
}

/// What CAEP 1.0 says: at most one signal for a user, the strongest.
fn caep<'a>(cause: Cause<'a>, after: &'a Entry) -> [Option<Told<'a>>; 2] {
    let row = &after.row;
    let told = |change_type, reason| row.has_user().then(|| Told::change(change_type, &row.user).because(reason));
    let is_proved = matches!(row.status, Status::Validated | Status::Locked);
    let one = match cause {
        Cause::Create if is_proved => told(ChangeType::Create, "enrolled"),
        Cause::Import if is_proved => told(ChangeType::Create, "imported"),
        Cause::Create | Cause::Import => None,
        Cause::Delete => told(ChangeType::Delete, "deleted"),
        Cause::RenewCodes => told(ChangeType::Update, "new recovery codes"),
        Cause::Answer { before: Status::Created } if row.status == Status::Validated => {
            told(ChangeType::Create, "first right answer")
        }
        Cause::Answer { before } => lock(before, after),
        // Its deletion was the last word on it.
        Cause::Update { before, .. } if before.row.deleted && row.deleted => None,
        Cause::Update { before, .. } if before.row.user != row.user => {
            let taken_back = || Told::change(ChangeType::Delete, &before.row.user).because("taken back from the user");
            let old = before.row.has_user().then(taken_back);
            let is_usable = row.status != Status::Disabled;
            return [old, if is_usable { told(ChangeType::Create, "assigned to the user") } else { None }];
        }
        Cause::Update { before, forgets_steps, .. } => {
            let change = status_change(before, after).or_else(|| replacement(before, after, forgets_steps));
            change.and_then(|(change_type, reason)| told(change_type, reason))
        }
    };
    [one, None]
}

/// How CAEP 1.0 names the change of a status by an administrator. Each is at least as strong as
/// another change of the same request, which is an update.
fn status_change(before: &Entry, after: &Entry) -> Option<(ChangeType, &'static str)> {
    Some(match (before.row.status, after.row.status) {
        (before, after) if before == after => return None,
        (_, Status::Disabled) => (ChangeType::Revoke, "disabled"),
        (Status::Disabled, _) if before.row.deleted => (ChangeType::Create, "restored after its deletion"),
        (Status::Disabled, _) => (ChangeType::Update, "enabled"),
        (Status::Locked, _) => (ChangeType::Update, "unlocked"),
        (_, Status::Locked) => (ChangeType::Revoke, "locked by an administrator"),
        (_, Status::Validated) => (ChangeType::Create, "validated by an administrator"),
        (_, Status::Created) => (ChangeType::Update, "to be validated once more"),
    })
}

/// What a change gives another value, beside the status and the user.
fn replacement(before: &Entry, after: &Entry, forgets_steps: bool) -> Option<(ChangeType, &'static str)> {
    let reason = match () {
        () if before.device.factor() != after.device.factor() => match after.row.kind {
            Kind::Email => "new address",
            Kind::Sms => "new telephone number",
            Kind::Pin => "new PIN",
            Kind::Totp | Kind::Hotp | Kind::Recovery => "new secret",
        },
        () if before.device.validity() != after.device.validity() => "another time of validity",
        () if forgets_steps => "steps used ahead of the time forgotten",
        () => return None,
    };
    Some((ChangeType::Update, reason))
}

/// The event of RFC 9967 for a request of SCIM, or for a new token of a file; none if no attribute
/// has another value.
fn scim_event(cause: Cause<'_>, after: &Entry) -> Option<ScimEvent> {
    let (operation, before) = match cause {
        Cause::Create | Cause::Import => (ScimOperation::Create, None),
        Cause::Update { before, is_put: true, .. } => (ScimOperation::Put, Some(before)),
        Cause::Update { before, is_put: false, .. } => (ScimOperation::Patch, Some(before)),
        Cause::Delete => return Some(ScimEvent { operation: ScimOperation::Delete, attributes: Vec::new() }),
        Cause::RenewCodes | Cause::Answer { .. } => return None,
    };
    let is_told = |attribute: &Attribute| match before {
        None => is_present(*attribute, after),
        Some(before) => is_changed(*attribute, before, after),
    };
    let attributes: Vec<_> =
        SHOWN.iter().filter(|attribute| is_told(attribute)).map(|attribute| attribute.name().to_owned()).collect();
    (!attributes.is_empty()).then_some(ScimEvent { operation, attributes })
}

/// Whether a new device has an attribute. The store gives it its id and name.
fn is_present(attribute: Attribute, entry: &Entry) -> bool {
    match attribute {
        Attribute::Id | Attribute::Name => true,
        Attribute::Fails => false,
        Attribute::Pin => entry.row.kind == Kind::Pin,
        Attribute::NotBefore => entry.device.validity().not_before().is_some(),
        Attribute::NotAfter => entry.device.validity().not_after().is_some(),
        attribute => entry.row.text(attribute).is_some(),
    }
}

fn is_changed(attribute: Attribute, before: &Entry, after: &Entry) -> bool {
    let (old, new) = (before.device.validity(), after.device.validity());
    match attribute {
        Attribute::Fails => before.row.fails != after.row.fails,
        Attribute::Pin => after.row.kind == Kind::Pin && before.device.factor() != after.device.factor(),
        Attribute::NotBefore => old.not_before() != new.not_before(),
        Attribute::NotAfter => old.not_after() != new.not_after(),
        attribute => before.row.text(attribute) != after.row.text(attribute),
    }
}
