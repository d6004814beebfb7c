//! Counters of messages: exact over processes, lost connections and lost swaps, and deleted when
//! their intervals have ended.

use keyfob_scim::{Count, Counted, Entry, EventKind, Limit, Response, Scope, Step, Swap};

use super::lossy::{Fate, Lossy};
use super::{NOW, Place, entry, event, insert, keys, on_both};
use crate::database::{Connection, Sql};
use crate::store::batch::{Swapped, Write, settle};
use crate::store::keys::Sealer;
use crate::store::reads::find;
use crate::store::{Store, schema};

on_both! {
    of_messages_at_once_through_three_processes_exactly_the_limit_is_counted
    message_is_counted_by_all_of_its_counters_or_by_none
    lost_swap_counts_nothing
    counters_of_ended_intervals_are_deleted_and_the_others_stay
    older_store_counts_from_its_first_message
}

const DAY_END: u64 = NOW - NOW % 86_400 + 86_400;

fn count(counter: &str, max: u32) -> Count {
    Count { limit: Limit::Number, counter: counter.to_owned(), max, ends: DAY_END }
}

/// A new challenge of a device, as a swap.
fn challenge(entry: &Entry) -> Box<Swap> {
    let event = event(EventKind::Challenge, entry.row.id);
    Box::new(Swap { entry: entry.clone(), scope: Scope::Record, claims_serial: false, event, signals: Vec::new() })
}

/// Swaps and counts, and swaps again what has lost, as the SCIM layer does.
async fn send(store: &Store, id: i64, counts: &[Count]) -> Counted {
    loop {
        let entry = store.get(id).await.unwrap().unwrap();
        let outcome = send_as(store, &entry, counts).await;
        if outcome != Counted::Lost {
            return outcome;
        }
    }
}

async fn send_as(store: &Store, entry: &Entry, counts: &[Count]) -> Counted {
    let (report, outcome) = std::sync::mpsc::channel();
    let then = Box::new(move |outcome| {
        report.send(outcome).unwrap();
        Step::Done(Response::empty(200))
    });
    store.change(Step::CountedSwap { swap: challenge(entry), counts: counts.to_vec(), then }).await.unwrap();
    outcome.recv().unwrap()
}

async fn sent(store: &Store, counters: &[&str]) -> Vec<u64> {
    store.messages_sent(counters.iter().map(|name| (*name).to_owned()).collect()).await.unwrap()
}

async fn of_messages_at_once_through_three_processes_exactly_the_limit_is_counted(place: Place) {
    let stores = [place.open(), place.open(), place.open()];
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(insert(&stores[0], entry("ada")).await.row.id);
    }
    // Each device has room for 7, and their number for 37. The first device fills up before the
    // others begin. The order of names must not matter.
    let mut outcomes = Vec::new();
    for numbers in [0..20, 20..200] {
        let mut tasks = tokio::task::JoinSet::new();
        for number in numbers {
            let (store, id) = (stores[number % 3].clone(), ids[if number < 20 { 0 } else { number % 10 }]);
            let mut counts = vec![count("number/+34600000000/1", 37), count(&format!("device/{id}/1"), 7)];
            if number % 2 == 0 {
                counts.reverse();
            }
            tasks.spawn(async move { send(&store, id, &counts).await });
        }
        outcomes.extend(tasks.join_all().await);
        assert_eq!(sent(&stores[0], &[&format!("device/{}/1", ids[0])]).await, [7]);
    }
    let went_on = outcomes.iter().filter(|outcome| **outcome == Counted::Stored).count();
    assert_eq!((went_on, outcomes.len()), (37, 200));
    assert!(outcomes.iter().all(|outcome| *outcome != Counted::Lost));
    assert_eq!(sent(&stores[1], &["number/+34600000000/1", "no counter"]).await, [37, 0]);
    let mut all = 0;
    for id in &ids {
        let device = sent(&stores[2], &[&format!("device/{id}/1")]).await[0];
        assert!(device <= 7, "{device}");
        all += device;
    }
    assert_eq!(all, 37, "a message counts in each of its counters");
    // The trail has the messages that went on, and no other.
    let trail = place.with(|connection| {
        connection.run("SELECT count(*) FROM trail WHERE event = 'otp-challenge'").unwrap()[0].number(0).unwrap()
    });
    assert_eq!(trail, 37);
    stores.into_iter().for_each(Store::close);
}

async fn message_is_counted_by_all_of_its_counters_or_by_none(place: Place) {
    let store = place.open();
    let id = insert(&store, entry("ada")).await.row.id;
    let (one, other) = (count("one", 1), count("other", 5));
    assert_eq!(send(&store, id, &[one.clone(), other.clone()]).await, Counted::Stored);
    let before = store.get(id).await.unwrap().unwrap();
    for counts in [[one.clone(), other.clone()], [other.clone(), one.clone()]] {
        assert_eq!(send(&store, id, &counts).await, Counted::Full(one.clone()));
    }
    assert_eq!(sent(&store, &["one", "other"]).await, [1, 1]);
    assert_eq!(store.get(id).await.unwrap().unwrap(), before, "the device stays as it was");
    // Of two that are full, the one whose interval ends last is named.
    let later = Count { ends: DAY_END + 1, ..count("later", 1) };
    assert_eq!(send(&store, id, std::slice::from_ref(&later)).await, Counted::Stored);
    assert_eq!(send(&store, id, &[later.clone(), one]).await, Counted::Full(later));
    store.close();
}

async fn lost_swap_counts_nothing(place: Place) {
    let store = place.open();
    let first = insert(&store, entry("ada")).await;
    let counts = [count("one", 3)];
    assert_eq!(send_as(&store, &first, &counts).await, Counted::Stored);
    for _ in 0..5 {
        assert_eq!(send_as(&store, &first, &counts).await, Counted::Lost);
    }
    assert_eq!(sent(&store, &["one"]).await, [1]);
    store.close();
}

async fn counters_of_ended_intervals_are_deleted_and_the_others_stay(place: Place) {
    let store = place.open();
    let id = insert(&store, entry("ada")).await.row.id;
    for (name, ends) in [("old", NOW - 7201), ("ended", NOW - 3600), ("present", NOW + 1)] {
        assert_eq!(send(&store, id, &[Count { ends, ..count(name, 5) }]).await, Counted::Stored);
    }
    assert_eq!(store.delete_ended_counters(NOW).await, Ok(true));
    assert_eq!(store.delete_ended_counters(NOW).await, Ok(false));
    // A process whose clock is behind may still count in an interval that has ended.
    assert_eq!(sent(&store, &["old", "ended", "present"]).await, [0, 1, 1]);
    store.close();
}

async fn older_store_counts_from_its_first_message(place: Place) {
    place.with(|connection| {
        schema::migrate_to(connection, 7).unwrap();
        assert!(connection.run("SELECT * FROM message_count").is_err(), "it has no counters yet");
        let mut sql = Sql::new(
            "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, phone, record) VALUES \
             (1, 0, 'old', 'old', 0, 'HOTP', 'C', 0, 0, '600000000', ",
        );
        sql.bind(Sealer::unchecked(&keys()).seal(&super::device(NOW), 1).unwrap()).push(")");
        connection.rows(&sql).unwrap();
    });
    let store = place.open();
    let counts = [count("number/600000000/1", 1)];
    assert_eq!(send(&store, 1, &counts).await, Counted::Stored);
    assert!(matches!(send(&store, 1, &counts).await, Counted::Full(_)));
    assert_eq!(store.get(1).await.unwrap().unwrap().row.phone.as_deref(), Some("600000000"));
    store.close();
}

/// Settles a challenge under these fates. Returns its outcome and what its counter has then.
fn settled(connection: &mut Lossy, max: u32, fates: &[Fate]) -> (Option<Swapped>, i64) {
    let found = find(&mut *connection.inner, &keys(), [1].into_iter()).unwrap();
    let swap = challenge(found[&1].as_ref().unwrap());
    let counts = [count("one", max)];
    connection.fates = fates.to_vec();
    let write = Write::new(&swap, &counts, &Sealer::unchecked(&keys())).unwrap();
    let outcome = settle(connection, vec![write], &[]).swaps.remove(&1).unwrap().ok();
    connection.fates.clear();
    let sent = connection.run("SELECT sent FROM message_count").unwrap().first_mut().map_or(0, |row| row.number(0).unwrap());
    (outcome, sent)
}

#[test]
fn message_of_which_nothing_was_heard_is_counted_once() {
    use Fate::{Conflict, Undone, Unheard, Well};
    let place = Place::postgres();
    let mut inner = place.connection();
    schema::migrate(&mut *inner).unwrap();
    let mut sql = Sql::new(
        "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record) VALUES \
         (1, 0, 'n', 'u', 0, 'HOTP', 'C', 0, 0, ",
    );
    sql.bind(Sealer::unchecked(&keys()).seal(&super::device(NOW), 1).unwrap()).push(")");
    inner.rows(&sql).unwrap();
    let mut connection = Lossy { inner, fates: Vec::new() };
    // BEGIN, the counters, their locks, the swap, the line, the counters again, COMMIT.
    let mut expected = 0;
    for fates in [
        vec![],
        vec![Well, Well, Well, Well, Well, Well, Unheard],
        vec![Well, Well, Well, Well, Well, Well, Undone],
        vec![Well, Well, Well, Well, Well, Undone],
        vec![Well, Well, Well, Unheard],
        vec![Well, Well, Conflict],
        vec![Well, Well, Well, Well, Well, Well, Unheard, Well, Well, Well, Undone],
        vec![Well, Well, Well, Well, Well, Well, Undone, Well, Well, Well, Well, Well, Well, Unheard],
    ] {
        expected += 1;
        assert_eq!(settled(&mut connection, 100, &fates), (Some(Swapped::Stored), expected), "{fates:?}");
    }
    // The last one that has room: when it is sent again, its own commit has filled the counter.
    let last = u32::try_from(expected + 1).unwrap();
    let fates = [Well, Well, Well, Well, Well, Well, Unheard];
    assert_eq!(settled(&mut connection, last, &fates), (Some(Swapped::Stored), expected + 1));
    assert_eq!(settled(&mut connection, last, &[]), (Some(Swapped::Full(count("one", last))), expected + 1));
    drop(connection);
}
