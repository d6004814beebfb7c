//! Devices of another system, stored under the ids that they have there.

use std::collections::HashMap;

use keyfob::Kind;
use keyfob_scim::{Entry, Error, Event, EventKind, Naming, Row};

use super::columns::{device, device_record_columns, device_row_columns};
use super::handle::Store;
use super::keys::Sealer;
use super::lines;
use super::rows::{device_values, seal, seconds};
use super::schema::{self, Holds};
use super::writes::next;
use crate::database::{Connection, DatabaseError, Location, Record, Sql, Value};

/// How many devices are stored in one commit.
pub(crate) const PAGE_DEVICES: usize = 256;

/// How far apart two readings of one time may be if one reads it in UTC and the other in a time
/// zone.
pub(crate) const MAX_ZONE_DIFFERENCE_SECONDS: u64 = 15 * 60 * 60;

/// A device to be stored, and how to name it if it has no name.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    pub(crate) entry: Entry,
    pub(crate) name: Option<Naming>,
}

/// The outcome for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Stored,
    /// It was in the store already.
    Unchanged,
    /// It was in the store already, with another user or another name.
    Differs(Difference),
    /// It was in the store already with these differences, and was corrected.
    Corrected(Difference),
    /// The store has a device with its id and type, and a creation time that another time zone
    /// would explain.
    OtherZone,
    /// Another device of the store has its id.
    IdConflict,
}

/// What differs in the store: its value there, `None` if it is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) user: Option<String>,
    pub(crate) name: Option<String>,
}

/// A store that is only read, to preview an import. If there is none yet, none is made.
pub(crate) struct Preview(Option<Box<dyn Connection>>);

impl Preview {
    /// Errors: a sentence for people.
    pub(crate) fn open(location: &Location) -> Result<Self, String> {
        read_only(location).map(Self)
    }

    /// What an import would do with each device. Errors: a sentence for people.
    pub(crate) fn outcomes(&mut self, devices: &[Imported]) -> Result<Vec<Outcome>, String> {
        let found = match &mut self.0 {
            Some(connection) => find(&mut **connection, devices.iter().map(|device| &device.entry.row)),
            None => Ok(HashMap::new()),
        };
        let found = found.map_err(|error| format!("store: {error}"))?;
        Ok(devices.iter().map(|device| outcome(&found, device, &[])).collect())
    }
}

/// A connection to a store that is only read; none if there is no store, or one whose making was
/// interrupted.
///
/// Errors: a sentence for people; the store was moved, or a newer keyfob made it.
pub(super) fn read_only(location: &Location) -> Result<Option<Box<dyn Connection>>, String> {
    if location.file().is_some_and(|path| !path.exists()) {
        return Ok(None);
    }
    let open = || {
        let mut connection = location.reader()?;
        let is_store = matches!(schema::holds(&mut *connection)?, Holds::Store(_, steps) if steps > 0);
        if is_store {
            schema::check(&mut *connection)?;
        }
        Ok(is_store.then_some(connection))
    };
    open().map_err(|error: DatabaseError| format!("store: {location}: {error}"))
}

impl Store {
    /// Makes the numbers in new names begin after this one. Errors: 503.
    pub(crate) async fn name_behind(&self, last: u64) -> Result<(), Error> {
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        let mut sql = Sql::new("UPDATE sequence SET last = ");
        sql.bind(last).push(" WHERE name = 'name' AND last < ").bind(last);
        self.write(move |connection| connection.change(&sql).map(|_| ())).await
    }

    /// Stores the devices whose ids the store does not have, with a line of the trail for each, in
    /// one commit. If `corrects`, devices in the store get the users and names of the imported
    /// ones. Errors: 503.
    pub(crate) async fn import(&self, devices: Vec<Imported>, actor: &str, at: u64, corrects: bool) -> Result<Vec<Outcome>, Error> {
        let event = Event {
            kind: EventKind::Create,
            at,
            actor: actor.to_owned(),
            device_id: 0,
            user: String::new(),
            success: true,
            reason: String::new(),
            drift: None,
        };
        // Sealed once, so that a row with these bytes is known to come from an earlier try whose
        // connection was lost.
        let seal = move |sealer: Sealer| {
            let records = devices.iter().map(|device| seal(&sealer, &device.entry)).collect::<Result<Vec<_>, _>>()?;
            Ok((devices, records))
        };
        self.write_sealed(seal, move |connection, (devices, records)| page(connection, devices, records, corrects, &event)).await
    }
}

/// Stores a page. Returns the outcome for each device.
fn page(
    connection: &mut dyn Connection,
    devices: &[Imported],
    records: &[Vec<u8>],
    corrects: bool,
    event: &Event,
) -> Result<Vec<Outcome>, DatabaseError> {
    let rows = || devices.iter().map(|device| &device.entry.row);
    let mut found = find(connection, rows())?;
    let mut wanted = Vec::new();
    for (Imported { entry: Entry { row, version, .. }, name }, record) in devices.iter().zip(records) {
        if found.contains_key(&row.id) {
            continue;
        }
        let number = || u64::try_from(next(connection, "name")?).map_err(|error| DatabaseError::new(error.to_string()));
        let name = name.clone().map_or_else(|| Ok(row.name.clone()), |naming| naming.resolve(number))?;
        // It is new for clients that ask what has changed.
        let row = Row { last_modified: row.last_modified.max(event.at), ..row.clone() };
        wanted.push(device_values(&row, &name, *version, record));
    }
    if !wanted.is_empty() {
        let stored = insert(connection, wanted)?;
        let lines: Vec<_> = rows().filter(|row| stored.contains(&row.id)).map(|row| line(event, EventKind::Create, row)).collect();
        lines::insert(connection, &lines.iter().collect::<Vec<_>>())?;
        // Another process may have stored some of them first.
        found.extend(find(connection, rows())?);
    }
    let mut outcomes: Vec<_> = devices.iter().zip(records).map(|(device, record)| outcome(&found, device, record)).collect();
    for (device, outcome) in devices.iter().zip(&mut outcomes) {
        if let (true, Outcome::Differs(difference)) = (corrects, &mut *outcome) {
            correct(connection, device, event)?;
            *outcome = Outcome::Corrected(std::mem::take(difference));
        }
    }
    Ok(outcomes)
}

/// Gives a device in the store the user of the imported one, and its name if it has one.
fn correct(connection: &mut dyn Connection, device: &Imported, event: &Event) -> Result<(), DatabaseError> {
    let row = &device.entry.row;
    // With another version, so that no write that has read the old name restores it.
    let mut sql = Sql::new("UPDATE device SET version = version + 1, user_name = ");
    sql.bind(&row.user).push(", last_modified = ").bind(seconds(event.at));
    if has_own_name(device) {
        sql.push(", name = ").bind(&row.name);
    }
    sql.push(" WHERE id = ").bind(row.id);
    connection.change(&sql)?;
    lines::insert(connection, &[&line(event, EventKind::Update, row)])
}

/// Whether the imported name is the device's own. Names of SMS and e-mail devices follow the
/// address, which may have changed in the store.
fn has_own_name(device: &Imported) -> bool {
    device.name.is_none() && !matches!(device.entry.row.kind, Kind::Sms | Kind::Email)
}

fn line(event: &Event, kind: EventKind, row: &Row) -> Event {
    Event { kind, device_id: row.id, user: row.user.clone(), reason: row.status.to_string(), ..event.clone() }
}

fn insert(connection: &mut dyn Connection, rows: Vec<[Value; device::COUNT]>) -> Result<Vec<i64>, DatabaseError> {
    let mut sql = Sql::new("WITH ");
    sql.table(connection.dialect(), "next", &device::COLUMNS, rows.into_iter());
    // Without a WHERE, SQLite would read ON as part of a join.
    sql.push(concat!(
        " INSERT INTO device (",
        device_row_columns!(),
        ", ",
        device_record_columns!(),
        ") SELECT * FROM next WHERE true ON CONFLICT (id) DO NOTHING RETURNING id"
    ));
    connection.rows(&sql)?.iter_mut().map(|record| record.number(0)).collect()
}

/// The columns that identify a device of the store.
struct Known {
    kind: String,
    created: i64,
    record: Vec<u8>,
    user: String,
    name: String,
}

/// Devices by their ids; `None` for a damaged one.
type Found = HashMap<i64, Option<Known>>;

fn find<'r>(connection: &mut dyn Connection, rows: impl Iterator<Item = &'r Row>) -> Result<Found, DatabaseError> {
    let ids: Vec<i64> = rows.map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Found::new());
    }
    let mut sql = Sql::new("SELECT id, kind, created, record, user_name, name FROM device WHERE id");
    sql.among(connection.dialect(), ids.into_iter());
    let mut records = connection.rows(&sql)?;
    let known = |record: &mut Record| {
        Ok::<_, DatabaseError>(Known {
            kind: record.text(1)?,
            created: record.number(2)?,
            record: record.bytes(3)?,
            user: record.text(4)?,
            name: record.text(5)?,
        })
    };
    records.iter_mut().map(|record| Ok((record.id()?, known(record).ok()))).collect()
}

/// Compares a device with the store. One with the same id, type and creation time was imported
/// before, whatever has changed since.
fn outcome(found: &Found, device: &Imported, record: &[u8]) -> Outcome {
    let row = &device.entry.row;
    match found.get(&row.id) {
        None => Outcome::Stored,
        Some(Some(known)) if known.record == record => Outcome::Stored,
        Some(Some(known)) if known.kind == row.kind.name() && known.created == seconds(row.created) => {
            let difference = Difference {
                user: (known.user != row.user).then(|| known.user.clone()),
                name: (has_own_name(device) && known.name != row.name).then(|| known.name.clone()),
            };
            if difference == Difference::default() { Outcome::Unchanged } else { Outcome::Differs(difference) }
        }
        Some(Some(known)) if known.kind == row.kind.name() && are_zones_apart(known.created, seconds(row.created)) => {
            Outcome::OtherZone
        }
        Some(_) => Outcome::IdConflict,
    }
}

/// Whether two times may be the same time of day in two time zones, whose offsets are whole quarter
/// hours.
fn are_zones_apart(one: i64, other: i64) -> bool {
    let apart = one.abs_diff(other);
    apart <= MAX_ZONE_DIFFERENCE_SECONDS && apart.is_multiple_of(15 * 60)
}
