//! The outbox: signals that wait for their receivers, written in the commit of the change that they
//! report.
//!
//! A signal has a row for each receiver. The database numbers the rows after it has locked the row
//! of the device. So the numbers of one device's signals grow with its changes, through any number
//! of processes.

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use keyfob_scim::{Row, Signal};

use super::columns::outbox_row_columns;
use super::rooms::{OutboxRules, Rooms};
use super::rows::seconds;
use crate::database::{Connection, DatabaseError, Dialect, ErrorKind, Sql, Type, Value};

/// The columns of a new row, in the order of [`outbox_row_columns`].
const COLUMNS: [(&str, Type); 5] =
    [("receiver", Type::Text), ("jti", Type::Text), ("device", Type::Number), ("at", Type::Number), ("signal", Type::Text)];

/// Counts the signals that wait for each receiver.
pub(super) fn open(connection: &mut dyn Connection, rules: OutboxRules) -> Result<Rooms, DatabaseError> {
    let mut counted = Vec::with_capacity(rules.receivers.len());
    for receiver in rules.receivers {
        let waiting = count(connection, &receiver)?;
        counted.push((receiver, waiting));
    }
    Ok(Rooms::new(counted, rules.max_waiting))
}

/// How many signals wait for a receiver.
pub(super) fn count(connection: &mut dyn Connection, receiver: &str) -> Result<u64, DatabaseError> {
    let mut sql = Sql::new("SELECT count(*) FROM outbox WHERE is_dead = 0 AND receiver = ");
    sql.bind(receiver);
    Ok(connection.rows(&sql)?.first_mut().map_or(Ok(0), |record| record.number(0))?.unsigned_abs())
}

/// The signals of one change on their way into the outbox, with their room in it. The room is given
/// back unless the change is stored.
#[derive(Default)]
pub(super) struct Drafts<'s> {
    signals: Cow<'s, [Signal]>,
    rooms: Rooms,
    receivers: Vec<Receiver>,
}

/// What one receiver gets.
struct Receiver {
    name: String,
    /// The number of each signal with room, and the random part of its token's number. They stay
    /// the same over all tries to store the change.
    rows: Vec<(usize, String)>,
    /// How many have no room.
    lost: u64,
}

impl<'s> Drafts<'s> {
    /// Takes room for the signals of a change. Errors: no randomness.
    pub(super) fn new(rooms: &Rooms, signals: impl Into<Cow<'s, [Signal]>>) -> Result<Self, DatabaseError> {
        let signals = signals.into();
        if signals.is_empty() {
            return Ok(Self::default());
        }
        let names = rooms.receivers().into_iter();
        let receivers = names.map(|name| Receiver { name, rows: Vec::new(), lost: 0 }).collect();
        let mut drafts = Self { signals, rooms: rooms.clone(), receivers };
        for number in 0..drafts.signals.len() {
            for (receiver, has_room) in drafts.receivers.iter_mut().zip(rooms.take()) {
                if has_room {
                    // Counted at once, so that an error gives the room back.
                    receiver.rows.push((number, String::new()));
                } else {
                    receiver.lost = receiver.lost.saturating_add(1);
                }
            }
        }
        drafts.draw()?;
        Ok(drafts)
    }

    /// Takes room for a signal of one receiver, which need not be one of this process. Errors: no
    /// randomness.
    pub(super) fn for_receiver(rooms: &Rooms, name: &str, signal: Signal) -> Result<Self, DatabaseError> {
        let has_room = rooms.take_one(name);
        let taken = if has_room { vec![(0, String::new())] } else { Vec::new() };
        let receiver = Receiver { name: name.to_owned(), rows: taken, lost: u64::from(!has_room) };
        let mut drafts = Self { signals: vec![signal].into(), rooms: rooms.clone(), receivers: vec![receiver] };
        drafts.draw()?;
        Ok(drafts)
    }

    fn draw(&mut self) -> Result<(), DatabaseError> {
        for (_, jti) in self.receivers.iter_mut().flat_map(|receiver| &mut receiver.rows) {
            *jti = draw()?;
        }
        Ok(())
    }

    /// Whether there is anything to write.
    pub(super) fn has_rows(&self) -> bool {
        self.receivers.iter().any(|receiver| !receiver.rows.is_empty())
    }

    /// Ends the change. `is_stored`: it is stored, or may be.
    pub(super) fn end(mut self, is_stored: bool) {
        self.give_back(is_stored);
    }

    /// Ends the change by its outcome, of which `is_done` tells whether it was stored. What is not
    /// known counts as stored: the room is corrected later.
    pub(super) fn end_as<T>(self, outcome: &Result<T, DatabaseError>, is_done: impl FnOnce(&T) -> bool) {
        self.end(match outcome {
            Ok(done) => is_done(done),
            Err(error) => error.kind == ErrorKind::Unknown,
        });
    }

    fn give_back(&mut self, is_stored: bool) {
        for Receiver { name, rows, lost } in self.receivers.drain(..) {
            let taken = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            self.rooms.end(&name, taken, lost, is_stored);
        }
    }

    /// The values of the rows, in the order of the signals. A new device gives its number and name.
    fn values(&self, new: Option<&Row>) -> Vec<[Value; COLUMNS.len()]> {
        let mut rows = Vec::new();
        for (number, signal) in self.signals.iter().enumerate() {
            let named = new.map(|row| signal.clone().with_new_device(row));
            let signal = named.as_ref().unwrap_or(signal);
            let text = signal.to_json();
            for receiver in &self.receivers {
                let drawn = receiver.rows.iter().filter(|(of, _)| *of == number);
                rows.extend(drawn.map(|(_, jti)| {
                    [(&receiver.name).into(), jti.into(), signal.device_id.into(), seconds(signal.at).into(), Value::from(&text)]
                }));
            }
        }
        rows
    }
}

impl Drop for Drafts<'_> {
    fn drop(&mut self) {
        self.give_back(false);
    }
}

/// Writes the signals of changes, each for its receivers. `drafts` have the new device that they
/// are of, if it is one. To be called after the devices were written, in their transaction.
pub(super) fn insert<'d>(
    connection: &mut dyn Connection,
    drafts: impl Iterator<Item = (&'d Drafts<'d>, Option<&'d Row>)>,
) -> Result<(), DatabaseError> {
    let rows: Vec<_> = drafts.filter(|(drafts, _)| drafts.has_rows()).flat_map(|(drafts, new)| drafts.values(new)).collect();
    match connection.dialect() {
        _ if rows.is_empty() => {}
        Dialect::Sqlite => {
            const INSERT: &str = concat!(
                "INSERT INTO outbox (",
                outbox_row_columns!(),
                ", is_dead) VALUES (",
                outbox_row_columns!(parameters),
                ", 0)"
            );
            for row in rows {
                connection.change(&Sql::from_parts(INSERT, row))?;
            }
        }
        Dialect::Postgres => {
            let columns = [&COLUMNS[..], &[("place", Type::Number)]].concat();
            let mut sql = Sql::new("WITH ");
            sql.table(
                connection.dialect(),
                "next",
                &columns,
                (0..).zip(rows).map(|(place, row)| row.into_iter().chain([Value::Number(place)])),
            );
            // The rows are numbered in this order.
            sql.push(concat!(
                " INSERT INTO outbox (",
                outbox_row_columns!(),
                ", is_dead) SELECT ",
                outbox_row_columns!(),
                ", 0 FROM next ORDER BY place"
            ));
            connection.change(&sql)?;
        }
    }
    Ok(())
}

/// 128 random bits.
pub(super) fn draw() -> Result<String, DatabaseError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| DatabaseError::new(error.to_string()))?;
    Ok(HEXLOWER.encode(&bytes))
}
