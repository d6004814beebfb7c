//! Searches that take long: who waits for them, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::searches::Claim;
use super::super::sql::{Connection, Dialect, Fault, Readable};
use super::super::workers::OLD;
use super::{Place, on_both};

on_both! {
    a_long_search_holds_up_nobody_and_ends
    a_search_that_nobody_waits_for_is_not_begun
    what_others_of_its_batch_held_up_for_long_is_not_begun
}

/// A search that no database ends by itself.
const fn endless(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        Dialect::Postgres => "SELECT pg_sleep(1000)",
    }
}

async fn a_long_search_holds_up_nobody_and_ends(place: Place) {
    let store = place.open();
    let other = store.clone();
    let search = tokio::spawn(async move {
        other.scan(Claim::of("a"), |connection| connection.run(endless(connection.dialect())).map(drop)).await
    });
    assert_eq!(store.accounts().await, Ok(Readable { rows: Vec::new(), damaged: Vec::new() }));
    assert_eq!((store.account("nobody").await, store.account_of_token("0").await), (Ok(None), Ok(None)));
    assert_eq!((store.ready().await, store.is_durable().await.is_ok(), store.opens().await), (Ok(()), true, Ok(true)));
    assert!(!search.is_finished());
    assert_eq!(search.await.unwrap().unwrap_err().status, 503);
    store.scan(Claim::of("a"), |connection| connection.run("SELECT 1").map(drop)).await.unwrap();
}

/// A job that begins, and ends when it is let.
fn held(begun: &Arc<AtomicBool>, may_end: &Arc<AtomicBool>) -> impl FnMut(&mut dyn Connection) -> Result<(), Fault> + Send + use<> {
    let (begun, may_end) = (Arc::clone(begun), Arc::clone(may_end));
    move |_| {
        begun.store(true, Ordering::SeqCst);
        while !may_end.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// A job that tells that it was begun.
fn noted(begun: &Arc<AtomicBool>) -> impl FnMut(&mut dyn Connection) -> Result<(), Fault> + Send + use<> {
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

/// Begins a future: a job is handed in by then.
async fn hand_in<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    tokio::select! {
        biased;
        _ = &mut future => panic!("it waits for others"),
        () = std::future::ready(()) => future,
    }
}

async fn a_search_that_nobody_waits_for_is_not_begun(place: Place) {
    let store = place.open();
    let (begun, may_end, is_begun) = (flag(), flag(), flag());
    let front = hand_in(store.scan(Claim::of("a"), held(&begun, &may_end))).await;
    until(&begun).await;
    drop(hand_in(store.scan(Claim::of("a"), noted(&is_begun))).await);
    may_end.store(true, Ordering::SeqCst);
    front.await.unwrap();
    store.scan(Claim::of("a"), |connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    assert!(!is_begun.load(Ordering::SeqCst));
}

async fn what_others_of_its_batch_held_up_for_long_is_not_begun(place: Place) {
    let store = place.open();
    let (begun, may_end, is_slow, is_begun) = (flag(), flag(), flag(), flag());
    let front = hand_in(store.look(held(&begun, &may_end))).await;
    until(&begun).await;
    // A batch of two.
    let mut slowly = noted(&is_slow);
    let slow = hand_in(store.look(move |connection| {
        std::thread::sleep(OLD);
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
