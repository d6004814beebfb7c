//! The authenticator that a secret and the options describe.

use keyfob::{Device, Digits, Error, Factor, Hotp, Totp};

use super::secret::ParsedSecret;
use crate::cli::args::{AuthenticatorArgs, Parameters};
use crate::cli::result::Result;

pub(crate) enum Authenticator {
    Totp(Totp),
    Hotp { hotp: Hotp, counter: u64 },
}

impl Authenticator {
    /// The authenticator of a secret and the options.
    pub(crate) fn from_secret(secret: ParsedSecret<'_>, args: &AuthenticatorArgs) -> Result<Self> {
        Self::from_parsed(secret)?.with_parameters(&args.parameters, args.t0, args.counter)
    }

    /// The authenticator of a secret alone. A bare secret makes a TOTP authenticator.
    pub(crate) fn from_parsed(secret: ParsedSecret<'_>) -> Result<Self> {
        match secret {
            ParsedSecret::Bare(secret) => Ok(Self::Totp(Totp::new(secret))),
            ParsedSecret::Uri(uri) => Self::from_factor(uri.factor(), uri.counter()),
        }
    }

    /// The authenticator of a TOTP or HOTP factor. Errors: it is of another kind.
    pub(crate) fn from_factor(factor: &Factor, counter: u64) -> Result<Self> {
        match factor {
            Factor::Totp(totp) => Ok(Self::Totp(totp.clone())),
            Factor::Hotp(hotp) => Ok(Self::Hotp { hotp: hotp.clone(), counter }),
            _ => Err(Error::WrongKind.into()),
        }
    }

    /// Changes the parameters by the options, which win over a URI. A counter makes it HOTP.
    pub(crate) fn with_parameters(self, parameters: &Parameters, t0: Option<u64>, counter: Option<u64>) -> Result<Self> {
        let (mut totp, counter) = match self {
            Self::Totp(totp) => (totp, counter),
            Self::Hotp { hotp, counter: first } => (Totp::from_hotp(hotp), counter.or(Some(first))),
        };
        if let Some(algorithm) = parameters.algorithm {
            totp = totp.with_algorithm(algorithm);
        }
        if let Some(digits) = parameters.digits {
            totp = totp.with_digits(digits);
        }
        if let Some(counter) = counter {
            if parameters.period.is_some() || t0.is_some() {
                return Err("--period and --t0: are for TOTP, and this is HOTP; leave them out".into());
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

    /// Enrolls it at time `now`.
    pub(crate) fn into_device(self, now: u64) -> Device {
        match self {
            Self::Totp(totp) => Device::totp(totp, now),
            Self::Hotp { hotp, counter } => Device::hotp(hotp, counter, now),
        }
    }
}

/// Warnings about digits and a TOTP period in seconds that many authenticators get wrong.
pub(crate) fn cautions(digits: Digits, period: Option<u32>) -> Vec<String> {
    let mut cautions = Vec::new();
    if digits.get() > 8 {
        cautions.push(format!(
            "codes of {} digits: many authenticators show other codes or take none of more than 8 digits; try yours, or take 6 to 8",
            digits.get()
        ));
    }
    if let Some(period) = period.filter(|period| *period != 30) {
        cautions.push(format!(
            "a period of {period} seconds: some authenticators count 30 seconds all the same; try yours, or take 30"
        ));
    }
    cautions
}
