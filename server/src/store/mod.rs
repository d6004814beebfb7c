//! Devices in a database.
//!
//! Reads and writes of devices go in batches. Each write is its own compare and swap, a condition
//! on the version it read; a batch shares the statement and the commit. An answer comes only after
//! the commit.

mod accounts;
mod answers;
mod batch;
mod copy;
mod files;
mod filter;
mod import;
mod key_check;
mod key_file;
mod keys;
mod latency;
mod location;
mod postgres;
mod reads;
mod reseal;
mod retry;
mod schema;
mod searches;
mod sql;
mod sqlite;
#[cfg(test)]
mod tests;
mod trail;
mod workers;
mod writable;
mod writes;

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use keyfob_scim::{Entry, Error, Event, Naming, Query, Step};

pub use accounts::Account;
use answers::Answers;
pub use copy::{Copied, Progress, copy};
pub(crate) use import::{Difference, FARTHEST_ZONE, Imported, Outcome, PAGE, Present};
pub use key_check::KeyCheck;
pub(crate) use key_check::numbered;
pub use key_file::KeyFile;
pub use keys::Keys;
use keys::Sealer;
use latency::observed;
pub(crate) use latency::{Latency, latency};
use location::Connections;
pub use location::{FEWEST, Location, Options};
pub use reads::Listed;
pub use reseal::Resealed;
use retry::{persist, reread};
use searches::{Claim, Lane};
pub use sql::Readable;
pub(crate) use sql::{Access, Connection, Fault, Sql};
use sql::{Dialect, Failure, transaction};
pub use trail::{Line, Wanted};
pub(crate) use trail::{in_words, word};
pub(crate) use workers::OLD;
use workers::{Answer, BATCH, Workers};
use writable::Writable;
pub(crate) use writes::Stepped;
use writes::{Change, Job};

/// Work for a thread that is no part of a batch.
type Call = Box<dyn FnOnce(&mut dyn Connection) + Send>;

/// A job for the reader that no search delays.
enum Read {
    Entry(i64, Answer<Option<Entry>>),
    Other(Call),
}

/// A store of devices, accounts and the audit trail. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Threads>);

struct Threads {
    gets: Workers<Read>,
    lookups: Lane,
    scans: Lane,
    changes: Workers<Change>,
    keys: Keys,
    writable: Writable,
    latency: Latency,
    all: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(..)")
    }
}

impl Store {
    /// Opens the store at a location, makes it if there is none, and brings it to this version.
    ///
    /// Errors: a sentence for people; there is no Tokio runtime.
    pub fn open(location: &Location, keys: Keys) -> Result<Self, String> {
        let connect = || {
            schema::migrate(&mut *location.writer()?)?;
            location.connections()
        };
        // Connections may block, and whoever opens a store may be one who must not.
        let connections =
            thread::scope(|scope| scope.spawn(connect).join()).map_err(|_| "the store could not be opened".to_owned())?;
        Self::start(connections.map_err(|fault| format!("store: {location}: {fault}"))?, keys)
    }

    /// Whether there is a store at a location. Makes nothing. To be asked outside of a runtime.
    ///
    /// Errors: a sentence for people; the database does not answer.
    pub fn exists(location: &Location) -> Result<bool, String> {
        if location.file().is_some_and(|path| !path.exists()) {
            return Ok(false);
        }
        let exists = || schema::exists(&mut *location.reader()?);
        exists().map_err(|fault: Fault| format!("store: {location}: {fault}"))
    }

    /// Starts a thread for each connection.
    fn start(connections: Connections, keys: Keys) -> Result<Self, String> {
        let (of_gets, of_changes, latency) = (keys.clone(), keys.clone(), latency());
        let (of_reads, of_writes) = (latency.clone(), latency.clone());
        let (gets, mut all) = Workers::start("keyfob-gets", connections.gets, BATCH, move |connection, jobs| {
            observed(&of_reads, "read", || {
                let mut entries = Vec::with_capacity(jobs.len());
                for job in jobs {
                    match job {
                        Read::Entry(id, answer) => entries.push((id, answer)),
                        Read::Other(call) => call(&mut **connection),
                    }
                }
                if !entries.is_empty() {
                    reads::get(&mut **connection, &of_gets, entries);
                }
            });
            Vec::new()
        })?;
        let (lookups, threads) = Lane::start("keyfob-lookups", connections.lookups, false)?;
        all.extend(threads);
        let (scans, threads) = Lane::start("keyfob-scans", connections.scans, true)?;
        all.extend(threads);
        let (answers, writable) = (Answers::start()?, Writable::default());
        let noted = writable.clone();
        let (changes, threads) = Workers::start("keyfob-changes", connections.changes, BATCH, move |connection, jobs| {
            observed(&of_writes, "write", || writes::change(&mut **connection, &of_changes, &answers, &noted, jobs))
        })?;
        all.extend(threads);
        Ok(Self(Arc::new(Threads { gets, lookups, scans, changes, keys, writable, latency, all: Mutex::new(all) })))
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

    /// Whether the store answers and takes writes, and the keys open what it holds. Errors: 503.
    pub async fn ready(&self) -> Result<(), Error> {
        let ring = self.0.keys.ring();
        let (is_current, check) =
            self.look(move |connection| Ok((schema::check(connection)?, key_check::check(connection, &ring)?))).await?;
        if !is_current {
            return Err(Error::new(503, "the store is of another version; restart the service"));
        }
        match check.filter(|check| !check.is_whole()) {
            Some(check) => Err(Error::new(503, format!("the key file {check}; put what is missing back"))),
            None => self.takes_writes().await,
        }
    }

    /// Checks the keys against the store's key check values, and begins a new store with the first
    /// key. Errors: 503.
    pub async fn check_keys(&self) -> Result<KeyCheck, Error> {
        let ring = self.0.keys.ring();
        let work = move |connection: &mut dyn Connection| persist(connection, |connection| key_check::begin(connection, &ring));
        self.submit(work).await
    }

    /// Takes other keys in the place of those that it has, if they are those of the store too. Keys
    /// that it needs and has stay there, although the others lack them. Returns what the others
    /// lack. Errors: 503.
    pub async fn take_keys(&self, next: &Keys) -> Result<KeyCheck, Error> {
        let ring = next.ring();
        let check = self.look(move |connection| key_check::check(connection, &ring)).await?.unwrap_or_default();
        if check.is_whole() || check.is_of_store() {
            self.0.keys.replace(next, &check.missing);
        }
        Ok(check)
    }

    /// Whether a commit that was told survives a crash of the database, as far as that can be
    /// asked. Errors: 503.
    pub async fn is_durable(&self) -> Result<bool, Error> {
        self.look(|connection| {
            // A file is opened so that it is.
            if connection.dialect() == Dialect::Sqlite {
                return Ok(true);
            }
            let mut is_on = |setting: &str| match connection.run(&format!("SHOW {setting}"))?.first_mut() {
                Some(record) => Ok::<_, Fault>(record.text(0)? != "off"),
                None => Ok(true),
            };
            Ok(is_on("synchronous_commit")? && is_on("fsync")?)
        })
        .await
    }

    /// The keys, which it shares with whoever has this.
    pub fn keys(&self) -> Keys {
        self.0.keys.clone()
    }

    /// Reads an entry. Errors: 503; 500 for a record that does not open.
    pub async fn get(&self, id: i64) -> Result<Option<Entry>, Error> {
        self.0.gets.run(|answer| Read::Entry(id, answer)).await
    }

    /// Does a step that reads a device to swap it, swaps it or writes to the trail, and the steps
    /// of this kind that follow it. Returns the next one of another kind. Errors: 503; 500 for a
    /// record that does not open.
    pub(crate) async fn change(&self, step: Step) -> Result<Stepped, Error> {
        self.0.changes.run(|answer| Change::Step(Box::new(Job { step, event: None, answer }))).await
    }

    /// Stores a new entry under a number that no other device has. Errors: 503.
    pub async fn insert(&self, mut entry: Box<Entry>, naming: Naming, event: Event) -> Result<Box<Entry>, Error> {
        let keys = self.0.keys.clone();
        let insert = move |connection: &mut dyn Connection| {
            writes::insert(connection, &keys, writes::draw, &mut entry, naming, &event)?;
            Ok(entry)
        };
        self.submit(insert).await
    }

    /// Searches for an account. A search that finds few devices by an index waits for no search
    /// that reads them all.
    ///
    /// Errors: 503.
    pub async fn list(&self, account: &str, query: &Query) -> Result<Listed, Error> {
        let claim = Claim::of(account);
        if filter::key(&query.filter).is_some() {
            let query = query.clone();
            if let Some(found) = self.0.lookups.run(&claim, move |connection| reads::look_up(connection, &query)).await? {
                return Ok(found);
            }
        }
        let query = query.clone();
        self.scan(claim, move |connection| reads::list(connection, &query)).await
    }

    /// How many devices are locked, by an index. Errors: 503.
    pub(crate) async fn locked_devices(&self) -> Result<u32, Error> {
        const COUNT: &str = "SELECT count(*) FROM device WHERE status = 'L'";
        let count = |connection: &mut dyn Connection| {
            let locked = connection.run(COUNT)?.first_mut().map_or(Ok(0), |record| record.number(0))?;
            Ok(u32::try_from(locked).unwrap_or(u32::MAX))
        };
        // For no account.
        self.0.lookups.run(&Claim::of(""), count).await
    }

    /// How long batches take. Clones share it.
    pub(crate) fn latency(&self) -> Latency {
        self.0.latency.clone()
    }

    /// Reads what is soon found, and waits for no search: who is asked for has to be known first.
    async fn look<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.gets.run(|answer| Read::Other(call(move |connection| reread(connection, &mut work), answer))).await
    }

    /// Reads what may take long.
    async fn scan<T: Send + 'static>(
        &self,
        claim: Claim,
        work: impl FnMut(&mut dyn Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.scans.run(&claim, work).await
    }

    /// Hands work in to a writer, and notes its outcome.
    async fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let writable = self.0.writable.clone();
        let work = move |connection: &mut dyn Connection| writable.note(work(connection));
        self.0.changes.run(|answer| Change::Other(call(work, answer))).await
    }

    /// Writes whatever else there is, in a transaction. Doing it twice must do no harm.
    async fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let work = move |connection: &mut dyn Connection| {
            persist(connection, |connection| transaction(connection, Access::Write, &mut work))
        };
        self.submit(work).await
    }

    /// Seals with the first key, and then writes in a transaction. Doing the latter twice must do
    /// no harm.
    async fn write_sealed<S: Send + 'static, T: Send + 'static>(
        &self,
        seal: impl FnOnce(Sealer) -> Result<S, Fault> + Send + 'static,
        mut work: impl FnMut(&mut dyn Connection, &S) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let keys = self.keys();
        let work = move |connection: &mut dyn Connection| {
            let sealed = seal(keys.sealer(connection)?)?;
            persist(connection, |connection| transaction(connection, Access::Write, |connection| work(connection, &sealed)))
        };
        self.submit(work).await
    }
}

fn call<T: Send + 'static>(work: impl FnOnce(&mut dyn Connection) -> Result<T, Fault> + Send + 'static, answer: Answer<T>) -> Call {
    let since = Instant::now();
    Box::new(move |connection| {
        // Whoever went away needs no answer, and what was not begun need not be. Those before it in
        // its batch may have waited long.
        if answer.is_closed() || since.elapsed() >= OLD {
            return;
        }
        let _ = answer.send(work(connection).map_err(|fault| unavailable(&schema::explained(connection, fault))));
    })
}

/// What the database could not do, for the client; the log has the database's own words.
fn unavailable(fault: &Fault) -> Error {
    let detail = match fault.failure {
        // The log has heard of it once, which is enough: it stays so.
        Failure::Gone => {
            "a file of the store was deleted or replaced while the service used it; no verdict is given, and what was just changed may be \
             lost; the service must be stopped, and started with the right file"
        }
        Failure::Moved => {
            "the store was moved to another one by keyfob migrate; nothing was changed, and no verdict is given; the service must be stopped, \
             and started with that store"
        }
        Failure::Unknown => "the store did not answer; whether it has stored this is not known, and no verdict is given; try again",
        _ => "the store is not available; nothing was changed, and no verdict is given; try again",
    };
    if fault.failure != Failure::Gone {
        tracing::error!("store: {fault}");
    }
    Error::new(503, detail)
}
