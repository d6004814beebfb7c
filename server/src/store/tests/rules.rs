//! Rules that hold for every store.

use keyfob::Status;
use keyfob_scim::{EventKind, Roles, Scope, Swap};

use super::lossy::{Fate, Lossy};
use super::{KEY, Place, entry, event, insert, keys, on_both, swap, wrong_answer};
use crate::database::Sql;
use crate::store::rooms::Rooms;
use crate::store::{Account, Keys, Store, TrailQuery};

on_both! {
    record_is_read_after_a_restart_with_the_same_key_only
    only_one_of_many_swaps_from_one_version_is_stored_and_trailed
    no_fail_is_lost_when_all_try_until_they_are_stored
    a_whole_swap_changes_every_column_and_not_the_identity
    accounts_are_made_replaced_found_and_removed
    an_account_is_reported_as_made_although_its_commit_was_unheard
    several_may_make_a_store_at_once_and_a_newer_one_is_refused
    many_new_devices_at_once_have_numbers_and_names_of_their_own
    a_damaged_record_is_that_devices_fault_only
}

async fn record_is_read_after_a_restart_with_the_same_key_only(place: Place) {
    let store = place.open();
    let mut given = entry("alice");
    (given.row.email, given.row.external_id) = (Some("a@example.com".into()), Some("x-1".into()));
    let stored = insert(&store, given).await;
    let id = stored.row.id;
    assert_eq!(stored.row.name.as_str(), "HOTP00000001");
    assert_eq!(store.get(id).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.get(id + 1).await.unwrap(), None);
    store.close();

    let store = place.open();
    assert_eq!(store.get(id).await.unwrap(), Some(stored));
    assert_eq!(insert(&store, entry("bob")).await.row.name, "HOTP00000002");
    store.close();

    let store = place.open_with(Keys::parse(&KEY.replace("00", "ff")).unwrap()).unwrap();
    assert_eq!(store.get(id).await.map_err(|error| error.status), Err(500));
    store.close();
}

async fn only_one_of_many_swaps_from_one_version_is_stored_and_trailed(place: Place) {
    // Two handles on one store, as in two processes.
    let stores = [place.open(), place.open()];
    let read = insert(&stores[0], entry("alice")).await;
    let id = read.row.id;
    let swaps = (0..200).map(|at| {
        let (store, next) = (stores[at % 2].clone(), wrong_answer(&read));
        tokio::spawn(async move { swap(&store, next).await })
    });
    let mut won = 0;
    for swap in swaps.collect::<Vec<_>>() {
        won += u32::from(swap.await.unwrap());
    }
    assert_eq!(won, 1);
    let now = stores[1].get(id).await.unwrap().unwrap();
    assert_eq!((now.version, now.row.fails, now.device.fails()), (1, 1, 1));
    let wanted = TrailQuery { device: Some(id), limit: 1000, ..TrailQuery::default() };
    let lines = stores[0].trail(&wanted).await.unwrap().rows;
    assert_eq!(lines.iter().filter(|line| line.event == "otp-verify").count(), 1);
    stores.into_iter().for_each(Store::close);
}

async fn no_fail_is_lost_when_all_try_until_they_are_stored(place: Place) {
    let stores = [place.open(), place.open()];
    let id = insert(&stores[0], entry("alice")).await.row.id;
    // A hard lock at ten, so that none of ten finds it locked.
    let tasks = (0..10).map(|at| {
        let store = stores[at % 2].clone();
        tokio::spawn(async move {
            loop {
                let read = store.get(id).await.unwrap().unwrap();
                if swap(&store, wrong_answer(&read)).await {
                    return;
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let now = stores[0].get(id).await.unwrap().unwrap();
    assert_eq!((now.version, now.row.fails, now.row.status), (10, 10, Status::Locked));
    stores.into_iter().for_each(Store::close);
}

async fn a_whole_swap_changes_every_column_and_not_the_identity(place: Place) {
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    let id = read.row.id;
    let mut next = read.clone();
    next.row.name = "renamed".into();
    next.row.email = Some("b@example.com".into());
    next.row.phone = Some("555".into());
    next.row.external_id = Some("y".into());
    next.row.deleted = true;
    let update = Swap {
        entry: next.clone(),
        scope: Scope::Whole,
        claims_serial: false,
        event: event(EventKind::Update, id),
        signals: Vec::new(),
    };
    assert!(swap(&store, Box::new(update)).await);
    next.version = 1;
    assert_eq!(store.get(id).await.unwrap(), Some(next.clone()));
    next.version = 0;
    let late =
        Swap { entry: next, scope: Scope::Whole, claims_serial: false, event: event(EventKind::Update, id), signals: Vec::new() };
    assert!(!swap(&store, Box::new(late)).await, "the version is another by now");
    let lines = store.trail(&TrailQuery { device: Some(id), limit: 10, ..TrailQuery::default() }).await.unwrap().rows;
    let events: Vec<_> = lines.iter().map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["credential-change:update", "credential-change:create"]);
    store.close();
}

async fn accounts_are_made_replaced_found_and_removed(place: Place) {
    let store = place.open();
    let mut account =
        Account { name: "sync".into(), roles: Roles::QUERY.union(Roles::VERIFY), password: None, token: Some("ab".into()) };
    store.put_account(&account).await.unwrap();
    assert_eq!(store.account_of_token("ab").await.unwrap(), Some(account.clone()));
    assert_eq!(store.account_of_token("AB").await.unwrap(), None);
    (account.token, account.password, account.roles) = (None, Some("hash".into()), Roles::ALL);
    store.put_account(&account).await.unwrap();
    assert_eq!(store.account("sync").await.unwrap(), Some(account.clone()));
    assert_eq!(store.account_of_token("ab").await.unwrap(), None);
    assert_eq!(store.accounts().await.unwrap().rows, [account]);
    assert!(store.remove_account("sync").await.unwrap());
    assert!(!store.remove_account("sync").await.unwrap());
    store.close();
}

async fn an_account_is_reported_as_made_although_its_commit_was_unheard(place: Place) {
    use Fate::{Undone, Unheard, Well};
    place.open().close();
    for (name, fates) in [("one", vec![Well, Well, Well, Unheard]), ("two", vec![Well, Well, Well, Undone]), ("three", vec![])] {
        // Its connections block.
        let connections = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let mut connections = place.location.connections().unwrap();
                    connections.changes = vec![Box::new(Lossy { inner: place.connection(), fates })];
                    connections
                })
                .join()
                .unwrap()
        });
        let store = Store::start(connections, keys(), Rooms::default()).unwrap();
        let account = |hash: &str| Account { name: name.into(), roles: Roles::ALL, password: Some(hash.into()), token: None };
        assert!(store.add_account(&account("hash")).await.unwrap(), "{name}");
        assert!(!store.add_account(&account("another")).await.unwrap(), "{name}");
        assert_eq!(store.account(name).await.unwrap(), Some(account("hash")));
        store.close();
    }
}

async fn several_may_make_a_store_at_once_and_a_newer_one_is_refused(place: Place) {
    let runtime = tokio::runtime::Handle::current();
    let open = || {
        let _within = runtime.enter();
        place.open()
    };
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    opened.into_iter().for_each(Store::close);
    place.with(|connection| connection.run("INSERT INTO keyfob_schema (version) VALUES (1000)").unwrap());
    let refused = place.open_with(keys());
    assert!(refused.is_err_and(|error| error.contains("newer keyfob")));
}

async fn many_new_devices_at_once_have_numbers_and_names_of_their_own(place: Place) {
    let stores = [place.open(), place.open()];
    let tasks: Vec<_> = (0..40)
        .map(|at| {
            let store = stores[at % 2].clone();
            tokio::spawn(async move { insert(&store, entry("alice")).await })
        })
        .collect();
    let (mut ids, mut names) = (std::collections::HashSet::new(), std::collections::HashSet::new());
    for task in tasks {
        let made = task.await.unwrap();
        // JSON numbers are exact up to 2^53.
        assert!((1 << 32..1 << 52).contains(&made.row.id), "{}", made.row.id);
        assert!(ids.insert(made.row.id) && names.insert(made.row.name));
    }
    assert!(names.contains("HOTP00000001") && names.contains("HOTP00000040"));
    stores.into_iter().for_each(Store::close);
}

async fn a_damaged_record_is_that_devices_fault_only(place: Place) {
    let store = place.open();
    let (one, other) = (insert(&store, entry("alice")).await, insert(&store, entry("bob")).await);
    // A record belongs to its device. That of another device does not open.
    let mut sql = Sql::new("UPDATE device SET record = (SELECT record FROM device WHERE id = ");
    sql.bind(other.row.id).push(") WHERE id = ").bind(one.row.id);
    place.with(|connection| connection.rows(&sql).unwrap());
    assert_eq!(store.get(one.row.id).await.map_err(|error| error.status), Err(500));
    assert_eq!(store.get(other.row.id).await.unwrap(), Some(other));
    store.close();
}
