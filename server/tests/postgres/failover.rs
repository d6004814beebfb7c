//! A primary with a synchronous standby is killed under load and the standby is promoted. All
//! verdicts still hold.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::fleet::{Fleet, UNLOCKED, report};
use super::load::Load;

/// How often the primary is killed.
const FAILOVERS: usize = 20;
/// More codes than are used.
const CODES: usize = 200_000;
/// The settings that make each commit wait for the standby.
const SYNCHRONOUS_SETTINGS: [&str; 2] = ["synchronous_standby_names=standby", "synchronous_commit=on"];

/// A primary and its standby.
pub(crate) struct Pair {
    pub(crate) primary: Cluster,
    pub(crate) standby: Cluster,
}

impl Pair {
    pub(crate) fn start() -> Self {
        // Without the standby, no commit would finish.
        let mut primary = Cluster::start(&[]);
        primary.sql("postgres", "CREATE DATABASE keyfob");
        let standby = primary.standby("standby", &SYNCHRONOUS_SETTINGS);
        primary.set(&SYNCHRONOUS_SETTINGS);
        primary.restart();
        let pair = Self { primary, standby };
        pair.wait_until_synchronous();
        pair
    }

    fn wait_until_synchronous(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while self.primary.sql("postgres", state).trim() != "1" {
            assert!(Instant::now() < until, "the standby does not follow");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills the primary and promotes the standby, which gets a standby of its own in place of the
    /// old primary.
    pub(crate) fn fail_over(&mut self) {
        self.primary.kill();
        self.standby.promote();
        std::mem::swap(&mut self.primary, &mut self.standby);
    }

    /// Gives the primary a standby, and waits for it.
    pub(crate) fn renew(&mut self) {
        self.standby.copy(&self.primary, "standby");
        self.wait_until_synchronous();
    }
}

#[test]
fn no_fail_is_lost_and_no_code_right_twice_over_failovers() {
    let mut pair = Pair::start();
    // Both, whichever is the primary.
    let url = pair.primary.url_with(&pair.standby, "keyfob");
    let fleet = Fleet::start(3, &url, &UNLOCKED);
    let load = Load::new(&fleet, CODES);
    let mut longest = Vec::new();

    load.during(3, || {
        for failover in 0..FAILOVERS {
            thread::sleep(Duration::from_millis(200 + 37 * u64::try_from(failover).unwrap() % 300));
            *load.longest.lock().unwrap() = Duration::ZERO;
            let before = load.refused.load(Ordering::SeqCst);
            pair.fail_over();
            // Without a standby the new primary commits nothing, and no process is ready.
            pair.renew();
            fleet.wait_until_ready();
            let until = Instant::now() + Duration::from_secs(60);
            while load.refused.load(Ordering::SeqCst) < before + 20 {
                assert!(Instant::now() < until, "failover {failover}: nothing is answered");
                thread::sleep(Duration::from_millis(20));
            }
            load.check_fails(&mut fleet.admin(failover));
            longest.push(load.longest.lock().unwrap().as_millis());
        }
    });

    report(&format!("milliseconds without a verdict, of each failover: {longest:?}"));
    load.check(&fleet, &url);
    let accepted = load.accepted.lock().unwrap().len();
    assert!(load.refused.load(Ordering::SeqCst) > 20 * FAILOVERS && accepted > FAILOVERS, "it was killed at work");
}
