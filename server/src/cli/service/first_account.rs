//! The account `admin` of a new store, and where its password is told: on a terminal or in a file,
//! and in no log.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use data_encoding::BASE32_NOPAD;
use keyfob_scim::Roles;
use zeroize::Zeroizing;

use crate::cli::output::note;
use crate::cli::result::Result;
use crate::config::{Config, LogFormat};
use crate::file;
use crate::http;
use crate::store::{Account, Store};

/// Where the password of the first account is told.
pub(crate) enum FirstPassword {
    /// By the greeting, which goes to a terminal.
    Greeting(Zeroizing<String>),
    /// It was told on standard error, which is a terminal.
    StandardError,
    /// In a file that its owner alone can read.
    File(PathBuf),
}

/// Makes the account `admin` where there is no account at all.
///
/// Errors: those of the store; the file of the password cannot be written.
pub(crate) async fn make(config: &Config, store: &Store) -> Result<Option<FirstPassword>> {
    if config.admin_password.is_some() {
        return Ok(None);
    }
    let accounts = store.accounts().await?;
    for account in &accounts.damaged {
        tracing::error!("store: {account}; make it anew with keyfob account add --replace");
    }
    if !accounts.rows.is_empty() || !accounts.damaged.is_empty() {
        return Ok(None);
    }
    let mut bytes = Zeroizing::new([0; 20]);
    getrandom::fill(bytes.as_mut_slice())?;
    let password = Zeroizing::new(BASE32_NOPAD.encode(bytes.as_slice()).to_lowercase());
    let hash = http::hash_password(&password)?;
    let admin = Account { name: "admin".to_owned(), roles: Roles::ALL, password: Some(hash), token: None };
    if io::stdout().is_terminal() {
        return Ok(add(store, &admin).await?.then_some(FirstPassword::Greeting(password)));
    }
    // A line of a JSON log has a form of its own.
    if io::stderr().is_terminal() && config.log_format == LogFormat::Text {
        let is_ours = add(store, &admin).await?;
        if is_ours {
            note(&format!("account admin, password {} (made up just now, shown only this once)", *password));
        }
        return Ok(is_ours.then_some(FirstPassword::StandardError));
    }
    // Written before the account is: a password that nobody can read would be of no use.
    let path = file::beside(config.store.file().unwrap_or(&config.sealing_keys_file), ".admin-password");
    let draft = file::beside(&path, &format!(".{}", std::process::id()));
    file::create(&draft, Zeroizing::new(format!("{}\n", *password)).as_bytes()).map_err(|error| {
        format!("the password of the first account: {error}; or set admin_password, or start keyfob serve in a terminal once")
    })?;
    let added = store.add_account(&admin).await;
    if matches!(added, Ok(false)) {
        std::fs::remove_file(&draft)?;
        return Ok(None);
    }
    put(&draft, &path)
        .map_err(|error| format!("{}: {error}; the password of the account admin is in that file", draft.display()))?;
    added.map_err(|error| {
        format!("the account admin: {error}; if it was made all the same, its password is in {}", path.display())
    })?;
    Ok(Some(FirstPassword::File(path)))
}

/// Tells whether the account is ours: another process may be faster, and shows its own password.
async fn add(store: &Store, admin: &Account) -> Result<bool> {
    let added = store.add_account(admin).await.map_err(|error| {
        format!(
            "the account admin: {error}; if the next start shows no password, set one with keyfob account add admin --roles all --replace"
        )
    })?;
    Ok(added)
}

/// A file of an earlier store that is no more gives way.
fn put(draft: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(draft, path)?;
    file::sync_folder(path)
}
