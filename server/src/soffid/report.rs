//! The report of an import: a line for each row of note, and a summary.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use keyfob::Kind;

use super::row::Accepted;
use super::source::{Field, RawRow};
use crate::store::{Difference, Imported};

/// Counts of rows by their outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Accepted rows by kind, in the order of [`Kind::ALL`].
    pub(crate) accepted: BTreeMap<u8, u64>,
    pub(crate) there: u64,
    /// Devices in the store with another user or name than their row. They keep it.
    pub(crate) differ: u64,
    /// Devices in the store that got the user and name of their row, or would get it.
    pub(crate) corrected: u64,
    pub(crate) refused: u64,
    pub(crate) elsewhere: u64,
    challenges: u64,
    fails: u64,
    assumed: u64,
    /// Written rows; none in a dry run.
    pub(crate) stored: Option<u64>,
}

impl Report {
    pub(crate) fn accept(&mut self, accepted: &Accepted) {
        let row = &accepted.device.entry.row;
        add(self.accepted.entry(row.kind as u8).or_default(), true);
        add(&mut self.challenges, accepted.loses_challenge);
        add(&mut self.fails, accepted.loses_fails);
        add(&mut self.assumed, accepted.is_assumed);
    }

    pub(crate) fn all_accepted(&self) -> u64 {
        self.accepted.values().fold(0, |all, many| all.saturating_add(*many))
    }

    /// The last lines of the report.
    pub(crate) fn summary(&self) -> String {
        let kinds = Kind::ALL.iter().filter_map(|kind| Some(format!("{kind} {}", self.accepted.get(&(*kind as u8))?)));
        let kinds: Vec<_> = kinds.collect();
        let mut text = String::new();
        let mut line = |title: &str, many: u64, what: &str| {
            let _ = writeln!(text, "{title:<15} {many:>9}  {what}");
        };
        match self.stored {
            Some(stored) => line("imported", stored, &kinds.join(", ")),
            None => line("would be taken", self.all_accepted(), &kinds.join(", ")),
        }
        line("there already", self.there.saturating_sub(self.corrected), "left as they are");
        line("not taken", self.refused, if self.refused == 0 { "" } else { "see the lines above" });
        let corrected = if self.stored.is_some() {
            "there already, with user and name corrected"
        } else {
            "there already with another user or name: see the lines above; --write gives them those of the rows"
        };
        for (many, what) in [
            (
                self.differ,
                "there already with another user or name: see the lines above; --write --correct-names gives them those of the rows",
            ),
            (self.corrected, corrected),
            (self.elsewhere, "of other tenants, left out"),
            (self.challenges, "with a challenge that ends: the next one is a new one"),
            (self.fails, "open with as many fails as lock here: one guess is left"),
            (self.assumed, "without digits or algorithm: 6 and HmacSHA1, or --hotp-digits and --hotp-algorithm"),
        ] {
            if many > 0 {
                line("", many, what);
            }
        }
        if self.stored.is_none() {
            text.push_str("Dry run: nothing was written. Add --write to do it.\n");
        }
        text
    }
}

pub(crate) fn add(count: &mut u64, is_one: bool) {
    *count = count.saturating_add(is_one.into());
}

/// The line of a refused row.
pub(crate) fn refusal(line: Option<u64>, raw: Option<&RawRow>, reason: &str) -> String {
    format!("not taken: {}: {reason}", location(line, raw))
}

/// The line of a row whose device is in the store with another user or name.
pub(crate) fn differs(raw: &RawRow, device: &Imported, difference: &Difference, corrects: bool) -> String {
    let values = values(device, difference, |what, old, new| format!("{what} is {old:?} in the store, and {new:?} in the row"));
    let remedy = if corrects { "--write" } else { "--write --correct-names" };
    format!("differs: {}: {values}; {remedy} takes the row's", location(raw.line, Some(raw)))
}

/// The line of a row whose device got its user or name.
pub(crate) fn corrected(raw: &RawRow, device: &Imported, difference: &Difference) -> String {
    let values = values(device, difference, |what, old, new| format!("{what} was {old:?}, and is {new:?} now"));
    format!("corrected: {}: {values}", location(raw.line, Some(raw)))
}

/// User, name or both, if they differ: each with its value in the store and in the row.
fn values(device: &Imported, difference: &Difference, text: impl Fn(&str, &str, &str) -> String) -> String {
    let row = &device.entry.row;
    let pairs = [("user", &difference.user, &row.user), ("name", &difference.name, &row.name)];
    let texts = pairs.into_iter().filter_map(|(what, old, new)| Some(text(what, old.as_ref()?, new)));
    texts.collect::<Vec<_>>().join("; ")
}

fn location(line: Option<u64>, raw: Option<&RawRow>) -> String {
    let mut parts: Vec<String> = line.map(|line| format!("line {line}")).into_iter().collect();
    // The value of a cell is repeated only if it is a number. Anything else may be a secret in the
    // wrong column.
    if let Some(id) = raw.and_then(|raw| raw.get(Field::Id)).and_then(|id| id.parse::<i64>().ok()) {
        parts.push(format!("OTP_ID {id}"));
        if let Some(user) = raw.and_then(|raw| raw.get(Field::User)) {
            parts.push(format!("user {user:?}"));
        }
    }
    parts.join(", ")
}
