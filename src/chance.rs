//! Layer 1: how likely it is that guessing succeeds.

use core::fmt;

use crate::{Digits, RECOVERY_CODES_MAX};

/// A probability in whole parts per billion, rounded up: at most 1 000 000 000. No floating point,
/// so that it costs nothing on a microcontroller.
///
/// ```
/// use keyfob::GuessChance;
///
/// assert_eq!(GuessChance::one_in(1_000).parts_per_billion(), 1_000_000);
/// assert_eq!(GuessChance::one_in(1_000).to_string(), "1 in 1000");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuessChance(u32);

impl GuessChance {
    const BILLION: u32 = 1_000_000_000;

    /// A guess that surely succeeds: as a bound, no bound at all.
    pub const CERTAIN: Self = Self(Self::BILLION);

    /// One in `n`; one in 0 is [`CERTAIN`](Self::CERTAIN).
    pub const fn one_in(n: u32) -> Self {
        match Self::BILLION.checked_div(n) {
            Some(parts) if n.saturating_mul(parts) == Self::BILLION => Self(parts),
            Some(parts) => Self(parts.saturating_add(1)),
            None => Self::CERTAIN,
        }
    }

    /// So many parts of a billion, at most [`CERTAIN`](Self::CERTAIN).
    pub const fn from_parts_per_billion(parts: u32) -> Self {
        if parts < Self::BILLION { Self(parts) } else { Self::CERTAIN }
    }

    /// That of guessing one of `accepted` codes, out of the 2^31 values of a truncated HMAC, with
    /// so many guesses.
    #[inline]
    pub(crate) fn for_codes(accepted: u64, digits: Digits, guesses: u64) -> Self {
        const ALL: u64 = 1 << 31;
        let values = accepted.saturating_mul(digits.likeliest().into()).saturating_mul(guesses);
        // Below 2^31 the product is below 2^61.
        let parts = values.min(ALL).saturating_mul(u64::from(Self::BILLION)).div_ceil(ALL);
        Self::rounded(parts)
    }

    /// That of one of `devices` showing a code by chance, or `two` in a row, of which each may show
    /// `accepted`.
    pub(crate) fn for_search(accepted: u64, digits: Digits, devices: u64, two: bool) -> Self {
        const ALL: u128 = 1 << 31;
        let each = u128::from(digits.likeliest());
        let shown = u128::from(accepted).saturating_mul(devices.into()).saturating_mul(each);
        let parts = shown.saturating_mul(Self::BILLION.into());
        let parts = if two { parts.saturating_mul(each).div_ceil(ALL * ALL) } else { parts.div_ceil(ALL) };
        Self::rounded(u64::try_from(parts).unwrap_or(u64::MAX))
    }

    /// That of guessing so many digits, drawn evenly, with so many guesses.
    #[inline]
    pub(crate) fn for_pin_digits(digits: u8, guesses: u64) -> Self {
        // A policy may be checked at each call, and a power of ten would be most of that.
        const EACH: [u32; 10] = [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
        Self::rounded(match EACH.get(usize::from(digits)) {
            Some(&each) => guesses.saturating_mul(each.into()),
            None => 10_u64.checked_pow(u32::from(digits).saturating_sub(9)).map_or(1, |divisor| guesses.div_ceil(divisor)),
        })
    }

    /// That of guessing one of the most recovery codes that a device may have, with so many
    /// guesses.
    pub(crate) fn for_recovery_codes(guesses: u64) -> Self {
        const MOST: u128 = RECOVERY_CODES_MAX as u128 * GuessChance::BILLION as u128;
        let parts = u128::from(guesses).saturating_mul(MOST).div_ceil(1 << u64::BITS);
        Self::rounded(u64::try_from(parts).unwrap_or(u64::MAX))
    }

    fn rounded(parts: u64) -> Self {
        Self(u32::try_from(parts).unwrap_or(Self::BILLION).min(Self::BILLION))
    }

    /// In parts per billion.
    pub const fn parts_per_billion(self) -> u32 {
        self.0
    }
}

impl fmt::Display for GuessChance {
    /// Writes `1 in n`, with n rounded down.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 in {}", Self::BILLION.checked_div(self.0.max(1)).unwrap_or_default())
    }
}
