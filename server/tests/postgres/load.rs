//! Clients that guess and log in during a test, with the verdicts that they got. Each goes from one
//! service to another as behind a load balancer.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{BASE, Client};
use super::fleet::Fleet;
use super::process::{PASSWORD, hotp, judged, secret};

/// Two devices under load, and the verdicts that clients got.
pub(crate) struct Load {
    addresses: Vec<SocketAddr>,
    /// The path of the device that gets wrong codes only.
    pub(crate) guessed: String,
    /// The path of the device whose codes are used up, one after the other.
    pub(crate) used: String,
    codes: Vec<String>,
    sent: AtomicUsize,
    /// How many wrong codes got their verdict.
    pub(crate) refused: AtomicUsize,
    /// How many codes got no verdict.
    pub(crate) unavailable: AtomicUsize,
    /// The index of the code to be tried next.
    next: AtomicUsize,
    /// The indexes of the codes that were right.
    pub(crate) accepted: Mutex<HashSet<usize>>,
    /// When the last verdict came.
    last: Mutex<Option<Instant>>,
    /// The longest time without a verdict.
    pub(crate) longest: Mutex<Duration>,
    stop: AtomicBool,
}

impl Load {
    /// Makes the two devices. `codes` exceeds the number of codes that are used.
    pub(crate) fn new(fleet: &Fleet, codes: usize) -> Self {
        let guessed = fleet.admin(0).create(&json!({"type": "HOTP", "user": "guessed"})).0;
        let (used, created) = fleet.admin(0).create(&json!({"type": "HOTP", "user": "used"}));
        Self {
            addresses: fleet.addresses(),
            guessed,
            used,
            codes: hotp(&secret(fleet.folder(), &created), codes),
            sent: AtomicUsize::default(),
            refused: AtomicUsize::default(),
            unavailable: AtomicUsize::default(),
            next: AtomicUsize::default(),
            accepted: Mutex::default(),
            last: Mutex::default(),
            longest: Mutex::default(),
            stop: AtomicBool::default(),
        }
    }

    /// Uses the services that run now.
    pub(crate) fn go_to(&mut self, fleet: &Fleet) {
        self.addresses = fleet.addresses();
    }

    /// Does `work` while this many clients guess and as many log in.
    pub(crate) fn during(&self, clients: usize, work: impl FnOnce()) {
        self.stop.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            let stop = Stop(self);
            let threads: Vec<_> =
                (0..2 * clients).map(|at| scope.spawn(move || if at < clients { self.guess() } else { self.use_up() })).collect();
            work();
            drop(stop);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    /// Waits for this many more verdicts on wrong codes, and as many on right ones.
    pub(crate) fn wait_for(&self, verdicts: usize) {
        let verdicts_so_far = || (self.refused.load(Ordering::SeqCst), self.accepted.lock().unwrap().len());
        let (began, before) = (Instant::now(), verdicts_so_far());
        while verdicts_so_far().0 < before.0 + verdicts || verdicts_so_far().1 < before.1 + verdicts {
            assert!(began.elapsed() < Duration::from_secs(60), "too few verdicts: {:?} after {before:?}", verdicts_so_far());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Submits wrong codes until the load stops.
    fn guess(&self) {
        let mut clients = self.clients();
        for turn in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            self.sent.fetch_add(1, Ordering::SeqCst);
            let at = turn % clients.len();
            if let Some(success) = self.answer(&mut clients[at], &self.guessed, "12345") {
                assert!(!success);
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Submits right codes, one after the other, until the load stops. Other clients do the same
    /// with the same codes.
    fn use_up(&self) {
        let mut clients = self.clients();
        for turn in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let at = self.next.load(Ordering::SeqCst);
            assert!(at + 100 < self.codes.len(), "there are too few codes for this test");
            let client = turn % clients.len();
            match self.answer(&mut clients[client], &self.used, &self.codes[at]) {
                Some(true) => assert!(self.accepted.lock().unwrap().insert(at), "code {at} was right twice"),
                Some(false) => {}
                // The code may have been used or not. It is tried once more, and must be right at
                // most once.
                None => continue,
            }
            let _ = self.next.compare_exchange(at, at + 1, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    /// Whether a code is right; `None` without a verdict.
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

    /// Checks the fails of the guessed device against the verdicts before and after. Returns the
    /// fails.
    pub(crate) fn check_fails(&self, client: &mut Client) -> usize {
        let refused = self.refused.load(Ordering::SeqCst);
        let fails = usize::try_from(client.device(&self.guessed)["fails"].as_u64().expect("a number")).expect("fewer");
        let sent = self.sent.load(Ordering::SeqCst);
        assert!((refused..=sent).contains(&fails), "{fails} fails counted, {refused} answered, {sent} sent");
        fails
    }

    /// Checks that no used code is right again.
    pub(crate) fn check_used(&self, client: &mut Client) {
        let codes = &self.codes;
        let next = self.next.load(Ordering::SeqCst);
        for at in next.saturating_sub(20)..next {
            // A code that equals one of the next codes is right as that one.
            if self.accepted.lock().unwrap().contains(&at) && !codes[at + 1..next + 60].contains(&codes[at]) {
                assert_eq!(client.answer(&self.used, &codes[at]).verdict(), (false, false), "code {at} was right twice");
            }
        }
    }

    /// Checks all verdicts against the devices and their trail, after the load.
    pub(crate) fn check(&self, fleet: &Fleet, url: &str) {
        let mut client = fleet.admin(0);
        self.check_used(&mut client);
        let trail = fleet.trail(url, &self.guessed);
        let fails = self.check_fails(&mut client);
        assert_eq!(judged(&trail, "wrong"), fails, "record and trail tell the same");
        assert!(judged(&fleet.trail(url, &self.used), "right") >= self.accepted.lock().unwrap().len());
    }

    fn clients(&self) -> Vec<Client> {
        self.addresses.iter().map(|address| Client::basic(*address, "admin", PASSWORD)).collect()
    }
}

/// Stops the clients at the end of a test, even if it fails.
struct Stop<'l>(&'l Load);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }
}
