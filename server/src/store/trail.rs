//! The audit trail, read.

use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::Store;
use super::sql::Sql;

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
    /// Reads the trail, the newest lines first. Errors: those of the database.
    pub async fn trail(&self, wanted: &Wanted) -> Result<Vec<Line>, sqlx::Error> {
        let mut sql = Sql::new(
            self.shared.dialect,
            "SELECT id, at, event, actor, device, user_name, success, reason, drift FROM trail WHERE 1 = 1",
        );
        if let Some(device) = wanted.device {
            sql.push(" AND device = ").bind(device);
        }
        if let Some(user) = &wanted.user {
            sql.push(" AND user_name = ").bind(user.clone());
        }
        if let Some(since) = wanted.since {
            sql.push(" AND at >= ").bind(since);
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(wanted.limit);
        let rows = sqlx::query_with(AssertSqlSafe(sql.text), sql.values).fetch_all(&self.shared.reads).await?;
        let line = |row: &sqlx::any::AnyRow| {
            Ok(Line {
                id: row.try_get(0)?,
                at: row.try_get(1)?,
                event: row.try_get(2)?,
                actor: row.try_get(3)?,
                device: row.try_get(4)?,
                user: row.try_get(5)?,
                success: row.try_get::<i64, _>(6)? != 0,
                reason: row.try_get(7)?,
                drift: row.try_get(8)?,
            })
        };
        rows.iter().map(line).collect()
    }
}
