//! What connections may take: how many there may be, and how long each may wait for its client.

use std::time::Duration;

/// How many connections there may be at once.
const CONNECTIONS: usize = 10_000;
/// How many headers a request may have.
pub(super) const MOST_HEADERS: usize = 64;
/// How long a request may be before its body, in bytes.
pub(super) const HEADERS_SIZE: usize = 32 * 1024;
/// How many connections may be open for the metrics alone.
const OF_METRICS: usize = 16;
/// How many files are kept for everything but clients and databases: the log, the listeners, the
/// store, keys, trusted certificates, the metrics.
const FILES: usize = 64;

/// The limits of all connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many there may be at once. A request that outlives its connection counts until it is
    /// done.
    pub(crate) connections: usize,
    /// How many of them one address may have, or one network of IPv6; 0 for any number.
    pub(crate) per_address: usize,
    pub(crate) times: Times,
}

/// How long a connection may wait for its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// For a TLS handshake.
    pub(crate) handshake: Duration,
    /// For the headers of a request, the wait for the request included.
    pub(crate) headers: Duration,
    /// For the client to take the next byte of an answer.
    pub(crate) writing: Duration,
    /// For the next byte of what the client goes on sending behind the last answer, and for all of
    /// it.
    pub(crate) lingering: (Duration, Duration),
    /// For the client to send or take a byte, once the service is to stop.
    pub(crate) stalled: Duration,
    /// For requests that have begun to end, once the service is to stop.
    pub(crate) stopping: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(30),
            writing: Duration::from_secs(30),
            lingering: (Duration::from_secs(5), Duration::from_secs(30)),
            stalled: Duration::from_secs(2),
            stopping: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The limits of this process, beside so many connections to databases. Raises the limit of
    /// open files if that is too low for them; if it cannot be raised so far, there may be fewer
    /// connections, and the log says so.
    pub(crate) fn new(per_address: usize, databases: usize) -> Self {
        let wanted = files(CONNECTIONS, databases);
        let limit = raise_open_files(wanted);
        let connections = connections(limit, databases).min(CONNECTIONS);
        if connections < CONNECTIONS {
            tracing::warn!(
                "this process may have {limit} open files, which is enough for {connections} connections; \
                 for {CONNECTIONS} allow it {wanted} (ulimit -Hn, or LimitNOFILE of systemd)"
            );
        }
        Self { connections, per_address, times: Times::default() }
    }
}

impl Limits {
    /// The limits of connections for the metrics alone.
    pub(crate) fn of_metrics(self) -> Self {
        Self { connections: OF_METRICS, per_address: 0, ..self }
    }
}

/// How many files so many connections need: one each, and one more for each third, whose request
/// may be sending a message.
const fn files(connections: usize, databases: usize) -> usize {
    connections.saturating_add(connections.div_ceil(3)).saturating_add(FILES).saturating_add(databases)
}

/// For how many connections so many files are enough. One at least.
fn connections(files: usize, databases: usize) -> usize {
    let left = files.saturating_sub(FILES).saturating_sub(databases);
    left.saturating_sub(left.div_ceil(4)).max(1)
}

/// Raises the soft limit of open files to so many, or as near to it as the hard one allows. Returns
/// the limit.
#[cfg(unix)]
fn raise_open_files(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // None is no limit.
    let number = |limit: Option<u64>| limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let before = getrlimit(Resource::Nofile);
    if number(before.current) >= wanted {
        return number(before.current);
    }
    let raised = number(before.maximum).min(wanted);
    let next = Rlimit { current: u64::try_from(raised).ok(), maximum: before.maximum };
    match setrlimit(Resource::Nofile, next) {
        Ok(()) => raised,
        Err(error) => {
            tracing::warn!("the limit of open files could not be raised: {error}");
            number(before.current)
        }
    }
}

#[cfg(not(unix))]
fn raise_open_files(wanted: usize) -> usize {
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_enough_for_as_many_connections_as_need_them() {
        for databases in [4, 30, 1000] {
            for many in [1, 3, 100, 768, CONNECTIONS] {
                assert!(connections(files(many, databases), databases) >= many, "{many} {databases}");
                assert!(connections(files(many, databases) - 1, databases) <= many, "{many} {databases}");
            }
            assert_eq!(connections(0, databases), 1);
        }
        assert_eq!(connections(1024, 4), 717);
        assert!(connections(usize::MAX, 4) > CONNECTIONS);
    }
}
