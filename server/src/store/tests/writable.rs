//! A store that refuses writes is not ready until it takes them again, with or without requests in
//! between.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use keyfob_scim::{Response, Step};
use tokio::sync::oneshot;

use super::super::{Store, TrailQuery};
use super::{Place, entry, insert, on_both, swap, wrong_answer};
use crate::database::Dialect;

on_both! {
    a_store_that_another_program_has_locked_is_not_ready
    a_store_that_lacks_a_table_is_not_ready
    a_store_that_takes_its_writes_is_not_tried
}

fn done(_: bool) -> Step {
    Step::Done(Response::empty(200))
}

/// Submits a code and returns the status of the refusal.
async fn refused(store: &Store, id: i64) -> u16 {
    let read = store.get(id).await.unwrap().unwrap();
    let swapped = store.change(Step::Swap { swap: wrong_answer(&read), then: Box::new(done) }).await;
    swapped.map(drop).expect_err("it is refused").status
}

/// Waits until the store is ready, without sending a write.
async fn becomes_ready(store: &Store) {
    let until = Instant::now() + Duration::from_secs(60);
    while let Err(error) = store.ready().await {
        assert!(Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Does `work` while another program holds the locks of this statement.
async fn while_locked(place: &Place, statement: &'static str, work: impl AsyncFnOnce(mpsc::Sender<()>)) {
    let (release, released) = mpsc::channel();
    let (lock, locked) = oneshot::channel();
    let location = place.location.clone();
    let other = std::thread::spawn(move || {
        let mut connection = location.writer().unwrap();
        connection.run("BEGIN").unwrap();
        connection.run(statement).unwrap();
        lock.send(()).unwrap();
        let _ = released.recv();
        connection.rollback();
    });
    locked.await.unwrap();
    work(release).await;
    other.join().unwrap();
}

async fn a_store_that_another_program_has_locked_is_not_ready(place: Place) {
    let store = place.open();
    let id = insert(&store, entry("alice")).await.row.id;
    let lock = match place.with(|connection| connection.dialect()) {
        Dialect::Sqlite => "UPDATE sequence SET last = last + 1",
        Dialect::Postgres => "LOCK TABLE device IN SHARE ROW EXCLUSIVE MODE",
    };
    while_locked(&place, lock, async |release| {
        assert_eq!(store.ready().await, Ok(()), "nothing has failed yet");
        assert_eq!(refused(&store, id).await, 503);
        for _ in 0..5 {
            let error = store.ready().await.unwrap_err();
            assert!(error.status == 503 && error.to_string().contains("lock"), "{error}");
        }
        drop(release);
        becomes_ready(&store).await;
    })
    .await;
    let read = store.get(id).await.unwrap().unwrap();
    assert_eq!(read.row.fails, 0, "a trial write changes no device");
    assert!(swap(&store, wrong_answer(&read)).await);
    let lines = store.trail(&TrailQuery { limit: 100, ..TrailQuery::default() }).await.unwrap();
    assert_eq!(lines.rows.len(), 2, "a trial write is not in the trail");
}

async fn a_store_that_lacks_a_table_is_not_ready(place: Place) {
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    let rename = |from: &'static str, to: &'static str| {
        place.with(move |connection| connection.run(&format!("ALTER TABLE {from} RENAME TO {to}")).map(drop).unwrap());
    };
    for table in ["trail", "device"] {
        rename(table, "elsewhere");
        let refused = store.change(Step::Swap { swap: wrong_answer(&read), then: Box::new(done) }).await;
        assert_eq!(refused.map(drop).unwrap_err().status, 503, "{table}");
        let error = store.ready().await.unwrap_err();
        assert!(error.status == 503 && error.to_string().contains("table may be missing"), "{table}: {error}");
        rename("elsewhere", table);
        becomes_ready(&store).await;
    }
    assert!(swap(&store, wrong_answer(&read)).await);
}

async fn a_store_that_takes_its_writes_is_not_tried(place: Place) {
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    let last =
        || place.with(|connection| connection.run("SELECT last FROM sequence WHERE name = 'name'").unwrap()[0].number(0).unwrap());
    let before = last();
    assert!(swap(&store, wrong_answer(&read)).await);
    assert!(!swap(&store, wrong_answer(&read)).await, "it has lost, which is no failure");
    store.ready().await.unwrap();
    assert_eq!(last(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_ready_although_another_program_has_locked_one_device() {
    let place = Place::postgres();
    let store = place.open();
    let id = insert(&store, entry("alice")).await.row.id;
    while_locked(&place, "SELECT id FROM device FOR UPDATE", async |release| {
        assert_eq!(refused(&store, id).await, 503);
        becomes_ready(&store).await;
        drop(release);
    })
    .await;
}
