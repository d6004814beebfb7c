//! `make bench-service`: compares requests a second with an axum handler without a store, and with
//! single commits of SQLite, in the same run.
//!
//! Each server is a process of its own. This process makes the load: 32 clients, each with its own
//! connection and one request at a time.

#[path = "common/mod.rs"]
mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt as _;

use common::{CLIENTS, Server, enrol, load};

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
    let folder = tempfile::tempdir().unwrap();
    let baseline = Server::start(Command::new(std::env::current_exe().unwrap()).arg("--baseline"));
    // No device locks, so that each wrong code is a write.
    let unlocked = ["policy.max_fails=4000000000", "policy.guess_bound=1", "policy.pin_guess_bound=1"];
    let keyfob = Server::keyfob(folder.path(), &unlocked);
    // Leaked, for a static lifetime.
    let numbers: &'static [i64] = enrol(&keyfob, devices).await.leak();
    let request = move |client: usize, turn: u64| {
        let device = numbers[usize::try_from((turn * CLIENTS as u64 + client as u64) % devices).unwrap()];
        common::request("POST", &format!("/{device}/responseChallenge"), "{\"pin\": \"123456\"}")
    };
    // Both are measured in turns, so that a change of the machine's speed affects both.
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (server, rates) in [&baseline, &keyfob].into_iter().zip(&mut rates) {
            rates.push(load(&server.address, time, request).await);
        }
    }
    let single = single_commits(folder.path(), time);
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    let (plain, verify) = (best(&rates[0]), best(&rates[1]));
    println!("axum handler without a store   {plain:>9.0} a second");
    println!("responseChallenge, durable     {verify:>9.0} a second   {:.2} of it", verify / plain);
    println!("SQLite, one commit at a time   {single:>9.0} a second   responseChallenge is {:.1} times that", verify / single);
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
