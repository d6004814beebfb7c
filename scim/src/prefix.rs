//! Prefixes of telephone numbers, of which the longest that matches decides.

use std::collections::BTreeMap;

/// The most digits of an international number (E.164).
const MAX_DIGITS: usize = 15;

/// A value for each of some prefixes of international telephone numbers.
///
/// ```
/// use keyfob_scim::Prefixes;
///
/// let mut budgets = Prefixes::default();
/// budgets.insert("+", 10)?;
/// budgets.insert("+34", 1000)?;
/// assert_eq!(budgets.longest("+34600000000"), Some(("+34", &1000)));
/// assert_eq!(budgets.longest("+351912345678"), Some(("+", &10)));
/// assert!(budgets.insert("0034", 1).is_err());
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes<T>(BTreeMap<String, T>);

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Prefixes<T> {
    /// Sets the value of a prefix: `+` and up to 15 digits. `+` alone is a prefix of every number.
    ///
    /// Errors: the text is no prefix, or has a value already.
    pub fn insert(&mut self, prefix: &str, value: T) -> Result<(), &'static str> {
        let digits = prefix.strip_prefix('+').ok_or("a prefix must begin with +, as +34")?;
        if digits.len() > MAX_DIGITS || digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("a prefix must be + and up to 15 digits without spaces, of which the first is not 0");
        }
        match self.0.insert(prefix.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err("a prefix is given twice"),
        }
    }

    /// The longest prefix of a number, and its value. A text that does not begin with `+` is taken
    /// for a number without any prefix but `+`.
    pub fn longest(&self, number: &str) -> Option<(&str, &T)> {
        let number = if number.starts_with('+') { number } else { "+" };
        let longest = number.len().min(MAX_DIGITS.saturating_add(1));
        (1..=longest)
            .rev()
            .filter_map(|length| self.0.get_key_value(number.get(..length)?))
            .map(|(prefix, value)| (prefix.as_str(), value))
            .next()
    }

    /// All prefixes and their values, in the order of their digits.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(prefix, value)| (prefix.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The definition: of all prefixes with which the number begins, the one of most digits.
        #[test]
        fn longest_prefix_of_a_number_wins(
            prefixes in prop::collection::btree_set("\\+([1-3][1-3]{0,4})?", 0..12),
            number in "\\+[1-3]{1,8}",
        ) {
            let mut map = Prefixes::default();
            for prefix in &prefixes {
                map.insert(prefix, prefix.len()).unwrap();
            }
            let wanted = prefixes.iter().filter(|prefix| number.starts_with(prefix.as_str())).max_by_key(|prefix| prefix.len());
            prop_assert_eq!(map.longest(&number).map(|(prefix, length)| (prefix, *length)), wanted.map(|prefix| (prefix.as_str(), prefix.len())));
        }

        #[test]
        fn no_text_is_found_by_more_than_its_own_prefixes(text in "\\PC{0,20}", prefix in "\\+([1-9][0-9]{0,14})?") {
            let mut map = Prefixes::default();
            map.insert(&prefix, ()).unwrap();
            prop_assert_eq!(map.longest(&text).is_some(), prefix == "+" || text.starts_with(&prefix));
        }
    }

    #[test]
    fn prefix_is_a_plus_and_digits_and_given_once() {
        let mut map = Prefixes::default();
        for wrong in ["", "34", "0034", "+0", "+034", "+34 6", "+34a", "++34", "+1234567890123456", "+\u{661}"] {
            assert!(map.insert(wrong, ()).is_err(), "{wrong}");
        }
        for right in ["+", "+3", "+34600", "+123456789012345"] {
            assert_eq!(map.insert(right, ()), Ok(()), "{right}");
            assert_eq!(map.insert(right, ()), Err("a prefix is given twice"));
        }
        assert!(map.iter().map(|(prefix, ())| prefix).eq(["+", "+123456789012345", "+3", "+34600"]));
    }
}
