//! Devices of another system, stored under the ids that they have there.

use keyfob::Device;
use keyfob_scim::{EventKind, Naming};

use super::{NOW, Place, device, entry, event, insert, keys, on_both};
use crate::store::outbox::Drafts;
use crate::store::{Difference, Imported, Outcome, Preview, Store, TrailQuery, writes};

on_both! {
    devices_are_stored_once_and_never_over_others
    new_names_go_on_behind_the_imported_ones
    a_number_that_two_imports_want_goes_to_one_of_them
    a_number_that_a_new_device_and_an_import_want_goes_to_one_of_them
    users_and_names_are_corrected_where_that_is_wanted
    preview_of_an_import_changes_nothing
}

fn imported(id: i64, device: Device, name: Option<Naming>) -> Imported {
    let mut entry = keyfob_scim::Entry::from_import(id, device, "alice", None, None).unwrap();
    entry.row.name = "HOTP00000035".to_owned();
    Imported { entry, name }
}

async fn devices_are_stored_once_and_never_over_others(place: Place) {
    let store = place.open();
    let all = || vec![imported(60, device(NOW), None), imported(61, device(NOW), Some(Naming::Numbered("HOTP")))];
    assert_eq!(store.import(all(), "test", NOW, false).await.unwrap(), [Outcome::Stored, Outcome::Stored]);
    let stored = store.get(60).await.unwrap().unwrap();
    assert_eq!((stored.row.name.as_str(), stored.row.user.as_str(), stored.version), ("HOTP00000035", "alice", 0));
    assert_eq!(stored.device, device(NOW));
    assert_eq!(store.get(61).await.unwrap().unwrap().row.name, "HOTP00000001");
    // Each with a fresh nonce, so that no row looks as if it was just written.
    assert_eq!(store.import(all(), "test", NOW, false).await.unwrap(), [Outcome::Unchanged, Outcome::Unchanged]);
    let mixed = vec![imported(60, device(NOW + 1), None), imported(62, device(NOW), None)];
    assert_eq!(store.import(mixed, "test", NOW, false).await.unwrap(), [Outcome::IdConflict, Outcome::Stored]);
    assert_eq!(store.get(60).await.unwrap(), Some(stored));
    let lines = store.trail(&TrailQuery { limit: 10, ..TrailQuery::default() }).await.unwrap().rows;
    let found: Vec<_> =
        lines.iter().map(|line| (line.device, line.actor.as_str(), line.event.as_str(), line.reason.as_str())).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&(61, "test", "credential-change:create", "C")), "{found:?}");
    assert_eq!(store.import(Vec::new(), "test", NOW, false).await.unwrap(), []);
    store.close();
}

async fn new_names_go_on_behind_the_imported_ones(place: Place) {
    let store = place.open();
    store.name_behind(35).await.unwrap();
    store.name_behind(7).await.unwrap();
    assert_eq!(insert(&store, entry("alice")).await.row.name, "HOTP00000036");
    store.close();
}

/// Two imports of different devices under the same ids, at once.
async fn a_number_that_two_imports_want_goes_to_one_of_them(place: Place) {
    let stores = [place.open(), place.open()];
    let import = |side: u64, id: i64| {
        let store = stores[usize::try_from(side).unwrap()].clone();
        tokio::spawn(async move {
            store.import(vec![imported(id, device(NOW + side), None)], "test", NOW, false).await.unwrap().remove(0)
        })
    };
    let tasks: Vec<_> = (1..=40).map(|id| (id, import(0, id), import(1, id))).collect();
    for (id, one, other) in tasks {
        let winner = match (one.await.unwrap(), other.await.unwrap()) {
            (Outcome::Stored, Outcome::IdConflict) => 0,
            (Outcome::IdConflict, Outcome::Stored) => 1,
            both => panic!("{id}: {both:?}"),
        };
        assert_eq!(stores[0].get(id).await.unwrap().unwrap().row.created, NOW + winner, "{id}");
    }
    let lines = stores[0].trail(&TrailQuery { limit: 100, ..TrailQuery::default() }).await.unwrap().rows;
    assert_eq!(lines.len(), 40, "one line for each device");
    stores.into_iter().for_each(Store::close);
}

/// Services that draw the ids of devices that are imported at the same moment.
async fn a_number_that_a_new_device_and_an_import_want_goes_to_one_of_them(place: Place) {
    let store = place.open();
    for id in 1..=20 {
        let import = store.import(vec![imported(id, device(NOW + 1), None)], "test", NOW, false);
        let mut made = entry("new");
        let create = async {
            tokio::task::block_in_place(|| {
                let mut draws = [id, 1000 + id].into_iter();
                place.with(|connection| {
                    let (name, event) = (Naming::Numbered("HOTP"), event(EventKind::Create, 0));
                    writes::insert(connection, &keys(), || Ok(draws.next().unwrap()), &mut made, &name, &event, &Drafts::default())
                        .unwrap();
                });
            });
        };
        let (outcome, ()) = tokio::join!(import, create);
        let user = store.get(id).await.unwrap().unwrap().row.user;
        match outcome.unwrap().remove(0) {
            Outcome::Stored => assert_eq!((made.row.id, user.as_str()), (1000 + id, "alice")),
            Outcome::IdConflict => assert_eq!((made.row.id, user.as_str()), (id, "new")),
            other => panic!("{id}: it is another device, and not {other:?}"),
        }
        assert_eq!(store.get(made.row.id).await.unwrap(), Some(made));
    }
    store.close();
}

async fn users_and_names_are_corrected_where_that_is_wanted(place: Place) {
    let store = place.open();
    let wrong = || vec![imported(60, device(NOW), None), imported(61, device(NOW), Some(Naming::Numbered("HOTP")))];
    store.import(wrong(), "test", NOW, false).await.unwrap();
    let right = || {
        let mut all = wrong();
        for imported in &mut all {
            imported.entry.row.user = "CORP\\tom".to_owned();
        }
        all[0].entry.row.name = "HOTP00000036".to_owned();
        all
    };
    let both = Difference { user: Some("alice".to_owned()), name: Some("HOTP00000035".to_owned()) };
    // The other has a name of the store's own.
    let one = Difference { name: None, ..both.clone() };
    let differ = [Outcome::Differs(both.clone()), Outcome::Differs(one.clone())];
    assert_eq!(store.import(right(), "test", NOW, false).await.unwrap(), differ);
    let before = store.get(60).await.unwrap().unwrap();
    assert_eq!((before.row.user.as_str(), before.row.name.as_str()), ("alice", "HOTP00000035"));
    let corrected = [Outcome::Corrected(both), Outcome::Corrected(one)];
    assert_eq!(store.import(right(), "test", NOW + 1, true).await.unwrap(), corrected);
    for (id, name) in [(60, "HOTP00000036"), (61, "HOTP00000001")] {
        let after = store.get(id).await.unwrap().unwrap();
        assert_eq!((after.row.user.as_str(), after.row.name.as_str()), ("CORP\\tom", name));
        assert_eq!((after.version, after.row.last_modified, &after.device), (before.version + 1, NOW + 1, &before.device));
    }
    let lines = store.trail(&TrailQuery { limit: 2, ..TrailQuery::default() }).await.unwrap().rows;
    for line in lines {
        assert_eq!((line.event.as_str(), line.user.as_str()), ("credential-change:update", "CORP\\tom"));
    }
    assert_eq!(store.import(right(), "test", NOW + 2, true).await.unwrap(), [Outcome::Unchanged, Outcome::Unchanged]);
    store.close();
}

async fn preview_of_an_import_changes_nothing(place: Place) {
    let outcomes = |place: &Place| {
        let location = place.location.clone();
        let look = move || Preview::open(&location).and_then(|mut preview| preview.outcomes(&[imported(60, device(NOW), None)]));
        std::thread::spawn(look).join().unwrap()
    };
    assert_eq!(outcomes(&place), Ok(vec![Outcome::Stored]));
    assert!(!place.location.file().is_some_and(std::path::Path::exists), "nothing was made");
    let store = place.open_with(keys()).unwrap();
    assert_eq!(outcomes(&place), Ok(vec![Outcome::Stored]));
    store.import(vec![imported(60, device(NOW), None)], "test", NOW, false).await.unwrap();
    assert_eq!(outcomes(&place), Ok(vec![Outcome::Unchanged]));
    store.close();
    place.with(|connection| connection.run("INSERT INTO keyfob_schema (version) VALUES (1000000000)").map(|_| ())).unwrap();
    assert!(outcomes(&place).unwrap_err().contains("moved to another store by keyfob migrate"));
}
