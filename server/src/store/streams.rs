//! What is known of each receiver of signals, and the lease of the process that sends to it.
//!
//! A lease needs no common clock. Its owner counts a beat up as long as it lives. Another process
//! takes it over once it has seen the same beat for some time, by a comparison and a swap: see
//! `lease`.

use keyfob_scim::Error;

use super::columns::{signal_stream, signal_stream_columns};
use super::handle::Store;
use super::rows::seconds;
use crate::database::{Connection, DatabaseError, Record, Sql, persist};

/// The right to send to a receiver, as its owner has confirmed it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The process that has it: random text, another one for each start.
    pub owner: String,
    /// It grows each time that the lease is taken or renewed.
    pub beat: i64,
}

/// What is known of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Who sends to it; none if no process does.
    pub lease: Option<Lease>,
    /// Whether nothing is sent to it for now.
    pub is_paused: bool,
    /// How many of its signals found no room.
    pub lost: u64,
    /// Why it does not take signals; none while it does.
    pub error: Option<String>,
    /// Since when, in Unix seconds.
    pub failing_since: Option<u64>,
}

impl Store {
    /// What is known of a receiver. Errors: 503.
    pub async fn stream(&self, receiver: &str) -> Result<Stream, Error> {
        let receiver = receiver.to_owned();
        self.look(move |connection| read(connection, &receiver)).await
    }

    /// Stops sending to a receiver, or begins again. Signals wait meanwhile. Errors: 503.
    pub async fn set_paused(&self, receiver: &str, is_paused: bool) -> Result<(), Error> {
        self.set_of_stream(receiver, move |sql| {
            sql.push("is_paused = ").bind(i64::from(is_paused));
        })
        .await
    }

    /// Notes why a receiver takes no signals and since when, in Unix seconds; `None` if it does.
    /// Errors: 503.
    pub async fn set_failing(&self, receiver: &str, failing: Option<(String, u64)>) -> Result<(), Error> {
        let (error, since) = failing.unzip();
        self.set_of_stream(receiver, move |sql| {
            sql.push("error = ").bind(error.as_deref()).push(", failing_since = ").bind(since.map(seconds));
        })
        .await
    }

    /// Takes the lease of a receiver for an owner, if it is still as it was `seen`, or still free.
    /// Errors: 503.
    pub async fn take_lease(&self, receiver: &str, seen: Option<&Lease>, owner: &str) -> Result<Option<Lease>, Error> {
        let (receiver, seen, owner) = (receiver.to_owned(), seen.cloned(), owner.to_owned());
        self.submit(move |connection| persist(connection, |connection| take(connection, &receiver, seen.as_ref(), &owner))).await
    }

    /// Confirms a lease. Returns it with its next beat, or none if another process has it. Errors:
    /// 503.
    pub async fn renew_lease(&self, receiver: &str, lease: &Lease) -> Result<Option<Lease>, Error> {
        self.take_lease(receiver, Some(lease), &lease.owner).await
    }

    /// Gives a lease up, so that another process can take it at once. Errors: 503.
    pub async fn release_lease(&self, receiver: &str, lease: &Lease) -> Result<(), Error> {
        let mut sql = Sql::new("UPDATE signal_stream SET owner = NULL, beat = beat + 1 WHERE receiver = ");
        sql.bind(receiver).push(" AND owner = ").bind(&lease.owner).push(" AND beat = ").bind(lease.beat);
        self.submit(move |connection| persist(connection, |connection| connection.change(&sql).map(|_| ()))).await
    }

    /// Sets columns of a receiver's row, and makes the row if there is none.
    async fn set_of_stream(&self, receiver: &str, set: impl FnOnce(&mut Sql)) -> Result<(), Error> {
        let mut sql = Sql::new("UPDATE signal_stream SET ");
        set(&mut sql);
        sql.push(" WHERE receiver = ").bind(receiver);
        let receiver = receiver.to_owned();
        self.write(move |connection| {
            make(connection, &receiver)?;
            connection.change(&sql).map(|_| ())
        })
        .await
    }
}

/// Makes the row of a receiver unless there is one.
fn make(connection: &mut dyn Connection, receiver: &str) -> Result<(), DatabaseError> {
    let mut sql = Sql::new("INSERT INTO signal_stream (receiver, beat, is_paused, lost) VALUES (");
    sql.bind(receiver).push(", 0, 0, 0) ON CONFLICT (receiver) DO NOTHING");
    connection.change(&sql).map(|_| ())
}

/// Adds to the numbers of signals that were lost.
pub(super) fn add_lost(connection: &mut dyn Connection, lost: &[(String, u64)]) -> Result<(), DatabaseError> {
    for (receiver, count) in lost {
        make(connection, receiver)?;
        let mut sql = Sql::new("UPDATE signal_stream SET lost = lost + ");
        sql.bind(seconds(*count)).push(" WHERE receiver = ").bind(receiver);
        connection.change(&sql)?;
    }
    Ok(())
}

fn read(connection: &mut dyn Connection, receiver: &str) -> Result<Stream, DatabaseError> {
    let mut sql = Sql::new(concat!("SELECT ", signal_stream_columns!(), " FROM signal_stream WHERE receiver = "));
    connection.rows(sql.bind(receiver))?.first_mut().map_or_else(|| Ok(Stream::default()), stream)
}

fn stream(record: &mut Record) -> Result<Stream, DatabaseError> {
    let beat = record.number(signal_stream::BEAT)?;
    Ok(Stream {
        lease: record.maybe_text(signal_stream::OWNER)?.map(|owner| Lease { owner, beat }),
        is_paused: record.number(signal_stream::IS_PAUSED)? != 0,
        lost: record.number(signal_stream::LOST)?.unsigned_abs(),
        error: record.maybe_text(signal_stream::ERROR)?,
        failing_since: record.maybe_number(signal_stream::FAILING_SINCE)?.map(i64::unsigned_abs),
    })
}

/// Takes the lease as it was seen. A lost connection leaves open whether an earlier try took it, so
/// a lease that this owner has next is the one that it took.
fn take(
    connection: &mut dyn Connection,
    receiver: &str,
    seen: Option<&Lease>,
    owner: &str,
) -> Result<Option<Lease>, DatabaseError> {
    if seen.is_none() {
        make(connection, receiver)?;
    }
    let mut sql = Sql::new("UPDATE signal_stream SET beat = beat + 1, owner = ");
    sql.bind(owner).push(" WHERE receiver = ").bind(receiver);
    match seen {
        Some(lease) => sql.push(" AND owner = ").bind(&lease.owner).push(" AND beat = ").bind(lease.beat),
        None => sql.push(" AND owner IS NULL"),
    };
    sql.push(" RETURNING beat");
    if let Some(taken) = connection.rows(&sql)?.first_mut() {
        return Ok(Some(Lease { owner: owner.to_owned(), beat: taken.number(0)? }));
    }
    let is_next = |lease: &Lease| lease.owner == owner && seen.is_none_or(|seen| Some(lease.beat) == seen.beat.checked_add(1));
    Ok(read(connection, receiver)?.lease.filter(is_next))
}
