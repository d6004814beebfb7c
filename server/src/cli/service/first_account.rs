//! The account `admin` of a new store. Its password goes to a terminal or a file, never to a log.

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

/// Where the operator finds the password of the first account.
pub(crate) enum FirstPassword {
    /// In the greeting, on a terminal.
    Greeting(Zeroizing<String>),
    /// On standard error, a terminal. It was written there.
    StandardError,
    /// In a file that only its owner can read.
    File(PathBuf),
}

/// Adds the account `admin` if there is no account.
///
/// Errors: those of the store; the file of the password cannot be written.
pub(crate) async fn make(config: &Config, store: &Store) -> Result<Option<FirstPassword>> {
    if config.admin_password.is_some() {
        return Ok(None);
    }
    let accounts = store.accounts().await?;
    for account in &accounts.damaged {
        tracing::error!("store: {account}; replace it with keyfob account add --replace");
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
    // A JSON log must have no other lines.
    if io::stderr().is_terminal() && config.log_format == LogFormat::Text {
        let is_ours = add(store, &admin).await?;
        if is_ours {
            note(&format!("account admin, password {} (new, shown only this once)", *password));
        }
        return Ok(is_ours.then_some(FirstPassword::StandardError));
    }
    // The file comes before the account: otherwise a crash would leave a password that is lost.
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
    put_in_place(&draft, &path)
        .map_err(|error| format!("{}: {error}; the password of the account admin is in that file", draft.display()))?;
    added.map_err(|error| {
        format!("the account admin: {error}; if it was added all the same, its password is in {}", path.display())
    })?;
    Ok(Some(FirstPassword::File(path)))
}

/// Adds the account. Returns false if another process was faster, which shows its own password.
async fn add(store: &Store, admin: &Account) -> Result<bool> {
    let added = store.add_account(admin).await.map_err(|error| {
        format!(
            "the account admin: {error}; if the next start shows no password, set one with keyfob account add admin --roles all --replace"
        )
    })?;
    Ok(added)
}

/// Moves the draft into place, over the file of an earlier store.
fn put_in_place(draft: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(draft, path)?;
    file::sync_folder(path)
}
