//! Layer 3: the texts of a URI's label, decoded and encoded.

use core::fmt;

use zeroize::Zeroizing;

use crate::Error;

/// A part of a URI's label, borrowed from the URI; `Display` writes it decoded.
#[derive(Clone, Copy, Debug)]
pub struct UriText<'a> {
    pub(crate) raw: &'a str,
    pub(crate) encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As it is.
    None,
    /// Percent-encoded.
    Label,
    /// Percent-encoded, and `+` may stand for a space.
    Query,
}

impl<'a> UriText<'a> {
    /// The decoded bytes. A percent sign that no two hexadecimal digits follow ends them:
    /// [`check`](Self::check) refuses it.
    pub(crate) fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        let mut raw = self.raw.bytes();
        core::iter::from_fn(move || {
            let byte = raw.next()?;
            match self.encoding {
                Encoding::Label | Encoding::Query if byte == b'%' => {
                    let (high, low) = (hex(raw.next()?)?, hex(raw.next()?)?);
                    Some(high << 4 | low)
                }
                Encoding::Query if byte == b'+' => Some(b' '),
                _ => Some(byte),
            }
        })
    }

    /// The decoded characters; none in place of what is not UTF-8.
    fn chars(self) -> impl Iterator<Item = Option<char>> + 'a {
        let mut bytes = self.bytes();
        core::iter::from_fn(move || {
            let first = bytes.next()?;
            let mut buffer = [first, 0, 0, 0];
            let len = match first {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xff => 4,
                _ => 1,
            };
            let sequence = buffer.get_mut(..len)?;
            for slot in sequence.iter_mut().skip(1) {
                *slot = bytes.next().unwrap_or_default();
            }
            Some(str::from_utf8(sequence).ok().and_then(|text| text.chars().next()))
        })
    }

    pub(crate) fn is_empty(self) -> bool {
        self.bytes().next().is_none()
    }

    /// Refuses wrong percent-encoding, what is not UTF-8, and control characters.
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.encoding != Encoding::None {
            let mut parts = self.raw.split('%');
            parts.next();
            let wrong = |part: &str| !part.as_bytes().first_chunk::<2>().is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
            if parts.any(wrong) {
                return Err(Error::UriEncoding);
            }
        }
        let allowed = |char: Option<char>| char.is_some_and(|char| !char.is_control());
        if self.chars().all(allowed) { Ok(()) } else { Err(Error::UriLabel) }
    }

    /// Decodes into a buffer that is wiped, and reads that.
    pub(crate) fn read<T>(self, error: Error, read: impl FnOnce(&str) -> Result<T, Error>) -> Result<T, Error> {
        self.check().map_err(|_| error)?;
        let mut buffer = Zeroizing::new([0; 256]);
        let mut len = 0_usize;
        for byte in self.bytes() {
            *buffer.get_mut(len).ok_or(error)? = byte;
            len = len.saturating_add(1);
        }
        let text = buffer.get(..len).and_then(|bytes| str::from_utf8(bytes).ok()).ok_or(error)?;
        read(text)
    }

    /// A number of ASCII digits.
    pub(crate) fn number(self, error: Error) -> Result<u64, Error> {
        self.read(error, |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits).ok_or(error)
        })
    }

    /// Writes it percent-encoded: all but the unreserved characters of RFC 3986 section 2.3.
    pub(crate) fn encode(self, put: &mut impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        for byte in self.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                put(&[byte])?;
            } else {
                let digit = |value: u8| HEX.get(usize::from(value)).copied().unwrap_or_default();
                put(&[b'%', digit(byte >> 4), digit(byte & 15)])?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for UriText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().flatten().try_for_each(|char| write!(f, "{char}"))
    }
}

impl PartialEq for UriText<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for UriText<'_> {}

impl PartialEq<str> for UriText<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
