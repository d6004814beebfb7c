//! Devices that another system held, stored under the numbers that they had there.

use std::collections::HashMap;

use keyfob::Kind;
use keyfob_scim::{Entry, Error, Event, EventKind, Naming, Row};

use super::batch::{DEVICE, device, seal, time, trail};
use super::handle::Store;
use super::keys::Sealer;
use super::schema;
use super::writes::next;
use crate::database::{Connection, Fault, Location, Record, Sql, Value};

/// How many devices are stored in one commit.
pub(crate) const PAGE: usize = 256;

/// How far apart two readings of one time are at most, in seconds, if one reads it in UTC and the
/// other in its own time zone.
pub(crate) const FARTHEST_ZONE: u64 = 15 * 60 * 60;

/// A device to be stored, with how to name it if it had no name.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    pub(crate) entry: Entry,
    pub(crate) name: Option<Naming>,
}

/// What became of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Stored,
    /// It was there already.
    There,
    /// It was there already, of another user or with another name.
    Differs(Difference),
    /// It was there already with these, and has the user and the name that it should have from now
    /// on.
    Corrected(Difference),
    /// Its number is that of a device of its kind whose second of enrolment another time zone would
    /// explain.
    OtherZone,
    /// Its number is that of another device.
    Taken,
}

/// What a device of the store has other than its row; none of what is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) user: Option<String>,
    pub(crate) name: Option<String>,
}

/// What a store has, to be looked at and not touched: where there is none yet, none is made.
pub(crate) struct Present(Option<Box<dyn Connection>>);

impl Present {
    /// Errors: a sentence for people.
    pub(crate) fn open(location: &Location) -> Result<Self, String> {
        if location.file().is_some_and(|path| !path.exists()) {
            return Ok(Self(None));
        }
        let open = || {
            let mut connection = location.reader()?;
            let is_store = schema::exists(&mut *connection)?;
            if is_store {
                // One that was moved elsewhere, or is a newer keyfob's, is refused.
                schema::check(&mut *connection)?;
            }
            Ok(is_store.then_some(connection))
        };
        open().map(Self).map_err(|fault: Fault| format!("store: {location}: {fault}"))
    }

    /// What would become of each of these. Errors: a sentence for people.
    pub(crate) fn outcomes(&mut self, devices: &[Imported]) -> Result<Vec<Outcome>, String> {
        let found = match &mut self.0 {
            Some(connection) => find(&mut **connection, devices.iter().map(|device| &device.entry.row)),
            None => Ok(HashMap::new()),
        };
        let found = found.map_err(|fault| format!("store: {fault}"))?;
        Ok(devices.iter().map(|device| outcome(&found, device, &[])).collect())
    }
}

impl Store {
    /// Lets the numbers in new names begin behind this one. Errors: 503.
    pub(crate) async fn name_behind(&self, last: u64) -> Result<(), Error> {
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        let mut sql = Sql::new("UPDATE sequence SET last = ");
        sql.bind(last).push(" WHERE name = 'name' AND last < ").bind(last);
        self.write(move |connection| connection.change(&sql).map(|_| ())).await
    }

    /// Stores devices of which the store has none of their numbers, with a line of the trail for
    /// each, in one commit. Those that are there get the users and names of these if `corrects`
    /// says so. Errors: 503.
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
        // Sealed once: a row that holds these bytes was written by an earlier try, whose connection
        // was lost.
        let seal = move |sealer: Sealer| {
            let records = devices.iter().map(|device| seal(&sealer, &device.entry)).collect::<Result<Vec<_>, _>>()?;
            Ok((devices, records))
        };
        self.write_sealed(seal, move |connection, (devices, records)| page(connection, devices, records, corrects, &event)).await
    }
}

/// Stores a page. Returns what became of each of its devices.
fn page(
    connection: &mut dyn Connection,
    devices: &[Imported],
    records: &[Vec<u8>],
    corrects: bool,
    event: &Event,
) -> Result<Vec<Outcome>, Fault> {
    let rows = || devices.iter().map(|device| &device.entry.row);
    let mut found = find(connection, rows())?;
    let mut wanted = Vec::new();
    for (Imported { entry: Entry { row, version, .. }, name }, record) in devices.iter().zip(records) {
        if found.contains_key(&row.id) {
            continue;
        }
        let number = || u64::try_from(next(connection, "name")?).map_err(|error| Fault::new(error.to_string()));
        let name = name.clone().map_or_else(|| Ok(row.name.clone()), |naming| naming.resolve(number))?;
        // To clients that ask what changed, it is new here.
        let row = Row { last_modified: row.last_modified.max(event.at), ..row.clone() };
        wanted.push(device(&row, name, *version, record));
    }
    if !wanted.is_empty() {
        let stored = insert(connection, wanted)?;
        let lines: Vec<_> = rows().filter(|row| stored.contains(&row.id)).map(|row| line(event, EventKind::Create, row)).collect();
        trail(connection, &lines.iter().collect::<Vec<_>>())?;
        // Another process may have been faster with some.
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

/// Gives a device the user, and the name if there is one, that it should have.
fn correct(connection: &mut dyn Connection, device: &Imported, event: &Event) -> Result<(), Fault> {
    let row = &device.entry.row;
    // With another version, so that no write that has read the old name puts it back.
    let mut sql = Sql::new("UPDATE device SET version = version + 1, user_name = ");
    sql.bind(&row.user).push(", last_modified = ").bind(time(event.at));
    if has_own_name(device) {
        sql.push(", name = ").bind(&row.name);
    }
    sql.push(" WHERE id = ").bind(row.id);
    connection.change(&sql)?;
    trail(connection, &[&line(event, EventKind::Update, row)])
}

/// Whether its name is the row's. Those of messages follow the address, which may have changed in
/// the store.
fn has_own_name(device: &Imported) -> bool {
    device.name.is_none() && !matches!(device.entry.row.kind, Kind::Sms | Kind::Email)
}

fn line(event: &Event, kind: EventKind, row: &Row) -> Event {
    Event { kind, device_id: row.id, user: row.user.clone(), reason: row.status.to_string(), ..event.clone() }
}

fn insert(connection: &mut dyn Connection, rows: Vec<[Value; 15]>) -> Result<Vec<i64>, Fault> {
    let mut sql = Sql::new("WITH ");
    sql.table(connection.dialect(), "next", &DEVICE, rows.into_iter()).push(" INSERT INTO device");
    for (at, (column, _)) in DEVICE.iter().enumerate() {
        sql.push(if at == 0 { " (" } else { ", " }).push(column);
    }
    // Without a condition, SQLite takes ON for that of a join.
    sql.push(") SELECT * FROM next WHERE true ON CONFLICT (id) DO NOTHING RETURNING id");
    connection.rows(&sql)?.iter_mut().map(|record| record.number(0)).collect()
}

/// What tells whether a device of the store is the one of a row.
struct Known {
    kind: String,
    created: i64,
    record: Vec<u8>,
    user: String,
    name: String,
}

/// Devices by their numbers. Nothing of one that is damaged.
type Found = HashMap<i64, Option<Known>>;

fn find<'r>(connection: &mut dyn Connection, rows: impl Iterator<Item = &'r Row>) -> Result<Found, Fault> {
    let ids: Vec<i64> = rows.map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Found::new());
    }
    let mut sql = Sql::new("SELECT id, kind, created, record, user_name, name FROM device WHERE id");
    sql.among(connection.dialect(), ids.into_iter());
    let mut records = connection.rows(&sql)?;
    let known = |record: &mut Record| {
        Ok::<_, Fault>(Known {
            kind: record.text(1)?,
            created: record.number(2)?,
            record: record.bytes(3)?,
            user: record.text(4)?,
            name: record.text(5)?,
        })
    };
    records.iter_mut().map(|record| Ok((record.id()?, known(record).ok()))).collect()
}

/// A device of this number, kind and second of enrolment is the one that was imported before,
/// whatever has happened to it since.
fn outcome(found: &Found, device: &Imported, record: &[u8]) -> Outcome {
    let row = &device.entry.row;
    match found.get(&row.id) {
        None => Outcome::Stored,
        Some(Some(known)) if known.record == record => Outcome::Stored,
        Some(Some(known)) if known.kind == row.kind.name() && known.created == time(row.created) => {
            let difference = Difference {
                user: (known.user != row.user).then(|| known.user.clone()),
                name: (has_own_name(device) && known.name != row.name).then(|| known.name.clone()),
            };
            if difference == Difference::default() { Outcome::There } else { Outcome::Differs(difference) }
        }
        Some(Some(known)) if known.kind == row.kind.name() && are_zones_apart(known.created, time(row.created)) => {
            Outcome::OtherZone
        }
        Some(_) => Outcome::Taken,
    }
}

/// Whether two times may be one time of day in two time zones: offsets are whole quarter hours.
fn are_zones_apart(one: i64, other: i64) -> bool {
    let apart = one.abs_diff(other);
    apart <= FARTHEST_ZONE && apart.is_multiple_of(15 * 60)
}
