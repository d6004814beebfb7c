//! Who asks: HTTP Basic (RFC 7617) with a password, or a bearer token (RFC 6750).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use axum::http::{HeaderMap, header};
use data_encoding::{BASE64, HEXLOWER};
use keyfob_scim::{Error, Response, Roles};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::store::{Account, Store};

/// How long a proof of identity is remembered. A changed password or a removed account takes effect after this time at the latest.
const REMEMBERED: Duration = Duration::from_secs(30);
/// How many proofs are remembered at most.
const MOST: usize = 10_000;
/// How many passwords are hashed at once: each takes 19 MiB and some milliseconds of a core.
const HASHING: usize = 2;
/// How many may wait for that.
const WAITING: usize = 64;

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    /// The account.
    pub name: String,
    /// Its roles.
    pub roles: Roles,
}

/// The accounts: those of the store, and one of the configuration.
#[derive(Debug)]
pub struct Accounts {
    admin: Option<Account>,
    /// Proofs by a hash with a key of this process, so that memory holds no password.
    remembered: Mutex<HashMap<[u8; 32], (Who, Instant)>>,
    key: [u8; 32],
    hashing: Semaphore,
    waiting: Semaphore,
    /// What an unknown name is compared with, so that it takes as long as a known one.
    nobody: String,
}

impl Accounts {
    /// The accounts of the store, and `admin` with this password if one is given. Errors: the operating system gave no randomness.
    pub fn new(admin_password: Option<&str>) -> Result<Self, String> {
        let admin = admin_password.map(|password| {
            Ok::<_, String>(Account {
                name: "admin".to_owned(),
                roles: Roles::ALL,
                password: Some(hash_password(password)?),
                token: None,
            })
        });
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| error.to_string())?;
        Ok(Self {
            admin: admin.transpose()?,
            remembered: Mutex::default(),
            key,
            hashing: Semaphore::new(HASHING),
            waiting: Semaphore::new(WAITING),
            nobody: hash_password(&HEXLOWER.encode(&key))?,
        })
    }

    /// Who sent these headers. Errors: 401 for nobody that is known, 503.
    pub(crate) async fn identify(&self, headers: &HeaderMap, store: &Store) -> Result<Who, Response> {
        let Some(header) = headers.get(header::AUTHORIZATION) else { return Err(unauthorized("an account is needed")) };
        let proof = self.proof(header.as_bytes());
        if let Some(who) = self.recall(&proof) {
            return Ok(who);
        }
        let text = header.to_str().map_err(|_| unauthorized("the header Authorization is not ASCII"))?;
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        let who = if scheme.eq_ignore_ascii_case("bearer") {
            let account = store.account_of_token(&hash_token(rest.trim())).await.map_err(Response::from)?;
            account.map(|account| Who { name: account.name, roles: account.roles })
        } else if scheme.eq_ignore_ascii_case("basic") {
            self.password(rest.trim(), store).await.map_err(Response::from)?
        } else {
            return Err(unauthorized("the header Authorization must be Basic or Bearer"));
        };
        let who = who.ok_or_else(|| {
            tracing::warn!("an account was refused");
            unauthorized("the account or its password or token is wrong")
        })?;
        self.remember(proof, who.clone());
        Ok(who)
    }

    async fn password(&self, encoded: &str, store: &Store) -> Result<Option<Who>, Error> {
        let Some(bytes) = BASE64.decode(encoded.as_bytes()).ok().map(Zeroizing::new) else { return Ok(None) };
        let Some((name, password)) = str::from_utf8(&bytes).ok().and_then(|text| text.split_once(':')) else { return Ok(None) };
        let account = match &self.admin {
            Some(admin) if admin.name == name => Some(admin.clone()),
            _ => store.account(name).await?,
        };
        let busy = || Error::new(503, "too many passwords are being checked; try again");
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let _turn = self.hashing.acquire().await.map_err(|_| busy())?;
        let known = account.and_then(|account| Some((Who { name: account.name, roles: account.roles }, account.password?)));
        let (who, hash) = match known {
            Some((who, hash)) => (Some(who), hash),
            None => (None, self.nobody.clone()),
        };
        let password = Zeroizing::new(password.to_owned());
        let is_right = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        });
        let is_right = is_right.await.map_err(|_| busy())?;
        Ok(who.filter(|_| is_right))
    }

    fn proof(&self, header: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.key).chain_update(header).finalize().into()
    }

    fn recall(&self, proof: &[u8; 32]) -> Option<Who> {
        let remembered = self.remembered.lock().ok()?;
        let (who, since) = remembered.get(proof)?;
        (since.elapsed() < REMEMBERED).then(|| who.clone())
    }

    fn remember(&self, proof: [u8; 32], who: Who) {
        let Ok(mut remembered) = self.remembered.lock() else { return };
        if remembered.len() >= MOST {
            remembered.retain(|_, (_, since)| since.elapsed() < REMEMBERED);
        }
        if remembered.len() < MOST {
            remembered.insert(proof, (who, Instant::now()));
        }
    }
}

/// The hash of a password, for the store: argon2id, as a PHC string. Errors: the operating system gave no randomness.
pub fn hash_password(password: &str) -> Result<String, String> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// The hash of a token, for the store. Tokens are 256 random bits: nothing slower is needed.
pub fn hash_token(token: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}

fn unauthorized(detail: &str) -> Response {
    let response = Response::from(Error::new(401, detail));
    let response = response.with_header("www-authenticate", "Basic realm=\"keyfob\", charset=\"UTF-8\"".to_owned());
    response.with_header("www-authenticate", "Bearer realm=\"keyfob\"".to_owned())
}
