//! Masked addresses in the names of devices, as Soffid masks them.

/// Masks `patricia@soffid.com` as `pa******@so****.co*`: the first two characters of each word
/// stay.
pub(crate) fn email(address: &str) -> String {
    let mut kept = 0_u8;
    let masked = |char| match char {
        '@' | '.' => {
            kept = 0;
            char
        }
        _ if kept < 2 => {
            kept = kept.saturating_add(1);
            char
        }
        _ => '*',
    };
    address.chars().map(masked).collect()
}

/// Masks `666555444` as `66*****44`: two characters at each end stay. A number of fewer than six
/// characters is masked as a whole.
pub(crate) fn phone(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    match chars.as_slice() {
        [a, b, middle @ .., y, z] if middle.len() >= 2 => format!("{a}{b}{}{y}{z}", "*".repeat(middle.len())),
        short => "*".repeat(short.len()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_are_masked_as_soffid_does() {
        assert_eq!(super::email("patricia@soffid.com"), "pa******@so****.co*");
        assert_eq!(super::email("a.bcd@x.org"), "a.bc*@x.or*");
        assert_eq!(super::phone("666555444"), "66*****44");
        assert_eq!(super::phone("6665552222"), "66******22");
        assert_eq!(super::phone("+34600112233"), "+3********33");
        assert_eq!(super::phone("123456"), "12**56");
        assert_eq!(super::phone("12345"), "*****");
        assert_eq!(super::phone("112"), "***");
    }
}
