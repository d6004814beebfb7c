//! A store is copied or moved while others write to it.

mod interrupted;
mod targets;

use keyfob_scim::{Error, EventKind, Response, Roles, Step};
use tokio::runtime::Handle;

use super::{KEY, Place, entry, event, insert, keys, on_both, swap, wrong_answer};
use crate::database::{Access, Connection, Dialect, Value};
use crate::database::{Location, Options};
use crate::store::{Account, Copied, Keys, Store, TrailQuery, copy, migrations, schema};

on_both! {
    a_copy_is_of_one_moment_whatever_is_written_meanwhile
    a_move_takes_along_what_is_written_before_services_are_excluded
    nothing_is_written_to_a_store_that_was_moved
    a_store_that_is_moved_into_goes_by_the_keys_of_what_was_moved
}

/// Copies on a thread that may block. Calls `meanwhile` after each comparison, with the name of the
/// table and the number of its compared rows.
async fn copied(
    from: &Place,
    to: &Place,
    keep: bool,
    mut meanwhile: impl FnMut(&str, u64) + Send + 'static,
) -> Result<Copied, String> {
    let (from, to) = (from.location.clone(), to.location.clone());
    tokio::task::spawn_blocking(move || std::thread::spawn(move || copy(&from, &to, keep, &mut meanwhile)).join())
        .await
        .unwrap()
        .unwrap_or_else(|_| Err("broken off".into()))
}

/// The contents of a database: each table with its rows.
fn contents(connection: &mut dyn Connection) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut tables = connection
        .run(match connection.dialect() {
            // The index of texts is made of the devices.
            Dialect::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'device_text%' AND name NOT IN ('device_unindexed', 'sqlite_sequence') \
                 ORDER BY name"
            }
            Dialect::Postgres => {
                "SELECT relname::TEXT FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
            }
        })
        .unwrap();
    let names: Vec<String> = tables.iter_mut().map(|table| table.text(0).unwrap()).collect();
    let mut rows = |name: &str| {
        let mut rows: Vec<_> = connection.run(&format!("SELECT * FROM {name}")).unwrap().into_iter().map(|row| row.0).collect();
        rows.sort();
        rows
    };
    names.into_iter().map(|name| (name.clone(), rows(&name))).collect()
}

/// The contents of a store that a copy takes along.
fn content(place: &Place, suffix: &str) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut tables = place.with(contents);
    tables.retain(|(name, _)| !["identity", "migration", "keyfob_schema"].contains(&name.as_str()));
    for (name, rows) in &mut tables {
        *name = name.strip_suffix(suffix).unwrap().to_owned();
        // The target's own counter continues behind the copied rows.
        rows.retain(|row| row[0] != Value::from("device"));
    }
    tables
}

/// Runs a statement.
fn run(place: &Place, sql: &str) {
    place.with(|connection| connection.run(sql).map(|_| ())).unwrap();
}

/// Writes a line of the trail that comes with no device.
async fn record(store: &Store, device: i64) -> Result<(), Error> {
    let then = Box::new(|()| Step::Done(Response::empty(200)));
    store.change(Step::Audit { event: event(EventKind::Verify, device), then }).await.map(|_| ())
}

fn account(name: &str) -> Account {
    Account { name: name.into(), roles: Roles::ALL, password: Some("hash".into()), token: None }
}

async fn lines(store: &Store) -> usize {
    store.trail(&TrailQuery { limit: 1000, ..TrailQuery::default() }).await.unwrap().rows.len()
}

async fn a_copy_is_of_one_moment_whatever_is_written_meanwhile(place: Place) {
    let (store, target) = (place.open(), Place::sqlite());
    let read = insert(&store, entry("alice")).await;
    store.add_account(&account("one")).await.unwrap();
    let (runtime, busy, id) = (Handle::current(), store.clone(), read.row.id);
    let done = copied(&place, &target, true, move |_, _| {
        runtime.block_on(async {
            let now = busy.get(id).await.unwrap().unwrap();
            assert!(swap(&busy, wrong_answer(&now)).await);
            record(&busy, id).await.unwrap();
            insert(&busy, entry("bob")).await;
            busy.add_account(&account("two")).await.unwrap();
        });
    });
    let done = done.await.unwrap();
    assert!(!done.is_moved);
    let rows: Vec<_> = done
        .tables
        .into_iter()
        .filter(|(table, _)| !["sequence", "key_check", "message_count", "outbox", "signal_stream"].contains(table))
        .collect();
    assert_eq!(rows, [("device", 1), ("trail", 1), ("account", 1)]);
    let copy = target.open();
    assert_eq!(copy.get(id).await.unwrap().unwrap().row.fails, 0);
    assert_eq!(store.get(id).await.unwrap().unwrap().row.fails, 3, "the source goes on");
    [copy, store].into_iter().for_each(Store::close);
}

async fn a_move_takes_along_what_is_written_before_services_are_excluded(place: Place) {
    let (store, target) = (place.open(), Place::sqlite());
    let read = insert(&store, entry("alice")).await;
    store.add_account(&account("gone")).await.unwrap();
    let (runtime, busy, id) = (Handle::current(), store.clone(), read.row.id);
    let mut turn = 0;
    let done = copied(&place, &target, false, move |_, _| {
        turn += 1;
        // The first rows of all large tables have been compared by then.
        if turn == 3 {
            runtime.block_on(async {
                let now = busy.get(id).await.unwrap().unwrap();
                assert!(swap(&busy, wrong_answer(&now)).await);
                insert(&busy, entry("bob")).await;
                record(&busy, id).await.unwrap();
                busy.add_account(&account("new")).await.unwrap();
                busy.remove_account("gone").await.unwrap();
            });
        }
    });
    let done = done.await.unwrap();
    assert!(done.is_moved);
    assert_eq!(done.tables[..4], [("device", 2), ("trail", 4), ("outbox", 0), ("account", 1)]);
    store.close();
    assert_eq!(content(&target, ""), content(&place, "_moved"));
    let moved = target.open();
    assert_eq!(moved.get(id).await.unwrap().unwrap().row.fails, 1);
    let names: Vec<_> = moved.accounts().await.unwrap().rows.into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["new"]);
    // Numbers continue behind the moved ones.
    let new = insert(&moved, entry("carol")).await;
    assert_eq!((new.row.name.as_str(), lines(&moved).await), ("HOTP00000003", 5));
    moved.close();
}

async fn nothing_is_written_to_a_store_that_was_moved(place: Place) {
    let (store, target) = (place.open(), Place::sqlite());
    let read = insert(&store, entry("alice")).await;
    let (runtime, busy, id) = (Handle::current(), store.clone(), read.row.id);
    let (sender, mut tasks) = tokio::sync::mpsc::unbounded_channel();
    copied(&place, &target, false, move |_, _| {
        let busy = busy.clone();
        sender.send(runtime.spawn(async move { record(&busy, id).await })).unwrap();
    })
    .await
    .unwrap();
    let (mut written, mut refused) = (0, 0);
    while let Some(task) = tasks.recv().await {
        match task.await.unwrap().map_err(|error| error.status) {
            Ok(()) => written += 1,
            Err(status) => {
                assert_eq!(status, 503);
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "a line after the last moment is not reported as written");
    let done = move |stored| Step::Done(Response::empty(u16::from(stored)));
    let swapped = store.change(Step::Swap { swap: wrong_answer(&read), then: Box::new(done) }).await;
    for (what, refused) in [
        ("a swap", swapped.map(|_| ())),
        ("a line", record(&store, id).await),
        ("an account", store.add_account(&account("one")).await.map(|_| ())),
        ("a device", store.get(id).await.map(|_| ())),
        ("the trail", store.trail(&TrailQuery { limit: 1, ..TrailQuery::default() }).await.map(|_| ())),
        ("ready", store.ready().await),
    ] {
        let refused = refused.unwrap_err();
        assert!(
            refused.status == 503 && refused.detail.contains("was moved to another one by keyfob migrate"),
            "{what}: {refused}"
        );
    }
    assert!(place.open_with(keys()).unwrap_err().contains("were moved to another store by keyfob migrate; serve that store"));
    let moved = target.open();
    assert_eq!(lines(&moved).await, 1 + written);
    assert_eq!(moved.get(id).await.unwrap(), Some(read));
    [moved, store].into_iter().for_each(Store::close);
}

/// A target that was tried before has the key check value of a key that opens none of the copied
/// records.
async fn a_store_that_is_moved_into_goes_by_the_keys_of_what_was_moved(place: Place) {
    let (source, other) = (Place::sqlite(), || Keys::parse(&KEY.replace("00", "ff")).unwrap());
    let store = source.open();
    let tried = place.open_with(other()).unwrap();
    assert!(store.check_keys().await.unwrap().is_whole() && tried.check_keys().await.unwrap().is_whole());
    insert(&store, entry("alice")).await;
    copied(&source, &place, false, |_, _| ()).await.unwrap();
    [store, tried].into_iter().for_each(Store::close);
    let (wrong, moved) = (place.open_with(other()).unwrap(), place.open());
    assert_eq!(wrong.check_keys().await.unwrap().other, [1]);
    assert!(moved.check_keys().await.unwrap().is_whole());
    assert_eq!(moved.take_keys(&other()).await.unwrap().other, [1], "a running service does not take them");
    insert(&moved, entry("bob")).await;
    assert!(moved.check_keys().await.unwrap().is_whole());
    [wrong, moved].into_iter().for_each(Store::close);
}

/// Every table and column: one that the copy leaves out would have another value there.
#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_every_table_is_copied() {
    for (source, target) in [(Place::sqlite(), Place::postgres()), (Place::sqlite(), Place::sqlite())] {
        source.open().close();
        source.with(|connection| {
            for (table, _) in contents(connection) {
                if ["identity", "migration", "keyfob_schema"].contains(&table.as_str()) {
                    continue;
                }
                let mut columns = connection.run(&format!("SELECT name, type FROM pragma_table_info('{table}')")).unwrap();
                let (names, values): (Vec<_>, Vec<_>) = columns
                    .iter_mut()
                    .map(|column| {
                        let value = match column.text(1).unwrap().as_str() {
                            "INTEGER" => "77",
                            "TEXT" => "'text'",
                            "BLOB" => "x'0700ff'",
                            kind => panic!("{table}: {kind}"),
                        };
                        (column.text(0).unwrap(), value)
                    })
                    .unzip();
                let sql = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "));
                connection.run(&sql).unwrap();
            }
        });
        copied(&source, &target, true, |_, _| ()).await.unwrap();
        // The lease is that of a process on the source.
        run(&source, "UPDATE signal_stream SET owner = NULL");
        assert_eq!(content(&target, ""), content(&source, ""));
    }
}

/// In PostgreSQL, a line gets its number before its commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_committed_late_is_copied_although_its_number_is_not_the_highest() {
    let (place, target) = (Place::postgres(), Place::sqlite());
    let location = place.location.clone();
    let line = "INSERT INTO trail (at, event, actor, device, user_name, success, reason) VALUES (1, 'e', 'a', 1, 'u', 1, 'r')";
    let late = std::thread::spawn(move || {
        let (mut late, mut early) = (location.writer().unwrap(), location.writer().unwrap());
        schema::migrate(&mut *early).unwrap();
        late.begin(Access::Write).unwrap();
        late.run(line).unwrap();
        early.run(line).unwrap();
        late
    });
    let mut late = Some(late.join().unwrap());
    let done = copied(&place, &target, false, move |table, rows| {
        if table == "trail"
            && let Some(mut late) = late.take()
        {
            assert_eq!(rows, 1, "the late line was not there yet");
            late.commit().unwrap();
        }
    });
    assert_eq!(done.await.unwrap().tables[1], ("trail", 2));
    assert_eq!(content(&target, ""), content(&place, "_moved"));
}

/// A statement over a large table exceeds the statement timeout. Here, each line takes its time.
#[tokio::test(flavor = "multi_thread")]
async fn no_statement_of_a_copy_reads_a_whole_table() {
    let (place, target) = (Place::postgres(), Place::sqlite());
    place.open().close();
    for sql in [
        "INSERT INTO trail (at, event, actor, device, user_name, success, reason) \
         SELECT n, 'e', 'a', n, 'u', 1, 'r' FROM generate_series(1, 6000) AS n",
        "ALTER TABLE trail RENAME TO line",
        "ANALYZE line",
        "CREATE VIEW trail AS SELECT * FROM line WHERE pg_sleep(0.0005) IS NOT NULL",
    ] {
        run(&place, sql);
    }
    let whole = place.with(|connection| connection.run("SELECT count(*) FROM trail").map(|_| ()));
    assert!(whole.unwrap_err().to_string().contains("statement timeout"));
    assert_eq!(copied(&place, &target, true, |_, _| ()).await.unwrap().tables[1], ("trail", 6000));
}

#[test]
fn a_file_that_is_not_there_is_no_store_to_copy() {
    let (source, target) = (Place::sqlite(), Place::sqlite());
    let error = copy(&source.location, &target.location, false, &mut |_, _| ()).unwrap_err();
    assert!(error.contains("there is no such file"), "{error}");
    std::fs::write(source.location.file().unwrap(), "").unwrap();
    let error = copy(&source.location, &target.location, false, &mut |_, _| ()).unwrap_err();
    assert!(error.contains("there is no store, and so nothing to copy"), "{error}");
    assert!(!target.location.file().unwrap().exists(), "and none is made");
    assert_eq!(std::fs::read(source.location.file().unwrap()).unwrap(), b"");
}
