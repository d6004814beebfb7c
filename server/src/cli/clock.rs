//! The time of a command.

use std::time::SystemTime;

use super::result::Result;

/// The system's time in Unix seconds. Errors: it is before 1970.
pub(super) fn now() -> Result<u64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(since.map_err(|_| "system clock: is before 1970; set it")?.as_secs())
}
