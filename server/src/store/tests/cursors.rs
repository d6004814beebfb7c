//! Walks by position: each device once while devices come and go, and an index begins each page.

use std::collections::BTreeMap;

use keyfob_scim::{Attribute, EventKind, Filter, Naming, Page, PageStart, Query, Row, Sort, SortKey, SortPosition};

use super::{Place, entry, event, on_both};
use crate::database::{Connection, Dialect, Sql};
use crate::store::filter::{self, Part};
use crate::store::{Store, schema};

const BY_CREATION: Sort = Sort { by: Attribute::Created, descending: false };

fn query(filter: &str, sort: Sort, last: Option<SortPosition>, limit: u64) -> Query {
    let filter = if filter.is_empty() { Filter::ALL } else { Filter::parse(filter).unwrap() };
    Query { filter, excludes_deleted: false, sort, then_by: Vec::new(), start: PageStart::After(last), limit }
}

/// Creates devices of these users, all at this time. Returns their ids.
async fn create(store: &Store, users: &[&str], created: u64) -> Vec<i64> {
    let mut ids = Vec::new();
    for user in users {
        let mut given = entry(user);
        given.row.created = created;
        given.row.external_id = user.starts_with('b').then(|| (*user).to_owned());
        ids.push(
            store.insert(Box::new(given), Naming::Numbered("HOTP"), event(EventKind::Create, 0), Vec::new()).await.unwrap().row.id,
        );
    }
    ids
}

/// How often a walk has each device. `between` runs between its pages.
async fn walk(store: &Store, sort: Sort, limit: u64, mut meanwhile: impl AsyncFnMut(usize)) -> BTreeMap<i64, usize> {
    let (mut seen, mut last) = (BTreeMap::new(), None);
    for turn in 0.. {
        let Page { rows, has_more, .. } = store.list("a", &query("", sort, last.clone(), limit)).await.unwrap().page;
        for row in &rows {
            *seen.entry(row.id).or_default() += 1;
        }
        if !has_more {
            break;
        }
        last = rows.last().map(|row: &Row| sort.position(row));
        assert!(last.is_some(), "or the walk would begin anew");
        meanwhile(turn).await;
    }
    seen
}

async fn a_walk_has_each_device_once_while_devices_come_and_go(place: Place) {
    let store = place.open();
    let mut there = create(&store, &["a"; 40], 1000).await;
    there.extend(create(&store, &["b"; 40], 1001).await);
    // In the inventory.
    there.extend(create(&store, &[""; 20], 1001).await);
    for (by, descending, limit) in [
        (Attribute::Created, false, 7),
        (Attribute::Created, true, 7),
        (Attribute::User, false, 1),
        (Attribute::User, true, 7),
        (Attribute::ExternalId, true, 9),
    ] {
        let sort = Sort { by, descending };
        let seen = walk(&store, sort, limit, async |turn: usize| {
            // Some get the creation times of others, so that they appear before and behind the
            // page.
            let new = create(&store, &["a", "b"], 1000 + turn as u64 % 3).await;
            place.with(|connection| connection.run(&format!("DELETE FROM device WHERE id = {}", new[0])).unwrap());
        })
        .await;
        assert!(there.iter().all(|id| seen.get(id) == Some(&1)) && seen.values().all(|times| *times == 1), "{sort:?}: {seen:?}");
    }
    // The device behind which a page begins may be deleted itself.
    let first = store.list("a", &query("", BY_CREATION, None, 3)).await.unwrap().page;
    let last = BY_CREATION.position(&first.rows[2]);
    let behind = query("", BY_CREATION, Some(last), 3);
    let second = store.list("a", &behind).await.unwrap().page;
    place.with(|connection| connection.run(&format!("DELETE FROM device WHERE id = {}", first.rows[2].id)).unwrap());
    assert_eq!(store.list("a", &behind).await.unwrap().page, second);
    // They are counted where the walk begins.
    assert!(first.total > Some(80) && second.total.is_none(), "{:?} {:?}", first.total, second.total);
    store.close();
}

async fn devices_that_cannot_be_read_end_no_walk(place: Place) {
    let store = place.open();
    let there = create(&store, &["a"; 12], 1000).await;
    let order: Vec<i64> =
        store.list("a", &query("", BY_CREATION, None, 100)).await.unwrap().page.rows.iter().map(|row| row.id).collect();
    // At the beginning, in the middle and at the end, more than a page has.
    let damaged = [0, 1, 4, 5, 6, 10, 11].map(|at: usize| order[at]);
    for id in damaged {
        place.with(|connection| connection.run(&format!("UPDATE device SET kind = 'XXX' WHERE id = {id}")).unwrap());
    }
    for limit in 1..=13 {
        let seen = walk(&store, BY_CREATION, limit, async |_| ()).await;
        let readable: BTreeMap<i64, usize> = there.iter().filter(|id| !damaged.contains(id)).map(|id| (*id, 1)).collect();
        assert_eq!(seen, readable, "{limit}");
    }
    let first = store.list("a", &query("", BY_CREATION, None, 3)).await.unwrap();
    assert_eq!((first.page.total, first.page.rows.len(), first.page.has_more), (Some(12), 3, true));
    store.close();
}

on_both! { a_walk_has_each_device_once_while_devices_come_and_go devices_that_cannot_be_read_end_no_walk }

/// The plan of a database for a part of a page.
fn plan(connection: &mut dyn Connection, query: &Query, part: Part<'_>) -> String {
    let (mut sql, column) = match connection.dialect() {
        Dialect::Sqlite => (Sql::new("EXPLAIN QUERY PLAN SELECT * FROM device"), 3),
        Dialect::Postgres => (Sql::new("EXPLAIN SELECT * FROM device"), 0),
    };
    filter::wanted(&mut sql, connection.dialect(), query, None, part);
    filter::page(&mut sql, query, part, query.limit);
    let mut records = connection.rows(&sql).unwrap();
    records.iter_mut().map(|record| record.text(column).unwrap()).collect::<Vec<_>>().join("; ")
}

/// Otherwise the last page would cost as much as all pages, even if all devices were created in one
/// second.
#[test]
fn an_index_begins_behind_the_last_device_of_the_page_before() {
    let place = Place::sqlite();
    let mut sqlite = place.connection();
    schema::migrate(&mut *sqlite).unwrap();
    let mut postgres = Place::postgres().connection();
    schema::migrate(&mut *postgres).unwrap();
    // With few rows, reading and sorting them all is faster.
    for setting in ["enable_seqscan", "enable_sort", "enable_bitmapscan"] {
        postgres.run(&format!("SET {setting} = off")).unwrap();
    }
    for (filter, by, of_sqlite, of_postgres) in [
        ("", Attribute::Created, ["device_created (created=? AND id>?)", "device_created (created>?)"], "created"),
        ("", Attribute::User, ["device_user (user_name=? AND id>?)", "device_user (user_name>?)"], "user_name"),
        ("", Attribute::Id, ["PRIMARY KEY (rowid>?)"; 2], "id"),
        (
            r#"type eq "TOTP""#,
            Attribute::Created,
            ["device_kind (kind=? AND created=? AND id>?)", "device_kind (kind=? AND created>?)"],
            "created",
        ),
        (
            r#"status eq "V""#,
            Attribute::Created,
            ["device_status (status=? AND created=? AND id>?)", "device_status (status=? AND created>?)"],
            "created",
        ),
        (
            r#"user sw "u""#,
            Attribute::User,
            ["device_user (user_name=? AND id>?)", "device_user (user_name>? AND user_name<?)"],
            "user_name",
        ),
    ] {
        let key = match by {
            Attribute::User => SortKey::Text("u".to_owned()),
            _ => SortKey::Number(7),
        };
        let query = query(filter, Sort { by, descending: false }, Some(SortPosition { key: Some(key), id: 7 }), 100);
        let parts = Part::from_query(&query);
        assert_eq!(
            parts.len(),
            match by {
                Attribute::Id => 1,
                // And those without a user.
                Attribute::User => 3,
                _ => 2,
            }
        );
        for (part, of_sqlite) in parts.into_iter().zip(of_sqlite) {
            let found = plan(&mut *sqlite, &query, part);
            assert!(found.contains(of_sqlite) && !found.contains("TEMP B-TREE"), "{filter} {part:?}: {found}");
            let found = plan(&mut *postgres, &query, part);
            let condition = found.split("Index Cond: ").nth(1).unwrap_or_default().split("; ").next().unwrap();
            let bounds = if let Part::Equal(_) = part {
                vec![format!("({of_postgres} = "), "(id > ".into()]
            } else {
                vec![format!("({of_postgres} > ")]
            };
            assert!(bounds.iter().all(|bound| condition.contains(bound)) && !found.contains("Sort"), "{filter} {part:?}: {found}");
        }
    }
}

/// SQLite uses the first of two bounds, and would read all devices of the earlier pages.
#[tokio::test(flavor = "multi_thread")]
async fn the_bound_of_a_page_stands_before_that_of_the_filter() {
    let last = Some(SortPosition { key: Some(SortKey::Text("user5".into())), id: 7 });
    let query = query(r#"user sw "user""#, Sort { by: Attribute::User, descending: false }, last, 100);
    let mut sql = Sql::default();
    filter::wanted(&mut sql, Dialect::Sqlite, &query, None, Part::from_query(&query)[1]);
    assert_eq!(sql.text, " WHERE (user_name > $1) AND (user_name >= $2 AND user_name < $3)");
}
