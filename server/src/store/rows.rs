//! Rows of the table of devices, read.

use keyfob::{Kind, Status};
use keyfob_scim::{Entry, Error, Row};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::keys::Keys;

pub(crate) const SELECT_ROW: &str =
    "SELECT id, name, user_name, email, phone, external_id, deleted, kind, status, fails, created, last_used FROM device";

pub(crate) const SELECT_ENTRY: &str = "SELECT id, name, user_name, email, phone, external_id, deleted, kind, status, fails, created, \
     last_used, version, record FROM device";

/// Reads the columns of [`SELECT_ROW`].
pub(crate) fn row(row: &AnyRow) -> Result<Row, sqlx::Error> {
    let number = |at: usize| row.try_get::<i64, _>(at);
    let time = |seconds: i64| u64::try_from(seconds).map_err(decoding);
    let text = |at: usize| row.try_get::<String, _>(at);
    Ok(Row {
        id: number(0)?,
        name: text(1)?,
        user: text(2)?,
        email: row.try_get(3)?,
        phone: row.try_get(4)?,
        external_id: row.try_get(5)?,
        deleted: number(6)? != 0,
        kind: text(7)?.parse::<Kind>().map_err(decoding)?,
        status: text(8)?.parse::<Status>().map_err(decoding)?,
        fails: u32::try_from(number(9)?).map_err(decoding)?,
        created: time(number(10)?)?,
        last_used: row.try_get::<Option<i64>, _>(11)?.map(time).transpose()?,
    })
}

/// Reads the columns of [`SELECT_ENTRY`]. A record that does not open is that device's fault only.
pub(crate) fn entry(found: &AnyRow, keys: &Keys) -> Result<(i64, Result<Entry, Error>), sqlx::Error> {
    let row = row(found)?;
    let (id, version) = (row.id, found.try_get(12)?);
    let opened = keys.open(&found.try_get::<Vec<u8>, _>(13)?, id);
    let entry = opened.map(|device| Entry { row, version, device }).map_err(|error| {
        tracing::error!(device = id, "store: {error}");
        Error::new(500, format!("the record of device {id} cannot be read: {error}"))
    });
    Ok((id, entry))
}

fn decoding(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
