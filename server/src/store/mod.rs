//! Devices in a database.
//!
//! Reads and writes of devices go in batches. Each write is its own compare and swap, a condition on the version it read; a batch shares
//! the statement and the commit. An answer comes only after the commit.

mod accounts;
mod filter;
mod keys;
mod reads;
mod schema;
mod sql;
mod sqlite;
#[cfg(test)]
mod tests;
mod trail;
mod workers;
mod writes;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use keyfob_scim::{Entry, Error, Event, Name, Page, Query, Swap};

pub use accounts::Account;
pub use keys::Keys;
use sql::{Connection as _, Fault};
use sqlite::Sqlite;
pub use trail::{Line, Wanted};
use workers::{Answer, Workers};
use writes::Change;

/// Work for a thread that is no part of a batch.
type Call = Box<dyn FnOnce(&mut Sqlite) + Send>;

/// A store of devices, accounts and the audit trail. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Threads>);

struct Threads {
    /// Reads of single devices, which no search delays.
    gets: Workers<(i64, Answer<Option<Entry>>)>,
    searches: Workers<Call>,
    changes: Workers<Change>,
    keys: Keys,
    all: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(..)")
    }
}

impl Store {
    /// Opens the store at `url` (`sqlite://FILE`), makes it if there is none, and brings it to this version.
    ///
    /// Errors: a sentence for people.
    pub fn open(url: &str, keys: Keys) -> Result<Self, String> {
        let path = url.strip_prefix("sqlite:").map(|path| PathBuf::from(path.strip_prefix("//").unwrap_or(path)));
        let path = path.filter(|path| !path.as_os_str().is_empty()).ok_or("store: must be sqlite://FILE")?;
        let fault = |error: Fault| format!("store {}: {error}", path.display());
        let mut writer = Sqlite::writer(&path).map_err(fault)?;
        schema::migrate(&mut writer).map_err(fault)?;
        let readers = || Sqlite::reader(&path).map(|reader| vec![reader]).map_err(fault);

        let of_gets = keys.clone();
        let (gets, mut threads) =
            Workers::start("keyfob-gets", readers()?, move |connection, jobs| reads::get(connection, &of_gets, jobs))?;
        let (searches, others) = Workers::start("keyfob-searches", readers()?, |connection, jobs: Vec<Call>| {
            for job in jobs {
                job(connection);
            }
        })?;
        threads.extend(others);
        let of_writes = keys.clone();
        let (changes, others) =
            Workers::start("keyfob-writes", vec![writer], move |connection, jobs| writes::change(connection, &of_writes, jobs))?;
        threads.extend(others);
        Ok(Self(Arc::new(Threads { gets, searches, changes, keys, all: Mutex::new(threads) })))
    }

    /// Ends when everything handed in is done. Where clones are left, they end it.
    pub fn close(self) {
        let threads = self.0.all.lock().map(|mut threads| std::mem::take(&mut *threads)).unwrap_or_default();
        if let Some(last) = Arc::into_inner(self.0) {
            drop(last);
            for thread in threads {
                let _ = thread.join();
            }
        }
    }

    /// Whether the store answers. Errors: 503.
    pub async fn ready(&self) -> Result<(), Error> {
        self.search(|connection| connection.run("SELECT max(version) FROM keyfob_schema").map(|_| ())).await
    }

    /// Reads an entry. Errors: 503; 500 for a record that does not open.
    pub async fn get(&self, id: i64) -> Result<Option<Entry>, Error> {
        self.0.gets.run(|answer| (id, answer)).await
    }

    /// Puts the entry in the place of the one it was read from, unless another was faster. Errors: 503.
    pub async fn swap(&self, swap: Box<Swap>) -> Result<bool, Error> {
        self.0.changes.run(|answer| Change::Swap(swap, answer)).await
    }

    /// Writes to the trail. Errors: 503.
    pub async fn record(&self, event: Event) -> Result<(), Error> {
        self.0.changes.run(|answer| Change::Record(event, answer)).await
    }

    /// Stores a new entry under the next number. Errors: 503.
    pub async fn insert(&self, entry: Box<Entry>, name: Name, event: Event) -> Result<Box<Entry>, Error> {
        let keys = self.0.keys.clone();
        self.write(move |connection| writes::insert(connection, &keys, entry, name, event)).await
    }

    /// Searches. Errors: 503.
    pub async fn list(&self, query: &Query) -> Result<Page, Error> {
        let query = query.clone();
        self.search(move |connection| reads::list(connection, &query)).await
    }

    /// Reads whatever else there is.
    async fn search<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Sqlite) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.searches.run(|answer| call(work, answer)).await
    }

    /// Writes whatever else there is, in a transaction.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Sqlite) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.changes.run(|answer| Change::Other(call(|connection| connection.transaction(work), answer))).await
    }
}

fn call<T: Send + 'static>(work: impl FnOnce(&mut Sqlite) -> Result<T, Fault> + Send + 'static, answer: Answer<T>) -> Call {
    Box::new(move |connection| {
        // Whoever went away needs no answer.
        let _ = answer.send(work(connection).map_err(|fault| unavailable(&fault)));
    })
}

/// What the database could not do, for the client; the log has the database's own words.
fn unavailable(fault: &Fault) -> Error {
    tracing::error!("store: {fault}");
    Error::new(503, "the store is not available; nothing was changed, and no verdict is given; try again")
}
