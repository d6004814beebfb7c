//! Devices of another system, stored under the numbers that they had there.

use keyfob::Device;
use keyfob_scim::Name;

use super::{NOW, Place, device, entry, insert, keys, on_both};
use crate::store::{Imported, Outcome, Present, Wanted};

on_both! {
    devices_are_stored_once_and_never_over_others
    new_names_and_numbers_go_on_behind_the_imported_ones
    what_is_looked_at_is_not_touched
}

fn imported(id: i64, device: Device, name: Option<Name>) -> Imported {
    let mut entry = keyfob_scim::Entry::restored(id, device, "alice", None, None).unwrap();
    entry.row.name = "HOTP00000035".to_owned();
    Imported { entry, name }
}

async fn devices_are_stored_once_and_never_over_others(place: Place) {
    let store = place.open();
    let all = || vec![imported(60, device(NOW), None), imported(61, device(NOW), Some(Name::Numbered("HOTP")))];
    assert_eq!(store.import(all(), "test", NOW).await.unwrap(), [Outcome::Stored; 2]);
    let stored = store.get(60).await.unwrap().unwrap();
    assert_eq!((stored.row.name.as_str(), stored.row.user.as_str(), stored.version), ("HOTP00000035", "alice", 0));
    assert_eq!(stored.device, device(NOW));
    assert_eq!(store.get(61).await.unwrap().unwrap().row.name, "HOTP00000001");
    // Each with a fresh nonce, so that no row is taken for one that was just written.
    assert_eq!(store.import(all(), "test", NOW).await.unwrap(), [Outcome::There; 2]);
    let mixed = vec![imported(60, device(NOW + 1), None), imported(62, device(NOW), None)];
    assert_eq!(store.import(mixed, "test", NOW).await.unwrap(), [Outcome::Taken, Outcome::Stored]);
    assert_eq!(store.get(60).await.unwrap(), Some(stored));
    let lines = store.trail(&Wanted { limit: 10, ..Wanted::default() }).await.unwrap();
    let told: Vec<_> =
        lines.iter().map(|line| (line.device, line.actor.as_str(), line.event.as_str(), line.reason.as_str())).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.contains(&(61, "test", "credential-change:create", "C")), "{told:?}");
    assert_eq!(store.import(Vec::new(), "test", NOW).await.unwrap(), []);
    store.close();
}

async fn new_names_and_numbers_go_on_behind_the_imported_ones(place: Place) {
    let store = place.open();
    store.begin_behind(35, 60).await.unwrap();
    store.begin_behind(7, 8).await.unwrap();
    let row = insert(&store, entry("alice")).await.row;
    assert!(row.name == "HOTP00000036" && row.id > 60, "{row:?}");
    store.close();
}

async fn what_is_looked_at_is_not_touched(place: Place) {
    let outcomes = |place: &Place| {
        let location = place.location.clone();
        let look = move || Present::open(&location).and_then(|mut present| present.outcomes(&[imported(60, device(NOW), None)]));
        std::thread::spawn(look).join().unwrap()
    };
    assert_eq!(outcomes(&place), Ok(vec![Outcome::Stored]));
    assert!(!place.location.file().is_some_and(std::path::Path::exists), "nothing was made");
    let store = place.open_with(keys()).unwrap();
    assert_eq!(outcomes(&place), Ok(vec![Outcome::Stored]));
    store.import(vec![imported(60, device(NOW), None)], "test", NOW).await.unwrap();
    assert_eq!(outcomes(&place), Ok(vec![Outcome::There]));
    store.close();
    place.with(|connection| connection.run("INSERT INTO keyfob_schema (version) VALUES (1000000000)").map(|_| ())).unwrap();
    assert!(outcomes(&place).unwrap_err().contains("moved to another store by keyfob migrate"));
}
