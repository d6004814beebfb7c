//! Who may use the service: accounts with a password or a token, kept as hashes.

use keyfob_scim::{Error, Roles};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Store, unavailable};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub roles: Roles,
    /// Its password's hash (argon2, PHC string); none for one with a token.
    pub password: Option<String>,
    /// The SHA-256 of its token, in hexadecimal.
    pub token: Option<String>,
}

impl Store {
    /// The account of this name. Errors: 503.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, Error> {
        let sql = "SELECT name, roles, password, token FROM account WHERE name = $1";
        let row = sqlx::query(sql).bind(name).fetch_optional(&self.shared.reads).await.map_err(unavailable)?;
        row.as_ref().map(account).transpose()
    }

    /// The account whose token has this hash. Errors: 503.
    pub async fn account_of_token(&self, hash: &str) -> Result<Option<Account>, Error> {
        let sql = "SELECT name, roles, password, token FROM account WHERE token = $1";
        let row = sqlx::query(sql).bind(hash).fetch_optional(&self.shared.reads).await.map_err(unavailable)?;
        row.as_ref().map(account).transpose()
    }

    /// All accounts, by name. Errors: 503.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let rows = sqlx::query("SELECT name, roles, password, token FROM account ORDER BY name")
            .fetch_all(&self.shared.reads)
            .await
            .map_err(unavailable)?;
        rows.iter().map(account).collect()
    }

    /// Makes an account, or gives the one of its name other roles, password and token. Errors: 503.
    pub async fn put_account(&self, account: &Account) -> Result<(), Error> {
        let sql = "INSERT INTO account (name, roles, password, token) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET \
                   roles = excluded.roles, password = excluded.password, token = excluded.token";
        let roles = account.roles.names().collect::<Vec<_>>().join(",");
        let query = sqlx::query(sql).bind(&account.name).bind(roles).bind(account.password.clone()).bind(account.token.clone());
        query.execute(&self.shared.writes).await.map(|_| ()).map_err(unavailable)
    }

    /// Removes an account; tells whether there was one. Errors: 503.
    pub async fn remove_account(&self, name: &str) -> Result<bool, Error> {
        let query = sqlx::query("DELETE FROM account WHERE name = $1").bind(name);
        query.execute(&self.shared.writes).await.map(|done| done.rows_affected() == 1).map_err(unavailable)
    }
}

fn account(row: &AnyRow) -> Result<Account, Error> {
    let read = || {
        Ok(Account {
            name: row.try_get(0)?,
            roles: row.try_get::<String, _>(1)?.parse().unwrap_or(Roles::NONE),
            password: row.try_get(2)?,
            token: row.try_get(3)?,
        })
    };
    read().map_err(unavailable)
}
