//! Trying again: conflicts with others, and connections that were lost.

use std::thread;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::error::{DatabaseError, ErrorKind};

/// For how long it is tried again before a client is told to try again itself.
pub(crate) const RETRY_TIMEOUT: Duration = Duration::from_secs(3);
/// The first pause; each is up to twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// Writes: does `work` until it is done or refused, or patience ends. It must be such that doing it
/// twice does no harm.
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

/// Reads: does `work` as [`persist`] does. Whatever becomes of it, nothing was changed.
pub(crate) fn reread<T>(
    connection: &mut dyn Connection,
    work: impl FnMut(&mut dyn Connection) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    persist(connection, work).map_err(DatabaseError::uncommitted)
}

/// Pauses between tries, drawn at random so that those who met do not meet again.
pub(crate) struct Pauses {
    until: Instant,
    longest: Duration,
}

impl Pauses {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { until: now.checked_add(RETRY_TIMEOUT).unwrap_or(now), longest: FIRST_PAUSE }
    }

    /// Pauses; or tells that there is no time left.
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
