//! One token of a file, as all formats have it.

use std::fmt;

use keyfob::{Algorithm, Digits, Factor, Hotp, SECRET_MAX_SIZE, SECRET_MIN_SIZE, Secret, Totp};
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::ErrorKind;

/// What a token computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Codes from the time, RFC 6238.
    Totp,
    /// Codes from a counter, RFC 4226.
    Hotp,
    /// Responses to a challenge, RFC 6287.
    Ocra,
    /// A PIN, which is the secret itself, or its hash where OCRA asks for one: the `pin` profile of
    /// RFC 6030.
    Pin,
}

impl Kind {
    /// The name in lower case, as PSKC and CSV write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Hotp => "hotp",
            Self::Ocra => "ocra",
            Self::Pin => "pin",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Totp, Self::Hotp, Self::Ocra, Self::Pin].into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// A secret of any length, wiped on drop and never printed. The engine's [`Secret`] holds 16 to 64
/// bytes; files hold shorter ones, too.
#[derive(Clone)]
pub struct RawSecret(Zeroizing<Vec<u8>>);

impl RawSecret {
    /// Takes bytes as they are.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Zeroizing<Vec<u8>>> for RawSecret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for RawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawSecret({} bytes)", self.0.len())
    }
}

impl PartialEq for RawSecret {
    /// In constant time for secrets of one length.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RawSecret {}

impl ZeroizeOnDrop for RawSecret {}

/// What a PIN key of the same file means for a token: `PINPolicy` of RFC 6030 section 5.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinPolicy {
    /// The id of the key that is the PIN.
    pub key_id: Option<String>,
    /// How the PIN is used: `Local`, `Prepend`, `Append` or `Algorithmic`.
    pub usage_mode: Option<String>,
    /// How its characters are encoded, `DECIMAL` for instance.
    pub encoding: Option<String>,
    /// Its smallest length in characters.
    pub min_length: Option<u32>,
    /// Its greatest length in characters.
    pub max_length: Option<u32>,
    /// How many wrong PINs lock the token.
    pub max_failed_attempts: Option<u32>,
}

/// One token of a file. What a file does not say has the default of its format; what a format
/// cannot say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// The serial number. Several keys of one device share it.
    pub serial: Option<String>,
    /// The id of the key, where the format knows one beside the serial number.
    pub id: Option<String>,
    /// What the token computes.
    pub kind: Kind,
    /// The shared secret; for [`Kind::Pin`] the PIN or its hash.
    pub secret: RawSecret,
    /// The hash.
    pub algorithm: Algorithm,
    /// The digits of a code; `None` where the suite or the secret says it.
    pub digits: Option<Digits>,
    /// TOTP: the seconds of a step.
    pub period: Option<u32>,
    /// TOTP: where steps start, in Unix seconds.
    pub t0: u64,
    /// HOTP, OCRA: the counter of the next code.
    pub counter: Option<u64>,
    /// TOTP: how many steps the token's clock is ahead (or behind, below 0).
    pub drift: Option<i64>,
    /// Who issued the secret.
    pub issuer: Option<String>,
    /// Whose account it is for.
    pub account: Option<String>,
    /// Who made the token.
    pub manufacturer: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The first second in which it may be used, in Unix seconds.
    pub not_before: Option<u64>,
    /// The last second in which it may be used, in Unix seconds (RFC 6030 section 5).
    pub not_after: Option<u64>,
    /// OCRA: the suite.
    pub suite: Option<String>,
    /// How many codes it may ever give.
    pub max_transactions: Option<u64>,
    /// What its PIN is.
    pub pin_policy: Option<PinPolicy>,
}

impl Token {
    /// A token with SHA-1 and defaults: 6 digits, 30 seconds, counter 0.
    pub fn new(kind: Kind, secret: RawSecret) -> Self {
        let is_otp = matches!(kind, Kind::Totp | Kind::Hotp);
        Self {
            serial: None,
            id: None,
            kind,
            secret,
            algorithm: Algorithm::Sha1,
            digits: is_otp.then_some(Digits::SIX),
            period: (kind == Kind::Totp).then_some(30),
            t0: 0,
            counter: (kind == Kind::Hotp).then_some(0),
            drift: None,
            issuer: None,
            account: None,
            manufacturer: None,
            model: None,
            not_before: None,
            not_after: None,
            suite: None,
            max_transactions: None,
            pin_policy: None,
        }
    }

    /// Whether the secret has fewer than 128 bits. Such a token is as its file has it: the caller
    /// decides about it.
    pub fn is_short(&self) -> bool {
        self.kind != Kind::Pin && self.secret.expose().len() < SECRET_MIN_SIZE
    }

    /// The engine's parameters.
    ///
    /// Errors: [`keyfob::Error::WrongKind`] for OCRA and PIN, [`keyfob::Error::SecretLength`] for a
    /// secret that [is short](Self::is_short).
    pub fn factor(&self) -> Result<Factor, keyfob::Error> {
        self.factor_with(Secret::new(self.secret.expose())?)
    }

    /// As [`factor`](Self::factor), of a secret that may have 10 to 15 bytes.
    ///
    /// Errors: those of [`factor`](Self::factor).
    pub fn factor_allowing_short(&self) -> Result<Factor, keyfob::Error> {
        self.factor_with(Secret::new_allowing_short(self.secret.expose())?)
    }

    fn factor_with(&self, secret: Secret) -> Result<Factor, keyfob::Error> {
        let hotp = Hotp::new(secret).with_algorithm(self.algorithm).with_digits(self.digits.unwrap_or_default());
        match self.kind {
            Kind::Totp => Ok(Factor::Totp(Totp::from_hotp(hotp).with_period(self.period.unwrap_or(30))?.with_t0(self.t0))),
            Kind::Hotp => Ok(Factor::Hotp(hotp)),
            Kind::Ocra | Kind::Pin => Err(keyfob::Error::WrongKind),
        }
    }

    /// What all readers do last: a secret longer than the hash's block becomes its hash, and what
    /// no format may say is refused.
    pub(crate) fn checked(mut self) -> Result<Self, ErrorKind> {
        if self.secret.expose().is_empty() {
            return Err(ErrorKind::Missing("the secret"));
        }
        if self.kind == Kind::Pin {
            return Ok(self);
        }
        if self.period == Some(0) {
            return Err(ErrorKind::Range("the interval of 0 seconds"));
        }
        if self.secret.expose().len() > SECRET_MAX_SIZE {
            let hashed = Secret::from_hmac_key(self.secret.expose(), self.algorithm);
            self.secret = RawSecret::new(hashed.map_err(|_| ErrorKind::SecretLength)?.expose().to_vec());
        }
        Ok(self)
    }
}
