//! The file of signing keys. A process learns of new keys while it runs.

use super::file_watch::{FileWatch, ReadRequests, Report, WatchedFiles};
use super::reader::Reader;
use crate::config::Config;
use crate::signals::{Signals, SigningKeyFile, SigningKeys};

/// Starts to watch the file of signing keys. Errors: the thread that reads the file cannot be
/// started.
pub(super) fn watch_signing_keys(
    config: &Config,
    signals: &Signals,
    report: Report,
    requests: ReadRequests,
) -> std::io::Result<FileWatch> {
    let path = &config.signals.keys_file;
    let file = SigningKeyFile::new(path);
    let reader = Reader::start("keyfob-signing-keys", move || file.read())?;
    let watched = WatchedSigningKeys { path: path.display().to_string(), reader, keys: signals.signer.keys().clone(), report };
    Ok(FileWatch::start(watched, report, requests))
}

struct WatchedSigningKeys {
    /// The path as it is shown.
    path: String,
    reader: Reader<SigningKeys>,
    keys: SigningKeys,
    report: Report,
}

impl WatchedFiles for WatchedSigningKeys {
    async fn read(&mut self) -> Result<(), String> {
        let path = &self.path;
        let late = |seconds| {
            (self.report)(Err(&format!(
                "{path} is not read within {seconds} seconds; the keys stay as they were; does its disk answer?"
            )));
        };
        let next = self.reader.read(late).await.map_err(|error| format!("{error}; the keys stay as they were"))?;
        if self.keys.replace(&next) {
            (self.report)(Ok(&format!("the file of signing keys has changed: keys {:?}, the first of which signs", self.keys)));
        }
        Ok(())
    }
}
