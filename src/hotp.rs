//! Layer 2: HOTP (RFC 4226), and the window search that every code goes through.

use core::fmt;
use core::ops::RangeInclusive;

use subtle::{Choice, ConditionallySelectable, ConstantTimeLess};

use crate::code::Submitted;
use crate::hmac::HmacState;
use crate::{Algorithm, Code, Digits, Secret};

/// The last counter or step that is ever accepted: the one after it must still be a number.
pub(crate) const MAX_COUNTER: u64 = u64::MAX - 1;

/// A HOTP authenticator's parameters: secret, algorithm and digits (RFC 4226).
///
/// ```
/// use keyfob::{Hotp, Secret};
///
/// let hotp = Hotp::new(Secret::new(b"12345678901234567890")?);
/// assert_eq!(hotp.generate(0).as_str(), "755224");
/// assert_eq!(hotp.search(b"287082", 0..=10), Some(1));
/// # Ok::<(), keyfob::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotp {
    secret: Secret,
    algorithm: Algorithm,
    digits: Digits,
}

impl Hotp {
    /// SHA-1 and six digits, which every authenticator knows.
    pub const fn new(secret: Secret) -> Self {
        Self { secret, algorithm: Algorithm::Sha1, digits: Digits::SIX }
    }

    pub(crate) const fn from_parts(secret: Secret, algorithm: Algorithm, digits: Digits) -> Self {
        Self { secret, algorithm, digits }
    }

    /// With this algorithm.
    #[must_use]
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// With codes of this many digits.
    #[must_use]
    pub fn with_digits(self, digits: Digits) -> Self {
        Self { digits, ..self }
    }

    /// The shared secret.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The hash algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many digits its codes have.
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// The code of `counter` (RFC 4226 section 5.3).
    pub fn generate(&self, counter: u64) -> Code {
        Code::new(self.digits.reduce(HmacState::truncated_once(self.algorithm, &self.secret, counter)), self.digits)
    }

    /// The lowest counter of `window` whose code is `code`; none if there is none or `code` is not
    /// just its digits.
    ///
    /// Computes every code of the window, always, in constant time: two compressions each, so keep
    /// it narrow.
    pub fn search(&self, code: &[u8], window: RangeInclusive<u64>) -> Option<u64> {
        HmacState::scope(self.algorithm, &self.secret, |state| search_one(state, self.digits, code, window))
    }

    /// With the secret hashed once, for several codes.
    pub fn keyed(&self) -> KeyedHotp {
        KeyedHotp { state: self.hmac_state(), digits: self.digits }
    }

    fn hmac_state(&self) -> HmacState {
        HmacState::new(self.algorithm, &self.secret)
    }
}

/// A [`Hotp`] whose secret is hashed already, which is half the work of a code; wiped on drop.
///
/// ```
/// use keyfob::{Hotp, Secret};
///
/// let keyed = Hotp::new(Secret::new(b"12345678901234567890")?).keyed();
/// assert_eq!((keyed.generate(0).as_str(), keyed.generate(1).as_str()), ("755224", "287082"));
/// # Ok::<(), keyfob::Error>(())
/// ```
pub struct KeyedHotp {
    state: HmacState,
    digits: Digits,
}

impl KeyedHotp {
    /// As [`Hotp::generate`].
    pub fn generate(&self, counter: u64) -> Code {
        Code::new(self.digits.reduce(self.state.truncated(counter)), self.digits)
    }

    /// As [`Hotp::search`].
    pub fn search(&self, code: &[u8], window: RangeInclusive<u64>) -> Option<u64> {
        search_one(&self.state, self.digits, code, window)
    }

    /// For fuzzing: the truncated values of `first` and the counters after it, on one platform
    /// alone, and its name.
    #[cfg(fuzzing)]
    pub fn compute_on(&self, platform: usize, first: u64, values: &mut [u32]) -> Option<&'static str> {
        self.state.fill_on(platform, first, values)
    }
}

impl fmt::Debug for KeyedHotp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedHotp").field("digits", &self.digits).finish_non_exhaustive()
    }
}

fn search_one(state: &HmacState, digits: Digits, code: &[u8], window: RangeInclusive<u64>) -> Option<u64> {
    let first = Submitted::new(code, digits);
    let found = search(state, digits, &SubmittedCodes { first, second: None }, window, 0);
    bool::from(found.right).then_some(found.counter)
}

/// The codes that a search looks for: one, or two of consecutive counters.
#[derive(Clone)]
pub(crate) struct SubmittedCodes {
    pub(crate) first: Submitted,
    pub(crate) second: Option<Submitted>,
}

/// The outcome of a search. `counter` is that of the last submitted code, and means nothing unless
/// `right`.
pub(crate) struct Found {
    /// The codes are in the window, at `floor` or above.
    pub(crate) right: Choice,
    /// The codes are in the window, below `floor`.
    pub(crate) replayed: Choice,
    /// The codes are in the window, just below `floor`: the code accepted last.
    pub(crate) last: Choice,
    pub(crate) counter: u64,
}

impl Found {
    /// What was found in this window or in another one: of two places the lower. In constant time.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let is_other = other.right & (!self.right | other.counter.ct_lt(&self.counter));
        Self {
            right: self.right | other.right,
            replayed: self.replayed | other.replayed,
            last: self.last | other.last,
            counter: u64::conditional_select(&self.counter, &other.counter, is_other),
        }
    }
}

/// Finds the lowest place of the codes at or above `floor`, over the whole of `window`, in constant
/// time: the work depends on the width of the window and on the number of codes.
pub(crate) fn search(state: &HmacState, digits: Digits, codes: &SubmittedCodes, window: RangeInclusive<u64>, floor: u64) -> Found {
    // Bits; what selects is a choice, which is hidden from the compiler, and for which the
    // processor waits.
    let (mut right, mut replayed, mut last, mut found) = (0, 0, 0, 0);
    // Bit 0: the first code was found at the last counter of the batch before.
    let mut before = 0;
    state.batches(window, |counter, values| {
        digits.reduce_all(values);
        let firsts = codes.first.places(values);
        let here = match &codes.second {
            None => firsts,
            Some(second) => second.places(values) & (firsts << 1 | before),
        };
        before = firsts >> values.len().saturating_sub(1);
        let used = here & lowest_bits(floor.saturating_sub(counter));
        let fresh = here ^ used;
        let taken = any(fresh) & !right;
        found.conditional_assign(&counter.wrapping_add(lowest_place(fresh)), Choice::from(taken));
        right |= taken;
        replayed |= any(used);
        last |= any(used & !lowest_bits(floor.saturating_sub(1).saturating_sub(counter)));
    });
    let [right, replayed, last] = [right, replayed, last].map(Choice::from);
    Found { right, replayed, last, counter: found }
}

/// Whether any bit is set: 1 or 0.
pub(crate) const fn any(bits: u64) -> u8 {
    ((bits | bits.wrapping_neg()) >> 63) as u8
}

/// The `count` lowest bits of 64, or all.
fn lowest_bits(count: u64) -> u64 {
    let above = u32::try_from(count).ok().and_then(|count| u64::MAX.checked_shl(count));
    !above.unwrap_or(0)
}

/// Which bit is the lowest one set, in constant time: on some processors `trailing_zeros` looks
/// into a table.
pub(crate) fn lowest_place(bits: u64) -> u64 {
    let lowest = bits & bits.wrapping_neg();
    // The n-th holds the places whose number has bit n.
    let halves = [
        0xaaaa_aaaa_aaaa_aaaa,
        0xcccc_cccc_cccc_cccc,
        0xf0f0_f0f0_f0f0_f0f0,
        0xff00_ff00_ff00_ff00,
        0xffff_0000_ffff_0000,
        0xffff_ffff_0000_0000,
    ];
    halves.iter().rev().fold(0, |place, half| place << 1 | u64::from(any(lowest & half)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_COUNTER, SubmittedCodes, lowest_bits, lowest_place, search};
    use crate::code::Submitted;
    use crate::{Code, Digits, Hotp, Secret};

    proptest! {
        /// Against the definition: the lowest place at or above the floor, and whether there is one
        /// below it.
        #[test]
        fn a_search_finds_the_lowest_place(
            first in prop_oneof![0..1000_u64, any::<u64>(), Just(MAX_COUNTER - 70)],
            more in prop_oneof![0..3_u64, 0..140_u64],
            (place, second_place) in (0..150_u64, 0..150_u64),
            floor in prop_oneof![Just(0), 0..150_u64, Just(u64::MAX)],
            two: bool,
            in_a_row: bool,
        ) {
            let hotp = Hotp::new(Secret::new(b"12345678901234567890").unwrap());
            let (first, state) = (first.min(MAX_COUNTER), hotp.hmac_state());
            let last = first.saturating_add(more).min(MAX_COUNTER);
            let floor = first.saturating_add(floor);
            let code = |counter: u64| hotp.digits().reduce(state.truncated(counter));
            let one = code(first.wrapping_add(place));
            let other = code(first.wrapping_add(if in_a_row { place + 1 } else { second_place }));
            let submitted = |code| Submitted::new(Code::new(code, Digits::SIX).as_bytes(), Digits::SIX);
            let codes = SubmittedCodes { first: submitted(one), second: two.then(|| submitted(other)) };
            let found = search(&state, hotp.digits(), &codes, first..=last, floor);

            let is_here = |counter: &u64| {
                if two {
                    *counter > first && code(*counter - 1) == one && code(*counter) == other
                } else {
                    code(*counter) == one
                }
            };
            let fresh = (first..=last).filter(is_here).find(|counter| *counter >= floor);
            let used = (first..=last).filter(is_here).any(|counter| counter < floor);
            prop_assert_eq!(bool::from(found.right).then_some(found.counter), fresh);
            let used_last = (first..=last).filter(is_here).any(|counter| counter.checked_add(1) == Some(floor));
            prop_assert_eq!((bool::from(found.replayed), bool::from(found.last)), (used, used_last));
        }

        #[test]
        fn places_of_bits(bits: u64, count in 0..200_u64) {
            prop_assert_eq!(u32::try_from(lowest_place(bits)).unwrap(), if bits == 0 { 0 } else { bits.trailing_zeros() });
            prop_assert_eq!(u64::from(lowest_bits(count).count_ones()), count.min(64));
            prop_assert_eq!(lowest_bits(count).leading_zeros(), 64 - lowest_bits(count).count_ones());
        }
    }

    /// Wherever batches meet.
    #[test]
    fn two_codes_in_a_row_are_found_at_every_place() {
        let hotp = Hotp::new(Secret::new(b"12345678901234567890").unwrap());
        let submitted = |counter| Submitted::new(hotp.generate(counter).as_bytes(), Digits::SIX);
        for first in 0..200 {
            let codes = SubmittedCodes { first: submitted(first), second: Some(submitted(first + 1)) };
            let found = search(&hotp.hmac_state(), Digits::SIX, &codes, 0..=200, 0);
            assert_eq!((bool::from(found.right), found.counter), (true, first + 1));
        }
    }

    #[test]
    fn every_lowest_place() {
        for place in 0..64 {
            assert_eq!(lowest_place(1 << place), place);
            assert_eq!(lowest_place(u64::MAX << place), place);
        }
    }
}
