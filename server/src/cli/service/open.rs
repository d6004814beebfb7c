//! The store of a configuration, opened with its keys.

use crate::cli::output::note;
use crate::cli::result::Result;
use crate::config::Config;
use crate::store::{KeyCheck, KeyFile, Keys, Store};

/// Opens the configured store. Returns whether its key file was made just now.
///
/// Errors: those of the store; records may be sealed under a key that is missing.
pub(crate) async fn open(config: &Config) -> Result<(Store, bool)> {
    let (store, is_new, check) = open_unchecked(config).await?;
    // With another key, what is there could not be read, and new devices would hide that the right
    // one is lost.
    if check.is_whole() {
        return Ok((store, is_new));
    }
    store.close();
    let path = config.sealing_keys_file.display();
    if is_new {
        std::fs::remove_file(&config.sealing_keys_file)?;
        return Err(format!(
            "sealing_keys_file: {path} is missing, and the store was begun with it; put it back, or begin another store"
        )
        .into());
    }
    let key = if config.sealing_keys.is_some() { "sealing_keys: it".to_owned() } else { format!("sealing_keys_file: {path}") };
    if !check.other.is_empty() {
        return Err(format!("{key} {check}; the store's own is needed here").into());
    }
    Err(format!(
        "{key} {check}: put the missing line back, from a copy of the key file. If there is none, keyfob rotate-key --reseal-only tells \
         what is sealed under it, and lets the store start without it where that is nothing"
    )
    .into())
}

/// Opens the configured store, whatever its keys open. Returns whether its key file was made just
/// now, and what the keys open.
pub(crate) async fn open_unchecked(config: &Config) -> Result<(Store, bool, KeyCheck)> {
    let (keys, is_new) = match &config.sealing_keys {
        Some(key) => (Keys::parse(key)?, false),
        None => KeyFile::new(&config.sealing_keys_file).read_or_make().map_err(|error| format!("sealing_keys_file: {error}"))?,
    };
    let store = Store::open(&config.store, keys)?;
    let check = store.check_keys().await?;
    Ok((store, is_new, check))
}

/// Does something with the configured store.
pub(crate) fn with<T>(config: &Config, work: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (store, is_new_key) = open(config).await?;
        if is_new_key {
            note(&format!("{}: made, with a fresh key; keep a copy apart", config.sealing_keys_file.display()));
        }
        let done = work(&store).await;
        store.close();
        done
    })
}
