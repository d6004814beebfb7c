//! Searches that take long: who waits for them, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyfob_scim::{Attribute, EventKind, Filter, Naming, PageStart, Query, Sort};

use super::super::searches::Claim;
use super::super::workers::JOB_TIMEOUT;
use super::{Place, entry, event, insert, on_both};
use crate::database::{Connection, DatabaseError, Dialect, Readable};

on_both! {
    a_long_search_holds_up_no_other_and_ends
    a_search_without_a_waiting_client_is_not_begun
    a_search_by_an_index_waits_for_none_that_reads_all
    a_value_that_many_devices_have_is_searched_as_one_that_reads_all
    one_account_leaves_a_reader_to_others_and_has_a_bound
    the_wait_of_a_search_is_part_of_its_time
    job_that_its_batch_held_up_for_long_is_not_begun
}

/// A search that no database ends by itself.
const fn endless(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        Dialect::Postgres => "SELECT pg_sleep(1000)",
    }
}

async fn a_long_search_holds_up_no_other_and_ends(place: Place) {
    let store = place.open();
    let other = store.clone();
    let search = tokio::spawn(async move {
        other.scan(Claim::new("a"), |connection| connection.run(endless(connection.dialect())).map(drop)).await
    });
    assert_eq!(store.accounts().await, Ok(Readable { rows: Vec::new(), damaged: Vec::new() }));
    assert_eq!((store.account("nobody").await, store.account_of_token("0").await), (Ok(None), Ok(None)));
    assert_eq!((store.ready().await, store.is_durable().await.is_ok()), (Ok(()), true));
    assert!(!search.is_finished());
    let error = search.await.unwrap().unwrap_err();
    assert!(
        error.status == 503 && error.detail.contains("took longer than 5 seconds") && error.detail.contains("name a user"),
        "{error}"
    );
    assert_eq!(error.retry_after, None, "the same search takes as long");
    store.scan(Claim::new("a"), |connection| connection.run("SELECT 1").map(drop)).await.unwrap();
}

/// A job that begins, and ends when the test lets it.
fn held(
    begun: &Arc<AtomicBool>,
    may_end: &Arc<AtomicBool>,
) -> impl FnMut(&mut dyn Connection) -> Result<(), DatabaseError> + Send + use<> {
    let (begun, may_end) = (Arc::clone(begun), Arc::clone(may_end));
    move |_| {
        begun.store(true, Ordering::SeqCst);
        while !may_end.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// A job that reports its begin.
fn noted(begun: &Arc<AtomicBool>) -> impl FnMut(&mut dyn Connection) -> Result<(), DatabaseError> + Send + use<> {
    held(begun, &Arc::new(AtomicBool::new(true)))
}

fn flag() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

async fn until(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
}

/// Polls a future once, which queues its job.
async fn hand_in<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    tokio::select! {
        biased;
        _ = &mut future => panic!("it waits for others"),
        () = std::future::ready(()) => future,
    }
}

async fn a_search_without_a_waiting_client_is_not_begun(place: Place) {
    let store = place.open();
    let (begun, may_end, is_begun) = (flag(), flag(), flag());
    let front = hand_in(store.scan(Claim::new("a"), held(&begun, &may_end))).await;
    until(&begun).await;
    drop(hand_in(store.scan(Claim::new("a"), noted(&is_begun))).await);
    may_end.store(true, Ordering::SeqCst);
    front.await.unwrap();
    store.scan(Claim::new("a"), |connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    assert!(!is_begun.load(Ordering::SeqCst));
}

fn query(filter: &str) -> Query {
    let sort = Sort { by: Attribute::Id, descending: false };
    Query {
        filter: Filter::parse(filter).unwrap(),
        excludes_deleted: false,
        sort,
        then_by: Vec::new(),
        start: PageStart::Offset(0),
        limit: 100,
    }
}

async fn a_search_by_an_index_waits_for_none_that_reads_all(place: Place) {
    let store = place.open();
    insert(&store, entry("alice")).await;
    let (begun, may_end) = (flag(), flag());
    let mut scans = Vec::new();
    for account in ["a", "b", "a", "b", "c"] {
        scans.push(hand_in(store.scan(Claim::new(account), held(&begun, &may_end))).await);
    }
    until(&begun).await;
    for filter in [r#"user eq "alice""#, r#"type eq "HOTP" and user sw "al""#, r#"user eq_ci "ALICE" or id eq 5"#] {
        let found = store.list("a", &query(filter)).await.unwrap();
        assert_eq!((found.page.total, found.page.rows.len()), (Some(1), 1), "{filter}");
    }
    may_end.store(true, Ordering::SeqCst);
    for scan in scans {
        scan.await.unwrap();
    }
    store.close();
}

async fn a_value_that_many_devices_have_is_searched_as_one_that_reads_all(place: Place) {
    let store = place.open();
    for _ in 0..11 {
        store
            .insert(Box::new(entry("alice")), Naming::Fixed("Security PIN".into()), event(EventKind::Create, 0), Vec::new())
            .await
            .unwrap();
    }
    insert(&store, entry("bob")).await;
    let (begun, may_end) = (flag(), flag());
    let front = hand_in(store.scan(Claim::new("a"), held(&begun, &may_end))).await;
    until(&begun).await;
    let many = query(r#"name eq "Security PIN""#);
    let mut search = hand_in(store.list("a", &many)).await;
    assert_eq!(
        store.list("a", &query(r#"user eq "bob""#)).await.unwrap().page.total,
        Some(1),
        "the reader of lookups is free again"
    );
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut search).await.is_err(), "it waits for its turn to read all");
    may_end.store(true, Ordering::SeqCst);
    front.await.unwrap();
    assert_eq!(search.await.unwrap().page.total, Some(11));
    store.close();
}

async fn one_account_leaves_a_reader_to_others_and_has_a_bound(place: Place) {
    let store = place.open();
    let (begun, may_end) = (flag(), flag());
    let mut held_up = vec![hand_in(store.scan(Claim::new("a"), held(&begun, &may_end))).await];
    until(&begun).await;
    // Searches of clients that have gone do not count.
    for _ in 0..64 {
        drop(hand_in(store.scan(Claim::new("a"), noted(&flag()))).await);
    }
    for _ in 0..64 {
        held_up.push(hand_in(store.scan(Claim::new("a"), held(&flag(), &may_end))).await);
    }
    let error = store.scan(Claim::new("a"), noted(&flag())).await.unwrap_err();
    assert!(error.status == 503 && error.detail.contains("64 searches of this account wait already"), "{error}");
    store.scan(Claim::new("b"), noted(&flag())).await.unwrap();
    may_end.store(true, Ordering::SeqCst);
    for search in held_up {
        search.await.unwrap();
    }
    store.close();
}

async fn the_wait_of_a_search_is_part_of_its_time(place: Place) {
    let store = place.open();
    let (begun, may_end) = (flag(), flag());
    let front = hand_in(store.scan(Claim::new("a"), held(&begun, &may_end))).await;
    until(&begun).await;
    let (since, endless) =
        (Instant::now(), |connection: &mut dyn Connection| connection.run(endless(connection.dialect())).map(drop));
    let behind = hand_in(store.scan(Claim::new("a"), endless)).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    may_end.store(true, Ordering::SeqCst);
    front.await.unwrap();
    let error = behind.await.unwrap_err();
    let took = since.elapsed();
    assert!(error.detail.contains("took longer than 5 seconds"), "{error}");
    assert!(took < Duration::from_secs(9), "five seconds from when it came, and not from when it began: {took:?}");
    // The reader is free at once, too.
    let since = Instant::now();
    store.scan(Claim::new("a"), |connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    store.close();
}

async fn job_that_its_batch_held_up_for_long_is_not_begun(place: Place) {
    let store = place.open();
    let (begun, may_end, is_slow, is_begun) = (flag(), flag(), flag(), flag());
    let front = hand_in(store.look(held(&begun, &may_end))).await;
    until(&begun).await;
    // A batch of two.
    let mut slowly = noted(&is_slow);
    let slow = hand_in(store.look(move |connection| {
        std::thread::sleep(JOB_TIMEOUT);
        slowly(connection)
    }))
    .await;
    let behind = hand_in(store.look(noted(&is_begun))).await;
    may_end.store(true, Ordering::SeqCst);
    front.await.unwrap();
    slow.await.unwrap();
    assert_eq!(behind.await.unwrap_err().status, 503);
    assert_eq!((is_slow.load(Ordering::SeqCst), is_begun.load(Ordering::SeqCst)), (true, false));
    assert_eq!(store.ready().await, Ok(()));
}
