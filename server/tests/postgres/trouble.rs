//! A database that comes and goes under load: no verdicts meanwhile, then everything continues, and
//! nothing is lost.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::cluster::Cluster;
use super::fleet::{Fleet, UNLOCKED, report};
use super::load::Load;

/// More codes than are used.
const CODES: usize = 100_000;

#[test]
fn a_database_that_restarts_cuts_its_connections_or_hangs() {
    let mut cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let url = cluster.url("keyfob");
    let fleet = Fleet::start(3, &url, &UNLOCKED);
    let load = Load::new(&fleet, CODES);

    load.during(3, || {
        let check = |what: &str, trouble: &mut dyn FnMut()| {
            let before = load.refused.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(500));
            trouble();
            let ready = fleet.wait_until_ready();
            thread::sleep(Duration::from_millis(500));
            let fails = load.check_fails(&mut fleet.admin(0));
            let refused = load.refused.load(Ordering::SeqCst);
            assert!(refused > before, "{what}: nothing was answered");
            report(&format!("{what}: ready {} ms afterwards, {refused} refused and {fails} counted", ready.as_millis()));
        };
        for _ in 0..5 {
            check("connections cut", &mut || {
                cluster.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'keyfob'");
            });
        }
        for _ in 0..2 {
            check("restarted", &mut || cluster.restart());
        }
        let before = load.unavailable.load(Ordering::SeqCst);
        check("paused for 10 seconds", &mut || {
            let pids = cluster.sql("postgres", "SELECT string_agg(pid::TEXT, ' ') FROM pg_stat_activity WHERE datname = 'keyfob'");
            let signal = |name: &str| {
                // A session that has ended needs no signal.
                let _ = std::process::Command::new("kill").args(["-s", name]).args(pids.split_whitespace()).output();
            };
            cluster.signal("STOP");
            signal("STOP");
            thread::sleep(Duration::from_secs(5));
            assert_eq!(fleet.servers[0].anonymous().send("GET", "/ready", "", b"").expect("an answer").status, 503);
            assert_eq!(fleet.servers[0].anonymous().send("GET", "/health", "", b"").expect("an answer").status, 200);
            thread::sleep(Duration::from_secs(5));
            signal("CONT");
            cluster.signal("CONT");
        });
        assert!(load.unavailable.load(Ordering::SeqCst) > before, "a database that hangs is 503");
    });

    load.check(&fleet, &url);
}
