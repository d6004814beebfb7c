//! Searches that take long: who waits for them, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::sql::Dialect;
use super::{Place, on_both};

on_both! {
    a_long_search_holds_up_nobody_and_ends
    a_search_that_nobody_waits_for_is_not_begun
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
    let search =
        tokio::spawn(async move { other.search(|connection| connection.run(endless(connection.dialect())).map(drop)).await });
    assert_eq!(store.accounts().await, Ok(Vec::new()));
    assert_eq!((store.account("nobody").await, store.account_of_token("0").await), (Ok(None), Ok(None)));
    assert_eq!((store.ready().await, store.is_durable().await.is_ok(), store.opens().await), (Ok(()), true, Ok(true)));
    assert!(!search.is_finished());
    assert_eq!(search.await.unwrap().unwrap_err().status, 503);
    store.search(|connection| connection.run("SELECT 1").map(drop)).await.unwrap();
}

async fn a_search_that_nobody_waits_for_is_not_begun(place: Place) {
    let store = place.open();
    let (begun, is_begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (other, long) = (store.clone(), Arc::clone(&begun));
    let search = tokio::spawn(async move {
        let run = move |connection: &mut dyn super::Connection| {
            long.store(true, Ordering::SeqCst);
            connection.run(endless(connection.dialect())).map(drop)
        };
        other.search(run).await
    });
    while !begun.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let (other, flag) = (store.clone(), Arc::clone(&is_begun));
    let behind = tokio::spawn(async move {
        let run = move |_: &mut dyn super::Connection| {
            flag.store(true, Ordering::SeqCst);
            Ok(())
        };
        other.search(run).await
    });
    // Handed in, and then nobody waits.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    behind.abort();
    assert!(behind.await.unwrap_err().is_cancelled());
    assert!(search.await.unwrap().is_err());
    store.search(|connection| connection.run("SELECT 1").map(drop)).await.unwrap();
    assert!(!is_begun.load(Ordering::SeqCst));
}
