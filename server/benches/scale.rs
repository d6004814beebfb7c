//! `make bench-service`: compares the cost of a request with a million devices with that with a
//! thousand.

#[path = "common/mod.rs"]
mod common;
#[path = "common/devices.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod devices;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{MakeRequest, Server, median, request};
use devices::{fill, spread_id};
use rusqlite::Connection;
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

async fn run(devices: u64) -> Run {
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
    let nth = move |turn: u64| 1 + (turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % devices;
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
