//! Who asks: HTTP Basic (RFC 7617) with a password, or a bearer token (RFC 6750). Tokens are too long to be guessed; passwords have a
//! pause after wrong ones.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use axum::http::{HeaderMap, header};
use data_encoding::{BASE64, HEXLOWER};
use keyfob_scim::{Error, Event, EventKind, Response, Roles, Step};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

use super::Metrics;
use super::throttle::{Pair, Throttle, place};
use crate::store::{Account, Store};

/// How long a proof of identity is believed. A changed password or a removed account takes effect after this time at the latest.
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
    /// Proofs by a hash with a key of this process, so that memory holds no password. One that is not believed any more is checked again,
    /// without a pause.
    remembered: Mutex<HashMap<[u8; 32], (Who, Instant)>>,
    key: [u8; 32],
    throttle: Throttle,
    hashing: Semaphore,
    waiting: Semaphore,
    /// What an unknown name is compared with, so that it takes as long as a known one.
    nobody: String,
}

impl Accounts {
    /// The accounts of the store, and `admin` with this password if one is given; the longest pause after wrong passwords, zero for none.
    /// Errors: the operating system gave no randomness.
    pub fn new(admin_password: Option<&str>, longest_pause: Duration) -> Result<Self, String> {
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
            throttle: Throttle::new(longest_pause),
            hashing: Semaphore::new(HASHING),
            waiting: Semaphore::new(WAITING),
            nobody: hash_password(&HEXLOWER.encode(&key))?,
        })
    }

    /// Who sent these headers from this address. Errors: 401 for nobody that is known, 429 after too many wrong passwords, 503.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        store: &Store,
        metrics: &Metrics,
    ) -> Result<Who, Response> {
        let Some(header) = headers.get(header::AUTHORIZATION) else { return Err(unauthorized("an account is needed")) };
        let proof = self.proof(header.as_bytes());
        if let Some((who, true)) = self.recall(&proof) {
            return Ok(who);
        }
        let text = header.to_str().map_err(|_| unauthorized("the header Authorization is not ASCII"))?;
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        let who = if scheme.eq_ignore_ascii_case("bearer") {
            let _place = self.place(self.recall(&proof).is_some()).map_err(Response::from)?;
            let account = store.account_of_token(&hash_token(rest.trim())).await.map_err(Response::from)?;
            account.map(|account| Who { name: account.name, roles: account.roles })
        } else if scheme.eq_ignore_ascii_case("basic") {
            let judged = self.password(rest.trim(), &proof, from, store).await;
            judged
                .inspect_err(|error| metrics.refused(if error.status == 429 { "paused" } else { "busy" }))
                .map_err(Response::from)?
        } else {
            return Err(unauthorized("the header Authorization must be Basic or Bearer"));
        };
        let who = who.ok_or_else(|| {
            tracing::warn!("an account was refused");
            metrics.refused("wrong");
            self.forget(&proof);
            unauthorized("the account or its password or token is wrong")
        })?;
        self.remember(proof, who.clone());
        Ok(who)
    }

    /// The account of a name and its password. One that was right before waits for no pause, and is not told that too many wait: whoever
    /// guesses from the same address, as behind the same proxy, does not keep it out.
    async fn password(&self, encoded: &str, proof: &[u8; 32], from: IpAddr, store: &Store) -> Result<Option<Who>, Error> {
        let Some(bytes) = BASE64.decode(encoded.as_bytes()).ok().map(Zeroizing::new) else { return Ok(None) };
        let Some((name, password)) = str::from_utf8(&bytes).ok().and_then(|text| text.split_once(':')) else { return Ok(None) };
        // No account has such a name, and not every database takes it.
        if name.chars().any(char::is_control) {
            return Ok(None);
        }
        let pair = self.pair(name, from);
        let was_right = self.recall(proof).is_some();
        self.wait(&pair, was_right)?;
        let _place = self.place(was_right)?;
        let account = match &self.admin {
            Some(admin) if admin.name == name => Some(admin.clone()),
            _ => store.account(name).await?,
        };
        let turn = self.hashing.acquire().await.map_err(|_| busy())?;
        // What others found while this waited: of guesses at once not all are hashed, nor of requests with one right password.
        if let Some((who, true)) = self.recall(proof) {
            return Ok(Some(who));
        }
        self.wait(&pair, was_right)?;
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
        let name = who.as_ref().map(|who| who.name.clone());
        let who = who.filter(|_| is_right);
        if who.is_some() && !was_right {
            self.throttle.right(&pair);
        }
        let begins = who.is_none() && self.throttle.wrong(pair, Instant::now());
        drop(turn);
        if begins {
            tell(name, from, store).await;
        }
        Ok(who)
    }

    /// A place among those who are checked. Taken before the store is asked, whose threads others wait for, too; what was right before needs
    /// none. Errors: 503.
    fn place(&self, was_right: bool) -> Result<Option<SemaphorePermit<'_>>, Error> {
        if was_right { Ok(None) } else { self.waiting.try_acquire().map(Some).map_err(|_| busy()) }
    }

    /// Errors: 429 while there is a pause.
    fn wait(&self, pair: &Pair, was_right: bool) -> Result<(), Error> {
        let left = self.throttle.left(pair, Instant::now());
        if left == 0 || was_right {
            return Ok(());
        }
        let detail = format!("too many wrong passwords came for this account from this address; try again in {left} seconds");
        Err(Error::new(429, detail).with_retry_after(left))
    }

    fn pair(&self, name: &str, from: IpAddr) -> Pair {
        Sha256::new().chain_update(self.key).chain_update(place(from)).chain_update(name).finalize().into()
    }

    fn proof(&self, header: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.key).chain_update(header).finalize().into()
    }

    /// Whose proof it was, and whether that is still believed.
    fn recall(&self, proof: &[u8; 32]) -> Option<(Who, bool)> {
        let remembered = self.remembered.lock().ok()?;
        let (who, since) = remembered.get(proof)?;
        Some((who.clone(), since.elapsed() < REMEMBERED))
    }

    fn forget(&self, proof: &[u8; 32]) {
        if let Ok(mut remembered) = self.remembered.lock() {
            remembered.remove(proof);
        }
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

fn busy() -> Error {
    Error::new(503, "too many accounts are being checked; try again")
}

/// Writes to the trail that wrong passwords came: once for each row of them, or it could be filled with them. A name that is no account's
/// may be a password that was typed in its place, and is written nowhere.
async fn tell(name: Option<String>, from: IpAddr, store: &Store) {
    let Some(name) = name else { return };
    tracing::warn!("too many wrong passwords for account {name:?} from {from}");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let event = Event {
        kind: EventKind::Refuse,
        at: now,
        actor: name,
        device: 0,
        user: String::new(),
        success: false,
        reason: format!("wrong passwords from {from}"),
        drift: None,
    };
    let nothing = || Step::Done(Response { status: 204, headers: Vec::new(), body: Vec::new() });
    if let Err(error) = store.change(Step::Record { event, then: Box::new(move |()| nothing()) }).await {
        tracing::error!("the trail was not written: {error}");
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

#[cfg(test)]
mod tests;
