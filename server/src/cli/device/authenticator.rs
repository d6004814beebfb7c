//! The authenticator that a secret's text and the options describe together.

use keyfob::{Device, Digits, Error, Factor, Hotp, Totp};

use super::secret::Given;
use crate::cli::args::{AuthenticatorArgs, Parameters};
use crate::cli::result::Result;

pub(crate) enum Authenticator {
    Totp(Totp),
    Hotp { hotp: Hotp, counter: u64 },
}

impl Authenticator {
    /// What a secret's text says, with what the options say.
    pub(crate) fn read(given: Given<'_>, args: &AuthenticatorArgs) -> Result<Self> {
        Self::of(given)?.with(&args.parameters, args.t0, args.counter)
    }

    /// What a secret's text says. A bare secret makes a TOTP authenticator.
    pub(crate) fn of(given: Given<'_>) -> Result<Self> {
        match given {
            Given::Bare(secret) => Ok(Self::Totp(Totp::new(secret))),
            Given::Uri(uri) => Self::of_factor(uri.factor(), uri.counter()),
        }
    }

    /// The authenticator of a TOTP or HOTP factor. Errors: it is another kind.
    pub(crate) fn of_factor(factor: &Factor, counter: u64) -> Result<Self> {
        match factor {
            Factor::Totp(totp) => Ok(Self::Totp(totp.clone())),
            Factor::Hotp(hotp) => Ok(Self::Hotp { hotp: hotp.clone(), counter }),
            _ => Err(Error::WrongKind.into()),
        }
    }

    /// With what the options say, which goes before what a URI said; a counter makes it HOTP.
    pub(crate) fn with(self, parameters: &Parameters, t0: Option<u64>, counter: Option<u64>) -> Result<Self> {
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

/// What authenticators get wrong of codes with so many digits, and of a TOTP period, in seconds.
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
