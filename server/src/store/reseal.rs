//! Resealing: all records get sealed under the first key while services go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyfob::sealed_key_id;
use keyfob_scim::Error;

use super::handle::Store;
use super::key_check;
use super::keys::Sealer;
use crate::database::{Connection, DatabaseError, Sql, Type, Value};

/// How many records are sealed in one commit.
const PAGE_RECORDS: i64 = 256;

/// The result of resealing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// The number of the first key. All readable records are sealed under it.
    pub key: u32,
    /// How many records were resealed.
    pub done: u64,
    /// The devices whose records do not open: damaged, or sealed under a missing key.
    pub unreadable: Vec<i64>,
    /// How many of those records each key has, by its number.
    pub left: BTreeMap<u32, u64>,
    /// The numbers of the keys that another process still seals under.
    pub in_use: Vec<u32>,
}

/// The result for a page of records.
struct Page {
    last: Option<i64>,
    done: u64,
    /// The keys of the records to be resealed, including those that other processes changed first.
    found: Vec<u32>,
    /// The records that do not open, with the numbers of their keys.
    unreadable: Vec<(i64, Option<u32>)>,
}

impl Store {
    /// Reseals every record that is not under the first key. It goes through all records until none
    /// is left, or until a round finds no fewer than the round before, since another process then
    /// seals under an old key as fast. `progress` receives the number of resealed records of each
    /// page. Each record is its own compare and swap: a verification in between wins, and its
    /// record is resealed in the next round.
    ///
    /// Then no other key is needed any more, unless a process still seals under it. To find out,
    /// this marks all other keys, waits for `wait` and goes through the records once more. A key
    /// that is still marked and has no record loses its key check value. `wait` must be longer than
    /// a record may take from a process to the store.
    ///
    /// Errors: 503.
    pub async fn reseal(&self, wait: Duration, mut progress: impl FnMut(u64)) -> Result<Resealed, Error> {
        let mut all = Resealed { key: self.keys().ring().first(), ..Resealed::default() };
        self.seal_all(&mut all, &mut progress).await?;
        let key = all.key;
        let marked = self.write_sealed(Ok, move |connection, _| key_check::mark_others(connection, key)).await?;
        if marked.is_empty() {
            return Ok(all);
        }
        tokio::time::sleep(wait).await;
        let found = self.seal_all(&mut all, &mut progress).await?;
        let is_free = |key: &u32| !all.left.contains_key(key) && !found.contains(key);
        let free: Vec<u32> = marked.into_iter().filter(is_free).collect();
        let used = self.write(move |connection| key_check::remove_marked(connection, &free)).await?;
        all.in_use = found.into_iter().chain(used).collect::<BTreeSet<_>>().into_iter().collect();
        Ok(all)
    }

    /// Gives up a lost key, and with it the records that are sealed under it. The store opens
    /// without the key from then on. Returns whether the store needed the key. Errors: 503.
    pub async fn give_up_key(&self, key: u32) -> Result<bool, Error> {
        self.write(move |connection| key_check::remove(connection, key)).await
    }

    /// Goes through all records until none is left to reseal, or their number falls no more.
    /// Returns the keys of the records of the last round: another process seals under them.
    async fn seal_all(&self, all: &mut Resealed, progress: &mut impl FnMut(u64)) -> Result<BTreeSet<u32>, Error> {
        let mut before = usize::MAX;
        loop {
            let (mut after, mut found, mut keys) = (0, 0_usize, BTreeSet::new());
            (all.unreadable, all.left) = (Vec::new(), BTreeMap::new());
            loop {
                let page = self.write_sealed(Ok, move |connection, sealer| page(connection, sealer, after)).await?;
                all.done = all.done.saturating_add(page.done);
                found = found.saturating_add(page.found.len());
                keys.extend(page.found);
                for (id, key) in page.unreadable {
                    all.unreadable.push(id);
                    if let Some(key) = key {
                        let left = all.left.entry(key).or_default();
                        *left = left.saturating_add(1);
                    }
                }
                progress(page.done);
                match page.last {
                    Some(id) => after = id,
                    None => break,
                }
            }
            // A service that does not have the new key yet may go on sealing under an old one.
            if found == 0 || found >= before {
                return Ok(keys);
            }
            before = found;
        }
    }
}

fn page(connection: &mut dyn Connection, sealer: &Sealer, after: i64) -> Result<Page, DatabaseError> {
    let mut sql = Sql::new("SELECT id, version, record FROM device WHERE id > ");
    sql.bind(after).push(" ORDER BY id LIMIT ").bind(PAGE_RECORDS);
    let mut page = Page { last: None, done: 0, found: Vec::new(), unreadable: Vec::new() };
    let mut next: Vec<[Value; 3]> = Vec::new();
    for record in &mut connection.rows(&sql)? {
        let id = record.id()?;
        page.last = Some(id);
        let (Ok(version), Ok(old)) = (record.number(1), record.bytes(2)) else {
            page.unreadable.push((id, None));
            continue;
        };
        if sealer.is_current(&old) {
            continue;
        }
        match sealer.open(&old, id) {
            Ok(device) => {
                next.push([id.into(), version.into(), sealer.seal(&device, id)?.into()]);
                page.found.extend(sealed_key_id(&old));
            }
            Err(_) => page.unreadable.push((id, sealed_key_id(&old).ok())),
        }
    }
    if next.is_empty() {
        return Ok(page);
    }
    let mut sql = Sql::new("WITH ");
    let columns = [("id", Type::Number), ("version", Type::Number), ("record", Type::Bytes)];
    sql.table(connection.dialect(), "next", &columns, next.into_iter());
    sql.push(
        " UPDATE device SET version = device.version + 1, record = next.record FROM next \
         WHERE device.id = next.id AND device.version = next.version RETURNING device.id",
    );
    let done = connection.rows(&sql)?.len();
    page.done = u64::try_from(done).unwrap_or(u64::MAX);
    Ok(page)
}
