//! Recovery codes as people type them, and as the model reads them.

use keyfob::RecoveryCodes;

/// One of the recovery codes, as somebody may type it.
pub(crate) fn spelled(codes: &RecoveryCodes, number: i64) -> String {
    let index = number.rem_euclid(codes.count().into());
    let code = codes.iter().nth(index.try_into().unwrap()).unwrap();
    match number {
        0..5 => code.as_str().to_owned(),
        5..10 => code.as_str().replace('-', "").to_lowercase(),
        _ => format!(" {}\n", code.as_str().replace('1', "I").replace('0', "o")),
    }
}

/// A recovery code as it is meant, however it is typed.
fn read_as(typed: &str) -> String {
    let read: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    read.to_uppercase().replace(['I', 'L'], "1").replace('O', "0").replace('U', "V")
}

/// The index of the code that was typed, if it is one.
pub(crate) fn places(codes: &RecoveryCodes, typed: &[&str]) -> Vec<u64> {
    let typed: Vec<String> = typed.iter().copied().map(read_as).collect();
    let shown = codes.iter().map(|code| read_as(code.as_str()));
    (0..).zip(shown).filter(|(_, code)| typed == [code.as_str()]).map(|(index, _)| index).collect()
}
