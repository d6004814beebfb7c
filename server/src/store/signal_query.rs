//! Signals as the operator sees them: listed, sent again and dropped.

use std::time::SystemTime;

use keyfob_scim::{Error, Signal};

use super::columns::{outbox, outbox_row_columns};
use super::handle::Store;
use super::rows::seconds;
use super::searches::Claim;
use super::signals::jti;
use super::trail::OPERATOR;
use crate::database::{Connection, DatabaseError, Readable, Record, Sql};

/// The columns of a listed signal: all of them.
const LISTED: &str = concat!("id, ", outbox_row_columns!(), ", is_dead, error");

/// How many rows one commit changes.
const PAGE_ROWS: u32 = if cfg!(test) { 3 } else { 2000 };

/// A query of the outbox: signals that match everything given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalQuery {
    /// The signals of this receiver.
    pub receiver: Option<String>,
    /// Dead letters only, or waiting ones only.
    pub is_dead: Option<bool>,
    /// The signals of this device.
    pub device: Option<i64>,
}

/// A signal of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSignal {
    /// The number of its row.
    pub id: i64,
    /// For whom.
    pub receiver: String,
    /// The number of its token.
    pub jti: String,
    /// Since when it waits, in Unix seconds.
    pub since: u64,
    /// Whether it was given up.
    pub is_dead: bool,
    /// Why it was given up.
    pub error: Option<String>,
    /// What happened.
    pub signal: Signal,
}

impl Store {
    /// Lists signals, the oldest first, at most `limit` of them. Errors: 503.
    pub async fn list_signals(&self, query: &SignalQuery, limit: u32) -> Result<Readable<ListedSignal>, Error> {
        let sql = query.sql(LISTED, 0, limit);
        let list =
            move |connection: &mut dyn Connection| Ok(Readable::new(&mut connection.rows(&sql)?, &outbox::COLUMNS, name, listed));
        self.scan(Claim::new(OPERATOR), list).await
    }

    /// Has dead letters sent again, with all of the time that a new signal has. Returns how many.
    /// Errors: 503; some may wait again by then.
    pub async fn retry_signals(&self, query: &SignalQuery) -> Result<u64, Error> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.change_signals(&SignalQuery { is_dead: Some(true), ..query.clone() }, move |sql| {
            sql.push("UPDATE outbox SET is_dead = 0, error = NULL, at = ").bind(seconds(now)).push(" WHERE is_dead = 1 AND id");
        })
        .await
    }

    /// Deletes signals. Returns how many. Errors: 503; some may be deleted by then.
    pub async fn drop_signals(&self, query: &SignalQuery) -> Result<u64, Error> {
        self.change_signals(query, |sql| {
            sql.push("DELETE FROM outbox WHERE id");
        })
        .await
    }

    /// Changes the signals that are there now, a page at a time. Returns how many.
    async fn change_signals(&self, query: &SignalQuery, begin: impl Fn(&mut Sql)) -> Result<u64, Error> {
        let newest = |connection: &mut dyn Connection| {
            connection.run("SELECT coalesce(max(id), 0) FROM outbox")?.first_mut().map_or(Ok(0), |record| record.number(0))
        };
        let (last, mut after, mut changed) = (self.look(newest).await?, 0, 0_u64);
        loop {
            let page = query.sql("id", after, PAGE_ROWS);
            let find = move |connection: &mut dyn Connection| {
                connection.rows(&page)?.iter().map(Record::id).collect::<Result<Vec<_>, _>>()
            };
            let mut ids = self.scan(Claim::new(OPERATOR), find).await?;
            ids.retain(|id| *id <= last);
            let Some(end) = ids.last() else { break };
            after = *end;
            let mut sql = Sql::default();
            begin(&mut sql);
            let change = move |connection: &mut dyn Connection| {
                let mut sql = sql.clone();
                sql.among_many(connection.dialect(), &ids);
                connection.change(&sql)
            };
            changed = changed.saturating_add(self.write(change).await?);
        }
        for receiver in self.0.rooms.receivers() {
            self.signal_counts(&receiver).await?;
        }
        Ok(changed)
    }
}

impl SignalQuery {
    /// The statement for signals behind a number, in the order of their numbers.
    fn sql(&self, columns: &'static str, after: i64, limit: u32) -> Sql {
        let mut sql = Sql::new("SELECT ");
        sql.push(columns).push(" FROM outbox WHERE id > ").bind(after);
        if let Some(receiver) = &self.receiver {
            sql.push(" AND receiver = ").bind(receiver);
        }
        if let Some(is_dead) = self.is_dead {
            sql.push(" AND is_dead = ").bind(i64::from(is_dead));
        }
        if let Some(device) = self.device {
            sql.push(" AND device = ").bind(device);
        }
        sql.push(" ORDER BY id LIMIT ").bind(i64::from(limit));
        sql
    }
}

/// What a sentence calls a row.
fn name(record: &Record) -> String {
    record.id().map_or_else(|_| "a signal of the outbox".to_owned(), |id| format!("signal {id} of the outbox"))
}

fn listed(record: &mut Record) -> Result<ListedSignal, DatabaseError> {
    let text = record.text(outbox::SIGNAL)?;
    let (id, random) = (record.id()?, record.text(outbox::JTI)?);
    Ok(ListedSignal {
        id,
        receiver: record.text(outbox::RECEIVER)?,
        jti: jti(id, &random),
        since: u64::try_from(record.number(outbox::AT)?).unwrap_or_default(),
        is_dead: record.number(outbox::IS_DEAD)? != 0,
        error: record.maybe_text(outbox::ERROR)?,
        signal: Signal::from_json(&text).map_err(DatabaseError::new)?,
    })
}
