//! Walks through whole devices, and the lines of an export.

use keyfob::{Device, Hotp, Secret};
use keyfob_scim::{Attribute, Entry, EventKind, Filter, Naming, Op};

use super::{NOW, Place, entry, event, insert, on_both};
use crate::store::{EntryQuery, NewToken, Store, TrailQuery};

on_both! {
    walk_reaches_each_device_of_the_filter_once_and_no_deleted_one
    walk_passes_over_no_device_whose_id_follows_another
    damaged_device_is_named_and_the_walk_goes_on
    lines_of_an_export_are_written_once_each
}

/// All pages of a walk: the entries, the sentences, and how many pages there were.
async fn walk(store: &Store, filter: Filter) -> (Vec<Entry>, Vec<String>, usize) {
    let (mut entries, mut unreadable, mut pages) = (Vec::new(), Vec::new(), 0);
    let mut next = Some(EntryQuery::new(filter));
    while let Some(query) = next {
        let page = store.entries(query).await.unwrap();
        (entries, unreadable) = ([entries, page.entries].concat(), [unreadable, page.unreadable].concat());
        (next, pages) = (page.next, pages + 1);
    }
    (entries, unreadable, pages)
}

async fn walk_reaches_each_device_of_the_filter_once_and_no_deleted_one(place: Place) {
    let store = place.open();
    assert_eq!(walk(&store, Filter::ALL).await, (Vec::new(), Vec::new(), 1));
    let mut all = Vec::new();
    for number in 0..7 {
        all.push(insert(&store, entry(if number % 2 == 0 { "alice" } else { "" })).await);
    }
    all.sort_by_key(|entry| entry.row.id);
    // Three devices a page: two full pages, and one more.
    assert_eq!(walk(&store, Filter::ALL).await, (all.clone(), Vec::new(), 3));
    let of_alice = Filter::Text(Attribute::User, Op::Eq, "alice".to_owned());
    let wanted: Vec<_> = all.iter().filter(|entry| entry.row.has_user()).cloned().collect();
    assert_eq!(walk(&store, of_alice.clone()).await, (wanted.clone(), Vec::new(), 2));
    let one = Filter::Number(Attribute::Id, Op::Eq, wanted[0].row.id);
    assert_eq!(walk(&store, one).await, (vec![wanted[0].clone()], Vec::new(), 1));

    let id = wanted[1].row.id;
    place.with(|connection| connection.run(&format!("UPDATE device SET deleted = 1 WHERE id = {id}")).unwrap());
    let left: Vec<_> = wanted.into_iter().filter(|entry| entry.row.id != id).collect();
    assert_eq!(walk(&store, of_alice).await.0, left);
    store.close();
}

/// An import gives its tokens ids in a row.
async fn walk_passes_over_no_device_whose_id_follows_another(place: Place) {
    let store = place.open();
    let token = |number: u8| {
        let device = Device::hotp(Hotp::new(Secret::new(&[number; 20]).unwrap()), 0, NOW);
        NewToken {
            entry: Entry::from_token(device, None).unwrap(),
            naming: Naming::Serial(format!("A{number}")),
            signals: Vec::new(),
        }
    };
    store.import_tokens((1..=8).map(token).collect(), "import", NOW).await.unwrap();
    let (entries, ..) = walk(&store, Filter::ALL).await;
    let ids: Vec<_> = entries.iter().map(|entry| entry.row.id).collect();
    assert_eq!(ids, (ids[0]..ids[0] + 8).collect::<Vec<_>>());
    store.close();
}

async fn damaged_device_is_named_and_the_walk_goes_on(place: Place) {
    let store = place.open();
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(insert(&store, entry("alice")).await);
    }
    all.sort_by_key(|entry| entry.row.id);
    // The last of the first page, from which the second begins.
    let bad = all.remove(2).row.id;
    place.with(|connection| connection.run(&format!("UPDATE device SET fails = -1 WHERE id = {bad}")).unwrap());
    let (entries, unreadable, _) = walk(&store, Filter::ALL).await;
    assert_eq!(entries, all);
    assert_eq!(unreadable, [format!("device {bad} cannot be read: column fails holds no count")]);
    store.close();
}

async fn lines_of_an_export_are_written_once_each(place: Place) {
    let store = place.open();
    store.record((1..=5).map(|id| event(EventKind::Export, id)).collect()).await.unwrap();
    let lines = store.trail(&TrailQuery { limit: 10, ..TrailQuery::default() }).await.unwrap().rows;
    let mut found: Vec<_> = lines.iter().map(|line| (line.device, line.event.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3, 4, 5].map(|id| (id, "otp-export")));
    store.close();
}
