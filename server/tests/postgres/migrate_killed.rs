//! `keyfob migrate` killed at random moments while a service verifies, and run again until it is
//! done.

use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::cluster::Cluster;
use super::fleet::{Fleet, UNLOCKED, report};
use super::load::Load;
use super::process::{Run, keyfob};

/// How many devices are copied besides those under load.
const DEVICES: usize = 400;
/// How often it is killed, unless the variable `KILLS` is set.
const KILLS: usize = 5;

/// A random part of a time.
fn part(time: Duration) -> Duration {
    time.mul_f64(f64::from(getrandom::u32().unwrap()) / f64::from(u32::MAX))
}

/// Starts a migration and kills it after a time. Returns how long it took if it ended before.
fn run_for(fleet: &Fleet, from: &str, to: &str, time: Duration) -> Option<Duration> {
    let mut command = keyfob(fleet.folder(), &["migrate", "--store", from, "--to", to]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let began = Instant::now();
    while began.elapsed() < time {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return Some(began.elapsed());
        }
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Checks that at most one of the stores is open. Returns whether none is.
fn is_none_open(fleet: &Fleet, from: &str, to: &str) -> bool {
    let list = |store| Run::from_command(keyfob(fleet.folder(), &["account", "list", "--store", store]), "");
    let (new, old) = (list(to), list(from));
    if new.status == Some(0) && !new.out.is_empty() {
        assert!(old.err.contains("moved to another store by keyfob migrate"), "{new:?} {old:?}");
        return false;
    }
    let is_untouched = new.status == Some(0) || new.err.contains("store: there is none at");
    assert!(is_untouched || new.err.contains("it is an unfinished copy of another store"), "{new:?}");
    old.status != Some(0)
}

#[test]
fn a_migration_killed_at_any_moment_loses_nothing_and_makes_no_code_right_twice() {
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("KILLS: a number"));
    let cluster = Cluster::start(&["fsync=off"]);
    let mut store = "sqlite://first.db".to_owned();
    let mut fleet = Fleet::start(1, &store, &UNLOCKED);
    let mut load = Load::new(&fleet, 60_000);
    let mut admin = fleet.admin(0);
    for _ in 0..DEVICES {
        admin.create(&json!({"type": "SMS", "user": "many", "phone": "5551234"}));
    }
    Run::from_command(keyfob(fleet.folder(), &["account", "add", "one", "--roles", "query", "--token", "--store", &store]), "")
        .well();

    let (mut killed, mut closed, mut moves, mut whole) = (0, 0, 0, Duration::from_secs(1));
    // In both directions.
    while killed < kills || moves < 2 {
        let name = format!("store{moves}");
        let to = if moves % 2 == 0 {
            cluster.sql("postgres", &format!("CREATE DATABASE {name}"));
            cluster.url(&name)
        } else {
            format!("sqlite://{name}.db")
        };
        load.during(1, || {
            load.wait_for(10);
            loop {
                // The last move runs to its end, and so does one in four.
                let is_left = killed >= kills || part(Duration::from_secs(4)) < Duration::from_secs(1);
                let time = if is_left { Duration::from_secs(600) } else { part(whole) };
                if let Some(taken) = run_for(&fleet, &store, &to, time) {
                    whole = taken.max(whole.mul_f64(0.5));
                    break;
                }
                killed += 1;
                closed += usize::from(is_none_open(&fleet, &store, &to));
            }
        });
        fleet.go_to(&to, &UNLOCKED);
        load.go_to(&fleet);
        load.check(&fleet, &to);
        let devices = fleet.admin(0).get("/OtpDevice?count=1").ok(200)["totalResults"].clone();
        assert_eq!(devices, DEVICES + 2);
        (store, moves) = (to, moves + 1);
    }
    let (refused, accepted) = (load.refused.load(Ordering::SeqCst), load.accepted.lock().unwrap().len());
    report(&format!(
        "killed {killed} times in {moves} moves, {closed} times between the two last commits; {refused} wrong answers and {accepted} right ones were told meanwhile"
    ));
    assert!(refused > 20 && accepted > 20);
}
