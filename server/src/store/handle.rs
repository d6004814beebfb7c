//! The handle on a store: its threads, and how work reaches them.

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use keyfob_scim::{Entry, Error};

use super::call::{Call, call};
use super::keys::{Keys, Sealer};
use super::outbox;
use super::replies::Replies;
use super::rooms::{OutboxRules, Rooms};
use super::searches::{Claim, Lane};
use super::workers::{MAX_BATCH_JOBS, Reply, Workers};
use super::writable::Writable;
use super::writes::{self, Change};
use super::{reads, schema, texts};
use crate::database::{Connection, Connections, DatabaseError, Latency, Location, latency, observed, persist_transaction, reread};

/// A job for the reader that searches never delay.
pub(super) enum Read {
    Entry(i64, Reply<Option<Entry>>),
    Other(Call),
}

/// A store of devices, accounts and the audit trail. Cheap to clone.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Threads>);

/// The threads that serve it, and what they share.
pub(super) struct Threads {
    pub(super) gets: Workers<Read>,
    pub(super) lookups: Lane,
    pub(super) scans: Lane,
    pub(super) changes: Workers<Change>,
    pub(super) keys: Keys,
    pub(super) writable: Writable,
    pub(super) rooms: Rooms,
    pub(super) latency: Latency,
    all: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(..)")
    }
}

impl Store {
    /// Opens the store at a location. Makes the store if there is none, and migrates an older one
    /// to this version. It stores no signal: there are no receivers.
    ///
    /// Errors: a sentence for people; there is no Tokio runtime.
    pub fn open(location: &Location, keys: Keys) -> Result<Self, String> {
        Self::open_with(location, keys, OutboxRules::default())
    }

    /// Opens the store as [`open`](Self::open) does, and stores signals for receivers.
    ///
    /// Errors: as those of [`open`](Self::open).
    pub fn open_with(location: &Location, keys: Keys, rules: OutboxRules) -> Result<Self, String> {
        let connect = || {
            let mut writer = location.writer()?;
            schema::migrate(&mut *writer)?;
            texts::prepare(&mut *writer);
            let rooms = outbox::open(&mut *writer, rules)?;
            drop(writer);
            Ok::<_, DatabaseError>((location.connections()?, rooms))
        };
        // Opening connections blocks, and the caller may be a task that must not.
        let connections =
            thread::scope(|scope| scope.spawn(connect).join()).map_err(|_| "the store could not be opened".to_owned())?;
        let (connections, rooms) = connections.map_err(|error| format!("store: {location}: {error}"))?;
        Self::start(connections, keys, rooms)
    }

    /// Whether there is a store at a location. Makes nothing. Must be called outside a runtime.
    ///
    /// Errors: a sentence for people; the database does not respond.
    pub fn exists(location: &Location) -> Result<bool, String> {
        if location.file().is_some_and(|path| !path.exists()) {
            return Ok(false);
        }
        let exists = || schema::exists(&mut *location.reader()?);
        exists().map_err(|error: DatabaseError| format!("store: {location}: {error}"))
    }

    /// Starts a thread for each connection.
    pub(super) fn start(connections: Connections, keys: Keys, rooms: Rooms) -> Result<Self, String> {
        let (get_keys, change_keys, latency) = (keys.clone(), keys.clone(), latency());
        let (read_latency, write_latency) = (latency.clone(), latency.clone());
        let (gets, mut all) = Workers::start("keyfob-gets", connections.gets, MAX_BATCH_JOBS, move |connection, jobs| {
            observed(&read_latency, "read", || {
                let mut entries = Vec::with_capacity(jobs.len());
                for job in jobs {
                    match job {
                        Read::Entry(id, reply) => entries.push((id, reply)),
                        Read::Other(call) => call(&mut **connection),
                    }
                }
                if !entries.is_empty() {
                    reads::get(&mut **connection, &get_keys, entries);
                }
            });
            Vec::new()
        })?;
        let (lookups, threads) = Lane::start("keyfob-lookups", connections.lookups, false)?;
        all.extend(threads);
        let (scans, threads) = Lane::start("keyfob-scans", connections.scans, true)?;
        all.extend(threads);
        let (replies, writable) = (Replies::start()?, Writable::default());
        let (outcome, change_rooms) = (writable.clone(), rooms.clone());
        let (changes, threads) = Workers::start("keyfob-changes", connections.changes, MAX_BATCH_JOBS, move |connection, jobs| {
            observed(&write_latency, "write", || {
                writes::change(&mut **connection, &change_keys, &replies, &outcome, &change_rooms, jobs)
            })
        })?;
        all.extend(threads);
        Ok(Self(Arc::new(Threads { gets, lookups, scans, changes, keys, writable, rooms, latency, all: Mutex::new(all) })))
    }

    /// Ends the threads once all their jobs are done. If clones are left, the last one does.
    pub fn close(self) {
        let threads = self.0.all.lock().map(|mut threads| std::mem::take(&mut *threads)).unwrap_or_default();
        if let Some(last) = Arc::into_inner(self.0) {
            drop(last);
            for thread in threads {
                let _ = thread.join();
            }
        }
    }

    /// The keys, shared with the store.
    pub fn keys(&self) -> Keys {
        self.0.keys.clone()
    }

    /// How long batches take. Clones share it.
    pub(crate) fn latency(&self) -> Latency {
        self.0.latency.clone()
    }

    /// Runs a short read, which does not wait for searches: no request can begin before its account
    /// is known.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.gets.run(|reply| Read::Other(call(move |connection| reread(connection, &mut work), reply))).await
    }

    /// Runs a read that may take long.
    pub(super) async fn scan<T: Send + 'static>(
        &self,
        claim: Claim,
        work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.scans.run(&claim, work).await
    }

    /// Gives work to a writer, and notes its outcome.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, Error> {
        let writable = self.0.writable.clone();
        let work = move |connection: &mut dyn Connection| writable.note(work(connection));
        self.0.changes.run(|reply| Change::Other(call(work, reply))).await
    }

    /// Runs work that writes, in a transaction. Doing it twice must do no harm.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, Error> {
        self.submit(move |connection| persist_transaction(connection, work)).await
    }

    /// Seals with the first key, and then writes in a transaction. Writing twice must do no harm.
    pub(super) async fn write_sealed<S: Send + 'static, T: Send + 'static>(
        &self,
        seal: impl FnOnce(Sealer) -> Result<S, DatabaseError> + Send + 'static,
        mut work: impl FnMut(&mut dyn Connection, &S) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, Error> {
        let keys = self.keys();
        let work = move |connection: &mut dyn Connection| {
            let sealed = seal(keys.sealer(connection)?)?;
            persist_transaction(connection, |connection| work(connection, &sealed))
        };
        self.submit(work).await
    }
}
