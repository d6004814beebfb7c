//! `PgBouncer` in front of the server. By session everything works. Any other mode is refused, and
//! does no harm if it is set later.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::cluster::Cluster;
use super::fleet::{Fleet, UNLOCKED};
use super::pgbouncer::PgBouncer;
use super::process::{self, Run, Server, hotp, judged, keyfob, secret};

/// Ends all sessions of the server.
const RECYCLE: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'keyfob'";

fn cluster() -> Cluster {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    cluster
}

#[test]
fn a_pooler_by_session_serves_several_starts_and_may_lose_its_sessions() {
    let cluster = cluster();
    // The pooler need not reset sessions.
    for settings in [&["pool_mode = session"][..], &["pool_mode = session", "server_reset_query ="]] {
        let pooler = PgBouncer::start(&cluster, settings);
        let folder = process::folder();
        let url = pooler.url("keyfob");
        cluster.sql("keyfob", "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        let mut device = None;
        for _ in 0..3 {
            // A pooler may hand out a session whose end it has not noticed yet.
            thread::sleep(Duration::from_secs(1));
            let mut args = vec!["--store", &url, "--set", "log=warn"];
            for pair in UNLOCKED {
                args.extend(["--set", pair]);
            }
            let servers = [Server::start(folder.path(), &args), Server::start(folder.path(), &args)];
            let (path, codes, at) = device.get_or_insert_with(|| {
                let (path, created) = servers[0].admin().create(&json!({"type": "HOTP", "user": "franck"}));
                let codes = hotp(&secret(folder.path(), &created), 12);
                (path, codes, 0..)
            });
            for _ in 0..2 {
                for server in &servers {
                    let code = &codes[at.next().unwrap()];
                    assert_eq!(server.admin().answer(path, code).verdict(), (true, false), "{code}: {}", pooler.log());
                    assert_eq!(server.admin().answer(path, code).verdict(), (false, false), "{code} was right twice");
                }
                cluster.sql("postgres", RECYCLE);
            }
        }
    }
}

#[test]
fn a_pooler_by_transaction_or_statement_is_refused_with_the_cure() {
    let cluster = cluster();
    for settings in [
        &["pool_mode = transaction"][..],
        &["pool_mode = transaction", "server_round_robin = 1", "min_pool_size = 5"],
        &["pool_mode = transaction", "server_reset_query_always = 1"],
        &["pool_mode = statement"],
    ] {
        let pooler = PgBouncer::start(&cluster, settings);
        let folder = process::folder();
        let url = pooler.url("keyfob");
        for args in [&["serve", "--listen", "127.0.0.1:0", "--store", &url][..], &["account", "list", "--store", &url]] {
            for _ in 0..3 {
                let run = Run::from_command(keyfob(folder.path(), args), "");
                assert!(run.status == Some(2) && run.err.contains("set pool_mode = session in PgBouncer"), "{settings:?} {run:?}");
            }
        }
    }
    assert_eq!(cluster.sql("keyfob", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").trim(), "0");
}

#[test]
fn no_process_runs_the_statement_of_another_where_the_mode_changes_under_way() {
    /// The number of codes of each device.
    const CODES: usize = 30;
    let cluster = cluster();
    let pooler = PgBouncer::start(&cluster, &["pool_mode = session"]);
    let (url, direct) = (pooler.url("keyfob"), cluster.url("keyfob"));
    let fleet = Fleet::start(2, &url, &UNLOCKED);
    let devices: Vec<_> = (0..4)
        .map(|user| {
            let (path, created) = fleet.admin(user).create(&json!({"type": "HOTP", "user": format!("user {user}")}));
            (path, hotp(&secret(fleet.folder(), &created), CODES))
        })
        .collect();
    pooler.set(&["pool_mode = transaction", "default_pool_size = 3"]);
    cluster.sql("postgres", RECYCLE);
    fleet.wait_until_ready();
    thread::scope(|scope| {
        for (at, (path, codes)) in devices.iter().enumerate() {
            let (fleet, direct, pooler) = (&fleet, &direct, &pooler);
            scope.spawn(move || {
                for (turn, code) in codes.iter().enumerate() {
                    let verdict = fleet.admin(at + turn).answer(path, code).verdict();
                    assert_eq!(verdict, (true, false), "{path} {code}: {}", pooler.log());
                }
                // Not through the pooler, which commands refuse.
                let trail = fleet.trail(direct, path);
                assert_eq!(judged(&trail, "right"), CODES, "{path}");
            });
        }
    });
    let log = std::fs::read_to_string(fleet.log()).unwrap();
    assert!(!log.contains("prepared statement"), "{log}");
}
