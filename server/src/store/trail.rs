//! Reading the audit trail, and adding a line to it.

use keyfob::Status;
use keyfob_scim::{Error, Event, Response, Step};
use serde::Serialize;

use super::columns::{trail, trail_key_column, trail_line_columns};
use super::handle::Store;
use super::searches::Claim;
use crate::database::{Connection, DatabaseError, Readable, Record, Sql};

/// How many lines are searched at a time, which takes some tenths of a second.
const PART_LINES: i64 = if cfg!(test) { 3 } else { 1_000_000 };

const SELECT: &str = concat!("SELECT ", trail_key_column!(), ", ", trail_line_columns!(), " FROM trail");

/// The account on whose behalf commands search: none, since the operator has no account.
pub(super) const OPERATOR: &str = "";

/// A query of the trail: lines that match everything given.
#[derive(Clone, Debug, Default)]
pub struct TrailQuery {
    /// The lines of this device.
    pub device: Option<i64>,
    /// The lines of this user's devices.
    pub user: Option<String>,
    /// The lines of this time or later, in Unix seconds.
    pub since: Option<i64>,
    /// At most this many lines, the newest ones.
    pub limit: u32,
}

/// A line of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailLine {
    /// Its number.
    pub id: i64,
    /// When, in Unix seconds.
    pub at: i64,
    /// What happened.
    pub event: String,
    /// The account that requested it.
    pub actor: String,
    /// The device.
    pub device: i64,
    /// The user whose device it is.
    pub user: String,
    /// Whether the code was right, or the operation done.
    pub success: bool,
    /// Why, or the status after it.
    pub reason: String,
    /// For a right code, by how many steps or counters it was off.
    pub drift: Option<i64>,
}

/// A reason of the trail as people and metrics see it. In the trail, the status after a change is a
/// letter; here it is a word.
pub(crate) fn in_words(reason: &str) -> &str {
    match reason.parse() {
        Ok(status) => word(status),
        Err(_) => reason,
    }
}

/// A status as a word.
pub(crate) const fn word(status: Status) -> &'static str {
    match status {
        Status::Created => "created",
        Status::Validated => "validated",
        Status::Locked => "locked",
        Status::Disabled => "disabled",
    }
}

impl Store {
    /// Writes a line to the trail that comes with no change of a device. Errors: 503.
    pub(crate) async fn audit(&self, event: Event) -> Result<(), Error> {
        let written = |()| Step::Done(Response::empty(204));
        self.change(Step::Audit { event, then: Box::new(written) }).await.map(|_| ())
    }

    /// Reads the trail, the newest lines first. Errors: 503.
    pub async fn trail(&self, wanted: &TrailQuery) -> Result<Readable<TrailLine>, Error> {
        let newest = |connection: &mut dyn Connection| {
            connection.run("SELECT coalesce(max(id), 0) FROM trail")?.first_mut().map_or(Ok(0), |record| record.number(0))
        };
        let (mut to, mut left) = (self.scan(Claim::new(OPERATOR), newest).await?, wanted.limit);
        let mut all = Readable { rows: Vec::new(), damaged: Vec::new() };
        // A part at a time: searching all of a long trail would exceed the limit of a search.
        while to > 0 && left > 0 {
            let from = to.saturating_sub(PART_LINES);
            let sql = wanted.sql(from, to, left);
            let part = self.scan(Claim::new(OPERATOR), move |connection| {
                let mut records = connection.rows(&sql)?;
                Ok((records.len(), Readable::new(&mut records, &trail::COLUMNS, name, line)))
            });
            let (found, part) = part.await?;
            left = left.saturating_sub(u32::try_from(found).unwrap_or(u32::MAX));
            all.rows.extend(part.rows);
            all.damaged.extend(part.damaged);
            to = from;
        }
        Ok(all)
    }
}

impl TrailQuery {
    /// The statement for the lines with numbers above `from`, up to `to`.
    fn sql(&self, from: i64, to: i64, limit: u32) -> Sql {
        let mut sql = Sql::new(SELECT);
        sql.push(" WHERE id > ").bind(from).push(" AND id <= ").bind(to);
        if let Some(device) = self.device {
            sql.push(" AND device = ").bind(device);
        }
        if let Some(user) = &self.user {
            sql.push(" AND user_name = ").bind(user);
        }
        if let Some(since) = self.since {
            sql.push(" AND at >= ").bind(since);
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(i64::from(limit));
        sql
    }
}

/// What a sentence calls a line.
fn name(record: &Record) -> String {
    record.id().map_or_else(|_| "a line of the trail".to_owned(), |id| format!("line {id} of the trail"))
}

fn line(record: &mut Record) -> Result<TrailLine, DatabaseError> {
    Ok(TrailLine {
        id: record.number(trail::ID)?,
        at: record.number(trail::AT)?,
        event: record.text(trail::EVENT)?,
        actor: record.text(trail::ACTOR)?,
        device: record.number(trail::DEVICE)?,
        user: record.text(trail::USER_NAME)?,
        success: record.number(trail::SUCCESS)? != 0,
        reason: record.text(trail::REASON)?,
        drift: record.maybe_number(trail::DRIFT)?,
    })
}
