//! `make bench-memory`: the memory of the service when it is idle and after load, with a thousand
//! and with a million devices. Fails above the limits. `--devices=N` sets another number than a
//! million.
//!
//! The figures are those of `/proc/PID/smaps_rollup`. The resident set counts the touched pages of
//! the program's file as well.

#[path = "common/mod.rs"]
mod common;
#[path = "common/devices.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod devices;

use std::fmt;
use std::process::ExitCode;

use common::{CLIENTS, Server, exchange, request};
use devices::{fill, spread_id};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The most that the idle service may have: 20 MB.
const IDLE_LIMIT_KIB: u64 = 20_000_000 / 1024;
/// The most that it may have after load: 60 MB, of which 39 MB are for hashes of passwords.
const LOAD_LIMIT_KIB: u64 = 60_000_000 / 1024;
/// The most that a million devices may add: the caches of SQLite, filled to their limits.
const DEVICES_LIMIT_KIB: u64 = 6_000_000 / 1024;
/// How many requests each client sends.
const CLIENT_REQUESTS: u64 = 400;
/// How many clients give wrong passwords at the same time.
const GUESSING_CLIENTS: usize = 8;
/// A search that reads all devices, and ends after five seconds at the latest.
const SCAN: &str = "?filter=user%20co%20%22nobody%22";

fn main() -> ExitCode {
    let devices = std::env::args().find_map(|argument| argument.strip_prefix("--devices=").map(str::to_owned));
    let devices = devices.map_or(1_000_000, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let few = runtime.block_on(measure(1_000));
    let many = runtime.block_on(measure(devices));
    let added = many.loaded.resident.saturating_sub(few.loaded.resident);
    println!("after load, {devices} devices add {added} KiB; {DEVICES_LIMIT_KIB} KiB are allowed");
    let is_within = [few, many].iter().all(|run| run.idle.resident <= IDLE_LIMIT_KIB && run.loaded.resident <= LOAD_LIMIT_KIB);
    if is_within && added <= DEVICES_LIMIT_KIB { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a process has in memory, in KiB.
struct Memory {
    /// All pages, those of files included.
    resident: u64,
    /// The part that belongs to no file: heap and stacks.
    anonymous: u64,
    /// All pages, each shared one divided by the number of processes that share it.
    proportional: u64,
}

impl Memory {
    fn of(server: &Server) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", server.id())).unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        Self { resident: field("Rss:"), anonymous: field("Anonymous:"), proportional: field("Pss:") }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident, anonymous, proportional } = self;
        write!(f, "{resident:>7} KiB resident, {anonymous:>7} KiB anonymous, {proportional:>7} KiB proportional")
    }
}

/// The memory of one service.
struct Run {
    idle: Memory,
    loaded: Memory,
}

async fn measure(devices: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::keyfob(folder.path(), &[]));
    fill(folder.path(), devices);
    // No device locks, so that each wrong code is a write. No pause, so that each password is
    // hashed.
    let unlocked = ["policy.max_fails=4000000000", "policy.guess_bound=1", "policy.pin_guess_bound=1", "password_max_pause=0"];
    let server = Server::keyfob(folder.path(), &unlocked);
    // What a start leaves behind has time to end.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let idle = Memory::of(&server);
    println!("{devices} devices, idle:       {idle}, limit {IDLE_LIMIT_KIB} KiB");
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS as u64 {
        clients.spawn(work(server.address.clone(), client, devices));
    }
    clients.join_all().await;
    println!("{devices} devices, requests:   {}", Memory::of(&server));
    let mut clients = JoinSet::new();
    for client in 0..GUESSING_CLIENTS {
        clients.spawn(guess(server.address.clone(), client));
    }
    clients.join_all().await;
    println!("{devices} devices, passwords:  {}", Memory::of(&server));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        clients.spawn(scan(server.address.clone()));
    }
    clients.join_all().await;
    let loaded = Memory::of(&server);
    println!("{devices} devices, after load: {loaded}, limit {LOAD_LIMIT_KIB} KiB");
    Run { idle, loaded }
}

/// Gives codes, with a read and a search after each tenth.
async fn work(address: String, client: u64, devices: u64) {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    for turn in 0..CLIENT_REQUESTS {
        // Spread over the table, in the same order each time.
        let nth = 1 + ((turn * CLIENTS as u64 + client).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % devices;
        let id = spread_id(nth);
        let mut requests = vec![request("POST", &format!("/{id}/responseChallenge"), "{\"pin\": \"123456\"}")];
        if turn % 10 == 0 {
            requests.push(request("GET", &format!("/{id}"), ""));
            requests.push(request("GET", &format!("?filter=user%20eq%20%22user{nth}%22"), ""));
        }
        for request in requests {
            assert_eq!(exchange(&mut connection, &request, &mut buffer).await, 200, "{}", String::from_utf8_lossy(&buffer));
        }
    }
}

/// Gives wrong passwords, so that all memory for hashes is in use.
async fn guess(address: String, client: usize) {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let mut buffer = Vec::new();
    for turn in 0..4 {
        let right = String::from_utf8(request("GET", SCAN, "")).unwrap();
        let account = data_encoding::BASE64.encode(format!("admin:wrong {client} {turn}").as_bytes());
        let (head, rest) = right.split_once("Basic ").unwrap();
        let wrong = format!("{head}Basic {account}\r\n{}", rest.split_once("\r\n").unwrap().1);
        assert_eq!(exchange(&mut connection, wrong.as_bytes(), &mut buffer).await, 401);
    }
}

/// Reads all devices. A slow machine ends the search, which is no failure here.
async fn scan(address: String) {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let status = exchange(&mut connection, &request("GET", SCAN, ""), &mut Vec::new()).await;
    assert!(matches!(status, 200 | 503), "{status}");
}
