//! A store is moved from a file to a server and back under load, with interruptions.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::cluster::Cluster;
use super::fleet::{Fleet, UNLOCKED};
use super::load::Load;
use super::process::{Run, Server, keyfob};

/// How many devices there are.
const DEVICES: usize = 1500;

/// What a successful migration prints.
fn migrate(fleet: &Fleet, from: &str, to: &str, more: &[&str]) -> String {
    let args = [&["migrate", "--store", from, "--to", to], more].concat();
    Run::from_command(keyfob(fleet.folder(), &args), "").well()
}

/// The lines of a migration's output with the number of rows of each table.
fn rows(printed: &str) -> Vec<&str> {
    printed.lines().filter_map(|line| line.split_once(" rows in both")).map(|(table, _)| table).collect()
}

#[test]
fn a_file_moves_to_a_server_and_back_under_load_and_nothing_is_lost() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    cluster.sql("postgres", "CREATE DATABASE kept");
    let (file, server, kept, back) = ("sqlite://keyfob.db", cluster.url("keyfob"), cluster.url("kept"), "sqlite://back.db");
    let fleet = Fleet::start(1, file, &UNLOCKED);
    let load = Load::new(&fleet, 20_000);
    for (path, name) in [(&load.guessed, "HOTP00000001"), (&load.used, "HOTP00000002")] {
        assert_eq!(fleet.admin(0).device(path)["name"], name);
    }
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut client = fleet.admin(0);
            scope.spawn(move || {
                for _ in 0..DEVICES / 8 {
                    client.create(&json!({"type": "SMS", "user": "many", "phone": "5551234"}));
                }
            });
        }
    });
    let add = ["account", "add", "sync", "--roles", "query", "--token", "--store", file];
    let token = Run::from_command(keyfob(fleet.folder(), &add), "").well().trim_end().to_owned();

    load.during(1, || {
        // An interrupted copy does not touch the source, and continues afterwards.
        for millis in [30, 90, 270] {
            let mut command = keyfob(fleet.folder(), &["migrate", "--copy-only", "--store", file, "--to", &kept]);
            let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(millis));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let on = Run::from_command(keyfob(fleet.folder(), &["migrate", "--copy-only", "--store", file, "--to", &kept]), "");
        if on.status != Some(0) {
            // A fast machine finished the copy before the signal, and a finished copy is not
            // written to again.
            assert!(on.err.contains("not an unfinished copy"), "{on:?}");
            cluster.sql("postgres", "DROP DATABASE kept WITH (FORCE)");
            cluster.sql("postgres", "CREATE DATABASE kept");
            migrate(&fleet, file, &kept, &["--copy-only"]);
        }
        let before = load.refused.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(300));
        assert!(load.refused.load(Ordering::SeqCst) > before, "it goes on");
        let moved = migrate(&fleet, file, &server, &[]);
        assert!(moved.contains(&format!("{} rows in both", DEVICES / 8 * 8 + 2)), "{moved}");
        thread::sleep(Duration::from_millis(300));
        let at = load.refused.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(load.refused.load(Ordering::SeqCst), at, "the old store gives no verdict any more");
        assert_eq!(fleet.servers[0].anonymous().send("GET", "/ready", "", b"").expect("an answer").status, 503);
    });
    for args in [
        &["serve", "--listen", "127.0.0.1:0", "--store", file][..],
        &["audit", "--store", file],
        &["migrate", "--store", file, "--to", "sqlite://another.db"],
    ] {
        let run = Run::from_command(keyfob(fleet.folder(), args), "");
        assert_eq!(run.status, Some(2), "{run:?}");
        assert!(run.err.contains("moved to another store by keyfob migrate"), "{run:?}");
    }
    assert!(migrate(&fleet, file, &server, &[]).starts_with("Moved to "), "which it was already");

    let mut set = vec!["--store", &server];
    for pair in UNLOCKED {
        set.extend(["--set", pair]);
    }
    let moved = Server::start(fleet.folder(), &set);
    let mut client = moved.admin();
    load.check_fails(&mut client);
    load.check_used(&mut client);
    assert!(load.accepted.lock().unwrap().len() > 5);
    // Ids and names continue, and accounts are known.
    assert_eq!(client.create(&json!({"type": "HOTP", "user": "new"})).1["name"], "HOTP00000003");
    assert_eq!(
        super::client::Client::bearer(moved.address, &token).get("/OtpDevice?count=1").ok(200)["totalResults"],
        DEVICES / 8 * 8 + 3
    );
    moved.stop();

    let one = migrate(&fleet, &server, "sqlite://copy.db", &["--copy-only"]);
    let other = migrate(&fleet, &server, back, &[]);
    assert_eq!((rows(&one), rows(&one).len()), (rows(&other), 8));
    let server = Server::start(fleet.folder(), &["--store", back]);
    assert_eq!(server.admin().create(&json!({"type": "HOTP", "user": "new"})).1["name"], "HOTP00000004");
    // A finished copy is a store like any other, and is not overwritten.
    for (from, to) in [(back, "sqlite://copy.db"), ("sqlite://copy.db", back), ("sqlite://copy.db", "sqlite://./copy.db")] {
        for more in [&["--copy-only"][..], &[]] {
            let run = Run::from_command(keyfob(fleet.folder(), &[&["migrate", "--store", from, "--to", to], more].concat()), "");
            assert!(run.status == Some(2) && run.err.contains("name an empty database or a new file"), "{run:?}");
        }
    }
}

#[test]
fn records_are_sealed_under_a_new_key_while_services_verify() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let url = cluster.url("keyfob");
    let fleet = Fleet::start(2, &url, &UNLOCKED);
    let load = Load::new(&fleet, 20_000);
    for _ in 0..300 {
        fleet.admin(1).create(&json!({"type": "TOTP", "user": "many"}));
    }
    load.during(1, || {
        let rotated = Run::from_command(keyfob(fleet.folder(), &["rotate-key", "--store", &url, "--wait", "3"]), "").well();
        assert!(rotated.contains("sealed under key 2") && rotated.contains("No record is under key 1 any more"), "{rotated}");
    });
    assert_eq!(load.unavailable.load(Ordering::SeqCst), 0, "nobody was refused meanwhile");
    load.check_fails(&mut fleet.admin(0));

    // The old key is not needed any more.
    let key = fleet.folder().join("keyfob.key");
    let text = std::fs::read_to_string(&key).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("2 ") && lines[1].starts_with("1 "));
    std::fs::write(&key, format!("{}\n", lines[0])).unwrap();
    let again = Run::from_command(keyfob(fleet.folder(), &["rotate-key", "--store", &url, "--reseal-only"]), "").well();
    assert!(again.contains("0 records sealed under key 2."), "{again}");
    let server = Server::start(
        fleet.folder(),
        &[
            "--store",
            &url,
            "--set",
            "policy.max_fails=1000000",
            "--set",
            "policy.guess_bound=0",
            "--set",
            "policy.pin_guess_bound=0",
        ],
    );
    load.check_used(&mut server.admin());
}
