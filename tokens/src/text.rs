//! Values that several formats write alike: encodings of secrets, numbers, dates, names of hashes.

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keyfob::{Algorithm, Digits};
use zeroize::Zeroizing;

use crate::{ErrorKind, RawSecret};

/// How a file writes secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretEncoding {
    /// Base32, RFC 4648 section 6.
    Base32,
    /// Hexadecimal digits.
    Hex,
    /// Base64, RFC 4648 sections 4 and 5.
    Base64,
}

impl SecretEncoding {
    pub(crate) fn read(self, text: &str) -> Result<RawSecret, ErrorKind> {
        let (bytes, name) = match self {
            Self::Base32 => (base32(text), "Base32"),
            Self::Hex => (hex(text), "hexadecimal"),
            Self::Base64 => (base64(text), "Base64"),
        };
        bytes.map(RawSecret::from).ok_or(ErrorKind::Secret(name))
    }
}

/// The characters of a text without those that only part it.
fn gather(text: &str, is_left_out: impl Fn(u8) -> bool) -> Zeroizing<Vec<u8>> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    symbols.extend(text.bytes().filter(|&byte| !is_left_out(byte)));
    symbols
}

fn decode(encoding: &data_encoding::Encoding, symbols: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; encoding.decode_len(symbols.len()).ok()?]);
    encoding.decode_mut(symbols, &mut bytes).ok()?;
    Some(bytes)
}

/// Base32 as the engine reads it: in either case, parted by blanks or hyphens, padded or not.
pub(crate) fn base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut symbols = gather(text.trim_end().trim_end_matches('='), |byte| byte.is_ascii_whitespace() || byte == b'-');
    symbols.make_ascii_uppercase();
    // Bits that do not fill a byte are dropped, whatever they are.
    let spare = match symbols.len() % 8 {
        2 => 2_u32,
        4 => 4,
        5 => 1,
        7 => 3,
        _ => 0,
    };
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    if let Some(last) = symbols.last_mut()
        && let Some(value) = alphabet.iter().position(|symbol| symbol == last)
        && let Some(&cleared) = alphabet.get(value >> spare << spare)
    {
        *last = cleared;
    }
    decode(&BASE32_NOPAD, &symbols)
}

pub(crate) fn hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    decode(&HEXLOWER_PERMISSIVE, &gather(text, |byte| byte.is_ascii_whitespace() || byte == b'-'))
}

/// Base64 in the standard or the URL-safe alphabet, padded or not, white space left out.
pub(crate) fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut symbols = gather(text.trim_end().trim_end_matches('='), |byte| byte.is_ascii_whitespace());
    for symbol in symbols.iter_mut() {
        match symbol {
            b'-' => *symbol = b'+',
            b'_' => *symbol = b'/',
            _ => {}
        }
    }
    decode(&BASE64_NOPAD, &symbols)
}

/// A date as ISO 8601 writes it, in Unix seconds; without an offset it is UTC. Dates before 1970
/// are its start.
pub(crate) fn date(text: &str, field: &'static str) -> Result<u64, ErrorKind> {
    let text = text.trim();
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    let time = text.parse::<Timestamp>().ok().or_else(civil).ok_or(ErrorKind::Date(field))?;
    Ok(u64::try_from(time.as_second()).unwrap_or(0))
}

/// The date of Unix seconds, as XML Schema has it. Years after 9999 become the last second before.
pub(crate) fn write_date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A hash by any of its usual names: `SHA256`, `SHA-256`, `HmacSHA256`, `HMAC-SHA256`.
pub(crate) fn hash(text: &str) -> Option<Algorithm> {
    let text = text.trim();
    let without_hmac = || {
        let (front, rest) = text.split_at_checked(4)?;
        front.eq_ignore_ascii_case("HMAC").then(|| rest.trim_start_matches(['-', '_'])).and_then(|rest| rest.parse().ok())
    };
    text.parse().ok().or_else(without_hmac)
}

/// The same, as an error of its own.
pub(crate) fn known_hash(text: &str) -> Result<Algorithm, ErrorKind> {
    hash(text).ok_or_else(|| ErrorKind::Hash(text.to_owned()))
}

/// A decimal number of at most `T`'s range.
pub(crate) fn decimal<T: TryFrom<u128>>(text: &str, field: &'static str) -> Result<T, ErrorKind> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ErrorKind::Number(field));
    }
    let number: u128 = text.parse().map_err(|_| ErrorKind::Range(field))?;
    T::try_from(number).map_err(|_| ErrorKind::Range(field))
}

pub(crate) fn digits(number: u64) -> Result<Digits, ErrorKind> {
    u8::try_from(number).ok().and_then(|number| Digits::new(number).ok()).ok_or(ErrorKind::Digits)
}

/// A text that is not blank.
pub(crate) fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The hash of an OCRA suite, `OCRA-1:HOTP-SHA1-6:QN08` for instance; `None` if it is no suite.
pub(crate) fn ocra_hash(suite: &str) -> Option<Algorithm> {
    let mut parts = suite.split(':');
    let (name, function, input) = (parts.next()?, parts.next()?, parts.next()?);
    let mut function = function.split('-');
    let (hotp, hash, digits) = (function.next()?, function.next()?, function.next()?);
    let is_suite = name.eq_ignore_ascii_case("OCRA-1")
        && hotp.eq_ignore_ascii_case("HOTP")
        && matches!(digits.parse::<u8>(), Ok(0 | 4..=10))
        && input.split('-').any(|part| part.starts_with(['Q', 'q']))
        && function.next().is_none()
        && parts.next().is_none();
    is_suite.then(|| hash.parse().ok()).flatten()
}
