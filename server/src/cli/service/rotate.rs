//! `keyfob rotate-key`: seals all records under a new key while services run.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::ProgressBar;
use keyfob::SealCipher;

use super::configuration::configured;
use super::open::{open, open_unchecked};
use crate::cli::args::RotateArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::Config;
use crate::store::{KeyCheck, KeyFile, Resealed, Store, numbered};

pub(crate) fn run(args: &RotateArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    if config.sealing_keys.is_some() && !args.reseal_only {
        return Err(
            "sealing_keys: is in the configuration, which only you can change: append a new one there and restart each service, put the new one \
             first and restart each once more, and run keyfob rotate-key --reseal-only"
                .into(),
        );
    }
    let file = KeyFile::new(&config.sealing_keys_file);
    if config.sealing_keys.is_none() && !config.sealing_keys_file.exists() {
        return Err(
            format!("sealing_keys_file: {} does not exist; keyfob serve makes it", config.sealing_keys_file.display()).into()
        );
    }
    if !Store::exists(&config.store)? {
        return Err(format!("store: there is none at {}; name yours with --store, or run this in its folder", config.store).into());
    }
    if config.store.file().is_none() && !args.reseal_only {
        note(
            "the store is a database server: if other machines serve it too, stop this command and follow the steps by hand in POSTGRESQL.md",
        );
    }
    // Held until the end: two rotations at once would each put a key of their own first.
    let _lock =
        config.sealing_keys.is_none().then(|| file.lock()).transpose().map_err(|error| format!("sealing_keys_file: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = open_for(&config, args).await?;
        let rotated = rotate(args, &file, &store).await;
        store.close();
        rotated
    })
}

/// Opens the store. Resealing works without all keys: it finds out what is sealed under a missing
/// one.
async fn open_for(config: &Config, args: &RotateArgs) -> Result<Store> {
    if !args.reseal_only {
        return Ok(open(config).await?.0);
    }
    let (store, _, check) = open_unchecked(config).await?;
    if check.is_of_store() {
        return Ok(store);
    }
    store.close();
    Err(format!("the key file {check}; give the key file of this store").into())
}

async fn rotate(args: &RotateArgs, file: &KeyFile, store: &Store) -> Result<ExitCode> {
    if let Some(key) = args.give_up {
        give_up(store, key).await?;
    }
    let bar = ProgressBar::new_spinner();
    let rotation = Rotation { file, store, cipher: args.cipher, wait: Duration::from_secs(args.wait), bar: &bar };
    let resealed = if args.reseal_only { rotation.reseal().await } else { rotation.run().await };
    bar.finish_and_clear();
    report(&resealed?, &store.keys().ids())?;
    Ok(ExitCode::SUCCESS)
}

async fn give_up(store: &Store, key: u32) -> Result<()> {
    if store.keys().ids().contains(&key) {
        return Err(format!("--give-up: key {key} is in the key file, and not lost").into());
    }
    if !store.give_up_key(key).await? {
        return Err(format!("--give-up: the store does not need key {key}").into());
    }
    note(&format!("key {key} is given up; devices sealed under it can no longer be read: their users must enroll again"));
    Ok(())
}

/// A rotation, or the rest of an interrupted one.
struct Rotation<'r> {
    file: &'r KeyFile,
    store: &'r Store,
    /// How a new key seals; none for the usual cipher.
    cipher: Option<SealCipher>,
    wait: Duration,
    bar: &'r ProgressBar,
}

impl Rotation<'_> {
    /// Seals all records under a new key. If an earlier rotation was interrupted, finishes it and
    /// makes no further key.
    async fn run(&self) -> Result<Resealed> {
        let KeyCheck { opened: needed, .. } = self.store.check_keys().await?;
        let ids = self.store.keys().ids();
        let (first, newest) = ids.first().zip(ids.iter().max()).ok_or("there is no key")?;
        let is_needed = |key: &u32| needed.contains(key);
        if first == newest && needed.iter().any(|key| key != first) {
            note(&format!("key {first} is first, but other keys are still needed: this finishes an earlier rotation"));
            self.pause().await;
            let resealed = self.reseal().await?;
            let is_stuck = |key: &u32| key == first || resealed.left.contains_key(key);
            // Unreadable records must not keep the others from getting a new key.
            if resealed.done > 0 || !is_needed(first) || !needed.iter().all(is_stuck) {
                return Ok(resealed);
            }
        }
        let seconds = self.wait.as_secs();
        let key = if first != newest && !is_needed(newest) {
            note(&format!("key {newest} is in the key file, and nothing is sealed under it yet: it is the new key"));
            self.check_cipher(*newest)?;
            *newest
        } else {
            let key = self.file.add(self.cipher)?;
            note(&format!("key {key} is in the key file; other processes learn to open it within {seconds} seconds"));
            key
        };
        self.pause().await;
        self.file.promote(key)?;
        self.store.take_keys(&self.file.read()?).await?;
        note(&format!("key {key} is first; other processes learn to seal under it within {seconds} seconds"));
        self.pause().await;
        self.reseal().await
    }

    /// Errors: another cipher than that of the key is asked for.
    fn check_cipher(&self, key: u32) -> Result<()> {
        match (self.store.keys().cipher(key), self.cipher) {
            (Some(cipher), Some(wanted)) if cipher != wanted => {
                Err(format!("--cipher: key {key} seals with {cipher}; repeat the command without --cipher, and then with it")
                    .into())
            }
            _ => Ok(()),
        }
    }

    async fn pause(&self) {
        tokio::time::sleep(self.wait).await;
    }

    async fn reseal(&self) -> Result<Resealed> {
        let progress = |done| {
            self.bar.inc(done);
            self.bar.set_message(format!("{} records sealed", self.bar.position()));
        };
        Ok(self.store.reseal(self.wait, progress).await?)
    }
}

/// Reports the resealed records and the keys that are no longer needed. Errors: unreadable records,
/// or a process that seals under an old key.
fn report(resealed: &Resealed, ids: &[u32]) -> Result<()> {
    let Resealed { key, done, unreadable, left, in_use } = resealed;
    output::line(&format!("{done} records sealed under key {key}."))?;
    let is_free = |id: &&u32| *id != key && !left.contains_key(id) && !in_use.contains(id);
    let free: Vec<u32> = ids.iter().filter(is_free).copied().collect();
    if !free.is_empty() {
        output::line(&format!("No record is under {} any more; older backups still need it.", numbered(&free)))?;
    }
    if !unreadable.is_empty() {
        let some: Vec<_> = unreadable.iter().take(10).map(ToString::to_string).collect();
        let by_key: Vec<_> = left.iter().map(|(id, many)| format!("{many} under key {id}")).collect();
        let (many, some, by_key) = (unreadable.len(), some.join(", "), by_key.join(", "));
        let missing: Vec<u32> = left.keys().filter(|id| !ids.contains(id)).copied().collect();
        let todo = if missing.is_empty() {
            "they are damaged: restore a backup, or let their users enroll again".to_owned()
        } else {
            let keys = numbered(&missing);
            format!(
                "put {keys} back from a copy of the key file, or give them up with keyfob rotate-key --reseal-only --give-up NUMBER"
            )
        };
        return Err(format!("{many} records cannot be opened ({by_key}), for example those of devices {some}; {todo}").into());
    }
    if !in_use.is_empty() {
        let keys = numbered(in_use);
        return Err(format!(
            "another process still seals under {keys}: wait until each has read the key file, and run keyfob rotate-key \
             --reseal-only"
        )
        .into());
    }
    Ok(())
}
