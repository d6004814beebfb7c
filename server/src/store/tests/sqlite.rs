//! What holds of a file.

use std::fs;
#[cfg(unix)]
use std::path::Path;

use super::lossy::{Fate, Lossy};
use super::{Place, entry, insert, keys};
use crate::store::reads::find;
#[cfg(unix)]
use crate::store::sql::{Access, Failure, transaction};
#[cfg(unix)]
use crate::store::sqlite::Sqlite;
use crate::store::{Keys, schema};

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::sqlite();
    let (_, is_new) = Keys::file(&place.folder.path().join("key")).unwrap();
    let (_, is_new_again) = Keys::file(&place.folder.path().join("key")).unwrap();
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
    // What is not yet in the database stands in the log beside it.
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

/// A device and an inode: another file of the same content is another.
#[cfg(unix)]
#[test]
fn what_is_committed_to_a_file_that_is_gone_is_not_told() {
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
        assert_eq!(done.unwrap_err().failure, Failure::Gone);
        // Not only in a transaction.
        assert_eq!(connection.run("SELECT 1").unwrap_err().failure, Failure::Gone);
        assert_eq!(connection.begin(Access::Snapshot).unwrap_err().failure, Failure::Gone);
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
    assert_eq!(connection.run("SELECT 1").unwrap_err().failure, Failure::Gone);
    drop(connection);
    let mut connection = place.connection();
    let other = place.folder.path().join("other.db");
    fs::copy(&file, &other).unwrap();
    fs::remove_file(link).unwrap();
    std::os::unix::fs::symlink(&other, link).unwrap();
    assert_eq!(connection.run("SELECT 1").unwrap_err().failure, Failure::Gone);
}

/// All connections of a process are of one file.
#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_between_two_connections_is_not_opened() {
    let place = Place::sqlite();
    let path = place.location.file().unwrap();
    let writer = Sqlite::writer(path).unwrap();
    fs::copy(path, path.with_extension("copy")).unwrap();
    fs::rename(path.with_extension("copy"), path).unwrap();
    assert_eq!(writer.another(false).unwrap_err().failure, Failure::Gone);
}
