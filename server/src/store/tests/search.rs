//! Searches: SQL finds what a filter means, by an index.

use std::sync::{LazyLock, Mutex};

use keyfob::{Kind, Status};
use keyfob_scim::{Attribute, Error, EventKind, Filter, MemoryStore, Naming, Op, Page, PageStart, Query, Sort, Store as _};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::{Place, entry, event};
use crate::database::{Connection, Dialect, Sql};
use crate::store::filter::{self, Part};
use crate::store::{Store, schema};

/// A store and its model with the same devices.
struct Both {
    runtime: Runtime,
    store: Store,
    model: Mutex<MemoryStore>,
    _place: Place,
}

static SQLITE: LazyLock<Both> = LazyLock::new(|| Both::new(Place::sqlite()));
static POSTGRES: LazyLock<Both> = LazyLock::new(|| Both::new(Place::postgres()));

impl Both {
    fn new(place: Place) -> Self {
        let runtime = Runtime::new().unwrap();
        let store = {
            let _within = runtime.enter();
            place.open()
        };
        let mut model = MemoryStore::default();
        let texts = ["a", "A", "b", "ab", "B a", "ä", "Ä", "a%", "a_b", "\u{10ffff}", "z\u{d7ff}x"];
        for at in 0..60_usize {
            let text = |step: usize| texts[at * step % texts.len()].to_owned();
            let maybe = |step: usize| (at % step != 0).then(|| text(step));
            let mut given = entry(&text(1));
            if at % 6 == 1 {
                given.row.user.clear();
            }
            (given.row.email, given.row.phone, given.row.external_id) = (maybe(3), maybe(4), maybe(5));
            (given.row.fails, given.row.created) = (u32::try_from(at % 7).unwrap(), 1000 + at as u64 % 5);
            given.row.last_used = (at % 2 == 0).then_some(2000 + at as u64 % 3);
            given.row.last_modified = 1998 + at as u64 % 7;
            (given.row.kind, given.row.status) = (Kind::ALL[at % Kind::ALL.len()], Status::ALL[at % 4]);
            given.row.deleted = at % 11 == 0;
            let stored = store.insert(Box::new(given), Naming::Fixed(text(7)), event(EventKind::Create, 0), Vec::new());
            model.put(*runtime.block_on(stored).unwrap());
        }
        Self { runtime, store, model: Mutex::new(model), _place: place }
    }

    fn check(&self, query: &Query) -> Result<(), TestCaseError> {
        let found: Result<Page, Error> = self.runtime.block_on(self.store.list("a", query)).map(|found| found.page);
        let meant = self.model.lock().unwrap().list(query);
        prop_assert_eq!(found, meant);
        Ok(())
    }

    /// Checks the page behind the device at this position of the query, or behind its value with
    /// another id.
    fn check_behind(&self, query: Query, at: usize, number: i64) -> Result<(), TestCaseError> {
        let all = Query { filter: Filter::ALL, excludes_deleted: false, start: PageStart::Offset(0), limit: 1000, ..query.clone() };
        let rows = self.model.lock().unwrap().list(&all).unwrap().rows;
        let mut row = rows[at % rows.len()].clone();
        row.id = row.id.saturating_add(number);
        let last = query.sort.position(&row);
        self.check(&Query { start: PageStart::After(Some(last)), ..query })
    }
}

fn sortable() -> impl Strategy<Value = Attribute> {
    use Attribute as A;
    prop::sample::select(vec![
        A::Id,
        A::ExternalId,
        A::Name,
        A::Type,
        A::User,
        A::Status,
        A::Fails,
        A::Created,
        A::LastUsed,
        A::MetaCreated,
        A::LastModified,
        A::Email,
        A::Phone,
    ])
}

fn filters() -> impl Strategy<Value = Filter> {
    use Attribute as A;
    let ops = prop::sample::select(vec![Op::Eq, Op::Ne, Op::EqCi, Op::Co, Op::Sw, Op::Ew, Op::Gt, Op::Ge, Op::Lt, Op::Le]);
    let numeric = prop::sample::select(vec![Op::Eq, Op::Ne, Op::EqCi, Op::Gt, Op::Ge, Op::Lt, Op::Le]);
    let texts = prop::sample::select(vec![A::ExternalId, A::Name, A::Type, A::User, A::Status, A::Email, A::Phone]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "",
            "a",
            "A",
            "b",
            "ab",
            "ä",
            "Ä",
            "%",
            "_",
            "a%",
            "TOTP",
            "totp",
            "V",
            "\u{10ffff}",
            "z\u{d7ff}"
        ])
        .prop_map(str::to_owned),
        "[a-bA-B%_ ä]{0,3}",
    ];
    let leaf = prop_oneof![
        (texts, ops, value.clone()).prop_map(|(attribute, op, value)| Filter::Text(attribute, op, value)),
        (prop::sample::select(vec![A::Id, A::Fails]), numeric.clone(), -1..62_i64)
            .prop_map(|(attribute, op, number)| Filter::Number(attribute, op, number)),
        (
            prop::sample::select(vec![A::Created, A::LastUsed, A::MetaCreated, A::LastModified]),
            numeric,
            prop_oneof![998..1006_i64, 1998..2005_i64, any::<i64>()]
        )
            .prop_map(|(attribute, op, number)| Filter::Number(attribute, op, number)),
        prop::sample::select(vec![A::ExternalId, A::LastUsed, A::Email, A::Phone, A::User]).prop_map(Filter::Present),
        value.prop_map(Filter::UserOrNameContains),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn sql_finds_what_the_filter_means(
        filter in filters(), by in sortable(), then_by in prop::collection::vec(sortable(), 0..3), descending: bool, excludes_deleted: bool,
        offset in 0..70_u64, limit in 0..70_u64,
    ) {
        let query = Query { filter, excludes_deleted, sort: Sort { by, descending }, then_by, start: PageStart::Offset(offset), limit };
        SQLITE.check(&query)?;
        POSTGRES.check(&query)?;
    }

    #[test]
    fn sql_finds_what_stands_behind_a_position(
        filter in filters(), by in sortable(), descending: bool, excludes_deleted: bool, at in prop::option::weighted(0.9, 0..60_usize),
        number in prop_oneof![4 => Just(0), 1 => -1..=1_i64, 1 => any::<i64>()], limit in 1..70_u64,
    ) {
        let query = Query { filter, excludes_deleted, sort: Sort { by, descending }, then_by: Vec::new(), start: PageStart::After(None), limit };
        for both in [&SQLITE, &POSTGRES] {
            match at {
                None => both.check(&query)?,
                Some(at) => both.check_behind(query.clone(), at, number)?,
            }
        }
    }
}

#[test]
fn a_key_is_the_part_of_a_filter_that_finds_the_fewest() {
    for (text, key) in [
        ("id eq 60", Some("id eq 60")),
        (r#"user eq "a""#, Some(r#"user eq "a""#)),
        (r#"type eq "PIN" and user eq "a""#, Some(r#"user eq "a""#)),
        (r#"name eq "Security PIN" and user eq_ci "a""#, Some(r#"user eq_ci "a""#)),
        (r#"user sw "a" and name eq "b" and created gt "2021-10-14""#, Some(r#"name eq "b""#)),
        (r#"user eq "a" and (email eq "b" or id eq 1)"#, Some(r#"user eq "a""#)),
        (r#"status eq "V" and (id eq 1 or id eq 2 or phone eq "3")"#, Some(r#"(id eq 1 or id eq 2 or phone eq "3")"#)),
        (r#"not (user co "x") and externalId eq "a""#, Some(r#"externalId eq "a""#)),
        ("user sw ''", None),
        (r#"user sw "a" or user sw "b""#, None),
        (r#"user eq "a" or type eq "PIN""#, None),
        (r#"(user eq "a" and type eq "PIN") or id eq 1"#, None),
        (r#"not (user eq "a")"#, None),
        (r#"user ne "a""#, None),
        (r#"user co "a""#, None),
        (r#"name eq_ci "a""#, None),
        (r#"type eq "PIN""#, None),
        (r#"status eq "L" and created gt "2021-10-14""#, None),
        ("id gt 60", None),
        ("email pr", None),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(filter::key(&filter).cloned(), key.map(|key| Filter::parse(key).unwrap()), "{text}");
    }
    assert_eq!(filter::key(&Filter::ALL), None);
    assert_eq!(filter::key(&Filter::UserOrNameContains("a".into())), None);
}

/// The plan of a database for a filter.
fn plan(connection: &mut dyn Connection, text: &str) -> String {
    let (explain, column) = match connection.dialect() {
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Dialect::Postgres => ("EXPLAIN", 0),
    };
    let mut sql = Sql::new(explain);
    sql.push(" SELECT count(*) FROM device");
    let sort = Sort { by: Attribute::Id, descending: false };
    let query = Query {
        filter: Filter::parse(text).unwrap(),
        excludes_deleted: false,
        sort,
        then_by: Vec::new(),
        start: PageStart::Offset(0),
        limit: 100,
    };
    filter::wanted(&mut sql, connection.dialect(), &query, None, Part::All);
    let mut records = connection.rows(&sql).unwrap();
    records.iter_mut().map(|record| record.text(column).unwrap()).collect::<Vec<_>>().join("; ")
}

const SEARCHES: [&str; 12] = [
    "id eq 60",
    r#"user eq "alice""#,
    r#"user sw "al""#,
    r#"user eq_ci "Alice""#,
    r#"name eq "TOTP00000001""#,
    r#"email eq "a@example.com""#,
    r#"phone eq "555""#,
    r#"externalId eq "x""#,
    r#"type eq "TOTP""#,
    r#"status eq "L""#,
    r#"created gt "2021-10-14""#,
    r#"user eq "alice" and type eq "TOTP""#,
];

/// The plan of a database for a page in the order of creation.
fn plan_of_page(connection: &mut dyn Connection, filter: Filter) -> String {
    let (mut sql, column) = match connection.dialect() {
        Dialect::Sqlite => (Sql::new("EXPLAIN QUERY PLAN SELECT * FROM device"), 3),
        Dialect::Postgres => (Sql::new("EXPLAIN SELECT * FROM device"), 0),
    };
    let sort = Sort { by: Attribute::Created, descending: false };
    let query = Query { filter, excludes_deleted: false, sort, then_by: Vec::new(), start: PageStart::Offset(0), limit: 100 };
    filter::wanted(&mut sql, connection.dialect(), &query, None, Part::All);
    filter::page(&mut sql, &query, Part::All, query.limit);
    let mut records = connection.rows(&sql).unwrap();
    records.iter_mut().map(|record| record.text(column).unwrap()).collect::<Vec<_>>().join("; ")
}

#[test]
fn an_index_has_devices_in_the_order_that_lists_have_by_default() {
    let place = Place::sqlite();
    let mut sqlite = place.connection();
    schema::migrate(&mut *sqlite).unwrap();
    for (filter, index) in [("", "device_created"), (r#"type eq "TOTP""#, "device_kind"), (r#"status eq "V""#, "device_status")] {
        let wanted = if filter.is_empty() { Filter::And(Vec::new()) } else { Filter::parse(filter).unwrap() };
        let plan = plan_of_page(&mut *sqlite, wanted);
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{filter}: {plan}");
    }
    let plan = plan_of_page(&mut *sqlite, Filter::parse(r#"user sw "a""#).unwrap());
    assert!(plan.contains("TEMP B-TREE"), "or this test would not see a sort: {plan}");

    let mut postgres = Place::postgres().connection();
    schema::migrate(&mut *postgres).unwrap();
    // With few rows, reading and sorting them all is faster.
    for setting in ["enable_seqscan", "enable_sort", "enable_bitmapscan"] {
        postgres.run(&format!("SET {setting} = off")).unwrap();
    }
    let plan = plan_of_page(&mut *postgres, Filter::And(Vec::new()));
    assert!(plan.contains("device_created") && !plan.contains("Sort"), "{plan}");
}

#[test]
fn an_index_of_sqlite_answers_what_clients_search_by() {
    let place = Place::sqlite();
    let mut connection = place.connection();
    schema::migrate(&mut *connection).unwrap();
    for filter in SEARCHES.into_iter().chain([r#"lastUsed lt "2021-10-14""#]) {
        let plan = plan(&mut *connection, filter);
        assert!(plan.contains("SEARCH device USING"), "{filter}: {plan}");
    }
    assert!(plan(&mut *connection, r#"user co "lic""#).contains("SCAN device"), "or this test would not see a scan");
}

/// SQLite does not know how many devices have a value: half of them may have one type or one name.
#[test]
fn sqlite_takes_the_index_that_finds_few() {
    let place = Place::sqlite();
    let mut connection = place.connection();
    schema::migrate(&mut *connection).unwrap();
    for filter in [
        r#"type eq "PIN" and user eq "alice""#,
        r#"name eq "Security PIN" and user eq "alice""#,
        r#"status eq "V" and created gt "2021-10-14" and user sw "alice""#,
        r#"type eq "PIN" and (user eq "alice" or user eq "bob")"#,
        r#"created eq "2021-10-14" and lastUsed eq "2021-10-14" and user eq "alice""#,
    ] {
        let plan = plan(&mut *connection, filter);
        assert!(plan.contains("INDEX device_user (user_name"), "{filter}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("device_kind") && !plan.contains("device_name"), "{filter}: {plan}");
    }
}

#[test]
fn an_index_of_postgresql_answers_what_clients_search_by() {
    let mut connection = Place::postgres().connection();
    schema::migrate(&mut *connection).unwrap();
    // With few rows, reading them all is faster.
    connection.run("SET enable_seqscan = off").unwrap();
    for filter in SEARCHES {
        let plan = plan(&mut *connection, filter);
        assert!(plan.contains("Index Cond"), "{filter}: {plan}");
    }
    assert!(!plan(&mut *connection, r#"user co "lic""#).contains("Index Cond"), "or this test would not see a scan");
}
