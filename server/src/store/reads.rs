//! Reads: single devices in batches, and pages of a search.

use std::collections::HashMap;

use keyfob_scim::{Entry, Error, Page, PageStart, Query, Row};

use super::columns::{device, device_record_columns, device_row_columns};
use super::filter::{self, Part};
use super::keys::Keys;
use super::refusal::unavailable;
use super::rows::row;
use super::schema;
use super::texts;
use super::workers::Reply;
use crate::database::{Access, Connection, DatabaseError, Dialect, ErrorKind, Readable, Record, Sql, reread, transaction};

/// Selects the rows of devices, for a list.
const SELECT_ROWS: &str = concat!("SELECT ", device_row_columns!(), " FROM device");
/// Selects whole entries.
pub(super) const SELECT_ENTRIES: &str = concat!("SELECT ", device_row_columns!(), ", ", device_record_columns!(), " FROM device");

/// How many devices the key of a short search may find.
const MAX_SHORT_SEARCH_DEVICES: i64 = if cfg!(test) { 10 } else { 1000 };

/// A device to read.
pub(crate) type Get = (i64, Reply<Option<Entry>>);

/// Reads a batch of devices and replies to each request.
pub(crate) fn get(connection: &mut dyn Connection, keys: &Keys, jobs: Vec<Get>) {
    let found = find(connection, keys, jobs.iter().map(|(id, _)| *id));
    for (id, reply) in jobs {
        // A client that has gone away needs no reply.
        let _ = reply.send(found_in(&found, id));
    }
}

/// The entries of a batch by their ids. A device that cannot be read fails alone.
pub(crate) type Found = Result<HashMap<i64, Result<Entry, Error>>, DatabaseError>;

/// The entry of one device of a batch.
pub(crate) fn found_in(found: &Found, id: i64) -> Result<Option<Entry>, Error> {
    match found {
        Ok(entries) => entries.get(&id).cloned().transpose(),
        Err(error) => Err(unavailable(error)),
    }
}

/// Reads the entries of a batch.
pub(crate) fn find(connection: &mut dyn Connection, keys: &Keys, ids: impl Iterator<Item = i64>) -> Found {
    find_all(connection, keys, &ids.collect::<Vec<_>>())
}

fn find_all(connection: &mut dyn Connection, keys: &Keys, ids: &[i64]) -> Found {
    match (records(connection, ids), ids) {
        (Ok(mut records), _) => records.iter_mut().map(|record| entry(record, keys)).collect(),
        (Err(error), [id]) if error.kind == ErrorKind::Damaged => {
            Ok(HashMap::from([(*id, Err(unreadable(*id, &error.to_string())))]))
        }
        // Each alone, to find the damaged ones.
        (Err(error), ids) if error.kind == ErrorKind::Damaged => {
            let mut found = HashMap::with_capacity(ids.len());
            for id in ids.chunks(1) {
                found.extend(find_all(connection, keys, id)?);
            }
            Ok(found)
        }
        (Err(error), _) => Err(schema::explained(connection, error)),
    }
}

fn records(connection: &mut dyn Connection, ids: &[i64]) -> Result<Vec<Record>, DatabaseError> {
    let mut sql = Sql::new(SELECT_ENTRIES);
    sql.push(" WHERE id");
    let ids = ids.iter().copied();
    match connection.dialect() {
        // In a file, a statement has no round trip, and this one serves any number of devices.
        // Without the transaction, each would lock the file again.
        Dialect::Sqlite => transaction(connection, Access::Snapshot, |connection| {
            sql.push(" = $1");
            let mut records = Vec::new();
            for id in ids {
                sql.values = vec![id.into()];
                records.append(&mut connection.rows(&sql)?);
            }
            Ok(records)
        }),
        Dialect::Postgres => {
            sql.among(connection.dialect(), ids).keep_plan("AND");
            reread(connection, |connection| connection.rows(&sql))
        }
    }
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The page, without the devices that cannot be read. Its total counts them.
    pub page: Page,
    /// How many of the page cannot be read.
    pub unreadable: usize,
}

/// Does a short search: one whose key finds few devices. `None` if it is not short.
pub(crate) fn look_up(connection: &mut dyn Connection, query: &Query) -> Result<Option<Listed>, DatabaseError> {
    let Some(key) = filter::key(&query.filter) else { return Ok(None) };
    let mut sql = Sql::new("SELECT id FROM device");
    filter::wanted_by_key(&mut sql, connection.dialect(), key);
    sql.push(" LIMIT 1 OFFSET ").bind(MAX_SHORT_SEARCH_DEVICES);
    if connection.rows(&sql)?.is_empty() { list(connection, query).map(Some) } else { Ok(None) }
}

/// Reads a page, with the total number of matches unless the page begins behind a position.
pub(crate) fn list(connection: &mut dyn Connection, query: &Query) -> Result<Listed, DatabaseError> {
    let candidates = texts::candidates(connection, query)?;
    let candidates = candidates.as_deref();
    let is_walk = matches!(query.start, PageStart::After(_));
    // A walk reads one device more, to know whether others follow.
    let wanted = query.limit.saturating_add(u64::from(is_walk));
    let mut most = wanted;
    let (shown, Readable { mut rows, damaged }) = loop {
        let (shown, read) = page(connection, query, candidates, most)?;
        let missing = wanted.saturating_sub(length(&read.rows));
        if !is_walk || missing == 0 || shown < most {
            break (shown, read);
        }
        // Reads others in place of the damaged ones. A page without any readable device would end
        // the walk.
        most = wanted.saturating_add(length(&read.damaged));
    };
    for device in &damaged {
        tracing::error!("store: {device}; a list leaves it out");
    }
    let offset = match query.start {
        PageStart::Offset(offset) => Some(offset),
        PageStart::After(None) => Some(0),
        PageStart::After(Some(_)) => None,
    };
    let total = match offset {
        // A page that is not full gives the total.
        Some(offset) if shown < most && (shown > 0 || offset == 0) => Some(offset.saturating_add(shown)),
        Some(_) => Some(count(connection, query, candidates)?),
        None => None,
    };
    let has_more = match (offset, total) {
        (Some(offset), Some(total)) if !is_walk => offset.saturating_add(shown) < total,
        _ => length(&rows) > query.limit,
    };
    rows.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    Ok(Listed { page: Page { total, rows, has_more }, unreadable: damaged.len() })
}

/// Reads at most `limit` devices of a page. Returns how many there are, unreadable ones included.
fn page(
    connection: &mut dyn Connection,
    query: &Query,
    candidates: Option<&[i64]>,
    limit: u64,
) -> Result<(u64, Readable<Row>), DatabaseError> {
    let mut records = Vec::new();
    for part in Part::from_query(query) {
        let left = limit.saturating_sub(length(&records));
        if left > 0 {
            let mut sql = Sql::new(SELECT_ROWS);
            filter::wanted(&mut sql, connection.dialect(), query, candidates, part);
            filter::page(&mut sql, query, part, left);
            records.append(&mut connection.rows(&sql)?);
        }
    }
    let shown = length(&records);
    Ok((shown, Readable::new(&mut records, &device::COLUMNS, name, row)))
}

/// Counts the devices that match.
fn count(connection: &mut dyn Connection, query: &Query, candidates: Option<&[i64]>) -> Result<u64, DatabaseError> {
    let mut sql = Sql::new("SELECT count(*) FROM device");
    filter::wanted(&mut sql, connection.dialect(), query, candidates, Part::All);
    let total = connection.rows(&sql)?.first_mut().map_or(Ok(0), |record| record.number(0))?;
    Ok(u64::try_from(total).unwrap_or_default())
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// What a sentence calls a device.
fn name(record: &Record) -> String {
    record.id().map_or_else(|_| "a device".to_owned(), |id| format!("device {id}"))
}

/// Reads an entry with its id. Logs a damaged one.
pub(super) fn entry(record: &mut Record, keys: &Keys) -> Result<(i64, Result<Entry, Error>), DatabaseError> {
    // A device that was selected by its id has one.
    let id = record.id()?;
    let columns = |record: &mut Record| Ok((row(record)?, record.number(device::VERSION)?, record.bytes(device::RECORD)?));
    let read =
        columns(record).map_err(|error: DatabaseError| error.in_words(&device::COLUMNS)).and_then(|(row, version, sealed)| {
            let device = keys.open(&sealed, id).map_err(|error| format!("its record: {error}"))?;
            Ok(Entry { row, version, device })
        });
    Ok((id, read.map_err(|reason| unreadable(id, &reason))))
}

/// Logs that a device is damaged, and returns the error for the client.
fn unreadable(id: i64, reason: &str) -> Error {
    tracing::error!(device = id, "store: the device cannot be read: {reason}");
    Error::new(500, format!("device {id} cannot be read: {reason}"))
}
