//! A store copied or moved while others write it.

use keyfob_scim::{Error, EventKind, Response, Roles, Step};
use tokio::runtime::Handle;

use super::{KEY, Place, entry, event, insert, on_both, swap, wrong_answer};
use crate::store::sql::Access;
use crate::store::{Account, Copied, Keys, Location, Store, Wanted, copy};

on_both! {
    a_copy_is_of_one_moment_whatever_is_written_meanwhile
    nothing_is_written_to_a_store_that_was_moved
    a_store_that_is_moved_into_goes_by_the_keys_of_what_was_moved
}

/// Copies on a thread that may block, which does `meanwhile` each time that it has copied a page of devices.
async fn copied(from: &Place, to: &Location, keep: bool, mut meanwhile: impl FnMut() + Send + 'static) -> Result<Copied, String> {
    let (from, to) = (from.location.clone(), to.clone());
    tokio::task::spawn_blocking(move || std::thread::spawn(move || copy(&from, &to, keep, &mut |_, _| meanwhile())).join().unwrap())
        .await
        .unwrap()
}

/// Writes a line of the trail that comes with no device.
async fn record(store: &Store, device: i64) -> Result<(), Error> {
    let then = Box::new(|()| Step::Done(Response { status: 200, headers: Vec::new(), body: Vec::new() }));
    store.change(Step::Record { event: event(EventKind::Verify, device), then }).await.map(|_| ())
}

fn account(name: &str) -> Account {
    Account { name: name.into(), roles: Roles::ALL, password: Some("hash".into()), token: None }
}

async fn a_copy_is_of_one_moment_whatever_is_written_meanwhile(place: Place) {
    let (store, target) = (place.open(), Place::sqlite());
    let read = insert(&store, entry("alice")).await;
    store.add_account(&account("one")).await.unwrap();
    for round in 1..=2 {
        let (runtime, busy, id) = (Handle::current(), store.clone(), read.row.id);
        let copied = copied(&place, &target.location, true, move || {
            runtime.block_on(async {
                let now = busy.get(id).await.unwrap().unwrap();
                assert!(swap(&busy, wrong_answer(&now)).await);
                record(&busy, id).await.unwrap();
                insert(&busy, entry("bob")).await;
                busy.add_account(&account("two")).await.unwrap();
            });
        });
        let rows: Vec<_> = copied.await.unwrap().tables.into_iter().map(|(_, rows, _)| rows).collect();
        // The copy has what was written during the one before it.
        assert_eq!(rows, if round == 1 { [1, 1, 1, 1] } else { [2, 4, 2, 1] });
    }
    let copy = target.open();
    assert_eq!(copy.get(read.row.id).await.unwrap().unwrap().row.fails, 1);
    assert_eq!(store.get(read.row.id).await.unwrap().unwrap().row.fails, 2, "the source goes on");
    [copy, store].into_iter().for_each(Store::close);
}

async fn nothing_is_written_to_a_store_that_was_moved(place: Place) {
    let (store, target) = (place.open(), Place::sqlite());
    let read = insert(&store, entry("alice")).await;
    let (runtime, busy, id) = (Handle::current(), store.clone(), read.row.id);
    let (told, mut tasks) = tokio::sync::mpsc::unbounded_channel();
    let mut page = 0;
    copied(&place, &target.location, false, move || {
        page += 1;
        if page == 1 {
            runtime.block_on(record(&busy, id)).unwrap();
        } else {
            let busy = busy.clone();
            told.send(runtime.spawn(async move { record(&busy, id).await })).unwrap();
        }
    })
    .await
    .unwrap();
    let late = tasks.recv().await.unwrap().await.unwrap();
    assert_eq!(late.map_err(|error| error.status), Err(503), "a line after the last moment is not told to be written");
    assert_eq!(record(&store, id).await.map_err(|error| error.status), Err(503));
    assert_eq!(store.add_account(&account("one")).await.map_err(|error| error.status), Err(503));
    assert_eq!(store.get(id).await.map_err(|error| error.status), Err(503));
    let moved = target.open();
    assert_eq!(moved.trail(&Wanted { limit: 10, ..Wanted::default() }).await.unwrap().rows.len(), 2);
    assert_eq!(moved.get(id).await.unwrap(), Some(read));
    [moved, store].into_iter().for_each(Store::close);
}

/// A store that was tried before has the key check value of keys that open none of what comes to it.
async fn a_store_that_is_moved_into_goes_by_the_keys_of_what_was_moved(place: Place) {
    let (source, other) = (Place::sqlite(), || Keys::parse(&KEY.replace("00", "ff")).unwrap());
    let store = source.open();
    let tried = place.open_with(other()).unwrap();
    assert!(store.check_keys().await.unwrap().is_whole() && tried.check_keys().await.unwrap().is_whole());
    insert(&store, entry("alice")).await;
    copied(&source, &place.location, false, || ()).await.unwrap();
    [store, tried].into_iter().for_each(Store::close);
    let (wrong, moved) = (place.open_with(other()).unwrap(), place.open());
    assert_eq!(wrong.check_keys().await.unwrap().other, [1]);
    assert!(moved.check_keys().await.unwrap().is_whole());
    assert_eq!(moved.take_keys(&other()).await.unwrap().other, [1], "a running service does not take them");
    insert(&moved, entry("bob")).await;
    assert!(moved.check_keys().await.unwrap().is_whole());
    [wrong, moved].into_iter().for_each(Store::close);
}

#[test]
fn a_line_that_is_committed_late_is_copied_although_its_number_is_not_the_highest() {
    let (place, target) = (Place::postgres(), Place::sqlite());
    let (mut late, mut early) = (place.connection(), place.connection());
    crate::store::schema::migrate(&mut *early).unwrap();
    let line = "INSERT INTO trail (at, event, actor, device, user_name, success, reason) VALUES (1, 'e', 'a', 1, 'u', 1, 'r')";
    late.begin(Access::Write).unwrap();
    late.run(line).unwrap();
    early.run(line).unwrap();
    let lines = |keep| copy(&place.location, &target.location, keep, &mut |_, _| ()).unwrap().tables[1].1;
    assert_eq!(lines(true), 1);
    late.commit().unwrap();
    assert_eq!(lines(false), 2);
}

#[test]
fn a_file_that_is_not_there_is_no_store_to_copy() {
    let (source, target) = (Place::sqlite(), Place::sqlite());
    let told = copy(&source.location, &target.location, false, &mut |_, _| ()).unwrap_err();
    assert!(told.contains("there is no such file"), "{told}");
    assert!([&source, &target].iter().all(|place| !place.location.file().unwrap().exists()), "and none is made");
}
