//! What a writer does: steps of many requests, a round at a time, and new entries.

use std::collections::HashSet;

use keyfob_scim::{Entry, Event, Naming, Row, Step, Swap, Then};

use super::answers::Answers;
use super::batch::{Write, device, seal, settle, trail};
use super::call::Call;
use super::keys::Keys;
use super::reads::{find, found_in};
use super::refusal::unavailable;
use super::schema;
use super::workers::Answer;
use super::writable::Writable;
use crate::database::{Access, Connection, Fault, Sql, persist, transaction};

/// New devices have numbers from here, drawn at random: processes need no common counter, and a
/// copy of the store that is restored gives no number a second time. JSON's numbers hold them all
/// exactly.
const NUMBERS: std::ops::Range<i64> = 1 << 32..1 << 52;

/// A job for a writer.
pub(crate) enum Change {
    /// Takes a request's step, and those that follow as far as a writer can.
    Step(Box<Job>),
    /// Anything else, in a transaction of its own.
    Other(Call),
}

/// A request on its way.
pub(crate) struct Job {
    pub(crate) step: Step,
    /// What was written to the trail on the way here.
    pub(crate) event: Option<Event>,
    pub(crate) answer: Answer<Stepped>,
}

/// The step that is left to others, and what was written to the trail on the way there.
pub(crate) struct Stepped {
    pub(crate) step: Step,
    pub(crate) event: Option<Event>,
}

/// Takes the requests of a batch one round further: those that read, in one statement; those that
/// write, in one commit. Of several swaps of one device the first is tried, the others have lost.
/// Returns the requests that go on.
pub(crate) fn change(
    connection: &mut dyn Connection,
    keys: &Keys,
    answers: &Answers<Stepped>,
    writable: &Writable,
    jobs: Vec<Change>,
) -> Vec<Change> {
    let mut told = Vec::new();
    let mut round = Round { gets: Vec::new(), swaps: Vec::new(), lines: Vec::new(), left: Vec::with_capacity(jobs.len()) };
    for job in jobs {
        match job {
            Change::Other(call) => call(connection),
            Change::Step(job) => match job.step {
                Step::Get { id, then, .. } => round.gets.push((id, then, job.event, job.answer)),
                Step::Swap { swap, then } => round.swaps.push((swap, then, job.answer)),
                Step::Audit { event, then } => round.lines.push((event, then, job.answer)),
                step => told.push((job.answer, Ok(Stepped { step, event: job.event }))),
            },
        }
    }
    answers.leave(told);
    round.read(connection, keys);
    round.write(connection, keys, writable);
    round.left
}

/// A batch by what is to be done, each with what follows and who waits for it.
struct Round {
    gets: Vec<Get>,
    swaps: Vec<(Box<Swap>, Then<bool>, Answer<Stepped>)>,
    lines: Vec<(Event, Then<()>, Answer<Stepped>)>,
    left: Vec<Change>,
}

type Get = (i64, Then<Option<Entry>>, Option<Event>, Answer<Stepped>);

impl Round {
    fn go_on(&mut self, step: Step, event: Option<Event>, answer: Answer<Stepped>) {
        self.left.push(Change::Step(Box::new(Job { step, event, answer })));
    }

    fn read(&mut self, connection: &mut dyn Connection, keys: &Keys) {
        if self.gets.is_empty() {
            return;
        }
        let gets = std::mem::take(&mut self.gets);
        let found = find(connection, keys, gets.iter().map(|(id, ..)| *id));
        for (id, then, event, answer) in gets {
            match found_in(&found, id) {
                Ok(entry) => self.go_on(then(entry), event, answer),
                Err(error) => drop(answer.send(Err(error))),
            }
        }
    }

    fn write(&mut self, connection: &mut dyn Connection, keys: &Keys, writable: &Writable) {
        if self.swaps.is_empty() && self.lines.is_empty() {
            return;
        }
        let (swaps, lines) = (std::mem::take(&mut self.swaps), std::mem::take(&mut self.lines));
        let mut devices = HashSet::new();
        let firsts = swaps.iter().filter(|(swap, ..)| devices.insert(swap.entry.row.id));
        let writes = if swaps.is_empty() {
            Ok(Vec::new())
        } else {
            let writes = keys.sealer(connection).and_then(|sealer| firsts.map(|(swap, ..)| Write::new(swap, &sealer)).collect());
            writes.map_err(|fault| schema::explained(connection, fault))
        };
        let events: Vec<_> = lines.iter().map(|(event, ..)| event).collect();
        let mut settled = writes.map(|writes| settle(connection, writes, &events));
        match &settled {
            Ok(settled) => settled.note(!events.is_empty(), writable),
            Err(fault) => writable.failed(fault),
        }
        for (swap, then, answer) in swaps {
            let outcome = match &mut settled {
                // The first of a device takes its outcome away: the others have lost.
                Ok(settled) => settled.swaps.remove(&swap.entry.row.id).unwrap_or(Ok(false)),
                Err(fault) => Err(fault.clone()),
            };
            match outcome {
                Ok(stored) => self.go_on(then(stored), stored.then_some(swap.event), answer),
                Err(fault) => drop(answer.send(Err(unavailable(&fault)))),
            }
        }
        for (event, then, answer) in lines {
            match settled.as_ref().map_or_else(Err, |settled| settled.lines.as_ref()) {
                Ok(()) => self.go_on(then(()), Some(event), answer),
                Err(fault) => drop(answer.send(Err(unavailable(fault)))),
            }
        }
    }
}

/// What became of a new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It is stored.
    Stored,
    /// Another device has its number.
    IdIsTaken,
    /// Another device has its serial.
    SerialIsTaken,
}

/// Stores a new entry under the first number from `draw` that no other device has, unless another
/// device has its serial.
pub(crate) fn insert(
    connection: &mut dyn Connection,
    keys: &Keys,
    mut draw: impl FnMut() -> Result<i64, Fault>,
    entry: &mut Entry,
    naming: Naming,
    event: &Event,
) -> Result<Inserted, Fault> {
    let has_serial = matches!(naming, Naming::Serial(_));
    let sealer = keys.sealer(connection)?;
    // In a commit of its own: the counter of names is not held until the device is stored, so no
    // process waits for another.
    entry.row.name = naming.resolve(|| {
        let number = persist(connection, |connection| next(connection, "name"))?;
        u64::try_from(number).map_err(|error| Fault::new(error.to_string()))
    })?;
    loop {
        entry.row.id = draw()?;
        let record = seal(&sealer, entry)?;
        let inserted = persist(connection, |connection| {
            transaction(connection, Access::Write, |connection| {
                if has_serial && is_serial_taken(connection, &entry.row)? {
                    return Ok(Inserted::SerialIsTaken);
                }
                put(connection, entry, &record, event)
            })
        })?;
        if inserted != Inserted::IdIsTaken {
            return Ok(inserted);
        }
    }
}

/// Whether another device that is not deleted has this name. Until the transaction ends, no other
/// one can give a device a serial: each writes the same row first.
fn is_serial_taken(connection: &mut dyn Connection, row: &Row) -> Result<bool, Fault> {
    const TURN: &str =
        "INSERT INTO sequence (name, last) VALUES ('serial', 1) ON CONFLICT (name) DO UPDATE SET last = sequence.last + 1";
    connection.change(&Sql::new(TURN))?;
    let mut sql = Sql::new("SELECT id FROM device WHERE deleted = 0 AND name = ");
    // An earlier try whose connection was lost may have stored this very device.
    sql.bind(&row.name).push(" AND id <> ").bind(row.id).push(" LIMIT 1");
    Ok(!connection.rows(&sql)?.is_empty())
}

/// Inserts an entry.
fn put(connection: &mut dyn Connection, entry: &Entry, record: &[u8], event: &Event) -> Result<Inserted, Fault> {
    let Entry { row, version, .. } = entry;
    let mut sql = Sql::new(
        "INSERT INTO device (id, version, name, user_name, email, phone, external_id, deleted, kind, status, fails, created, \
         last_used, last_modified, record) VALUES ",
    );
    sql.tuple(device(row, row.name.clone(), *version, record));
    sql.push(" ON CONFLICT (id) DO NOTHING RETURNING id");
    if !connection.rows(&sql)?.is_empty() {
        trail(connection, &[&Event { device_id: row.id, ..event.clone() }])?;
        return Ok(Inserted::Stored);
    }
    // An earlier try whose connection was lost may have stored it after all.
    let mut sql = Sql::new("SELECT record FROM device WHERE id = ");
    sql.bind(row.id);
    let is_stored = connection.rows(&sql)?.first_mut().map_or(Ok(false), |found| Ok::<_, Fault>(found.bytes(0)? == record))?;
    Ok(if is_stored { Inserted::Stored } else { Inserted::IdIsTaken })
}

/// The next number of a sequence.
pub(crate) fn next(connection: &mut dyn Connection, name: &str) -> Result<i64, Fault> {
    let mut sql = Sql::new("UPDATE sequence SET last = last + 1 WHERE name = ");
    sql.bind(name).push(" RETURNING last");
    connection
        .rows(&sql)?
        .first_mut()
        .map_or_else(|| Err(Fault::new(format!("the sequence {name} is missing"))), |record| record.number(0))
}

/// Draws a number that is most likely free.
pub(crate) fn draw() -> Result<i64, Fault> {
    let random = getrandom::u64().map_err(|error| Fault::new(error.to_string()))?;
    let span = NUMBERS.end.abs_diff(NUMBERS.start);
    let below = i64::try_from(random.checked_rem(span).unwrap_or_default()).unwrap_or_default();
    Ok(NUMBERS.start.saturating_add(below))
}
