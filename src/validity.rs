//! Layer 1: from when until when a token may be used.

use crate::Error;

/// The times between which a TOTP or HOTP device is usable (RFC 6030 section 5, `StartDate` and
/// `ExpiryDate`), in Unix seconds, both inclusive.
///
/// ```
/// use keyfob::{Error, Validity};
///
/// let validity = Validity::new(Some(1_000), Some(2_000))?;
/// assert!(validity.contains(1_000) && validity.contains(2_000) && !validity.contains(2_001));
/// assert_eq!(Validity::new(Some(2_000), Some(1_000)), Err(Error::Validity));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Validity {
    /// The first second; 0 for no limit.
    not_before: u64,
    /// The last second; 0 for no limit.
    not_after: u64,
}

impl Validity {
    /// Without a limit.
    pub const ALWAYS: Self = Self { not_before: 0, not_after: 0 };

    /// Usable from the second `not_before` to the second `not_after`; none of either for no limit.
    ///
    /// Errors: [`Error::Validity`] if the end lies before the start or is 0.
    pub const fn new(not_before: Option<u64>, not_after: Option<u64>) -> Result<Self, Error> {
        let not_before = match not_before {
            Some(first) => first,
            None => 0,
        };
        match not_after {
            None => Ok(Self { not_before, not_after: 0 }),
            Some(last) if last > 0 && not_before <= last => Ok(Self { not_before, not_after: last }),
            Some(_) => Err(Error::Validity),
        }
    }

    /// The first second; none without a limit.
    pub const fn not_before(self) -> Option<u64> {
        if self.not_before == 0 { None } else { Some(self.not_before) }
    }

    /// The last second; none without a limit.
    pub const fn not_after(self) -> Option<u64> {
        if self.not_after == 0 { None } else { Some(self.not_after) }
    }

    /// Whether a device of this validity is usable at `now`.
    pub const fn contains(self, now: u64) -> bool {
        self.not_before <= now && (self.not_after == 0 || now <= self.not_after)
    }

    /// The two words of a record, of which 0 stands for no limit.
    pub(crate) const fn to_words(self) -> [u64; 2] {
        [self.not_before, self.not_after]
    }

    /// What [`to_words`](Self::to_words) wrote; none of words that it does not write.
    pub(crate) const fn from_words([not_before, not_after]: [u64; 2]) -> Option<Self> {
        if not_after == 0 || not_before <= not_after { Some(Self { not_before, not_after }) } else { None }
    }
}
