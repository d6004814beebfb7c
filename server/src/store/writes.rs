//! What changes the store: new entries, and batches of swaps with their lines of the trail.

use std::collections::HashSet;

use keyfob_scim::{Entry, Event, Name, Row, Swap};

use super::keys::Keys;
use super::sql::{Connection, Fault, Sql, Value};
use super::workers::Answer;
use super::{Call, Sqlite, unavailable};

/// A job for the writer.
pub(crate) enum Change {
    /// Puts an entry in the place of another.
    Swap(Box<Swap>, Answer<bool>),
    /// Writes to the trail only.
    Record(Event, Answer<()>),
    /// Anything else, in a transaction of its own.
    Other(Call),
}

/// Commits a batch and then answers it: of several swaps of one device the first that came, of the others that they lost.
pub(crate) fn change(connection: &mut Sqlite, keys: &Keys, jobs: Vec<Change>) {
    let (mut swaps, mut events, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut devices = HashSet::new();
    for job in jobs {
        match job {
            Change::Swap(swap, answer) if devices.insert(swap.entry.row.id) => swaps.push((swap, answer)),
            Change::Swap(_, answer) => lost.push(answer),
            Change::Record(event, answer) => events.push((event, answer)),
            Change::Other(call) => call(connection),
        }
    }
    if !swaps.is_empty() || !events.is_empty() {
        // All writers lock rows in the same order, so that none waits for one that waits for it.
        swaps.sort_unstable_by_key(|(swap, _)| swap.entry.row.id);
        let done = connection.transaction(|connection| commit(connection, keys, &swaps, &events));
        for (swap, answer) in swaps {
            let stored = done.as_ref().map(|stored| stored.contains(&swap.entry.row.id));
            // Whoever went away needs no answer.
            let _ = answer.send(stored.map_err(unavailable));
        }
        for (_, answer) in events {
            let _ = answer.send(done.as_ref().map(|_| ()).map_err(unavailable));
        }
    }
    // After the commit: they read the winner's version, and not once more the one they lost with.
    for answer in lost {
        let _ = answer.send(Ok(false));
    }
}

type Swaps = [(Box<Swap>, Answer<bool>)];

/// Writes a batch. Returns the devices that were swapped.
fn commit<C: Connection>(
    connection: &mut C,
    keys: &Keys,
    swaps: &Swaps,
    events: &[(Event, Answer<()>)],
) -> Result<HashSet<i64>, Fault> {
    let (states, wholes): (Vec<&Swap>, Vec<&Swap>) = swaps.iter().map(|(swap, _)| &**swap).partition(|swap| swap.only_state);
    let mut stored = HashSet::new();
    if !states.is_empty() {
        stored = swap_states(connection, keys, &states)?;
    }
    for swap in wholes {
        if swap_whole(connection, keys, &swap.entry)? {
            stored.insert(swap.entry.row.id);
        }
    }
    let swapped = swaps.iter().filter(|(swap, _)| stored.contains(&swap.entry.row.id)).map(|(swap, _)| &swap.event);
    trail(connection, swapped.chain(events.iter().map(|(event, _)| event)))?;
    Ok(stored)
}

/// Swaps the records of many devices, and the columns that follow from them, in one statement.
fn swap_states<C: Connection>(connection: &mut C, keys: &Keys, swaps: &[&Swap]) -> Result<HashSet<i64>, Fault> {
    let mut sql = Sql::new("WITH next (id, version, status, fails, last_used, record) AS (VALUES ");
    for (at, Swap { entry, .. }) in swaps.iter().enumerate() {
        let Row { id, status, fails, last_used, .. } = entry.row;
        sql.push(if at == 0 { "" } else { ", " }).tuple([
            id.into(),
            entry.version.into(),
            Value::Text(status.to_string()),
            i64::from(fails).into(),
            last_used.map(time).into(),
            seal(keys, entry)?,
        ]);
    }
    sql.push(
        ") UPDATE device SET version = device.version + 1, status = next.status, fails = next.fails, last_used = next.last_used, \
         record = next.record FROM next WHERE device.id = next.id AND device.version = next.version RETURNING device.id",
    );
    connection.rows(&sql)?.iter_mut().map(|record| record.number(0)).collect()
}

fn swap_whole<C: Connection>(connection: &mut C, keys: &Keys, entry: &Entry) -> Result<bool, Fault> {
    let Entry { row, version, .. } = entry;
    let columns: [(&str, Value); 9] = [
        ("name", (&row.name).into()),
        ("email", row.email.as_ref().into()),
        ("phone", row.phone.as_ref().into()),
        ("external_id", row.external_id.as_ref().into()),
        ("deleted", i64::from(row.deleted).into()),
        ("status", Value::Text(row.status.to_string())),
        ("fails", i64::from(row.fails).into()),
        ("last_used", row.last_used.map(time).into()),
        ("record", seal(keys, entry)?),
    ];
    let mut sql = Sql::new("UPDATE device SET version = version + 1");
    for (column, value) in columns {
        sql.push(", ").push(column).push(" = ").bind(value);
    }
    sql.push(" WHERE id = ").bind(row.id).push(" AND version = ").bind(*version).push(" RETURNING id");
    Ok(!connection.rows(&sql)?.is_empty())
}

/// Stores a new entry under the next number, inside a transaction.
pub(crate) fn insert<C: Connection>(
    connection: &mut C,
    keys: &Keys,
    mut entry: Box<Entry>,
    name: Name,
    event: Event,
) -> Result<Box<Entry>, Fault> {
    entry.row.id = next(connection, "device")?;
    entry.row.name = name.text(|| u64::try_from(next(connection, "name")?).map_err(|error| Fault(error.to_string())))?;
    let Entry { row, version, .. } = &*entry;
    let mut sql = Sql::new(
        "INSERT INTO device (id, version, name, user_name, email, phone, external_id, deleted, kind, status, fails, created, last_used, \
         record) VALUES ",
    );
    sql.tuple([
        row.id.into(),
        (*version).into(),
        (&row.name).into(),
        (&row.user).into(),
        row.email.as_ref().into(),
        row.phone.as_ref().into(),
        row.external_id.as_ref().into(),
        i64::from(row.deleted).into(),
        row.kind.name().into(),
        Value::Text(row.status.to_string()),
        i64::from(row.fails).into(),
        time(row.created).into(),
        row.last_used.map(time).into(),
        seal(keys, &entry)?,
    ]);
    connection.rows(&sql)?;
    trail(connection, std::iter::once(&Event { device: entry.row.id, ..event }))?;
    Ok(entry)
}

fn trail<'e, C: Connection>(connection: &mut C, events: impl Iterator<Item = &'e Event>) -> Result<(), Fault> {
    let mut sql = Sql::new("INSERT INTO trail (at, event, actor, device, user_name, success, reason, drift) VALUES ");
    for event in events {
        sql.push(if sql.values.is_empty() { "" } else { ", " }).tuple([
            time(event.at).into(),
            event.kind.name().into(),
            (&event.actor).into(),
            event.device.into(),
            (&event.user).into(),
            i64::from(event.success).into(),
            (&event.reason).into(),
            event.drift.into(),
        ]);
    }
    if !sql.values.is_empty() {
        connection.rows(&sql)?;
    }
    Ok(())
}

/// The next number of a sequence.
fn next<C: Connection>(connection: &mut C, name: &str) -> Result<i64, Fault> {
    let mut sql = Sql::new("UPDATE sequence SET last = last + 1 WHERE name = ");
    sql.bind(name).push(" RETURNING last");
    connection
        .rows(&sql)?
        .first_mut()
        .map_or_else(|| Err(Fault(format!("the sequence {name} is missing"))), |record| record.number(0))
}

fn seal(keys: &Keys, entry: &Entry) -> Result<Value, Fault> {
    keys.seal(&entry.device, entry.row.id).map(Value::Bytes).map_err(|error| Fault(error.to_string()))
}

/// Unix seconds as a column has them.
fn time(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
