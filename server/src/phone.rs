//! Telephone numbers, read and written by a port of libphonenumber.
//!
//! Its tables are loaded when the first number is read: some 20 ms, and 20 MB of memory. A service
//! without limits that need numbers loads none.

use keyfob_scim::Numbering;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

/// The most characters of a number: `+` and 15 digits (E.164).
const E164_LENGTH: usize = 16;

/// A zero that is dialled within some countries only (ITU-T E.123), and written in others as well.
pub(crate) const ZERO: &str = "(0)";

/// The codes of countries where such a zero is a digit of the number: Italy and San Marino.
const KEEP_ZERO: [i32; 2] = [39, 378];

/// The code of Mexico, and how many numbers of ten digits there are.
const MEXICO: i32 = 52;
const MEXICAN_NUMBERS: u64 = 10_000_000_000;

/// What numbers of Argentina begin with, and those of mobile telephones called from abroad. Many
/// networks and gateways take such a number without the 9 as well.
const ARGENTINA: &str = "+54";
const ARGENTINE_MOBILE: &str = "+549";

/// How telephone numbers are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PhoneNumbers {
    /// The country of national numbers; none if all are international.
    region: Option<Region>,
}

impl PhoneNumbers {
    /// For national numbers of a country by its two letters (ISO 3166-1). None for an unknown one.
    pub(crate) fn for_region(region: &str) -> Option<Self> {
        let region = region.parse().ok()?;
        PHONE_NUMBER_UTIL.get_supported_regions().any(|known| known == region).then_some(Self { region: Some(region) })
    }
}

impl Numbering for PhoneNumbers {
    fn to_e164(&self, text: &str) -> Option<String> {
        // As gateways read it, in every country: no national number begins so.
        let international = text.trim_start_matches([' ', '(']).strip_prefix("00").map(|rest| format!("+{rest}"));
        let text = international.as_deref().unwrap_or(text);
        let as_it_stands = self.parse(text);
        if !text.contains(ZERO) {
            return as_it_stands.as_ref().map(to_text);
        }
        // With the zero or without it: the library knows which of both is in use. The length does
        // not tell, as numbers of some countries have many lengths.
        let without = self.parse(&text.replacen(ZERO, "", 1));
        let is_kept = match (&as_it_stands, &without) {
            (Some(with), Some(without)) => match (with.is_valid(), without.is_valid()) {
                (true, true) | (false, false) => KEEP_ZERO.contains(&with.country_code),
                (is_kept, _) => is_kept,
            },
            _ => without.is_none(),
        };
        if is_kept { as_it_stands.as_ref() } else { without.as_ref() }.map(to_text)
    }

    fn to_counted(&self, number: &str) -> String {
        let mut counted = PHONE_NUMBER_UTIL.parse(number, None).ok();
        let is_counted = counted.as_mut().is_some_and(PhoneNumber::truncate_too_long_number);
        let counted = counted.filter(|_| is_counted).as_ref().map_or_else(|| number.to_owned(), to_text);
        match counted.strip_prefix(ARGENTINE_MOBILE) {
            Some(rest) => format!("{ARGENTINA}{rest}"),
            None => counted,
        }
    }
}

impl PhoneNumbers {
    /// Reads a number of a length that is in use.
    ///
    /// Which ranges are in use changes each month, and a list of them is old at once. In some
    /// countries this lets digits too many pass, so counters use [`Numbering::to_counted`].
    fn parse(self, text: &str) -> Option<PhoneNumber> {
        let number = without_mobile_digit(PHONE_NUMBER_UTIL.parse(text, self.region).ok()?);
        // In some countries the library takes more digits than E.164 has, and gateways do not.
        (PHONE_NUMBER_UTIL.is_possible_number(&number) && to_text(&number).len() <= E164_LENGTH).then_some(number)
    }
}

/// A number without the 1 that was dialled before mobile numbers of Mexico until 2020. Many address
/// books still have it, and the library takes none with it.
fn without_mobile_digit(number: PhoneNumber) -> PhoneNumber {
    let has_digit = number.country_code == MEXICO && number.national_number.checked_div(MEXICAN_NUMBERS) == Some(1);
    let national_number = if has_digit { number.national_number % MEXICAN_NUMBERS } else { number.national_number };
    PhoneNumber { national_number, ..number }
}

fn to_text(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_has_one_form_however_it_is_spelled() {
        for (spelled, wanted) in [
            (
                &[
                    "+34600000000",
                    "+34 600 00 00 00",
                    "0034600000000",
                    "+34 (600) 000-000",
                    "(+34) 600000000",
                    "+34/600/000.000",
                    "+34 (0)600-000000",
                ][..],
                Some("+34600000000"),
            ),
            (&["+44 (0)20 7946 0958", "+44 20 7946 0958", "00442079460958"], Some("+442079460958")),
            // Its digits begin with what Russia dials before a national number.
            (&["+7 800 555 3535", "+78005553535"], Some("+78005553535")),
            // Luxembourg and Estonia: numbers of many lengths, and no zero before national ones.
            (&["+352 621 123456", "+352 (0)621 123456", "00352 (0) 621 123456"], Some("+352621123456")),
            (&["+372 512 3456", "+372 (0)512 3456"], Some("+3725123456")),
            (&["+49 151 12345678", "+49 (0)151 12345678"], Some("+4915112345678")),
            (&["+39 06 1234 5678", "+39 (0)6 1234 5678", "0039 (0)6 1234 5678"], Some("+390612345678")),
            (&["+378 0549 886377", "+378 (0)549 886377"], Some("+3780549886377")),
            // Ranges that are not in use, as far as the library knows.
            (&["+49 (0)1 23456789", "+49 1 23456789"], Some("+49123456789")),
            (&["+39 (0)55555555555"], Some("+39055555555555")),
            // More digits than E.164 has.
            (&["+49 1511234567890123"], None),
            // A mobile telephone of Argentina, from within the country and from abroad.
            (&["+54 11 15 2345 6789", "+54 9 11 2345-6789", "+5491123456789"], Some("+5491123456789")),
            // One of Mexico, as it was called from abroad before 2020, and since then.
            (&["+52 1 55 1234 5678", "+5215512345678", "0052 1 55 1234 5678", "+52 55 1234 5678"], Some("+525512345678")),
            (&["+52 1 155 1234 5678", "+52 2 55 1234 5678", "+1 1 212 555 0123 4"], None),
            (&["+882161234567"], Some("+882161234567")),
            (&["600000000", "112", "+112", "+999123456789", "+346000000001", "+3", "", "+", "x", "00", "tel:"], None),
        ] {
            for text in spelled {
                assert_eq!(PhoneNumbers::default().to_e164(text).as_deref(), wanted, "{text}");
            }
        }
    }

    #[test]
    fn national_number_is_one_of_the_region() {
        let spain = PhoneNumbers::for_region("ES").unwrap();
        for text in ["600000000", "600 00 00 00", "+34600000000"] {
            assert_eq!(spain.to_e164(text).as_deref(), Some("+34600000000"), "{text}");
        }
        assert_eq!(spain.to_e164("+44 (0)20 7946 0958").as_deref(), Some("+442079460958"));
        assert_eq!(spain.to_e164("112"), None);
        let britain = PhoneNumbers::for_region("GB").unwrap();
        assert_eq!(britain.to_e164("(020) 7946 0958").as_deref(), Some("+442079460958"));
        let america = PhoneNumbers::for_region("US").unwrap();
        for text in ["011 34 600000000", "0034600000000"] {
            assert_eq!(america.to_e164(text).as_deref(), Some("+34600000000"), "{text}");
        }
        for wrong in ["", "E", "ESP", "XX", "34", "001"] {
            assert!(PhoneNumbers::for_region(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn digits_too_many_count_for_the_number_in_use() {
        for (number, counted) in [
            ("+4915112345678", "+4915112345678"),
            ("+49151123456789", "+4915112345678"),
            ("+491511234567890", "+4915112345678"),
            ("+34600000000", "+34600000000"),
            ("+390612345678", "+390612345678"),
            // With and without the 9 of a mobile telephone of Argentina.
            ("+5491123456789", "+541123456789"),
            ("+541123456789", "+541123456789"),
            ("+525512345678", "+525512345678"),
            // No range in use, and no digits too many.
            ("+49123456789", "+49123456789"),
            ("+882161234567", "+882161234567"),
            ("112", "112"),
        ] {
            assert_eq!(PhoneNumbers::default().to_counted(number), counted, "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_in_one_form_or_none(text in "[-+0-9(). /]{0,30}|\\PC{0,30}") {
            for numbers in [PhoneNumbers::default(), PhoneNumbers::for_region("ES").unwrap()] {
                if let Some(number) = numbers.to_e164(&text) {
                    prop_assert!(number.starts_with('+') && number[1..].bytes().all(|byte| byte.is_ascii_digit()), "{number}");
                    prop_assert_eq!(numbers.to_e164(&number), Some(number.clone()), "{}", number);
                    let counted = numbers.to_counted(&number);
                    let is_beginning = number.starts_with(&counted) || number.starts_with(ARGENTINE_MOBILE);
                    prop_assert!(number.len() <= E164_LENGTH && is_beginning, "{number} {counted}");
                    prop_assert_eq!(numbers.to_counted(&counted), counted.clone(), "{}", number);
                }
            }
        }
    }
}
