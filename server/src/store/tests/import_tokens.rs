//! Tokens of files, by their serials and secrets.

use keyfob::{Device, Hotp, Secret, Totp};
use keyfob_scim::{ChangeType, Entry, EventKind, Naming};

use super::{KEY, NOW, Place, device, event, insert, keys, on_both, outbox};
use crate::database::{Access, Sql, transaction};
use crate::store::import_tokens::Page;
use crate::store::keys::Sealer;
use crate::store::rooms::Rooms;
use crate::store::schema;
use crate::store::{Keys, NewToken, Store, TokenOutcome, TokenPreview, TrailQuery};

on_both! {
    tokens_are_stored_once_under_their_serials
    signals_of_tokens_are_stored_with_them
    page_that_is_written_again_stores_nothing_twice
    page_with_a_taken_id_stores_nothing
    two_imports_of_one_file_store_each_token_once
    token_without_a_serial_is_stored_once_by_two_imports
    serial_of_an_import_is_taken_for_other_requests
    deleted_token_is_not_imported_anew
    preview_says_what_an_import_would_do_and_changes_nothing
    preview_finds_tokens_without_a_serial_by_their_secret
    preview_finds_tokens_under_another_serial_by_their_secret
    preview_needs_the_keys_of_the_store
    preview_reads_a_store_that_is_old_or_half_made
    token_whose_device_is_damaged_is_left_alone
}

fn secret(byte: u8) -> Secret {
    Secret::new(&[byte; 20]).unwrap()
}

fn hotp(byte: u8) -> Device {
    Device::hotp(Hotp::new(secret(byte)), 5, NOW)
}

fn token(serial: &str, device: Device) -> NewToken {
    NewToken { entry: Entry::from_token(device, None).unwrap(), naming: Naming::Serial(serial.to_owned()), signals: Vec::new() }
}

fn unnamed(device: Device, user: &str) -> NewToken {
    let naming = Naming::for_device(device.kind(), None, None);
    NewToken { entry: Entry::from_token(device, Some(user)).unwrap(), naming, signals: Vec::new() }
}

async fn import(store: &Store, tokens: &[NewToken]) -> Vec<TokenOutcome> {
    store.import_tokens(tokens.to_vec(), "import", NOW).await.unwrap()
}

/// A preview, which may block.
fn preview<T: Send>(place: &Place, work: impl FnOnce(TokenPreview) -> T + Send) -> T {
    let look = || work(TokenPreview::open(&place.location, || Ok(keys())).unwrap());
    std::thread::scope(|scope| scope.spawn(look).join()).unwrap()
}

fn count(place: &Place) -> usize {
    place.with(|connection| connection.rows(&Sql::new("SELECT id FROM device")).unwrap().len())
}

async fn tokens_are_stored_once_under_their_serials(place: Place) {
    let store = place.open();
    let short = Device::totp(Totp::new(Secret::new_allowing_short(&[9; 10]).unwrap()), NOW);
    let all = [token("A1", hotp(1)), token("A2", hotp(2)), unnamed(short, "alice")];
    assert_eq!(import(&store, &all).await, [TokenOutcome::Stored; 3]);
    let mut lines = store.trail(&TrailQuery { limit: 10, ..TrailQuery::default() }).await.unwrap().rows;
    lines.sort_by_key(|line| line.device);
    let mut named = Vec::new();
    for line in &lines {
        assert_eq!((line.event.as_str(), line.actor.as_str(), line.at), ("credential-change:create", "import", 1_700_000_000));
        let entry = store.get(line.device).await.unwrap().unwrap();
        let counter = entry.device.moving_factor();
        named.push((entry.row.name, entry.row.user, line.reason.clone(), counter));
    }
    let known = |name: &str, user: &str, reason: &str, counter| (name.to_owned(), user.to_owned(), reason.to_owned(), counter);
    assert_eq!(named, [known("A1", "", "C", 5), known("A2", "", "C", 5), known("TOTP00000001", "alice", "short secret", 0)]);
    // Once more, beside others.
    let totp = Device::totp(Totp::new(secret(2)), NOW);
    let again = [token("A1", hotp(1)), token("A2", hotp(3)), token("A2", totp), token("A3", hotp(3))];
    let wanted = [TokenOutcome::Unchanged, TokenOutcome::SerialIsTaken, TokenOutcome::SerialIsTaken, TokenOutcome::Stored];
    assert_eq!(import(&store, &again).await, wanted);
    assert_eq!(count(&place), 4);
    assert_eq!(import(&store, &[]).await, []);
    store.close();
}

/// The connection was lost in a commit, and nobody knows whether the page was stored.
async fn signals_of_tokens_are_stored_with_them(place: Place) {
    let store = outbox::open(&place, &["idp"], 2);
    let signed = |token: NewToken| {
        let signals = vec![outbox::signal(&token.entry, ChangeType::Create)];
        NewToken { signals, ..token }
    };
    let all = [signed(token("A1", hotp(1))), token("A2", hotp(2)), signed(unnamed(hotp(3), "alice"))];
    assert_eq!(import(&store, &all).await, [TokenOutcome::Stored; 3]);
    let again = [signed(token("A1", hotp(1))), signed(token("A2", hotp(9)))];
    assert_eq!(import(&store, &again).await, [TokenOutcome::Unchanged, TokenOutcome::SerialIsTaken]);
    let mut names = Vec::new();
    for signal in store.waiting_signals("idp", Vec::new(), 10).await.unwrap() {
        let name = store.get(signal.device).await.unwrap().unwrap().row.name;
        assert_eq!((signal.signal.device_id, &signal.signal.device_name), (signal.device, &name));
        names.push(name);
    }
    assert_eq!(names, ["A1", "HOTP00000001"]);
    // The refused tokens gave their room back, so the outbox is no fuller than that.
    assert_eq!(store.write_lost().await, Ok(Vec::new()));
    assert_eq!(import(&store, &[signed(token("A3", hotp(4)))]).await, [TokenOutcome::Stored], "its signal is lost, and it is not");
    assert_eq!(store.write_lost().await, Ok(vec![("idp".to_owned(), 1)]));
}

async fn page_that_is_written_again_stores_nothing_twice(place: Place) {
    let store = place.open();
    let all = [token("A1", hotp(1)), unnamed(hotp(2), "bob")];
    place.with(|connection| {
        let page = Page::seal(&all, &Sealer::unchecked(&keys()), &Rooms::default(), "import", NOW).unwrap();
        for _ in 0..2 {
            let stored = transaction(connection, Access::Write, |connection| page.store(connection, &keys())).unwrap();
            assert_eq!(stored, Some(vec![TokenOutcome::Stored; 2]));
        }
    });
    assert_eq!(count(&place), 2);
    assert_eq!(store.trail(&TrailQuery { limit: 10, ..TrailQuery::default() }).await.unwrap().rows.len(), 2);
    store.close();
}

async fn page_with_a_taken_id_stores_nothing(place: Place) {
    let store = place.open();
    let other = insert(&store, super::entry("other")).await;
    place.with(|connection| {
        let mut page = Page::seal(
            &[token("A1", hotp(1)), token("A2", hotp(2))],
            &Sealer::unchecked(&keys()),
            &Rooms::default(),
            "import",
            NOW,
        )
        .unwrap();
        page.tokens[1].entry.row.id = other.row.id;
        let stored = transaction(connection, Access::Write, |connection| page.store(connection, &keys())).unwrap();
        assert_eq!(stored, None);
    });
    assert_eq!(count(&place), 1);
    store.close();
}

async fn two_imports_of_one_file_store_each_token_once(place: Place) {
    let stores = [place.open(), place.open()];
    let all: Vec<_> = (1..=60).map(|number| token(&format!("A{number}"), hotp(number))).collect();
    let (one, other) = tokio::join!(import(&stores[0], &all), import(&stores[1], &all));
    let mut outcomes: Vec<_> = one.into_iter().zip(other).collect();
    outcomes.dedup();
    let (first, second) = outcomes[0];
    assert_eq!(outcomes.len(), 1, "a page is stored whole");
    assert!(matches!(
        (first, second),
        (TokenOutcome::Stored, TokenOutcome::Unchanged) | (TokenOutcome::Unchanged, TokenOutcome::Stored)
    ));
    assert_eq!(count(&place), 60);
    stores.into_iter().for_each(Store::close);
}

/// A second import may have looked for the secrets before the first one stored them.
async fn token_without_a_serial_is_stored_once_by_two_imports(place: Place) {
    let stores = [place.open(), place.open()];
    let all: Vec<_> = (1..=60).map(|number| unnamed(hotp(number), &format!("user{}", number % 7))).collect();
    tokio::join!(import(&stores[0], &all), import(&stores[1], &all));
    assert_eq!(count(&place), 60);
    place.with(|connection| connection.run("UPDATE device SET deleted = 1 WHERE user_name = 'user1'").unwrap());
    let totp = Device::totp(Totp::new(secret(2)), NOW);
    let again = [unnamed(hotp(1), "user1"), unnamed(hotp(2), "user2"), unnamed(totp, "user2")];
    let wanted = [TokenOutcome::WasDeleted, TokenOutcome::Unchanged, TokenOutcome::Stored];
    assert_eq!(import(&stores[1], &again).await, wanted);
    stores.into_iter().for_each(Store::close);
}

async fn serial_of_an_import_is_taken_for_other_requests(place: Place) {
    let store = place.open();
    import(&store, &[token("A1", hotp(1))]).await;
    let entry = Box::new(Entry::from_token(device(NOW), None).unwrap());
    let refused = store.insert(entry, Naming::Serial("A1".to_owned()), event(EventKind::Create, 0), Vec::new()).await.unwrap_err();
    assert_eq!(refused.status, 409);
    store.close();
}

/// A device that was deleted has used codes. A new one with the counter of the file would take
/// them.
async fn deleted_token_is_not_imported_anew(place: Place) {
    let store = place.open();
    let all = [token("A1", hotp(1)), token("A2", hotp(2))];
    import(&store, &all).await;
    place.with(|connection| connection.run("UPDATE device SET deleted = 1 WHERE name = 'A1'").unwrap());
    assert_eq!(import(&store, &all).await, [TokenOutcome::WasDeleted, TokenOutcome::Unchanged]);
    // Another token may have its serial.
    assert_eq!(import(&store, &[token("A1", hotp(3))]).await, [TokenOutcome::Stored]);
    assert_eq!(import(&store, &all).await, [TokenOutcome::SerialIsTaken, TokenOutcome::Unchanged]);
    store.close();
}

async fn preview_says_what_an_import_would_do_and_changes_nothing(place: Place) {
    let all = || [token("A1", hotp(1)), token("A2", hotp(2)), unnamed(hotp(3), "bob")];
    assert_eq!(preview(&place, |mut preview| preview.outcomes(&all())), Ok(vec![TokenOutcome::Stored; 3]));
    assert!(!place.location.file().is_some_and(std::path::Path::exists), "nothing was made");
    let store = place.open();
    import(&store, &[token("A1", hotp(1)), token("A2", hotp(9))]).await;
    let wanted = vec![TokenOutcome::Unchanged, TokenOutcome::SerialIsTaken, TokenOutcome::Stored];
    assert_eq!(preview(&place, |mut preview| preview.outcomes(&all())), Ok(wanted));
    assert_eq!(count(&place), 2);
    store.close();
}

async fn preview_finds_tokens_without_a_serial_by_their_secret(place: Place) {
    assert_eq!(preview(&place, |mut preview| preview.outcome_by_secret(&unnamed(hotp(1), "alice"))), Ok(None));
    let store = place.open();
    import(&store, &[unnamed(hotp(1), "alice"), token("A2", hotp(2)), token("A3", hotp(3))]).await;
    place.with(|connection| connection.run("UPDATE device SET deleted = 1 WHERE name = 'A2'").unwrap());
    let found = preview(&place, |mut preview| {
        let totp = Device::totp(Totp::new(secret(1)), NOW);
        let mut find = |device, user| preview.outcome_by_secret(&unnamed(device, user)).unwrap();
        assert_eq!([find(hotp(5), "alice"), find(totp, "alice")], [None, None]);
        [find(hotp(1), "alice"), find(hotp(1), "bob"), find(hotp(2), "bob"), find(hotp(3), "bob")]
    });
    let wanted =
        [TokenOutcome::Unchanged, TokenOutcome::SecretIsTaken, TokenOutcome::WasDeleted, TokenOutcome::Unchanged].map(Some);
    assert_eq!(found, wanted);
    store.close();
}

/// The file of another service may write a serial otherwise.
async fn preview_finds_tokens_under_another_serial_by_their_secret(place: Place) {
    let store = place.open();
    // One secret of two devices, as older stores have it.
    let twice = [token("A1", hotp(1)), token("A2", hotp(2)), unnamed(hotp(3), "alice"), token("A4", hotp(4)), token("A5", hotp(4))];
    import(&store, &twice).await;
    place.with(|connection| connection.run("UPDATE device SET deleted = 1 WHERE name IN ('A2', 'A4')").unwrap());
    let found = preview(&place, |mut preview| {
        let serials = ["A1", "A2", "A4", "A5", "a1", "a2", "A3", "A6"].into_iter().zip([1, 2, 4, 4, 1, 2, 3, 5]);
        serials.map(|(serial, secret)| preview.outcome_by_secret(&token(serial, hotp(secret))).unwrap()).collect::<Vec<_>>()
    });
    let (other, deleted) = (Some(TokenOutcome::SecretHasOtherName), Some(TokenOutcome::WasDeleted));
    assert_eq!(found, [None, None, None, None, other, deleted, other, None]);
    store.close();
}

async fn preview_needs_the_keys_of_the_store(place: Place) {
    let store = place.open();
    import(&store, &[token("A1", hotp(1))]).await;
    let other = || Keys::parse(&KEY.replace("0001", "0203"));
    let look = || TokenPreview::open(&place.location, other).err();
    let error = std::thread::scope(|scope| scope.spawn(look).join()).unwrap().unwrap();
    assert!(error.contains("is not that of the store"), "{error}");
    store.close();
}

async fn preview_reads_a_store_that_is_old_or_half_made(place: Place) {
    for steps in [0, 1, 3] {
        place.with(|connection| schema::migrate_to(connection, steps).unwrap());
        assert_eq!(preview(&place, |mut preview| preview.outcomes(&[token("A1", hotp(1))])), Ok(vec![TokenOutcome::Stored]));
    }
}

async fn token_whose_device_is_damaged_is_left_alone(place: Place) {
    let store = place.open();
    import(&store, &[token("A1", hotp(1))]).await;
    place.with(|connection| connection.run("UPDATE device SET record = substr(record, 1, 20)").unwrap());
    assert_eq!(
        import(&store, &[token("A1", hotp(1)), token("A2", hotp(2))]).await,
        [TokenOutcome::IsUnreadable, TokenOutcome::Stored]
    );
    store.close();
}
