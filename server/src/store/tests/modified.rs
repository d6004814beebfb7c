//! The time of a device's last change: every write sets it, and a filter finds it.

use keyfob_scim::{Attribute, Event, EventKind, Filter, PageStart, Query, Scope, Sort, Swap};

use super::{NOW, Place, device, entry, event, insert, keys, on_both, swap};
use crate::database::{Connection, Sql};
use crate::store::keys::Sealer;
use crate::store::schema;
use crate::store::{Imported, Store};

on_both! {
    the_time_of_a_change_is_stored_whatever_changed
    devices_of_an_older_store_have_the_latest_time_that_is_known_until_they_change
    imported_device_has_changed_when_it_was_imported
}

/// The devices that changed at this time or later.
async fn since(store: &Store, at: u64) -> Vec<i64> {
    let filter = Filter::parse(&format!("meta.lastModified ge \"{}\"", keyfob_scim::date::format_iso(at))).unwrap();
    let sort = Sort { by: Attribute::LastModified, descending: false };
    let query = Query { filter, excludes_deleted: false, sort, then_by: Vec::new(), start: PageStart::Offset(0), limit: 10 };
    store.list("a test", &query).await.unwrap().page.rows.into_iter().map(|row| row.id).collect()
}

async fn the_time_of_a_change_is_stored_whatever_changed(place: Place) {
    let store = place.open();
    let first = insert(&store, entry("a")).await;
    assert_eq!((first.row.last_modified, since(&store, NOW).await), (NOW, vec![first.row.id]));
    for (at, scope) in [Scope::Record, Scope::State, Scope::Whole].into_iter().enumerate() {
        let mut next = store.get(first.row.id).await.unwrap().unwrap();
        let later = NOW + 1 + u64::try_from(at).unwrap();
        next.row.last_modified = later;
        let change =
            Swap { entry: next, scope, claims_serial: false, event: event(EventKind::Update, first.row.id), signals: Vec::new() };
        assert!(swap(&store, Box::new(change)).await);
        let found = store.get(first.row.id).await.unwrap().unwrap();
        assert_eq!((found.row.last_modified, found.row.created), (later, NOW), "{scope:?}");
        assert_eq!((since(&store, later).await, since(&store, later + 1).await), (vec![first.row.id], vec![]), "{scope:?}");
    }
    store.close();
}

/// Makes a store of a version without this time, with a used and an unused device.
fn older(connection: &mut dyn Connection) {
    schema::migrate_to(connection, 2).unwrap();
    for (id, last_used) in [(1_i64, "NULL"), (2, "1700000050")] {
        let mut sql = Sql::new(
            "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record, last_used) VALUES (",
        );
        sql.bind(id).push(", 0, 'old', 'old', 0, 'HOTP', 'C', 0, ").bind(i64::try_from(NOW).unwrap()).push(", ");
        sql.bind(Sealer::unchecked(&keys()).seal(&device(NOW), id).unwrap()).push(", ").push(last_used).push(")");
        connection.rows(&sql).unwrap();
    }
}

async fn devices_of_an_older_store_have_the_latest_time_that_is_known_until_they_change(place: Place) {
    place.with(older);
    let store = place.open();
    for (id, known) in [(1, NOW), (2, 1_700_000_050)] {
        assert_eq!(store.get(id).await.unwrap().unwrap().row.last_modified, known);
    }
    assert_eq!((since(&store, NOW).await, since(&store, NOW + 1).await), (vec![1, 2], vec![2]));
    let mut next = store.get(1).await.unwrap().unwrap();
    next.row.last_modified = NOW + 100;
    let wrong =
        Swap { entry: next, scope: Scope::Record, claims_serial: false, event: event(EventKind::Verify, 1), signals: Vec::new() };
    assert!(swap(&store, Box::new(wrong)).await);
    assert_eq!((since(&store, NOW).await, since(&store, NOW + 100).await), (vec![2, 1], vec![1]));
    store.close();
}

async fn imported_device_has_changed_when_it_was_imported(place: Place) {
    let store = place.open();
    let mut old = entry("old");
    (old.row.id, old.row.name) = (7, "HOTP00000001".to_owned());
    let Event { at, .. } = event(EventKind::Create, 7);
    store.import(vec![Imported { entry: old, name: None }], "tester", at + 500, false).await.unwrap();
    assert_eq!((since(&store, NOW + 500).await, store.get(7).await.unwrap().unwrap().row.created), (vec![7], NOW));
    store.close();
}
