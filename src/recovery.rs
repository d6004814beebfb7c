//! Layer 2: recovery codes, the look-up secrets of NIST SP 800-63B-4 section 3.1.2.
//!
//! A code is 64 bits of HMAC-SHA-256 under the device's own secret. That of index i is word i mod 4
//! of the HMAC of the number i div 4, big endian in words of 64 bits. As text it has 13 symbols for
//! these bits and one to check them, of Crockford's Base32, which has no `I`, `L`, `O` and `U`.
//!
//! The check symbol makes the symbols, taken as a polynomial over GF(32), zero at x, a root of
//! x^5 + x^2 + 1. So one wrong symbol is found for sure, and any two that changed places.

use core::{fmt, slice};

use rand_core::TryCryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::ZeroizeOnDrop;

use crate::hmac::{HmacSha256, MACS_AT_ONCE};
use crate::hotp::any;
use crate::wipe::wipe;
use crate::{Algorithm, Error, RECOVERY_CODES_MAX, Secret};

/// The size of a recovery code as text, in bytes: 14 symbols in three groups, and two hyphens.
pub const RECOVERY_CODE_SIZE: usize = 16;

/// How many codes one HMAC gives.
const CODES_PER_MAC: usize = 4;
const CODES_AT_ONCE: usize = MACS_AT_ONCE * CODES_PER_MAC;
/// The symbols of a code, with the check symbol.
const SYMBOLS: u8 = 14;
/// What is typed as a code has no more bytes than this, gaps among them.
const MAX_TYPED_BYTES: usize = 64;

/// The recovery codes of one device, for a user who may lose every other factor. Each is right
/// once.
///
/// They are derived from a secret that is drawn for them alone, so none is stored. Show them once,
/// when they are made.
///
/// ```
/// use getrandom::SysRng;
/// use keyfob::{Device, Error, Policy, RecoveryCodes};
///
/// let codes = RecoveryCodes::random(RecoveryCodes::DEFAULT_COUNT, &mut SysRng)?;
/// let device = Device::recovery(codes.clone(), 1_700_000_000);
/// let list: Vec<_> = codes.iter().collect(); // such as 4ZK2M-81QXV-T0CK
/// assert_eq!(list.len(), 10);
///
/// // People type them in any case, with or without the hyphens.
/// let typed = list[3].as_str().to_lowercase().replace('-', " ");
/// let attempt = device.verify(&Policy::DEFAULT, typed.as_bytes(), 1_700_000_100)?;
/// let verdict = attempt.commit(|_next| Ok::<(), Error>(()))?; // here: store it
/// assert!(verdict.is_right());
/// assert_eq!(verdict.recovery_codes_left(), Some(9));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryCodes {
    secret: Secret,
    count: u8,
}

impl RecoveryCodes {
    /// How many codes there are by default.
    pub const DEFAULT_COUNT: u8 = 10;

    /// Draws `count` codes, 1 to 64: a secret of 32 bytes. `rng` is as for
    /// [`Secret::random`](Secret::random).
    ///
    /// Errors: [`Error::RecoveryCodeCount`], [`Error::Randomness`].
    pub fn random<R: TryCryptoRng + ?Sized>(count: u8, rng: &mut R) -> Result<Self, Error> {
        // Before anything is drawn.
        if !Self::is_count(count) {
            return Err(Error::RecoveryCodeCount);
        }
        Self::new(Secret::random(Algorithm::Sha256, rng)?, count)
    }

    /// The `count` codes, 1 to 64, of a secret that was drawn for them alone.
    ///
    /// Errors: [`Error::RecoveryCodeCount`], [`Error::SecretLength`] for a short secret.
    pub fn new(secret: Secret, count: u8) -> Result<Self, Error> {
        if !Self::is_count(count) {
            Err(Error::RecoveryCodeCount)
        } else if secret.is_short() {
            Err(Error::SecretLength)
        } else {
            Ok(Self::from_parts(secret, count))
        }
    }

    pub(crate) const fn from_parts(secret: Secret, count: u8) -> Self {
        Self { secret, count }
    }

    /// Whether a device may have so many codes.
    pub(crate) fn is_count(count: u8) -> bool {
        (1..=RECOVERY_CODES_MAX).contains(&count)
    }

    /// How many codes there are, those used up among them: 1 to 64.
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// The secret that the codes are derived from. Never log it.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The codes in the order of their index, those used up among them.
    pub fn iter(&self) -> impl Iterator<Item = RecoveryCode> {
        let hmac = HmacSha256::new(&self.secret);
        (0..usize::from(self.count)).filter_map(move |index| {
            let mut mac = [[0; 8]];
            hmac.compute((index / CODES_PER_MAC) as u64, &mut mac);
            let code = words(&mac).nth(index % CODES_PER_MAC).map(RecoveryCode::new);
            wipe(mac.as_flattened_mut());
            code
        })
    }

    /// Which of the codes `typed` is: a bit for each, that of index 0 the lowest. In constant time
    /// for the number of codes and the length of `typed`.
    pub(crate) fn places(&self, typed: &[u8]) -> u64 {
        let (typed, hmac) = (Typed::new(typed), HmacSha256::new(&self.secret));
        let (mut places, mut macs) = (0, [[0; 8]; MACS_AT_ONCE]);
        let count = usize::from(self.count);
        // From the last code on, so that each place is shifted by one at a time.
        for first in (0..count).step_by(CODES_AT_ONCE).rev() {
            let left = count.saturating_sub(first).min(CODES_AT_ONCE);
            hmac.compute((first / CODES_PER_MAC) as u64, macs.get_mut(..left.div_ceil(CODES_PER_MAC)).unwrap_or_default());
            let is_typed = |word: u64| u64::from((any(word ^ typed.word) ^ 1) & typed.is_code);
            places = words(&macs).take(left).rev().fold(places, |places, word| places << 1 | is_typed(word));
        }
        wipe(macs.as_flattened_mut());
        places
    }
}

/// A recovery code as people read it: three groups of symbols, `XXXXX-XXXXX-XXXX`, 16 bytes of
/// ASCII. Wiped on drop, redacted in `Debug`, compared in constant time.
///
/// There is no `Display`, so that a code is only printed where [`as_str`](Self::as_str) says so.
#[derive(Clone)]
pub struct RecoveryCode([u8; RECOVERY_CODE_SIZE]);

impl RecoveryCode {
    fn new(word: u64) -> Self {
        let (mut text, mut sum) = ([b'-'; RECOVERY_CODE_SIZE], 0);
        let places = (0..).zip(&mut text).filter(|(at, _)| !matches!(at, 5 | 11));
        for ((_, to), number) in places.zip(1..) {
            let symbol = if number == SYMBOLS {
                times_x(sum)
            } else {
                let below = u32::from(SYMBOLS).saturating_sub(1).saturating_sub(number.into()).saturating_mul(5);
                (word.checked_shr(below).unwrap_or_default() & 31) as u8
            };
            sum = times_x(sum) ^ symbol;
            *to = to_ascii(symbol);
        }
        Self(text)
    }

    /// The text: digits, capital letters and two hyphens.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text as bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `typed` is written as a recovery code, its check symbol included: for a form that
    /// shows a typing error before it costs a fail. It says nothing of whether the code is right.
    ///
    /// Either case, with anything between the symbols that is no letter and no digit of ASCII, such
    /// as hyphens, blanks and dashes. `I` and `L` are read as `1`, `O` as `0` and `U` as `V`. 64
    /// bytes at most.
    ///
    /// ```
    /// use keyfob::RecoveryCode;
    ///
    /// assert!(RecoveryCode::is_well_formed(b"00000-00000-0000"));
    /// assert!(RecoveryCode::is_well_formed(b"oooooooooooooo"));
    /// assert!(!RecoveryCode::is_well_formed(b"00000-00000-0001"));
    /// ```
    pub fn is_well_formed(typed: &[u8]) -> bool {
        Typed::new(typed).is_code == 1
    }
}

impl Drop for RecoveryCode {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl ZeroizeOnDrop for RecoveryCode {}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

impl ConstantTimeEq for RecoveryCode {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for RecoveryCode {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for RecoveryCode {}

/// The codes that HMACs give.
fn words(macs: &[[u32; 8]]) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
    macs.as_flattened().as_chunks().0.iter().map(|[high, low]| u64::from(*high) << 32 | u64::from(*low))
}

/// What somebody typed as a code. Only its length reaches a branch.
struct Typed {
    word: u64,
    /// 1 if it is written as one, else 0.
    is_code: u8,
}

impl Typed {
    fn new(typed: &[u8]) -> Self {
        if typed.len() > MAX_TYPED_BYTES {
            return Self { word: 0, is_code: 0 };
        }
        // A symbol joins the word when the next one comes, so the check symbol never does. Products
        // with 0 or 1 select.
        let (mut word, mut last, mut count, mut sum, mut wrong) = (0_u64, 0_u8, 0_u8, 0_u8, 0_u8);
        for &byte in typed {
            let (symbol, is_symbol) = from_ascii(byte);
            // The first symbol has four bits.
            wrong |= is(count, 0) & symbol >> 4;
            word =
                word.wrapping_mul(u64::from(is_symbol.wrapping_mul(31).wrapping_add(1))) | u64::from(last.wrapping_mul(is_symbol));
            last = last.wrapping_mul(is_symbol ^ 1) | symbol;
            sum ^= (times_x(sum) ^ sum).wrapping_mul(is_symbol) ^ symbol;
            count = count.wrapping_add(is_symbol);
        }
        let is_code = is(count, SYMBOLS) & is(sum | wrong, 0);
        Self { word, is_code }
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        wipe(slice::from_mut(&mut self.word));
    }
}

/// The product with x in GF(32), whose elements are polynomials modulo x^5 + x^2 + 1.
const fn times_x(element: u8) -> u8 {
    (element << 1 ^ (element >> 4 & 1).wrapping_mul(0b10_0101)) & 31
}

/// The character of a symbol of 5 bits, without a table, which it would index.
fn to_ascii(symbol: u8) -> u8 {
    // After each letter that is passed over, the next one stands one further.
    let passed = [18, 20, 22, 27].iter().fold(0_u8, |passed, &after| passed.wrapping_add(at_least(symbol, after)));
    let to_letters = at_least(symbol, 10).wrapping_mul(const { b'A' - b'0' - 10 });
    b'0'.wrapping_add(symbol).wrapping_add(to_letters).wrapping_add(passed)
}

/// The symbol that a character is read as, and 1; zeros for all that are no letter and no digit.
fn from_ascii(byte: u8) -> (u8, u8) {
    let (digit, letter) = (byte.wrapping_sub(b'0'), (byte | 0x20).wrapping_sub(b'a'));
    let (is_digit, is_letter) = (at_least(9, digit), at_least(25, letter));
    let [is_i, is_l, is_o] = [b'i', b'l', b'o'].map(|other| is(letter, other.wrapping_sub(b'a')));
    let is_one = is_i | is_l;
    // Of U, the symbol of V.
    let passed = |symbol: u8, &after: &u8| symbol.wrapping_sub(at_least(letter, after));
    let of_letter = [9, 12, 15, 21].iter().fold(letter.wrapping_add(10), passed);
    let is_own = is_letter & ((is_one | is_o) ^ 1);
    (digit.wrapping_mul(is_digit) | of_letter.wrapping_mul(is_own) | is_one, is_digit | is_letter)
}

/// 1 if `number` is `bound` or more, else 0.
const fn at_least(number: u8, bound: u8) -> u8 {
    ((bound as u32).wrapping_sub(1).wrapping_sub(number as u32) >> 31) as u8
}

/// 1 if both are the same, else 0.
const fn is(one: u8, other: u8) -> u8 {
    (((one ^ other) as u32).wrapping_sub(1) >> 31) as u8
}

#[cfg(test)]
mod tests;
