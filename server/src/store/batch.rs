//! Many swaps in one commit: each its own compare and swap, with its own outcome.

use std::collections::{HashMap, HashSet};

use keyfob_scim::{Entry, Event, Row, Scope, Swap};

use super::keys::Sealer;
use super::schema;
use super::writable::Writable;
use crate::database::{Access, Connection, Dialect, Failure, Fault, Pauses, Sql, Type, Value, transaction};

/// A swap with its sealed record, whose bytes are like no other's: a row that holds them was
/// written by this swap.
pub(crate) struct Write<'s> {
    swap: &'s Swap,
    record: Vec<u8>,
}

impl<'s> Write<'s> {
    pub(crate) fn new(swap: &'s Swap, sealer: &Sealer) -> Result<Self, Fault> {
        Ok(Self { swap, record: seal(sealer, &swap.entry)? })
    }

    fn id(&self) -> i64 {
        self.swap.entry.row.id
    }
}

/// Lines that come with no swap.
struct Lines<'e> {
    events: &'e [&'e Event],
    /// Their numbers in PostgreSQL, drawn before they are sent: a line that is sent again under its
    /// number is stored once at the most. A file has nothing to tell apart: a commit that failed is
    /// undone there as long as the process lives.
    numbers: Vec<i64>,
}

impl Lines<'_> {
    /// Draws the numbers, if that is not done. Errors: those of the database; no line was written.
    fn draw(&mut self, connection: &mut dyn Connection) -> Result<(), Fault> {
        const DRAW: &str = "SELECT nextval(pg_get_serial_sequence('trail', 'id')) FROM generate_series(1, $1::BIGINT)";
        if connection.dialect() == Dialect::Sqlite || self.numbers.len() == self.events.len() {
            return Ok(());
        }
        let many = i64::try_from(self.events.len()).unwrap_or(i64::MAX);
        let mut drawn = connection.rows(&Sql::with(DRAW, [many.into()])).map_err(Fault::uncommitted)?;
        self.numbers = drawn.iter_mut().map(|record| record.number(0)).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// What became of a batch.
pub(crate) struct Settled {
    /// Of each device whether it was swapped.
    pub(crate) swaps: HashMap<i64, Result<bool, Fault>>,
    /// Of the lines that come with no swap.
    pub(crate) lines: Result<(), Fault>,
}

impl Settled {
    /// Notes whether the store took the batch, or a part of it. That all swaps have lost shows
    /// neither.
    pub(crate) fn note(&self, has_lines: bool, writable: &Writable) {
        let is_written = has_lines && self.lines.is_ok() || self.swaps.values().any(|swap| matches!(swap, Ok(true)));
        let fault = self.swaps.values().find_map(|swap| swap.as_ref().err()).or(self.lines.as_ref().err());
        match fault {
            _ if is_written => writable.done(),
            Some(fault) => writable.failed(fault),
            None => {}
        }
    }
}

/// Commits a batch, at most one write of each device, and tries again where that is safe.
///
/// A lost connection leaves open what was done. The same bytes are then sent again: they are stored
/// once at the most, for the first to arrive changes the version; and a row that holds them tells
/// that an earlier try was stored after all. A line that comes with no swap is sent again under the
/// same number.
pub(crate) fn settle(connection: &mut dyn Connection, mut writes: Vec<Write<'_>>, lines: &[&Event]) -> Settled {
    // All writers lock rows in the same order, so that seldom one waits for one that waits for it.
    writes.sort_unstable_by_key(Write::id);
    let lines = &mut Lines { events: lines, numbers: Vec::new() };
    settle_within(connection, &writes, lines, &mut Pauses::new(), false)
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
        let done =
            stored.and_then(|stored| if is_unsure { compare(connection, writes, &stored) } else { Ok(told(writes, &stored)) });
        let fault = match done {
            Ok(swaps) => return Settled { swaps, lines: Ok(()) },
            Err(fault) => fault,
        };
        is_unsure |= fault.failure == Failure::Unknown;
        if fault.failure == Failure::Conflict && !is_unsure {
            // Another's line may have one of them.
            lines.numbers.clear();
        }
        match fault.failure {
            // Each alone: what is in one another's way is not in its own.
            Failure::Conflict if writes.len().saturating_add(usize::from(!lines.events.is_empty())) > 1 => {
                let mut all = Settled { swaps: HashMap::new(), lines: Ok(()) };
                for write in writes.chunks(1) {
                    let none = &mut Lines { events: &[], numbers: Vec::new() };
                    all.swaps.extend(settle_within(connection, write, none, pauses, is_unsure).swaps);
                }
                all.lines = settle_within(connection, &[], lines, pauses, is_unsure).lines;
                return all;
            }
            Failure::Conflict | Failure::Unreached | Failure::Unknown if pauses.wait() => {}
            _ => {
                let fault = if is_unsure { fault.unknown() } else { schema::explained(connection, fault) };
                let swaps = writes.iter().map(|write| (write.id(), Err(fault.clone()))).collect();
                return Settled { swaps, lines: Err(fault) };
            }
        }
    }
}

fn told(writes: &[Write<'_>], stored: &HashSet<i64>) -> HashMap<i64, Result<bool, Fault>> {
    writes.iter().map(|write| (write.id(), Ok(stored.contains(&write.id())))).collect()
}

/// Finds out what became of writes of which an earlier try may have been done.
fn compare(
    connection: &mut dyn Connection,
    writes: &[Write<'_>],
    stored: &HashSet<i64>,
) -> Result<HashMap<i64, Result<bool, Fault>>, Fault> {
    let mut swaps = told(writes, stored);
    if writes.iter().all(|write| stored.contains(&write.id())) {
        return Ok(swaps);
    }
    let mut sql = Sql::new("SELECT id, version, record FROM device WHERE id");
    sql.among(connection.dialect(), writes.iter().map(Write::id));
    if connection.dialect() == Dialect::Postgres {
        // After a crash, a primary shows what its standby may not have. Who locks a row waits for
        // the standby to have all up to there.
        sql.push(" FOR UPDATE");
    }
    let mut found = HashMap::new();
    for record in &mut connection.rows(&sql)? {
        found.insert(record.number(0)?, (record.number(1)?, record.bytes(2)?));
    }
    for write in writes.iter().filter(|write| !stored.contains(&write.id())) {
        let next = write.swap.entry.version.saturating_add(1);
        let outcome = match found.get(&write.id()) {
            Some((version, record)) if *version == next => Ok(*record == write.record),
            // Others went on from there, from this write or from another.
            Some((version, _)) if *version > next => Err(Fault::of(Failure::Unknown, "a write was lost from sight")),
            _ => Ok(false),
        };
        swaps.insert(write.id(), outcome);
    }
    Ok(swaps)
}

/// Writes a batch once. Returns the devices that were swapped.
fn store(connection: &mut dyn Connection, writes: &[Write<'_>], lines: &Lines<'_>, is_again: bool) -> Result<HashSet<i64>, Fault> {
    let (states, wholes): (Vec<_>, Vec<_>) = writes.iter().partition(|write| write.swap.scope != Scope::Whole);
    let is_one_statement = wholes.is_empty() && (states.is_empty() || lines.events.is_empty());
    if connection.dialect() == Dialect::Postgres && is_one_statement {
        return store_in(connection, &states, &wholes, lines, is_again);
    }
    transaction(connection, Access::Write, |connection| store_in(connection, &states, &wholes, lines, is_again))
}

fn store_in(
    connection: &mut dyn Connection,
    states: &[&Write<'_>],
    wholes: &[&Write<'_>],
    lines: &Lines<'_>,
    is_again: bool,
) -> Result<HashSet<i64>, Fault> {
    let mut stored = HashSet::new();
    let mut of_swaps = Vec::new();
    if !states.is_empty() {
        stored = match connection.dialect() {
            Dialect::Sqlite => swap(connection, states)?,
            Dialect::Postgres => swap_and_trail(connection, states)?,
        };
        if connection.dialect() == Dialect::Sqlite {
            of_swaps.extend(states.iter().filter(|write| stored.contains(&write.id())).map(|write| &write.swap.event));
        }
    }
    for write in wholes {
        if swap_whole(connection, write)? {
            stored.insert(write.id());
            of_swaps.push(&write.swap.event);
        }
    }
    trail(connection, &of_swaps)?;
    trail_once(connection, lines, is_again)?;
    Ok(stored)
}

/// The columns of a swap that changes only the state.
const STATE: [(&str, Type); 7] = [
    ("id", Type::Number),
    ("version", Type::Number),
    ("status", Type::Text),
    ("fails", Type::Number),
    ("last_used", Type::Number),
    ("last_modified", Type::Number),
    ("record", Type::Bytes),
];

fn state(write: &Write<'_>) -> [Value; 7] {
    let Entry { row: Row { id, status, fails, last_used, last_modified, .. }, version, .. } = write.swap.entry;
    [
        id.into(),
        version.into(),
        Value::Text(status.to_string()),
        i64::from(fails).into(),
        last_used.map(time).into(),
        time(last_modified).into(),
        write.record.clone().into(),
    ]
}

/// Swaps states one by one: in a file, a statement is no journey.
fn swap(connection: &mut dyn Connection, writes: &[&Write<'_>]) -> Result<HashSet<i64>, Fault> {
    // SQLite writes the index of each column that is named, changed or not.
    const RECORD: &str = "UPDATE device SET version = version + 1, fails = $1, record = $2, last_modified = $3 \
                          WHERE id = $4 AND version = $5";
    const STATE: &str = "UPDATE device SET version = version + 1, fails = $1, record = $2, last_modified = $3, status = $4, \
                         last_used = $5 WHERE id = $6 AND version = $7";
    let mut stored = HashSet::with_capacity(writes.len());
    for write in writes {
        let [id, version, status, fails, last_used, last_modified, record] = state(write);
        let sql = match write.swap.scope {
            Scope::Record => Sql::with(RECORD, [fails, record, last_modified, id, version]),
            Scope::State | Scope::Whole => Sql::with(STATE, [fails, record, last_modified, status, last_used, id, version]),
        };
        if connection.change(&sql)? > 0 {
            stored.insert(write.id());
        }
    }
    Ok(stored)
}

/// Swaps states and writes the lines of those that were swapped, all in one statement, which SQLite
/// cannot.
fn swap_and_trail(connection: &mut dyn Connection, writes: &[&Write<'_>]) -> Result<HashSet<i64>, Fault> {
    let mut sql = Sql::new("WITH ");
    sql.table(connection.dialect(), "next", &STATE, writes.iter().map(|write| state(write)));
    sql.push(
        ", swapped AS (UPDATE device SET version = device.version + 1, status = next.status, fails = next.fails, \
         last_used = next.last_used, last_modified = next.last_modified, record = next.record \
         FROM next WHERE device.id = next.id AND device.version = next.version RETURNING device.id), ",
    );
    sql.table(connection.dialect(), "line", &LINE, writes.iter().map(|write| line(&write.swap.event)));
    sql.push(", trailed AS (INSERT INTO trail (at, event, actor, device, user_name, success, reason, drift) ")
        .push("SELECT line.* FROM line, swapped WHERE line.device = swapped.id) SELECT id FROM swapped");
    connection.rows(&sql)?.iter_mut().map(|record| record.number(0)).collect()
}

fn swap_whole(connection: &mut dyn Connection, write: &Write<'_>) -> Result<bool, Fault> {
    let Entry { row, version, .. } = &write.swap.entry;
    let columns: [(&str, Value); 11] = [
        ("name", (&row.name).into()),
        ("user_name", (&row.user).into()),
        ("email", row.email.as_ref().into()),
        ("phone", row.phone.as_ref().into()),
        ("external_id", row.external_id.as_ref().into()),
        ("deleted", i64::from(row.deleted).into()),
        ("status", Value::Text(row.status.to_string())),
        ("fails", i64::from(row.fails).into()),
        ("last_used", row.last_used.map(time).into()),
        ("last_modified", time(row.last_modified).into()),
        ("record", write.record.clone().into()),
    ];
    let mut sql = Sql::new("UPDATE device SET version = version + 1");
    for (column, value) in columns {
        sql.push(", ").push(column).push(" = ").bind(value);
    }
    sql.push(" WHERE id = ").bind(row.id).push(" AND version = ").bind(*version);
    Ok(connection.change(&sql)? > 0)
}

/// The columns of a device.
pub(crate) const DEVICE: [(&str, Type); 15] = [
    ("id", Type::Number),
    ("version", Type::Number),
    ("name", Type::Text),
    ("user_name", Type::Text),
    ("email", Type::Text),
    ("phone", Type::Text),
    ("external_id", Type::Text),
    ("deleted", Type::Number),
    ("kind", Type::Text),
    ("status", Type::Text),
    ("fails", Type::Number),
    ("created", Type::Number),
    ("last_used", Type::Number),
    ("last_modified", Type::Number),
    ("record", Type::Bytes),
];

/// Their values.
pub(crate) fn device(row: &Row, name: String, version: i64, record: &[u8]) -> [Value; 15] {
    [
        row.id.into(),
        version.into(),
        Value::Text(name),
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
        time(row.last_modified).into(),
        record.to_vec().into(),
    ]
}

/// The columns of the trail.
const LINE: [(&str, Type); 8] = [
    ("at", Type::Number),
    ("event", Type::Text),
    ("actor", Type::Text),
    ("device", Type::Number),
    ("user_name", Type::Text),
    ("success", Type::Number),
    ("reason", Type::Text),
    ("drift", Type::Number),
];

fn line(event: &Event) -> [Value; 8] {
    [
        time(event.at).into(),
        event.kind.name().into(),
        (&event.actor).into(),
        event.device_id.into(),
        (&event.user).into(),
        i64::from(event.success).into(),
        (&event.reason).into(),
        event.drift.into(),
    ]
}

/// Writes to the trail.
pub(crate) fn trail(connection: &mut dyn Connection, events: &[&Event]) -> Result<(), Fault> {
    match connection.dialect() {
        Dialect::Sqlite => {
            const INSERT: &str = "INSERT INTO trail (at, event, actor, device, user_name, success, reason, drift) \
                                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            for event in events {
                connection.change(&Sql::with(INSERT, line(event)))?;
            }
        }
        Dialect::Postgres if events.is_empty() => {}
        Dialect::Postgres => {
            let mut sql = Sql::new("WITH ");
            sql.table(connection.dialect(), "line", &LINE, events.iter().map(|event| line(event)));
            sql.push(" INSERT INTO trail (at, event, actor, device, user_name, success, reason, drift) SELECT * FROM line");
            connection.change(&sql)?;
        }
    }
    Ok(())
}

/// Writes to the trail what comes with no swap; of lines that may be there already, those that are
/// not.
fn trail_once(connection: &mut dyn Connection, lines: &Lines<'_>, is_again: bool) -> Result<(), Fault> {
    if connection.dialect() == Dialect::Sqlite || lines.events.is_empty() {
        return trail(connection, lines.events);
    }
    let numbered = |(number, event): (&i64, &&Event)| std::iter::once(Value::Number(*number)).chain(line(event));
    let columns: Vec<_> = std::iter::once(("id", Type::Number)).chain(LINE).collect();
    let mut sql = Sql::new("WITH ");
    sql.table(connection.dialect(), "line", &columns, lines.numbers.iter().zip(lines.events).map(numbered));
    sql.push(" INSERT INTO trail (id, at, event, actor, device, user_name, success, reason, drift) SELECT * FROM line");
    if is_again {
        sql.push(" ON CONFLICT (id) DO NOTHING");
    }
    connection.change(&sql).map(|_| ())
}

/// Seals the device of an entry. Errors: no randomness.
pub(crate) fn seal(sealer: &Sealer, entry: &Entry) -> Result<Vec<u8>, Fault> {
    sealer.seal(&entry.device, entry.row.id)
}

/// Unix seconds as a column has them.
pub(crate) fn time(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
