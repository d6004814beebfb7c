//! Devices of Soffid's table `SCO_DEVICE` into a store: looked at first, then written.

mod delimited;
mod digest;
mod file;
mod format;
mod mysql;
mod password;
mod report;
mod row;
mod select;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use keyfob_scim::Error;
use tokio::runtime::Runtime;

pub(crate) use delimited::Quoting;
use digest::{Digest, digest};
pub(crate) use file::{Told, Values};
pub(crate) use mysql::{MySql, is_mysql};
use report::{Report, add, differs, refusal};
pub(crate) use row::Rules;
use row::Taken;
pub(crate) use select::Names;
use source::Raw;
pub(crate) use source::Source;
pub(crate) use table::Table;

use crate::store::{Imported, Outcome, Preview, Store};

/// Takes a line of the report. Errors: a sentence for people.
pub(crate) type Tell<'t> = dyn FnMut(&str) -> Result<(), String> + 't;

/// Who stands in the trail.
const ACTOR: &str = "import-soffid";

/// Why a row is not taken whose number the store has.
const TAKEN: &str = "OTP_ID: is the number of another device in the store";
const OTHER_ZONE: &str = "OTP_CREATED: imported before with another --time-zone?";

/// What the first pass has found, by which the second one goes.
#[derive(Default)]
pub(crate) struct Look {
    pub(crate) report: Report,
    /// Of each page, the empty one at the end included.
    pages: Vec<Digest>,
    /// The numbers that other devices have, whose rows were reported.
    taken: HashSet<i64>,
    /// The highest number in a name.
    last_name: u64,
}

/// Looks at all rows and writes nothing. `tell` gets a line for each row that is not taken.
///
/// Errors: a sentence for people.
pub(crate) fn look(source: &mut dyn Source, rules: &Rules<'_>, preview: &mut Preview, tell: &mut Tell<'_>) -> Result<Look, String> {
    let (mut look, mut seen) = (Look::default(), Seen::default());
    loop {
        let page = source.page()?;
        look.pages.push(digest(&page));
        if page.is_empty() {
            return Ok(look);
        }
        let mut taken = Vec::new();
        for read in page {
            let refused = match read {
                Err(no_row) => refusal(no_row.line, None, &no_row.reason),
                Ok(raw) => match seen.judge(rules, &raw) {
                    Ok(Some(device)) => {
                        taken.push((raw, device));
                        continue;
                    }
                    Ok(None) => {
                        add(&mut look.report.elsewhere, true);
                        continue;
                    }
                    Err(reason) => refusal(raw.line, Some(&raw), &reason),
                },
            };
            add(&mut look.report.refused, true);
            tell(&refused)?;
        }
        let devices: Vec<Imported> = taken.iter().map(|(_, taken)| taken.device.clone()).collect();
        for ((raw, taken), outcome) in taken.iter().zip(preview.outcomes(&devices)?) {
            match outcome {
                Outcome::Stored => {
                    look.report.take(taken);
                    look.last_name = look.last_name.max(taken.number);
                }
                Outcome::Unchanged => add(&mut look.report.there, true),
                Outcome::Differs(difference) | Outcome::Corrected(difference) => {
                    add(&mut look.report.there, true);
                    add(if rules.corrects_names { &mut look.report.corrected } else { &mut look.report.differ }, true);
                    // The write tells of those that it has corrected.
                    if !(rules.writes && rules.corrects_names) {
                        tell(&differs(raw, &taken.device, &difference, rules.corrects_names))?;
                    }
                }
                Outcome::OtherZone => look.refuse(raw, taken, OTHER_ZONE, tell)?,
                Outcome::IdConflict => look.refuse(raw, taken, TAKEN, tell)?,
            }
        }
    }
}

/// Writes all rows that [`look`] would take, and brings its report up to what became of them.
/// `tell` gets a line for each row whose number another device has taken meanwhile, and for each
/// device whose user or name was corrected, `progress` the number of rows of each page.
///
/// Errors: a sentence for people, also where the source does not show what it has shown to
/// [`look`]. What was written until then stays, and is found to be there the next time.
pub(crate) fn write(
    source: &mut dyn Source,
    rules: &Rules<'_>,
    look: &mut Look,
    (runtime, store): (&Runtime, &Store),
    tell: &mut Tell<'_>,
    progress: &mut dyn FnMut(usize),
) -> Result<(), String> {
    let told = |error: Error| error.detail;
    // First of all: a service that goes on meanwhile gives no device a name that is still to come.
    runtime.block_on(store.name_behind(look.last_name)).map_err(told)?;
    let (mut stored, mut there, mut corrected, mut seen) = (0, 0, 0, Seen::default());
    source.restart()?;
    for wanted in std::mem::take(&mut look.pages) {
        // A source reads with a runtime of its own, so it must not be asked within this one.
        let page = source.page()?;
        if digest(&page) != wanted {
            return Err(changed(source, stored));
        }
        progress(page.len());
        let judged = page.into_iter().filter_map(|read| read.ok().and_then(|raw| Some((seen.judge(rules, &raw).ok()??, raw))));
        let taken: Vec<(Taken, Raw)> = judged.collect();
        let devices = taken.iter().map(|(taken, _)| taken.device.clone()).collect();
        let outcomes = runtime.block_on(store.import(devices, ACTOR, rules.now, rules.corrects_names)).map_err(told)?;
        for ((taken, raw), outcome) in taken.iter().zip(outcomes) {
            match outcome {
                Outcome::Stored => add(&mut stored, true),
                Outcome::Unchanged | Outcome::Differs(_) => add(&mut there, true),
                Outcome::Corrected(difference) => {
                    add(&mut there, true);
                    add(&mut corrected, true);
                    tell(&report::corrected(raw, &taken.device, &difference))?;
                }
                Outcome::OtherZone => look.refuse(raw, taken, OTHER_ZONE, tell)?,
                Outcome::IdConflict => look.refuse(raw, taken, TAKEN, tell)?,
            }
        }
    }
    (look.report.stored, look.report.there, look.report.corrected) = (Some(stored), there, corrected);
    Ok(())
}

/// Why an import stops whose source has changed since it was looked at.
fn changed(source: &dyn Source, stored: u64) -> String {
    format!(
        "{source}: has changed since the import looked at it, so nothing more is written. {stored} devices were imported and stay. Make \
         sure that no program writes it, and start the import again: it leaves those as they are"
    )
}

impl Look {
    /// Reports a row whose number another device has, once.
    fn refuse(&mut self, raw: &Raw, taken: &Taken, reason: &str, tell: &mut Tell<'_>) -> Result<(), String> {
        if self.taken.insert(taken.device.entry.row.id) {
            add(&mut self.report.refused, true);
            tell(&refusal(raw.line, Some(raw), reason))?;
        }
        Ok(())
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
