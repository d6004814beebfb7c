//! `keyfob account`: the accounts that may use the service.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::configuration::{configured, configured_store};
use super::open::with_store;
use crate::cli::args::AccountCommand;
use crate::cli::input;
use crate::cli::output::{self, note, note_damaged};
use crate::cli::result::Result;
use crate::config::MIN_PASSWORD_BYTES;
use crate::http::{hash_password, hash_token};
use crate::store::{Account, Store};

pub(crate) fn run(command: AccountCommand) -> Result<ExitCode> {
    match command {
        AccountCommand::Add { name, roles, token, replace, config } => {
            if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
                return Err("name: must be text without a colon or control characters, as HTTP Basic requires".into());
            }
            let mut account = Account { name: name.clone(), roles, password: None, token: None };
            let mut new_token = None;
            if token {
                let mut bytes = Zeroizing::new([0; 32]);
                getrandom::fill(bytes.as_mut_slice())?;
                let text = Zeroizing::new(BASE64URL_NOPAD.encode(bytes.as_slice()));
                account.token = Some(hash_token(&text));
                new_token = Some(text);
            } else {
                account.password = Some(hash_password(&read_password()?)?);
            }
            let config = configured(&config)?;
            let is_new = !Store::exists(&config.store)?;
            let is_added = with_store(&config, async |store| {
                if replace {
                    store.put_account(&account).await?;
                    return Ok(true);
                }
                Ok(store.add_account(&account).await?)
            })?;
            if is_new {
                note(&format!("store: {}: created", config.store));
            }
            if !is_added {
                return Err(
                    format!("{name}: this account exists; give --replace to replace its roles and its password or token").into()
                );
            }
            if let Some(token) = new_token {
                output::line(&token)?;
            }
        }
        AccountCommand::List { config } => {
            let config = configured_store(&config)?;
            let accounts = with_store(&config, async |store| Ok(store.accounts().await?))?;
            for account in accounts.rows {
                let proof = if account.token.is_some() { "token" } else { "password" };
                let roles: Vec<_> = account.roles.names().collect();
                if !output::line_if_read(&format!("{}\t{proof}\t{}", account.name, roles.join(",")))? {
                    break;
                }
            }
            return Ok(note_damaged(&accounts.damaged));
        }
        AccountCommand::Remove { name, config } => {
            let config = configured_store(&config)?;
            if !with_store(&config, async |store| Ok(store.remove_account(&name).await?))? {
                return Err(format!("{name}: no such account; see keyfob account list").into());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a new password: twice from a terminal, else a line of standard input.
fn read_password() -> Result<Zeroizing<String>> {
    let typed = if io::stdin().is_terminal() {
        let first = Zeroizing::new(rpassword::prompt_password("Password: ")?);
        let second = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
        if first != second {
            return Err("the two passwords differ".into());
        }
        first
    } else {
        let line = input::read_line()?.ok_or("standard input: holds no password; write it there as a line")?;
        Zeroizing::new(str::from_utf8(&line).map_err(|_| "password: is not UTF-8")?.to_owned())
    };
    if typed.len() < MIN_PASSWORD_BYTES {
        return Err(format!("password: must have at least {MIN_PASSWORD_BYTES} bytes").into());
    }
    Ok(typed)
}
