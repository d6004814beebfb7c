//! The outbox: a signal is stored exactly when its change is, once for each receiver and in order.

use std::future::{Future as _, poll_fn};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;

use keyfob::Kind;
use keyfob_scim::{ChangeType, Entry, Initiator, Naming, ScimEvent, ScimOperation, Signal, SignalKind, Swap};

use super::{NOW, Place, entry, event, keys, on_both, swap, wrong_answer};
use crate::store::searches::Claim;
use crate::store::{ListedSignal, OutboxRules, SignalCounts, SignalQuery, Store};

on_both! {
    signal_is_stored_for_each_receiver_exactly_if_its_change_is
    signal_of_a_new_device_has_its_id_and_name
    signals_are_read_in_order_deleted_and_given_up
    signal_that_cannot_be_read_is_given_up_and_holds_up_no_other
    dead_letters_are_listed_sent_again_and_dropped
    full_outbox_loses_new_signals_and_counts_them
    signal_of_one_receiver_needs_no_device
    number_of_a_token_finds_its_row
    reads_of_a_receiver_hold_up_no_others
}

pub(super) fn open(place: &Place, receivers: &[&str], max_waiting: u64) -> Store {
    let receivers = receivers.iter().map(ToString::to_string).collect();
    Store::open_with(&place.location, keys(), OutboxRules { receivers, max_waiting }).unwrap()
}

pub(super) fn signal(entry: &Entry, change: ChangeType) -> Signal {
    Signal {
        kind: SignalKind::CredentialChange(change),
        at: NOW,
        device_id: entry.row.id,
        device_kind: Some(Kind::Hotp),
        device_name: entry.row.name.clone(),
        version: entry.version,
        user: entry.row.user.clone(),
        external_id: None,
        actor: "tester".into(),
        initiator: Initiator::Admin,
        reason: None,
    }
}

pub(super) async fn insert(store: &Store, signals: Vec<Signal>) -> Entry {
    let event = event(keyfob_scim::EventKind::Create, 0);
    *store.insert(Box::new(entry("ada")), Naming::Numbered("HOTP"), event, signals).await.unwrap()
}

/// A wrong code with signals.
pub(super) fn with(entry: &Entry, changes: &[ChangeType]) -> Box<Swap> {
    let mut swap = wrong_answer(entry);
    swap.signals = changes.iter().map(|change| signal(entry, *change)).collect();
    swap
}

pub(super) async fn listed(store: &Store, query: SignalQuery) -> Vec<ListedSignal> {
    let all = store.list_signals(&query, 1000).await.unwrap();
    assert!(all.damaged.is_empty(), "{:?}", all.damaged);
    all.rows
}

pub(super) fn of(receiver: &str) -> SignalQuery {
    SignalQuery { receiver: Some(receiver.into()), ..SignalQuery::default() }
}

async fn waiting(store: &Store, receiver: &str) -> Vec<i64> {
    store.waiting_signals(receiver, Vec::new(), 1000).await.unwrap().iter().map(|signal| signal.id).collect()
}

/// The numbers of the tokens of those that wait.
async fn jtis(store: &Store, receiver: &str) -> Vec<String> {
    store.waiting_signals(receiver, Vec::new(), 1000).await.unwrap().into_iter().map(|signal| signal.jti).collect()
}

async fn signal_is_stored_for_each_receiver_exactly_if_its_change_is(place: Place) {
    let store = open(&place, &["one", "other"], 100);
    let first = insert(&store, Vec::new()).await;
    assert!(swap(&store, with(&first, &[ChangeType::Delete, ChangeType::Create])).await);
    assert!(!swap(&store, with(&first, &[ChangeType::Revoke])).await, "the version is another by now");
    let second = store.get(first.row.id).await.unwrap().unwrap();
    assert!(swap(&store, wrong_answer(&second)).await);
    for receiver in ["one", "other"] {
        let kinds: Vec<_> = listed(&store, of(receiver)).await.into_iter().map(|listed| listed.signal).collect();
        assert_eq!(kinds, [signal(&first, ChangeType::Delete), signal(&first, ChangeType::Create)], "{receiver}");
    }
    let mut numbers: Vec<_> = listed(&store, SignalQuery::default()).await.into_iter().map(|listed| listed.jti).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 4, "each token has a number of its own");
    // Without receivers nothing waits.
    let silent = place.open();
    let third = silent.get(first.row.id).await.unwrap().unwrap();
    assert!(swap(&silent, with(&third, &[ChangeType::Revoke])).await);
    assert_eq!(listed(&silent, SignalQuery::default()).await.len(), 4);
    [store, silent].into_iter().for_each(Store::close);
}

async fn signal_of_a_new_device_has_its_id_and_name(place: Place) {
    let store = open(&place, &["one"], 100);
    let event = SignalKind::Scim(ScimEvent { operation: ScimOperation::Create, attributes: vec!["user".into()] });
    let new = signal(&entry("ada"), ChangeType::Create);
    let made = insert(&store, vec![Signal { kind: event.clone(), ..new.clone() }, new.clone()]).await;
    let found: Vec<_> =
        store.waiting_signals("one", Vec::new(), 10).await.unwrap().into_iter().map(|waiting| waiting.signal).collect();
    let named = Signal { device_id: made.row.id, device_name: made.row.name.clone(), ..new };
    assert_eq!(found, [Signal { kind: event, ..named.clone() }, named]);
    store.close();
}

async fn signals_are_read_in_order_deleted_and_given_up(place: Place) {
    let store = open(&place, &["one", "other"], 100);
    let (ada, bob) = (insert(&store, Vec::new()).await, insert(&store, Vec::new()).await);
    for device in [&ada, &bob] {
        assert!(swap(&store, with(device, &[ChangeType::Revoke, ChangeType::Create])).await);
    }
    let all = store.waiting_signals("one", Vec::new(), 1000).await.unwrap();
    let devices: Vec<_> = all.iter().map(|signal| signal.device).collect();
    assert_eq!(devices, [ada.row.id, ada.row.id, bob.row.id, bob.row.id]);
    assert!(all.is_sorted_by(|one, next| one.id < next.id) && all.iter().all(|signal| signal.since == NOW));
    assert_eq!(store.oldest_signal("one").await, Ok(Some(NOW)));
    assert_eq!(store.waiting_signals("one", Vec::new(), 3).await.unwrap(), all[..3]);
    assert_eq!(store.waiting_signals("one", vec![ada.row.id, 77], 10).await.unwrap(), all[2..], "those of a device may be held");
    // Those of another receiver stay.
    let (others, other_jtis) = (waiting(&store, "other").await, jtis(&store, "other").await);
    // After a failover a row may have the number of one that was lost.
    let lost = format!("{:x}-{}", all[1].id, "0".repeat(32));
    store.delete_signals("one", &[all[0].jti.clone(), other_jtis[0].clone(), lost.clone()]).await.unwrap();
    let buried = [(&all[2].jti, "it said no"), (&all[0].jti, "gone"), (&other_jtis[1], "no"), (&lost, "lost")];
    let buried: Vec<_> = buried.map(|(jti, reason)| (jti.clone(), reason.to_owned())).into();
    assert_eq!(store.bury_signals("one", buried.clone()).await, Ok(1));
    assert_eq!(store.bury_signals("one", buried).await, Ok(0), "it is buried");
    assert_eq!(store.waiting_signals("one", Vec::new(), 10).await.unwrap(), [all[1].clone(), all[3].clone()]);
    assert_eq!(waiting(&store, "other").await, others);
    assert_eq!(store.signal_counts("one").await, Ok(SignalCounts { waiting: 2, dead: 1, lost: 0 }));
    assert_eq!(store.oldest_signal("nobody").await, Ok(None));
    let dead = listed(&store, SignalQuery { is_dead: Some(true), ..SignalQuery::default() }).await;
    assert_eq!((dead.len(), dead[0].id, dead[0].error.as_deref(), dead[0].is_dead), (1, all[2].id, Some("it said no"), true));
    store.close();
}

async fn signal_that_cannot_be_read_is_given_up_and_holds_up_no_other(place: Place) {
    let store = open(&place, &["one"], 100);
    let device = insert(&store, Vec::new()).await;
    assert!(swap(&store, with(&device, &[ChangeType::Revoke, ChangeType::Create])).await);
    let ids = waiting(&store, "one").await;
    place.with(|connection| connection.run(&format!("UPDATE outbox SET signal = '{{\"v\":99}}' WHERE id = {}", ids[0])).unwrap());
    assert_eq!(waiting(&store, "one").await, ids[1..]);
    let all = store.list_signals(&SignalQuery { is_dead: Some(true), ..of("one") }, 10).await.unwrap();
    let damaged = all.damaged.concat();
    assert!(
        damaged.contains(&format!("signal {} of the outbox cannot be read", ids[0])) && damaged.contains("format 99"),
        "{damaged}"
    );
    let reason = place.with(|connection| connection.run("SELECT error FROM outbox WHERE is_dead = 1").unwrap()[0].text(0).unwrap());
    assert!(reason.contains("format 99"), "{reason}");
    store.close();
}

async fn dead_letters_are_listed_sent_again_and_dropped(place: Place) {
    let store = open(&place, &["one", "other"], 100);
    let (ada, bob) = (insert(&store, Vec::new()).await, insert(&store, Vec::new()).await);
    for device in [&ada, &bob] {
        assert!(swap(&store, with(device, &[ChangeType::Revoke; 5])).await);
    }
    let numbers = jtis(&store, "one").await;
    store.bury_signals("one", numbers[..8].iter().map(|jti| (jti.clone(), "no".to_owned())).collect()).await.unwrap();
    // Pages have three rows in tests.
    assert_eq!(store.retry_signals(&SignalQuery { device: Some(ada.row.id), ..of("one") }).await, Ok(5));
    let again = listed(&store, SignalQuery { device: Some(ada.row.id), ..of("one") }).await;
    assert!(again.iter().all(|signal| !signal.is_dead && signal.error.is_none() && signal.since > NOW), "{again:?}");
    assert_eq!(store.retry_signals(&of("other")).await, Ok(0), "those that wait stay as they are");
    assert!(listed(&store, of("other")).await.iter().all(|signal| signal.since == NOW));
    assert_eq!(store.drop_signals(&SignalQuery { is_dead: Some(true), ..of("one") }).await, Ok(3));
    assert_eq!(store.signal_counts("one").await, Ok(SignalCounts { waiting: 7, dead: 0, lost: 0 }));
    assert_eq!(store.drop_signals(&SignalQuery { device: Some(bob.row.id), ..SignalQuery::default() }).await, Ok(7));
    assert_eq!(store.drop_signals(&SignalQuery::default()).await, Ok(10));
    assert_eq!(listed(&store, SignalQuery::default()).await, []);
    store.close();
}

async fn full_outbox_loses_new_signals_and_counts_them(place: Place) {
    let store = open(&place, &["one", "other"], 10);
    let device = insert(&store, Vec::new()).await;
    for round in 0..3 {
        let now = store.get(device.row.id).await.unwrap().unwrap();
        assert!(swap(&store, with(&now, &[ChangeType::Update; 4])).await, "{round}: the change itself is always stored");
    }
    let counts = |waiting, lost| Ok(SignalCounts { waiting, dead: 0, lost });
    assert_eq!((store.signal_counts("one").await, store.signals_lost("one")), (counts(10, 2), 2));
    // The other receiver goes on once it has room.
    store.delete_signals("other", &jtis(&store, "other").await[..3]).await.unwrap();
    let now = store.get(device.row.id).await.unwrap().unwrap();
    assert!(swap(&store, with(&now, &[ChangeType::Update; 2])).await);
    assert_eq!(store.signal_counts("one").await, counts(10, 4));
    assert_eq!(store.signal_counts("other").await, counts(9, 2));
    // The store keeps the numbers, each once.
    for _ in 0..2 {
        store.write_lost().await.unwrap();
    }
    assert_eq!((store.stream("one").await.unwrap().lost, store.stream("other").await.unwrap().lost), (4, 2));
    assert_eq!(store.signal_counts("one").await, counts(10, 4));
    store.close();
    // The next process counts what it finds.
    let next = open(&place, &["one", "other"], 10);
    let now = next.get(device.row.id).await.unwrap().unwrap();
    assert!(swap(&next, with(&now, &[ChangeType::Update; 2])).await);
    assert_eq!((next.signals_lost("one"), next.signals_lost("other")), (2, 1));
    // Of the dead letters the newest stay.
    let ids = waiting(&next, "one").await;
    let all = jtis(&next, "one").await;
    next.bury_signals("one", all.into_iter().map(|jti| (jti, "no".to_owned())).collect()).await.unwrap();
    let now = next.get(device.row.id).await.unwrap().unwrap();
    assert!(swap(&next, with(&now, &[ChangeType::Update; 3])).await);
    let more = waiting(&next, "one").await;
    let all = jtis(&next, "one").await;
    next.bury_signals("one", all.into_iter().map(|jti| (jti, "no".to_owned())).collect()).await.unwrap();
    let dead: Vec<_> = listed(&next, of("one")).await.into_iter().map(|signal| signal.id).collect();
    assert_eq!(dead, [&ids[3..], &more[..]].concat());
    assert_eq!(next.signal_counts("one").await, Ok(SignalCounts { waiting: 0, dead: 10, lost: 9 }));
    next.close();
}

async fn signal_of_one_receiver_needs_no_device(place: Place) {
    let store = open(&place, &["one", "other"], 1);
    let verification = Signal::verification(Some("state".into()), "receiver".into(), NOW);
    assert_eq!(store.add_signal("one", verification.clone()).await, Ok(true));
    assert_eq!(store.add_signal("one", verification.clone()).await, Ok(false), "it is full");
    let found = store.waiting_signals("one", Vec::new(), 10).await.unwrap();
    assert_eq!((found.len(), found[0].device, &found[0].signal), (1, 0, &verification));
    assert_eq!(waiting(&store, "other").await, [0_i64; 0]);
    store.close();
}

async fn number_of_a_token_finds_its_row(place: Place) {
    let store = open(&place, &["one", "other"], 100);
    let device = insert(&store, Vec::new()).await;
    assert!(swap(&store, with(&device, &[ChangeType::Update; 2])).await);
    let all = store.waiting_signals("one", Vec::new(), 10).await.unwrap();
    let other = store.waiting_signals("other", Vec::new(), 1).await.unwrap().remove(0);
    // The number of a row that has another random part, and what is no number at all.
    let (id, random) = (all[0].jti.split_once('-').unwrap().0, all[1].jti.split_once('-').unwrap().1);
    let jtis = [all[1].jti.clone(), other.jti.clone(), format!("{id}-{random}"), "-".into(), "zz-00".into(), String::new()];
    let known = async |receiver, jtis| store.known_jtis(receiver, jtis).await.unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(known("one", &jtis[..]).await, [all[1].jti.as_str()]);
    assert_eq!(known("other", &jtis[..]).await, [other.jti]);
    assert_eq!(known("one", &jtis[3..]).await, [""; 0]);
    store.close();
}

async fn reads_of_a_receiver_hold_up_no_others(place: Place) {
    let store = open(&place, &["one", "other"], 100);
    // Work that occupies all readers until the gate opens.
    let (closed, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let occupy = |account: usize| {
        let (store, gate) = (store.clone(), Arc::clone(&gate));
        async move {
            let claim = Claim::new(&account.to_string());
            store.0.lookups.run(&claim, move |_| Ok(gate.lock().unwrap().recv().is_err())).await
        }
    };
    let read = async |receiver: &str| store.oldest_signal(receiver).await;
    let mut occupied: Vec<_> = (0..64).map(|account| Box::pin(occupy(account))).collect();
    let mut many: Vec<_> = (0..65).map(|_| Box::pin(read("one"))).collect();
    let mut other = Box::pin(read("other"));
    // Each is begun in this order.
    let (refused, early) = poll_fn(|context| {
        assert!(occupied.iter_mut().all(|work| work.as_mut().poll(context).is_pending()));
        let refused = many.iter_mut().filter_map(|read| match read.as_mut().poll(context) {
            Poll::Ready(read) => Some(read.map_err(|error| error.status)),
            Poll::Pending => None,
        });
        Poll::Ready((refused.collect::<Vec<_>>(), other.as_mut().poll(context).is_ready()))
    })
    .await;
    assert_eq!((refused, early), (vec![Err(503)], false));
    drop(closed);
    assert_eq!(other.await, Ok(None));
}
