//! Services that share a database and a key.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
use super::process::Server;

/// A limit of fails that a test does not reach. It needs a higher permitted chance of a guess.
pub(crate) const UNLOCKED: [&str; 3] = ["policy.max_fails=1000000", "policy.guess_bound=0", "policy.pin_guess_bound=0"];

/// Services on one store.
pub(crate) struct Fleet {
    pub(crate) servers: Vec<Server>,
    folder: TempDir,
}

impl Fleet {
    /// Starts `many` services at once.
    pub(crate) fn start(many: usize, url: &str, set: &[&str]) -> Self {
        let folder = super::process::folder();
        let args = args(url, set);
        // All have the same key, which one of them makes.
        let one = Server::start(folder.path(), &args);
        let others = thread::scope(|scope| {
            let threads: Vec<_> = (1..many).map(|_| scope.spawn(|| Server::start(folder.path(), &args))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        Self { servers: std::iter::once(one).chain(others).collect(), folder }
    }

    /// Ends all services, and starts one on another store.
    pub(crate) fn go_to(&mut self, url: &str, set: &[&str]) {
        self.servers.clear();
        self.servers.push(Server::start(self.folder.path(), &args(url, set)));
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

    /// A client of one service.
    pub(crate) fn admin(&self, at: usize) -> Client {
        self.servers[at % self.servers.len()].admin()
    }

    /// Waits until all are ready. Returns how long that took.
    pub(crate) fn wait_until_ready(&self) -> Duration {
        let began = Instant::now();
        for server in &self.servers {
            while server.anonymous().send("GET", "/ready", "", b"").is_none_or(|answer| answer.status != 200) {
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
        let lines = super::process::Run::from_command(super::process::keyfob(self.folder(), &args), "").well();
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

fn args<'a>(url: &'a str, set: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["--store", url, "--set", "log=warn"];
    for pair in set {
        args.extend(["--set", pair]);
    }
    args
}

/// Prints what was measured, whether or not the output of tests is shown.
pub(crate) fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
