//! Counters of messages: each is raised in the commit of the challenge whose code goes out.
//!
//! A counter belongs to one interval of one limit, and only grows. So a counter that is full stays
//! full, and a message is refused without a lock and without a write. Counters with room are locked
//! in the order of their names, so that two transactions never wait for each other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use keyfob_scim::{Count, Error};
use tokio::sync::watch;

use super::columns::{message_count, message_count_columns};
use super::handle::Store;
use super::rows::seconds;
use crate::database::{Connection, DatabaseError, Dialect, Record, Sql};

/// How long after the end of its interval a counter is kept: longer than clocks may differ.
const KEPT_SECONDS: u64 = 2 * 60 * 60;
/// How often a service deletes counters whose intervals have ended.
const DELETION_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How many counters one transaction deletes.
const MAX_DELETED: i64 = 1000;
/// The pause between two such transactions, for the requests that wait.
const DELETION_PAUSE: Duration = Duration::from_millis(10);

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

    /// The position of a full counter among those of a message; of several, of the one whose
    /// interval ends last.
    pub(super) fn full(&self, counts: &[Count]) -> Option<usize> {
        let is_full = |count: &Count| self.sent.get(count.counter.as_str()).is_some_and(|sent| *sent >= i64::from(count.max));
        let full = counts.iter().enumerate().filter(|(_, count)| is_full(count));
        full.max_by_key(|(_, count)| count.ends).map(|(at, _)| at)
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
fn read<'n>(
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

impl Store {
    /// How many messages these counters have, in their order. Errors: 503.
    pub(crate) async fn messages_sent(&self, counters: Vec<String>) -> Result<Vec<u64>, Error> {
        self.look(move |connection| {
            let sent = read(connection, counters.iter().map(String::as_str))?;
            Ok(counters.iter().map(|name| sent.get(name).map_or(0, |sent| sent.unsigned_abs())).collect())
        })
        .await
    }

    /// Deletes the counters whose intervals have ended, at once and then each hour, until the
    /// channel changes or closes.
    pub(crate) async fn keep_counters_few(&self, mut stopped: watch::Receiver<bool>) {
        loop {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            // A store that takes no writes logs that itself.
            let has_more = self.delete_ended_counters(now).await == Ok(true);
            let pause = if has_more { DELETION_PAUSE } else { DELETION_INTERVAL };
            if tokio::time::timeout(pause, stopped.changed()).await.is_ok() {
                return;
            }
        }
    }

    /// Deletes some counters whose intervals have ended at this time. Returns whether there may be
    /// more. Errors: 503.
    pub(super) async fn delete_ended_counters(&self, now: u64) -> Result<bool, Error> {
        let before = seconds(now.saturating_sub(KEPT_SECONDS));
        let is_ended = move |connection: &mut dyn Connection| {
            let mut sql = Sql::new("SELECT counter FROM message_count WHERE ends < ");
            sql.bind(before).push(" LIMIT 1");
            Ok(!connection.rows(&sql)?.is_empty())
        };
        // Most often there is nothing to delete, and then nothing is written.
        if !self.look(is_ended).await? {
            return Ok(false);
        }
        self.write(move |connection| {
            let mut sql = Sql::new("DELETE FROM message_count WHERE counter IN (SELECT counter FROM message_count WHERE ends < ");
            sql.bind(before).push(" ORDER BY ends, counter LIMIT ").bind(MAX_DELETED).push(")");
            Ok(connection.change(&sql)? > 0)
        })
        .await
    }
}
