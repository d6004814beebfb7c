//! Targets that a copy accepts, and targets that it refuses.

use std::time::{Duration, Instant};

use super::*;

on_both! {
    a_store_that_holds_something_is_not_written_to
    an_unfinished_copy_of_another_store_is_not_written_to
    a_store_that_was_moved_elsewhere_is_not_written_to
    a_database_that_is_not_keyfobs_is_not_written_to
    services_on_an_empty_target_neither_read_nor_write_the_unfinished_copy
}

/// Tries to copy. Checks that the copy is refused with this reason, and that the target has not
/// changed.
async fn refused(source: &Place, target: &Place, reason: &str) {
    let before = target.with(contents);
    for keep in [true, false] {
        let error = copied(source, target, keep, |_, _| ()).await.unwrap_err();
        assert!(error.starts_with(&target.location.to_string()) && error.contains(reason), "{error}");
        assert!(error.contains("nothing was written there: name an empty database or a new file"), "{error}");
        assert_eq!(target.with(contents), before, "{error}");
    }
}

async fn a_store_that_holds_something_is_not_written_to(place: Place) {
    let source = Place::sqlite();
    let store = source.open();
    insert(&store, entry("alice")).await;
    store.add_account(&account("admin")).await.unwrap();
    let target = place.open();
    run(&place, "UPDATE sequence SET last = 1 WHERE name = 'name'");
    refused(&source, &place, "a store with a counter of device names").await;
    run(&place, "UPDATE sequence SET last = 0 WHERE name = 'name'");
    record(&target, 1).await.unwrap();
    refused(&source, &place, "a store with an audit trail").await;
    target.add_account(&account("admin")).await.unwrap();
    refused(&source, &place, "a store with accounts").await;
    // With the same id as the source's device, and used more often.
    let used = insert(&target, entry("bob")).await;
    assert!(swap(&target, wrong_answer(&used)).await);
    refused(&source, &place, "a store with devices").await;
    // A finished copy is a store like any other.
    let kept = Place::sqlite();
    copied(&source, &kept, true, |_, _| ()).await.unwrap();
    refused(&source, &kept, "a store with devices").await;
    assert_eq!(store.ready().await, Ok(()), "the source goes on");
    [store, target].into_iter().for_each(Store::close);
}

async fn an_unfinished_copy_of_another_store_is_not_written_to(place: Place) {
    let (one, other) = (Place::sqlite(), Place::sqlite());
    for source in [&one, &other] {
        let store = source.open();
        insert(&store, entry("alice")).await;
        store.close();
    }
    copied(&one, &place, true, |_, _| panic!("broken off")).await.unwrap_err();
    refused(&other, &place, "an unfinished copy of another store than sqlite://").await;
    // It is no source either.
    let error = copied(&place, &Place::sqlite(), true, |_, _| ()).await.unwrap_err();
    assert!(error.contains("it is an unfinished copy of another store; run the same keyfob migrate again"), "{error}");
    // Neither is an unfinished copy of another version of keyfob.
    run(&place, "DELETE FROM keyfob_schema WHERE version = 3");
    run(&place, "INSERT INTO keyfob_schema VALUES (1000000002)");
    let error = copied(&one, &place, true, |_, _| ()).await.unwrap_err();
    assert!(error.contains("made by a newer keyfob"), "{error}");
}

async fn a_store_that_was_moved_elsewhere_is_not_written_to(place: Place) {
    let (source, elsewhere) = (Place::sqlite(), Place::sqlite());
    for place in [&source, &place] {
        let store = place.open();
        insert(&store, entry("alice")).await;
        store.close();
    }
    copied(&place, &elsewhere, false, |_, _| ()).await.unwrap();
    refused(&source, &place, "a store whose devices were moved to another one").await;
    // Nor is it moved back to where it was.
    refused(&elsewhere, &place, "a store whose devices were moved to another one").await;
}

async fn a_database_that_is_not_keyfobs_is_not_written_to(place: Place) {
    let source = Place::sqlite();
    source.open().close();
    // It has the name of one of keyfob's tables.
    run(&place, "CREATE VIEW device AS SELECT 1 AS id");
    refused(&source, &place, "it holds the view device, which is not keyfob's").await;
    run(&place, "DROP VIEW device");
    run(&place, "CREATE TABLE other (id INTEGER)");
    refused(&source, &place, "it holds the table other, which is not keyfob's").await;
}

#[test]
fn a_file_that_is_no_database_is_not_written_to() {
    let (source, target) = (Place::sqlite(), Place::sqlite());
    source.with(|connection| schema::migrate(connection).unwrap());
    let (file, text) = (target.location.file().unwrap(), "a letter to somebody. ".repeat(100));
    std::fs::write(file, &text).unwrap();
    let error = copy(&source.location, &target.location, true, &mut |_, _| ()).unwrap_err();
    let wanted = "the file is not a SQLite database; nothing was written there: name an empty database or a new file";
    assert!(error.ends_with(wanted), "{error}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
}

#[test]
fn a_target_that_is_no_file_is_named_with_what_to_do() {
    let (source, folder) = (Place::sqlite(), tempfile::tempdir().unwrap());
    source.with(|connection| schema::migrate(connection).unwrap());
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refusal = |path: &str| {
        let target = Location::parse(&format!("sqlite://{path}"), &Options::default()).unwrap();
        copy(&source.location, &target, true, &mut |_, _| ()).unwrap_err()
    };
    let folder = folder.path().to_str().unwrap();
    for (path, what) in [
        (folder, "it is a folder, and must be a file; "),
        ("/dev/null", "it is a pipe, a socket or a device, and must be a file; "),
    ] {
        assert!(
            refusal(path).contains(&format!("{what}nothing was written there: name an empty database or a new file")),
            "{}",
            refusal(path)
        );
    }
    for parent in ["nowhere", "file"] {
        let error = refusal(&format!("{folder}/{parent}/new.db"));
        assert!(error.ends_with(&format!("{parent} is no folder; name a file in a folder that is there")), "{error}");
    }
}

async fn services_on_an_empty_target_neither_read_nor_write_the_unfinished_copy(place: Place) {
    let source = Place::sqlite();
    let (store, early) = (source.open(), place.open());
    assert!(early.check_keys().await.unwrap().is_whole());
    let read = insert(&store, entry("alice")).await;
    let (runtime, busy, id, location) = (Handle::current(), early.clone(), read.row.id, place.location.clone());
    let (sender, tasks) = std::sync::mpsc::channel();
    let mut turn = 0;
    // A file has one writer at a time. A write during the last transaction would wait for it, so
    // the writes have a turn of their own here.
    copied(&source, &place, false, move |_, _| {
        turn += 1;
        if turn > 1 {
            return;
        }
        let refused = runtime.block_on(async {
            assert_eq!(busy.ready().await.map_err(|error| error.status), Err(503));
            assert_eq!(busy.get(id).await.map_err(|error| error.status), Err(503));
            assert_eq!(record(&busy, id).await.map_err(|error| error.status), Err(503));
            assert_eq!(busy.add_account(&account("new")).await.map_err(|error| error.status), Err(503));
            let new = busy
                .insert(Box::new(entry("eve")), keyfob_scim::Naming::Numbered("HOTP"), event(EventKind::Create, 0), Vec::new())
                .await;
            assert_eq!(new.map_err(|error| error.status), Err(503));
            Store::open(&location, keys()).unwrap_err()
        });
        sender.send(refused).unwrap();
    })
    .await
    .unwrap();
    let refused = tasks.recv().unwrap();
    assert!(refused.contains("it is an unfinished copy of another store; run the same keyfob migrate again"), "{refused}");
    assert_eq!(content(&place, ""), content(&source, "_moved"));
    // Once the copy is finished, the service that waited there uses it.
    let until = Instant::now() + Duration::from_secs(30);
    while early.ready().await.is_err() {
        assert!(Instant::now() < until, "it is not ready");
    }
    assert_eq!(early.get(id).await.unwrap(), Some(read));
    [store, early].into_iter().for_each(Store::close);
}

#[cfg(unix)]
#[test]
fn a_file_is_not_copied_to_itself_by_another_name() {
    let place = Place::sqlite();
    place.with(|connection| schema::migrate(connection).unwrap());
    let folder = place.folder.path();
    std::os::unix::fs::symlink(place.location.file().unwrap(), folder.join("symbolic.db")).unwrap();
    let before = place.with(contents);
    std::fs::hard_link(place.location.file().unwrap(), folder.join("hard.db")).unwrap();
    let files = || std::fs::read_dir(folder).unwrap().count();
    let many = files();
    for path in ["test.db", "./test.db", "../{folder}/test.db", "symbolic.db", "hard.db"] {
        let path = path.replace("{folder}", folder.file_name().unwrap().to_str().unwrap());
        let other = Location::parse(&format!("sqlite://{}/{path}", folder.display()), &Options::default()).unwrap();
        for keep in [true, false] {
            let error = copy(&place.location, &other, keep, &mut |_, _| ()).unwrap_err();
            assert!(error.contains("is the store itself; name an empty database or a new file"), "{path}: {error}");
        }
    }
    assert_eq!(files(), many);
    std::fs::remove_file(folder.join("hard.db")).unwrap();
    assert_eq!(place.with(contents), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_not_copied_to_itself_by_another_name() {
    let other_name = |place: &Place| {
        let url = place.location.to_string().replace("127.0.0.1", "localhost");
        Place { location: Location::parse(&url, &Options::default()).unwrap(), folder: tempfile::tempdir().unwrap() }
    };
    let place = Place::postgres();
    place.open().close();
    refused(&place, &other_name(&place), "it is the store itself by another name, or made from its backup").await;
    // Neither is one that has no identity yet.
    let place = Place::postgres();
    place.with(|connection| schema::migrate_to(connection, migrations::IDENTITY_STEP - 1).unwrap());
    let other = other_name(&place);
    let error = copied(&place, &other, true, |_, _| ()).await.unwrap_err();
    assert!(error.contains("it is the store itself by another name"), "{error}");
    assert!(place.open_with(keys()).is_ok(), "it serves as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_restored_from_a_backup_of_the_source_is_not_written_to() {
    let (place, backup) = (Place::sqlite(), Place::sqlite());
    place.open().close();
    run(&place, &format!("VACUUM INTO '{}'", backup.location.file().unwrap().display()));
    refused(&place, &backup, "it is the store itself by another name, or made from its backup").await;
}
