//! `make bench-postgres`: compares requests a second on PostgreSQL with updates of the server
//! alone, and the cost of a request with ten million devices with that with ten thousand.
//! `--devices=N` sets another number than ten million.

#[path = "../tests/support/cluster.rs"]
#[allow(dead_code, reason = "tests do more with it")]
mod cluster;
#[path = "common/mod.rs"]
mod common;
#[path = "common/devices.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod devices;

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use cluster::{Cluster, program};
use common::{CLIENTS, MakeRequest, Server, enrol, load, median, request};
use devices::{record, seal_key};
use tokio::net::TcpStream;

/// How many requests of each kind are timed.
const TIMED_REQUESTS: u64 = 2_000;
/// No device locks, so that each wrong code is a write.
const UNLOCKED: [&str; 3] = ["policy.max_fails=4000000000", "policy.guess_bound=1", "policy.pin_guess_bound=1"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, or: u64| {
        arguments.iter().find_map(|argument| argument.strip_prefix(name)).map_or(or, |text| text.parse().unwrap())
    };
    let seconds = Duration::from_secs(number("--seconds=", 8));
    let devices = i64::try_from(number("--devices=", 10_000_000)).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        throughput(seconds).await;
        if devices > 0 {
            scale(devices).await;
        }
    });
}

async fn throughput(time: Duration) {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    cluster.sql("keyfob", "CREATE TABLE cas (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, record BYTEA NOT NULL)");
    cluster.sql("keyfob", "INSERT INTO cas SELECT id, 0, decode(repeat('00', 216), 'hex') FROM generate_series(1, 992) AS id");
    let folder = tempfile::tempdir().unwrap();
    let url = format!("store={}", cluster.url("keyfob"));
    let server = Server::keyfob(folder.path(), &[&[url.as_str()], &UNLOCKED[..]].concat());
    let devices = enrol(&server, 1000).await;
    let request = move |client: usize, turn: u64| {
        let device = devices[usize::try_from(turn).unwrap().wrapping_mul(CLIENTS).wrapping_add(client) % devices.len()];
        request("POST", &format!("/{device}/responseChallenge"), "{\"pin\": \"123456\"}")
    };
    let request: &'static (dyn Fn(usize, u64) -> Vec<u8> + Sync) = Box::leak(Box::new(request));
    // In turns, so that a change of the machine's speed affects both.
    let (mut bare, mut verify) = (0.0_f64, 0.0_f64);
    for _ in 0..3 {
        bare = bare.max(pgbench(&cluster, time));
        verify = verify.max(load(&server.address, CLIENTS, time, request).await.rate);
    }
    println!("UPDATE of one row, pgbench     {bare:>9.0} a second, {CLIENTS} connections");
    println!("responseChallenge, durable     {verify:>9.0} a second, {CLIENTS} clients   {:.2} of it", verify / bare);
}

/// Commits a second of a compare and swap of one row. Each swap succeeds.
fn pgbench(cluster: &Cluster, time: Duration) -> f64 {
    cluster.sql("keyfob", "UPDATE cas SET version = 0");
    let script = tempfile::NamedTempFile::new().unwrap();
    // Each client has its own rows, so that it knows their versions.
    let text = "\\set id :client_id * 31 + mod(:n, 31) + 1\n\\set version :n / 31\n\\set n :n + 1\n\
                UPDATE cas SET version = version + 1, record = decode(repeat('01', 216), 'hex') WHERE id = :id AND version = :version;\n";
    script.as_file().write_all(text.as_bytes()).unwrap();
    let output = Command::new(program("pgbench"))
        .args(["-n", "-M", "prepared", "-c", &CLIENTS.to_string(), "-j", "2", "-D", "n=0", "-T", &time.as_secs().to_string(), "-f"])
        .arg(script.path())
        .arg(cluster.url("keyfob"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap_or_else(|| panic!("{text}"));
    let swapped: i64 = cluster.sql("keyfob", "SELECT sum(version) FROM cas").trim().parse().unwrap();
    assert!(swapped > 0, "each swapped");
    rate.split(' ').next().unwrap().parse().unwrap()
}

async fn scale(devices: i64) {
    // Sizes that an operator sets on a machine with several gigabytes.
    let cluster = Cluster::start(&["shared_buffers=4GB", "max_wal_size=8GB", "wal_compression=lz4", "checkpoint_timeout=30min"]);
    let few = costs(&cluster, "few", 10_000).await;
    let many = costs(&cluster, "many", devices).await;
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        println!("{name:<34} {few:>8.1} us with 10,000 {many:>8.1} us with {devices}   {:.2} times", many / few);
    }
    for part in ["pg_relation_size('device')", "pg_indexes_size('device')", "pg_total_relation_size('device')"] {
        let bytes: i64 = cluster.sql("many", &format!("SELECT {part}")).trim().parse().unwrap();
        println!("{part:<34} {:>8} bytes a device", bytes / devices);
    }
}

/// What requests cost with so many devices, in microseconds.
async fn costs(cluster: &Cluster, database: &str, devices: i64) -> Vec<(&'static str, f64)> {
    cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
    let folder = tempfile::tempdir().unwrap();
    let url = format!("store={}", cluster.url(database));
    let server = Server::keyfob(folder.path(), &[&[url.as_str()], &UNLOCKED[..]].concat());
    let began = Instant::now();
    fill(cluster, database, folder.path(), devices);
    println!("{devices} devices loaded by COPY in {:.0} s", began.elapsed().as_secs_f64());
    let mut connection = TcpStream::connect(&server.address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    // Spread over the table, in the same order each time.
    let device = move |turn: u64| 1 + (turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % devices.unsigned_abs();
    let sorts: [(&str, Box<MakeRequest>); 3] = [
        ("get by id", Box::new(move |turn| request("GET", &format!("/{}", device(turn)), ""))),
        ("filter by user", Box::new(move |turn| request("GET", &format!("?filter=user%20eq%20%22user{}%22", device(turn)), ""))),
        (
            "verify, durable",
            Box::new(move |turn| request("POST", &format!("/{}/responseChallenge", device(turn)), "{\"pin\": \"123456\"}")),
        ),
    ];
    let mut costs = Vec::new();
    for (name, make) in sorts {
        costs.push((name, median(&mut connection, TIMED_REQUESTS, &make).await));
    }
    costs
}

/// Copies devices into the database of a service, sealed under its key.
fn fill(cluster: &Cluster, database: &str, folder: &std::path::Path, devices: i64) {
    let key = seal_key(folder);
    let mut psql = Command::new(program("psql"))
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &cluster.url(database), "-c"])
        .arg("COPY device (id, version, name, user_name, deleted, kind, status, fails, created, record) FROM STDIN")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut rows = std::io::BufWriter::with_capacity(1 << 20, psql.stdin.take().unwrap());
    for id in 1..=devices {
        let record = data_encoding::HEXLOWER.encode(&record(&key, id));
        writeln!(rows, "{id}\t0\tHOTP{id:08}\tuser{id}\t0\tHOTP\tC\t0\t1700000000\t\\\\x{record}").unwrap();
    }
    rows.flush().unwrap();
    drop(rows);
    assert!(psql.wait().unwrap().success());
    cluster.sql(database, "VACUUM ANALYZE device");
    cluster.sql(database, "CHECKPOINT");
}
