//! Keys that change while a store is in use: the loss of a key that seals something is noticed.

use std::time::Duration;

use keyfob::SealCipher;

use super::{KEY, NOW, Place, device, entry, insert, keys, on_both};
use crate::database::Sql;
use crate::store::keys::Sealer;
use crate::store::{KeyFile, Keys, Store, schema};

on_both! {
    the_keys_that_a_store_needs_are_those_that_something_was_sealed_under
    a_key_that_something_was_sealed_under_stays_although_other_keys_are_taken
    a_key_that_nothing_is_sealed_under_is_free_and_one_in_use_is_not
    a_rotation_ends_although_another_process_seals_under_the_old_key_all_the_time
    a_key_that_is_lost_can_be_given_up
    a_store_from_before_has_the_keys_that_its_records_show
    a_store_from_before_without_devices_has_the_key_it_was_begun_with
    store_begun_by_several_with_different_keys_lets_one_in
}

/// The second key of a store.
const SECOND: &str = "2 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n";

/// Keys from the lines of several.
fn all(lines: &[&str]) -> Keys {
    Keys::parse(&lines.concat()).unwrap()
}

#[test]
fn first_key_of_a_service_seals_with_xaes_256_gcm() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, is_new) = KeyFile::new(&folder.path().join("key")).read_or_make().unwrap();
    assert!(is_new);
    assert_eq!(keys.cipher(1), Some(SealCipher::XAes256Gcm));
}

/// The keys that a store needs and these lack.
async fn missing(place: &Place, keys: Keys) -> Vec<u32> {
    let store = place.open_with(keys).unwrap();
    let check = store.check_keys().await.unwrap();
    assert_eq!(store.ready().await.is_ok(), check.is_whole());
    store.close();
    check.missing
}

async fn the_keys_that_a_store_needs_are_those_that_something_was_sealed_under(place: Place) {
    let store = place.open();
    assert_eq!(store.check_keys().await.unwrap().opened, [1]);
    // The new key is the first, and nothing is sealed under it yet, so the old keys suffice.
    assert!(store.take_keys(&all(&[SECOND, KEY])).await.unwrap().is_whole());
    assert!(missing(&place, keys()).await.is_empty());
    insert(&store, entry("alice")).await;
    assert_eq!(missing(&place, keys()).await, [2]);
    assert_eq!(missing(&place, all(&[SECOND])).await, [1]);
    assert!(missing(&place, all(&[SECOND, KEY])).await.is_empty());
    let lack = store.take_keys(&keys()).await.unwrap().to_string();
    assert_eq!(lack, "lacks key 2, which records of the store may be sealed under");
    store.close();
}

async fn a_key_that_something_was_sealed_under_stays_although_other_keys_are_taken(place: Place) {
    place.open().check_keys().await.unwrap();
    let store = place.open_with(all(&[SECOND, KEY])).unwrap();
    let one = insert(&store, entry("alice")).await;
    assert_eq!(store.take_keys(&keys()).await.unwrap().missing, [2]);
    assert_eq!(store.keys().ids(), [1, 2], "what is written from now on can be read with the new file");
    let other = insert(&store, entry("bob")).await;
    assert_eq!(store.get(one.row.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.get(other.row.id).await.unwrap(), Some(other.clone()));
    let alone = place.open();
    assert_eq!(alone.get(one.row.id).await.map_err(|error| error.status), Err(500));
    assert_eq!(alone.get(other.row.id).await.unwrap(), Some(other));
    // Keys of another store are refused, whatever their numbers are.
    for line in [KEY.replace("00", "ff"), SECOND.replace("20", "ff"), KEY.replace("1 00", "3 ff")] {
        assert!(!store.take_keys(&all(&[&line])).await.unwrap().is_of_store());
        assert_eq!(store.keys().ids(), [1, 2]);
    }
    // A process that never sealed under it keeps it too.
    let reader = place.open_with(all(&[SECOND, KEY])).unwrap();
    assert_eq!(reader.take_keys(&keys()).await.unwrap().missing, [2]);
    assert_eq!(reader.get(one.row.id).await.unwrap(), Some(one));
    [reader, alone, store].into_iter().for_each(Store::close);
}

async fn a_key_that_nothing_is_sealed_under_is_free_and_one_in_use_is_not(place: Place) {
    let (old, new) = (place.open_with(all(&[KEY, SECOND])).unwrap(), place.open_with(all(&[SECOND, KEY])).unwrap());
    let one = insert(&old, entry("alice")).await;
    // The old process goes on sealing under the old key until it takes the new ones.
    let writer = old.clone();
    let busy = tokio::spawn(async move {
        loop {
            insert(&writer, entry("bob")).await;
        }
    });
    let wait = Duration::from_millis(1500);
    let resealed = new.reseal(wait, |_| ()).await.unwrap();
    assert_eq!((resealed.key, resealed.unreadable, resealed.in_use), (2, Vec::new(), vec![1]));
    assert_eq!(missing(&place, all(&[SECOND])).await, [1], "it is needed still");
    old.take_keys(&all(&[SECOND, KEY])).await.unwrap();
    let resealed = new.reseal(wait, |_| ()).await.unwrap();
    busy.abort();
    assert_eq!((resealed.unreadable, resealed.in_use), (Vec::new(), Vec::new()));
    assert!(missing(&place, all(&[SECOND])).await.is_empty());
    let alone = place.open_with(all(&[SECOND])).unwrap();
    assert!(alone.reseal(wait, |_| ()).await.unwrap().unreadable.is_empty());
    assert_eq!(alone.get(one.row.id).await.unwrap().unwrap().device, one.device);
    let _ = busy.await;
    [alone, old, new].into_iter().for_each(Store::close);
}

async fn a_rotation_ends_although_another_process_seals_under_the_old_key_all_the_time(place: Place) {
    let (old, new) = (place.open_with(all(&[KEY, SECOND])).unwrap(), place.open_with(all(&[SECOND, KEY])).unwrap());
    insert(&old, entry("alice")).await;
    let runtime = tokio::runtime::Handle::current();
    // With each page of each round, one more record is sealed under the old key.
    let seal_another = |_| {
        tokio::task::block_in_place(|| runtime.block_on(insert(&old, entry("bob"))));
    };
    let resealed = new.reseal(Duration::ZERO, seal_another).await.unwrap();
    assert_eq!((resealed.unreadable, resealed.in_use), (Vec::new(), vec![1]));
    assert_eq!(missing(&place, all(&[SECOND])).await, [1], "it is needed still");
    old.take_keys(&all(&[SECOND, KEY])).await.unwrap();
    assert!(new.reseal(Duration::ZERO, |_| ()).await.unwrap().in_use.is_empty());
    assert!(missing(&place, all(&[SECOND])).await.is_empty());
    [old, new].into_iter().for_each(Store::close);
}

async fn a_key_that_is_lost_can_be_given_up(place: Place) {
    place.open().check_keys().await.unwrap();
    let store = place.open_with(all(&[SECOND, KEY])).unwrap();
    let lost = insert(&store, entry("alice")).await.row.id;
    store.take_keys(&keys()).await.unwrap();
    let kept = insert(&store, entry("bob")).await.row.id;
    store.close();
    let store = place.open();
    assert_eq!(store.check_keys().await.unwrap().missing, [2]);
    let resealed = store.reseal(Duration::ZERO, |_| ()).await.unwrap();
    assert_eq!((resealed.unreadable, resealed.left, resealed.in_use), (vec![lost], [(2, 1)].into(), Vec::new()));
    assert_eq!(store.check_keys().await.unwrap().missing, [2], "something is sealed under it");
    assert!(store.give_up_key(2).await.unwrap() && !store.give_up_key(2).await.unwrap());
    store.close();
    assert!(missing(&place, keys()).await.is_empty());
    let store = place.open();
    assert_eq!(store.get(lost).await.map_err(|error| error.status), Err(500));
    assert!(store.get(kept).await.unwrap().is_some());
    store.close();
}

/// Makes a store of the version with one key check value for all keys, with a device under each of
/// these keys.
fn from_before(place: &Place, begun_with: &Keys, devices: &[&Keys]) {
    place.with(|connection| {
        schema::migrate_before_key_check(connection);
        let placeholder = Sealer::unchecked(begun_with).seal(&device(0), 0).unwrap();
        let mut sql = Sql::new("INSERT INTO witness (id, record) VALUES (0, ");
        sql.bind(placeholder).push(")");
        connection.change(&sql).unwrap();
        for (id, keys) in (1..).zip(devices) {
            let record = Sealer::unchecked(keys).seal(&device(NOW), id).unwrap();
            let mut sql = Sql::new(
                "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record) VALUES (",
            );
            sql.bind(id).push(", 0, 'n', 'u', 0, 'HOTP', 'C', 0, 0, ").bind(record).push(")");
            connection.change(&sql).unwrap();
        }
    });
}

async fn a_store_from_before_has_the_keys_that_its_records_show(place: Place) {
    // A rotation was interrupted: the value was not resealed yet.
    let (one, two, both) = (keys(), all(&[SECOND]), || all(&[SECOND, KEY]));
    from_before(&place, &one, &[&one, &two, &one, &one]);
    let wrong = place.open_with(Keys::parse(&KEY.replace("00", "ff")).unwrap()).unwrap();
    assert!(!wrong.check_keys().await.unwrap().is_of_store());
    wrong.close();
    let store = place.open_with(both()).unwrap();
    assert_eq!(store.check_keys().await.unwrap().opened, [1, 2]);
    for id in 1..=4 {
        assert_eq!(store.get(id).await.unwrap().unwrap().device, device(NOW));
    }
    store.close();
    assert_eq!(missing(&place, one).await, [2]);
    assert_eq!(missing(&place, two).await, [1]);
}

async fn a_store_from_before_without_devices_has_the_key_it_was_begun_with(place: Place) {
    from_before(&place, &keys(), &[]);
    let other = place.open_with(all(&[SECOND])).unwrap();
    assert_eq!(other.check_keys().await.unwrap().missing, [1]);
    let store = place.open();
    assert_eq!(store.check_keys().await.unwrap().opened, [1]);
    [other, store].into_iter().for_each(Store::close);
}

async fn store_begun_by_several_with_different_keys_lets_one_in(place: Place) {
    place.open().close();
    let stores: Vec<Store> = (1..=6)
        .map(|id| place.open_with(all(&[&KEY.replacen('1', &id.to_string(), 1).replace("0f", &format!("{id:02}"))])).unwrap())
        .collect();
    let tasks: Vec<_> =
        stores.iter().cloned().map(|store| tokio::spawn(async move { store.check_keys().await.unwrap() })).collect();
    let mut let_in = 0;
    for task in tasks {
        let_in += u32::from(task.await.unwrap().is_whole());
    }
    assert_eq!(let_in, 1);
    stores.into_iter().for_each(Store::close);
}

#[test]
fn a_damaged_key_check_value_does_not_lock_a_store_out() {
    let place = Place::sqlite();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = place.open();
        insert(&store, entry("alice")).await;
        store
    });
    let damage = "UPDATE key_check SET value = CAST(substr(value, 1, 60) || x'ff' || substr(value, 62) AS BLOB)";
    place.connection().run(damage).unwrap();
    let check = runtime.block_on(store.check_keys()).unwrap();
    assert_eq!((check.opened.as_slice(), check.is_whole()), ([1].as_slice(), true));
    store.close();
}
