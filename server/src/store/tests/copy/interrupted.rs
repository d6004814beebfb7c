//! Copies that are interrupted and continued.

use super::*;

on_both! {
    a_copy_goes_on_without_what_the_source_has_lost_since
    a_move_that_closed_the_source_only_is_finished_by_the_same_command
    a_run_that_another_one_took_over_from_writes_nothing_more
}

/// Copies until rows of the trail were compared, and breaks off there.
async fn broken_off(source: &Place, target: &Place, keep: bool) {
    let error = copied(source, target, keep, |table, _| assert_ne!(table, "trail", "broken off")).await.unwrap_err();
    assert_eq!(error, "broken off");
}

/// A store with devices, lines and accounts.
async fn filled(place: &Place) -> Store {
    let store = place.open();
    assert!(store.check_keys().await.unwrap().is_whole());
    for user in ["alice", "bob", "carol"] {
        insert(&store, entry(user)).await;
        store.add_account(&account(user)).await.unwrap();
    }
    store
}

async fn a_copy_goes_on_without_what_the_source_has_lost_since(place: Place) {
    let source = Place::sqlite();
    let store = filled(&source).await;
    // More lines than are read at a time are deleted before and behind those that stay.
    let lines = "WITH RECURSIVE n (n) AS (SELECT 4 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) INSERT INTO trail \
                 SELECT n, n, 'e', 'a', 1, 'u', 1, 'r', NULL FROM n";
    run(&source, lines);
    for keep in [true, false] {
        broken_off(&source, &place, keep).await;
    }
    // As if the accounts had been copied, too.
    run(&place, "INSERT INTO account_copy VALUES ('alice', 'all', 'hash', NULL), ('gone', 'all', NULL, 'token')");
    store.remove_account("alice").await.unwrap();
    run(&source, "DELETE FROM trail WHERE id < 1200 OR id > 1300");
    run(&source, "DELETE FROM device WHERE user_name = 'bob'");
    let (runtime, busy, location) = (Handle::current(), store.clone(), source.location.clone());
    let mut is_first = true;
    let done = copied(&source, &place, false, move |table, rows| {
        // And again, once everything has been compared.
        if (table, rows) == ("trail", 101) && std::mem::take(&mut is_first) {
            let mut connection = location.writer().unwrap();
            connection.run("DELETE FROM trail WHERE id > 1250").unwrap();
            connection.run("DELETE FROM device WHERE user_name = 'carol'").unwrap();
            runtime.block_on(record(&busy, 1)).unwrap();
        }
    });
    let done = done.await.unwrap();
    assert_eq!(done.tables[..4], [("device", 1), ("trail", 52), ("outbox", 0), ("account", 2)]);
    assert_eq!(content(&place, ""), content(&source, "_moved"));
    store.close();
}

/// The source is closed, and its commit was the last event.
async fn a_move_that_closed_the_source_only_is_finished_by_the_same_command(place: Place) {
    let (source, other) = (Place::sqlite(), Place::sqlite());
    filled(&source).await.close();
    copied(&source, &place, false, |_, _| ()).await.unwrap();
    let finished = place.with(contents);
    // The target's last transaction is undone, with the names, the mark and the changed rows.
    for table in ["device", "trail", "account", "sequence", "key_check", "message_count", "outbox", "signal_stream"] {
        run(&place, &format!("ALTER TABLE {table} RENAME TO {table}_copy"));
    }
    let mark = source.with(|connection| connection.run("SELECT source, target, run FROM migration").unwrap().remove(0).0);
    place.with(|connection| {
        let mut sql = crate::database::Sql::new("INSERT INTO migration (source, target, run) VALUES ");
        sql.tuple(mark);
        connection.change(&sql).unwrap();
    });
    for sql in [
        "INSERT INTO keyfob_schema VALUES (1000000001)",
        "DELETE FROM account_copy",
        "UPDATE device_copy SET version = 99 WHERE user_name = 'bob'",
        "DELETE FROM trail_copy",
    ] {
        run(&place, sql);
    }
    for closed in [&source, &place] {
        assert!(closed.open_with(keys()).is_err(), "none of the two gives verdicts");
    }
    // Only the target of the move is finished.
    let error = copied(&source, &other, false, |_, _| ()).await.unwrap_err();
    assert!(error.contains("its devices were moved to another store by keyfob migrate"), "{error}");
    assert!(!other.location.file().unwrap().exists());
    // The result is reported as it is, with or without `keep`.
    let done = copied(&source, &place, true, |_, _| ()).await.unwrap();
    assert!(done.is_moved && done.tables[0] == ("device", 3), "{done:?}");
    assert_eq!(place.with(contents), finished);
    // Once more: nothing is left to do.
    let again = copied(&source, &place, false, |_, _| ()).await.unwrap();
    assert_eq!(again, Copied { tables: Vec::new(), is_moved: true });
    assert_eq!(place.with(contents), finished);
    let store = place.open();
    assert!(store.check_keys().await.unwrap().is_whole());
    assert_eq!(store.ready().await, Ok(()));
    store.close();
}

async fn a_run_that_another_one_took_over_from_writes_nothing_more(place: Place) {
    let source = Place::sqlite();
    let store = filled(&source).await;
    // The other run is interrupted, or finishes a copy of the source, which stays in use.
    for is_finished in [false, true] {
        let (from, to) = (source.location.clone(), place.location.clone());
        let mut is_first = true;
        let run = copied(&source, &place, false, move |_, _| {
            if std::mem::take(&mut is_first) {
                let (from, to) = (from.clone(), to.clone());
                let other = std::thread::spawn(move || copy(&from, &to, true, &mut |_, _| assert!(is_finished, "broken off")));
                assert_eq!(other.join().is_ok(), is_finished);
            }
        });
        let error = run.await.unwrap_err();
        assert!(error.contains("another keyfob migrate is at work on this copy, or has finished it"), "{error}");
        // Another run would take the copy over from the other one.
        assert!(!error.contains("unfinished") && !error.contains("again"), "{error}");
        assert_eq!(store.ready().await, Ok(()), "the source was not closed");
    }
    assert_eq!(content(&place, ""), content(&source, ""));
    store.close();
}
