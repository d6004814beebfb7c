//! Signals with a store in a file.

mod metrics;
mod push;
mod sink;

use crate::database::{Location, Options};
use crate::store::{Keys, OutboxRules, Store};

const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// A store in a folder.
struct Place {
    store: Store,
    folder: tempfile::TempDir,
}

impl Place {
    fn new(receivers: &[&str], max_waiting: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let rules = OutboxRules { receivers: receivers.iter().map(ToString::to_string).collect(), max_waiting };
        let location = Location::parse(&url, &Options::default()).unwrap();
        let store = Store::open_with(&location, Keys::parse(KEY).unwrap(), rules).unwrap();
        Self { store, folder }
    }
}
