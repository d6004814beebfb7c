//! Phone numbers in the forms that gateways want.

use keyfob_scim::Numbering as _;
use zeroize::Zeroizing;

use crate::phone::{PhoneNumbers, ZERO};

/// How many digits an international number has (E.164).
const E164_DIGITS: std::ops::RangeInclusive<usize> = 3..=15;

/// The digits of a number. An international one has its country code, and neither `+` nor `00`
/// before it.
///
/// Errors: the number has a character that is in no number.
pub(super) fn to_digits(number: &str) -> Result<Zeroizing<String>, String> {
    parts(number).map(|(_, digits)| digits)
}

/// A number as `+` and its digits (E.164).
///
/// Errors: as [`to_digits`], or the number has no country code.
pub(super) fn to_e164(number: &str) -> Result<Zeroizing<String>, String> {
    match parts(number)? {
        (true, digits) if !digits.starts_with('0') && E164_DIGITS.contains(&digits.len()) => {
            Ok(Zeroizing::new(["+", &digits].concat()))
        }
        _ => Err("the user's telephone number must begin with + or 00 and a country code, and have 3 to 15 digits".to_owned()),
    }
}

/// Whether the number is international, and its digits.
fn parts(number: &str) -> Result<(bool, Zeroizing<String>), String> {
    let number = number.trim_start_matches([' ', '(']);
    let international = number.strip_prefix('+').or_else(|| number.strip_prefix("00"));
    let rest = international.unwrap_or(number);
    if !rest.chars().all(|c| c.is_ascii_digit() || "-(). /".contains(c)) || !rest.contains(|c: char| c.is_ascii_digit()) {
        return Err("the user's telephone number must be digits, with at most one + before and spaces and -()./ between".to_owned());
    }
    // +44 (0)20: the zero in parentheses is for calls within the country (ITU-T E.123). But in some
    // countries, as in Italy, it belongs to the number, so the library reads it.
    if international.is_some()
        && rest.contains(ZERO)
        && let Some(digits) = PhoneNumbers::default().to_e164(number).as_deref().and_then(|number| number.strip_prefix('+'))
    {
        return Ok((true, Zeroizing::new(digits.to_owned())));
    }
    let (before, behind) = rest.split_once(ZERO).filter(|_| international.is_some()).unwrap_or((rest, ""));
    let mut digits = Zeroizing::new(String::with_capacity(rest.len()));
    digits.extend(before.chars().chain(behind.chars()).filter(char::is_ascii_digit));
    Ok((international.is_some(), digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_in_parentheses_stays_where_it_belongs_to_the_number() {
        for (number, digits) in [
            ("+44 (0)20 7946 0958", "442079460958"),
            ("+34 (0)600-112233", "34600112233"),
            ("+352 (0)621 123456", "352621123456"),
            ("+372 (0)512 3456", "3725123456"),
            ("+49 (0)151 12345678", "4915112345678"),
            ("+39 (0)6 1234 5678", "390612345678"),
            ("0039 (0)6 1234 5678", "390612345678"),
            // No number of a known country, and for the gateway to judge.
            ("+999 (0)12345", "99912345"),
            ("(0)20 7946 0958", "02079460958"),
        ] {
            assert_eq!(to_digits(number).unwrap().as_str(), digits, "{number}");
            assert_eq!(to_e164(number).is_ok(), number.starts_with(['+', '0']), "{number}");
        }
    }
}
