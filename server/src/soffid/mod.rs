//! Devices of Soffid's table `SCO_DEVICE` into a store: looked at first, then written.

mod file;
mod password;
mod report;
mod row;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use keyfob_scim::Error;
use tokio::runtime::Runtime;

pub(crate) use file::Values;
use report::refusal;
pub(crate) use report::{Report, add};
pub(crate) use row::Rules;
use row::Taken;
use source::Raw;
pub(crate) use source::Source;
pub(crate) use table::{Names, Table};

use crate::store::{Imported, Outcome, Present, Store};

/// Who stands in the trail.
const ACTOR: &str = "import-soffid";

/// Looks at all rows and writes nothing. `tell` hears of each row that is not taken.
///
/// Errors: a sentence for people.
pub(crate) fn look(
    source: &mut dyn Source,
    rules: &Rules<'_>,
    present: &mut Present,
    tell: &mut dyn FnMut(&str) -> Result<(), String>,
) -> Result<Report, String> {
    let (mut report, mut seen) = (Report::default(), Seen::default());
    loop {
        let page = source.page()?;
        if page.is_empty() {
            return Ok(report);
        }
        let mut taken = Vec::new();
        for read in page {
            let refused = match read {
                Err(no_row) => refusal(no_row.row, None, &no_row.reason),
                Ok(raw) => match seen.judge(rules, &raw) {
                    Ok(Some(device)) => {
                        taken.push((raw, device));
                        continue;
                    }
                    Ok(None) => {
                        add(&mut report.elsewhere, true);
                        continue;
                    }
                    Err(reason) => refusal(raw.row, Some(&raw), &reason),
                },
            };
            add(&mut report.refused, true);
            tell(&refused)?;
        }
        let devices: Vec<Imported> = taken.iter().map(|(_, taken)| taken.device.clone()).collect();
        for ((raw, taken), outcome) in taken.iter().zip(present.outcomes(&devices)?) {
            match outcome {
                Outcome::Stored => report.take(taken),
                Outcome::There => add(&mut report.there, true),
                Outcome::Taken => {
                    add(&mut report.refused, true);
                    tell(&refusal(raw.row, Some(raw), "OTP_ID: is the number of another device in the store"))?;
                }
            }
        }
    }
}

/// Writes all rows that [`look`] would take. Returns how many were written. `progress` hears of each page how many rows it had.
///
/// Errors: a sentence for people; what was written until then stays, and is found to be there the next time.
pub(crate) fn write(
    source: &mut dyn Source,
    rules: &Rules<'_>,
    report: &Report,
    (runtime, store): (&Runtime, &Store),
    progress: &mut dyn FnMut(usize),
) -> Result<u64, String> {
    let told = |error: Error| error.detail;
    // First of all: a service that goes on meanwhile gives no device the name or the number of one that is still to come.
    runtime.block_on(store.begin_behind(report.last_name, report.last_id)).map_err(told)?;
    let (mut stored, mut seen) = (0, Seen::default());
    source.restart()?;
    loop {
        // A source reads with a runtime of its own, so it must not be asked within this one.
        let page = source.page()?;
        if page.is_empty() {
            return Ok(stored);
        }
        progress(page.len());
        let taken = page.into_iter().filter_map(|read| seen.judge(rules, &read.ok()?).ok().flatten());
        let devices: Vec<Imported> = taken.map(|taken| taken.device).collect();
        let outcomes = runtime.block_on(store.import(devices, ACTOR, rules.now)).map_err(told)?;
        for outcome in outcomes {
            add(&mut stored, outcome == Outcome::Stored);
        }
    }
}

/// What rows before have shown.
#[derive(Default)]
struct Seen {
    ids: HashSet<i64>,
    tenant: Option<String>,
}

impl Seen {
    /// Judges a row; none is one of another tenant's.
    fn judge(&mut self, rules: &Rules<'_>, raw: &Raw) -> Result<Option<Taken>, String> {
        if rules.is_elsewhere(raw, &mut self.tenant)? {
            return Ok(None);
        }
        let taken = rules.judge(raw)?;
        if self.ids.insert(taken.device.entry.row.id) { Ok(Some(taken)) } else { Err("OTP_ID: stands there twice".to_owned()) }
    }
}
