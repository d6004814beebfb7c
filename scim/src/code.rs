//! Codes as people type them: `475 073`, as authenticators show them. The engine takes digits only.

use zeroize::Zeroizing;

/// Removes the [separators](is_separator) from a code. Every other character stays and makes the
/// code wrong, as do digits of other scripts. The result is wiped on drop.
///
/// ```
/// assert_eq!(keyfob_scim::code::strip_separators("475 073").as_str(), "475073");
/// ```
pub fn strip_separators(text: &str) -> Zeroizing<String> {
    // With the full capacity: a buffer that grows leaves copies behind.
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    digits.extend(text.chars().filter(|char| !is_separator(*char)));
    digits
}

/// Whether a character may separate the parts of a code or a secret: a [blank](is_blank), a hyphen
/// or a dash.
pub const fn is_separator(char: char) -> bool {
    is_blank(char) || matches!(char, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Whether a character is white space, which includes no-break spaces, or invisible: zero-width
/// characters, soft hyphens and byte order marks.
pub const fn is_blank(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::strip_separators;

    #[test]
    fn separators_are_removed_and_nothing_else() {
        for separator in [" ", "\t", "-", "\u{a0}", "\u{202f}", "\u{2009}", "\u{2011}", "\u{2013}", "\u{200b}", "\u{feff}", " - "] {
            for text in
                [format!("475{separator}073"), format!("{separator}475073{separator}"), format!("47{separator}50{separator}73")]
            {
                assert_eq!(strip_separators(&text).as_str(), "475073", "{text:?}");
            }
        }
        for text in
            ["", "475073", "475.073", "475,073", "+475073", "475_073", "\u{664}\u{667}\u{665}\u{660}\u{667}\u{663}", "475073\0"]
        {
            assert_eq!(strip_separators(text).as_str(), text);
        }
    }
}
