//! The search for an unlabelled token: all records are opened, a page at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyfob_scim::{Allowance, Error, FoundTokens, TokenSearch};

use super::entries::{self, EntryQuery};
use super::handle::Store;
use super::searches::Claim;
use crate::database::{Connection, DatabaseError, Sql};

/// How long a search may take.
const FIND_TIMEOUT: Duration = Duration::from_secs(60);
/// The row of `sequence` with the number of the [`Allowance`].
const ALLOWANCE: &str = "find";

impl Store {
    /// Spends so much of the store's allowance of searches for tokens, in one transaction. So the
    /// limit holds for all processes together. Returns after how many seconds there is enough: 0 if
    /// it was spent. A try that is repeated after a lost connection may spend twice. Errors: 503.
    pub(crate) async fn admit(&self, cost_seconds: u64, now: u64) -> Result<u64, Error> {
        self.write(move |connection| admit(connection, cost_seconds, now)).await
    }

    /// Finds the devices that show codes, on behalf of an account. `progress` receives the number
    /// of devices looked at so far.
    ///
    /// Errors: 503.
    pub(crate) async fn find(
        &self,
        account: &str,
        search: TokenSearch,
        mut progress: impl FnMut(u64),
    ) -> Result<FoundTokens, Error> {
        let (began, search) = (Instant::now(), Arc::new(search));
        let (mut all, mut query) = (FoundTokens::default(), EntryQuery::for_tokens(search.filter().clone()));
        loop {
            let (keys, search) = (self.keys(), Arc::clone(&search));
            // Other searches have their turns between two pages.
            let look = move |connection: &mut dyn Connection| {
                let page = entries::page(connection, &keys, &query)?;
                let unreadable = u64::try_from(page.unreadable.len()).unwrap_or(u64::MAX);
                let mut found = FoundTokens { unreadable, ..FoundTokens::default() };
                found.look_at(&search, &page.entries);
                Ok((found, page.next))
            };
            let (found, next) = self.scan(Claim::new(account), look).await?;
            all.append(found);
            progress(all.searched);
            let Some(next) = next else { return Ok(all) };
            query = next;
            if began.elapsed() >= FIND_TIMEOUT {
                return Err(took_too_long());
            }
        }
    }
}

fn admit(connection: &mut dyn Connection, cost_seconds: u64, now: u64) -> Result<u64, DatabaseError> {
    // The row is locked by this until the commit.
    let mut sql = Sql::new("INSERT INTO sequence (name, last) VALUES ");
    sql.tuple([ALLOWANCE.into(), 0.into()]);
    sql.push(" ON CONFLICT (name) DO UPDATE SET last = sequence.last RETURNING last");
    let kept = connection.rows(&sql)?.first_mut().map_or(Ok(0), |record| record.number(0))?;
    let (next, wait) = Allowance::from_number(u64::try_from(kept).unwrap_or_default()).spend(cost_seconds, now);
    let mut sql = Sql::new("UPDATE sequence SET last = ");
    sql.bind(i64::try_from(next.number()).unwrap_or(i64::MAX)).push(" WHERE name = ").bind(ALLOWANCE);
    connection.change(&sql)?;
    Ok(wait)
}

fn took_too_long() -> Error {
    let seconds = FIND_TIMEOUT.as_secs();
    let detail = format!("the search took longer than {seconds} seconds, and was ended; narrow it with a filter");
    Error { retry_after: None, ..Error::new(503, detail) }
}
