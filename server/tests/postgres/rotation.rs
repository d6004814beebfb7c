//! A rotation of keys is killed at random moments while services verify, and repeated.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::cluster::Cluster;
use super::fleet::{Fleet, UNLOCKED, report};
use super::load::Load;
use super::process::{Run, Server, keyfob};

/// How often a rotation is killed, unless the variable `KILLS` is set.
const KILLS: usize = 5;
/// How many devices there are besides those under load.
const DEVICES: usize = 300;
/// Within what time a rotation is killed. A rotation takes about this long.
const MAX_ROTATION_MILLIS: u64 = 8000;

/// The lines of the key file.
fn lines(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("keyfob.key")).unwrap().lines().map(str::to_owned).collect()
}

fn rotate_and_kill(many: usize, url: &str) {
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    let fleet = Fleet::start(many, url, &UNLOCKED);
    let folder = fleet.folder();
    let load = Load::new(&fleet, 4000 * (kills + 5));
    let mut client = fleet.admin(0);
    let paths: Vec<_> = (0..DEVICES).map(|_| client.create(&json!({"type": "HOTP", "user": "many"})).0).collect();
    let (mut seen, mut millis, mut done) = (HashSet::new(), Vec::new(), 1);
    load.during(1, || {
        for _ in 0..kills {
            let mut rotation = keyfob(folder, &["rotate-key", "--store", url, "--wait", "2"]).spawn().unwrap();
            let wait = u64::from(getrandom::u32().unwrap()) % MAX_ROTATION_MILLIS;
            thread::sleep(Duration::from_millis(wait));
            // It may have ended by itself.
            let _ = rotation.kill();
            let output = rotation.wait_with_output().unwrap();
            done += usize::from(output.status.success());
            millis.push(format!("{wait}{}", if output.status.success() { " (done)" } else { "" }));
            seen.extend(lines(folder));
        }
        let last = Run::from_command(keyfob(folder, &["rotate-key", "--store", url, "--wait", "3"]), "").well();
        assert!(last.contains("any more; older backups still need it"), "{last}");
    });
    report(&format!("rotations killed after milliseconds: {}; keys: {}", millis.join(", "), lines(folder).len()));
    assert_eq!(load.unavailable.load(std::sync::atomic::Ordering::SeqCst), 0, "nobody was refused meanwhile");
    load.check_fails(&mut fleet.admin(0));
    load.check_used(&mut fleet.admin(0));
    let left = lines(folder);
    assert!(seen.iter().all(|line| left.contains(line)), "a key was lost");
    // The first key, one for each rotation, and one that may have been made just before the kill.
    assert!(left.len() <= done + 2, "{} keys of {done} rotations", left.len());
    let first = left[0].split(' ').next().unwrap();

    // The first key opens every record by itself.
    fs::write(folder.join("keyfob.key"), format!("{}\n", left[0])).unwrap();
    let again = Run::from_command(keyfob(folder, &["rotate-key", "--store", url, "--reseal-only", "--wait", "0"]), "").well();
    assert_eq!(again, format!("0 records sealed under key {first}.\n"));
    let mut set = vec!["--store", url];
    for pair in UNLOCKED {
        set.extend(["--set", pair]);
    }
    let server = Server::start(folder, &set);
    let mut client = server.admin();
    for path in &paths {
        assert!(!client.answer(path, "12345").verdict().0);
    }
    load.check_fails(&mut client);
}

#[test]
fn a_rotation_that_is_killed_and_made_again_loses_no_key_and_no_record_of_a_file() {
    rotate_and_kill(1, "sqlite://keyfob.db");
}

#[test]
fn a_rotation_that_is_killed_and_made_again_loses_no_key_and_no_record_of_a_server() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    rotate_and_kill(2, &cluster.url("keyfob"));
}
