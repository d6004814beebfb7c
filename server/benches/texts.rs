//! `make bench-texts`: searches for a text within users and names, with a million devices, on
//! SQLite and on PostgreSQL with `pg_trgm`; and creates beside those of a store without the index.
//! `--devices=N` sets another number of devices.
//!
//! Half of the devices were created in one second, as by an import. Creates of both stores take
//! turns, so that a change of the machine's speed affects both.

#[path = "../tests/support/cluster.rs"]
#[allow(dead_code, reason = "tests do more with it")]
mod cluster;
#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use cluster::Cluster;
use common::{Server, enrol, exchange, fill, median, request};
use tokio::net::TcpStream;

/// How often each search is sent.
const SEARCHES: usize = 15;
/// How many creates a round has, and how many rounds there are.
const ROUND_REQUESTS: u64 = 300;
const ROUNDS: usize = 7;
/// How many devices the stores of creates have.
const WRITE_DEVICES: usize = 100_000;

/// What a store has without the index.
const WITHOUT: &str = "DROP TRIGGER device_created_unindexed; DROP TRIGGER device_renamed_unindexed; DROP INDEX device_user;
                       CREATE INDEX device_user ON device (user_name, id)";

fn main() {
    let devices = std::env::args().find_map(|argument| argument.strip_prefix("--devices=").map(str::to_owned));
    let devices: usize = devices.map_or(1_000_000, |text| text.parse().unwrap());
    let with_postgres = !std::env::args().any(|argument| argument == "--sqlite");
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let server = sqlite(folder.path(), devices, "");
        wait_for_index(folder.path()).await;
        let size = std::fs::metadata(folder.path().join("keyfob.db")).unwrap().len();
        println!("SQLite: {} bytes a device in the file", size / u64::try_from(devices).unwrap());
        search("SQLite", &server, devices).await;
        drop((server, folder));
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let servers = [sqlite(folders[0].path(), WRITE_DEVICES, ""), sqlite(folders[1].path(), WRITE_DEVICES, WITHOUT)];
        wait_for_index(folders[0].path()).await;
        write("SQLite", &servers).await;
        drop(servers);
        if !with_postgres {
            return;
        }
        let cluster = Cluster::start(&["shared_buffers=1GB", "max_wal_size=4GB"]);
        let folder = tempfile::tempdir().unwrap();
        let server = postgres(&cluster, folder.path(), "searched", devices, true);
        search("PostgreSQL", &server, devices).await;
        drop(server);
        cluster.sql("postgres", "DROP DATABASE searched WITH (FORCE)");
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let servers = [
            postgres(&cluster, folders[0].path(), "indexed", WRITE_DEVICES, true),
            postgres(&cluster, folders[1].path(), "plain", WRITE_DEVICES, false),
        ];
        write("PostgreSQL", &servers).await;
    });
}

/// The service on a new file with devices, after these statements.
fn sqlite(folder: &Path, devices: usize, prepare: &str) -> Server {
    drop(Server::keyfob(folder, &[]));
    let connection = rusqlite::Connection::open(folder.join("keyfob.db")).unwrap();
    connection.execute_batch(prepare).unwrap();
    connection.execute_batch(&fill(devices).replace("BYTES", "zeroblob(216)")).unwrap();
    Server::keyfob(folder, &[])
}

/// Waits until the service has indexed all but a thousand devices.
async fn wait_for_index(folder: &Path) {
    let (connection, began) = (rusqlite::Connection::open(folder.join("keyfob.db")).unwrap(), Instant::now());
    let count = || connection.query_row("SELECT count(*) FROM device_unindexed", (), |row| row.get::<_, i64>(0)).unwrap();
    let all = count();
    while count() > 1000 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("SQLite: {all} devices were indexed in {:.1} s", began.elapsed().as_secs_f64());
}

/// The service on a new database with devices.
fn postgres(cluster: &Cluster, folder: &Path, database: &str, devices: usize, has_index: bool) -> Server {
    cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
    if has_index {
        cluster.sql(database, "CREATE EXTENSION pg_trgm");
    }
    let server = Server::keyfob(folder, &[&format!("store={}", cluster.url(database))]);
    cluster.sql(database, &fill(devices).replace("BYTES", "decode(repeat('00', 216), 'hex')"));
    cluster.sql(database, "VACUUM ANALYZE device");
    server
}

/// Searches for texts: the first page, and the second one of a walk if there is one.
async fn search(store: &str, server: &Server, devices: usize) {
    let mut connection = TcpStream::connect(&server.address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    let rare = devices / 8 + 1;
    for (name, parameter) in [
        ("user co, one match", format!("filter=user%20co%20%22r{rare}%22")),
        ("user co, no match", "filter=user%20co%20%22xyz%22".to_owned()),
        ("user co, no match, known trigrams", "filter=user%20co%20%22seruser%22".to_owned()),
        ("user co, one match in a hundred", "filter=user%20co%20%22ser12%22".to_owned()),
        ("user co, all match", "filter=user%20co%20%22user%22".to_owned()),
        ("user co, two characters, no match", "filter=user%20co%20%22xy%22".to_owned()),
        ("name co, few match", format!("filter=name%20co%20%22{rare}%22")),
        ("name co, all match", "filter=name%20co%20%22HOTP%22".to_owned()),
        ("textFilter, few match", format!("textFilter={rare}")),
        ("textFilter, no match", "textFilter=xyz".to_owned()),
        ("textFilter, one match in a hundred", "textFilter=SER12".to_owned()),
        ("textFilter, all match by user", "textFilter=USER".to_owned()),
        ("textFilter, all match by name", "textFilter=hotp".to_owned()),
        ("textFilter, two characters, no match", "textFilter=xy".to_owned()),
    ] {
        let mut buffer = Vec::new();
        let first = request("GET", &format!("?{parameter}&count=100&cursor="), "");
        assert_eq!(exchange(&mut connection, &first, &mut buffer).await, 200);
        let text = std::str::from_utf8(&buffer).unwrap();
        let total = text.split("\"totalResults\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
        let next = text.split("\"nextCursor\":\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
        let first = times(&mut connection, &first).await;
        print!("{store}: {name:<38} {total:>8} found, first page {first}");
        if let Some(next) = next {
            let second = request("GET", &format!("?{parameter}&count=100&cursor={next}"), "");
            print!(", second {}", times(&mut connection, &second).await);
        }
        println!();
    }
}

/// The least and the median time of a request.
async fn times(connection: &mut TcpStream, request: &[u8]) -> String {
    let (mut taken, mut buffer) = (Vec::new(), Vec::new());
    for _ in 0..SEARCHES {
        let began = Instant::now();
        assert_eq!(exchange(connection, request, &mut buffer).await, 200);
        taken.push(began.elapsed().as_secs_f64() * 1e3);
    }
    taken.sort_unstable_by(f64::total_cmp);
    format!("{:.1} ms ({:.1})", taken[taken.len() / 2], taken[0])
}

/// Creates and verifications on two stores, by turns.
async fn write(store: &str, servers: &[Server; 2]) {
    let mut connections = Vec::new();
    for server in servers {
        let connection = TcpStream::connect(&server.address).await.unwrap();
        connection.set_nodelay(true).unwrap();
        connections.push((connection, enrol(server, 20).await));
    }
    for kind in ["create", "verify a wrong code"] {
        let mut taken = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            for ((connection, devices), taken) in connections.iter_mut().zip(&mut taken) {
                let ids = devices.clone();
                let make = move |turn: u64| {
                    let (device, number) = (ids[usize::try_from(turn).unwrap() % ids.len()], round as u64 * ROUND_REQUESTS + turn);
                    match kind {
                        "create" => {
                            request("POST", "", &format!(r#"{{"type": "SMS", "user": "new{number}", "phone": "666555444"}}"#))
                        }
                        _ => request("POST", &format!("/{device}/responseChallenge"), r#"{"pin": "123456"}"#),
                    }
                };
                taken.push(median(connection, ROUND_REQUESTS, &make).await);
            }
        }
        for taken in &mut taken {
            taken.sort_unstable_by(f64::total_cmp);
        }
        let [with, without] = [&taken[0], &taken[1]];
        let middle = ROUNDS / 2;
        println!(
            "{store}: {kind:<20} {:.0} us with the index, {:.0} without: {:.3} times; the least {:.3} times",
            with[middle],
            without[middle],
            with[middle] / without[middle],
            with[0] / without[0]
        );
    }
}
