//! Writers: the steps of many requests, a round at a time, and new entries.

use std::collections::HashSet;

use keyfob_scim::{Count, Counted, Entry, Error, Event, Limit, Naming, Step, Swap, Then};

use super::batch::{Swapped, Write, settle};
use super::call::Call;
use super::columns::{device_record_columns, device_row_columns};
use super::keys::{Keys, Sealer};
use super::lines;
use super::outbox::{self, Drafts};
use super::reads::{find, found_in};
use super::refusal::unavailable;
use super::replies::{Finished, Replies};
use super::rooms::Rooms;
use super::rows::{device_values, seal};
use super::schema;
use super::serial;
use super::workers::Reply;
use super::writable::Writable;
use crate::database::{Connection, DatabaseError, Dialect, Sql, persist, persist_transaction};

/// The ids of new devices, drawn at random. Processes need no common counter, and a restored backup
/// gives no id a second time. JSON numbers represent all of them exactly.
const DEVICE_IDS: std::ops::Range<i64> = 1 << 32..1 << 52;

/// A job for a writer.
pub(crate) enum Change {
    /// Does the steps of a request as far as a writer can.
    Step(Box<Job>),
    /// Anything else, in a transaction of its own.
    Other(Call),
}

/// A request with its next step.
pub(crate) struct Job {
    pub(crate) step: Step,
    pub(crate) note: Option<Note>,
    pub(crate) reply: Reply<Stepped>,
}

/// The next step that is none for a writer, and the last note of what the request has done.
pub(crate) struct Stepped {
    pub(crate) step: Step,
    pub(crate) note: Option<Note>,
}

/// What a request has done in the store, for the metrics.
pub(crate) enum Note {
    /// It has written a line to the trail.
    Line {
        event: Event,
        /// The telephone number of a device that was swapped.
        phone: Option<String>,
    },
    /// Its message had no room in the counter of this limit.
    Full {
        limit: Limit,
        /// The telephone number of the device.
        phone: Option<String>,
    },
}

/// Does the next steps of each request of a batch: the reads in one statement, and then the writes
/// in one commit, those that follow these reads included. Of several swaps of one device the first
/// is tried, and the others have lost. A request whose next step is none for a writer gets its
/// reply in this round. Returns the requests that go on.
pub(crate) fn change(
    connection: &mut dyn Connection,
    keys: &Keys,
    replies: &Replies<Stepped>,
    writable: &Writable,
    rooms: &Rooms,
    jobs: Vec<Change>,
) -> Vec<Change> {
    let many = jobs.len();
    let mut round = Round {
        gets: Vec::with_capacity(many),
        swaps: Vec::with_capacity(many),
        lines: Vec::new(),
        finished: Vec::new(),
        next: Vec::new(),
    };
    for job in jobs {
        match job {
            Change::Other(call) => call(connection),
            Change::Step(job) => round.add(*job),
        }
    }
    round.read(connection, keys);
    // Requests that only read do not wait for the commit.
    replies.leave(&mut round.finished);
    round.write(connection, keys, writable, rooms);
    replies.leave(&mut round.finished);
    round.next
}

/// The requests of a batch by their steps.
struct Round {
    gets: Vec<Get>,
    swaps: Vec<Swapping>,
    lines: Vec<(Event, Then<()>, Reply<Stepped>)>,
    finished: Finished<Stepped>,
    /// The next batch.
    next: Vec<Change>,
}

type Get = (i64, Then<Option<Entry>>, Option<Note>, Reply<Stepped>);

/// A swap with the counters of its message, if it has one and there are limits.
struct Swapping {
    swap: Box<Swap>,
    counts: Vec<Count>,
    then: Then<Counted>,
    reply: Reply<Stepped>,
}

impl Round {
    /// Sorts a request into the round.
    fn add(&mut self, Job { step, note, reply }: Job) {
        match step {
            Step::Get { id, then, .. } => self.gets.push((id, then, note, reply)),
            Step::Swap { swap, then } => {
                let then = Box::new(|outcome| then(outcome == Counted::Stored));
                self.swaps.push(Swapping { swap, counts: Vec::new(), then, reply });
            }
            Step::CountedSwap { swap, counts, then } => self.swaps.push(Swapping { swap, counts, then, reply }),
            Step::Audit { event, then } => self.lines.push((event, then, reply)),
            step => self.finished.push((reply, Ok(Stepped { step, note }))),
        }
    }

    /// Keeps a request for the next round, or finishes it if its step is none for a writer.
    fn go_on(&mut self, step: Step, note: Option<Note>, reply: Reply<Stepped>) {
        if matches!(step, Step::Get { .. } | Step::Swap { .. } | Step::CountedSwap { .. } | Step::Audit { .. }) {
            self.next.push(Change::Step(Box::new(Job { step, note, reply })));
        } else {
            self.finished.push((reply, Ok(Stepped { step, note })));
        }
    }

    fn fail(&mut self, error: Error, reply: Reply<Stepped>) {
        self.finished.push((reply, Err(error)));
    }

    fn read(&mut self, connection: &mut dyn Connection, keys: &Keys) {
        if self.gets.is_empty() {
            return;
        }
        let gets = std::mem::take(&mut self.gets);
        let found = find(connection, keys, gets.iter().map(|(id, ..)| *id));
        for (id, then, note, reply) in gets {
            match found_in(&found, id) {
                Ok(entry) => match then(entry) {
                    step @ Step::Get { .. } => self.go_on(step, note, reply),
                    // The commit of this round takes what is written.
                    step => self.add(Job { step, note, reply }),
                },
                Err(error) => self.fail(error, reply),
            }
        }
    }

    fn write(&mut self, connection: &mut dyn Connection, keys: &Keys, writable: &Writable, rooms: &Rooms) {
        if self.swaps.is_empty() && self.lines.is_empty() {
            return;
        }
        let (swaps, lines) = (std::mem::take(&mut self.swaps), std::mem::take(&mut self.lines));
        self.finished.reserve(swaps.len().saturating_add(lines.len()));
        let mut devices = HashSet::new();
        let firsts = swaps.iter().filter(|swapping| devices.insert(swapping.swap.entry.row.id));
        let writes = if swaps.is_empty() {
            Ok(Vec::new())
        } else {
            let writes = keys.sealer(connection).and_then(|sealer| firsts.map(|first| write(first, &sealer, rooms)).collect());
            writes.map_err(|error| schema::explained(connection, error))
        };
        let events: Vec<_> = lines.iter().map(|(event, ..)| event).collect();
        let mut settled = writes.map(|writes| settle(connection, writes, &events));
        match &settled {
            Ok(settled) => settled.note(!events.is_empty(), writable),
            Err(error) => writable.failed(error),
        }
        for Swapping { swap, then, reply, .. } in swaps {
            let outcome = match &mut settled {
                // The first swap of a device takes the outcome. The others have lost.
                Ok(settled) => settled.swaps.remove(&swap.entry.row.id).unwrap_or(Ok(Swapped::Lost)),
                Err(error) => Err(error.clone()),
            };
            match outcome {
                Ok(Swapped::Stored) => {
                    let Swap { entry, event, .. } = *swap;
                    self.go_on(then(Counted::Stored), Some(Note::Line { event, phone: entry.row.phone }), reply);
                }
                Ok(Swapped::Full(count)) => {
                    let note = Note::Full { limit: count.limit.clone(), phone: swap.entry.row.phone };
                    self.go_on(then(Counted::Full(count)), Some(note), reply);
                }
                Ok(Swapped::Lost) => self.go_on(then(Counted::Lost), None, reply),
                Ok(Swapped::SerialIsTaken) => self.fail(Error::serial_is_taken(&swap.entry.row.name), reply),
                Err(error) => self.fail(unavailable(&error), reply),
            }
        }
        for (event, then, reply) in lines {
            match settled.as_ref().map_or_else(Err, |settled| settled.lines.as_ref()) {
                Ok(()) => self.go_on(then(()), Some(Note::Line { event, phone: None }), reply),
                Err(error) => self.fail(unavailable(error), reply),
            }
        }
    }
}

/// A swap to be written, with its sealed record and room for its signals.
fn write<'s>(swapping: &'s Swapping, sealer: &Sealer, rooms: &Rooms) -> Result<Write<'s>, DatabaseError> {
    Write::new(&swapping.swap, &swapping.counts, sealer)?.with_signals(rooms)
}

/// The outcome of an insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It is stored.
    Stored,
    /// Another device has its id.
    IdIsTaken,
    /// Another device has its serial.
    SerialIsTaken,
}

/// Stores a new entry under the first id from `draw` that no other device has, unless another
/// device has its serial.
pub(crate) fn insert(
    connection: &mut dyn Connection,
    keys: &Keys,
    mut draw: impl FnMut() -> Result<i64, DatabaseError>,
    entry: &mut Entry,
    naming: &Naming,
    event: &Event,
    drafts: &Drafts<'_>,
) -> Result<Inserted, DatabaseError> {
    let has_serial = matches!(naming, Naming::Serial(_));
    let sealer = keys.sealer(connection)?;
    // In a commit of its own, so that other processes do not wait for the counter of names until
    // the device is stored. In a file they wait for each commit anyway, so one is better than two.
    let is_named_first = connection.dialect() == Dialect::Postgres;
    if is_named_first {
        entry.row.name = naming.clone().resolve(|| persist(connection, next_name))?;
    }
    loop {
        entry.row.id = draw()?;
        let record = seal(&sealer, entry)?;
        let inserted = persist_transaction(connection, |connection| {
            if !is_named_first {
                entry.row.name = naming.clone().resolve(|| next_name(connection))?;
            }
            if has_serial {
                serial::take_turn(connection)?;
                if serial::is_taken(connection, &entry.row)? {
                    return Ok(Inserted::SerialIsTaken);
                }
            }
            put(connection, entry, &record, event, drafts)
        })?;
        if inserted != Inserted::IdIsTaken {
            return Ok(inserted);
        }
    }
}

/// Inserts an entry. If an earlier try has stored it, gives the entry the name of that try.
fn put(
    connection: &mut dyn Connection,
    entry: &mut Entry,
    record: &[u8],
    event: &Event,
    drafts: &Drafts<'_>,
) -> Result<Inserted, DatabaseError> {
    let Entry { row, version, .. } = entry;
    let mut sql = Sql::new(concat!("INSERT INTO device (", device_row_columns!(), ", ", device_record_columns!(), ") VALUES "));
    sql.tuple(device_values(row, &row.name, *version, record));
    sql.push(" ON CONFLICT (id) DO NOTHING RETURNING id");
    if !connection.rows(&sql)?.is_empty() {
        lines::insert(connection, &[&Event { device_id: row.id, ..event.clone() }])?;
        outbox::insert(connection, std::iter::once((drafts, Some(&*row))))?;
        return Ok(Inserted::Stored);
    }
    // An earlier try whose connection was lost may have stored it.
    let mut sql = Sql::new("SELECT record, name FROM device WHERE id = ");
    sql.bind(row.id);
    if let Some(found) = connection.rows(&sql)?.first_mut()
        && found.bytes(0)? == record
    {
        entry.row.name = found.text(1)?;
        return Ok(Inserted::Stored);
    }
    Ok(Inserted::IdIsTaken)
}

/// The next number of the names that devices without one of their own get.
fn next_name(connection: &mut dyn Connection) -> Result<u64, DatabaseError> {
    u64::try_from(next(connection, "name")?).map_err(|error| DatabaseError::new(error.to_string()))
}

/// The next number of a sequence.
pub(crate) fn next(connection: &mut dyn Connection, name: &str) -> Result<i64, DatabaseError> {
    let mut sql = Sql::new("UPDATE sequence SET last = last + 1 WHERE name = ");
    sql.bind(name).push(" RETURNING last");
    connection
        .rows(&sql)?
        .first_mut()
        .map_or_else(|| Err(DatabaseError::new(format!("the sequence {name} is missing"))), |record| record.number(0))
}

/// Draws an id that is most likely free.
pub(crate) fn draw() -> Result<i64, DatabaseError> {
    let random = getrandom::u64().map_err(|error| DatabaseError::new(error.to_string()))?;
    let span = DEVICE_IDS.end.abs_diff(DEVICE_IDS.start);
    let below = i64::try_from(random.checked_rem(span).unwrap_or_default()).unwrap_or_default();
    Ok(DEVICE_IDS.start.saturating_add(below))
}
