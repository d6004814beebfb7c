//! The row of a device, to and from the values of columns.

use keyfob_scim::{Entry, Row};

use super::columns::device;
use super::keys::Sealer;
use crate::database::{DatabaseError, Record, Type, Value};

/// The values of all columns of a device, in their order.
pub(crate) fn device_values(row: &Row, name: &str, version: i64, record: &[u8]) -> [Value; device::COUNT] {
    [
        row.id.into(),
        name.into(),
        (&row.user).into(),
        row.email.as_ref().into(),
        row.phone.as_ref().into(),
        row.external_id.as_ref().into(),
        i64::from(row.deleted).into(),
        row.kind.name().into(),
        Value::Text(row.status.to_string()),
        i64::from(row.fails).into(),
        seconds(row.created).into(),
        row.last_used.map(seconds).into(),
        seconds(row.last_modified).into(),
        version.into(),
        record.to_vec().into(),
    ]
}

/// The columns of a swap of the state only, with the version that it replaces.
pub(crate) const STATE_COLUMNS: [(&str, Type); 7] = [
    device::COLUMNS[device::ID],
    device::COLUMNS[device::VERSION],
    device::COLUMNS[device::STATUS],
    device::COLUMNS[device::FAILS],
    device::COLUMNS[device::LAST_USED],
    device::COLUMNS[device::LAST_MODIFIED],
    device::COLUMNS[device::RECORD],
];

/// Their values.
pub(crate) fn state_values(entry: &Entry, record: &[u8]) -> [Value; STATE_COLUMNS.len()] {
    let Entry { row: Row { id, status, fails, last_used, last_modified, .. }, version, .. } = entry;
    [
        (*id).into(),
        (*version).into(),
        Value::Text(status.to_string()),
        i64::from(*fails).into(),
        last_used.map(seconds).into(),
        seconds(*last_modified).into(),
        record.to_vec().into(),
    ]
}

/// The columns that a swap of the whole device does not set: they never change, or count up.
const KEPT: [usize; 4] = [device::ID, device::VERSION, device::KIND, device::CREATED];

/// The columns of a swap of the whole device, with their values.
pub(crate) fn changed_values(entry: &Entry, record: &[u8]) -> impl Iterator<Item = (&'static str, Value)> {
    let values = device_values(&entry.row, &entry.row.name, entry.version, record);
    let columns = device::COLUMNS.iter().map(|(name, _)| *name).zip(values).enumerate();
    columns.filter(|(position, _)| !KEPT.contains(position)).map(|(_, column)| column)
}

/// Reads a row from a record that begins with its columns.
pub(crate) fn row(record: &mut Record) -> Result<Row, DatabaseError> {
    use device as at;
    let created = time(at::CREATED, record.number(at::CREATED)?)?;
    let last_used = record.maybe_number(at::LAST_USED)?.map(|seconds| time(at::LAST_USED, seconds)).transpose()?;
    let last_modified = record.maybe_number(at::LAST_MODIFIED)?.map(|seconds| time(at::LAST_MODIFIED, seconds)).transpose()?;
    Ok(Row {
        id: record.number(at::ID)?,
        name: record.text(at::NAME)?,
        user: record.text(at::USER_NAME)?,
        email: record.maybe_text(at::EMAIL)?,
        phone: record.maybe_text(at::PHONE)?,
        external_id: record.maybe_text(at::EXTERNAL_ID)?,
        deleted: record.number(at::DELETED)? != 0,
        kind: record.text(at::KIND)?.parse().map_err(|_| DatabaseError::for_column(at::KIND, "holds no kind of device"))?,
        status: record.text(at::STATUS)?.parse().map_err(|_| DatabaseError::for_column(at::STATUS, "holds no status"))?,
        fails: u32::try_from(record.number(at::FAILS)?).map_err(|_| DatabaseError::for_column(at::FAILS, "holds no count"))?,
        created,
        last_used,
        // As in `filter::LAST_MODIFIED`.
        last_modified: last_modified.or(last_used).unwrap_or(created),
    })
}

fn time(column: usize, seconds: i64) -> Result<u64, DatabaseError> {
    u64::try_from(seconds).map_err(|_| DatabaseError::for_column(column, "holds a time before 1970"))
}

/// Unix seconds as a column holds them.
pub(crate) fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// Seals the device of an entry. Errors: no randomness.
pub(crate) fn seal(sealer: &Sealer, entry: &Entry) -> Result<Vec<u8>, DatabaseError> {
    sealer.seal(&entry.device, entry.row.id)
}
