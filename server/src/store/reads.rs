//! What reads the store: single devices in batches, and pages of a search.

use std::collections::HashMap;

use keyfob_scim::{Entry, Error, Page, PageStart, Query, Row};

use super::filter::{self, Part};
use super::keys::Keys;
use super::refusal::unavailable;
use super::schema;
use super::workers::Answer;
use crate::database::{Access, Connection, Dialect, Failure, Fault, Readable, Record, Sql, reread, transaction};

/// The columns of a [`Row`] but the last, [`LAST_MODIFIED`](filter::LAST_MODIFIED); [`ENTRY`]
/// follows for an [`Entry`].
const COLUMNS: &str = "id, name, user_name, email, phone, external_id, deleted, kind, status, fails, created, last_used, ";
const ENTRY: &str = ", version, record";

/// How many devices a key may find, for a search by it to be short.
const SHORT: i64 = if cfg!(test) { 10 } else { 1000 };

/// A device to read.
pub(crate) type Get = (i64, Answer<Option<Entry>>);

/// Reads a batch of devices and answers it.
pub(crate) fn get(connection: &mut dyn Connection, keys: &Keys, jobs: Vec<Get>) {
    let found = find(connection, keys, jobs.iter().map(|(id, _)| *id));
    for (id, answer) in jobs {
        // Whoever went away needs no answer.
        let _ = answer.send(found_in(&found, id));
    }
}

/// The entries of a batch by their ids. A device that cannot be read is its own fault only.
pub(crate) type Found = Result<HashMap<i64, Result<Entry, Error>>, Fault>;

/// What a batch holds of a device.
pub(crate) fn found_in(found: &Found, id: i64) -> Result<Option<Entry>, Error> {
    match found {
        Ok(entries) => entries.get(&id).cloned().transpose(),
        Err(fault) => Err(unavailable(fault)),
    }
}

/// Reads the entries of a batch.
pub(crate) fn find(connection: &mut dyn Connection, keys: &Keys, ids: impl Iterator<Item = i64>) -> Found {
    find_all(connection, keys, &ids.collect::<Vec<_>>())
}

fn find_all(connection: &mut dyn Connection, keys: &Keys, ids: &[i64]) -> Found {
    match (records(connection, ids), ids) {
        (Ok(mut records), _) => records.iter_mut().map(|record| entry(record, keys)).collect(),
        (Err(fault), [id]) if fault.failure == Failure::Damaged => {
            Ok(HashMap::from([(*id, Err(unreadable(*id, &fault.to_string())))]))
        }
        // Each alone, to tell the damaged ones from the others.
        (Err(fault), ids) if fault.failure == Failure::Damaged => {
            let mut found = HashMap::with_capacity(ids.len());
            for id in ids.chunks(1) {
                found.extend(find_all(connection, keys, id)?);
            }
            Ok(found)
        }
        (Err(fault), _) => Err(schema::explained(connection, fault)),
    }
}

fn records(connection: &mut dyn Connection, ids: &[i64]) -> Result<Vec<Record>, Fault> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(filter::LAST_MODIFIED).push(ENTRY).push(" FROM device WHERE id");
    let ids = ids.iter().copied();
    match connection.dialect() {
        // In a file, a statement is no journey, and the same one for any number of devices. Each by
        // itself would lock the file anew.
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
            sql.among(connection.dialect(), ids);
            reread(connection, |connection| connection.rows(&sql))
        }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The page, without the devices that cannot be read. Its total counts them.
    pub page: Page,
    /// How many of the page cannot be read.
    pub unreadable: usize,
}

/// Does a search that has a key, if it is short: the key finds few devices. None: it is not.
pub(crate) fn look_up(connection: &mut dyn Connection, query: &Query) -> Result<Option<Listed>, Fault> {
    let Some(key) = filter::key(&query.filter) else { return Ok(None) };
    let mut sql = Sql::new("SELECT id FROM device");
    filter::wanted_by_key(&mut sql, connection.dialect(), key);
    sql.push(" LIMIT 1 OFFSET ").bind(SHORT);
    if connection.rows(&sql)?.is_empty() { list(connection, query).map(Some) } else { Ok(None) }
}

/// Reads a page, and how many devices match in all if it does not begin behind a position.
pub(crate) fn list(connection: &mut dyn Connection, query: &Query) -> Result<Listed, Fault> {
    let is_walk = matches!(query.start, PageStart::After(_));
    // Of a walk one device more, which tells whether others follow.
    let wanted = query.limit.saturating_add(u64::from(is_walk));
    let mut most = wanted;
    let (shown, Readable { mut rows, damaged }) = loop {
        let (shown, read) = page(connection, query, most)?;
        let missing = wanted.saturating_sub(length(&read.rows));
        if !is_walk || missing == 0 || shown < most {
            break (shown, read);
        }
        // Others in the place of those that cannot be read: a page of nothing else would end the
        // walk.
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
        // A page that is not full tells how many there are.
        Some(offset) if shown < most && (shown > 0 || offset == 0) => Some(offset.saturating_add(shown)),
        Some(_) => Some(count(connection, query)?),
        None => None,
    };
    let has_more = match (offset, total) {
        (Some(offset), Some(total)) if !is_walk => offset.saturating_add(shown) < total,
        _ => length(&rows) > query.limit,
    };
    rows.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    Ok(Listed { page: Page { total, rows, has_more }, unreadable: damaged.len() })
}

/// Reads at most so many devices of a page, and tells how many there are, those that cannot be read
/// included.
fn page(connection: &mut dyn Connection, query: &Query, limit: u64) -> Result<(u64, Readable<Row>), Fault> {
    let mut records = Vec::new();
    for part in Part::of(query) {
        let left = limit.saturating_sub(length(&records));
        if left > 0 {
            let mut sql = Sql::new("SELECT ");
            sql.push(COLUMNS).push(filter::LAST_MODIFIED).push(" FROM device");
            filter::wanted(&mut sql, connection.dialect(), query, part);
            filter::page(&mut sql, query, part, left);
            records.append(&mut connection.rows(&sql)?);
        }
    }
    let shown = length(&records);
    Ok((shown, Readable::new(&mut records, &format!("{COLUMNS}last_modified"), name, row)))
}

/// Counts the devices that match.
fn count(connection: &mut dyn Connection, query: &Query) -> Result<u64, Fault> {
    let mut sql = Sql::new("SELECT count(*) FROM device");
    filter::wanted(&mut sql, connection.dialect(), query, Part::All);
    let total = connection.rows(&sql)?.first_mut().map_or(Ok(0), |record| record.number(0))?;
    Ok(u64::try_from(total).unwrap_or_default())
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// A device as a sentence names it.
fn name(record: &Record) -> String {
    record.id().map_or_else(|_| "a device".to_owned(), |id| format!("device {id}"))
}

fn row(record: &mut Record) -> Result<Row, Fault> {
    Ok(Row {
        id: record.number(0)?,
        name: record.text(1)?,
        user: record.text(2)?,
        email: record.maybe_text(3)?,
        phone: record.maybe_text(4)?,
        external_id: record.maybe_text(5)?,
        deleted: record.number(6)? != 0,
        kind: record.text(7)?.parse().map_err(|_| Fault::of_column(7, "holds no kind of device"))?,
        status: record.text(8)?.parse().map_err(|_| Fault::of_column(8, "holds no status"))?,
        fails: u32::try_from(record.number(9)?).map_err(|_| Fault::of_column(9, "holds no count"))?,
        created: time(10, record.number(10)?)?,
        last_used: record.maybe_number(11)?.map(|seconds| time(11, seconds)).transpose()?,
        last_modified: time(12, record.number(12)?)?,
    })
}

fn time(column: usize, seconds: i64) -> Result<u64, Fault> {
    u64::try_from(seconds).map_err(|_| Fault::of_column(column, "holds a time before 1970"))
}

fn entry(record: &mut Record, keys: &Keys) -> Result<(i64, Result<Entry, Error>), Fault> {
    // What a statement asked for by its id has one.
    let id = record.id()?;
    let columns = |record: &mut Record| Ok((row(record)?, record.number(13)?, record.bytes(14)?));
    let read = columns(record).map_err(|fault: Fault| fault.told(&format!("{COLUMNS}last_modified{ENTRY}"))).and_then(
        |(row, version, sealed)| {
            let device = keys.open(&sealed, id).map_err(|error| format!("its record: {error}"))?;
            Ok(Entry { row, version, device })
        },
    );
    Ok((id, read.map_err(|reason| unreadable(id, &reason))))
}

/// The answer about a device that is damaged, for the log as well.
fn unreadable(id: i64, reason: &str) -> Error {
    tracing::error!(device = id, "store: the device cannot be read: {reason}");
    Error::new(500, format!("device {id} cannot be read: {reason}"))
}
