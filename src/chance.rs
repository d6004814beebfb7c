//! Layer 1: how likely it is that guessing succeeds.

use core::fmt;

/// A probability in whole parts per billion, rounded up: at most 1 000 000 000. No floating point, so that it costs nothing on
/// a microcontroller.
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

    /// `parts` of `whole`, rounded up and at most certain.
    pub(crate) fn of(parts: u128, whole: u128) -> Self {
        let billion = u128::from(Self::BILLION);
        let rounded = parts.saturating_mul(billion).checked_add(whole.saturating_sub(1)).and_then(|sum| sum.checked_div(whole));
        Self(rounded.and_then(|parts| u32::try_from(parts).ok()).unwrap_or(Self::BILLION).min(Self::BILLION))
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
