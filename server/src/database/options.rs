//! How a database server is used.

use std::fmt;
use std::time::Duration;

/// The fewest connections of a process: one for each purpose.
pub const MIN_CONNECTIONS: usize = 4;

/// How a database server is used. A file needs none of this.
#[derive(Clone)]
pub struct Options {
    /// The password, if the URL does not hold it.
    pub password: Option<String>,
    /// How many connections a process has, [`MIN_CONNECTIONS`] or more.
    pub connections: usize,
    /// How long a statement may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { password: None, connections: 6, timeout: Duration::from_secs(5) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("connections", &self.connections).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
