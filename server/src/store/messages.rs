//! The counters of messages as a running service sees them: how much of a budget is used, and the
//! deletion of counters whose intervals have ended.

use std::time::{Duration, SystemTime};

use keyfob_scim::Error;
use tokio::sync::watch;

use super::call::call;
use super::counters::read;
use super::handle::Store;
use super::rows::seconds;
use super::writes::Change;
use crate::database::{Connection, Sql, persist_transaction};

/// How long after the end of its interval a counter is kept: longer than clocks may differ.
const KEPT_SECONDS: u64 = 2 * 60 * 60;
/// How often a service deletes counters whose intervals have ended.
const DELETION_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How many counters one transaction deletes.
const MAX_DELETED: i64 = 1000;
/// The pause between two such transactions, for the requests that wait.
const DELETION_PAUSE: Duration = Duration::from_millis(10);

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
            let has_more = self.delete_ended_counters(now).await.unwrap_or_else(|error| {
                tracing::warn!("messages: old counters were not deleted: {error}");
                false
            });
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
        let mut delete = move |connection: &mut dyn Connection| {
            let mut sql = Sql::new("DELETE FROM message_count WHERE counter IN (SELECT counter FROM message_count WHERE ends < ");
            sql.bind(before).push(" ORDER BY ends, counter LIMIT ").bind(MAX_DELETED).push(")");
            Ok(connection.change(&sql)? > 0)
        };
        // Its failure is not noted: a store whose account may not delete takes all other writes.
        let work = move |connection: &mut dyn Connection| persist_transaction(connection, &mut delete);
        self.0.changes.run(|reply| Change::Other(call(work, reply))).await
    }
}
