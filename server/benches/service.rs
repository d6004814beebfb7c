//! `make bench-service`: compares requests a second with an axum handler without a store, and with
//! single commits of SQLite, in the same run.
//!
//! Each server is a process of its own. This process makes the load: 32 clients, and then 256, each
//! with its own connection and one request at a time. The environment variable `OTHER_KEYFOB` names
//! another build of keyfob, which is measured in the same turns.

#[path = "common/mod.rs"]
mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt as _;

use common::{CLIENTS, Load, Server, enrol, load};

/// The larger number of clients.
const MANY_CLIENTS: usize = 256;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if arguments.iter().any(|argument| argument == "--baseline") {
        return runtime.block_on(baseline());
    }
    let seconds = arguments.iter().find_map(|argument| argument.strip_prefix("--seconds=")).map_or(4, |text| text.parse().unwrap());
    let devices =
        arguments.iter().find_map(|argument| argument.strip_prefix("--devices=")).map_or(1000, |text| text.parse().unwrap());
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(measure(Duration::from_secs(seconds), devices));
}

/// An axum handler that parses the same body and responds without a store.
async fn baseline() {
    let handler = async |request: Request| {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let is_right = value.get("pin").is_some_and(|pin| pin == "000000");
        let verdict = serde_json::json!({"success": is_right, "locked": false});
        ([("content-type", "application/scim+json")], Body::from(verdict.to_string()))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("baseline listens on http://{}", listener.local_addr().unwrap());
    axum::serve(listener, Router::new().fallback(handler)).await.unwrap();
}

async fn measure(time: Duration, devices: u64) {
    // No device locks, so that each wrong code is a write.
    let unlocked = ["policy.max_fails=4000000000", "policy.guess_bound=1", "policy.pin_guess_bound=1"];
    let mut servers = vec![(
        "axum handler without a store",
        Server::start(Command::new(std::env::current_exe().unwrap()).arg("--baseline")),
        &[0_i64] as &'static [i64],
    )];
    let folder = tempfile::tempdir().unwrap();
    for (name, program) in [
        ("responseChallenge, durable", Some(env!("CARGO_BIN_EXE_keyfob").into())),
        ("responseChallenge, OTHER_KEYFOB", std::env::var_os("OTHER_KEYFOB")),
    ] {
        let Some(program) = program else { continue };
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let server = Server::program(&program, &folder, &unlocked);
        // Leaked, for a static lifetime.
        let ids: &'static [i64] = enrol(&server, devices).await.leak();
        servers.push((name, server, ids));
    }
    for clients in [CLIENTS, MANY_CLIENTS] {
        // All are measured in turns, so that a change of the machine's speed affects them all.
        let mut best: Vec<Option<Load>> = vec![None; servers.len()];
        for _ in 0..3 {
            for (&(_, ref server, ids), best) in servers.iter().zip(&mut best) {
                let request = move |client: usize, turn: u64| {
                    let device = ids[usize::try_from(turn).unwrap().wrapping_mul(clients).wrapping_add(client) % ids.len()];
                    common::request("POST", &format!("/{device}/responseChallenge"), "{\"pin\": \"123456\"}")
                };
                let load = load(&server.address, clients, time, request).await;
                if best.is_none_or(|best| best.rate < load.rate) {
                    *best = Some(load);
                }
            }
        }
        let best: Vec<Load> = best.into_iter().flatten().collect();
        println!("{clients} clients");
        for ((name, ..), load) in servers.iter().zip(&best) {
            let (rate, p99) = (load.rate, load.p99.as_secs_f64());
            let (of_rate, of_p99) = (rate / best[0].rate, p99 / best[0].p99.as_secs_f64());
            println!("{name:<31}{rate:>9.0} a second  {of_rate:.3}   p99 {:>7.2} ms  {of_p99:.2}", p99 * 1e3);
        }
    }
    let single = single_commits(folder.path(), time);
    println!("{:<31}{single:>9.0} a second", "SQLite, one commit at a time");
}

/// Updates a second of SQLite with a commit for each, on the same disk and as durable.
fn single_commits(folder: &std::path::Path, time: Duration) -> f64 {
    let connection = rusqlite::Connection::open(folder.join("single.db")).unwrap();
    let tables = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                  CREATE TABLE device (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, record BLOB NOT NULL); \
                  INSERT INTO device VALUES (1, 0, zeroblob(216));";
    connection.execute_batch(tables).unwrap();
    let mut update = connection.prepare("UPDATE device SET version = version + 1, record = ?1 WHERE id = 1").unwrap();
    let (began, mut commits) = (Instant::now(), 0_u32);
    while began.elapsed() < time {
        update.execute([[1_u8; 216]]).unwrap();
        commits += 1;
    }
    f64::from(commits) / began.elapsed().as_secs_f64()
}
