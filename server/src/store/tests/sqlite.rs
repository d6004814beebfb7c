//! What holds of a file.

use super::lossy::{Fate, Lossy};
use super::{Place, entry, insert, keys};
use crate::store::reads::find;
use crate::store::{KeyFile, schema};

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
    for file in std::fs::read_dir(place.folder.path()).unwrap() {
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
    let files = std::fs::read_dir(place.folder.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
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
