//! Three services and one device: the limit of fails holds, and a code is right only once.

use std::thread;

use serde_json::json;

use super::cluster::Cluster;
use super::fleet::Fleet;
use super::process::{hotp, judged, secret, totp};

/// Submits a code `many` times at once through all services. Returns all verdicts.
fn at_once(fleet: &Fleet, path: &str, code: &str, many: usize) -> Vec<(bool, bool)> {
    const CONNECTIONS: usize = 60;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|at| {
                let mut client = fleet.admin(at);
                let each = many / CONNECTIONS + usize::from(at < many % CONNECTIONS);
                scope.spawn(move || (0..each).map(|_| client.answer(path, code).verdict()).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn three_services_evaluate_ten_of_a_thousand_guesses_and_one_of_three_hundred_right_codes() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let url = cluster.url("keyfob");
    let fleet = Fleet::start(3, &url, &[]);
    let mut client = fleet.admin(0);
    for kind in ["TOTP", "HOTP"] {
        let (path, created) = client.create(&json!({"type": kind, "user": "franck"}));
        let verdicts = at_once(&fleet, &path, "12345", 1000);
        assert_eq!(verdicts.len(), 1000);
        assert!(verdicts.iter().all(|(success, _)| !success));
        assert_eq!(verdicts.iter().filter(|(_, locked)| !locked).count(), 9, "the tenth says that it locks");
        for at in 0..3 {
            let device = fleet.admin(at).device(&path);
            assert_eq!((&device["fails"], &device["status"]), (&json!(10), &json!("L")));
        }
        let secret = secret(fleet.folder(), &created);
        let right = if kind == "TOTP" { totp(&secret, 1) } else { hotp(&secret, 1) }.remove(0);
        assert_eq!(fleet.admin(1).answer(&path, &right).verdict(), (false, true));
        let trail = fleet.trail(&url, &path);
        assert_eq!((judged(&trail, "wrong"), judged(&trail, "locked")), (10, 991));

        let (path, created) = client.create(&json!({"type": kind, "user": "franck"}));
        let secret = super::process::secret(fleet.folder(), &created);
        let right = if kind == "TOTP" { totp(&secret, 1) } else { hotp(&secret, 1) }.remove(0);
        let verdicts = at_once(&fleet, &path, &right, 300);
        assert_eq!(verdicts.iter().filter(|(success, _)| *success).count(), 1, "{kind}");
        assert_eq!(judged(&fleet.trail(&url, &path), "right"), 1);
    }
}

#[test]
fn three_services_evaluate_guesses_up_to_the_total_of_a_throttle() {
    const TOTAL: usize = 8;
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let url = cluster.url("keyfob");
    let total = format!("policy.throttle_total={TOTAL}");
    let settings = ["policy.max_fails=3", "policy.throttle_first_delay=1", "policy.throttle_max_delay=1", &total];
    let fleet = Fleet::start(3, &url, &settings);
    let (path, created) = fleet.admin(0).create(&json!({"type": "HOTP", "user": "franck"}));
    let mut guesses = 0;
    while fleet.admin(0).device(&path)["status"] != "L" {
        assert!(guesses < 30_000, "no lock");
        let verdicts = at_once(&fleet, &path, "12345", 300);
        assert!(verdicts.iter().all(|(success, _)| !success));
        guesses += verdicts.len();
    }
    let device = fleet.admin(1).device(&path);
    assert_eq!((&device["fails"], &device["status"]), (&json!(TOTAL), &json!("L")));
    let right = hotp(&secret(fleet.folder(), &created), 1).remove(0);
    assert_eq!(fleet.admin(2).answer(&path, &right).verdict(), (false, true));
    let trail = fleet.trail(&url, &path);
    let counted = ["wrong", "throttled", "locked"].map(|reason| judged(&trail, reason));
    assert_eq!((counted[0], counted.iter().sum::<usize>()), (TOTAL, guesses + 1));
}

#[test]
fn services_that_start_at_once_make_one_administrator_and_one_schema() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let folder = super::process::folder();
    let url = cluster.url("keyfob");
    // The key exists beforehand, since each service would make its own.
    super::process::Run::from_command(
        super::process::keyfob(
            folder.path(),
            &["account", "add", "sync", "--roles", "query", "--token", "--store", "sqlite://other.db"],
        ),
        "",
    )
    .well();
    let shown: usize = thread::scope(|scope| {
        let start = || {
            let server = super::process::Server::spawn(super::process::Server::command(folder.path(), &["--store", &url]));
            let greeting = server.stop();
            assert!(greeting.contains("WARNING     the database may lose"), "this one does not flush: {greeting}");
            usize::from(greeting.contains("password"))
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(shown, 1);
    assert_eq!(cluster.sql("keyfob", "SELECT count(*) FROM account").trim(), "1");
}
