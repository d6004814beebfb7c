//! SQLite: the file and the files beside it.

use std::fs;
#[cfg(unix)]
use std::path::Path;

use keyfob_scim::{EventKind, Naming};
use rusqlite::ffi;

use super::lossy::{Fate, Lossy};
use super::{Place, entry, event, insert, keys, wrong_answer};
#[cfg(unix)]
use crate::database::Sqlite;
use crate::database::uncommitted;
use crate::database::{Access, Connection, DatabaseError, ErrorKind, transaction};
use crate::database::{persist, reread};
use crate::store::batch::{Swapped, Write, settle};
use crate::store::keys::Sealer;
use crate::store::outbox::Drafts;
use crate::store::reads::find;
use crate::store::{KeyFile, Store, schema, writes};

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::sqlite();
    let file = KeyFile::new(&place.folder.path().join("key"));
    let (is_new, is_new_again) = (file.read_or_make().unwrap().1, file.read_or_make().unwrap().1);
    assert!(is_new && !is_new_again);
    let store = place.open();
    insert(&store, entry("alice")).await;
    for file in fs::read_dir(place.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
    store.close();
}

#[tokio::test]
async fn nothing_readable_of_a_secret_is_in_the_files() {
    let place = Place::sqlite();
    let store = place.open();
    insert(&store, entry("alice")).await;
    store.close();
    // Commits that are not yet in the database are in the log beside it.
    let files = fs::read_dir(place.folder.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let bytes = files.collect::<Vec<_>>().concat();
    assert!(!bytes.windows(20).any(|window| window == [7; 20]));
    assert!(bytes.windows(3).any(|window| window == b"kfs"), "the sealed record must be there");
}

#[test]
fn a_read_that_cannot_end_leaves_no_transaction_behind() {
    let place = Place::sqlite();
    let mut connection = Lossy { inner: place.connection(), fates: Vec::new() };
    schema::migrate(&mut connection).unwrap();
    for trouble in [vec![Fate::Well, Fate::Undone], vec![Fate::Well, Fate::Well, Fate::Undone]] {
        connection.fates = trouble;
        assert!(find(&mut connection, &keys(), [1].into_iter()).is_err());
        assert!(find(&mut connection, &keys(), [1].into_iter()).unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_file_that_is_not_utf_8_is_refused_with_a_cure() {
    let place = Place::sqlite();
    let file = rusqlite::Connection::open(place.location.file().unwrap()).unwrap();
    file.execute_batch("PRAGMA encoding = 'UTF-16'; CREATE TABLE other (id)").unwrap();
    let error = Store::open(&place.location, keys()).unwrap_err();
    assert!(error.contains("UTF-16") && error.contains(".dump"), "{error}");
    let made: i64 = file.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(made, 1, "nothing is changed");
}

#[test]
fn a_commit_that_fails_leaves_open_what_was_stored_unless_nothing_can_have_been() {
    let kind = |code| uncommitted(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).kind;
    for code in
        [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_NOMEM, ffi::SQLITE_CORRUPT]
    {
        assert_eq!(kind(code), ErrorKind::Unknown, "{code}");
    }
    for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_ERROR] {
        assert_eq!(kind(code), ErrorKind::Refused, "{code}");
    }
}

#[tokio::test]
async fn a_batch_whose_commit_failed_is_sent_again_and_stored_once() {
    let place = Place::sqlite();
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    let mut connection = Lossy { inner: place.connection(), fates: Vec::new() };
    let line = event(EventKind::Verify, 77);
    // BEGIN, the swap, its line, the other line, COMMIT.
    connection.fates = vec![Fate::Well, Fate::Well, Fate::Well, Fate::Well, Fate::Undone];
    let swap = wrong_answer(&read);
    let mut settled = settle(&mut connection, vec![Write::new(&swap, &[], &Sealer::unchecked(&keys())).unwrap()], &[&line]);
    assert!(connection.fates.is_empty() && settled.lines.is_ok());
    assert_eq!(settled.swaps.remove(&read.row.id).unwrap().unwrap(), Swapped::Stored);
    connection.fates = vec![Fate::Well, Fate::Well, Fate::Undone];
    assert!(settle(&mut connection, Vec::new(), &[&line]).lines.is_ok());
    assert_eq!(store.get(read.row.id).await.unwrap().unwrap().row.fails, 1);
    let lines = connection.inner.run("SELECT count(*) FROM trail").unwrap()[0].number(0).unwrap();
    assert_eq!(lines, 1 + 1 + 2);
    store.close();
}

#[tokio::test]
async fn create_is_one_commit_and_stored_once_under_the_name_of_its_reply() {
    let place = Place::sqlite();
    let store = place.open();
    let mut connection = Lossy { inner: place.connection(), fates: Vec::new() };
    let name = Naming::Numbered("HOTP");
    // BEGIN, the name, the device, its line, COMMIT.
    for (id, last) in [(7, Fate::Well), (8, Fate::Unheard), (9, Fate::Undone)] {
        connection.fates = vec![Fate::Well, Fate::Well, Fate::Well, Fate::Well, last];
        let mut made = entry("alice");
        writes::insert(&mut connection, &keys(), || Ok(id), &mut made, &name, &event(EventKind::Create, 0), &Drafts::default())
            .unwrap();
        assert!(connection.fates.is_empty(), "{last:?}");
        assert_eq!(store.get(id).await.unwrap().as_ref(), Some(&made), "{last:?}");
    }
    let mut names = connection.inner.run("SELECT count(DISTINCT name), count(*) FROM device").unwrap();
    assert_eq!((names[0].number(0).unwrap(), names[0].number(1).unwrap()), (3, 3));
    assert_eq!(connection.inner.run("SELECT count(*) FROM trail").unwrap()[0].number(0).unwrap(), 3);
    store.close();
}

#[test]
fn write_whose_first_try_was_lost_stays_unknown_and_a_read_changes_nothing() {
    let place = Place::sqlite();
    let mut connection = Lossy { inner: place.connection(), fates: Vec::new() };
    for last in [ErrorKind::Refused, ErrorKind::Unreached] {
        let work = || {
            let mut tries = 0;
            move |_: &mut dyn Connection| {
                tries += 1;
                Err::<(), _>(DatabaseError::from_kind(if tries == 1 { ErrorKind::Unknown } else { last }, "lost"))
            }
        };
        assert_eq!(persist(&mut connection, work()).unwrap_err().kind, ErrorKind::Unknown);
        assert_eq!(reread(&mut connection, work()).unwrap_err().kind, ErrorKind::Unreached);
    }
    connection.fates = vec![Fate::Undone];
    let begun = transaction(&mut connection, Access::Write, |_| Ok(()));
    assert_eq!(begun.unwrap_err().kind, ErrorKind::Unreached, "what did not begin was not done");
    for (access, kind) in [(Access::Write, ErrorKind::Unknown), (Access::Snapshot, ErrorKind::Unreached)] {
        connection.fates = vec![Fate::Well, Fate::Undone];
        assert_eq!(transaction(&mut connection, access, |_| Ok(())).unwrap_err().kind, kind, "{access:?}");
    }
}

/// A file is its device and its inode: a copy is another file.
#[cfg(unix)]
#[test]
fn commit_to_a_file_that_is_gone_gives_no_verdict() {
    for take in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| {
            fs::copy(path, path.with_extension("copy")).unwrap();
            fs::rename(path.with_extension("copy"), path).unwrap();
        },
    ] {
        let place = Place::sqlite();
        let mut connection = place.connection();
        schema::migrate(&mut *connection).unwrap();
        let account = "INSERT INTO account (name, roles) VALUES ('a', '')";
        let done = transaction(&mut *connection, Access::Write, |connection| {
            connection.run(account)?;
            take(place.location.file().unwrap());
            Ok(())
        });
        assert_eq!(done.unwrap_err().kind, ErrorKind::Gone);
        // Not only in a transaction.
        assert_eq!(connection.run("SELECT 1").unwrap_err().kind, ErrorKind::Gone);
        assert_eq!(connection.begin(Access::Snapshot).unwrap_err().kind, ErrorKind::Gone);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_is_followed_and_one_that_leads_elsewhere_is_another_file() {
    let place = Place::sqlite();
    let (link, file) = (place.location.file().unwrap(), place.folder.path().join("real.db"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, link).unwrap();
    let mut connection = place.connection();
    schema::migrate(&mut *connection).unwrap();
    assert!(place.folder.path().join("real.db-wal").exists(), "what stands beside it is beside the real one");
    connection.run("SELECT 1").unwrap();
    fs::remove_file(place.folder.path().join("real.db-wal")).unwrap();
    assert_eq!(connection.run("SELECT 1").unwrap_err().kind, ErrorKind::Gone);
    drop(connection);
    let mut connection = place.connection();
    let other = place.folder.path().join("other.db");
    fs::copy(&file, &other).unwrap();
    fs::remove_file(link).unwrap();
    std::os::unix::fs::symlink(&other, link).unwrap();
    assert_eq!(connection.run("SELECT 1").unwrap_err().kind, ErrorKind::Gone);
}

/// All connections of a process use the same file.
#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_between_two_connections_is_not_opened() {
    let place = Place::sqlite();
    let path = place.location.file().unwrap();
    let writer = Sqlite::writer(path).unwrap();
    fs::copy(path, path.with_extension("copy")).unwrap();
    fs::rename(path.with_extension("copy"), path).unwrap();
    assert_eq!(writer.another(false).unwrap_err().kind, ErrorKind::Gone);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_with_a_second_name_is_refused() {
    let place = Place::sqlite();
    let file = place.location.file().unwrap();
    insert(&place.open(), entry("alice")).await;
    let other = file.with_file_name("hard.db");
    fs::hard_link(file, &other).unwrap();
    let error = place.open_with(keys()).unwrap_err();
    assert!(error.contains("hard link") && error.contains("remove the other name"), "{error}");
    fs::remove_file(other).unwrap();
    assert!(place.open_with(keys()).is_ok());
}
