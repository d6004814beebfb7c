//! The authenticator that a secret's text and the options describe together.

use keyfob::{Device, Error, Factor, Hotp, Secret, Totp, Uri};

use super::Result;
use super::args::{AuthenticatorArgs, Parameters};
use super::input;

pub(crate) enum Authenticator {
    Totp(Totp),
    Hotp { hotp: Hotp, counter: u64 },
}

impl Authenticator {
    /// Reads the secret that the options name and applies the options to it.
    pub(crate) fn read(args: &AuthenticatorArgs) -> Result<Self> {
        let text = input::secret(args.secret_file.as_deref())?;
        Self::parse(text_of(&text)?, args.hex)?.with(&args.parameters, args.t0, args.counter)
    }

    /// Reads an otpauth URI, or else a bare secret, which makes a TOTP authenticator.
    pub(crate) fn parse(text: &str, hex: bool) -> Result<Self> {
        if !is_uri(text) {
            let secret = if hex { Secret::from_hex(text) } else { Secret::from_base32(text) };
            return Ok(Self::Totp(Totp::new(secret?)));
        }
        let uri = Uri::parse(text)?;
        match uri.factor() {
            Factor::Totp(totp) => Ok(Self::Totp(totp.clone())),
            Factor::Hotp(hotp) => Ok(Self::Hotp { hotp: hotp.clone(), counter: uri.counter() }),
            _ => Err(Error::WrongKind.into()),
        }
    }

    /// With what the options say, which goes before what a URI said; a counter makes it HOTP.
    pub(crate) fn with(self, parameters: &Parameters, t0: Option<u64>, counter: Option<u64>) -> Result<Self> {
        let (mut totp, counter) = match self {
            Self::Totp(totp) => (totp, counter),
            Self::Hotp { hotp, counter: first } => (Totp::of(hotp), counter.or(Some(first))),
        };
        if let Some(algorithm) = parameters.algorithm {
            totp = totp.with_algorithm(algorithm);
        }
        if let Some(digits) = parameters.digits {
            totp = totp.with_digits(digits);
        }
        if let Some(counter) = counter {
            if parameters.period.is_some() || t0.is_some() {
                return Err("--period and --t0: are for TOTP, and this is HOTP".into());
            }
            return Ok(Self::Hotp { hotp: totp.hotp().clone(), counter });
        }
        if let Some(seconds) = parameters.period {
            totp = totp.with_period(seconds)?;
        }
        if let Some(t0) = t0 {
            totp = totp.with_t0(t0);
        }
        Ok(Self::Totp(totp))
    }

    /// Enrols it at time `now`.
    pub(crate) fn into_device(self, now: u64) -> Device {
        match self {
            Self::Totp(totp) => Device::totp(totp, now),
            Self::Hotp { hotp, counter } => Device::hotp(hotp, counter, now),
        }
    }
}

/// The text without blanks around it.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str> {
    Ok(str::from_utf8(bytes).map_err(|_| "secret: is not text in UTF-8")?.trim())
}

/// Whether the text is a URI rather than a bare secret.
pub(crate) fn is_uri(text: &str) -> bool {
    const SCHEME: &str = "otpauth://";
    text.get(..SCHEME.len()).is_some_and(|front| front.eq_ignore_ascii_case(SCHEME))
}
