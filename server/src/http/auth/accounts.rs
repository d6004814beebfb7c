//! Identifies the account of a request, with limits on guesses.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use axum::http::HeaderMap;
use keyfob_scim::{Error, Event, EventKind, Response, Roles};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::caller::Caller;
use super::credentials::Credentials;
use super::hasher::Hasher;
use super::hashing::{hash_password, hash_token};
use super::proven::{Proof, Proven};
use super::refusal::Refusal;
use super::throttle::{PairHash, Throttle};
use super::turns::{Purpose, Turns};
use crate::http::metrics::Metrics;
use crate::http::network::network_of;
use crate::store::{Account, Store};

/// Refusals are sent a whole number of ticks after the request. A tick is much longer than a hash
/// takes, so the time does not reveal whether a hash was made, and thus whether the account exists.
const MIN_TICK: Duration = Duration::from_millis(250);
/// How many hashes a tick is long on a slow machine, up to [`MAX_TICK`].
const TICK_HASHES: u32 = 4;
/// The longest tick.
const MAX_TICK: Duration = Duration::from_secs(1);
/// How many accounts are looked up at once for credentials that were not right before. The store's
/// queue keeps room for other requests.
const MAX_LOOKUPS: usize = 32;
/// How long a lookup may wait for its permit.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The accounts of the store, and the one of the configuration.
pub struct Accounts {
    admin: Option<Account>,
    key: [u8; 32],
    proven: Proven,
    throttle: Throttle,
    turns: Turns,
    lookups: Semaphore,
    tick: Duration,
}

impl Accounts {
    /// The accounts of the store, and `admin` if its password is given. `longest_pause` limits the
    /// pause after wrong passwords, and is zero for none.
    ///
    /// Errors: the operating system has no randomness, or no thread.
    pub fn new(admin_password: Option<&str>, longest_pause: Duration) -> Result<Self, String> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| error.to_string())?;
        // Hashed in any case, to measure the time of a hash. Its memory is given back: an idle
        // service needs none.
        let began = Instant::now();
        let hash = hash_password(admin_password.unwrap_or_default())?;
        let tick = began.elapsed().saturating_mul(TICK_HASHES).clamp(MIN_TICK, MAX_TICK);
        let admin =
            admin_password.map(|_| Account { name: "admin".to_owned(), roles: Roles::ALL, password: Some(hash), token: None });
        Ok(Self {
            admin,
            key,
            proven: Proven::new(key),
            throttle: Throttle::new(longest_pause),
            turns: Turns::new(vec![Hasher::start()?, Hasher::start()?]),
            lookups: Semaphore::new(MAX_LOOKUPS),
            tick,
        })
    }

    /// The account that sent these headers from this address.
    ///
    /// Errors: 401 for wrong credentials, 429 after too many wrong passwords, 503 if too many
    /// accounts are being checked. Each waits for a tick.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        store: &Store,
        metrics: &Metrics,
    ) -> Result<Caller, Refusal> {
        let began = Instant::now();
        let credentials = Credentials::from_headers(headers)
            .map_err(|detail| Refusal::without_credentials(unauthorized(detail), self.next_tick(began)))?;
        let proof = self.proven.proof(&credentials);
        if let Some(caller) = self.proven.trusted(&proof) {
            return Ok(caller);
        }
        // In boxes: they are rare, and would make the future of every request as large.
        let result = match &credentials {
            Credentials::Basic(text) => Box::pin(self.check_password(text, &proof, from, store)).await,
            Credentials::Bearer(token) => Box::pin(self.check_token(token, &proof, store)).await,
        };
        let response = match result {
            Ok(Some(caller)) => return Ok(caller),
            Ok(None) => {
                tracing::warn!("an account was refused");
                self.proven.remove(&proof);
                metrics.count_refused("wrong");
                unauthorized("the account or its password or token is wrong")
            }
            Err(error) => {
                metrics.count_refused(if error.status == 429 { "paused" } else { "busy" });
                error.into()
            }
        };
        Err(Refusal::new(response, self.next_tick(began)))
    }

    /// The account of a token. It waits for no hash and for no pause.
    async fn check_token(&self, token: &str, proof: &Proof, store: &Store) -> Result<Option<Caller>, Error> {
        let account = self.look_up(self.proven.contains(proof), store.account_of_token(&hash_token(token))).await?;
        let caller = account.map(|account| Caller { name: account.name, roles: account.roles });
        if let Some(caller) = &caller {
            self.proven.insert(*proof, caller.clone());
        }
        Ok(caller)
    }

    /// The account of a name and its password.
    ///
    /// A password that was right before waits for no pause and has its turn before all others.
    /// Guesses from the same address, such as behind the same proxy, do not lock it out. A name
    /// without a password waits for its turn like any other. Nothing is hashed for it, so made-up
    /// names delay nobody.
    async fn check_password(&self, text: &str, proof: &Proof, from: IpAddr, store: &Store) -> Result<Option<Caller>, Error> {
        let Some((name, password)) = text.split_once(':') else { return Ok(None) };
        let (pair, was_right) = (self.pair(name, from), self.proven.contains(proof));
        self.check_pause(&pair, was_right)?;
        let account = match &self.admin {
            Some(admin) if admin.name == name => Some(admin.clone()),
            _ => self.look_up(was_right, store.account(name)).await?,
        };
        let known = account.and_then(|account| Some((Caller { name: account.name, roles: account.roles }, account.password?)));
        let purpose = match known {
            None => Purpose::Wait,
            Some(_) if was_right => Purpose::Recheck,
            Some(_) => Purpose::Check,
        };
        let turn = self.turns.take(purpose, network_of(from), pair).await.ok_or_else(busy)?;
        // Another request may have found the result in the meantime. Neither all concurrent guesses
        // are hashed, nor all requests with one right password.
        if let Some(caller) = self.proven.trusted(proof) {
            return Ok(Some(caller));
        }
        self.check_pause(&pair, was_right)?;
        let Some((caller, hash)) = known else {
            self.throttle.count_wrong(pair, Instant::now());
            return Ok(None);
        };
        let (turn, verdict) = turn.verify(Zeroizing::new(password.to_owned()), hash).await.ok_or_else(busy)?;
        let is_right = verdict.unwrap_or_else(|error| {
            tracing::error!(
                "account {name:?} cannot log in: the stored hash of its password {error}; \
                 set the password again with keyfob account add --replace"
            );
            false
        });
        if is_right {
            // Before the next turn, which may be for the same password.
            self.proven.insert(*proof, caller.clone());
            if !was_right {
                self.throttle.reset(&pair);
            }
            return Ok(Some(caller));
        }
        let is_first_pause = self.throttle.count_wrong(pair, Instant::now());
        drop(turn);
        if is_first_pause {
            audit(caller.name, from, store).await;
        }
        Ok(None)
    }

    /// Asks the store for an account. Credentials that were right before need no permit.
    ///
    /// Errors: those of the store, or 503 if no permit is free in time.
    async fn look_up(
        &self,
        was_right: bool,
        lookup: impl Future<Output = Result<Option<Account>, Error>>,
    ) -> Result<Option<Account>, Error> {
        let _permit = if was_right {
            None
        } else {
            let permit = tokio::time::timeout(LOOKUP_TIMEOUT, self.lookups.acquire()).await;
            Some(permit.ok().and_then(Result::ok).ok_or_else(busy)?)
        };
        lookup.await
    }

    /// Errors: 429 during a pause.
    fn check_pause(&self, pair: &PairHash, was_right: bool) -> Result<(), Error> {
        let seconds = self.throttle.remaining_seconds(pair, Instant::now());
        if seconds == 0 || was_right {
            return Ok(());
        }
        let detail = format!("too many wrong passwords came for this account from this address; try again in {seconds} seconds");
        Err(Error::new(429, detail).with_retry_after(seconds))
    }

    /// The next tick of a request that came at `began`.
    fn next_tick(&self, began: Instant) -> Instant {
        let (now, tick) = (Instant::now(), self.tick.as_nanos().max(1));
        let late = now.saturating_duration_since(began).as_nanos().checked_rem(tick).unwrap_or_default();
        let left = Duration::from_nanos(u64::try_from(tick.saturating_sub(late)).unwrap_or_default());
        now.checked_add(left).unwrap_or(now)
    }

    fn pair(&self, name: &str, from: IpAddr) -> PairHash {
        Sha256::new().chain_update(self.key).chain_update(network_of(from)).chain_update(name).finalize().into()
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("throttle", &self.throttle).field("tick", &self.tick).finish_non_exhaustive()
    }
}

fn busy() -> Error {
    Error::new(503, "too many accounts are being checked; try again")
}

/// Writes to the trail that wrong passwords came. This happens once for each series of them, so
/// that guesses cannot fill the trail. A name without an account is written nowhere: it may be a
/// password in the wrong field.
async fn audit(name: String, from: IpAddr, store: &Store) {
    tracing::warn!("too many wrong passwords for account {name:?} from {from}");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let event = Event {
        kind: EventKind::RefuseAccount,
        at: now,
        actor: name,
        device_id: 0,
        user: String::new(),
        success: false,
        reason: format!("wrong passwords from {from}"),
        drift: None,
    };
    if let Err(error) = store.audit(event).await {
        tracing::error!("the trail was not written: {error}");
    }
}

fn unauthorized(detail: &str) -> Response {
    let response = Response::from(Error::new(401, detail));
    let response = response.with_header("www-authenticate", "Basic realm=\"keyfob\", charset=\"UTF-8\"".to_owned());
    response.with_header("www-authenticate", "Bearer realm=\"keyfob\"".to_owned())
}

#[cfg(test)]
mod tests;
