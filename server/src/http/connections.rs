//! The open connections, and which of them is closed to make room for a new one.
//!
//! An address (for IPv6, a network of 64 bits) at its own limit loses one of its own connections.
//! At the limit of all connections, the address with the most loses one. It loses the oldest of the
//! first of these groups that is not empty:
//!
//! 1. connections whose clients send requests without a wait for the responses,
//! 2. those whose last request was refused for its account,
//! 3. those without a request that have waited for their clients for [`IDLE_TIME`],
//! 4. those without a request,
//! 5. all others.
//!
//! A connection with a request in work that is not refused is never closed for its own address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::limits::Limits;
use super::network::{Network, network_of};

/// How often the log says that connections are closed to make room.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// How long a connection waits for its client before it is closed earlier than others.
const IDLE_TIME: Duration = Duration::from_secs(5);
/// In place of a time in milliseconds: the connection does not wait for its client.
const NOT_WAITING: u64 = u64::MAX;

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
    warned_at: Option<Instant>,
}

/// What is known of one connection.
pub(super) struct Connection {
    number: u64,
    network: Network,
    began: Instant,
    /// Since when it waits for its client, in milliseconds since the start. Or [`NOT_WAITING`].
    waiting_since: AtomicU64,
    /// A request is in work.
    is_busy: AtomicBool,
    /// The last request was refused for its account, or is about to be.
    is_refused: AtomicBool,
    /// The request before the current one was refused for its account.
    was_refused: AtomicBool,
    /// A response is there, and not written yet.
    owes_response: AtomicBool,
    /// A byte came since the last response was written.
    has_read: AtomicBool,
    /// A request was there before the response to the one before it was written.
    is_pipelined: AtomicBool,
    skips_lingering: AtomicBool,
    close: Notify,
}

/// The permit of a connection. The connection holds it, and so do requests that outlive the
/// connection: there are never more of both than permits.
pub(super) struct Permit {
    all: Connections,
    connection: Arc<Connection>,
}

/// A request in work, until this is dropped.
pub(super) struct ActiveRequest(Arc<Connection>);

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(All { limits, began: Instant::now(), open: Mutex::default() }))
    }

    /// Admits a new connection from this address. None if all permits are taken by requests in
    /// work.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Permit> {
        let (network, limits) = (network_of(address), self.0.limits);
        let mut open = self.open();
        let theirs = open.networks.get(&network).map_or(0, HashMap::len);
        let is_over = limits.per_address > 0 && theirs >= limits.per_address;
        if is_over || open.total >= limits.connections {
            if open.warned_at.is_none_or(|warned_at| warned_at.elapsed() >= WARNING_INTERVAL) {
                open.warned_at = Some(Instant::now());
                let total = open.total;
                tracing::warn!(
                    "connections are closed to make room: {total} are open, {theirs} of them from the network of {address}"
                );
            }
            let victim = if is_over { open.victim_of(&network) } else { open.victim() };
            let victim = victim.filter(|one| !one.is_busy() || one.is_pipelined() || one.is_refused() || one.network != network)?;
            open.close(&victim);
        }
        let number = open.next;
        open.next = number.wrapping_add(1);
        open.total = open.total.saturating_add(1);
        let connection = Arc::new(Connection {
            number,
            network,
            began: self.0.began,
            waiting_since: AtomicU64::new(NOT_WAITING),
            is_busy: AtomicBool::default(),
            is_refused: AtomicBool::default(),
            was_refused: AtomicBool::default(),
            owes_response: AtomicBool::default(),
            has_read: AtomicBool::default(),
            is_pipelined: AtomicBool::default(),
            skips_lingering: AtomicBool::default(),
            close: Notify::new(),
        });
        open.networks.entry(network).or_default().insert(number, Arc::clone(&connection));
        Some(Permit { all: self.clone(), connection })
    }

    /// Closes the connection that is closed first.
    pub(super) fn close_one(&self) {
        let mut open = self.open();
        if let Some(victim) = open.victim() {
            open.close(&victim);
        }
    }

    /// Lets each connection without a request close without lingering.
    pub(super) fn stop_lingering(&self) {
        self.open()
            .all()
            .filter(|connection| !connection.is_busy())
            .for_each(|connection| connection.skips_lingering.store(true, Ordering::Relaxed));
    }

    /// Closes the connections that have waited for their clients for so long.
    pub(super) fn close_stalled(&self, time: Duration) {
        let mut open = self.open();
        let stalled: Vec<_> = open.all().filter(|one| !one.is_busy() && one.waited() >= time).map(Arc::clone).collect();
        for connection in &stalled {
            open.close(connection);
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

    /// Which connection of a network is closed first.
    fn victim_of(&self, network: &Network) -> Option<Arc<Connection>> {
        victim(self.networks.get(network)?.values())
    }

    /// Which connection of all is closed first.
    fn victim(&self) -> Option<Arc<Connection>> {
        let most = self.networks.values().map(HashMap::len).max()?;
        victim(self.networks.values().filter(|theirs| theirs.len() == most).flat_map(HashMap::values))
    }

    fn close(&mut self, connection: &Connection) {
        self.remove(connection);
        connection.close.notify_one();
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

/// Which of these connections is closed first.
fn victim<'c>(connections: impl Iterator<Item = &'c Arc<Connection>>) -> Option<Arc<Connection>> {
    connections
        .min_by_key(|one| (!one.is_pipelined(), !one.is_refused(), one.is_busy(), one.waited() < IDLE_TIME, one.number))
        .map(Arc::clone)
}

impl Connection {
    /// Notes that a byte came, or the end of the stream.
    pub(super) fn note_read(&self) {
        self.has_read.store(true, Ordering::Relaxed);
        self.note_progress();
    }

    /// Notes that a byte was sent.
    pub(super) fn note_progress(&self) {
        self.waiting_since.store(NOT_WAITING, Ordering::Relaxed);
    }

    /// Notes that it waits for its client to send or to take a byte.
    pub(super) fn note_wait(&self) {
        let now = millis(self.began.elapsed());
        let _ = self.waiting_since.compare_exchange(NOT_WAITING, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Begins a request, which is in work until the returned value is dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> ActiveRequest {
        let was_refused = self.is_refused.swap(false, Ordering::Relaxed);
        self.was_refused.store(was_refused, Ordering::Relaxed);
        self.is_busy.store(true, Ordering::Relaxed);
        if !self.has_read.load(Ordering::Relaxed) {
            self.is_pipelined.store(true, Ordering::Relaxed);
        }
        ActiveRequest(Arc::clone(self))
    }

    /// Notes that the current request is refused for its account. Returns whether the request
    /// before it was refused too.
    pub(super) fn mark_refused(&self) -> bool {
        self.is_refused.store(true, Ordering::Relaxed);
        self.was_refused.load(Ordering::Relaxed)
    }

    /// Whether a response is there, and not written yet.
    pub(super) fn owes_response(&self) -> bool {
        self.owes_response.load(Ordering::Relaxed)
    }

    /// Notes that all responses are written.
    pub(super) fn note_written(&self) {
        if self.owes_response.swap(false, Ordering::Relaxed) {
            self.has_read.store(false, Ordering::Relaxed);
        }
    }

    /// Whether it closes without reading what its client may still send.
    pub(super) fn skips_lingering(&self) -> bool {
        self.skips_lingering.load(Ordering::Relaxed)
    }

    /// Waits until it must be closed.
    pub(super) async fn closing(&self) {
        self.close.notified().await;
    }

    fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    fn is_pipelined(&self) -> bool {
        self.is_pipelined.load(Ordering::Relaxed)
    }

    /// How long it has waited for its client.
    fn waited(&self) -> Duration {
        match self.waiting_since.load(Ordering::Relaxed) {
            NOT_WAITING => Duration::ZERO,
            since => self.began.elapsed().saturating_sub(Duration::from_millis(since)),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NOT_WAITING)
}

impl Permit {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.all.open().remove(&self.connection);
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.note_progress();
        self.0.owes_response.store(true, Ordering::Relaxed);
        self.0.is_busy.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
