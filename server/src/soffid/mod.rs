//! Imports the devices of Soffid's table `SCO_DEVICE` into a store. A first pass inspects all rows,
//! a second one writes them.

mod delimited;
mod digest;
mod file;
mod format;
mod mysql;
mod password;
mod postgres;
mod report;
mod row;
mod select;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use keyfob_scim::Error;
use tokio::runtime::Runtime;

pub(crate) use delimited::Quoting;
use digest::{PageDigest, digest};
pub(crate) use file::{DelimitedFile, FileOptions};
pub(crate) use mysql::{MySqlTable, is_mysql};
pub(crate) use postgres::PostgresTable;
use report::{Report, add, differs, refusal};
use row::Accepted;
pub(crate) use row::Rules;
pub(crate) use select::UserNames;
use source::RawRow;
pub(crate) use source::Source;

use crate::store::{Imported, Outcome, Preview, Store};

/// Prints a line of the report. Errors: a message for people.
pub(crate) type Print<'p> = dyn FnMut(&str) -> Result<(), String> + 'p;

/// The actor in the trail.
const ACTOR: &str = "import-soffid";

/// Reasons to refuse a row whose number the store has.
const ID_CONFLICT: &str = "OTP_ID: is the number of another device in the store";
const OTHER_ZONE: &str = "OTP_CREATED: imported before with another --time-zone?";

/// The result of the first pass. The second pass relies on it.
#[derive(Default)]
pub(crate) struct Inspection {
    pub(crate) report: Report,
    /// One for each page, the empty one at the end included.
    pages: Vec<PageDigest>,
    /// The numbers of other devices in the store. Their rows were reported.
    conflicts: HashSet<i64>,
    /// The highest number in a name.
    last_name: u64,
}

/// Reads all rows and writes nothing. Prints a line for each refused row.
///
/// Errors: a message for people.
pub(crate) fn inspect(
    source: &mut dyn Source,
    rules: &Rules<'_>,
    preview: &mut Preview,
    print: &mut Print<'_>,
) -> Result<Inspection, String> {
    let (mut inspection, mut seen) = (Inspection::default(), SeenRows::default());
    loop {
        let page = source.page()?;
        inspection.pages.push(digest(&page));
        if page.is_empty() {
            return Ok(inspection);
        }
        let mut accepted = Vec::new();
        for read in page {
            let refused = match read {
                Err(row) => refusal(row.line, None, &row.reason),
                Ok(raw) => match seen.judge(rules, &raw) {
                    Ok(Some(device)) => {
                        accepted.push((raw, device));
                        continue;
                    }
                    Ok(None) => {
                        add(&mut inspection.report.elsewhere, true);
                        continue;
                    }
                    Err(reason) => refusal(raw.line, Some(&raw), &reason),
                },
            };
            add(&mut inspection.report.refused, true);
            print(&refused)?;
        }
        let devices: Vec<Imported> = accepted.iter().map(|(_, row)| row.device.clone()).collect();
        for ((raw, row), outcome) in accepted.iter().zip(preview.outcomes(&devices)?) {
            match outcome {
                Outcome::Stored => {
                    inspection.report.accept(row);
                    inspection.last_name = inspection.last_name.max(row.number);
                }
                Outcome::Unchanged => add(&mut inspection.report.there, true),
                Outcome::Differs(difference) | Outcome::Corrected(difference) => {
                    add(&mut inspection.report.there, true);
                    add(if rules.corrects_names { &mut inspection.report.corrected } else { &mut inspection.report.differ }, true);
                    // The second pass prints the devices that it has corrected.
                    if !(rules.writes && rules.corrects_names) {
                        print(&differs(raw, &row.device, &difference, rules.corrects_names))?;
                    }
                }
                Outcome::OtherZone => inspection.refuse(raw, row, OTHER_ZONE, print)?,
                Outcome::IdConflict => inspection.refuse(raw, row, ID_CONFLICT, print)?,
            }
        }
    }
}

/// Writes all rows that [`inspect`] accepted, and completes its report. Prints a line for each row
/// whose number another device has taken meanwhile, and for each device whose user or name was
/// corrected. `progress` gets the number of rows of each page.
///
/// Errors: a message for people; the source does not show the same rows as to [`inspect`]. Rows
/// written by then stay, and the next import finds them in the store.
pub(crate) fn write(
    source: &mut dyn Source,
    rules: &Rules<'_>,
    inspection: &mut Inspection,
    (runtime, store): (&Runtime, &Store),
    print: &mut Print<'_>,
    progress: &mut dyn FnMut(usize),
) -> Result<(), String> {
    let detail = |error: Error| error.detail;
    // First of all: a running service must not give a new device a name that is still to come.
    runtime.block_on(store.name_behind(inspection.last_name)).map_err(detail)?;
    let (mut stored, mut there, mut corrected, mut seen) = (0, 0, 0, SeenRows::default());
    source.restart()?;
    for wanted in std::mem::take(&mut inspection.pages) {
        // A source reads with a runtime of its own, which must not run within this one.
        let page = source.page()?;
        if digest(&page) != wanted {
            return Err(changed(source, stored));
        }
        progress(page.len());
        let judged = page.into_iter().filter_map(|read| read.ok().and_then(|raw| Some((seen.judge(rules, &raw).ok()??, raw))));
        let accepted: Vec<(Accepted, RawRow)> = judged.collect();
        let devices = accepted.iter().map(|(row, _)| row.device.clone()).collect();
        let outcomes = runtime.block_on(store.import(devices, ACTOR, rules.now, rules.corrects_names)).map_err(detail)?;
        for ((row, raw), outcome) in accepted.iter().zip(outcomes) {
            match outcome {
                Outcome::Stored => add(&mut stored, true),
                Outcome::Unchanged | Outcome::Differs(_) => add(&mut there, true),
                Outcome::Corrected(difference) => {
                    add(&mut there, true);
                    add(&mut corrected, true);
                    print(&report::corrected(raw, &row.device, &difference))?;
                }
                Outcome::OtherZone => inspection.refuse(raw, row, OTHER_ZONE, print)?,
                Outcome::IdConflict => inspection.refuse(raw, row, ID_CONFLICT, print)?,
            }
        }
    }
    (inspection.report.stored, inspection.report.there, inspection.report.corrected) = (Some(stored), there, corrected);
    Ok(())
}

/// The error for a source that has changed since the first pass.
fn changed(source: &dyn Source, stored: u64) -> String {
    format!(
        "{source}: has changed since the import looked at it, so nothing more is written. {stored} devices were imported and stay. Make \
         sure that no program writes it, and start the import again: it leaves those devices as they are"
    )
}

impl Inspection {
    /// Reports once a row whose number another device has.
    fn refuse(&mut self, raw: &RawRow, row: &Accepted, reason: &str, print: &mut Print<'_>) -> Result<(), String> {
        if self.conflicts.insert(row.device.entry.row.id) {
            add(&mut self.report.refused, true);
            print(&refusal(raw.line, Some(raw), reason))?;
        }
        Ok(())
    }
}

/// Facts of the rows so far.
#[derive(Default)]
struct SeenRows {
    ids: HashSet<i64>,
    tenant: Option<String>,
}

impl SeenRows {
    /// Judges a row; none for a row of another tenant.
    fn judge(&mut self, rules: &Rules<'_>, raw: &RawRow) -> Result<Option<Accepted>, String> {
        if rules.is_elsewhere(raw, &mut self.tenant)? {
            return Ok(None);
        }
        let accepted = rules.judge(raw)?;
        if self.ids.insert(accepted.device.entry.row.id) {
            Ok(Some(accepted))
        } else {
            Err("OTP_ID: is the number of an earlier row, too".to_owned())
        }
    }
}
