//! Connections that are lost in silence, without an end and without a response.

use std::thread;
use std::time::{Duration, Instant};

use keyfob_scim::{EventKind, Response, Step};

use super::cluster::url;
use super::proxy::Proxy;
use super::{Place, entry, event, insert, swap, wrong_answer};
use crate::database::{Location, Options};
use crate::store::Store;
use crate::store::searches::Claim;

/// Longer than a session may be idle without a check before its next use.
const IDLE: Duration = Duration::from_millis(1500);

/// A database behind a proxy.
fn place(database: &str) -> (Place, Proxy) {
    super::CLUSTER.sql("postgres", &format!("CREATE DATABASE {database}"));
    let proxy = Proxy::start(super::CLUSTER.port());
    // One writer, so that the test knows the session.
    let options = Options { connections: 3, ..Options::default() };
    let location = Location::parse(&url(&[proxy.port], database), &options).unwrap();
    (Place { location, folder: tempfile::tempdir().unwrap() }, proxy)
}

fn lines(database: &str) -> i64 {
    super::CLUSTER.sql(database, "SELECT count(*) FROM trail").trim().parse().unwrap()
}

/// Writes a line without a record to the trail.
async fn record(store: &Store) {
    let done = |()| Step::Done(Response::empty(204));
    store.change(Step::Audit { event: event(EventKind::RefuseAccount, 0), then: Box::new(done) }).await.unwrap();
}

/// Uses the session of a writer until it is no longer new.
async fn age(store: &Store) {
    let until = Instant::now() + Options::default().timeout;
    while Instant::now() < until {
        store.write(|connection| connection.run("SELECT 1").map(drop)).await.unwrap();
        store.ready().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_writes_on_idle_sessions_go_on_in_new_ones() {
    let (place, proxy) = place("idle");
    let store = place.open();
    let mut read = insert(&store, entry("alice")).await;
    for fails in 1..=2 {
        thread::sleep(IDLE);
        proxy.lose_connections();
        assert!(swap(&store, wrong_answer(&read)).await);
        read = store.get(read.row.id).await.unwrap().unwrap();
        assert_eq!(read.row.fails, fails);
    }
    thread::sleep(IDLE);
    proxy.lose_connections();
    record(&store).await;
    assert_eq!(lines("idle"), 1 + 2 + 1);
    store.scan(Claim::new("a"), |connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_use_is_not_asked_whether_it_lives() {
    let (place, proxy) = place("used");
    let store = place.open();
    store.write(|connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    let before = proxy.asked();
    for _ in 0..1000 {
        store.write(|connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    }
    let asked = proxy.asked();
    assert!(asked < before + 100, "a slow machine may leave it idle at times: {asked}");
    thread::sleep(IDLE);
    store.write(|connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    assert!(proxy.asked() > asked);
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn write_lost_on_sessions_in_use_is_found_and_counted_once() {
    let (place, proxy) = place("busy");
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    age(&store).await;
    proxy.lose_answers();
    assert!(swap(&store, wrong_answer(&read)).await, "its bytes are found");
    let now = store.get(read.row.id).await.unwrap().unwrap();
    assert_eq!((now.row.fails, now.version, lines("busy")), (1, read.version + 1, 2));
    age(&store).await;
    proxy.lose_answers();
    record(&store).await;
    assert_eq!(lines("busy"), 3);
    age(&store).await;
    proxy.lose_connections();
    assert!(swap(&store, wrong_answer(&now)).await);
    assert_eq!(store.get(read.row.id).await.unwrap().unwrap().row.fails, 2);
    assert_eq!(lines("busy"), 4);
    store.close();
}
