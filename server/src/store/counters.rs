//! Counters of messages: each is raised in the commit of the challenge whose code goes out.
//!
//! A counter belongs to one interval of one limit, and only grows. So a counter that is full stays
//! full, and a message is refused without a lock and without a write. Counters with room are locked
//! in the order of their names, so that two transactions never wait for each other.

use std::collections::{BTreeMap, BTreeSet};

use keyfob_scim::Count;

use super::columns::{message_count, message_count_columns};
use super::rows::seconds;
use crate::database::{Connection, DatabaseError, Dialect, Record, Sql};

const INSERT: &str = concat!("INSERT INTO message_count (", message_count_columns!(), ") VALUES ");

/// The counters of a batch within its transaction.
pub(super) struct Counters<'c> {
    /// The messages of each counter by its name. Those with room are locked.
    sent: BTreeMap<&'c str, i64>,
    raised: BTreeMap<&'c str, u64>,
}

impl<'c> Counters<'c> {
    /// Reads the counters of some messages, and locks those of messages that all have room for.
    pub(super) fn lock(connection: &mut dyn Connection, messages: &[&'c [Count]]) -> Result<Self, DatabaseError> {
        let names: BTreeSet<&str> = messages.iter().copied().flatten().map(|count| count.counter.as_str()).collect();
        let read = read(connection, names.iter().copied())?;
        let sent = names.into_iter().map(|name| (name, read.get(name).copied().unwrap_or_default())).collect();
        let mut counters = Self { sent, raised: BTreeMap::new() };
        // A file has one writer at a time.
        if connection.dialect() == Dialect::Postgres {
            let open: BTreeMap<&str, u64> = messages
                .iter()
                .copied()
                .filter(|counts| counters.full(counts).is_none())
                .flatten()
                .map(|count| (count.counter.as_str(), count.ends))
                .collect();
            counters.lock_rows(connection, &open)?;
        }
        Ok(counters)
    }

    /// Locks the rows of counters, and makes those that are missing.
    fn lock_rows(&mut self, connection: &mut dyn Connection, open: &BTreeMap<&'c str, u64>) -> Result<(), DatabaseError> {
        if open.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new(INSERT);
        for (at, (name, ends)) in open.iter().enumerate() {
            sql.push(if at == 0 { "" } else { ", " }).tuple([(*name).into(), 0.into(), seconds(*ends).into()]);
        }
        sql.push(concat!(" ON CONFLICT (counter) DO UPDATE SET sent = message_count.sent RETURNING ", message_count_columns!()));
        let locked = by_name(&mut connection.rows(&sql)?)?;
        for (name, sent) in &mut self.sent {
            if let Some(now) = locked.get(*name) {
                *sent = *now;
            }
        }
        Ok(())
    }

    /// The counter of a message that is full; of several, the one whose interval ends last.
    pub(super) fn full<'m>(&self, counts: &'m [Count]) -> Option<&'m Count> {
        let is_full = |count: &Count| self.sent.get(count.counter.as_str()).is_some_and(|sent| *sent >= i64::from(count.max));
        counts.iter().filter(|count| is_full(count)).max_by_key(|count| count.ends)
    }

    /// Counts a message, to be written by [`write`](Self::write).
    pub(super) fn raise(&mut self, counts: &'c [Count]) {
        for count in counts {
            if let Some(sent) = self.sent.get_mut(count.counter.as_str()) {
                *sent = sent.saturating_add(1);
                self.raised.insert(&count.counter, count.ends);
            }
        }
    }

    /// Writes the counters that were raised.
    pub(super) fn write(&self, connection: &mut dyn Connection) -> Result<(), DatabaseError> {
        if self.raised.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new(INSERT);
        for (at, (name, ends)) in self.raised.iter().enumerate() {
            let sent = self.sent.get(name).copied().unwrap_or_default();
            sql.push(if at == 0 { "" } else { ", " }).tuple([(*name).into(), sent.into(), seconds(*ends).into()]);
        }
        sql.push(" ON CONFLICT (counter) DO UPDATE SET sent = excluded.sent");
        connection.change(&sql).map(|_| ())
    }
}

/// Reads counters. One that the store does not have is left out.
pub(super) fn read<'n>(
    connection: &mut dyn Connection,
    names: impl ExactSizeIterator<Item = &'n str>,
) -> Result<BTreeMap<String, i64>, DatabaseError> {
    if names.len() == 0 {
        return Ok(BTreeMap::new());
    }
    let mut sql = Sql::new(concat!("SELECT ", message_count_columns!(), " FROM message_count WHERE counter IN "));
    sql.tuple(names.map(Into::into));
    by_name(&mut connection.rows(&sql)?)
}

fn by_name(records: &mut [Record]) -> Result<BTreeMap<String, i64>, DatabaseError> {
    records.iter_mut().map(|record| Ok((record.text(message_count::COUNTER)?, record.number(message_count::SENT)?))).collect()
}
