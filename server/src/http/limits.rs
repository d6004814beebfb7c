//! Limits: how many connections there may be, and how long each may wait for its client.

use std::time::Duration;

/// How many connections there may be at once.
const MAX_CONNECTIONS: usize = 10_000;
/// How many headers a request may have.
pub(super) const MAX_HEADERS: usize = 64;
/// How long a request may be before its body.
pub(super) const MAX_HEADER_BYTES: usize = 32 * 1024;
/// How many connections may be open on `metrics_listen`.
const MAX_METRICS_CONNECTIONS: usize = 16;
/// How many files everything but clients and databases needs: the log, the listeners, the store,
/// keys, trusted certificates, the metrics.
const OTHER_FILES: usize = 64;

/// The limits of all connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many there may be at once. A request that outlives its connection counts until it is
    /// done.
    pub(crate) connections: usize,
    /// How many of them an address may have, or a network of IPv6. 0 for no limit.
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
    /// For the client to read the next byte of a response.
    pub(crate) writing: Duration,
    /// For the next byte that the client sends behind the last response.
    pub(crate) lingering: Duration,
    /// For all bytes that the client sends behind the last response.
    pub(crate) lingering_total: Duration,
    /// For the client to send or read a byte during shutdown.
    pub(crate) stalled: Duration,
    /// For requests in work to finish during shutdown.
    pub(crate) stopping: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(30),
            writing: Duration::from_secs(30),
            lingering: Duration::from_secs(5),
            lingering_total: Duration::from_secs(30),
            stalled: Duration::from_secs(2),
            stopping: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The limits of this process, which also opens so many connections to databases. Raises the
    /// limit of open files if it is too low. If that fails, fewer connections are allowed, and the
    /// log says so.
    pub(crate) fn new(per_address: usize, databases: usize) -> Self {
        let wanted = files_for(MAX_CONNECTIONS, databases);
        let limit = raise_open_files(wanted);
        let connections = connections_for(limit, databases).min(MAX_CONNECTIONS);
        if connections < MAX_CONNECTIONS {
            tracing::warn!(
                "this process may have {limit} open files, which is enough for {connections} connections; \
                 for {MAX_CONNECTIONS} allow it {wanted} (ulimit -Hn, or LimitNOFILE of systemd)"
            );
        }
        Self { connections, per_address, times: Times::default() }
    }

    /// The limits of connections on `metrics_listen`.
    pub(crate) fn for_metrics(self) -> Self {
        Self { connections: MAX_METRICS_CONNECTIONS, per_address: 0, ..self }
    }
}

/// How many files so many connections need: one each, and another for every third, since its
/// request may be sending a message.
const fn files_for(connections: usize, databases: usize) -> usize {
    connections.saturating_add(connections.div_ceil(3)).saturating_add(OTHER_FILES).saturating_add(databases)
}

/// How many connections so many files are enough for, at least one.
fn connections_for(files: usize, databases: usize) -> usize {
    let left = files.saturating_sub(OTHER_FILES).saturating_sub(databases);
    left.saturating_sub(left.div_ceil(4)).max(1)
}

/// Raises the soft limit of open files to `wanted`, or to the hard limit if that is lower. Returns
/// the new limit.
#[cfg(unix)]
fn raise_open_files(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // None means unlimited.
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
            for many in [1, 3, 100, 768, MAX_CONNECTIONS] {
                assert!(connections_for(files_for(many, databases), databases) >= many, "{many} {databases}");
                assert!(connections_for(files_for(many, databases) - 1, databases) <= many, "{many} {databases}");
            }
            assert_eq!(connections_for(0, databases), 1);
        }
        assert_eq!(connections_for(1024, 4), 717);
        assert!(connections_for(usize::MAX, 4) > MAX_CONNECTIONS);
    }
}
