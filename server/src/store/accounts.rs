//! Accounts of the service, with the hash of a password or of a token.

use keyfob_scim::{Error, Roles};

use super::columns::{account, account_columns};
use super::handle::Store;
use crate::database::{DatabaseError, Readable, Record, Sql, Value};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub roles: Roles,
    /// The hash of its password (argon2, PHC string); none for an account with a token.
    pub password: Option<String>,
    /// The SHA-256 of its token, in hexadecimal.
    pub token: Option<String>,
}

const SELECT: &str = concat!("SELECT ", account_columns!(), " FROM account");
const INSERT: &str = concat!("INSERT INTO account (", account_columns!(), ") VALUES ");

impl Store {
    /// The account of this name. Errors: 503; 500 for an account that cannot be read.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, Error> {
        let mut sql = Sql::new(SELECT);
        sql.push(" WHERE name = ").bind(name);
        only(self.select(sql).await?)
    }

    /// The account whose token has this hash. Errors: as of [`account`](Self::account).
    pub async fn account_of_token(&self, hash: &str) -> Result<Option<Account>, Error> {
        let mut sql = Sql::new(SELECT);
        sql.push(" WHERE token = ").bind(hash);
        only(self.select(sql).await?)
    }

    /// All accounts, by name. Errors: 503.
    pub async fn accounts(&self) -> Result<Readable<Account>, Error> {
        let mut sql = Sql::new(SELECT);
        sql.push(" ORDER BY name");
        self.select(sql).await
    }

    async fn select(&self, sql: Sql) -> Result<Readable<Account>, Error> {
        self.look(move |connection| Ok(Readable::new(&mut connection.rows(&sql)?, &account::COLUMNS, name, account))).await
    }

    /// Makes an account, or gives the one of its name other roles, password and token. Errors: 503.
    pub async fn put_account(&self, account: &Account) -> Result<(), Error> {
        let mut sql = insert(account);
        sql.push(" ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, password = excluded.password, token = excluded.token");
        self.write(move |connection| connection.rows(&sql).map(|_| ())).await
    }

    /// Makes an account unless there is another of its name. Returns whether the account in the
    /// store is this one. Errors: 503.
    pub async fn add_account(&self, account: &Account) -> Result<bool, Error> {
        let (mut insert, mut select, wanted) = (insert(account), Sql::new(SELECT), account.clone());
        insert.push(" ON CONFLICT (name) DO NOTHING");
        select.push(" WHERE name = ").bind(&account.name);
        self.write(move |connection| {
            connection.change(&insert)?;
            // Read, since an earlier try whose connection was lost may have made it. The hash is
            // salted, so no other process has made the same.
            let mut found = connection.rows(&select)?;
            Ok(found.first_mut().map(self::account).transpose()?.is_some_and(|account| account == wanted))
        })
        .await
    }

    /// Removes an account. Returns whether there was one. Errors: 503.
    pub async fn remove_account(&self, name: &str) -> Result<bool, Error> {
        let mut sql = Sql::new("DELETE FROM account WHERE name = ");
        sql.bind(name).push(" RETURNING name");
        self.write(move |connection| Ok(!connection.rows(&sql)?.is_empty())).await
    }
}

/// The account of a result with at most one.
fn only(mut found: Readable<Account>) -> Result<Option<Account>, Error> {
    if let Some(reason) = found.damaged.pop() {
        tracing::error!("store: {reason}");
        return Err(Error::new(500, reason));
    }
    Ok(found.rows.pop())
}

/// What a sentence calls an account.
fn name(record: &Record) -> String {
    match record.0.first() {
        Some(Value::Text(name)) => format!("account {name:?}"),
        _ => "an account".to_owned(),
    }
}

fn insert(account: &Account) -> Sql {
    let roles: Vec<_> = account.roles.names().collect();
    let mut sql = Sql::new(INSERT);
    sql.tuple([
        (&account.name).into(),
        roles.join(",").as_str().into(),
        account.password.as_ref().into(),
        account.token.as_ref().into(),
    ]);
    sql
}

fn account(record: &mut Record) -> Result<Account, DatabaseError> {
    Ok(Account {
        name: record.text(account::NAME)?,
        roles: record.text(account::ROLES)?.parse().unwrap_or(Roles::NONE),
        password: record.maybe_text(account::PASSWORD)?,
        token: record.maybe_text(account::TOKEN)?,
    })
}
