//! The settings of a host.

use keyfob::{Algorithm, Digits, Kind, Policy};

use crate::limit::MessageLimits;

/// The clients that the responses are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Soffid, as its own service responds: `id` is a number, dates are `yyyy-MM-dd HH:mm:ss`,
    /// `meta.links` is present, and a deleted device is still read, with status `D`.
    #[default]
    Soffid,
    /// Clients that insist on RFC 7643 and RFC 7644: `id` is a string, dates are ISO 8601, and a
    /// deleted device is 404.
    Rfc,
}

impl Profile {
    /// The kinds of devices that may be created by default: those that the clients know. Soffid has
    /// no recovery codes.
    pub fn default_kinds(self) -> Vec<Kind> {
        let is_known = |kind: &Kind| self == Self::Rfc || *kind != Kind::Recovery;
        Kind::ALL.into_iter().filter(is_known).collect()
    }
}

/// The words in which other systems hear of a device, and when they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignalProfile {
    /// Exactly what Soffid's add-on sends.
    Soffid,
    /// What CAEP 1.0 says.
    #[default]
    Caep,
}

/// Which signals are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSettings {
    /// When a signal of a credential is made.
    pub profile: SignalProfile,
    /// Whether there are signals of credentials: `credential-change` and `credential-compromise`.
    pub has_credential_events: bool,
    /// Whether there are signals of resources (RFC 9967).
    pub has_scim_events: bool,
}

impl Default for SignalSettings {
    fn default() -> Self {
        Self { profile: SignalProfile::default(), has_credential_events: true, has_scim_events: false }
    }
}

/// The settings of a host, for all devices.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The clients that the responses are for.
    pub profile: Profile,
    /// The engine's policy. Its clock skew must cover the time from
    /// [`Request::now`](crate::Request::now) to the verification of the code.
    pub policy: Policy,
    /// SMS, EMAIL: the least time from a message or a wrong code of a device to its next message,
    /// in seconds. A right code ends it. 0, the default, for none.
    pub message_pause: u32,
    /// SMS, EMAIL: the limits on messages; none by default.
    pub message_limits: MessageLimits,
    /// The kinds of devices that may be created; those of
    /// [`Profile::default_kinds`] by default. Devices of other kinds go on working.
    pub kinds: Vec<Kind>,
    /// The issuer that authenticators show.
    pub issuer: String,
    /// TOTP, HOTP: the algorithm of new devices.
    pub algorithm: Algorithm,
    /// The digits of codes of new devices.
    pub digits: Digits,
    /// TOTP: the period of new devices in seconds, 1 or more.
    pub period: u32,
    /// TOTP, HOTP: the fewest bits of a secret that a client gives, 128 by default. The engine
    /// takes none of fewer than 80. No short secret is ever drawn.
    pub min_secret_bits: u16,
    /// Which signals are made; none by default.
    pub signals: Option<SignalSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Soffid,
            policy: Policy::default(),
            message_pause: 0,
            message_limits: MessageLimits::default(),
            kinds: Profile::Soffid.default_kinds(),
            issuer: "keyfob".to_owned(),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            period: 30,
            min_secret_bits: 128,
            signals: None,
        }
    }
}
