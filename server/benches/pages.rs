//! `make bench-pages`: compares the last pages of a walk by cursor with the first ones, with a
//! million devices, on SQLite and on PostgreSQL. `--pages=N` sets another number of pages than
//! 10,000.
//!
//! Half of the devices were created in one second, as by an import. The pages are requested in
//! turns, so that a change of the machine's speed affects all of them.

#[path = "../tests/support/cluster.rs"]
#[allow(dead_code, reason = "tests do more with it")]
mod cluster;
#[path = "common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use cluster::Cluster;
use common::{Server, exchange, fill, request};
use tokio::net::TcpStream;

/// How many devices a page has.
const PAGE_DEVICES: usize = 100;
/// How often each page is requested.
const PAGE_REQUESTS: usize = 200;

fn main() {
    let pages = std::env::args().find_map(|argument| argument.strip_prefix("--pages=").map(str::to_owned));
    let pages: usize = pages.map_or(10_000, |text| text.parse().unwrap());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let fill = fill(pages * PAGE_DEVICES);
        let folder = tempfile::tempdir().unwrap();
        drop(Server::keyfob(folder.path(), &[]));
        rusqlite::Connection::open(folder.path().join("keyfob.db"))
            .unwrap()
            .execute_batch(&fill.replace("BYTES", "zeroblob(216)"))
            .unwrap();
        measure("SQLite", &Server::keyfob(folder.path(), &[]), pages).await;

        let cluster = Cluster::start(&["shared_buffers=1GB", "max_wal_size=4GB"]);
        cluster.sql("postgres", "CREATE DATABASE keyfob");
        let folder = tempfile::tempdir().unwrap();
        let server = Server::keyfob(folder.path(), &[&format!("store={}", cluster.url("keyfob"))]);
        cluster.sql("keyfob", &fill.replace("BYTES", "decode(repeat('00', 216), 'hex')"));
        cluster.sql("keyfob", "VACUUM ANALYZE device");
        measure("PostgreSQL", &server, pages).await;
    });
}

/// Walks once, and then requests some pages of the walk many times.
async fn measure(store: &str, server: &Server, pages: usize) {
    let mut connection = TcpStream::connect(&server.address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    let page = |cursor: &str| request("GET", &format!("?count={PAGE_DEVICES}&cursor={cursor}"), "");
    let (mut cursors, began) = (vec![String::new()], Instant::now());
    loop {
        assert_eq!(exchange(&mut connection, &page(cursors.last().unwrap()), &mut buffer).await, 200);
        let text = std::str::from_utf8(&buffer).unwrap();
        let Some(next) = text.split("\"nextCursor\":\"").nth(1) else { break };
        cursors.push(next.split('"').next().unwrap().to_owned());
    }
    assert_eq!(cursors.len(), pages);
    println!("{store}: {pages} pages of {PAGE_DEVICES} in {:.1} s", began.elapsed().as_secs_f64());
    let (last, middle) = (pages - 1, pages / 4);
    let timed = [
        ("page 1, which counts all", page(&cursors[0])),
        ("page 2", page(&cursors[1])),
        ("page of devices of one second", page(&cursors[middle])),
        ("last page but one", page(&cursors[last - 1])),
        ("last page", page(&cursors[last])),
        ("last page by startIndex", request("GET", &format!("?count={PAGE_DEVICES}&startIndex={}", last * PAGE_DEVICES + 1), "")),
    ];
    let mut taken: Vec<Vec<Duration>> = vec![Vec::new(); timed.len()];
    for _ in 0..PAGE_REQUESTS {
        for ((_, request), taken) in timed.iter().zip(&mut taken) {
            let began = Instant::now();
            assert_eq!(exchange(&mut connection, request, &mut buffer).await, 200);
            taken.push(began.elapsed());
        }
    }
    let medians: Vec<f64> = taken
        .iter_mut()
        .map(|taken| {
            taken.sort_unstable();
            taken[taken.len() / 2].as_secs_f64() * 1e6
        })
        .collect();
    for ((name, _), median) in timed.iter().zip(&medians) {
        println!("{name:<34} {median:>9.1} us   {:.3} of page 1, {:.2} of page 2", median / medians[0], median / medians[1]);
    }
}
