//! `make bench-service`: compares the cost of a request with a million devices with that with a
//! thousand.

#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{MakeRequest, Server, median, request};
use keyfob::{Device, Hotp, SealKey, Secret};
use rusqlite::{Connection, params};
use tokio::net::TcpStream;

/// How many requests of each kind are timed.
const TIMED_REQUESTS: u64 = 2_000;
/// How many requests for pages are timed. They are slow: the total counts a tenth of the table.
const TIMED_PAGES: u64 = 30;

fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(measure());
}

async fn measure() {
    let few = run(1_000).await;
    let many = run(1_000_000).await;
    println!("a start with a million devices takes {:.2} s", many.start.as_secs_f64());
    for ((name, few), (_, many)) in few.costs.iter().zip(&many.costs) {
        println!("{name:<34} {few:>8.1} us with 1,000 {many:>8.1} us with 1,000,000   {:.2} times", many / few);
    }
    println!("the page is {:.2} times its bare SQL ({:.0} us)", many.costs[3].1 / many.bare_page, many.bare_page);
}

struct Run {
    start: Duration,
    costs: Vec<(&'static str, f64)>,
    bare_page: f64,
}

async fn run(devices: i64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::keyfob(folder.path(), &[]));
    fill(folder.path(), devices);
    let began = Instant::now();
    let server =
        Server::keyfob(folder.path(), &["policy.max_fails=4000000000", "policy.guess_bound=1", "policy.pin_guess_bound=1"]);
    let start = began.elapsed();
    let mut connection = TcpStream::connect(&server.address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    // Spread over the table, in the same order each time.
    let nth = move |turn: u64| 1 + (turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % devices.unsigned_abs();
    let device = move |turn: u64| spread_id(nth(turn));
    let page = "?filter=type%20eq%20%22HOTP%22%20and%20user%20sw%20%22user5%22&sortBy=user&startIndex=200&count=100";
    let sorts: [(&str, Box<MakeRequest>); 4] = [
        ("get by id", Box::new(move |turn| request("GET", &format!("/{}", device(turn)), ""))),
        ("filter by user", Box::new(move |turn| request("GET", &format!("?filter=user%20eq%20%22user{}%22", nth(turn)), ""))),
        (
            "verify, durable",
            Box::new(move |turn| request("POST", &format!("/{}/responseChallenge", device(turn)), "{\"pin\": \"123456\"}")),
        ),
        ("filtered, sorted page of 100", Box::new(move |_| request("GET", page, ""))),
    ];
    let mut costs = Vec::new();
    for (name, make) in sorts {
        let times = if name.contains("page") { TIMED_PAGES } else { TIMED_REQUESTS };
        costs.push((name, median(&mut connection, times, &make).await));
    }
    let bare_page = bare_page(folder.path());
    Run { start, costs, bare_page }
}

/// The id of a device: unique, and as spread as those of new devices.
const fn spread_id(nth: u64) -> i64 {
    (1 << 32) + (nth.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 13).cast_signed()
}

/// Puts devices into the store that the service made, sealed under its key.
fn fill(folder: &Path, devices: i64) {
    let key = std::fs::read_to_string(folder.join("keyfob.key")).unwrap();
    let (id, hex) = key.trim().split_once(' ').unwrap();
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    let key = SealKey::new(id.parse().unwrap(), bytes.try_into().unwrap());
    let mut connection = Connection::open(folder.join("keyfob.db")).unwrap();
    let transaction = connection.transaction().unwrap();
    let mut insert = transaction
        .prepare("INSERT INTO device VALUES (?1, 0, ?2, ?3, NULL, NULL, NULL, 0, 'HOTP', 'C', 0, 1700000000, NULL, ?4, NULL)")
        .unwrap();
    for nth in 1..=devices {
        let id = spread_id(nth.unsigned_abs());
        let mut secret = [0; 20];
        secret[..8].copy_from_slice(&id.to_le_bytes());
        let device = Device::hotp(Hotp::new(Secret::new(&secret).unwrap()), 0, 1_700_000_000);
        let mut nonce = [0; 24];
        nonce[..8].copy_from_slice(&id.to_le_bytes());
        let record = key.seal(&device, &id.to_be_bytes(), nonce);
        insert.execute(params![id, format!("HOTP{nth:08}"), format!("user{nth}"), record]).unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}

/// How long SQLite takes for the page and its total, in microseconds.
fn bare_page(folder: &Path) -> f64 {
    let connection = Connection::open(folder.join("keyfob.db")).unwrap();
    let wanted = "FROM device WHERE kind = 'HOTP' AND user_name >= 'user5' AND user_name < 'user6'";
    let mut page = connection.prepare(&format!("SELECT * {wanted} ORDER BY user_name, id LIMIT 100 OFFSET 199")).unwrap();
    let mut total = connection.prepare(&format!("SELECT count(*) {wanted}")).unwrap();
    let mut times = Vec::new();
    for _ in 0..TIMED_PAGES {
        let began = Instant::now();
        let rows = page.query_map([], |row| row.get::<_, String>(3)).unwrap().count();
        let all: i64 = total.query_row([], |row| row.get(0)).unwrap();
        times.push(began.elapsed());
        assert!(rows <= 100 && all > 0);
    }
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}
