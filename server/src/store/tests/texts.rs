//! Searches for a text within users and names: with an index they find what they find without.

use std::sync::{LazyLock, Mutex};

use keyfob_scim::{
    Attribute, Entry, Error, EventKind, Filter, MemoryStore, Naming, Op, Page, PageStart, Query, Scope, Sort, Store as _, Swap,
};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::{Place, entry, event, insert, keys, swap, wrong_answer};
use crate::database::{Connection, Sql};
use crate::store::keys::Sealer;
use crate::store::{Store, filter, schema, texts};

/// Devices of which the index has all, some or none, and their model.
struct Indexed {
    runtime: Runtime,
    store: Store,
    model: Mutex<MemoryStore>,
    _place: Place,
}

/// Characters that a query, a pattern or a case folding may treat in a way of its own.
const CHARACTERS: [char; 32] = [
    'a', 'A', 'b', 'B', 'k', 'K', '\u{212a}', 's', 'S', 'ſ', 'ß', 'ẞ', 'ä', 'Ä', 'i', 'İ', 'ı', 'σ', 'ς', '"', '\'', '%', '_',
    '\\', '*', '(', ':', '-', ' ', '\u{301}', '日', '😀',
];

/// Texts that are as random, and the same in each run.
fn text(seed: &mut u64, length: u64) -> String {
    let mut next = |end: u64| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % end
    };
    (0..length).map(|_| CHARACTERS[usize::try_from(next(32)).unwrap()]).collect()
}

impl Indexed {
    /// `rest`: how many devices are stored and how many renamed after the others were indexed.
    fn new(place: Place, rest: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let (mut seed, mut model) = (7, MemoryStore::default());
        let store = {
            let _within = runtime.enter();
            place.open()
        };
        let mut put = |store: &Store, at: usize| {
            let common = if at.is_multiple_of(2) { "user" } else { "" };
            let mut given = entry(&format!("{common}{}", text(&mut seed, at as u64 % 12)));
            (given.row.created, given.row.deleted) = (1000 + at as u64 % 9, at.is_multiple_of(11));
            let name = Naming::Fixed(format!("K{}", text(&mut seed, 2 + at as u64 % 7)));
            model.put(*runtime.block_on(store.insert(Box::new(given), name, event(EventKind::Create, 0), Vec::new())).unwrap());
        };
        (0..60).for_each(|at| put(&store, at));
        runtime.block_on(index_all(&store));
        (60..60 + rest).for_each(|at| put(&store, at));
        let sort = Sort { by: Attribute::Created, descending: false };
        let rows = model.list(&query(Filter::ALL, sort)).unwrap().rows;
        for row in rows.iter().take(rest) {
            let mut next = runtime.block_on(store.get(row.id)).unwrap().unwrap();
            (next.row.user, next.row.name) = (next.row.name, next.row.user);
            let change = rename(next.clone());
            assert!(runtime.block_on(swap(&store, change)));
            next.version += 1;
            model.put(next);
        }
        Self { runtime, store, model: Mutex::new(model), _place: place }
    }

    fn meant(&self, query: &Query) -> Result<Page, Error> {
        self.model.lock().unwrap().list(query)
    }
}

/// Indexes all devices of a SQLite store.
async fn index_all(store: &Store) {
    let mut goes_on = false;
    while store.index_texts(goes_on).await.unwrap() {
        goes_on = true;
    }
}

fn rename(entry: Entry) -> Box<Swap> {
    let event = event(EventKind::Update, entry.row.id);
    Box::new(Swap { entry, scope: Scope::Whole, claims_serial: false, event, signals: Vec::new() })
}

fn query(filter: Filter, sort: Sort) -> Query {
    Query { filter, excludes_deleted: false, sort, then_by: Vec::new(), start: PageStart::Offset(0), limit: 100 }
}

/// All but two devices indexed; more than a search takes without an entry; PostgreSQL with its
/// index.
static STORES: LazyLock<[Indexed; 3]> = LazyLock::new(|| {
    let postgres = Place::postgres();
    postgres.with(|connection| connection.run("CREATE EXTENSION pg_trgm").map(|_| ())).unwrap();
    [Indexed::new(Place::sqlite(), 2), Indexed::new(Place::sqlite(), 9), Indexed::new(postgres, 2)]
});

fn searched() -> impl Strategy<Value = Filter> {
    let any_text = prop::collection::vec(prop::sample::select(CHARACTERS.to_vec()), 0..5).prop_map(String::from_iter);
    let part = (any::<prop::sample::Index>(), 0..10_usize, 1..6_usize).prop_map(|(device, from, many)| {
        let rows = STORES[0].meant(&query(Filter::ALL, Sort { by: Attribute::Id, descending: false })).unwrap().rows;
        let row = device.get(&rows);
        format!("{}{}", row.user, row.name).chars().skip(from).take(many).collect::<String>()
    });
    let wanted = prop_oneof![
        1 => any_text,
        4 => part.clone(),
        1 => part.prop_map(|text| text.to_ascii_uppercase()),
        1 => Just("user".to_owned())
    ];
    let leaf = prop_oneof![
        wanted.clone().prop_map(|text| Filter::Text(Attribute::User, Op::Co, text)),
        wanted.clone().prop_map(|text| Filter::Text(Attribute::Name, Op::Co, text)),
        wanted.prop_map(Filter::UserOrNameContains),
        Just(Filter::Present(Attribute::User)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn search_for_a_text_finds_the_same_with_and_without_an_index(
        filter in searched(), by in prop::sample::select(vec![Attribute::Id, Attribute::Created, Attribute::User, Attribute::Name]),
        descending: bool, excludes_deleted: bool, offset in 0..20_u64, limit in 1..40_u64, behind in prop::option::of(0..60_usize),
    ) {
        for indexed in &*STORES {
            let query = Query { excludes_deleted, limit, ..query(filter.clone(), Sort { by, descending }) };
            let start = match behind {
                None => PageStart::Offset(offset),
                Some(at) => {
                    let all = Query { filter: Filter::ALL, limit: 1000, ..query.clone() };
                    let rows = indexed.meant(&all).unwrap().rows;
                    PageStart::After(rows.get(at).map(|row| query.sort.position(row)))
                }
            };
            let query = Query { start, ..query };
            let found = indexed.runtime.block_on(indexed.store.list("a", &query)).map(|found| found.page);
            prop_assert_eq!(found, indexed.meant(&query));
        }
    }
}

/// The devices that may match, as the index has them.
fn candidates(connection: &mut dyn Connection, filter: Filter) -> Option<Vec<i64>> {
    texts::candidates(connection, &query(filter, Sort { by: Attribute::Id, descending: false })).unwrap()
}

fn unindexed(connection: &mut dyn Connection) -> Vec<i64> {
    let mut records = connection.run("SELECT id FROM device_unindexed ORDER BY id").unwrap();
    records.iter_mut().map(|record| record.number(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn index_follows_creates_and_renames_and_no_verdict() {
    let place = Place::sqlite();
    let store = place.open();
    let mut entries = Vec::new();
    for at in 0..6 {
        entries.push(insert(&store, entry(&format!("someone{at}"))).await);
    }
    assert_eq!(place.with(unindexed).len(), 6);
    index_all(&store).await;
    assert!(place.with(unindexed).is_empty());
    entries.push(insert(&store, entry("someone6")).await);
    index_all(&store).await;
    let rest = place.with(unindexed);
    assert_eq!(rest, [entries[6].row.id], "fewer than six stay without an entry");

    let last = entries[0].clone();
    assert!(swap(&store, wrong_answer(&last)).await);
    assert_eq!(place.with(unindexed), rest, "a verdict writes nothing to it");

    let mut renamed = store.get(last.row.id).await.unwrap().unwrap();
    renamed.row.fails = 0;
    assert!(swap(&store, rename(renamed.clone())).await);
    assert_eq!(place.with(unindexed), rest, "nor does a change of neither user nor name");
    renamed.version += 1;
    renamed.row.user = "another".into();
    assert!(swap(&store, rename(renamed)).await);
    assert_eq!(place.with(unindexed).len(), 2);
    let found = place.with(|connection| candidates(connection, Filter::parse(r#"user co "ano""#).unwrap())).unwrap();
    assert!(found.len() == 2 && found.contains(&last.row.id), "{found:?}");
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_few_devices_is_found_by_the_index_and_one_of_many_by_the_order() {
    let place = Place::sqlite();
    let store = place.open();
    for at in 0..30 {
        insert(&store, entry(&format!("someone{at}"))).await;
    }
    index_all(&store).await;
    place.with(|connection| {
        for (filter, many) in [
            (r#"user co "eone7""#, Some(1)),
            (r#"user co "EONE7""#, Some(1)),
            (r#"name co "eone7""#, Some(0)),
            (r#"user co "xyz""#, Some(0)),
            (r#"type eq "HOTP" and user co "one1""#, Some(11)),
            (r#"user co "one11" or name co "one12""#, Some(1)),
            // Too short for the index, and few: all users are read.
            (r#"user co "29""#, Some(1)),
            (r#"user co "some""#, None),
            (r#"user co "so""#, None),
            (r#"not (user co "one11")"#, None),
            (r#"user eq "someone1" and user co "one""#, None),
            (r#"email co "abc""#, None),
        ] {
            assert_eq!(candidates(connection, Filter::parse(filter).unwrap()).map(|ids| ids.len()), many, "{filter}");
        }
    });
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_index_finds_all_the_same_and_is_made_anew() {
    let place = Place::sqlite();
    let store = place.open();
    for at in 0..12 {
        insert(&store, entry(&format!("someone{at}"))).await;
    }
    index_all(&store).await;
    // The record of the index's structure.
    place.with(|connection| {
        connection.run("UPDATE device_text_data SET block = x'ffffffffffffffffffffffff' WHERE id = 10").unwrap()
    });
    let search = query(Filter::parse(r#"user co "one11""#).unwrap(), Sort { by: Attribute::Id, descending: false });
    assert_eq!(store.list("a test", &search).await.unwrap().page.total, Some(1));
    for at in 12..24 {
        insert(&store, entry(&format!("someone{at}"))).await;
    }
    index_all(&store).await;
    assert!(place.with(unindexed).is_empty());
    let found = place.with(|connection| candidates(connection, Filter::parse(r#"user co "one11""#).unwrap())).unwrap();
    assert_eq!(found.len(), 1, "of the index that was made anew");
    store.close();
}

/// FTS5 keeps pages in memory for each.
#[test]
fn search_looks_up_few_trigrams_however_many_and_long_its_texts_are() {
    let long = "a long text ".repeat(20);
    let text = |at: usize| Filter::parse(&format!(r#"user co "{at} {long}""#)).unwrap();
    let count = |part: &Filter| texts::looked_up(part).map(|query| query.matches('"').count() / 2);
    // 240 trigrams, of which every eighth is looked up.
    assert_eq!(count(&text(0)), Some(30));
    assert_eq!(count(&Filter::UserOrNameContains(long.clone())), Some(32));
    for (many, wanted) in [(2, Some(32)), (5, Some(30)), (32, Some(32)), (33, None), (200, None)] {
        assert_eq!(count(&Filter::Or((0..many).map(text).collect())), wanted, "{many}");
    }
    assert_eq!(count(&Filter::parse(r#"user co "abcd""#).unwrap()), Some(2));
    assert_eq!(count(&Filter::parse(r#"user co "ab""#).unwrap()), None);
}

/// A service may stop at any moment of an upgrade.
#[tokio::test(flavor = "multi_thread")]
async fn devices_of_an_older_store_are_found_before_and_after_they_are_indexed() {
    let place = Place::sqlite();
    place.with(|connection| {
        schema::migrate_to(connection, 6).unwrap();
        for id in 1..=12_i64 {
            let mut sql = Sql::new(
                "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record) VALUES (",
            );
            sql.bind(id).push(", 0, 'old', ").bind(format!("someone{id}").as_str()).push(", 0, 'HOTP', 'C', 0, 1700000000, ");
            sql.bind(Sealer::unchecked(&keys()).seal(&super::device(super::NOW), id).unwrap()).push(")");
            connection.rows(&sql).unwrap();
        }
    });
    let store = place.open();
    let search = query(Filter::parse(r#"user co "one12""#).unwrap(), Sort { by: Attribute::Id, descending: false });
    let mut goes_on = true;
    while goes_on {
        let page = store.list("a test", &search).await.unwrap().page;
        assert_eq!((page.total, page.rows.len()), (Some(1), 1));
        goes_on = store.index_texts(true).await.unwrap();
    }
    assert!(place.with(unindexed).is_empty());
    store.close();
}

#[test]
fn sqlite_counts_texts_without_reading_the_table() {
    let place = Place::sqlite();
    let mut connection = place.connection();
    schema::migrate(&mut *connection).unwrap();
    for excludes_deleted in [false, true] {
        for wanted in [Filter::parse(r#"user co "a""#).unwrap(), Filter::UserOrNameContains("a".into())] {
            let query = Query { excludes_deleted, ..query(wanted, Sort { by: Attribute::Created, descending: false }) };
            let mut sql = Sql::new("EXPLAIN QUERY PLAN SELECT count(*) FROM device");
            filter::wanted(&mut sql, connection.dialect(), &query, None, filter::Part::All);
            let plan = connection.rows(&sql).unwrap().first_mut().unwrap().text(3).unwrap();
            assert!(plan.contains("COVERING INDEX"), "{plan}");
        }
    }
}

#[test]
fn postgresql_has_the_index_where_the_extension_is_and_no_device_yet() {
    let place = Place::postgres();
    let mut connection = place.connection();
    schema::migrate(&mut *connection).unwrap();
    texts::prepare(&mut *connection);
    let is_there = |connection: &mut dyn Connection| {
        connection.run("SELECT count(to_regclass('device_texts'))").unwrap().first_mut().unwrap().number(0).unwrap() == 1
    };
    assert!(!is_there(&mut *connection), "without the extension, a store works as before");
    connection.run("CREATE EXTENSION pg_trgm").unwrap();
    texts::prepare(&mut *connection);
    assert!(is_there(&mut *connection));
    connection.run("SET enable_seqscan = off").unwrap();
    let made = "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record) VALUES ";
    connection.run(&format!("{made} (1, 0, 'HOTP1', 'Alice 100%', 0, 'HOTP', 'C', 0, 1, '')")).unwrap();
    for (wanted, found) in [
        (Filter::parse(r#"user co "Alice""#).unwrap(), Some(vec![1])),
        (Filter::parse(r#"user co "alicia" or name co "OTP1""#).unwrap(), Some(vec![1])),
        (Filter::parse(r#"name co "lic""#).unwrap(), Some(vec![])),
        (Filter::UserOrNameContains("100%".into()), Some(vec![1])),
        (Filter::UserOrNameContains("10%".into()), Some(vec![])),
        (Filter::UserOrNameContains("10".into()), None),
        (Filter::Or(vec![Filter::UserOrNameContains("100".into()), Filter::Or(Vec::new())]), None),
    ] {
        assert_eq!(candidates(&mut *connection, wanted.clone()), found, "{wanted:?}");
    }
    let plan = "EXPLAIN SELECT id FROM device WHERE lower(user_name) LIKE '%alice%' OR lower(name) LIKE '%alice%'";
    let plan: Vec<_> = connection.run(plan).unwrap().iter_mut().map(|record| record.text(0).unwrap()).collect();
    assert!(plan.iter().any(|line| line.contains("Bitmap Index Scan on device_texts")), "{plan:?}");
    connection.run("DROP INDEX device_texts").unwrap();
    texts::prepare(&mut *connection);
    assert!(!is_there(&mut *connection), "building it could exceed the limit of a statement");
    assert_eq!(candidates(&mut *connection, Filter::UserOrNameContains("100%".into())), None);
}
