//! Wrong passwords and the pause after them.

use axum::http::HeaderValue;

use super::*;
use crate::store::{Keys, Line, Location, Options, Wanted};

const HERE: [u8; 4] = [192, 0, 2, 1];
const THERE: [u8; 4] = [192, 0, 2, 2];
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
        let accounts = Accounts::new(Some("of the admin"), Duration::from_secs(longest)).unwrap();
        Self { accounts, store, metrics: Metrics::default(), _folder: folder }
    }

    /// Comes with a name and a password. Returns the status, 200 for who is let in, and the seconds to wait.
    async fn knock(&self, from: [u8; 4], name: &str, password: &str) -> (u16, Option<u64>) {
        let mut headers = HeaderMap::new();
        let basic = format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes()));
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(basic).unwrap());
        match self.accounts.identify(&headers, from.into(), &self.store, &self.metrics).await {
            Ok(who) => {
                assert_eq!(who.name, name);
                (200, None)
            }
            Err(response) => {
                let wait = response.headers.iter().find(|(name, _)| *name == "retry-after");
                (response.status, wait.map(|(_, seconds)| seconds.parse().unwrap()))
            }
        }
    }

    /// So many wrong passwords, without their hashes.
    fn wrong(&self, from: [u8; 4], name: &str, times: u32) {
        let pair = self.accounts.pair(name, from.into());
        (0..times).for_each(|_| assert!(!self.accounts.throttle.wrong(pair, Instant::now())));
    }

    /// What is remembered is not believed any more.
    fn age(&self) {
        let mut remembered = self.accounts.remembered.lock().unwrap();
        remembered.values_mut().for_each(|(_, since)| *since = since.checked_sub(REMEMBERED).unwrap());
    }

    async fn trail(&self) -> Vec<Line> {
        self.store.trail(&Wanted { limit: 100, ..Wanted::default() }).await.unwrap().rows
    }
}

#[tokio::test]
async fn wrong_passwords_begin_a_pause_from_there_and_nowhere_else() {
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
    let text = door.metrics.text();
    for line in ["keyfob_accounts_refused_total{reason=\"wrong\"} 5", "keyfob_accounts_refused_total{reason=\"paused\"} 3"] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
    let trail = door.trail().await;
    let [line] = trail.as_slice() else { panic!("one line: {trail:?}") };
    assert_eq!((line.event.as_str(), line.actor.as_str(), line.success), ("account-refused", "soffid", false));
    assert_eq!((line.reason.as_str(), line.device, line.user.as_str()), ("wrong passwords from 192.0.2.1", 0, ""));
}

#[tokio::test]
async fn a_password_that_was_right_is_kept_out_by_nobody() {
    let door = Door::new(900).await;
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
    door.wrong(HERE, "soffid", 4);
    assert_eq!(door.knock(HERE, "soffid", "wrong").await.0, 401);
    door.wrong(HERE, "soffid", 6);
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200, "remembered");
    door.age();
    // Nor by those who fill the queue for the hashes.
    let _all = door.accounts.waiting.acquire_many(u32::try_from(WAITING).unwrap()).await.unwrap();
    assert_eq!(door.knock(THERE, "soffid", "wrong").await, (503, Some(1)));
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200, "checked again");
    // It forgives nobody else.
    assert_eq!(door.knock(HERE, "soffid", "wrong").await.0, 429);
    // Once it is another, the old one is a guess like any.
    let password = Some(hash_password("new one").unwrap());
    door.store.put_account(&Account { name: "soffid".to_owned(), roles: Roles::VERIFY, password, token: None }).await.unwrap();
    door.age();
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 401);
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 429);
}

#[tokio::test]
async fn a_right_password_takes_back_the_wrong_ones_before_it() {
    let door = Door::new(900).await;
    door.wrong(HERE, "soffid", 4);
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
    for _ in 0..4 {
        assert_eq!(door.knock(HERE, "soffid", "wrong").await.0, 401);
    }
    assert!(door.trail().await.is_empty());
}

#[tokio::test]
async fn a_name_that_is_nobodys_waits_as_well_and_is_written_nowhere() {
    let door = Door::new(900).await;
    door.wrong(HERE, "a password?", 4);
    assert_eq!(door.knock(HERE, "a password?", "wrong").await.0, 401);
    door.wrong(HERE, "a password?", 6);
    assert_eq!(door.knock(HERE, "a password?", "wrong").await.0, 429);
    assert!(door.trail().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_guesses_at_once_as_many_are_hashed_as_one_after_another_and_two() {
    let door = std::sync::Arc::new(Door::new(900).await);
    let guesses: Vec<_> = (0..40)
        .map(|guess| {
            let door = std::sync::Arc::clone(&door);
            tokio::spawn(async move { door.knock(HERE, "soffid", &guess.to_string()).await.0 })
        })
        .collect();
    let mut hashed = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            401 => hashed += 1,
            status => assert_eq!(status, 429),
        }
    }
    // Two hashes go on while the fifth is counted; a pause of a second may end among them on a slow machine.
    assert!((5..=8).contains(&hashed), "{hashed}");
}

#[tokio::test]
async fn without_a_pause_wrong_passwords_are_refused_and_no_more() {
    let door = Door::new(0).await;
    for _ in 0..7 {
        assert_eq!(door.knock(HERE, "soffid", "wrong").await, (401, None));
    }
    assert_eq!(door.knock(HERE, "soffid", "right").await.0, 200);
}
