//! The key file. A process learns of new keys while it runs.

use super::file_watch::{FileWatch, ReadRequests, Report, WatchedFiles};
use super::reader::Reader;
use crate::config::Config;
use crate::store::{KeyFile, Keys, Store};

/// Starts to watch the key file of a configuration; none if the keys are in the configuration
/// itself. Errors: the thread that reads the file cannot be started.
pub(crate) fn watch_key_file(
    config: &Config,
    store: &Store,
    report: Report,
    requests: ReadRequests,
) -> std::io::Result<Option<FileWatch>> {
    if config.sealing_keys.is_some() {
        return Ok(None);
    }
    let file = KeyFile::new(&config.sealing_keys_file);
    let path = config.sealing_keys_file.display().to_string();
    let reader = Reader::start("keyfob-key-file", move || file.read())?;
    Ok(Some(FileWatch::start(WatchedKeyFile { path, reader, store: store.clone(), report }, report, requests)))
}

struct WatchedKeyFile {
    /// The path as it is shown.
    path: String,
    reader: Reader<Keys>,
    store: Store,
    report: Report,
}

impl WatchedFiles for WatchedKeyFile {
    /// Does not take keys of another store: this store could not open what is sealed under them.
    async fn read(&mut self) -> Result<(), String> {
        let (path, keys) = (&self.path, self.store.keys());
        let late = |seconds| {
            (self.report)(Err(&format!(
                "{path} is not read within {seconds} seconds; the keys stay as they were; does its disk answer?"
            )));
        };
        let stay = |error: String| format!("{error}; the keys stay as they were");
        let next = self.reader.read(late).await.map_err(stay)?;
        if next.are(&keys) {
            return Ok(());
        }
        let check = self.store.take_keys(&next).await.map_err(|error| stay(error.to_string()))?;
        if check.is_whole() {
            (self.report)(Ok(&format!("the key file has changed: keys {keys:?}, the first of which seals")));
            return Ok(());
        }
        if check.is_of_store() {
            return Err(format!(
                "{path} {check}; keys {keys:?} are in the memory of this process, the first of which seals: put the missing lines back before it \
                 stops"
            ));
        }
        Err(stay(format!("{path} does not open what the store holds: it {check}")))
    }
}
