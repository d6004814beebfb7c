//! Layer 1: what a code is made of and looks like: algorithm, digits, the code itself.

use core::fmt;
use core::str::FromStr;

use subtle::{Choice, ConstantTimeEq};
use zeroize::ZeroizeOnDrop;

use crate::Error;
use crate::wipe::wipe;

/// The most recovery codes of a device.
pub const RECOVERY_CODES_MAX: u8 = 64;

/// The hash under the HMAC (RFC 4226 section 5.3, RFC 6238 section 1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// HMAC-SHA-1, what every authenticator knows.
    #[default]
    Sha1 = 1,
    /// HMAC-SHA-256.
    Sha256 = 2,
    /// HMAC-SHA-512.
    Sha512 = 3,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The size of a fresh secret, in bytes: the hash's own output (RFC 4226 section 4, R6; RFC
    /// 6238 section 5.1).
    pub const fn secret_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The name in an otpauth URI: `SHA1`, `SHA256`, `SHA512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The name in FIPS 180-4: `SHA-1`, `SHA-256`, `SHA-512`.
    pub const fn standard_name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The name that Java and Soffid have for the HMAC: `HmacSHA1`, `HmacSHA256`, `HmacSHA512`.
    pub const fn hmac_name(self) -> &'static str {
        match self {
            Self::Sha1 => "HmacSHA1",
            Self::Sha256 => "HmacSHA256",
            Self::Sha512 => "HmacSHA512",
        }
    }

    /// The algorithm with this number in a record and in C: 1, 2 or 3.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&algorithm| algorithm as u8 == number)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    /// Reads `SHA1`, `SHA-1` or `HmacSHA1` and the like, in either case. Errors:
    /// [`Error::Algorithm`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let is_named = |algorithm: &Self| {
            let names = [algorithm.name(), algorithm.hmac_name(), algorithm.standard_name()];
            names.iter().any(|name| name.eq_ignore_ascii_case(text))
        };
        Self::ALL.into_iter().find(is_named).ok_or(Error::Algorithm)
    }
}

/// How many digits a code has: 6 to 10 (RFC 4226 section 5.3 asks for at least 6).
///
/// A truncated HMAC has 31 bits, so the first of 10 digits is always 0, 1 or 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits(u8);

impl Digits {
    /// Six digits, the default.
    pub const SIX: Self = Self(6);
    /// Eight digits.
    pub const EIGHT: Self = Self(8);
    /// The most digits.
    pub const TEN: Self = Self(10);

    /// Takes 6 to 10. Errors: [`Error::Digits`].
    pub const fn new(digits: u8) -> Result<Self, Error> {
        if digits >= 6 && digits <= 10 { Ok(Self(digits)) } else { Err(Error::Digits) }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// `truncated` mod 10^digits (RFC 4226 section 5.3), in constant time.
    pub(crate) fn reduce(self, truncated: u32) -> u32 {
        let mut value = [truncated];
        self.reduce_all(&mut value);
        let [value] = value;
        value
    }

    /// [`reduce`](Self::reduce) of each value, in its place.
    pub(crate) fn reduce_all(self, values: &mut [u32]) {
        fn all<const D: u32>(values: &mut [u32]) {
            for value in values {
                *value = divide::<D>(*value).1;
            }
        }
        match self.0 {
            6 => all::<1_000_000>(values),
            7 => all::<10_000_000>(values),
            8 => all::<100_000_000>(values),
            9 => all::<1_000_000_000>(values),
            _ => {}
        }
    }

    /// How many of the 2^31 truncated values give the likeliest code.
    pub(crate) const fn likeliest(self) -> u32 {
        match self.0 {
            6 => 2148,
            7 => 215,
            8 => 22,
            9 => 3,
            _ => 1,
        }
    }
}

impl Default for Digits {
    fn default() -> Self {
        Self::SIX
    }
}

/// A generated code: 6 to 10 ASCII digits, wiped on drop, redacted in `Debug`, compared in constant
/// time.
///
/// There is no `Display`, so that a code is only printed where [`as_str`](Code::as_str) says so.
#[derive(Clone)]
pub struct Code {
    /// Ten digits, of which the last `len` count; those before them are zeros.
    bytes: [u8; 10],
    len: u8,
}

impl Code {
    /// Writes `value` with leading zeros.
    pub(crate) fn new(value: u32, digits: Digits) -> Self {
        let (high, low) = divide::<100_000>(value);
        // Digit by digit: to write the halves as they are costs a third of a code.
        let ([d0, d1, d2, d3, d4], [d5, d6, d7, d8, d9]) = (five_digits(high), five_digits(low));
        Self { bytes: [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9], len: digits.get() }
    }

    /// The digits, in ASCII whatever the locale.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The digits as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        let leading = self.bytes.len().saturating_sub(usize::from(self.len));
        self.bytes.get(leading..).unwrap_or_default()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}

impl ZeroizeOnDrop for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} digits)", self.len)
    }
}

impl ConstantTimeEq for Code {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes) & self.len.ct_eq(&other.len)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Code {}

/// What somebody submitted as a code, as a number: no code's for anything but exactly the digits
/// asked.
///
/// Only the length of a submission reaches a branch: it is no secret.
#[derive(Clone)]
pub(crate) struct Submitted(u64);

impl Submitted {
    pub(crate) fn new(text: &[u8], digits: Digits) -> Self {
        if text.len() != usize::from(digits.get()) {
            return Self(Self::NONE);
        }
        let (mut value, mut wrong) = (0_u64, 0);
        for symbol in text {
            let digit = symbol.wrapping_sub(b'0');
            // Below zero, which sets the highest bit, if it is no digit.
            wrong |= 9_u32.wrapping_sub(digit.into());
            value = value.wrapping_mul(10).wrapping_add(digit.into());
        }
        // The highest bit of all but that one, above which no value comes.
        Self(value | u64::from(wrong >> 31) << 62)
    }

    /// Above every code.
    const NONE: u64 = 1 << 62;

    /// Where in `codes`, which are at most 64, this stands: bit n for the n-th, from 0. In constant
    /// time.
    pub(crate) fn places(&self, codes: &[u32]) -> u64 {
        // Below 2^63, so that only of 0 the number before has the highest bit.
        let is = |code: u32| (self.0 ^ u64::from(code)).wrapping_sub(1) >> 63;
        codes.iter().rev().fold(0, |places, &code| places << 1 | is(code))
    }
}

/// Quotient and remainder of `n` < 2^31 by the constant `D`, by multiplication: a division
/// instruction takes a time that depends on what is divided, and compilers that save space use one
/// even for constants.
///
/// With s = 31 + ceil(log2 D) and m = ceil(2^s / D), n * m >> s is exact (Granlund and Montgomery,
/// 1994, theorem 4.2).
#[expect(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "n < 2^31 and m < 2^32, so no step overflows")]
const fn divide<const D: u32>(n: u32) -> (u32, u32) {
    let shift = const { 31 + D.next_power_of_two().trailing_zeros() };
    let reciprocal = const { (1_u64 << (31 + D.next_power_of_two().trailing_zeros())).div_ceil(D as u64) };
    let n = n & 0x7fff_ffff;
    let quotient = ((n as u64 * reciprocal) >> shift) as u32;
    (quotient, n - quotient * D)
}

/// The ASCII digits of `n` < 100 000, in constant time.
///
/// n / 10^4 as a fraction of 2^40, rounded up, shows the first digit before its point, and after
/// each multiplication by ten the next one. Rounding adds less than n / 2^40, which the
/// multiplications bring to less than 10^-3: never to the next digit.
#[expect(clippy::arithmetic_side_effects, reason = "n < 2^17 and digits are below 10, so no step overflows 64 bits")]
fn five_digits(n: u32) -> [u8; 5] {
    const POINT: u32 = 40;
    let mut rest = u64::from(n) * const { (1_u64 << POINT).div_ceil(10_000) };
    let mut digits = [0; 5];
    for to in &mut digits {
        let [_, _, _, _, _, digit, _, _] = rest.to_le_bytes();
        *to = b'0' | digit;
        rest = (rest & const { (1 << POINT) - 1 }) * 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::format;

    use proptest::prelude::*;

    use super::{Code, Digits, Submitted, divide};

    /// Not even of zeros, of which its value would be one.
    #[test]
    fn text_that_is_no_code_is_found_nowhere() {
        for text in ["", "00000", "0000000", "00000x", "-00000", "٠٠٠"] {
            assert_eq!(Submitted::new(text.as_bytes(), Digits::SIX).places(&[0; 64]), 0, "{text}");
        }
        assert_eq!(Submitted::new(b"000000", Digits::SIX).places(&[0, 1, 0]), 0b101);
    }

    fn agrees<const D: u32>(n: u32) {
        assert_eq!(divide::<D>(n), (n / D, n % D), "{n} by {D}");
    }

    proptest! {
        #[test]
        fn division_by_multiplication_is_exact(n in 0..1_u32 << 31, multiple in 0..2147_u32) {
            for n in [n, (multiple * 1_000_000).saturating_sub(1), multiple * 1_000_000, 0, 0x7fff_ffff] {
                agrees::<100_000>(n);
                agrees::<1_000_000>(n);
                agrees::<10_000_000>(n);
                agrees::<100_000_000>(n);
                agrees::<1_000_000_000>(n);
            }
        }

        #[test]
        fn a_code_is_its_value_with_leading_zeros(value in 0..1_u32 << 31, digits in 6..=10_u8) {
            let digits = Digits::new(digits).unwrap();
            let value = digits.reduce(value);
            let code = Code::new(value, digits);
            prop_assert_eq!(code.as_str(), format!("{value:0width$}", width = usize::from(digits.get())));
        }
    }

    #[test]
    fn the_likeliest_code_has_as_many_values_as_said() {
        for digits in 6..=10 {
            let (digits, modulus) = (Digits::new(digits).unwrap(), 10_u64.pow(u32::from(digits)));
            assert_eq!(u64::from(digits.likeliest()), (1_u64 << 31).div_ceil(modulus));
        }
    }
}
