//! Many swaps in one commit: each its own compare and swap, with its own outcome.

use std::collections::{HashMap, HashSet};

use keyfob_scim::{Count, Entry, Event, Scope, Swap};

use super::columns::trail_line_columns;
use super::counters::Counters;
use super::keys::Sealer;
use super::lines::{self, Lines};
use super::outbox::{self, Drafts};
use super::rooms::Rooms;
use super::rows::{STATE_COLUMNS, changed_values, seal, state_values};
use super::schema;
use super::serial;
use super::writable::Writable;
use crate::database::{Access, Connection, DatabaseError, Dialect, ErrorKind, Pauses, Sql, transaction};

/// A swap with its sealed record. The bytes are unique, so a row that holds them was written by
/// this swap.
pub(crate) struct Write<'s> {
    swap: &'s Swap,
    /// The counters of its message; none for a swap without one, or without limits.
    counts: &'s [Count],
    record: Vec<u8>,
    /// Its signals; none for most swaps.
    drafts: Drafts<'s>,
}

impl<'s> Write<'s> {
    pub(crate) fn new(swap: &'s Swap, counts: &'s [Count], sealer: &Sealer) -> Result<Self, DatabaseError> {
        Ok(Self { swap, counts, record: seal(sealer, &swap.entry)?, drafts: Drafts::default() })
    }

    /// The same with room for its signals. Errors: no randomness.
    pub(crate) fn with_signals(self, rooms: &Rooms) -> Result<Self, DatabaseError> {
        Ok(Self { drafts: Drafts::new(rooms, &self.swap.signals)?, ..self })
    }

    fn id(&self) -> i64 {
        self.swap.entry.row.id
    }
}

/// The outcome of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Swapped {
    /// It is stored.
    Stored,
    /// The store has another version of the device.
    Lost,
    /// Another device has the serial that it claims.
    SerialIsTaken,
    /// This counter has no room for its message.
    Full(Count),
}

/// The outcomes of a batch by its devices.
type Swaps = HashMap<i64, Result<Swapped, DatabaseError>>;

/// The outcome of a batch.
pub(crate) struct Settled {
    pub(crate) swaps: Swaps,
    /// For the lines that come with no swap.
    pub(crate) lines: Result<(), DatabaseError>,
}

impl Settled {
    /// Notes whether the store accepted the batch or a part of it. If all swaps have lost, nothing
    /// is known.
    pub(crate) fn note(&self, has_lines: bool, writable: &Writable) {
        let is_written = has_lines && self.lines.is_ok() || self.swaps.values().any(|swap| matches!(swap, Ok(Swapped::Stored)));
        let error = self.swaps.values().find_map(|swap| swap.as_ref().err()).or(self.lines.as_ref().err());
        match error {
            _ if is_written => writable.done(),
            Some(error) => writable.failed(error),
            None => {}
        }
    }
}

/// Commits a batch with at most one write of each device. Tries again where that is safe.
///
/// A lost connection leaves open what was stored. The same bytes are then sent again. They are
/// stored at most once, since the first to arrive changes the version. A row that holds them shows
/// that an earlier try was stored. A line that comes with no swap is sent again under the same
/// number.
pub(crate) fn settle(connection: &mut dyn Connection, mut writes: Vec<Write<'_>>, lines: &[&Event]) -> Settled {
    // All writers lock devices in the same order, so that two never wait for each other.
    writes.sort_unstable_by_key(Write::id);
    // Those with counters lock their counters before their devices. In a server, where other
    // writers hold devices meanwhile, they have a transaction of their own: no verdict waits for a
    // counter.
    let is_apart = connection.dialect() == Dialect::Postgres;
    let (counted, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(|write| is_apart && !write.counts.is_empty());
    let (lines, none, pauses) = (&mut Lines::new(lines), &mut Lines::new(&[]), &mut Pauses::new());
    let mut settled = settle_within(connection, &others, lines, pauses, false);
    settled.swaps.extend(settle_within(connection, &counted, none, pauses, false).swaps);
    for write in others.into_iter().chain(counted) {
        if let Some(outcome) = settled.swaps.get(&write.id()) {
            write.drafts.end_as(outcome, |swapped| *swapped == Swapped::Stored);
        }
    }
    settled
}

fn settle_within(
    connection: &mut dyn Connection,
    writes: &[Write<'_>],
    lines: &mut Lines<'_>,
    pauses: &mut Pauses,
    mut is_unsure: bool,
) -> Settled {
    if writes.is_empty() && lines.events.is_empty() {
        return Settled { swaps: HashMap::new(), lines: Ok(()) };
    }
    loop {
        let stored = lines.draw(connection).and_then(|()| store(connection, writes, lines, is_unsure));
        let done = stored.and_then(|swaps| if is_unsure { compare(connection, writes, swaps) } else { Ok(swaps) });
        let error = match done {
            Ok(swaps) => return Settled { swaps, lines: Ok(()) },
            Err(error) => error,
        };
        is_unsure |= error.kind == ErrorKind::Unknown;
        if error.kind == ErrorKind::Conflict && !is_unsure {
            // The line of another process may have one of the numbers.
            lines.forget_numbers();
        }
        match error.kind {
            // Each alone, so that one conflict does not fail the others.
            ErrorKind::Conflict if writes.len().saturating_add(usize::from(!lines.events.is_empty())) > 1 => {
                let mut all = Settled { swaps: HashMap::new(), lines: Ok(()) };
                for write in writes.chunks(1) {
                    let none = &mut Lines::new(&[]);
                    all.swaps.extend(settle_within(connection, write, none, pauses, is_unsure).swaps);
                }
                all.lines = settle_within(connection, &[], lines, pauses, is_unsure).lines;
                return all;
            }
            ErrorKind::Conflict | ErrorKind::Unreached | ErrorKind::Unknown if pauses.wait() => {}
            _ => {
                let error = if is_unsure { error.unknown() } else { schema::explained(connection, error) };
                let swaps = writes.iter().map(|write| (write.id(), Err(error.clone()))).collect();
                return Settled { swaps, lines: Err(error) };
            }
        }
    }
}

/// Corrects the outcomes of writes after an earlier try that may have been stored.
fn compare(connection: &mut dyn Connection, writes: &[Write<'_>], mut swaps: Swaps) -> Result<Swaps, DatabaseError> {
    let is_open = |swaps: &Swaps, write: &Write<'_>| !matches!(swaps.get(&write.id()), Some(Ok(Swapped::Stored)));
    if !writes.iter().any(|write| is_open(&swaps, write)) {
        return Ok(swaps);
    }
    let mut sql = Sql::new("SELECT id, version, record FROM device WHERE id");
    sql.among(connection.dialect(), writes.iter().map(Write::id));
    if connection.dialect() == Dialect::Postgres {
        // After a crash, a primary shows commits that its standby may not have. Locking the rows
        // waits until the standby has them.
        sql.push(" FOR UPDATE");
    }
    let mut found = HashMap::new();
    for record in &mut connection.rows(&sql)? {
        found.insert(record.number(0)?, (record.number(1)?, record.bytes(2)?));
    }
    for write in writes {
        let next = write.swap.entry.version.saturating_add(1);
        let outcome = match found.get(&write.id()) {
            _ if !is_open(&swaps, write) => continue,
            Some((version, record)) if *version == next && *record == write.record => Ok(Swapped::Stored),
            // Other writes followed, after this one or after another.
            Some((version, _)) if *version > next => {
                Err(DatabaseError::from_kind(ErrorKind::Unknown, "the outcome of a write is not known any more"))
            }
            _ => continue,
        };
        swaps.insert(write.id(), outcome);
    }
    Ok(swaps)
}

/// Writes a batch once.
fn store(connection: &mut dyn Connection, writes: &[Write<'_>], lines: &Lines<'_>, is_again: bool) -> Result<Swaps, DatabaseError> {
    let (counted, others): (Vec<_>, Vec<_>) = writes.iter().partition(|write| !write.counts.is_empty());
    let (states, wholes): (Vec<_>, Vec<_>) = others.into_iter().partition(|write| write.swap.scope != Scope::Whole);
    let has_signals = states.iter().any(|write| write.drafts.has_rows());
    let is_one_statement =
        counted.is_empty() && wholes.is_empty() && !has_signals && (states.is_empty() || lines.events.is_empty());
    if connection.dialect() == Dialect::Postgres && is_one_statement {
        return store_in(connection, &[], &states, &wholes, lines, is_again);
    }
    transaction(connection, Access::Write, |connection| store_in(connection, &counted, &states, &wholes, lines, is_again))
}

fn store_in(
    connection: &mut dyn Connection,
    counted: &[&Write<'_>],
    states: &[&Write<'_>],
    wholes: &[&Write<'_>],
    lines: &Lines<'_>,
    is_again: bool,
) -> Result<Swaps, DatabaseError> {
    if wholes.iter().any(|write| write.swap.claims_serial) {
        serial::take_turn(connection)?;
    }
    let (mut swaps, mut of_swaps) = (Swaps::new(), Vec::new());
    if !counted.is_empty() {
        swaps = swap_counted(connection, counted)?;
        let is_stored = |write: &&&Write<'_>| matches!(swaps.get(&write.id()), Some(Ok(Swapped::Stored)));
        of_swaps.extend(counted.iter().filter(is_stored).map(|write| &write.swap.event));
    }
    if !states.is_empty() {
        let stored = match connection.dialect() {
            Dialect::Sqlite => swap(connection, states)?,
            Dialect::Postgres => swap_and_trail(connection, states)?,
        };
        let outcome = |write: &&Write<'_>| if stored.contains(&write.id()) { Swapped::Stored } else { Swapped::Lost };
        swaps.extend(states.iter().map(|write| (write.id(), Ok(outcome(write)))));
        if connection.dialect() == Dialect::Sqlite {
            of_swaps.extend(states.iter().filter(|write| stored.contains(&write.id())).map(|write| &write.swap.event));
        }
    }
    for write in wholes {
        let outcome = swap_whole(connection, write)?;
        if outcome == Swapped::Stored {
            of_swaps.push(&write.swap.event);
        }
        swaps.insert(write.id(), Ok(outcome));
    }
    lines::insert(connection, &of_swaps)?;
    lines.insert(connection, is_again)?;
    let is_stored = |write: &&&Write<'_>| matches!(swaps.get(&write.id()), Some(Ok(Swapped::Stored)));
    let stored = counted.iter().chain(states).chain(wholes).filter(is_stored);
    outbox::insert(connection, stored.map(|write| (&write.drafts, None)))?;
    Ok(swaps)
}

/// Swaps entries and counts their messages, one by one, so that a swap that has lost leaves its
/// room to the next one.
fn swap_counted(connection: &mut dyn Connection, writes: &[&Write<'_>]) -> Result<Swaps, DatabaseError> {
    let messages: Vec<_> = writes.iter().map(|write| write.counts).collect();
    let (mut counters, mut swaps) = (Counters::lock(connection, &messages)?, Swaps::new());
    for write in writes {
        let outcome = match counters.full(write.counts) {
            Some(count) => Swapped::Full(count.clone()),
            None if write.swap.scope == Scope::Whole => swap_whole(connection, write)?,
            None if swap(connection, &[write])?.is_empty() => Swapped::Lost,
            None => Swapped::Stored,
        };
        if outcome == Swapped::Stored {
            counters.raise(write.counts);
        }
        swaps.insert(write.id(), Ok(outcome));
    }
    counters.write(connection)?;
    Ok(swaps)
}

/// Swaps states one by one: in a file, a statement has no round trip.
fn swap(connection: &mut dyn Connection, writes: &[&Write<'_>]) -> Result<HashSet<i64>, DatabaseError> {
    // SQLite writes the index of each named column, changed or not.
    const RECORD: &str = "UPDATE device SET version = version + 1, fails = $1, record = $2, last_modified = $3 \
                          WHERE id = $4 AND version = $5";
    const STATE: &str = "UPDATE device SET version = version + 1, fails = $1, record = $2, last_modified = $3, status = $4, \
                         last_used = $5 WHERE id = $6 AND version = $7";
    let mut stored = HashSet::with_capacity(writes.len());
    for write in writes {
        let [id, version, status, fails, last_used, last_modified, record] = state_values(&write.swap.entry, &write.record);
        let sql = match write.swap.scope {
            Scope::Record => Sql::from_parts(RECORD, [fails, record, last_modified, id, version]),
            Scope::State | Scope::Whole => Sql::from_parts(STATE, [fails, record, last_modified, status, last_used, id, version]),
        };
        if connection.change(&sql)? > 0 {
            stored.insert(write.id());
        }
    }
    Ok(stored)
}

/// Swaps states and writes the lines of the swapped ones, all in one statement. SQLite has no such
/// statement. States and lines are one table, since a second one would have to be joined.
fn swap_and_trail(connection: &mut dyn Connection, writes: &[&Write<'_>]) -> Result<HashSet<i64>, DatabaseError> {
    let mut sql = Sql::new("WITH ");
    let rows = writes
        .iter()
        .map(|write| state_values(&write.swap.entry, &write.record).into_iter().chain(lines::values(&write.swap.event)));
    sql.table(connection.dialect(), "next", &[&STATE_COLUMNS[..], lines::COLUMNS].concat(), rows);
    sql.push(
        ", swapped AS (UPDATE device SET version = device.version + 1, status = next.status, fails = next.fails, \
         last_used = next.last_used, last_modified = next.last_modified, record = next.record \
         FROM next WHERE device.id = next.id AND device.version = next.version RETURNING next.*), trailed AS (",
    );
    sql.push(lines::INSERT).push(concat!("SELECT ", trail_line_columns!(), " FROM swapped) SELECT id FROM swapped"));
    sql.keep_plan("WHERE");
    connection.rows(&sql)?.iter_mut().map(|record| record.number(0)).collect()
}

fn swap_whole(connection: &mut dyn Connection, write: &Write<'_>) -> Result<Swapped, DatabaseError> {
    let Entry { row, version, .. } = &write.swap.entry;
    if write.swap.claims_serial && serial::is_taken(connection, row)? {
        return Ok(Swapped::SerialIsTaken);
    }
    let mut sql = Sql::new("UPDATE device SET version = version + 1");
    for (column, value) in changed_values(&write.swap.entry, &write.record) {
        sql.push(", ").push(column).push(" = ").bind(value);
    }
    sql.push(" WHERE id = ").bind(row.id).push(" AND version = ").bind(*version);
    Ok(if connection.change(&sql)? > 0 { Swapped::Stored } else { Swapped::Lost })
}
