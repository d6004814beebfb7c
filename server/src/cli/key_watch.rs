//! The key file, watched, so that a process learns of keys while it runs.

use super::watch::{Asked, Look, Reader, Tell, Watch};
use crate::config::Config;
use crate::store::{KeyFile, Keys, Store};

/// Begins to watch the key file of a configuration, if its keys are in one. Errors: there is no
/// thread to read it.
pub(crate) fn start(config: &Config, store: &Store, tell: Tell, asked: Asked) -> std::io::Result<Option<Watch>> {
    if config.key.is_some() {
        return Ok(None);
    }
    let file = KeyFile::new(&config.key_file);
    let path = config.key_file.display().to_string();
    let reader = Reader::start("keyfob-key-file", move || file.read())?;
    Ok(Some(Watch::start(Watched { path, reader, store: store.clone(), tell }, tell, asked)))
}

struct Watched {
    /// The path as it is shown.
    path: String,
    reader: Reader<Keys>,
    store: Store,
    tell: Tell,
}

impl Look for Watched {
    /// Keys of another store are not taken: what is sealed under them is lost to this one.
    async fn look(&mut self) -> Result<(), String> {
        let (path, keys) = (&self.path, self.store.keys());
        let late = |seconds| {
            (self.tell)(Err(&format!(
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
            (self.tell)(Ok(&format!("the key file has changed: keys {keys:?}, the first of which seals")));
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
