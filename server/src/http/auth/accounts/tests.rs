//! Wrong passwords, the pause after them, and turns at hashing.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use data_encoding::BASE64;
use tokio::task::JoinHandle;

use super::*;
use crate::database::{Location, Options};
use crate::delivery::Attempts;
use crate::http::auth::fair_queue::MAX_WAITING;
use crate::http::auth::hashing::hash_password;
use crate::http::auth::turns::Turn;
use crate::store::{Keys, TrailLine, TrailQuery};

const HERE: [u8; 4] = [192, 0, 2, 1];
const THERE: [u8; 4] = [192, 0, 2, 2];
const TOKEN: &str = "of the account sync";
const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

struct Door {
    accounts: Accounts,
    store: Store,
    metrics: Metrics,
    _folder: tempfile::TempDir,
}

impl Door {
    async fn new(longest: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let store = Store::open(&Location::parse(&url, &Options::default()).unwrap(), Keys::parse(KEY).unwrap()).unwrap();
        let password = Some(hash_password("right").unwrap());
        store.put_account(&Account { name: "soffid".to_owned(), roles: Roles::VERIFY, password, token: None }).await.unwrap();
        let token = Some(hash_token(TOKEN));
        store.put_account(&Account { name: "sync".to_owned(), roles: Roles::VERIFY, password: None, token }).await.unwrap();
        let mut accounts = Accounts::new(Some("of the admin"), Duration::from_secs(longest)).unwrap();
        accounts.tick = Duration::from_millis(1);
        let metrics = Metrics::new(&store, Attempts::default(), None);
        Self { accounts, store, metrics, _folder: folder }
    }

    /// Sends a name and a password. Returns the status, 200 if they are accepted, and the seconds
    /// to wait.
    async fn knock(&self, from: [u8; 4], name: &str, password: &str) -> (u16, Option<u64>) {
        self.show(from, name, &format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes()))).await
    }

    /// Sends this header. If it is accepted, the account must have this name.
    async fn show(&self, from: [u8; 4], name: &str, header: &str) -> (u16, Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(header).unwrap());
        match self.accounts.identify(&headers, from.into(), &self.store, &self.metrics).await {
            Ok(caller) => {
                assert_eq!(caller.name, name);
                (200, None)
            }
            Err(refusal) => {
                let response = refusal.delayed(false).await;
                let wait = response.headers.iter().find(|(name, _)| *name == "retry-after");
                (response.status, wait.map(|(_, seconds)| seconds.parse().unwrap()))
            }
        }
    }

    /// Counts so many wrong passwords without hashing them.
    fn wrong(&self, from: [u8; 4], name: &str, times: u32) {
        let pair = self.accounts.pair(name, from.into());
        (0..times).for_each(|_| assert!(!self.accounts.throttle.count_wrong(pair, Instant::now())));
    }

    /// Sends a name and a password in a task of its own.
    fn knock_beside(self: &Arc<Self>, from: [u8; 4], name: &str, password: &str) -> JoinHandle<u16> {
        let (door, name, password) = (Arc::clone(self), name.to_owned(), password.to_owned());
        tokio::spawn(async move { door.knock(from, &name, &password).await.0 })
    }

    /// Holds all turns, so that others wait.
    async fn hold(&self) -> [Turn; 2] {
        let turn = || async { self.accounts.turns.take(Purpose::Check, network_of(THERE.into()), [0; 32]).await.unwrap() };
        [turn().await, turn().await]
    }

    /// Waits until so many requests wait for a turn.
    async fn wait_for(&self, many: usize) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.accounts.turns.waiting() != many {
            assert!(Instant::now() < until, "{} wait, and not {many}", self.accounts.turns.waiting());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn trail(&self) -> Vec<TrailLine> {
        self.store.trail(&TrailQuery { limit: 100, ..TrailQuery::default() }).await.unwrap().rows
    }
}

#[tokio::test]
async fn wrong_passwords_begin_a_pause_for_their_address_only() {
    let door = Door::new(900).await;
    for _ in 0..5 {
        assert_eq!(door.knock(HERE, "soffid", "wrong").await, (401, None));
    }
    // Longer than a slow machine takes.
    door.wrong(HERE, "soffid", 6);
    // The right one too, or the pause would be none.
    for password in ["wrong", "another", "right"] {
        let (status, wait) = door.knock(HERE, "soffid", password).await;
        assert!(status == 429 && (1..=64).contains(&wait.unwrap()), "{status} {wait:?}");
    }
    assert_eq!(door.knock(HERE, "admin", "of the admin").await, (200, None));
    assert_eq!(door.knock(THERE, "soffid", "right").await, (200, None));
    let text = door.metrics.text(&door.store, &keyfob_scim::MessageLimits::default()).await;
    for line in ["keyfob_accounts_refused_total{reason=\"wrong\"} 5", "keyfob_accounts_refused_total{reason=\"paused\"} 3"] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
    let trail = door.trail().await;
    let [line] = trail.as_slice() else { panic!("one line: {trail:?}") };
    assert_eq!((line.event.as_str(), line.actor.as_str(), line.success), ("account-refused", "soffid", false));
    assert_eq!((line.reason.as_str(), line.device, line.user.as_str()), ("wrong passwords from 192.0.2.1", 0, ""));
}

#[tokio::test]
async fn password_that_was_right_is_locked_out_by_nobody() {
    let door = Arc::new(Door::new(900).await);
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
    door.wrong(HERE, "soffid", 4);
    assert_eq!(door.knock(HERE, "soffid", "wrong").await.0, 401);
    door.wrong(HERE, "soffid", 6);
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200, "remembered");
    door.accounts.proven.expire_all();
    // Nor by those who wait for their turns, though there is no room for more.
    let turns = door.hold().await;
    let pair = door.accounts.pair("admin", HERE.into());
    let crowd: Vec<_> = (0..MAX_WAITING)
        .map(|_| {
            let turns = door.accounts.turns.clone();
            tokio::spawn(async move { turns.take(Purpose::Check, network_of(HERE.into()), pair).await.is_some() })
        })
        .collect();
    door.wait_for(MAX_WAITING).await;
    assert_eq!(door.knock(HERE, "admin", "of the admin").await, (503, Some(1)));
    let again = door.knock_beside(HERE, "soffid", "right");
    door.wait_for(MAX_WAITING + 1).await;
    drop(turns);
    assert_eq!(again.await.unwrap(), 200, "checked again");
    for one in crowd {
        assert!(one.await.unwrap());
    }
    // It does not end the pause of others.
    assert_eq!(door.knock(HERE, "soffid", "wrong").await.0, 429);
    // Once it is another, the old one is a guess like any.
    let password = Some(hash_password("new one").unwrap());
    door.store.put_account(&Account { name: "soffid".to_owned(), roles: Roles::VERIFY, password, token: None }).await.unwrap();
    door.accounts.proven.expire_all();
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 401);
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 429);
}

#[tokio::test]
async fn right_password_resets_the_count_of_wrong_ones() {
    let door = Door::new(900).await;
    door.wrong(HERE, "soffid", 4);
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
    for _ in 0..4 {
        assert_eq!(door.knock(HERE, "soffid", "wrong").await.0, 401);
    }
    assert!(door.trail().await.is_empty());
}

#[tokio::test]
async fn unknown_name_is_paused_as_well_and_is_written_nowhere() {
    let door = Door::new(900).await;
    door.wrong(HERE, "a password?", 4);
    assert_eq!(door.knock(HERE, "a password?", "wrong").await.0, 401);
    door.wrong(HERE, "a password?", 6);
    assert_eq!(door.knock(HERE, "a password?", "wrong").await.0, 429);
    assert!(door.trail().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_guesses_are_hashed_as_often_as_sequential_ones_and_twice_more() {
    let door = Arc::new(Door::new(900).await);
    let guesses: Vec<_> = (0..40).map(|guess| door.knock_beside(HERE, "soffid", &guess.to_string())).collect();
    let mut hashed = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            401 => hashed += 1,
            status => assert_eq!(status, 429),
        }
    }
    // Two hashes go on while the fifth is counted; a pause of a second may end among them on a slow
    // machine.
    assert!((5..=8).contains(&hashed), "{hashed}");
}

#[tokio::test]
async fn wrong_passwords_are_only_refused_without_a_pause() {
    let door = Door::new(0).await;
    for _ in 0..7 {
        assert_eq!(door.knock(HERE, "soffid", "wrong").await, (401, None));
    }
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
}

/// Though they come from the same address, as behind a proxy.
#[tokio::test]
async fn made_up_names_and_a_full_queue_lock_out_no_password_and_no_token() {
    let door = Arc::new(Door::new(900).await);
    let turns = door.hold().await;
    let strangers: Vec<_> = (0..500).map(|number| door.knock_beside(HERE, &format!("stranger {number}"), "wrong")).collect();
    door.wait_for(500).await;
    let right = door.knock_beside(HERE, "soffid", "right");
    door.wait_for(501).await;
    // A token does not wait.
    assert_eq!(door.show(HERE, "sync", &format!("Bearer {TOKEN}")).await.0, 200);
    drop(turns);
    assert_eq!(right.await.unwrap(), 200);
    for stranger in strangers {
        assert_eq!(stranger.await.unwrap(), 401, "as for a name that there is");
    }
    let pair = door.accounts.pair("admin", HERE.into());
    let turns = door.hold().await;
    let take = || door.accounts.turns.take(Purpose::Check, network_of(HERE.into()), pair);
    let mut crowd: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(take())).collect();
    for one in &mut crowd {
        assert!(tokio::time::timeout(Duration::ZERO, one).await.is_err());
    }
    // Networks share all slots, and names share the slots of a network. The name with the most is
    // evicted.
    door.store
        .put_account(&Account { name: "other".to_owned(), ..door.store.account("soffid").await.unwrap().unwrap() })
        .await
        .unwrap();
    let others = [door.knock_beside(HERE, "other", "right"), door.knock_beside(THERE, "other", "right")];
    for lost in crowd.drain(MAX_WAITING - 2..) {
        let lost = tokio::time::timeout(Duration::from_secs(60), lost).await;
        assert!(lost.expect("a refusal").is_none(), "the latest");
    }
    let stranger = door.knock_beside(THERE, "stranger", "wrong");
    door.wait_for(MAX_WAITING + 1).await;
    drop(turns);
    drop(crowd);
    for other in others {
        assert_eq!(other.await.unwrap(), 200);
    }
    assert_eq!(stranger.await.unwrap(), 401);
}

#[tokio::test]
async fn spellings_of_a_token_count_as_one_and_evict_nobody() {
    let door = Door::new(900).await;
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
    for number in 0..10_050_usize {
        let scheme = "bearer".chars().enumerate();
        let scheme: String =
            scheme.map(|(at, sign)| if number >> at & 1 == 1 { sign.to_ascii_uppercase() } else { sign }).collect();
        let header = format!("{scheme}{}{TOKEN}", " ".repeat(1 + number / 64));
        assert_eq!(door.show(HERE, "sync", &header).await.0, 200);
    }
    assert_eq!(door.accounts.proven.len(), 2);
    // Without a hash: what was proven before is still believed.
    let _turns = door.hold().await;
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
}

/// A hash takes less time, and is made for existing names only.
#[tokio::test]
async fn refusals_do_not_come_before_their_tick() {
    let mut door = Door::new(900).await;
    door.accounts.tick = Duration::from_millis(200);
    door.wrong(HERE, "soffid", 4);
    door.wrong(THERE, "stranger", 4);
    let basic = |name: &str| format!("Basic {}", BASE64.encode(format!("{name}:wrong").as_bytes()));
    for (from, header, status) in [
        (HERE, basic("soffid"), 401),
        (HERE, basic("stranger"), 401),
        (HERE, basic("sync"), 401),
        (THERE, basic("stranger"), 401),
        (THERE, basic("stranger"), 429),
        (HERE, "Bearer made up".to_owned(), 401),
    ] {
        let began = Instant::now();
        assert_eq!(door.show(from, "nobody", &header).await.0, status, "{header}");
        assert!(began.elapsed() >= door.accounts.tick, "{header}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn stored_hash_that_cannot_be_checked_lets_nobody_in() {
    let door = Door::new(900).await;
    for hash in ["", "right", "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"] {
        let password = Some(hash.to_owned());
        door.store.put_account(&Account { name: "soffid".to_owned(), roles: Roles::VERIFY, password, token: None }).await.unwrap();
        assert_eq!(door.knock(HERE, "soffid", "right").await.0, 401);
    }
    assert_eq!(door.knock(HERE, "admin", "of the admin").await.0, 200, "the turn is given back");
}
