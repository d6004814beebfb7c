//! Whole devices by pages, and the lines of the trail for secrets that leave the store.

use keyfob_scim::{Attribute, Entry, Error, Event, Filter, PageStart, Query, Sort, SortKey, SortPosition};

use super::batch::settle;
use super::filter::{self, Part};
use super::handle::Store;
use super::keys::Keys;
use super::reads::find;
use super::searches::Claim;
use super::trail::OPERATOR;
use crate::database::{Connection, DatabaseError, Sql};

/// How many devices a page has at most.
const PAGE_DEVICES: u64 = if cfg!(test) { 3 } else { 128 };

/// A walk through the devices that match a filter and are not deleted, by their ids.
#[derive(Clone, Debug)]
pub(crate) struct EntryQuery(Query);

impl EntryQuery {
    pub(crate) const fn new(filter: Filter) -> Self {
        let sort = Sort { by: Attribute::Id, descending: false };
        let start = PageStart::After(None);
        Self(Query { filter, excludes_deleted: true, sort, then_by: Vec::new(), start, limit: PAGE_DEVICES })
    }
}

/// A page of a walk.
#[derive(Debug)]
pub(crate) struct EntryPage {
    pub(crate) entries: Vec<Entry>,
    /// A sentence for each device of the page that cannot be read.
    pub(crate) unreadable: Vec<String>,
    /// The walk of the pages that follow; none after the last page.
    pub(crate) next: Option<EntryQuery>,
}

impl Store {
    /// Reads a page of whole devices. Errors: 503.
    pub(crate) async fn entries(&self, query: EntryQuery) -> Result<EntryPage, Error> {
        let keys = self.keys();
        self.scan(Claim::new(OPERATOR), move |connection| page(connection, &keys, &query.0)).await
    }

    /// Writes lines to the trail in one commit. Errors: 503.
    pub(crate) async fn record(&self, events: Vec<Event>) -> Result<(), Error> {
        let write = move |connection: &mut dyn Connection| settle(connection, Vec::new(), &events.iter().collect::<Vec<_>>()).lines;
        self.submit(write).await
    }
}

fn page(connection: &mut dyn Connection, keys: &Keys, query: &Query) -> Result<EntryPage, DatabaseError> {
    let mut ids = Vec::new();
    // An order by id has one part.
    for part in Part::from_query(query) {
        let mut sql = Sql::new("SELECT id FROM device");
        filter::wanted(&mut sql, connection.dialect(), query, part);
        filter::page(&mut sql, query, part, query.limit);
        for record in &mut connection.rows(&sql)? {
            ids.push(record.id()?);
        }
    }
    let is_full = u64::try_from(ids.len()).is_ok_and(|many| many >= query.limit);
    let mut found = find(connection, keys, ids.iter().copied())?;
    let mut page = EntryPage { entries: Vec::new(), unreadable: Vec::new(), next: None };
    for id in &ids {
        match found.remove(id) {
            // It may have changed since its id was read.
            Some(Ok(entry)) if entry.row.deleted || !query.filter.matches(&entry.row) => {}
            Some(Ok(entry)) => page.entries.push(entry),
            Some(Err(error)) => page.unreadable.push(error.detail),
            None => {}
        }
    }
    page.next = ids.last().filter(|_| is_full).map(|&id| {
        let start = PageStart::After(Some(SortPosition { key: Some(SortKey::Number(id)), id }));
        EntryQuery(Query { start, ..query.clone() })
    });
    Ok(page)
}
