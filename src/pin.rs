//! Layer 2: the security PIN and the positions asked of it.

use core::fmt;

use rand_core::TryCryptoRng;
use subtle::{Choice, ConstantTimeEq, ConstantTimeLess};

use zeroize::ZeroizeOnDrop;

use crate::secret::{SECRET_MAX_SIZE, Wiped};
use crate::{Error, PinPositions, Policy};

/// The fewest digits of a PIN, whatever the policy says.
pub const PIN_MIN_DIGITS: usize = 4;
/// The most digits of a PIN.
pub const PIN_MAX_DIGITS: usize = SECRET_MAX_SIZE;

/// A security PIN: 4 to 64 ASCII digits, wiped on drop, redacted in `Debug`.
#[derive(Clone)]
pub struct Pin(Wiped);

impl Pin {
    /// Takes 4 to 64 ASCII digits. How many a new device needs is the policy's: 8 by default.
    ///
    /// Errors: [`Error::PinLength`], [`Error::PinDigits`].
    pub fn new(digits: &[u8]) -> Result<Self, Error> {
        Wiped::new(digits).ok_or(Error::PinLength).and_then(Self::of)
    }

    /// The first `len` of `bytes`, behind which there are only zeros; none if there is more, or
    /// they are no PIN.
    pub(crate) fn from_padded(bytes: &[u8; SECRET_MAX_SIZE], len: u8) -> Option<Self> {
        if Wiped::is_padded(bytes, len) { Self::of(Wiped::from_padded(bytes, len)).ok() } else { None }
    }

    fn of(digits: Wiped) -> Result<Self, Error> {
        if !(PIN_MIN_DIGITS..=PIN_MAX_DIGITS).contains(&digits.as_bytes().len()) {
            return Err(Error::PinLength);
        }
        let valid = digits.as_bytes().iter().fold(Choice::from(1), |valid, digit| valid & digit.wrapping_sub(b'0').ct_lt(&10));
        if bool::from(valid) { Ok(Self(digits)) } else { Err(Error::PinDigits) }
    }

    /// The digits. Never log them.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) const fn wiped(&self) -> &Wiped {
        &self.0
    }

    /// How many digits it has, 4 to 64.
    pub(crate) fn count(&self) -> u8 {
        u8::try_from(self.expose().len()).unwrap_or_default()
    }

    /// How many of its positions a policy asks for.
    pub(crate) fn count_asked(&self, policy: &Policy) -> u8 {
        match policy.pin_positions() {
            PinPositions::Count(count) => count.min(self.count()),
            PinPositions::All => self.count(),
        }
    }

    /// Whether `answer` is the digits at `positions`, in their order; in constant time for
    /// positions and lengths given.
    pub(crate) fn answers(&self, positions: Positions, answer: &[u8]) -> Choice {
        let mut right = answer.len().ct_eq(&usize::from(positions.count()));
        let digits = self.expose().iter().zip(1..).filter(|&(_, number)| positions.contains(number));
        for (at, (digit, _)) in digits.enumerate() {
            right &= answer.get(at).copied().unwrap_or_default().ct_eq(digit);
        }
        right
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({} digits)", self.count())
    }
}

impl ZeroizeOnDrop for Pin {}

impl ConstantTimeEq for Pin {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Pin {}

/// The positions of a PIN that a challenge asks for, numbered from 1. They are no secret: the user
/// sees them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Positions(u64);

impl Positions {
    /// All of the first `len`.
    pub(crate) const fn all(len: u8) -> Self {
        Self(match u64::MAX.checked_shr(64_u32.saturating_sub(len as u32)) {
            Some(mask) => mask,
            None => 0,
        })
    }

    /// Draws more of the first `len` until there are `count`, every set of them equally likely.
    pub(crate) fn draw<R: TryCryptoRng + ?Sized>(self, count: u8, len: u8, rng: &mut R) -> Result<Self, Error> {
        if count >= len {
            return Ok(Self::all(len));
        }
        let mut drawn = self;
        while drawn.count() < count {
            let left = len.saturating_sub(drawn.count());
            let at = below(left, rng)?;
            let number = (1..=len).filter(|&number| !drawn.contains(number)).nth(at.into()).ok_or(Error::Randomness)?;
            drawn = drawn.with(number);
        }
        Ok(drawn)
    }

    pub(crate) const fn from_mask(mask: u64) -> Self {
        Self(mask)
    }

    /// Bit n - 1 stands for position n.
    pub const fn mask(self) -> u64 {
        self.0
    }

    /// How many there are.
    pub fn count(self) -> u8 {
        u8::try_from(self.0.count_ones()).unwrap_or_default()
    }

    /// Whether position `number` (from 1) is asked.
    pub const fn contains(self, number: u8) -> bool {
        self.0 & Self::bit(number) != 0
    }

    /// The numbers (from 1) of the positions, in their order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (1..=64).filter(move |&number| self.contains(number))
    }

    const fn with(self, number: u8) -> Self {
        Self(self.0 | Self::bit(number))
    }

    const fn bit(number: u8) -> u64 {
        match 1_u64.checked_shl((number as u32).wrapping_sub(1)) {
            Some(bit) => bit,
            None => 0,
        }
    }
}

impl fmt::Debug for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A number below `bound`, evenly: what would favour some is drawn again. A generator that never
/// gives a usable byte has failed.
fn below<R: TryCryptoRng + ?Sized>(bound: u8, rng: &mut R) -> Result<u8, Error> {
    let fair = u8::MAX.checked_rem(bound).map(|rest| u8::MAX.saturating_sub(rest)).ok_or(Error::Randomness)?;
    for _ in 0..128 {
        let mut byte = [0];
        rng.try_fill_bytes(&mut byte).map_err(|_| Error::Randomness)?;
        let [drawn] = byte;
        if drawn < fair {
            return drawn.checked_rem(bound).ok_or(Error::Randomness);
        }
    }
    Err(Error::Randomness)
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use rand_core::{TryCryptoRng, TryRng};

    use super::below;

    /// Gives the bytes that it was given.
    struct Bytes(&'static [u8]);

    impl TryRng for Bytes {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(0)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            for byte in bytes {
                *byte = self.0.split_off_first().copied().unwrap_or_default();
            }
            Ok(())
        }
    }

    impl TryCryptoRng for Bytes {}

    /// Of 250 bytes each tenth gives the same number; the rest would favour the lowest ones.
    #[test]
    fn draws_that_would_favour_some_are_repeated() {
        assert_eq!(below(10, &mut Bytes(&[249])), Ok(9));
        assert_eq!(below(10, &mut Bytes(&[250, 255, 253, 13])), Ok(3));
    }
}
