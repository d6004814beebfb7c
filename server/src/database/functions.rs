//! The functions that this service adds to SQLite.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

/// Adds the functions to a connection.
///
/// `contains_folded(part, text, text)` says whether one of two texts contains a part in lower case,
/// whatever the case of the texts' ASCII letters. One call for both texts costs less than two of
/// `LIKE`, and the part may have any length.
pub(super) fn add(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("contains_folded", 3, flags, |context| {
        let text = |at| match context.get_raw(at) {
            ValueRef::Text(bytes) => bytes,
            _ => &[],
        };
        let part = text(0);
        Ok(contains_folded(text(1), part) || contains_folded(text(2), part))
    })
}

/// Whether a text contains a part in lower case, whatever the case of the text's ASCII letters.
fn contains_folded(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    let begins = |text: &[u8]| text.iter().zip(rest).all(|(byte, other)| byte.to_ascii_lowercase() == *other);
    let mut left = text;
    while let Some((byte, after)) = left.split_first() {
        if byte.to_ascii_lowercase() == *first && after.len() >= rest.len() && begins(after) {
            return true;
        }
        left = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::contains_folded;

    #[test]
    fn part_is_found_in_any_case_of_ascii_letters() {
        for (text, part, is_found) in [
            ("Franck", "fran", true),
            ("fRANCK", "ck", true),
            ("franck", "", true),
            ("", "", true),
            ("", "a", false),
            ("fran", "franck", false),
            ("ffranck", "fra", true),
            ("franc", "ck", false),
            ("\u{c9}MILE", "\u{e9}mile", false),
            ("\u{e9}MILE", "\u{e9}mile", true),
            ("100%_", "%_", true),
        ] {
            assert_eq!(contains_folded(text.as_bytes(), part.as_bytes()), is_found, "{text:?} {part:?}");
        }
    }
}
