//! The search for an unlabelled token, and its limit.

use keyfob::{Device, Hotp, Policy, Secret, Status};
use keyfob_scim::{EventKind, Filter, FoundTokens, MemoryStore, Naming, Store as _, TokenSearch};

use super::{NOW, Place, entry, event, insert, on_both};
use crate::store::Store;

on_both! {
    token_is_found_on_every_page_as_in_memory
    damaged_devices_are_counted_and_hide_no_other
    limit_holds_for_all_processes_together
}

fn hotp(key: u8) -> Hotp {
    Hotp::new(Secret::new(&[key; 20]).unwrap())
}

fn search(filter: &str, key: u8, counter: u64) -> TokenSearch {
    let filter = if filter.is_empty() { Filter::ALL } else { Filter::parse(filter).unwrap() };
    let codes = [counter, counter + 1].map(|counter| hotp(key).generate(counter));
    TokenSearch::for_two_codes(filter, Policy::default(), [codes[0].as_str(), codes[1].as_str()], NOW).unwrap()
}

async fn find(store: &Store, filter: &str, key: u8, counter: u64) -> FoundTokens {
    store.find("an account", search(filter, key, counter), |_| {}).await.unwrap()
}

async fn token_is_found_on_every_page_as_in_memory(place: Place) {
    let (store, mut memory) = (place.open(), MemoryStore::default());
    for key in 1..=10_u8 {
        let mut one = entry(if key % 2 == 0 { "grace" } else { "" });
        one.device = Device::hotp(hotp(key), 5, NOW);
        one.row.deleted = key == 7;
        if key % 3 == 0 {
            one.device.set_status(Status::Locked, NOW).unwrap();
            one.row.status = one.device.status();
        }
        memory.put(insert(&store, one).await);
    }
    // Of the same token twice, and of no token.
    for key in [3, 3] {
        let mut one = entry("ada");
        one.device = Device::hotp(hotp(key), 5, NOW);
        memory.put(insert(&store, one).await);
    }
    let sms = Device::sms(hotp(1), NOW);
    let mut one = entry("ada");
    (one.row.kind, one.row.phone, one.device) = (sms.kind(), Some("911".to_owned()), sms);
    memory.put(*store.insert(Box::new(one), Naming::Fixed("SMS".into()), event(EventKind::Create, 0), Vec::new()).await.unwrap());
    for (filter, searched) in [
        ("", 11),
        ("user eq 'grace'", 5),
        ("user pr", 7),
        ("not (user pr)", 4),
        ("status eq 'L'", 3),
        ("user eq 'grace' and status eq 'L'", 1),
        ("type eq 'HOTP' or type eq 'SMS'", 11),
    ] {
        for key in 1..=12 {
            for counter in [5, 9] {
                let found = find(&store, filter, key, counter).await;
                assert_eq!(found, memory.find(&search(filter, key, counter)).unwrap(), "{filter} {key}");
                assert_eq!(found.searched, searched, "{filter}");
            }
        }
    }
    let found = find(&store, "", 3, 8).await;
    assert_eq!((found.total, found.tokens[0].drift), (3, 3));
    assert_eq!(find(&store, "", 7, 5).await.total, 0, "it was deleted");
    store.close();
}

async fn damaged_devices_are_counted_and_hide_no_other(place: Place) {
    let store = place.open();
    let mut ids = Vec::new();
    for key in 1..=8 {
        let mut one = entry("ada");
        one.device = Device::hotp(hotp(key), 0, NOW);
        ids.push(insert(&store, one).await.row.id);
    }
    for id in &ids[..5] {
        let sql = format!("UPDATE device SET record = (SELECT record FROM device WHERE id = {}) WHERE id = {id}", ids[7]);
        place.with(|connection| connection.run(&sql).unwrap());
    }
    for key in 6..=8 {
        let found = find(&store, "", key, 0).await;
        assert_eq!((found.total, found.searched, found.unreadable), (1, 3, 5));
        assert_eq!(found.tokens[0].row.id, ids[usize::from(key) - 1]);
    }
    store.close();
}

async fn limit_holds_for_all_processes_together(place: Place) {
    let stores = [place.open(), place.open(), place.open()];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let store = stores[number % 3].clone();
        tasks.spawn(async move { store.admit(10, NOW).await.unwrap() });
    }
    let waits = tasks.join_all().await;
    assert_eq!(waits.iter().filter(|wait| **wait == 0).count(), 30);
    assert!(waits.iter().all(|wait| [0, 10].contains(wait)), "{waits:?}");
    // It is in the store, and outlives the processes.
    stores.into_iter().for_each(Store::close);
    let store = place.open();
    assert_eq!(store.admit(10, NOW + 9).await.unwrap(), 1);
    assert_eq!(store.admit(300, NOW + 10).await.unwrap(), 290);
    assert_eq!(store.admit(10, NOW + 10).await.unwrap(), 0);
    store.close();
}
