//! Walks through whole devices by their ids, a page at a time.

use keyfob_scim::{Entry, Filter};

use super::filter;
use super::keys::Keys;
use super::reads::{SELECT_ENTRIES, entry};
use crate::database::{Connection, DatabaseError, Sql};

/// How many devices a page has at most. A page of tokens is compared with codes side by side.
const PAGE_DEVICES: u16 = if cfg!(test) { 3 } else { 128 };
const PAGE_TOKENS: u16 = if cfg!(test) { 3 } else { 1024 };

/// What is left of a walk through the devices that match a filter and are not deleted.
#[derive(Clone, Debug)]
pub(crate) struct EntryQuery {
    filter: Filter,
    /// Whether only TOTP and HOTP devices are read.
    is_of_tokens: bool,
    /// The last device that was read; 0 for none.
    after: i64,
}

impl EntryQuery {
    /// A walk through devices of all kinds.
    pub(crate) const fn new(filter: Filter) -> Self {
        Self { filter, is_of_tokens: false, after: 0 }
    }

    /// A walk through TOTP and HOTP devices.
    pub(super) const fn for_tokens(filter: Filter) -> Self {
        Self { filter, is_of_tokens: true, after: 0 }
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

/// Reads a page.
pub(super) fn page(connection: &mut dyn Connection, keys: &Keys, query: &EntryQuery) -> Result<EntryPage, DatabaseError> {
    let limit = if query.is_of_tokens { PAGE_TOKENS } else { PAGE_DEVICES };
    let mut sql = Sql::new(SELECT_ENTRIES);
    filter::wanted_after(&mut sql, connection.dialect(), &query.filter, query.is_of_tokens, query.after);
    sql.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
    let mut records = connection.rows(&sql)?;
    let is_full = records.len() >= usize::from(limit);
    let mut page = EntryPage { entries: Vec::with_capacity(records.len()), unreadable: Vec::new(), next: None };
    for record in &mut records {
        let (id, read) = entry(record, keys)?;
        match read {
            Ok(entry) => page.entries.push(entry),
            Err(error) => page.unreadable.push(error.detail),
        }
        page.next = is_full.then(|| EntryQuery { after: id, ..query.clone() });
    }
    Ok(page)
}
