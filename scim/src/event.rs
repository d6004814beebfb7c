//! What happened to a device, for the store's audit trail.

/// What happened, under the names of the Continuous Access Evaluation Profile where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A device was enrolled.
    Create,
    /// It was changed by an administrator.
    Update,
    /// It was deleted.
    Revoke,
    /// An administrator took it out of deletion by another status.
    Revive,
    /// An administrator had a TOTP device forget the steps that it used while a clock was ahead:
    /// their codes are right once more.
    ForgetSteps,
    /// A challenge was requested.
    Challenge,
    /// An answer was judged.
    Verify,
    /// Two codes were judged that shall find a HOTP authenticator again.
    Resync,
    /// An account has to wait, since wrong passwords came for it. This is for the host to tell: no
    /// operation on a device does.
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
            Self::Challenge => "otp-challenge",
            Self::Verify => "otp-verify",
            Self::Resync => "otp-resync",
            Self::RefuseAccount => "account-refused",
        }
    }
}

/// A line of the audit trail. Holds no secret and no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When, in Unix seconds.
    pub at: u64,
    /// Who asked for it: the name of an account.
    pub actor: String,
    /// The id of the device; 0 for a new one, which has no id yet.
    pub device_id: i64,
    /// The user whose device it is.
    pub user: String,
    /// Whether the answer was right, or the operation done.
    pub success: bool,
    /// Why: the engine's reason for a verdict, else the status after the change.
    pub reason: String,
    /// A right answer: by how many steps or counters it was off.
    pub drift: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::EventKind as K;

    /// Trails are kept for years and read by others, so a name stays.
    #[test]
    fn names_in_the_trail() {
        let names =
            [K::Create, K::Update, K::Revoke, K::Revive, K::ForgetSteps, K::Challenge, K::Verify, K::Resync, K::RefuseAccount]
                .map(K::name);
        assert_eq!(
            names,
            [
                "credential-change:create",
                "credential-change:update",
                "credential-change:revoke",
                "credential-change:revive",
                "credential-change:forget-steps",
                "otp-challenge",
                "otp-verify",
                "otp-resync",
                "account-refused",
            ]
        );
    }
}
