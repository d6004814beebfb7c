//! The audit trail, read.

use keyfob_scim::Error;
use serde::Serialize;

use super::Store;
use super::sql::{Fault, Record, Sql};

/// Which lines are wanted: those that match everything given.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this device.
    pub device: Option<i64>,
    /// Of this user's devices.
    pub user: Option<String>,
    /// At this time or later, in Unix seconds.
    pub since: Option<i64>,
    /// At most this many, the newest.
    pub limit: i64,
}

/// A line of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The number of the line.
    pub id: i64,
    /// When, in Unix seconds.
    pub at: i64,
    /// What happened.
    pub event: String,
    /// Who asked for it.
    pub actor: String,
    /// The device.
    pub device: i64,
    /// The user whose device it is.
    pub user: String,
    /// Whether the answer was right, or the operation done.
    pub success: bool,
    /// Why, or the status after it.
    pub reason: String,
    /// A right answer: by how many steps or counters it was off.
    pub drift: Option<i64>,
}

impl Store {
    /// Reads the trail, the newest lines first. Errors: 503.
    pub async fn trail(&self, wanted: &Wanted) -> Result<Vec<Line>, Error> {
        let mut sql = Sql::new("SELECT id, at, event, actor, device, user_name, success, reason, drift FROM trail WHERE 1 = 1");
        if let Some(device) = wanted.device {
            sql.push(" AND device = ").bind(device);
        }
        if let Some(user) = &wanted.user {
            sql.push(" AND user_name = ").bind(user);
        }
        if let Some(since) = wanted.since {
            sql.push(" AND at >= ").bind(since);
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(wanted.limit);
        self.search(move |connection| connection.rows(&sql)?.iter_mut().map(line).collect()).await
    }
}

fn line(record: &mut Record) -> Result<Line, Fault> {
    Ok(Line {
        id: record.number(0)?,
        at: record.number(1)?,
        event: record.text(2)?,
        actor: record.text(3)?,
        device: record.number(4)?,
        user: record.text(5)?,
        success: record.number(6)? != 0,
        reason: record.text(7)?,
        drift: record.maybe_number(8)?,
    })
}
