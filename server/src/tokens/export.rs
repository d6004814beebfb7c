//! From the store to an export: page by page, each with its lines of the trail first.

use std::collections::BTreeMap;

use keyfob::Status;
use keyfob_scim::{Entry, Event, EventKind, Filter, Row};

use super::device::{Label, token};
use super::export_encoder::{Encoded, Encoder, ExportFormat};
use super::export_output::ExportOutput;
use crate::store::{EntryQuery, Store, word};

/// The actor in the trail.
const ACTOR: &str = "export";

/// Which devices are exported, and how.
pub(crate) struct Selection<'s> {
    pub(crate) filter: Filter,
    /// Also devices that are locked or disabled, which no file can say.
    pub(crate) includes_unusable: bool,
    pub(crate) format: ExportFormat,
    pub(crate) issuer: &'s str,
    /// The time in Unix seconds, for the trail.
    pub(crate) now: u64,
}

/// How many devices came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exported {
    /// In the file, by kind.
    pub(crate) written: BTreeMap<&'static str, u64>,
    /// Left out for the reason in the device's line.
    pub(crate) left_out: u64,
    /// Of kinds that have no token, by kind.
    pub(crate) others: BTreeMap<&'static str, u64>,
}

impl Exported {
    pub(crate) fn all(&self) -> u64 {
        self.written.values().fold(0, |all, many| all.saturating_add(*many))
    }

    /// The last lines of the report.
    pub(crate) fn summary(&self) -> String {
        let kinds = |counts: &BTreeMap<&str, u64>| {
            let counts: Vec<_> = counts.iter().map(|(kind, many)| format!("{kind} {many}")).collect();
            if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
        };
        let mut lines = vec![format!("exported: {}", kinds(&self.written))];
        if self.left_out > 0 {
            lines.push(format!("left out: {}, see the lines above", self.left_out));
        }
        if !self.others.is_empty() {
            lines.push(format!("of kinds that no token file has: {}", kinds(&self.others)));
        }
        lines.join("\n")
    }
}

/// Exports the selected devices of a store. Each has its line in the trail before its secret is in
/// the file. `print` gets a line for each device that is left out or that the file does not
/// describe fully, `progress` the devices of each page.
///
/// Errors: a sentence for people.
pub(crate) async fn export(
    store: &Store,
    selection: &Selection<'_>,
    mut encoder: Encoder,
    output: &mut ExportOutput,
    print: &mut dyn FnMut(&str) -> Result<(), String>,
    progress: &mut dyn FnMut(usize),
) -> Result<Exported, String> {
    let mut exported = Exported::default();
    let mut next = Some(EntryQuery::new(selection.filter.clone()));
    while let Some(query) = next {
        let page = store.entries(query).await.map_err(|error| error.to_string())?;
        next = page.next;
        for sentence in &page.unreadable {
            count(&mut exported.left_out);
            print(sentence)?;
        }
        let devices = page.entries.len().saturating_add(page.unreadable.len());
        let mut pieces = Vec::with_capacity(page.entries.len());
        let mut lines = Vec::with_capacity(page.entries.len());
        for entry in &page.entries {
            if let Some(piece) = piece(entry, selection, &mut encoder, &mut exported, print)? {
                pieces.push((entry.row.id, piece));
                lines.push(line(&entry.row, selection.now));
            }
        }
        if !lines.is_empty() {
            store.record(lines).await.map_err(|error| format!("the trail: {error}"))?;
        }
        for (id, piece) in &pieces {
            output.write(piece, &format!("{id}.png"))?;
        }
        progress(devices);
    }
    for (at, piece) in encoder.finish()?.iter().enumerate() {
        output.write(piece, &format!("{}.png", at.saturating_add(1)))?;
    }
    Ok(exported)
}

/// The piece of a device; none if it is left out.
fn piece(
    entry: &Entry,
    selection: &Selection<'_>,
    encoder: &mut Encoder,
    exported: &mut Exported,
    print: &mut dyn FnMut(&str) -> Result<(), String>,
) -> Result<Option<Encoded>, String> {
    let Entry { row, device, .. } = entry;
    let label = Label { name: &row.name, is_serial: row.has_serial(), issuer: selection.issuer, account: &row.user };
    let Some(token) = token(device, label) else {
        count(exported.others.entry(row.kind.name()).or_default());
        return Ok(None);
    };
    let is_unusable = matches!(row.status, Status::Locked | Status::Disabled);
    let status = word(row.status);
    if is_unusable && !selection.includes_unusable {
        count(&mut exported.left_out);
        print(&format!("{}: is {status}, which a file cannot say; unlock or enable it, or give --include-unusable", name(row)))?;
        return Ok(None);
    }
    let unsaid = selection.format.unsaid(&token);
    let piece = match encoder.encode(token) {
        Ok(piece) => piece,
        Err(reason) => {
            count(&mut exported.left_out);
            print(&format!("{}: {reason}", name(row)))?;
            return Ok(None);
        }
    };
    if is_unusable {
        print(&format!("{}: is {status}; the file does not say so", name(row)))?;
    }
    for what in unsaid {
        print(&format!("{}: {what}; the file does not say so", name(row)))?;
    }
    count(exported.written.entry(row.kind.name()).or_default());
    Ok(Some(piece))
}

/// The line of the trail.
fn line(row: &Row, now: u64) -> Event {
    Event {
        kind: EventKind::Export,
        at: now,
        actor: ACTOR.to_owned(),
        device_id: row.id,
        user: row.user.clone(),
        success: true,
        reason: row.status.to_string(),
        drift: None,
    }
}

/// What a sentence calls a device.
fn name(row: &Row) -> String {
    let user = if row.has_user() { format!(" of {:?}", row.user) } else { String::new() };
    format!("device {} ({:?}{user})", row.id, row.name)
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
