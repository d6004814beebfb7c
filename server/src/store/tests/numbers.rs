//! Ids of devices: drawn at random, each given once. Ids that an older store counted stay.

use keyfob_scim::{Attribute, Entry, Error, EventKind, Filter, Naming, PageStart, Query, Row, ScimType, Scope, Sort, Step, Swap};

use super::{NOW, Place, device, entry, event, insert, keys, on_both, swap};
use crate::database::{Connection, Sql};
use crate::store::keys::Sealer;
use crate::store::outbox::Drafts;
use crate::store::{Store, schema, writes};

on_both! {
    a_number_that_is_taken_is_passed_over_and_the_next_one_stored
    an_older_store_keeps_its_devices_and_their_order_and_goes_on_with_its_names
    serial_is_given_once_until_its_device_is_deleted
    serial_goes_to_one_of_the_devices_that_claim_it_at_once
    token_is_given_to_a_user_and_taken_back
}

async fn serial_is_given_once_until_its_device_is_deleted(place: Place) {
    let store = place.open();
    let insert = || {
        let name = Naming::Serial("FTK200".to_owned());
        store.insert(Box::new(entry("")), name, event(EventKind::Create, 0), Vec::new())
    };
    // Also of several that come at once.
    let (one, two, three) = tokio::join!(insert(), insert(), insert());
    let (stored, refused): (Vec<_>, Vec<_>) = [one, two, three].into_iter().partition(Result::is_ok);
    assert_eq!(stored.len(), 1);
    for refusal in refused {
        let error = refusal.unwrap_err();
        assert_eq!((error.status, error.scim_type), (409, Some(ScimType::Uniqueness)));
    }
    let stored = stored.into_iter().next().unwrap().unwrap();
    assert_eq!(store.get(stored.row.id).await.unwrap(), Some(*stored));
    place.with(|connection| connection.run("UPDATE device SET deleted = 1").unwrap());
    insert().await.unwrap();
    assert_eq!(insert().await.unwrap_err().status, 409);
    store.close();
}

async fn serial_goes_to_one_of_the_devices_that_claim_it_at_once(place: Place) {
    // Two handles on one store, as in two processes.
    let stores = [place.open(), place.open()];
    let insert = |store: Store| async move {
        store.insert(Box::new(entry("")), Naming::Serial("FTK200".to_owned()), event(EventKind::Create, 0), Vec::new()).await
    };
    let mut deleted = Vec::new();
    for _ in 0..6 {
        deleted.push(insert(stores[0].clone()).await.unwrap());
        place.with(|connection| connection.run("UPDATE device SET deleted = 1").unwrap());
    }
    for round in 0..10 {
        let claims = deleted.iter().enumerate().map(|(at, read)| {
            let (store, next) = (stores[at % 2].clone(), Entry { version: round, ..(**read).clone() });
            let event = event(EventKind::Revive, next.row.id);
            let swap = Box::new(Swap { entry: next, scope: Scope::Whole, claims_serial: true, event, signals: Vec::new() });
            let then = Box::new(|is_swapped| Step::Done(Error::new(if is_swapped { 200 } else { 412 }, "").into()));
            tokio::spawn(async move { store.change(Step::Swap { swap, then }).await.map(|stepped| stepped.step) })
        });
        let create = tokio::spawn(insert(stores[1].clone()));
        let mut given = 0;
        for claim in claims.collect::<Vec<_>>() {
            match claim.await.unwrap() {
                Ok(Step::Done(response)) => given += usize::from(response.status == 200),
                Ok(_) => panic!("it ends there"),
                Err(error) => assert_eq!((error.status, error.scim_type), (409, Some(ScimType::Uniqueness))),
            }
        }
        given += usize::from(create.await.unwrap().is_ok());
        let living = "SELECT count(*) FROM device WHERE deleted = 0";
        let living = place.with(|connection| connection.run(living).unwrap()[0].number(0).unwrap());
        assert_eq!((given, living), (1, 1), "{round}");
        let reset = format!("UPDATE device SET deleted = 1, version = {}", round + 1);
        place.with(|connection| connection.run(&reset).unwrap());
    }
    // The device that has the serial keeps it.
    let read = stores[0].get(deleted[0].row.id).await.unwrap().unwrap();
    for _ in 0..2 {
        let next = Entry { row: Row { deleted: false, ..read.row.clone() }, ..stores[0].get(read.row.id).await.unwrap().unwrap() };
        let event = event(EventKind::Revive, next.row.id);
        assert!(
            swap(&stores[0], Box::new(Swap { entry: next, scope: Scope::Whole, claims_serial: true, event, signals: Vec::new() }))
                .await
        );
    }
    stores.into_iter().for_each(Store::close);
}

async fn token_is_given_to_a_user_and_taken_back(place: Place) {
    let store = place.open();
    let mut token =
        *store.insert(Box::new(entry("")), Naming::Serial("1".to_owned()), event(EventKind::Create, 0), Vec::new()).await.unwrap();
    for user in ["alice", ""] {
        user.clone_into(&mut token.row.user);
        let swap = Swap {
            entry: token.clone(),
            scope: Scope::Whole,
            claims_serial: false,
            event: event(EventKind::Update, token.row.id),
            signals: Vec::new(),
        };
        let step = Step::Swap {
            swap: Box::new(swap),
            then: Box::new(|is_swapped| Step::Done(Error::new(if is_swapped { 200 } else { 409 }, "").into())),
        };
        let Step::Done(response) = store.change(step).await.unwrap().step else { panic!("no response") };
        assert_eq!(response.status, 200);
        token = store.get(token.row.id).await.unwrap().unwrap();
        assert_eq!((token.row.user.as_str(), token.row.name.as_str()), (user, "1"));
    }
    store.close();
}

async fn a_number_that_is_taken_is_passed_over_and_the_next_one_stored(place: Place) {
    let store = place.open();
    let insert_under = |numbers: [i64; 3], user: &str| {
        let (mut made, mut draws) = (entry(user), numbers.into_iter());
        place.with(|connection| {
            let (name, event) = (Naming::Numbered("HOTP"), event(EventKind::Create, 0));
            writes::insert(connection, &keys(), || Ok(draws.next().unwrap()), &mut made, &name, &event, &Drafts::default())
                .unwrap();
        });
        (made, draws.len())
    };
    let (alice, left) = insert_under([7, 8, 9], "alice");
    assert_eq!((alice.row.id, left), (7, 2));
    let (bob, left) = insert_under([7, 7, 8], "bob");
    assert_eq!((bob.row.id, left), (8, 0));
    // The returned entry is the stored one: a QR code has the secret of the stored record.
    for stored in [alice, bob] {
        assert_eq!(store.get(stored.row.id).await.unwrap(), Some(stored.clone()));
        let lines = store
            .trail(&crate::store::TrailQuery { device: Some(stored.row.id), limit: 9, ..Default::default() })
            .await
            .unwrap()
            .rows;
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
    store.close();
}

/// Makes a store of the version that counted devices, with some devices.
fn older(connection: &mut dyn Connection) {
    schema::migrate_to(connection, 2).unwrap();
    for id in 1..=3_i64 {
        let created = NOW + id.unsigned_abs();
        let mut sql =
            Sql::new("INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record) VALUES (");
        sql.bind(id).push(", 0, ").bind(&format!("HOTP{id:08}")).push(", 'old', 0, 'HOTP', 'C', 0, ");
        sql.bind(i64::try_from(created).unwrap())
            .push(", ")
            .bind(Sealer::unchecked(&keys()).seal(&device(created), id).unwrap())
            .push(")");
        connection.rows(&sql).unwrap();
    }
    connection.run("UPDATE sequence SET last = 3").unwrap();
}

async fn an_older_store_keeps_its_devices_and_their_order_and_goes_on_with_its_names(place: Place) {
    place.with(older);
    let store = place.open();
    for id in 1..=3_i64 {
        let found = store.get(id).await.unwrap().unwrap();
        assert_eq!((found.row.name, found.device), (format!("HOTP{id:08}"), device(NOW + id.unsigned_abs())));
    }
    let mut new = Vec::new();
    for _ in 0..3 {
        let mut given = entry("new");
        given.row.created = NOW + 9;
        new.push(insert(&store, given).await.row);
    }
    let names: Vec<_> = new.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["HOTP00000004", "HOTP00000005", "HOTP00000006"]);
    assert!(new.iter().all(|row| (1 << 32..1 << 52).contains(&row.id)), "{new:?}");
    let sort = Sort { by: Attribute::Created, descending: false };
    let query = Query {
        filter: Filter::And(Vec::new()),
        excludes_deleted: false,
        sort,
        then_by: Vec::new(),
        start: PageStart::Offset(0),
        limit: 10,
    };
    let mut expected: Vec<_> = new.iter().map(|row| row.id).collect();
    expected.sort_unstable();
    let listed: Vec<_> = store.list("a", &query).await.unwrap().page.rows.into_iter().map(|row| row.id).collect();
    assert_eq!(listed, [&[1, 2, 3], &expected[..]].concat(), "by the time of creation, then by number");
    store.close();
    let left = place.with(|connection| connection.run("SELECT name FROM sequence").unwrap());
    assert_eq!(left.into_iter().map(|mut record| record.text(0).unwrap()).collect::<Vec<_>>(), ["name"]);
}
