//! The attributes that a create alone sets: the serial and secret of a token and what they make,
//! and the number of recovery codes.

use data_encoding::BASE32_NOPAD;
use keyfob::{Algorithm, Digits, RecoveryCodes, Secret};
use zeroize::Zeroizing;

use crate::attribute::Attribute;
use crate::body::{self, text};
use crate::entry::Naming;
use crate::error::Error;
use crate::json::Value;
use crate::settings::Settings;

/// What a create says of a device beside the attributes that can change.
pub(crate) struct Token {
    /// The naming by its serial.
    pub(crate) naming: Option<Naming>,
    /// Only its length is known to `Debug`.
    pub(crate) secret: Option<Secret>,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: Digits,
    pub(crate) period: u32,
    pub(crate) counter: u64,
    /// RECOVERY: how many codes to make.
    pub(crate) code_count: u8,
}

impl Token {
    /// Reads the attributes, with the settings for those that the body leaves out. The name counts
    /// with a secret or without a user: other clients send a name back that they have read, and a
    /// read-only attribute is ignored (RFC 7644 section 3.3).
    ///
    /// Errors: 400 `invalidValue`.
    pub(crate) fn read(attributes: &[(Attribute, &Value)], settings: &Settings) -> Result<Self, Error> {
        let given = |wanted| attributes.iter().find(|(attribute, value)| *attribute == wanted && !value.is_null());
        let value = |wanted: Attribute| given(wanted).map(|(_, value)| (wanted.name(), *value));
        let mut token = Self {
            naming: None,
            secret: None,
            algorithm: settings.algorithm,
            digits: settings.digits,
            period: settings.period,
            counter: 0,
            code_count: RecoveryCodes::DEFAULT_COUNT,
        };
        if let Some((name, value)) = value(Attribute::Algorithm) {
            token.algorithm = text(name, value)?.parse()?;
        }
        if let Some((name, value)) = value(Attribute::Digits) {
            token.digits = number::<u8>(name, value).ok_or(keyfob::Error::Digits).and_then(Digits::new)?;
        }
        if let Some((name, value)) = value(Attribute::Period) {
            token.period = number(name, value).filter(|period| *period > 0).ok_or(keyfob::Error::Period)?;
        }
        if let Some((name, value)) = value(Attribute::Counter) {
            let counter = number(name, value);
            token.counter = counter.ok_or_else(|| Error::value(format!("{name}: must be a number from 0 to {}", u64::MAX)))?;
        }
        if let Some((_, value)) = value(Attribute::RecoveryCodeCount) {
            token.code_count = body::recovery_code_count(value)?;
        }
        if let Some((name, value)) = value(Attribute::Secret) {
            let typed = value.as_text().ok_or_else(|| body::no_text(name))?;
            token.secret = Some(secret(typed, token.algorithm, settings.min_secret_bits)?);
        }
        let is_serial = token.secret.is_some() || given(Attribute::User).is_none();
        if let Some((name, value)) = value(Attribute::Name).filter(|_| is_serial) {
            token.naming = Some(Naming::from_serial(text(name, value)?)?);
        }
        Ok(token)
    }
}

/// A number that is written as one or as text; none for anything else.
fn number<N: std::str::FromStr>(name: &str, value: &Value) -> Option<N> {
    body::digits(name, value).ok()?.parse().ok()
}

/// Reads a secret in Base32 as people type it. Hexadecimal is not read: a text of the digits 2 to 7
/// and the letters a to f may be either.
///
/// Errors: 400 `invalidValue`, without a character of it.
fn secret(typed: &str, algorithm: Algorithm, min_bits: u16) -> Result<Secret, Error> {
    let mut symbols = Zeroizing::new(String::with_capacity(typed.len()));
    let is_symbol = |char: &char| !matches!(char, ' ' | '-' | '\t' | '\r' | '\n');
    symbols.extend(typed.trim_end().trim_end_matches('=').chars().filter(is_symbol).map(|char| char.to_ascii_uppercase()));
    let mut encoding = BASE32_NOPAD.specification();
    // Bits behind the last whole byte are ignored, as authenticators do.
    encoding.check_trailing_bits = false;
    let decoded = encoding.encoding().ok().and_then(|encoding| encoding.decode(symbols.as_bytes()).ok());
    let key = Zeroizing::new(decoded.ok_or(keyfob::Error::SecretBase32)?);
    let bits = key.len().saturating_mul(8);
    if bits < usize::from(min_bits) {
        return Err(Error::value(format!("secret: has {bits} bits; it must have at least {min_bits} (policy.min_secret_bits)")));
    }
    Secret::from_hmac_key(&key, algorithm).map_err(|_| {
        Error::value("secret: must have at least 80 bits, and with SHA512 no more than 64 bytes unless it has more than 128")
    })
}
