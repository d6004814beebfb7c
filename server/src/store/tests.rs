//! The store against its model in memory, against itself from several sides, and against damage.

use std::sync::LazyLock;

use keyfob::{Device, Hotp, Kind, Policy, Secret, Status};
use keyfob_scim::{
    Attribute, Entry, Error, Event, EventKind, Filter, Memory, Name, Op, Page, Query, Roles, Row, Sort, Step, Store as _, Swap,
};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::sql::{Connection as _, Dialect, Sql};
use super::sqlite::Sqlite;
use super::{Account, Keys, Store, Wanted, filter, schema};

const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
const NOW: u64 = 1_700_000_000;

fn keys() -> Keys {
    Keys::parse(KEY).unwrap()
}

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&format!("sqlite://{}", folder.path().join("test.db").display()), keys()).unwrap()
}

fn device(created: u64) -> Device {
    Device::hotp(Hotp::new(Secret::new(&[7; 20]).unwrap()), 0, created)
}

fn entry(user: &str) -> Entry {
    let device = device(NOW);
    let row = Row {
        id: 0,
        name: String::new(),
        user: user.to_owned(),
        email: None,
        phone: None,
        external_id: None,
        deleted: false,
        kind: device.kind(),
        status: device.status(),
        fails: 0,
        created: NOW,
        last_used: None,
    };
    Entry { row, version: 0, device }
}

fn event(kind: EventKind, device: i64) -> Event {
    Event { kind, at: NOW, actor: "tester".into(), device, user: "u".into(), success: true, reason: "C".into(), drift: None }
}

async fn insert(store: &Store, entry: Entry) -> Entry {
    *store.insert(Box::new(entry), Name::Numbered("HOTP"), event(EventKind::Create, 0)).await.unwrap()
}

fn wrong_answer(entry: &Entry) -> Box<Swap> {
    let (device, _) = entry.device.verify(&Policy::default(), b"not a code", NOW).unwrap().split();
    let mut next = entry.clone();
    (next.row.status, next.row.fails, next.device) = (device.status(), device.fails(), device);
    Box::new(Swap { entry: next, only_state: true, event: event(EventKind::Verify, entry.row.id) })
}

/// Swaps. Returns whether it was stored.
async fn swap(store: &Store, swap: Box<Swap>) -> bool {
    let then =
        Box::new(|stored| Step::User { name: String::new(), then: Box::new(move |_| Error::new(u16::from(stored), "").into()) });
    let Step::User { then, .. } = store.change(Step::Swap { swap, then }).await.unwrap().step else { panic!("it ends there") };
    let Step::Done(response) = then(true) else { panic!("it ends there") };
    response.status == 1
}

#[tokio::test]
async fn what_is_stored_is_read_after_a_restart_with_the_same_key_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut given = entry("alice");
    (given.row.email, given.row.external_id) = (Some("a@example.com".into()), Some("x-1".into()));
    let stored = insert(&store, given).await;
    assert_eq!((stored.row.id, stored.row.name.as_str()), (1, "HOTP00000001"));
    assert_eq!(store.get(1).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.get(2).await.unwrap(), None);
    store.close();

    let store = open(&folder);
    assert_eq!(store.get(1).await.unwrap(), Some(stored));
    assert_eq!(insert(&store, entry("bob")).await.row.name, "HOTP00000002");
    store.close();

    let other = Keys::parse(&KEY.replace("00", "ff")).unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("test.db").display()), other).unwrap();
    assert_eq!(store.get(1).await.map_err(|error| error.status), Err(500));
    store.close();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (_, is_new) = Keys::file(&folder.path().join("key")).unwrap();
    let (_, is_new_again) = Keys::file(&folder.path().join("key")).unwrap();
    assert!(is_new && !is_new_again);
    let store = open(&folder);
    insert(&store, entry("alice")).await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
    store.close();
}

#[tokio::test]
async fn nothing_readable_of_a_secret_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    insert(&store, entry("alice")).await;
    store.close();
    // What is not yet in the database stands in the log beside it.
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let bytes = files.collect::<Vec<_>>().concat();
    assert!(!bytes.windows(20).any(|window| window == [7; 20]));
    assert!(bytes.windows(3).any(|window| window == b"kfs"), "the sealed record must be there");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_swaps_from_one_version_one_is_stored_and_trailed() {
    let folder = tempfile::tempdir().unwrap();
    // Two stores on one file, as two processes would have it.
    let stores = [open(&folder), open(&folder)];
    let read = insert(&stores[0], entry("alice")).await;
    let swaps = (0..200).map(|at| {
        let (store, next) = (stores[at % 2].clone(), wrong_answer(&read));
        tokio::spawn(async move { swap(&store, next).await })
    });
    let mut won = 0;
    for swap in swaps.collect::<Vec<_>>() {
        won += u32::from(swap.await.unwrap());
    }
    assert_eq!(won, 1);
    let now = stores[1].get(1).await.unwrap().unwrap();
    assert_eq!((now.version, now.row.fails, now.device.fails()), (1, 1, 1));
    let wanted = Wanted { device: Some(1), limit: 1000, ..Wanted::default() };
    let lines = stores[0].trail(&wanted).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.event == "otp-verify").count(), 1);
    stores.into_iter().for_each(Store::close);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fail_is_lost_when_all_try_until_they_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [open(&folder), open(&folder)];
    insert(&stores[0], entry("alice")).await;
    let tasks = (0..40).map(|at| {
        let store = stores[at % 2].clone();
        tokio::spawn(async move {
            loop {
                let read = store.get(1).await.unwrap().unwrap();
                if swap(&store, wrong_answer(&read)).await {
                    return;
                }
            }
        })
    });
    // A hard lock at ten: forty that try all end, ten of them as fails, the others find it locked and change nothing.
    for task in tasks.take(10).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let now = stores[0].get(1).await.unwrap().unwrap();
    assert_eq!((now.version, now.row.fails, now.row.status), (10, 10, Status::Locked));
    stores.into_iter().for_each(Store::close);
}

#[tokio::test]
async fn a_whole_swap_changes_every_column_and_not_the_identity() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let read = insert(&store, entry("alice")).await;
    let mut next = read.clone();
    next.row.name = "renamed".into();
    next.row.email = Some("b@example.com".into());
    next.row.phone = Some("555".into());
    next.row.external_id = Some("y".into());
    next.row.deleted = true;
    let update = Swap { entry: next.clone(), only_state: false, event: event(EventKind::Update, 1) };
    assert!(swap(&store, Box::new(update)).await);
    next.version = 1;
    assert_eq!(store.get(1).await.unwrap(), Some(next.clone()));
    next.version = 0;
    let late = Swap { entry: next, only_state: false, event: event(EventKind::Update, 1) };
    assert!(!swap(&store, Box::new(late)).await, "the version is another by now");
    store.close();
}

#[tokio::test]
async fn accounts_are_made_replaced_found_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut account =
        Account { name: "sync".into(), roles: Roles::QUERY.and(Roles::VERIFY), password: None, token: Some("ab".into()) };
    store.put_account(&account).await.unwrap();
    assert_eq!(store.account_of_token("ab").await.unwrap(), Some(account.clone()));
    assert_eq!(store.account_of_token("AB").await.unwrap(), None);
    (account.token, account.password, account.roles) = (None, Some("hash".into()), Roles::ALL);
    store.put_account(&account).await.unwrap();
    assert_eq!(store.account("sync").await.unwrap(), Some(account.clone()));
    assert_eq!(store.account_of_token("ab").await.unwrap(), None);
    assert_eq!(store.accounts().await.unwrap(), [account]);
    assert!(store.remove_account("sync").await.unwrap());
    assert!(!store.remove_account("sync").await.unwrap());
    store.close();
}

#[test]
fn several_may_make_a_store_at_once_and_a_newer_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&folder))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    opened.into_iter().for_each(Store::close);
    let mut writer = Sqlite::writer(&folder.path().join("test.db")).unwrap();
    writer.run("INSERT INTO keyfob_schema (version) VALUES (1000)").unwrap();
    drop(writer);
    let refused = Store::open(&format!("sqlite://{}", folder.path().join("test.db").display()), keys());
    assert!(refused.is_err_and(|error| error.contains("newer keyfob")));
}

/// A store and the model of it, filled alike.
struct Both {
    runtime: Runtime,
    store: Store,
    model: std::sync::Mutex<Memory>,
    _folder: tempfile::TempDir,
}

static BOTH: LazyLock<Both> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let (store, runtime) = (open(&folder), Runtime::new().unwrap());
    let mut model = Memory::default();
    let texts = ["a", "A", "b", "ab", "B a", "ä", "Ä", "a%", "a_b", "\u{10ffff}", "z\u{d7ff}x"];
    for at in 0..60_usize {
        let text = |step: usize| texts[at * step % texts.len()].to_owned();
        let maybe = |step: usize| (at % step != 0).then(|| text(step));
        let mut given = entry(&text(1));
        (given.row.email, given.row.phone, given.row.external_id) = (maybe(3), maybe(4), maybe(5));
        (given.row.fails, given.row.created) = (u32::try_from(at % 7).unwrap(), 1000 + at as u64 % 5);
        given.row.last_used = (at % 2 == 0).then_some(2000 + at as u64 % 3);
        (given.row.kind, given.row.status) = (Kind::ALL[at % 5], Status::ALL[at % 4]);
        given.row.deleted = at % 11 == 0;
        let name = Name::Fixed(text(7));
        model.put(runtime.block_on(store.insert(Box::new(given), name, event(EventKind::Create, 0))).map(|entry| *entry).unwrap());
    }
    Both { runtime, store, model: std::sync::Mutex::new(model), _folder: folder }
});

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
        (prop::sample::select(vec![A::Created, A::LastUsed]), numeric, prop_oneof![998..1006_i64, 1998..2005_i64, any::<i64>()])
            .prop_map(|(attribute, op, number)| Filter::Number(attribute, op, number)),
        prop::sample::select(vec![A::ExternalId, A::LastUsed, A::Email, A::Phone]).prop_map(Filter::Present),
        value.prop_map(Filter::Anywhere),
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
        filter in filters(), by in sortable(), descending: bool, live_only: bool, offset in 0..70_u64, limit in 0..70_u64,
    ) {
        let query = Query { filter, live_only, sort: Sort { by, descending }, offset, limit };
        let both = &*BOTH;
        let found: Result<Page, Error> = both.runtime.block_on(both.store.list(&query));
        let meant = both.model.lock().unwrap().list(&query);
        prop_assert_eq!(found, meant);
    }
}

/// What SQLite says that it does for a filter.
fn plan(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = Sqlite::writer(&folder.path().join("plan.db")).unwrap();
    schema::migrate(&mut connection).unwrap();
    let mut sql = Sql::new("EXPLAIN QUERY PLAN SELECT count(*) FROM device");
    let sort = Sort { by: Attribute::Id, descending: false };
    let query = Query { filter: Filter::parse(text).unwrap(), live_only: false, sort, offset: 0, limit: 100 };
    filter::wanted(&mut sql, Dialect::Sqlite, &query);
    let mut records = connection.rows(&sql).unwrap();
    records.iter_mut().map(|record| record.text(3).unwrap()).collect::<Vec<_>>().join("; ")
}

#[test]
fn an_index_answers_what_clients_search_by() {
    for filter in [
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
        r#"lastUsed lt "2021-10-14""#,
        r#"user eq "alice" and type eq "TOTP""#,
    ] {
        let plan = plan(filter);
        assert!(plan.contains("SEARCH device USING"), "{filter}: {plan}");
    }
    assert!(plan(r#"user co "lic""#).contains("SCAN device"), "or this test would not see a scan");
}
