//! What a host decides for all devices.

use keyfob::{Algorithm, Digits, Kind, Policy};

/// Whom the answers are written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// As Soffid's own service: `id` is a number, dates are `yyyy-MM-dd HH:mm:ss`, `meta.links` are
    /// there, and what was deleted is still read, with status `D`.
    #[default]
    Soffid,
    /// As clients of RFC 7643 and RFC 7644 insist on: `id` is a string, dates are ISO 8601, and
    /// what was deleted is 404.
    Rfc,
}

/// What a host decides for all devices.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom the answers are written for.
    pub profile: Profile,
    /// The engine's policy. Its clock skew must cover how long after its time
    /// ([`Request::now`](crate::Request::now)) a host may judge a request.
    pub policy: Policy,
    /// SMS, EMAIL: the fewest seconds from a message or a wrong answer of a device to its next
    /// message, unless a right answer lies between; 0, the default, for none.
    pub message_pause: u32,
    /// The kinds that may be created; all by default.
    pub kinds: Vec<Kind>,
    /// What authenticators show as the issuer.
    pub issuer: String,
    /// TOTP, HOTP: the algorithm of new devices.
    pub algorithm: Algorithm,
    /// The digits of codes of new devices.
    pub digits: Digits,
    /// TOTP: the period of new devices in seconds, 1 or more.
    pub period: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Soffid,
            policy: Policy::default(),
            message_pause: 0,
            kinds: Kind::ALL.to_vec(),
            issuer: "keyfob".to_owned(),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            period: 30,
        }
    }
}
