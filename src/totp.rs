//! Layer 2: TOTP (RFC 6238): HOTP of the time step.

use core::ops::RangeInclusive;

use crate::hotp::MAX_COUNTER;
use crate::{Algorithm, Code, Digits, Error, Hotp, Secret};

/// A TOTP authenticator's parameters (RFC 6238): those of [`Hotp`], the period and T0.
///
/// ```
/// use keyfob::{Digits, Secret, Totp};
///
/// let totp = Totp::new(Secret::new(b"12345678901234567890")?).with_digits(Digits::EIGHT);
/// assert_eq!(totp.generate(59)?.as_str(), "94287082");
/// assert_eq!(totp.search(b"94287082", 89, 1)?, Some(1));
/// # Ok::<(), keyfob::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totp {
    hotp: Hotp,
    period: u32,
    t0: u64,
}

impl Totp {
    /// SHA-1, six digits, 30 seconds, T0 = 0, which every authenticator knows.
    pub const fn new(secret: Secret) -> Self {
        Self::from_hotp(Hotp::new(secret))
    }

    /// HOTP of the time step, of 30 seconds from T0 = 0.
    pub const fn from_hotp(hotp: Hotp) -> Self {
        Self { hotp, period: 30, t0: 0 }
    }

    /// The caller has checked the period.
    pub(crate) const fn from_parts(hotp: Hotp, period: u32, t0: u64) -> Self {
        Self { hotp, period, t0 }
    }

    /// With this algorithm.
    #[must_use]
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { hotp: self.hotp.with_algorithm(algorithm), ..self }
    }

    /// With codes of this many digits.
    #[must_use]
    pub fn with_digits(self, digits: Digits) -> Self {
        Self { hotp: self.hotp.with_digits(digits), ..self }
    }

    /// With a step of this many seconds, 1 or more. Errors: [`Error::Period`].
    pub fn with_period(self, seconds: u32) -> Result<Self, Error> {
        if seconds == 0 { Err(Error::Period) } else { Ok(Self { period: seconds, ..self }) }
    }

    /// With steps counted from this time, in Unix seconds.
    #[must_use]
    pub fn with_t0(self, t0: u64) -> Self {
        Self { t0, ..self }
    }

    /// Secret, algorithm and digits: what makes a code of a step.
    pub const fn hotp(&self) -> &Hotp {
        &self.hotp
    }

    /// The shared secret.
    pub const fn secret(&self) -> &Secret {
        self.hotp.secret()
    }

    /// The length of a step in seconds, at least 1.
    pub const fn period(&self) -> u32 {
        self.period
    }

    /// The time from which steps are counted, in Unix seconds.
    pub const fn t0(&self) -> u64 {
        self.t0
    }

    /// The step of `time`, in Unix seconds (RFC 6238 section 4.2). Errors: [`Error::Clock`] before
    /// T0.
    pub fn step(&self, time: u64) -> Result<u64, Error> {
        let since = time.checked_sub(self.t0).ok_or(Error::Clock)?;
        since.checked_div(u64::from(self.period)).ok_or(Error::Period)
    }

    /// The code of `time`, in Unix seconds. Errors: [`Error::Clock`] before T0.
    pub fn generate(&self, time: u64) -> Result<Code, Error> {
        Ok(self.hotp.generate(self.step(time)?))
    }

    /// The lowest step from `window` steps before `time` to `window` steps after it whose code is
    /// `code`.
    ///
    /// Computes every code of the window, always, in constant time. Keeps no state: to refuse a
    /// code used before, take a [`Device`](crate::Device). Errors: [`Error::Clock`] before T0,
    /// [`Error::Exhausted`] at the end of time.
    pub fn search(&self, code: &[u8], time: u64, window: u16) -> Result<Option<u64>, Error> {
        Ok(self.hotp.search(code, self.window(time, 0, window)?))
    }

    /// The first step that begins no earlier than step `lowest` of `old`, which may have another
    /// period and T0; 0 if that is 0.
    pub(crate) fn lowest_from(&self, old: &Self, lowest: u64) -> u64 {
        if lowest == 0 || (self.period, self.t0) == (old.period, old.t0) {
            return lowest;
        }
        let begins = lowest.saturating_mul(old.period.into()).saturating_add(old.t0).saturating_sub(self.t0);
        let period = u64::from(self.period);
        // Rounded up; a period is never 0.
        begins.saturating_add(period.saturating_sub(1)).checked_div(period).unwrap_or_default()
    }

    /// The steps around that of `time`, moved by `drift` steps.
    pub(crate) fn window(&self, time: u64, drift: i32, width: u16) -> Result<RangeInclusive<u64>, Error> {
        let centre = self.step(time)?.saturating_add_signed(i64::from(drift));
        let (first, last) = (centre.saturating_sub(u64::from(width)), centre.saturating_add(u64::from(width)).min(MAX_COUNTER));
        if first > last { Err(Error::Exhausted) } else { Ok(first..=last) }
    }
}
