//! Keeps the index of users and names up to date while a service runs.

use std::time::Duration;

use keyfob_scim::Error;
use tokio::sync::watch;

use super::handle::Store;
use super::texts::{index, renew, unindexed};
use crate::database::{Connection, Dialect, ErrorKind, persist_transaction};

/// How often a service looks for devices without an entry.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The pause between two commits, for the requests that wait.
const COMMIT_PAUSE: Duration = Duration::from_millis(10);
/// After how many commits in a row the log says that the store is being indexed.
const LOGGED_COMMITS: u64 = 40;

impl Store {
    /// Keeps the index of users and names up to date, until the channel changes or closes.
    pub(crate) async fn keep_texts_indexed(&self, mut stopped: watch::Receiver<bool>) {
        let mut commits = 0_u64;
        loop {
            // A store that takes no writes logs that itself, and its searches go on.
            let indexed = self.index_texts(commits > 0).await;
            let pause = if indexed == Ok(true) {
                commits = commits.saturating_add(1);
                if commits == LOGGED_COMMITS {
                    tracing::info!("store: indexing users and names; until it is done, searches for a text in them take longer");
                }
                COMMIT_PAUSE
            } else {
                if indexed.is_ok() {
                    if commits >= LOGGED_COMMITS {
                        tracing::info!("store: users and names are indexed");
                    }
                    commits = 0;
                }
                CHECK_INTERVAL
            };
            if tokio::time::timeout(pause, stopped.changed()).await.is_ok() {
                return;
            }
        }
    }

    /// Indexes some devices, if many lack an entry or `goes_on`. Returns whether there may be more.
    /// Errors: 503.
    pub(super) async fn index_texts(&self, goes_on: bool) -> Result<bool, Error> {
        let are_many =
            |connection: &mut dyn Connection| Ok(connection.dialect() == Dialect::Sqlite && unindexed(connection)?.is_none());
        if !goes_on && !self.look(are_many).await? {
            return Ok(false);
        }
        self.submit(|connection| match persist_transaction(connection, index) {
            Err(error) if error.kind == ErrorKind::Damaged => persist_transaction(connection, renew).map(|()| true),
            indexed => indexed,
        })
        .await
    }
}
