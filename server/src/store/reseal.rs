//! Records sealed anew under the first key, while services go on.

use keyfob_scim::Error;

use super::Store;
use super::keys::Keys;
use super::sql::{Connection, Fault, Sql, Type, Value};
use super::witness;

/// How many records are sealed in one commit.
const PAGE: i64 = 256;

/// What sealing anew came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// How many records were sealed anew.
    pub done: u64,
    /// The devices whose records do not open: damaged, or sealed under a key that is not there.
    pub unreadable: Vec<i64>,
}

/// A page of records, and what became of it.
struct Page {
    last: Option<i64>,
    done: u64,
    /// How many others were faster with.
    lost: u64,
    unreadable: Vec<i64>,
}

impl Store {
    /// Seals every record that is not under the first key anew, and goes through all of them until none is left. `progress` hears of each
    /// page how many more were done. Each is its own compare and swap: a verification in between wins, and its record is sealed in the
    /// next round. Errors: 503.
    pub async fn reseal(&self, mut progress: impl FnMut(u64)) -> Result<Resealed, Error> {
        let mut all = Resealed::default();
        loop {
            let (mut after, mut done, mut lost) = (0, 0_u64, 0_u64);
            all.unreadable.clear();
            loop {
                let keys = self.0.keys.clone();
                let page = self.write(move |connection| page(connection, &keys, after)).await?;
                (done, lost) = (done.saturating_add(page.done), lost.saturating_add(page.lost));
                all.unreadable.extend(page.unreadable);
                progress(page.done);
                match page.last {
                    Some(id) => after = id,
                    None => break,
                }
            }
            all.done = all.done.saturating_add(done);
            // A service that does not know the new key yet may have sealed under an old one meanwhile.
            if done == 0 && lost == 0 {
                let keys = self.0.keys.clone();
                self.write(move |connection| witness::reseal(connection, &keys)).await?;
                return Ok(all);
            }
        }
    }
}

fn page(connection: &mut dyn Connection, keys: &Keys, after: i64) -> Result<Page, Fault> {
    let mut sql = Sql::new("SELECT id, version, record FROM device WHERE id > ");
    sql.bind(after).push(" ORDER BY id LIMIT ").bind(PAGE);
    let mut page = Page { last: None, done: 0, lost: 0, unreadable: Vec::new() };
    let mut next: Vec<[Value; 3]> = Vec::new();
    for record in &mut connection.rows(&sql)? {
        let id = record.id()?;
        page.last = Some(id);
        let (Ok(version), Ok(sealed)) = (record.number(1), record.bytes(2)) else {
            page.unreadable.push(id);
            continue;
        };
        if keys.is_current(&sealed) {
            continue;
        }
        match keys.open(&sealed, id) {
            Ok(device) => {
                let sealed = keys.seal(&device, id).map_err(|error| Fault::new(error.to_string()))?;
                next.push([id.into(), version.into(), sealed.into()]);
            }
            Err(_) => page.unreadable.push(id),
        }
    }
    if next.is_empty() {
        return Ok(page);
    }
    let (wanted, mut sql) = (next.len(), Sql::new("WITH "));
    let columns = [("id", Type::Number), ("version", Type::Number), ("record", Type::Bytes)];
    sql.table(connection.dialect(), "next", &columns, next.into_iter());
    sql.push(
        " UPDATE device SET version = device.version + 1, record = next.record FROM next \
         WHERE device.id = next.id AND device.version = next.version RETURNING device.id",
    );
    let done = connection.rows(&sql)?.len();
    page.done = u64::try_from(done).unwrap_or(u64::MAX);
    page.lost = u64::try_from(wanted.saturating_sub(done)).unwrap_or(u64::MAX);
    Ok(page)
}
