//! Damaged rows and pages: the damage of one device does not affect others.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use keyfob_scim::{Attribute, EventKind, Filter, PageStart, Query, Roles, Sort, Step};

use super::{NOW, Place, device, entry, event, insert, keys, on_both, swap, wrong_answer};
use crate::store::reads::find;
use crate::store::{Account, Imported, Outcome, Preview, Store, TrailQuery, copy};

on_both! {
    a_damaged_column_is_that_devices_fault_only
    a_damaged_device_is_not_sealed_anew_and_its_number_is_taken
}

/// Changes that make a row unreadable, with the error that they cause.
const DAMAGE: [(&str, &str); 5] = [
    ("kind = 'XXX'", "column kind holds no kind of device"),
    ("status = 'Q'", "column status holds no status"),
    ("fails = -1", "column fails holds no count"),
    ("created = -1", "column created holds a time before 1970"),
    ("last_used = -5", "column last_used holds a time before 1970"),
];
/// The same changes, for SQLite only.
const SQLITE_DAMAGE: [(&str, &str); 6] = [
    ("user_name = CAST(x'61ff' AS TEXT)", "column user_name holds text that is not UTF-8"),
    ("email = CAST(x'ff' AS TEXT)", "column email holds text that is not UTF-8"),
    ("fails = 1.5", "column fails holds a fraction"),
    ("created = 'long ago'", "column created holds a value of another type"),
    ("version = 'x'", "column version holds a value of another type"),
    ("record = 'x'", "column record holds a value of another type"),
];

fn damage(place: &Place) -> Vec<(&'static str, &'static str)> {
    let of_sqlite: &[_] = if place.location.file().is_some() { &SQLITE_DAMAGE } else { &[] };
    [&DAMAGE, of_sqlite].concat()
}

fn spoil(place: &Place, id: i64, column: &str) {
    place.with(|connection| connection.run(&format!("UPDATE device SET {column} WHERE id = {id}")).unwrap());
}

async fn lists(store: &Store) -> (u64, Vec<i64>, usize) {
    let query = |limit| {
        let sort = Sort { by: Attribute::Id, descending: false };
        Query { filter: Filter::ALL, excludes_deleted: false, sort, then_by: Vec::new(), start: PageStart::Offset(0), limit }
    };
    let found = store.list("a", &query(100)).await.unwrap();
    // A full page, after which the devices are counted.
    assert_eq!(store.list("a", &query(1)).await.unwrap().page.total, found.page.total);
    (found.page.total.unwrap(), found.page.rows.iter().map(|row| row.id).collect(), found.unreadable)
}

async fn a_damaged_column_is_that_devices_fault_only(place: Place) {
    for (column, reason) in damage(&place) {
        let store = place.open();
        let before = lists(&store).await;
        let (bad, good) = (insert(&store, entry("alice")).await, insert(&store, entry("bob")).await);
        spoil(&place, bad.row.id, column);
        let error = store.get(bad.row.id).await.unwrap_err();
        assert!(error.status == 500 && error.detail.contains(&format!("device {}", bad.row.id)), "{column}: {error}");
        assert!(error.detail.contains(reason), "{column}: {error}");
        // In one statement.
        let found = place.with(|connection| find(connection, &keys(), [bad.row.id, good.row.id].into_iter()).unwrap());
        assert_eq!(found.get(&good.row.id), Some(&Ok(good.clone())), "{column}");
        assert!(found[&bad.row.id].is_err(), "{column}");
        let step = Step::Get { id: bad.row.id, to_swap: true, then: Box::new(|_| panic!("there is nothing to go on with")) };
        assert_eq!(store.change(step).await.map(|_| ()).map_err(|error| error.status), Err(500), "{column}");
        assert!(swap(&store, wrong_answer(&good)).await, "{column}");
        let (total, ids, unreadable) = lists(&store).await;
        let is_of_row = !["version", "record"].iter().any(|hidden| column.starts_with(hidden));
        assert_eq!((total, unreadable), (before.0 + 2, before.2 + usize::from(is_of_row)), "{column}");
        assert!(ids.contains(&good.row.id) && ids.contains(&bad.row.id) != is_of_row, "{column}: {ids:?}");
        place.with(|connection| connection.run(&format!("DELETE FROM device WHERE id = {}", bad.row.id)).unwrap());
        store.close();
    }
}

async fn a_damaged_device_is_not_sealed_anew_and_its_number_is_taken(place: Place) {
    let imported = |id, created| {
        let mut entry = keyfob_scim::Entry::from_import(id, device(created), "alice", None, None).unwrap();
        entry.row.name = "HOTP00000035".to_owned();
        Imported { entry, name: None }
    };
    let store = place.open();
    store.import(vec![imported(60, NOW), imported(61, NOW)], "test", NOW, false).await.unwrap();
    let columns: &[_] = if place.location.file().is_some() { &["record = 'x'", "created = 'x'"] } else { &["kind = 'XXX'"] };
    for column in columns {
        spoil(&place, 60, column);
    }
    let again = vec![imported(60, NOW), imported(61, NOW), imported(62, NOW)];
    let outcomes = std::thread::scope(|scope| {
        scope.spawn(|| Preview::open(&place.location).unwrap().outcomes(&again).unwrap()).join().unwrap()
    });
    assert_eq!(outcomes, [Outcome::IdConflict, Outcome::Unchanged, Outcome::Stored]);
    assert_eq!(store.import(again, "test", NOW, false).await.unwrap(), [Outcome::IdConflict, Outcome::Unchanged, Outcome::Stored]);
    let other = place.open_with(crate::store::Keys::parse(&format!("2 {}\n{}", "ab".repeat(32), super::KEY)).unwrap()).unwrap();
    assert!(other.check_keys().await.unwrap().is_whole(), "the first of the records is damaged, the next one tells");
    let resealed = other.reseal(std::time::Duration::ZERO, |_| ()).await.unwrap();
    let is_record = columns.contains(&"record = 'x'");
    assert_eq!((resealed.done, resealed.unreadable), if is_record { (2, vec![60]) } else { (3, Vec::new()) });
    [other, store].into_iter().for_each(Store::close);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_account_or_line_of_the_trail_hides_no_other() {
    let place = Place::sqlite();
    let store = place.open();
    let account =
        |name: &str| Account { name: name.into(), roles: Roles::ALL, password: Some("hash".into()), token: Some(name.into()) };
    for name in ["one", "two"] {
        store.put_account(&account(name)).await.unwrap();
    }
    insert(&store, entry("alice")).await;
    insert(&store, entry("bob")).await;
    place.with(|connection| {
        connection.run("UPDATE account SET password = CAST(x'ff' AS TEXT) WHERE name = 'one'").unwrap();
        connection.run("UPDATE trail SET actor = CAST(x'ff' AS TEXT) WHERE id = 1").unwrap();
    });
    let accounts = store.accounts().await.unwrap();
    assert_eq!(accounts.rows, [account("two")]);
    assert_eq!(accounts.damaged, ["account \"one\" cannot be read: column password holds text that is not UTF-8"]);
    assert_eq!(store.account("one").await.unwrap_err().status, 500);
    assert_eq!(store.account_of_token("two").await, Ok(Some(account("two"))));
    let trail = store.trail(&TrailQuery { limit: 10, ..TrailQuery::default() }).await.unwrap();
    assert_eq!((trail.rows.len(), trail.rows[0].id), (1, 2));
    assert_eq!(trail.damaged, ["line 1 of the trail cannot be read: column actor holds text that is not UTF-8"]);
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_is_named_where_a_store_cannot_be_copied() {
    for (column, reason) in
        [("email = CAST(x'ff' AS TEXT)", "column email holds text"), ("fails = 'x'", "column fails holds a value")]
    {
        let (place, target) = (Place::sqlite(), Place::sqlite());
        let store = place.open();
        insert(&store, entry("alice")).await;
        let bad = insert(&store, entry("bob")).await;
        spoil(&place, bad.row.id, column);
        let (from, to) = (place.location.clone(), target.location.clone());
        let error = tokio::task::spawn_blocking(move || copy(&from, &to, false, &mut |_, _| ())).await.unwrap().unwrap_err();
        assert!(
            error.contains(&format!("table device, row {}: {reason}", bad.row.id)) && error.contains("mend or delete"),
            "{error}"
        );
        assert_eq!(store.ready().await, Ok(()), "the source goes on");
        store.close();
    }
}

/// A page of the file holds some devices; a disk may lose it.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_is_the_fault_of_its_devices_only() {
    let place = Place::sqlite();
    let store = place.open();
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(insert(&store, entry("alice")).await.row.id);
    }
    // In the order in which the file has them.
    ids.sort_unstable();
    let middle = ids[30];
    store.close();
    let record = place.with(|connection| {
        // Without the remains of earlier pages in the file.
        connection.run("VACUUM").unwrap();
        connection.run(&format!("SELECT record FROM device WHERE id = {middle}")).unwrap()[0].bytes(0).unwrap()
    });
    let path = place.location.file().unwrap();
    let (mut bytes, mut file) = (Vec::new(), std::fs::File::options().read(true).write(true).open(path).unwrap());
    file.read_to_end(&mut bytes).unwrap();
    let at = bytes.windows(record.len()).position(|window| window == record).expect("it is in the file");
    file.seek(SeekFrom::Start((at / 4096 * 4096) as u64)).unwrap();
    file.write_all(&[0xff; 64]).unwrap();
    drop(file);
    let store = place.open();
    let found = place.with(|connection| find(connection, &keys(), ids.iter().copied()).unwrap());
    let bad = found.values().filter(|entry| entry.is_err()).count();
    assert!(found.len() == 60 && (1..20).contains(&bad), "{bad} of {}", found.len());
    let error = found[&middle].as_ref().unwrap_err();
    assert!(error.status == 500 && error.detail.contains(&format!("device {middle} cannot be read")), "{error}");
    assert_eq!(store.get(middle).await.unwrap_err().status, 500);
    assert!(store.get(ids[0]).await.unwrap().is_some() && store.get(ids[59]).await.unwrap().is_some());
    let line = event(EventKind::Verify, ids[0]);
    let then = Box::new(|()| Step::Done(keyfob_scim::Response::empty(200)));
    assert!(store.change(Step::Audit { event: line, then }).await.is_ok());
    store.close();
}
