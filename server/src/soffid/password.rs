//! `OTP_PIN`: a PIN as Soffid's class `Password` encodes it.

use data_encoding::BASE64;
use keyfob::Pin;
use zeroize::Zeroizing;

/// Why a text is not read as a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PinError {
    /// Neither digits nor an encoding of digits.
    Unreadable,
    /// Digits that are also an encoding of other digits.
    Ambiguous,
}

/// The digits of a PIN, from the encoding that Soffid stores, or from plain digits that an operator
/// has decoded.
pub(crate) fn digits(text: &str) -> Result<Zeroizing<Vec<u8>>, PinError> {
    let is_digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    let decoded = decode(text).filter(|bytes| is_digits(bytes));
    match (decoded, is_digits(text.as_bytes())) {
        // One text in some hundred thousand has both meanings. The wrong PIN would lock its user
        // out.
        (Some(digits), true) if Pin::new(&digits).is_ok() => Err(PinError::Ambiguous),
        (_, true) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        (Some(digits), false) => Ok(digits),
        (None, false) => Err(PinError::Unreadable),
    }
}

/// Decodes a `Password`. It is no encryption: Base64 of two random bytes, and of each character
/// mixed with two bytes that derive from those and from the characters before it.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Zeroizing::new(BASE64.decode(text.as_bytes()).ok()?);
    let (&[mut one, mut other], mixed) = bytes.split_first_chunk()?;
    let mut plain = Zeroizing::new(Vec::with_capacity(mixed.len()));
    for &byte in mixed {
        plain.push(byte.wrapping_sub(other) ^ one);
        (one, other) = (one.wrapping_add(other), other ^ byte);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Soffid's class, from these first two bytes: 0 and 0, 255 and 255, 17 and 200.
    #[test]
    fn encoded_pins_are_decoded() {
        for (encoded, pin) in [
            ("AAAxY1S9dz4ZJQ==", "12345678"),
            ("///N/s/LkksnQA==", "12345678"),
            ("EcjoC/XuZ1vKcw==", "12345678"),
            ("AAA0a2Td", "4711"),
            ("EcjtEwU4", "4711"),
            ("///O/+3w4/PW6w==", "00000000"),
            ("EcjpCvXzYE1Nmg==", "00000000"),
            ("a2bAiXPu6d2+5dE=", "123456789"),
            ("///N/s/LkksnQMef7FHfcqlB", "1234567890123456"),
        ] {
            assert_eq!(digits(encoded).unwrap().as_slice(), pin.as_bytes(), "{encoded}");
        }
    }

    #[test]
    fn plain_digits_are_taken_unless_they_are_ambiguous() {
        for pin in ["12345678", "4711", "0", "123456789012"] {
            assert_eq!(digits(pin).unwrap().as_slice(), pin.as_bytes());
        }
        assert_eq!(digits("71083107"), Err(PinError::Ambiguous), "or 0223");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "AA==", "AAA=", "EcjoC8P4SYMcPQ==", "12a45678", "not Base64", "EcjoC/XuZ1vKcw", "\u{6f0}\u{6f1}\u{6f2}\u{6f3}"]
        {
            assert_eq!(digits(text), Err(PinError::Unreadable), "{text}");
        }
    }
}
