//! Who asks: HTTP Basic (RFC 7617) with a password, or a bearer token (RFC 6750). Tokens are too
//! long to be guessed; passwords have a pause after wrong ones, and turns at being hashed.

mod credentials;
mod fair;
mod hasher;
mod hashing;
mod proven;
mod throttle;
mod turns;

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use axum::http::HeaderMap;
use data_encoding::HEXLOWER;
use keyfob_scim::{Error, Event, EventKind, Response, Roles, Step};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use self::credentials::Credentials;
use self::hasher::Hasher;
use self::hashing::Area;
use self::proven::{Proof, Proven};
use self::throttle::{Pair, Throttle};
use self::turns::{Ask, Turns};
use super::Metrics;
use super::network::network;
use crate::store::{Account, Store};

/// Refusals come this long after the request, or a multiple of it: much longer than a hash takes,
/// so that the time does not tell whether one was made, which is whether there is such an account.
const BEAT: Duration = Duration::from_millis(250);
/// The beat on a slow machine, in times that a hash takes there, up to the slowest.
const BEAT_IN_HASHES: u32 = 4;
const SLOWEST_BEAT: Duration = Duration::from_secs(1);
/// How many accounts are looked up at once for credentials that were not right before, so that the
/// store's queue has room for others.
const LOOKUPS: usize = 32;
/// How long a lookup may wait for its place.
const LOOKUP_WAIT: Duration = Duration::from_secs(5);

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    /// The account.
    pub name: String,
    /// Its roles.
    pub roles: Roles,
}

/// The refusal of credentials, and when it may go out.
pub(crate) struct Refusal {
    response: Response,
    at: Instant,
    /// The headers have no credentials that can be read: nothing was looked up.
    has_none: bool,
}

impl Refusal {
    /// The refusal, when its time has come. Many clients send no credentials until they are asked
    /// to, and are asked at once. Those that were refused by the answer before as well, and go
    /// `again` without, wait as any.
    pub(crate) async fn in_time(self, again: bool) -> Response {
        if again || !self.has_none {
            tokio::time::sleep_until(self.at.into()).await;
        }
        self.response
    }
}

/// The accounts: those of the store, and one of the configuration.
pub struct Accounts {
    admin: Option<Account>,
    key: [u8; 32],
    proven: Proven,
    throttle: Throttle,
    turns: Turns,
    lookups: Semaphore,
    beat: Duration,
}

impl Accounts {
    /// The accounts of the store, and `admin` with this password if one is given; the longest pause
    /// after wrong passwords, zero for none. Errors: the operating system gave no randomness, or no
    /// thread.
    pub fn new(admin_password: Option<&str>, longest_pause: Duration) -> Result<Self, String> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| error.to_string())?;
        let mut area = Area::default();
        // Made in any case, for the time that it takes here.
        let began = Instant::now();
        let hash = area.hash(admin_password.unwrap_or_default().as_bytes())?;
        let beat = began.elapsed().saturating_mul(BEAT_IN_HASHES).clamp(BEAT, SLOWEST_BEAT);
        let admin =
            admin_password.map(|_| Account { name: "admin".to_owned(), roles: Roles::ALL, password: Some(hash), token: None });
        Ok(Self {
            admin,
            key,
            proven: Proven::new(key),
            throttle: Throttle::new(longest_pause),
            // The last is taken first, and has its memory.
            turns: Turns::new(vec![Hasher::start(Area::default())?, Hasher::start(area)?]),
            lookups: Semaphore::new(LOOKUPS),
            beat,
        })
    }

    /// Who sent these headers from this address. Errors: 401 for nobody that is known, 429 after
    /// too many wrong passwords, 503; each to be told at a beat.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        store: &Store,
        metrics: &Metrics,
    ) -> Result<Who, Refusal> {
        let began = Instant::now();
        let refused = |response, has_none| Refusal { response, at: self.next_beat(began), has_none };
        let credentials = Credentials::read(headers).map_err(|fault| refused(unauthorized(fault), true))?;
        let proof = self.proven.proof(&credentials);
        if let Some(who) = self.proven.believed(&proof) {
            return Ok(who);
        }
        let judged = match &credentials {
            Credentials::Basic(text) => self.password(text, &proof, from, store).await,
            Credentials::Bearer(token) => self.token(token, &proof, store).await,
        };
        let response = match judged {
            Ok(Some(who)) => return Ok(who),
            Ok(None) => {
                tracing::warn!("an account was refused");
                self.proven.wrong(&proof);
                metrics.refused("wrong");
                unauthorized("the account or its password or token is wrong")
            }
            Err(error) => {
                metrics.refused(if error.status == 429 { "paused" } else { "busy" });
                error.into()
            }
        };
        Err(refused(response, false))
    }

    /// The account of a token. It waits for no hash and for no pause.
    async fn token(&self, token: &str, proof: &Proof, store: &Store) -> Result<Option<Who>, Error> {
        let account = self.look_up(self.proven.were_right(proof), store.account_of_token(&hash_token(token))).await?;
        let who = account.map(|account| Who { name: account.name, roles: account.roles });
        if let Some(who) = &who {
            self.proven.right(*proof, who.clone());
        }
        Ok(who)
    }

    /// The account of a name and its password. One that was right before waits for no pause, and
    /// has its turn before all others: whoever guesses from the same address, as behind the same
    /// proxy, does not keep it out. A name without a password waits for its turn as any, and
    /// nothing is hashed for it, so that made-up names keep nobody waiting.
    async fn password(&self, text: &str, proof: &Proof, from: IpAddr, store: &Store) -> Result<Option<Who>, Error> {
        let Some((name, password)) = text.split_once(':') else { return Ok(None) };
        let (pair, was_right) = (self.pair(name, from), self.proven.were_right(proof));
        self.pause(&pair, was_right)?;
        let account = match &self.admin {
            Some(admin) if admin.name == name => Some(admin.clone()),
            _ => self.look_up(was_right, store.account(name)).await?,
        };
        let known = account.and_then(|account| Some((Who { name: account.name, roles: account.roles }, account.password?)));
        let ask = match known {
            None => Ask::Nothing,
            Some(_) if was_right => Ask::Again,
            Some(_) => Ask::Check,
        };
        let turn = self.turns.take(ask, network(from), pair).await.ok_or_else(busy)?;
        // What others found while this waited: of guesses at once not all are hashed, nor of
        // requests with one right password.
        if let Some(who) = self.proven.believed(proof) {
            return Ok(Some(who));
        }
        self.pause(&pair, was_right)?;
        let Some((who, hash)) = known else {
            self.throttle.wrong(pair, Instant::now());
            return Ok(None);
        };
        let (turn, verdict) = turn.verify(Zeroizing::new(password.to_owned()), hash).await.ok_or_else(busy)?;
        let is_right = verdict.unwrap_or_else(|fault| {
            let again = "set it again with keyfob account add --replace";
            tracing::error!("account {name:?} cannot log in: the stored hash of its password {fault}; {again}");
            false
        });
        if is_right {
            // Before the next turn, which may be for the same password.
            self.proven.right(*proof, who.clone());
            if !was_right {
                self.throttle.right(&pair);
            }
            return Ok(Some(who));
        }
        let begins = self.throttle.wrong(pair, Instant::now());
        drop(turn);
        if begins {
            tell(who.name, from, store).await;
        }
        Ok(None)
    }

    /// Asks the store for an account, as one of so many at once; for one that was right before at
    /// once. Errors: those of the store; 503.
    async fn look_up(
        &self,
        was_right: bool,
        lookup: impl Future<Output = Result<Option<Account>, Error>>,
    ) -> Result<Option<Account>, Error> {
        let _place = if was_right {
            None
        } else {
            let place = tokio::time::timeout(LOOKUP_WAIT, self.lookups.acquire()).await;
            Some(place.ok().and_then(Result::ok).ok_or_else(busy)?)
        };
        lookup.await
    }

    /// Errors: 429 while there is a pause.
    fn pause(&self, pair: &Pair, was_right: bool) -> Result<(), Error> {
        let left = self.throttle.left(pair, Instant::now());
        if left == 0 || was_right {
            return Ok(());
        }
        let detail = format!("too many wrong passwords came for this account from this address; try again in {left} seconds");
        Err(Error::new(429, detail).with_retry_after(left))
    }

    /// The next beat of a request that came then.
    fn next_beat(&self, began: Instant) -> Instant {
        let (now, beat) = (Instant::now(), self.beat.as_nanos().max(1));
        let late = now.saturating_duration_since(began).as_nanos().checked_rem(beat).unwrap_or_default();
        let left = Duration::from_nanos(u64::try_from(beat.saturating_sub(late)).unwrap_or_default());
        now.checked_add(left).unwrap_or(now)
    }

    fn pair(&self, name: &str, from: IpAddr) -> Pair {
        Sha256::new().chain_update(self.key).chain_update(network(from)).chain_update(name).finalize().into()
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("throttle", &self.throttle).field("beat", &self.beat).finish_non_exhaustive()
    }
}

fn busy() -> Error {
    Error::new(503, "too many accounts are being checked; try again")
}

/// Writes to the trail that wrong passwords came: once for each row of them, or it could be filled
/// with them. A name that is no account's may be a password that was typed in its place, and is
/// written nowhere.
async fn tell(name: String, from: IpAddr, store: &Store) {
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
    let nothing = || Step::Done(Response { status: 204, headers: Vec::new(), body: Vec::new() });
    if let Err(error) = store.change(Step::Audit { event, then: Box::new(move |()| nothing()) }).await {
        tracing::error!("the trail was not written: {error}");
    }
}

/// The hash of a password, for the store: argon2id, as a PHC string. Errors: the operating system
/// gave no randomness.
pub fn hash_password(password: &str) -> Result<String, String> {
    Area::default().hash(password.as_bytes())
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
