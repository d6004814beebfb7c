//! What reads the store: single devices in batches, and pages of a search.

use std::collections::HashMap;

use keyfob_scim::{Entry, Error, Page, Query, Row};

use super::filter;
use super::keys::Keys;
use super::retry::reread;
use super::sql::{Access, Connection, Dialect, Fault, Record, Sql, transaction};
use super::unavailable;
use super::workers::Answer;

/// The columns of a [`Row`] but the last, [`LAST_MODIFIED`](filter::LAST_MODIFIED); those of an [`Entry`] follow.
const COLUMNS: &str = "id, name, user_name, email, phone, external_id, deleted, kind, status, fails, created, last_used, ";

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

/// The entries of a batch by their ids. A record that does not open is that device's fault only.
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
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(filter::LAST_MODIFIED).push(", version, record FROM device WHERE id");
    let mut records = match connection.dialect() {
        // In a file, a statement is no journey, and the same one for any number of devices. Each by itself would lock the file anew.
        Dialect::Sqlite => transaction(connection, Access::Snapshot, |connection| {
            sql.push(" = $1");
            let mut records = Vec::new();
            for id in ids {
                sql.values = vec![id.into()];
                records.append(&mut connection.rows(&sql)?);
            }
            Ok(records)
        })?,
        Dialect::Postgres => {
            sql.among(connection.dialect(), ids);
            reread(connection, |connection| connection.rows(&sql))?
        }
    };
    records.iter_mut().map(|record| entry(record, keys)).collect()
}

/// Reads a page, and how many devices match in all.
pub(crate) fn list(connection: &mut dyn Connection, query: &Query) -> Result<Page, Fault> {
    let mut rows = Vec::new();
    if query.limit > 0 {
        let mut sql = Sql::new("SELECT ");
        sql.push(COLUMNS).push(filter::LAST_MODIFIED).push(" FROM device");
        filter::wanted(&mut sql, connection.dialect(), query);
        filter::page(&mut sql, query);
        rows = connection.rows(&sql)?.iter_mut().map(row).collect::<Result<_, _>>()?;
    }
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    // A page that is not full tells how many there are.
    if shown < query.limit && (shown > 0 || query.offset == 0) {
        return Ok(Page { total: query.offset.saturating_add(shown), rows });
    }
    let mut sql = Sql::new("SELECT count(*) FROM device");
    filter::wanted(&mut sql, connection.dialect(), query);
    let total = connection.rows(&sql)?.first_mut().map_or(Ok(0), |record| record.number(0))?;
    Ok(Page { total: u64::try_from(total).unwrap_or_default(), rows })
}

fn row(record: &mut Record) -> Result<Row, Fault> {
    let wrong = |error: &dyn std::fmt::Display| Fault::new(error.to_string());
    let time = |seconds: i64| u64::try_from(seconds).map_err(|error| wrong(&error));
    Ok(Row {
        id: record.number(0)?,
        name: record.text(1)?,
        user: record.text(2)?,
        email: record.maybe_text(3)?,
        phone: record.maybe_text(4)?,
        external_id: record.maybe_text(5)?,
        deleted: record.number(6)? != 0,
        kind: record.text(7)?.parse().map_err(|error: keyfob::Error| wrong(&error))?,
        status: record.text(8)?.parse().map_err(|error: keyfob::Error| wrong(&error))?,
        fails: u32::try_from(record.number(9)?).map_err(|error| wrong(&error))?,
        created: time(record.number(10)?)?,
        last_used: record.maybe_number(11)?.map(time).transpose()?,
        last_modified: time(record.number(12)?)?,
    })
}

fn entry(record: &mut Record, keys: &Keys) -> Result<(i64, Result<Entry, Error>), Fault> {
    let row = row(record)?;
    let (id, version, sealed) = (row.id, record.number(13)?, record.bytes(14)?);
    let entry = keys.open(&sealed, id).map(|device| Entry { row, version, device }).map_err(|error| {
        tracing::error!(device = id, "store: {error}");
        Error::new(500, format!("the record of device {id} cannot be read: {error}"))
    });
    Ok((id, entry))
}
