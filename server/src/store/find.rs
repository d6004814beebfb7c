//! The search for an unlabelled token: all records are opened, a page at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyfob_scim::{Allowance, Error, FoundTokens, TokenSearch};

use super::filter;
use super::handle::Store;
use super::keys::Keys;
use super::reads::{SELECT_ENTRIES, entry};
use super::searches::Claim;
use crate::database::{Connection, DatabaseError, Sql};

/// How many devices are read and compared at a time. Other searches have their turns in between.
const PAGE_DEVICES: usize = if cfg!(test) { 3 } else { 1024 };
/// How long a search may take.
const FIND_TIMEOUT: Duration = Duration::from_secs(60);
/// The row of `sequence` with the number of the [`Allowance`].
const ALLOWANCE: &str = "find";

/// What was found in a page.
struct Page {
    found: FoundTokens,
    /// The last device, if others may follow.
    last: Option<i64>,
}

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
        let (mut all, mut after) = (FoundTokens::default(), 0);
        loop {
            let (keys, search) = (self.keys(), Arc::clone(&search));
            let page = self.scan(Claim::new(account), move |connection| page(connection, &keys, &search, after)).await?;
            all.append(page.found);
            progress(all.searched);
            let Some(last) = page.last else { return Ok(all) };
            after = last;
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

fn page(connection: &mut dyn Connection, keys: &Keys, search: &TokenSearch, after: i64) -> Result<Page, DatabaseError> {
    let mut sql = Sql::new(SELECT_ENTRIES);
    filter::wanted_tokens(&mut sql, connection.dialect(), search.filter(), after);
    sql.push(" ORDER BY id LIMIT ").bind(i64::try_from(PAGE_DEVICES).unwrap_or(i64::MAX));
    let mut records = connection.rows(&sql)?;
    let mut page = Page { found: FoundTokens::default(), last: None };
    let is_full = records.len() >= PAGE_DEVICES;
    let mut entries = Vec::with_capacity(records.len());
    for record in &mut records {
        let (id, entry) = entry(record, keys)?;
        page.last = Some(id).filter(|_| is_full);
        match entry {
            Ok(entry) => entries.push(entry),
            Err(_) => page.found.unreadable = page.found.unreadable.saturating_add(1),
        }
    }
    page.found.look_at(search, &entries);
    Ok(page)
}

fn took_too_long() -> Error {
    let seconds = FIND_TIMEOUT.as_secs();
    let detail = format!("the search took longer than {seconds} seconds, and was ended; narrow it with a filter");
    Error { retry_after: None, ..Error::new(503, detail) }
}
