//! The store that an import writes, and the progress that it shows.

use indicatif::ProgressBar;
use tokio::runtime::Runtime;

use super::open::open;
use super::watch::{FileWatch, note_key_file, watch_key_file};
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::Config;
use crate::store::Store;

/// The store, open with a key file that is watched. The runtime has a thread of its own, which
/// watches the file while another thread reads the source.
pub(super) struct ImportStore {
    runtime: Runtime,
    store: Store,
    watch: Option<FileWatch>,
}

impl ImportStore {
    /// Opens the configured store, and makes it if there is none. Notes what it makes.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let is_new = !Store::exists(&config.store)?;
        let (store, is_new_key) = runtime.block_on(open(config))?;
        if is_new {
            note(&format!("store: {}: created", config.store));
        }
        if is_new_key {
            note(&format!("{}: created, with a new key; keep a copy in another place", config.sealing_keys_file.display()));
        }
        let (_, requests) = tokio::sync::watch::channel(());
        let watch = runtime.block_on(async { watch_key_file(config, &store, note_key_file, requests) })?;
        Ok(Self { runtime, store, watch })
    }

    /// The runtime and the store.
    pub(super) fn parts(&self) -> (&Runtime, &Store) {
        (&self.runtime, &self.store)
    }

    /// Ends all writes, and closes the store. Notes how many signals found no room.
    pub(super) fn close(self) {
        if let Some(watch) = self.watch {
            self.runtime.block_on(watch.end());
        }
        match self.runtime.block_on(self.store.write_lost()) {
            Ok(lost) => {
                for (receiver, count) in lost {
                    note(&format!("{count} signals for {receiver} are lost: as many wait for it as signals.max_waiting allows"));
                }
            }
            Err(error) => note(&error.detail),
        }
        self.store.close();
    }
}

/// Prints a line of the report.
pub(super) fn print(line: &str) -> std::result::Result<(), String> {
    output::line(line).map_err(|error| error.to_string())
}

/// A count of what was read, drawn on a terminal only.
pub(super) struct Progress {
    bar: ProgressBar,
    /// What is counted.
    unit: &'static str,
}

impl Progress {
    pub(super) fn new(unit: &'static str) -> Self {
        Self { bar: ProgressBar::new_spinner(), unit }
    }

    pub(super) fn add(&self, more: usize) {
        self.bar.inc(u64::try_from(more).unwrap_or_default());
        self.bar.set_message(format!("{} {}", self.bar.position(), self.unit));
    }

    /// Prints a line above the count.
    pub(super) fn print(&self, line: &str) -> std::result::Result<(), String> {
        self.bar.suspend(|| print(line))
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
