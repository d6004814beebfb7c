//! The store of a configuration, opened with its keys.

use crate::cli::output::note;
use crate::cli::result::Result;
use crate::config::Config;
use crate::store::{KeyCheck, KeyFile, Keys, Store};

/// Opens the configured store. Returns whether its key file is new.
///
/// Errors: those of the store; a key of the store is missing.
pub(crate) async fn open(config: &Config) -> Result<(Store, bool)> {
    let (store, is_new, check) = open_unchecked(config).await?;
    // With a wrong key the records could not be opened, and new devices would hide the loss of the
    // right one.
    if check.is_whole() {
        return Ok((store, is_new));
    }
    store.close();
    let path = config.sealing_keys_file.display();
    if is_new {
        std::fs::remove_file(&config.sealing_keys_file)?;
        return Err(
            format!("sealing_keys_file: {path} is missing, and the store needs it; restore it, or begin another store").into()
        );
    }
    let key = if config.sealing_keys.is_some() { "sealing_keys: it".to_owned() } else { format!("sealing_keys_file: {path}") };
    if !check.other.is_empty() {
        return Err(format!("{key} {check}; give the key file of this store").into());
    }
    Err(format!(
        "{key} {check}: restore the missing line from a copy of the key file. If there is none, keyfob rotate-key --reseal-only reports \
         what is sealed under it, and lets the store start without it if that is nothing"
    )
    .into())
}

/// Opens the configured store even if keys are missing. Returns whether its key file is new, and
/// the check of its keys.
pub(crate) async fn open_unchecked(config: &Config) -> Result<(Store, bool, KeyCheck)> {
    let (keys, is_new) = match &config.sealing_keys {
        Some(key) => (Keys::parse(key)?, false),
        None => KeyFile::new(&config.sealing_keys_file).read_or_make().map_err(|error| format!("sealing_keys_file: {error}"))?,
    };
    let store = Store::open_with(&config.store, keys, config.signals.outbox_rules())?;
    let check = store.check_keys().await?;
    Ok((store, is_new, check))
}

/// Reads the configured keys. Makes no key file.
pub(super) fn read_keys(config: &Config) -> std::result::Result<Keys, String> {
    match &config.sealing_keys {
        Some(keys) => Keys::parse(keys).map_err(|error| format!("sealing_keys: {error}")),
        None => KeyFile::new(&config.sealing_keys_file).read().map_err(|error| format!("sealing_keys_file: {error}")),
    }
}

/// Runs `work` on the configured store, and closes the store.
pub(crate) fn with_store<T>(config: &Config, work: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (store, is_new_key) = open(config).await?;
        if is_new_key {
            note(&format!("{}: created, with a new key; keep a copy in another place", config.sealing_keys_file.display()));
        }
        let result = work(&store).await;
        store.close();
        result
    })
}
