//! The connections that are open, and which of them makes room for a new one.
//!
//! An address (of IPv6 a network of 64 bits) that has as many as it may have makes room for its own
//! next one, and where all places are taken, the address with the most of them makes room for
//! anybody's. Of an address, the oldest connection goes: first of those whose clients send requests
//! without a wait for the answers, then of those whose last request was refused for its account,
//! then of those that have waited for their clients for some time, then of those on which no
//! request is being answered. One on which a request is being answered, and not refused, makes no
//! room for the same address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::limits::Limits;
use super::network::{Network, network};

/// How often the log tells that connections make room.
const TOLD: Duration = Duration::from_secs(60);

/// How long a connection has waited for its client that goes before others.
const IDLE: Duration = Duration::from_secs(5);
/// No time.
const NEVER: u64 = u64::MAX;

/// All connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections(Arc<All>);

struct All {
    limits: Limits,
    began: Instant,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    networks: HashMap<Network, HashMap<u64, Arc<Connection>>>,
    total: usize,
    next: u64,
    told: Option<Instant>,
}

/// What is known of one connection.
pub(super) struct Connection {
    number: u64,
    network: Network,
    began: Instant,
    /// Since when it waits for its client, in milliseconds since all began; [`NEVER`] if it does
    /// not.
    waits: AtomicU64,
    /// A request is being answered.
    is_asked: AtomicBool,
    /// The last request was refused for its account, or will be in a moment.
    is_refused: AtomicBool,
    /// So was the request before that which is being answered.
    was_refused: AtomicBool,
    /// Its answer is there, and not written yet.
    owes_answer: AtomicBool,
    /// A byte came since the last answer was written.
    has_read: AtomicBool,
    /// A request was there before the answer to the one before it was written.
    is_pipelined: AtomicBool,
    is_left: AtomicBool,
    cut: Notify,
}

/// The place of a connection among all. Held by it and by requests that outlive it, so that there
/// are no more of both than places.
pub(super) struct Place {
    all: Connections,
    connection: Arc<Connection>,
}

/// A request that is being answered, until this is dropped.
pub(super) struct Asked(Arc<Connection>);

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(All { limits, began: Instant::now(), open: Mutex::default() }))
    }

    /// A place for a new connection from this address; none if all are taken by requests that are
    /// being answered.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        let (network, limits) = (network(address), self.0.limits);
        let mut open = self.open();
        let theirs = open.networks.get(&network).map_or(0, HashMap::len);
        let is_over = limits.per_address > 0 && theirs >= limits.per_address;
        if is_over || open.total >= limits.connections {
            if open.told.is_none_or(|told| told.elapsed() >= TOLD) {
                open.told = Some(Instant::now());
                let total = open.total;
                tracing::warn!("connections are closed to make room: there are {total}, {theirs} of them from where {address} is");
            }
            let least = if is_over { open.least_of(&network) } else { open.least() };
            let least = least.filter(|one| !one.is_asked() || one.is_pipelined() || one.is_refused() || one.network != network)?;
            open.cut(&least);
        }
        let number = open.next;
        open.next = number.wrapping_add(1);
        open.total = open.total.saturating_add(1);
        let connection = Arc::new(Connection {
            number,
            network,
            began: self.0.began,
            waits: AtomicU64::new(NEVER),
            is_asked: AtomicBool::default(),
            is_refused: AtomicBool::default(),
            was_refused: AtomicBool::default(),
            owes_answer: AtomicBool::default(),
            has_read: AtomicBool::default(),
            is_pipelined: AtomicBool::default(),
            is_left: AtomicBool::default(),
            cut: Notify::new(),
        });
        open.networks.entry(network).or_default().insert(number, Arc::clone(&connection));
        Some(Place { all: self.clone(), connection })
    }

    /// Closes the connection that would make room for a new one.
    pub(super) fn make_room(&self) {
        let mut open = self.open();
        if let Some(least) = open.least() {
            open.cut(&least);
        }
    }

    /// Lets each connection on which no request is being answered end at once when it ends.
    pub(super) fn leave(&self) {
        self.open()
            .all()
            .filter(|connection| !connection.is_asked())
            .for_each(|connection| connection.is_left.store(true, Ordering::Relaxed));
    }

    /// Closes the connections that have waited for their clients for so long.
    pub(super) fn cut_stalled(&self, time: Duration) {
        let mut open = self.open();
        let stalled: Vec<_> = open.all().filter(|one| !one.is_asked() && one.waited() >= time).map(Arc::clone).collect();
        for connection in &stalled {
            open.cut(connection);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn all(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.networks.values().flat_map(HashMap::values)
    }

    /// What makes room for a connection of a network that has as many as it may have.
    fn least_of(&self, network: &Network) -> Option<Arc<Connection>> {
        least(self.networks.get(network)?.values())
    }

    /// What makes room for any connection.
    fn least(&self) -> Option<Arc<Connection>> {
        let most = self.networks.values().map(HashMap::len).max()?;
        least(self.networks.values().filter(|theirs| theirs.len() == most).flat_map(HashMap::values))
    }

    fn cut(&mut self, connection: &Connection) {
        self.remove(connection);
        connection.cut.notify_one();
    }

    fn remove(&mut self, connection: &Connection) {
        let Some(theirs) = self.networks.get_mut(&connection.network) else { return };
        if theirs.remove(&connection.number).is_some() {
            self.total = self.total.saturating_sub(1);
        }
        if theirs.is_empty() {
            self.networks.remove(&connection.network);
        }
    }
}

/// The one that is missed least.
fn least<'c>(connections: impl Iterator<Item = &'c Arc<Connection>>) -> Option<Arc<Connection>> {
    connections
        .min_by_key(|one| (!one.is_pipelined(), !one.is_refused(), one.is_asked(), one.waited() < IDLE, one.number))
        .map(Arc::clone)
}

impl Connection {
    /// A byte came, or the end of all.
    pub(super) fn reads(&self) {
        self.has_read.store(true, Ordering::Relaxed);
        self.progresses();
    }

    /// A byte went.
    pub(super) fn progresses(&self) {
        self.waits.store(NEVER, Ordering::Relaxed);
    }

    /// It waits for its client to send or to take a byte.
    pub(super) fn waits(&self) {
        let now = millis(self.began.elapsed());
        let _ = self.waits.compare_exchange(NEVER, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A request is being answered, until what this returns is dropped.
    pub(super) fn asks(self: &Arc<Self>) -> Asked {
        let was_refused = self.is_refused.swap(false, Ordering::Relaxed);
        self.was_refused.store(was_refused, Ordering::Relaxed);
        self.is_asked.store(true, Ordering::Relaxed);
        if !self.has_read.load(Ordering::Relaxed) {
            self.is_pipelined.store(true, Ordering::Relaxed);
        }
        Asked(Arc::clone(self))
    }

    /// The request that is being answered is refused for its account. Returns whether the one
    /// before it was too.
    pub(super) fn gives_way(&self) -> bool {
        self.is_refused.store(true, Ordering::Relaxed);
        self.was_refused.load(Ordering::Relaxed)
    }

    /// Whether the answer of a request is there, and not written yet.
    pub(super) fn owes_answer(&self) -> bool {
        self.owes_answer.load(Ordering::Relaxed)
    }

    /// All answers are written.
    pub(super) fn answered(&self) {
        if self.owes_answer.swap(false, Ordering::Relaxed) {
            self.has_read.store(false, Ordering::Relaxed);
        }
    }

    /// Whether it ends without a wait for what its client may still send.
    pub(super) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Waits until it is to be closed.
    pub(super) async fn cut(&self) {
        self.cut.notified().await;
    }

    fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }

    fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    fn is_pipelined(&self) -> bool {
        self.is_pipelined.load(Ordering::Relaxed)
    }

    /// How long it has waited for its client.
    fn waited(&self) -> Duration {
        match self.waits.load(Ordering::Relaxed) {
            NEVER => Duration::ZERO,
            since => self.began.elapsed().saturating_sub(Duration::from_millis(since)),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NEVER)
}

impl Place {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.open().remove(&self.connection);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.progresses();
        self.0.owes_answer.store(true, Ordering::Relaxed);
        self.0.is_asked.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
