//! The report of an import: a line for each token of note, and a summary.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use keyfob::Kind;
use keyfob_tokens::Location;

/// A longer text of letters and digits only may be a secret in the column of the serial. Reports do
/// not repeat it.
const MAX_SHOWN_CHARS: usize = 15;

/// Counts of tokens by their outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Accepted tokens by kind, in the order of [`Kind::ALL`].
    accepted: BTreeMap<u8, u64>,
    there: u64,
    refused: u64,
    short: u64,
    inventory: u64,
    unassigned: u64,
    /// A file was not read to its end.
    pub(crate) is_cut: bool,
}

impl Report {
    pub(super) fn accept(&mut self, kind: Kind, is_short: bool, has_user: bool, is_unassigned: bool) {
        add(self.accepted.entry(kind as u8).or_default(), true);
        add(&mut self.short, is_short);
        add(&mut self.inventory, !has_user);
        add(&mut self.unassigned, is_unassigned);
    }

    pub(super) fn is_there(&mut self) {
        add(&mut self.there, true);
    }

    pub(super) fn refuse(&mut self) {
        add(&mut self.refused, true);
    }

    /// Whether all tokens of all files are in the store, or would be.
    pub(crate) fn is_whole(&self) -> bool {
        self.refused == 0
    }

    /// The last lines of the report. `is_written`: the tokens were stored.
    pub(crate) fn summary(&self, is_written: bool) -> String {
        let kinds = Kind::ALL.iter().filter_map(|kind| Some(format!("{kind} {}", self.accepted.get(&(*kind as u8))?)));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        let all = self.accepted.values().fold(0, |all: u64, many| all.saturating_add(*many));
        let mut text = String::new();
        let mut line = |title: &str, many: u64, what: &str| {
            let _ = writeln!(text, "{}", format!("{title:<15} {many:>9}  {what}").trim_end());
        };
        line(if is_written { "imported" } else { "would be taken" }, all, &kinds);
        line("there already", self.there, "left as they are");
        line("not taken", self.refused, if self.refused == 0 { "" } else { "see the lines above" });
        for (many, what) in [
            (self.inventory, "without a user: a PATCH of user assigns each"),
            (self.unassigned, "of them with an account in the file: --assign-accounts makes it the user"),
            (self.short, "with a secret of fewer than 128 bits, the least that RFC 4226 allows"),
        ] {
            if many > 0 {
                line("", many, what);
            }
        }
        if !is_written {
            text.push_str("Dry run: nothing was written. Add --write to do it.\n");
        }
        text
    }
}

fn add(count: &mut u64, is_one: bool) {
    *count = count.saturating_add(is_one.into());
}

/// The line of a refused token.
pub(super) fn refusal(place: &str, reason: &dyn Display) -> String {
    format!("not taken: {place}: {reason}")
}

/// The line of a token that was taken, and that needs attention.
pub(super) fn remark(place: &str, text: &str) -> String {
    format!("taken: {place}: {text}")
}

/// The place of a token. `file`: the name of its file, empty if there is no other one.
pub(super) fn place(file: &str, location: &Location) -> String {
    let serial = location.serial.clone().filter(|serial| !may_be_secret(serial));
    let separator = if file.is_empty() { "" } else { ": " };
    format!("{file}{separator}{}", Location { serial, ..location.clone() })
}

fn may_be_secret(text: &str) -> bool {
    let is_symbol = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '=');
    text.chars().count() > MAX_SHOWN_CHARS && text.chars().filter(|char| !char.is_whitespace()).all(is_symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_that_may_be_a_secret_is_not_shown() {
        let shown = |serial: &str| place("a.csv", &Location { line: Some(3), entry: Some(2), serial: Some(serial.to_owned()) });
        for serial in ["FTK200-0001", "2308734501256", "OATH0001AC4F", "3f1a2b4c-0d1e-4f50"] {
            assert_eq!(shown(serial), format!("a.csv: entry 2, line 3 ({serial})"));
        }
        for secret in ["GEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq", "31323334353637383930", "MTIzNDU2Nzg5MDE=", "1234567890123456"] {
            assert_eq!(shown(secret), "a.csv: entry 2, line 3");
        }
    }
}
