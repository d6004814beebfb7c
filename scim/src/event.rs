//! The events of the audit trail.

use crate::entry::Entry;

/// The reason in the trail for a new device whose secret has fewer than 128 bits.
const SHORT_SECRET_REASON: &str = "short secret";

/// What happened. The names in the trail are those of the Continuous Access Evaluation Profile, if
/// it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A device was enrolled.
    Create,
    /// An administrator changed a device.
    Update,
    /// A device was deleted.
    Revoke,
    /// An administrator restored a deleted device by setting another status.
    Revive,
    /// An administrator made a TOTP device forget the steps that it used while a clock was ahead:
    /// their codes are right once more.
    ForgetSteps,
    /// Recovery codes were replaced by new ones.
    RenewCodes,
    /// A challenge was requested.
    Challenge,
    /// The response to a challenge was verified.
    Verify,
    /// Two codes were verified to resynchronize a TOTP or HOTP device.
    Resync,
    /// The secret of a device left the store, in a file of tokens.
    Export,
    /// An account searched for an unlabelled token by the codes that it shows.
    Find,
    /// An account has to wait, after wrong passwords. A host records it; no operation on a device
    /// does.
    RefuseAccount,
}

impl EventKind {
    /// The name in the trail.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "credential-change:create",
            Self::Update => "credential-change:update",
            Self::Revoke => "credential-change:revoke",
            Self::Revive => "credential-change:revive",
            Self::ForgetSteps => "credential-change:forget-steps",
            Self::RenewCodes => "credential-change:renew-codes",
            Self::Challenge => "otp-challenge",
            Self::Verify => "otp-verify",
            Self::Resync => "otp-resync",
            Self::Export => "otp-export",
            Self::Find => "otp-find",
            Self::RefuseAccount => "account-refused",
        }
    }
}

/// A line of the audit trail. It holds no secret and no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When, in Unix seconds.
    pub at: u64,
    /// The name of the account that sent the request.
    pub actor: String,
    /// The id of the device; 0 for a new one, which has no id yet, and for a search that did not
    /// find one device alone.
    pub device_id: i64,
    /// The user whose device it is, or was before this change; empty for a device without one.
    pub user: String,
    /// Whether the code was right, or the operation was done.
    pub success: bool,
    /// The engine's reason for a verdict, with `, then locked` behind it if this fail locked the
    /// device; `no user` if there was none to give a verdict for; `short
    /// secret` for a new device whose secret has fewer than 128 bits; `found`, `several found` or
    /// `not found` of a search for a token; for any other event, the status of the device after it.
    pub reason: String,
    /// With a right code or a token found: by how many steps or counters it was off.
    pub drift: Option<i64>,
}

impl Event {
    /// The line for a device that `actor` makes.
    pub fn for_new_device(entry: &Entry, actor: &str, at: u64) -> Self {
        let Entry { row, device, .. } = entry;
        let is_short = device.generator().is_some_and(|generator| generator.secret().is_short());
        Self {
            kind: EventKind::Create,
            at,
            actor: actor.to_owned(),
            device_id: row.id,
            user: row.user.clone(),
            success: true,
            reason: if is_short { SHORT_SECRET_REASON.to_owned() } else { row.status.to_string() },
            drift: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EventKind as K;

    /// Trails are kept for years and read by other programs.
    #[test]
    fn names_in_the_trail_stay() {
        let names = [
            K::Create,
            K::Update,
            K::Revoke,
            K::Revive,
            K::ForgetSteps,
            K::RenewCodes,
            K::Challenge,
            K::Verify,
            K::Resync,
            K::Export,
            K::Find,
            K::RefuseAccount,
        ]
        .map(K::name);
        assert_eq!(
            names,
            [
                "credential-change:create",
                "credential-change:update",
                "credential-change:revoke",
                "credential-change:revive",
                "credential-change:forget-steps",
                "credential-change:renew-codes",
                "otp-challenge",
                "otp-verify",
                "otp-resync",
                "otp-export",
                "otp-find",
                "account-refused",
            ]
        );
    }
}
