//! Layer 2: HOTP (RFC 4226), and the window search that every code goes through.

use core::ops::RangeInclusive;

use subtle::{Choice, ConditionallySelectable, ConstantTimeGreater};

use crate::code::Submitted;
use crate::hmac::{Key, truncated};
use crate::{Algorithm, Code, Digits, Secret};

/// The last counter or step that is ever accepted: the one after it must still be a number.
pub(crate) const LAST: u64 = u64::MAX - 1;

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
        Code::new(self.digits.reduce(truncated(self.algorithm, &self.secret, counter)), self.digits)
    }

    /// The lowest counter of `window` whose code is `code`; none if there is none or `code` is not just its digits.
    ///
    /// Computes every code of the window, always, in constant time: two compressions each, so keep it narrow.
    pub fn search(&self, code: &[u8], window: RangeInclusive<u64>) -> Option<u64> {
        let first = Submitted::new(code, self.digits);
        let found = search(&self.key(), self.digits, &Answer { first, second: None }, window, 0);
        bool::from(found.right).then_some(found.counter)
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(self.algorithm, &self.secret)
    }
}

/// What is looked for: one code, or a code and the one of the next counter.
pub(crate) struct Answer {
    pub(crate) first: Submitted,
    pub(crate) second: Option<Submitted>,
}

/// What a search found; `counter` is that of the last code of the answer and means nothing unless `right`.
pub(crate) struct Found {
    /// The answer stands in the window, at `floor` or above.
    pub(crate) right: Choice,
    /// The answer stands in the window, below `floor`.
    pub(crate) replayed: Choice,
    pub(crate) counter: u64,
}

/// Looks for the answer's lowest place at or above `floor`, over the whole of `window`, in constant time: the work depends on the
/// window's width and on whether the answer is one code or two.
pub(crate) fn search(key: &Key, digits: Digits, answer: &Answer, window: RangeInclusive<u64>, floor: u64) -> Found {
    let none = Choice::from(0);
    let mut found = Found { right: none, replayed: none, counter: 0 };
    let mut first_was_before = none;
    key.each(window, |counter, truncated| {
        let value = digits.reduce(truncated);
        let first_is_here = answer.first.is(value);
        let here = match &answer.second {
            None => first_is_here,
            Some(second) => first_was_before & second.is(value),
        };
        first_was_before = first_is_here;
        let used = floor.ct_gt(&counter);
        let taken = here & !used & !found.right;
        found.counter.conditional_assign(&counter, taken);
        found.right |= taken;
        found.replayed |= here & used;
    });
    found
}
