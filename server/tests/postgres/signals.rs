//! Signals of several services on one PostgreSQL, one of which is killed, and of a primary that is
//! killed. None is lost, those of a device keep their order, and a repeated token has the same
//! `jti`.
//!
//! Each device is a token that goes from one user to the next, so the subjects of its events count
//! on.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{BASE, Client};
use super::cluster::Cluster;
use super::failover::Pair;
use super::process::{PASSWORD, Run, Server, folder, keyfob};
use super::receiver::Receiver;

/// How many tokens go from user to user.
const TOKENS: usize = 4;
/// How often the primary is killed.
const FAILOVERS: usize = 5;
/// Longer than a service waits for the lease of a killed one, and than any back-off here.
const PATIENCE: Duration = Duration::from_secs(180);

/// A device and the changes of its user that a service has confirmed: whether it came to the user,
/// and the number of the user.
struct Token {
    number: usize,
    path: String,
    turn: u64,
    confirmed: Vec<(bool, u64)>,
}

impl Token {
    fn create(client: &mut Client, number: usize) -> Self {
        let body = json!({"type": "HOTP", "name": format!("FTK{number}"), "status": "V", "user": format!("{number}-0"),
                          "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"});
        let path = client.create(&body).0;
        Self { number, path, turn: 0, confirmed: vec![(true, 0)] }
    }

    /// Changes its user until all is over, by any of the services. A request without a response has
    /// an unknown outcome, so its number is not used again.
    fn hand_on(&mut self, services: &[SocketAddr], is_over: &AtomicBool) {
        let mut clients: Vec<_> = services.iter().map(|&address| Client::basic(address, "admin", PASSWORD)).collect();
        for turn in self.number.. {
            if is_over.load(Ordering::SeqCst) {
                return;
            }
            let client = &mut clients[turn % services.len()];
            let target = format!("{BASE}{}", self.path);
            let Some(device) = client.send("GET", &target, "", b"").filter(|response| response.status == 200) else {
                thread::sleep(Duration::from_millis(20));
                continue;
            };
            let user = device.json()["user"].as_str().and_then(|user| user.split_once('-')?.1.parse().ok());
            let (operation, change) = if let Some(user) = user {
                (json!({"op": "remove", "path": "user"}), (false, user))
            } else {
                self.turn += 1;
                let value = format!("{}-{}", self.number, self.turn);
                (json!({"op": "replace", "path": "user", "value": value}), (true, self.turn))
            };
            let body = json!({"Operations": [operation]}).to_string();
            let response = client.send("PATCH", &target, "Content-Type: application/json\r\n", body.as_bytes());
            if response.is_some_and(|response| response.status == 200) {
                self.confirmed.push(change);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Compares the events of its users with what was confirmed and with the trail, whose lines are
    /// those of another user.
    fn check(&self, claims: &HashMap<String, (usize, Value)>, trailed: usize) {
        let mine = format!("{}-", self.number);
        let mut events: Vec<_> = claims
            .values()
            .filter_map(|(at, claims)| {
                let user = claims["sub_id"]["sub"].as_str().unwrap().strip_prefix(&mine)?.parse::<u64>().unwrap();
                let event = claims["events"].as_object().unwrap().values().next().unwrap();
                Some((at, (event["change_type"] == "create", user)))
            })
            .collect();
        events.sort_unstable();
        let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
        for pair in events.chunks(2) {
            assert_eq!(pair[0], (true, pair[0].1), "{events:?}");
            assert!(pair.len() == 1 || pair[1] == (false, pair[0].1), "{events:?}");
        }
        let users: Vec<_> = events.iter().step_by(2).map(|(_, user)| user).collect();
        assert!(users.is_sorted_by(|one, next| one < next), "{users:?}");
        let mut rest = events.iter();
        assert!(self.confirmed.iter().all(|change| rest.any(|event| event == change)), "a confirmed change has no token");
        assert_eq!(events.len(), trailed, "each line of the trail has a token");
    }
}

/// Services that send to one receiver.
struct Senders {
    receiver: Receiver,
    folder: tempfile::TempDir,
    servers: Vec<Server>,
}

impl Senders {
    fn start(many: usize, url: &str) -> Self {
        let (receiver, folder) = (Receiver::start(), folder());
        let text = format!(
            "log = \"warn\"\n[signals]\nissuer = \"https://otp.example.com\"\nprofile = \"caep\"\n[[receiver]]\n\
             name = \"receiver\"\naudience = \"https://receiver.example.com\"\nurl = \"http://127.0.0.1:{}/\"\n",
            receiver.port
        );
        std::fs::write(folder.path().join("keyfob.toml"), text).unwrap();
        let args = ["--config", "keyfob.toml", "--store", url];
        // All have the same keys, which the first one makes.
        let servers = (0..many).map(|_| Server::start(folder.path(), &args)).collect();
        Self { receiver, folder, servers }
    }

    /// Does `work` while tokens go from user to user through all services.
    fn during(&mut self, tokens: &mut [Token], work: impl FnOnce(&mut Self)) {
        let addresses: Vec<_> = self.servers.iter().map(|server| server.address).collect();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let over = Over(&is_over);
            for token in tokens {
                scope.spawn(|| token.hand_on(&addresses, &is_over));
            }
            work(self);
            drop(over);
        });
    }

    /// Waits until more tokens came.
    fn wait_for_more(&self) {
        let enough = self.receiver.count() + 3 * TOKENS;
        self.wait(|| self.receiver.count() >= enough);
    }

    fn wait(&self, condition: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < until, "nothing is sent: {}", log(self.folder.path()));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many signals a service has sent.
    fn accepted(&self, at: usize) -> u64 {
        let metrics = self.servers[at].anonymous().send("GET", "/metrics", "", b"").unwrap();
        let lines = metrics.text().lines().filter(|line| line.starts_with("keyfob_signals_total") && line.contains("\"accepted\""));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Kills the service that sends.
    fn kill_sender(&mut self) {
        let before: Vec<_> = (0..self.servers.len()).map(|at| self.accepted(at)).collect();
        self.wait_for_more();
        let sending: Vec<_> = (0..self.servers.len()).filter(|&at| self.accepted(at) > before[at]).collect();
        let [sender] = sending[..] else { panic!("{sending:?} send at once") };
        self.servers.remove(sender).kill();
    }

    /// Waits until nothing waits, and checks all that came. Returns how many tokens came again.
    fn check(&self, tokens: &[Token], url: &str) -> usize {
        let list = ["signals", "list", "--config", "keyfob.toml", "--store", url, "--json"];
        let run = |args: &[&str]| Run::from_command(keyfob(self.folder.path(), args), "").well();
        self.wait(|| run(&list).trim().is_empty());
        let mut first: HashMap<String, (usize, Value)> = HashMap::new();
        let all = self.receiver.all();
        for (at, claims) in all.iter().enumerate() {
            let known = first.entry(claims["jti"].as_str().unwrap().to_owned()).or_insert_with(|| (at, claims.clone()));
            assert_eq!(&known.1, claims, "a token that came again differs");
        }
        for token in tokens {
            let device = token.path.rsplit('/').next().unwrap();
            let lines = run(&["audit", "--store", url, "--json", "--limit", "1000000", "--device", device]);
            // A removal whose outcome is unknown may be stored after its repetition began, which
            // then changes nothing: its line has no user.
            let is_change = |line: &&str| line.contains("\"credential-change") && !line.contains("\"user\":\"\"");
            let trailed = lines.lines().filter(is_change).count();
            token.check(&first, trailed);
        }
        all.len() - first.len()
    }
}

/// Ends the threads of a test, also where it fails.
struct Over<'f>(&'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn log(folder: &Path) -> String {
    super::process::log(folder)
}

fn tokens(senders: &Senders) -> Vec<Token> {
    let mut client = senders.servers[0].admin();
    (0..TOKENS).map(|number| Token::create(&mut client, number)).collect()
}

#[test]
fn no_signal_is_lost_and_none_overtakes_another_when_sending_services_are_killed() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let url = cluster.url("keyfob");
    let mut senders = Senders::start(3, &url);
    let mut tokens = tokens(&senders);
    senders.during(&mut tokens, |senders| {
        for _ in 0..2 {
            senders.wait_for_more();
            senders.kill_sender();
        }
        senders.wait_for_more();
    });
    senders.check(&tokens, &url);
}

#[test]
fn no_signal_is_lost_over_failovers() {
    let mut pair = Pair::start();
    // Both, whichever is the primary.
    let url = pair.primary.url_with(&pair.standby, "keyfob");
    let mut senders = Senders::start(2, &url);
    let mut tokens = tokens(&senders);
    senders.during(&mut tokens, |senders| {
        for failover in 0..FAILOVERS {
            senders.wait_for_more();
            thread::sleep(Duration::from_millis(37 * u64::try_from(failover).unwrap() % 100));
            pair.fail_over();
            // Without a standby the new primary commits nothing.
            pair.renew();
        }
        senders.wait_for_more();
    });
    senders.check(&tokens, &url);
}
