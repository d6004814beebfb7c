//! Services that share a database and a key, and clients that go from one to another as behind a balancer.

use std::collections::HashSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{BASE, Client};
use super::process::{PASSWORD, Server};

/// A lock that the guesses of a test do not reach, and so a chance of guessing that is to be allowed.
pub(crate) const UNLOCKED: [&str; 3] = ["policy.fails=1000000", "policy.guess_bound=0", "policy.pin_guess_bound=0"];

/// Services on one store.
pub(crate) struct Fleet {
    pub(crate) servers: Vec<Server>,
    folder: TempDir,
}

impl Fleet {
    /// Starts so many at once.
    pub(crate) fn start(many: usize, url: &str, set: &[&str]) -> Self {
        let folder = super::process::folder();
        let mut args = vec!["--store", url, "--set", "log=warn"];
        for pair in set {
            args.extend(["--set", pair]);
        }
        // All have the same key, which one of them makes.
        let one = Server::start(folder.path(), &args);
        let others = thread::scope(|scope| {
            let threads: Vec<_> = (1..many).map(|_| scope.spawn(|| Server::start(folder.path(), &args))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        Self { servers: std::iter::once(one).chain(others).collect(), folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }

    /// A client of one of them.
    pub(crate) fn admin(&self, at: usize) -> Client {
        self.servers[at % self.servers.len()].admin()
    }

    /// Waits until all are ready. Returns how long that took.
    pub(crate) fn wait_until_ready(&self) -> Duration {
        let began = Instant::now();
        for server in &self.servers {
            while server.nobody().send("GET", "/ready", "", b"").is_none_or(|answer| answer.status != 200) {
                assert!(
                    began.elapsed() < Duration::from_secs(60),
                    "it does not come back: {}",
                    std::fs::read_to_string(self.log()).unwrap()
                );
                thread::sleep(Duration::from_millis(10));
            }
        }
        began.elapsed()
    }

    /// The trail of a device, the newest line first.
    pub(crate) fn trail(&self, url: &str, path: &str) -> Vec<Value> {
        let device = path.rsplit('/').next().expect("a number");
        let args = ["audit", "--store", url, "--json", "--limit", "1000000", "--device", device];
        let lines = super::process::Run::of(super::process::keyfob(self.folder(), &args), "").well();
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// What clients learned from answers while a database came and went.
#[derive(Default)]
pub(crate) struct Learned {
    pub(crate) sent: AtomicUsize,
    /// Wrong answers that were told to be wrong.
    pub(crate) refused: AtomicUsize,
    /// Answers without a verdict.
    pub(crate) unavailable: AtomicUsize,
    /// The index of the code to be tried next.
    pub(crate) next: AtomicUsize,
    /// The indexes of the codes that were told to be right.
    pub(crate) accepted: Mutex<HashSet<usize>>,
    /// When the last verdict was told.
    pub(crate) last: Mutex<Option<Instant>>,
    /// The longest time without a verdict.
    pub(crate) longest: Mutex<Duration>,
    pub(crate) stop: AtomicBool,
}

impl Learned {
    /// Guesses wrong until told to stop.
    pub(crate) fn guess(&self, addresses: &[SocketAddr], path: &str) {
        let mut clients = clients(addresses);
        for turn in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            self.sent.fetch_add(1, Ordering::SeqCst);
            let at = turn % clients.len();
            if let Some(success) = self.answer(&mut clients[at], path, "12345") {
                assert!(!success);
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Answers with right codes, one after the other, until told to stop. Others do the same with the same codes.
    pub(crate) fn use_up(&self, addresses: &[SocketAddr], path: &str, codes: &[String]) {
        let mut clients = clients(addresses);
        for turn in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let at = self.next.load(Ordering::SeqCst);
            assert!(at + 100 < codes.len(), "there are too few codes for this test");
            let client = turn % clients.len();
            match self.answer(&mut clients[client], path, &codes[at]) {
                Some(true) => assert!(self.accepted.lock().unwrap().insert(at), "code {at} was right twice"),
                Some(false) => {}
                // Perhaps it was used, perhaps not: it is tried once more, and must be right once at the most.
                None => continue,
            }
            let _ = self.next.compare_exchange(at, at + 1, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    /// Whether a code is right; none if there is no verdict.
    fn answer(&self, client: &mut Client, path: &str, code: &str) -> Option<bool> {
        let target = format!("{BASE}{path}/responseChallenge");
        let body = json!({"pin": code}).to_string();
        let answer = client.send("POST", &target, "Content-Type: application/json\r\n", body.as_bytes())?;
        if answer.status == 503 {
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert!(!answer.text().contains("success"), "{answer:?}");
            self.unavailable.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
            return None;
        }
        let now = Instant::now();
        if let Some(last) = self.last.lock().unwrap().replace(now) {
            let mut longest = self.longest.lock().unwrap();
            *longest = (*longest).max(now.duration_since(last));
        }
        Some(answer.verdict().0)
    }

    /// Checks the fails of a device that only wrong answers were given against what was told of it, before and after. Returns them.
    pub(crate) fn check_fails(&self, client: &mut Client, path: &str) -> usize {
        let refused = self.refused.load(Ordering::SeqCst);
        let fails = usize::try_from(client.device(path)["fails"].as_u64().expect("a number")).expect("fewer");
        let sent = self.sent.load(Ordering::SeqCst);
        assert!((refused..=sent).contains(&fails), "{fails} fails counted, {refused} answered, {sent} sent");
        fails
    }

    /// Checks that no code that was right is so again, on a device that is at the code to be tried next.
    pub(crate) fn check_used(&self, client: &mut Client, path: &str, codes: &[String]) {
        let next = self.next.load(Ordering::SeqCst);
        for at in next.saturating_sub(20)..next {
            // One that looks like one of the next is right as that.
            if self.accepted.lock().unwrap().contains(&at) && !codes[at + 1..next + 60].contains(&codes[at]) {
                assert_eq!(client.answer(path, &codes[at]).verdict(), (false, false), "code {at} was right twice");
            }
        }
    }
}

/// Tells the clients to stop when the test is done with them, however that is.
pub(crate) struct Stop<'l>(pub(crate) &'l Learned);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }
}

/// Prints what was measured, whether or not the output of tests is shown.
pub(crate) fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn clients(addresses: &[SocketAddr]) -> Vec<Client> {
    addresses.iter().map(|address| Client::basic(*address, "admin", PASSWORD)).collect()
}
