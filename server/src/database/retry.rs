//! Retries after conflicts and lost connections.

use std::thread;
use std::time::{Duration, Instant};

use super::connection::{Connection, transaction};
use super::dialect::Access;
use super::error::{DatabaseError, ErrorKind};

/// How long a statement is tried again before the client gets an error.
pub(crate) const RETRY_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest first pause. The limit doubles with each pause.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The limit of all pauses.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// Repeats `work` that writes until it succeeds, is refused or the time is over. Doing `work` twice
/// must do no harm.
pub(crate) fn persist<T>(
    connection: &mut dyn Connection,
    mut work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let mut pauses = Pauses::new();
    let mut is_unsure = false;
    loop {
        let error = match work(connection) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        is_unsure |= error.kind == ErrorKind::Unknown;
        if !error.kind.may_pass() || !pauses.wait() {
            return Err(if is_unsure { error.unknown() } else { error });
        }
    }
}

/// Does `work` in a transaction that writes, and repeats the transaction as [`persist`] does.
pub(crate) fn persist_transaction<T>(
    connection: &mut dyn Connection,
    mut work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    persist(connection, |connection| transaction(connection, Access::Write, &mut work))
}

/// Repeats `work` that only reads, as [`persist`] does. An error leaves nothing open.
pub(crate) fn reread<T>(
    connection: &mut dyn Connection,
    work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    persist(connection, work).map_err(DatabaseError::uncommitted)
}

/// Pauses between tries, of random length so that the same processes do not collide again.
pub(crate) struct Pauses {
    until: Instant,
    longest: Duration,
}

impl Pauses {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { until: now.checked_add(RETRY_TIMEOUT).unwrap_or(now), longest: FIRST_PAUSE }
    }

    /// Pauses. Returns whether there was time left.
    pub(crate) fn wait(&mut self) -> bool {
        if Instant::now() >= self.until {
            return false;
        }
        let random = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        thread::sleep(self.longest.mul_f64(random));
        self.longest = self.longest.saturating_mul(2).min(MAX_PAUSE);
        true
    }
}
