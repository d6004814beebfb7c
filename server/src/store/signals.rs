//! Signals that wait, as a sender needs them: read, deleted, and given up as dead letters.

use std::collections::HashSet;

use keyfob_scim::{Error, Signal};
use tokio::sync::watch;

use super::handle::Store;
use super::outbox::{self, Drafts};
use super::rows::seconds;
use super::searches::Claim;
use crate::database::{Access, Connection, DatabaseError, Record, Sql, Type, Value, persist, persist_transaction, transaction};

/// How many rows one statement buries.
const PAGE_ROWS: usize = 500;

/// A signal that waits for a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxSignal {
    /// The number of its row. Those of one device grow with its changes.
    pub id: i64,
    /// The number of its token (`jti`), the same for each try.
    pub jti: String,
    /// The device that it is about; 0 for none.
    pub device: i64,
    /// Since when it waits, in Unix seconds: the time of the signal, or of the command that has it
    /// sent again.
    pub since: u64,
    /// What happened.
    pub signal: Signal,
}

/// How many signals a receiver has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalCounts {
    /// They wait.
    pub waiting: u64,
    /// They were given up.
    pub dead: u64,
    /// They found no room, in all processes.
    pub lost: u64,
}

/// The number of a token: that of its row, which finds it, and the random part.
pub(super) fn jti(id: i64, random: &str) -> String {
    format!("{id:x}-{random}")
}

/// The number of the row and the random part, which has letters and digits only. None of what is no
/// number of a token.
fn parts(jti: &str) -> Option<(i64, &str)> {
    let (id, random) = jti.split_once('-')?;
    let id = i64::from_str_radix(id, 16).ok()?;
    random.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some((id, random))
}

impl Store {
    /// The signals that wait for a receiver, the oldest first, without those of the devices `held`.
    /// A row that cannot be read becomes a dead letter. Errors: 503.
    pub async fn waiting_signals(&self, receiver: &str, held: Vec<i64>, limit: u32) -> Result<Vec<OutboxSignal>, Error> {
        let name = receiver.to_owned();
        let read = move |connection: &mut dyn Connection| {
            let mut sql = Sql::new("SELECT id, jti, device, at, signal FROM outbox WHERE is_dead = 0 AND receiver = ");
            sql.bind(&name);
            if !held.is_empty() {
                sql.push(" AND NOT (device").among(connection.dialect(), held.iter().copied()).push(")");
            }
            sql.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
            let (mut signals, mut unreadable) = (Vec::new(), Vec::new());
            for mut record in connection.rows(&sql)? {
                let id = record.id()?;
                match waiting(&mut record) {
                    Ok(signal) => signals.push(signal),
                    Err(reason) => unreadable.push((id, reason)),
                }
            }
            Ok((signals, unreadable))
        };
        let (signals, unreadable) = self.0.lookups.run(&claim(receiver), read).await?;
        if !unreadable.is_empty() {
            self.bury_rows(receiver, unreadable.into_iter().map(|(id, reason)| (id, None, reason)).collect()).await?;
        }
        Ok(signals)
    }

    /// Those of these numbers of tokens that a receiver has: of signals that wait, and of dead
    /// letters. Errors: 503.
    pub async fn known_jtis(&self, receiver: &str, jtis: &[String]) -> Result<HashSet<String>, Error> {
        let wanted: HashSet<(i64, String)> =
            jtis.iter().filter_map(|jti| parts(jti)).map(|(id, random)| (id, random.to_owned())).collect();
        if wanted.is_empty() {
            return Ok(HashSet::new());
        }
        let name = receiver.to_owned();
        let find = move |connection: &mut dyn Connection| {
            let mut sql = Sql::new("SELECT id, jti FROM outbox WHERE receiver = ");
            sql.bind(&name).push(" AND id");
            let ids: Vec<_> = wanted.iter().map(|(id, _)| *id).collect();
            sql.among_many(connection.dialect(), &ids);
            let mut found = HashSet::new();
            for record in &mut connection.rows(&sql)? {
                let row = (record.id()?, record.text(1)?);
                if wanted.contains(&row) {
                    found.insert(jti(row.0, &row.1));
                }
            }
            Ok(found)
        };
        self.0.lookups.run(&claim(receiver), find).await
    }

    /// Deletes signals of a receiver that it has taken, by the numbers of their tokens. Errors:
    /// 503.
    pub async fn delete_signals(&self, receiver: &str, jtis: &[String]) -> Result<(), Error> {
        let (ids, randoms): (Vec<_>, Vec<_>) =
            jtis.iter().filter_map(|jti| parts(jti)).map(|(id, random)| (id, random.to_owned())).unzip();
        if ids.is_empty() {
            return Ok(());
        }
        let (receiver, rooms) = (receiver.to_owned(), self.0.rooms.clone());
        self.submit(move |connection| {
            let dialect = connection.dialect();
            let mut sql = Sql::new("DELETE FROM outbox WHERE receiver = ");
            sql.bind(&receiver).push(" AND id").among_many(dialect, &ids);
            // After a failover to a server that lacks the last commits, their rows have the numbers
            // of new ones.
            sql.push(" AND jti").among_texts(dialect, &randoms);
            let deleted = persist(connection, |connection| connection.change(&sql))?;
            rooms.free(&receiver, deleted);
            Ok(())
        })
        .await
    }

    /// Gives signals of a receiver up by the numbers of their tokens, each for a reason: they
    /// become dead letters. Of more dead letters than may wait, the oldest are deleted and count as
    /// lost. Returns how many waited until now. Errors: 503.
    pub async fn bury_signals(&self, receiver: &str, reasons: Vec<(String, String)>) -> Result<u64, Error> {
        let row = |(jti, reason): (String, String)| {
            let (id, random) = parts(&jti)?;
            Some((id, Some(random.to_owned()), reason))
        };
        self.bury_rows(receiver, reasons.into_iter().filter_map(row).collect()).await
    }

    /// Buries rows by their numbers, and the random parts of their tokens if they could be read.
    async fn bury_rows(&self, receiver: &str, mut rows: Vec<(i64, Option<String>, String)>) -> Result<u64, Error> {
        if rows.is_empty() {
            return Ok(0);
        }
        rows.sort_unstable_by_key(|(id, ..)| *id);
        let (receiver, rooms) = (receiver.to_owned(), self.0.rooms.clone());
        self.submit(move |connection| {
            let max = rooms.max();
            let (buried, deleted) = persist_transaction(connection, |connection| bury(connection, &receiver, &rows, max))?;
            rooms.free(&receiver, buried);
            rooms.lose(&receiver, deleted);
            Ok(buried)
        })
        .await
    }

    /// Since when the oldest signal of a receiver waits, in Unix seconds; none if none waits.
    /// Errors: 503.
    pub async fn oldest_signal(&self, receiver: &str) -> Result<Option<u64>, Error> {
        let mut sql = Sql::new("SELECT at FROM outbox WHERE is_dead = 0 AND receiver = ");
        sql.bind(receiver).push(" ORDER BY id LIMIT 1");
        let read =
            move |connection: &mut dyn Connection| connection.rows(&sql)?.first_mut().map(|record| record.number(0)).transpose();
        let at = self.0.lookups.run(&claim(receiver), read).await?;
        Ok(at.map(|at| u64::try_from(at).unwrap_or_default()))
    }

    /// How many signals a receiver has. Corrects the count in memory. Errors: 503.
    pub async fn signal_counts(&self, receiver: &str) -> Result<SignalCounts, Error> {
        let (name, rooms) = (receiver.to_owned(), self.0.rooms.clone());
        let count = move |connection: &mut dyn Connection| {
            let added = rooms.added(&name);
            let waiting = outbox::count(connection, &name)?;
            rooms.correct(&name, waiting, added);
            let mut sql = Sql::new("SELECT count(*) FROM outbox WHERE is_dead = 1 AND receiver = ");
            let dead = number(connection, sql.bind(&name))?;
            let mut sql = Sql::new("SELECT lost FROM signal_stream WHERE receiver = ");
            let lost = number(connection, sql.bind(&name))?;
            Ok(SignalCounts { waiting, dead, lost: lost.saturating_add(rooms.unwritten(&name)) })
        };
        self.0.lookups.run(&claim(receiver), count).await
    }

    /// A channel that changes each time that this process has stored signals, for whichever
    /// receiver. Those of other processes must be looked for. It is closed without receivers.
    pub fn signals_stored(&self) -> watch::Receiver<()> {
        self.0.rooms.stored()
    }

    /// How many signals of a receiver this process has lost, since there was no room.
    pub fn signals_lost(&self, receiver: &str) -> u64 {
        self.0.rooms.lost(receiver)
    }

    /// Adds a signal for one receiver that comes with no change of a device. Returns whether there
    /// was room. Errors: 503; it may have been added then.
    pub async fn add_signal(&self, receiver: &str, signal: Signal) -> Result<bool, Error> {
        let (receiver, rooms) = (receiver.to_owned(), self.0.rooms.clone());
        self.submit(move |connection| {
            let drafts = Drafts::for_receiver(&rooms, &receiver, signal)?;
            let has_room = drafts.has_rows();
            // Tried once: what is added twice would be sent twice.
            let added =
                transaction(connection, Access::Write, |connection| outbox::insert(connection, std::iter::once((&drafts, None))));
            drafts.end_as(&added, |()| true);
            added.map(|()| has_room)
        })
        .await
    }
}

/// The claim of a receiver to a reader, apart from those of others and of accounts, which have no
/// control characters.
fn claim(receiver: &str) -> Claim {
    Claim::new(&format!("receiver\n{receiver}"))
}

/// Buries signals, and deletes the oldest dead letters behind `max`. Returns how many it has
/// buried, and how many deleted.
fn bury(
    connection: &mut dyn Connection,
    receiver: &str,
    rows: &[(i64, Option<String>, String)],
    max: Option<u64>,
) -> Result<(u64, u64), DatabaseError> {
    let mut buried = 0_u64;
    for page in rows.chunks(PAGE_ROWS) {
        let columns = [("id", Type::Number), ("jti", Type::Text), ("error", Type::Text)];
        let rows = page.iter().map(|(id, random, error)| [(*id).into(), Value::from(random.as_deref()), Value::from(error)]);
        let mut sql = Sql::new("WITH ");
        sql.table(connection.dialect(), "reason", &columns, rows);
        sql.push(
            " UPDATE outbox SET is_dead = 1, error = reason.error FROM reason WHERE outbox.id = reason.id AND outbox.is_dead = 0",
        );
        sql.push(" AND coalesce(reason.jti, outbox.jti) = outbox.jti AND outbox.receiver = ").bind(receiver);
        buried = buried.saturating_add(connection.change(&sql)?);
    }
    let Some(max) = max else { return Ok((buried, 0)) };
    let mut sql = Sql::new("DELETE FROM outbox WHERE is_dead = 1 AND receiver = ");
    sql.bind(receiver).push(" AND id <= (SELECT id FROM outbox WHERE is_dead = 1 AND receiver = ").bind(receiver);
    sql.push(" ORDER BY id DESC LIMIT 1 OFFSET ").bind(seconds(max)).push(")");
    Ok((buried, connection.change(&sql)?))
}

/// Reads a signal that waits. Errors: what is wrong with its row.
fn waiting(record: &mut Record) -> Result<OutboxSignal, String> {
    let mut read = || {
        let (id, device) = (record.id()?, record.number(2)?);
        let since = u64::try_from(record.number(3)?).unwrap_or_default();
        Ok((id, record.text(1)?, device, since, record.text(4)?))
    };
    let (id, random, device, since, text) =
        read().map_err(|error: DatabaseError| format!("its row cannot be read: {}", error.in_words(&READ)))?;
    Ok(OutboxSignal { id, jti: jti(id, &random), device, since, signal: Signal::from_json(&text)? })
}

/// The columns of a signal that waits, as they are read.
const READ: [(&str, Type); 5] =
    [("id", Type::Number), ("jti", Type::Text), ("device", Type::Number), ("at", Type::Number), ("signal", Type::Text)];

fn number(connection: &mut dyn Connection, sql: &Sql) -> Result<u64, DatabaseError> {
    Ok(connection.rows(sql)?.first_mut().map_or(Ok(0), |record| record.number(0))?.unsigned_abs())
}
