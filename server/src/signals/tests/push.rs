//! Tokens on their way to receivers on this machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keyfob_scim::{ChangeType, Initiator, Signal, SignalKind, SignalProfile};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Place;
use super::sink::{ACCEPTED, Manner, Sink, certificate};
use crate::delivery::{Hidden, Section, Users};
use crate::signals::receiver::ReceiverSection;
use crate::signals::{Config, Signals, push_signals};
use crate::store::{SignalCounts, SignalQuery};

/// Only a sender that hangs takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The table of a receiver at a port.
fn receiver(name: &str, port: u16) -> ReceiverSection {
    ReceiverSection {
        name: name.into(),
        audience: format!("https://{name}.example.com"),
        url: Some(Hidden::from(format!("http://127.0.0.1:{port}/events?a=b"))),
        token: Some(Hidden::from("sesame")),
        ..ReceiverSection::default()
    }
}

/// A process that sends.
struct Pushing {
    place: Place,
    signals: Arc<Signals>,
    users: Users,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Pushing {
    fn start(receivers: Vec<ReceiverSection>) -> Self {
        let mut pushing = Self::new(receivers);
        pushing.begin();
        pushing
    }

    /// A process that does not send yet.
    fn new(receivers: Vec<ReceiverSection>) -> Self {
        let names: Vec<_> = receivers.iter().map(|receiver| receiver.name.clone()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let place = Place::new(&names, 1000);
        // Of which only one has an attribute.
        let users: Users = [("ada".to_owned(), BTreeMap::from([("uid".to_owned(), "7".to_owned())]))].into();
        let keys_file = place.folder.path().join("signing.key");
        let config = Config {
            issuer: Some("https://otp.example.com".into()),
            keys_file: keys_file.clone(),
            profile: SignalProfile::Caep,
            has_scim_events: false,
            has_credential_events: true,
            max_waiting: 1000,
            give_up: Duration::from_secs(3600),
            receivers: (1..).zip(receivers).map(|(place, settings)| Section { path: "receiver".into(), place, settings }).collect(),
        };
        let rules = config.check(None, Some(&users)).unwrap().unwrap();
        let signals = Arc::new(Signals::open(rules, &keys_file).unwrap().0);
        Self { place, signals, users, stop: watch::Sender::new(false), tasks: JoinSet::new() }
    }

    fn begin(&mut self) {
        self.tasks = push_signals(&self.signals, Some(&self.users), &self.place.store, &self.stop.subscribe()).unwrap();
    }

    async fn one(manner: Manner) -> (Self, Sink) {
        let sink = Sink::start(manner, None).await;
        (Self::start(vec![receiver("idp", sink.port)]), sink)
    }

    /// Stores a signal of a device of a user, for one receiver.
    async fn add(&self, name: &str, device: i64, user: &str) {
        let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let signal = Signal {
            kind: SignalKind::CredentialChange(ChangeType::Create),
            at,
            device_id: device,
            device_kind: Some(keyfob::Kind::Hotp),
            device_name: "HOTP1".into(),
            version: 0,
            user: user.into(),
            external_id: None,
            actor: "admin".into(),
            initiator: Initiator::Admin,
            reason: None,
        };
        assert_eq!(self.place.store.add_signal(name, signal).await, Ok(true));
    }

    /// Waits until this many signals wait for a receiver and this many are dead letters.
    async fn wait(&self, name: &str, waiting: u64, dead: u64) {
        let wanted = SignalCounts { waiting, dead, lost: 0 };
        until(async || self.place.store.signal_counts(name).await == Ok(wanted)).await;
    }

    /// Why signals were given up.
    async fn reasons(&self) -> Vec<String> {
        let query = SignalQuery { is_dead: Some(true), ..SignalQuery::default() };
        let dead = self.place.store.list_signals(&query, 100).await.unwrap().rows;
        dead.into_iter().map(|signal| signal.error.unwrap()).collect()
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
        for receiver in &self.signals.rules.receivers {
            assert_eq!(self.place.store.stream(&receiver.name).await.unwrap().lease, None, "the lease is given back");
        }
        self.place.store.close();
    }
}

async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("in vain");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_tokens_leave_the_store_in_their_order() {
    let (pushing, sink) = Pushing::one(|_| ACCEPTED).await;
    for number in 0..20 {
        pushing.add("idp", number % 3, "ada").await;
    }
    pushing.wait("idp", 0, 0).await;
    assert!(sink.connections() <= 8, "connections stay open");
    let ids = sink.claims("jti");
    let number = |jti: &String| i64::from_str_radix(jti.split_once('-').unwrap().0, 16).unwrap();
    for device in 0..3 {
        // The rows are numbered from 1 on.
        let mine: Vec<_> = ids.iter().map(number).filter(|id| (id - 1) % 3 == device).collect();
        assert!(mine.is_sorted() && mine.len() >= 6, "{mine:?}");
    }
    let head = &sink.heads()[0];
    assert!(head.starts_with("POST /events?a=b HTTP/1.1\r\n"), "{head}");
    for line in ["Content-Type: application/secevent+jwt", "Accept: application/json", "Authorization: Bearer sesame"] {
        assert!(head.lines().any(|it| it == line), "{line}: {head}");
    }
    pushing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_token_is_a_dead_letter_and_holds_up_no_other() {
    const REFUSAL: &str =
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 52\r\n\r\n{\"err\":\"invalid_request\",\"description\":\"unknown it\"}";
    let (pushing, sink) = Pushing::one(|number| if number == 0 { REFUSAL } else { ACCEPTED }).await;
    for _ in 0..2 {
        pushing.add("idp", 1, "ada").await;
    }
    pushing.wait("idp", 0, 1).await;
    assert_eq!((sink.heads().len(), pushing.reasons().await.len()), (2, 1));
    assert!(pushing.reasons().await[0].contains("invalid_request"));
    pushing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_token_comes_again_before_later_ones_of_its_device() {
    const FAILURE: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    let (pushing, sink) = Pushing::one(|number| if number < 2 { FAILURE } else { ACCEPTED }).await;
    for _ in 0..3 {
        pushing.add("idp", 1, "ada").await;
    }
    let store = &pushing.place.store;
    until(async || store.stream("idp").await.unwrap().error.is_some_and(|error| error.contains("500"))).await;
    pushing.wait("idp", 0, 0).await;
    let ids = sink.claims("jti");
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[3] != ids[2] && ids[4] != ids[3], "{ids:?}");
    until(async || store.stream("idp").await.unwrap().error.is_none()).await;
    pushing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_that_hangs_holds_up_no_other() {
    let (deaf, good) = (Sink::start(|_| "", None).await, Sink::start(|_| ACCEPTED, None).await);
    let hanging = ReceiverSection { timeout_seconds: 0.3, ..receiver("deaf", deaf.port) };
    let pushing = Pushing::start(vec![hanging, receiver("good", good.port)]);
    for device in 0..5 {
        pushing.add("deaf", device, "ada").await;
        pushing.add("good", device, "ada").await;
    }
    pushing.wait("good", 0, 0).await;
    let store = &pushing.place.store;
    until(async || store.stream("deaf").await.unwrap().error.is_some_and(|error| error.contains("did not respond"))).await;
    pushing.wait("deaf", 5, 0).await;
    pushing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_proves_itself_by_a_certificate() {
    let (acceptor, file) = certificate();
    let sink = Sink::start(|_| ACCEPTED, Some(acceptor)).await;
    let url = || Some(Hidden::from(format!("https://localhost:{}/", sink.port)));
    let good = ReceiverSection { url: url(), ca_file: Some(file.path().into()), ..receiver("good", 1) };
    let pushing = Pushing::start(vec![good, ReceiverSection { url: url(), ..receiver("unknown", 1) }]);
    for name in ["good", "unknown"] {
        pushing.add(name, 1, "ada").await;
    }
    pushing.wait("good", 0, 0).await;
    let store = &pushing.place.store;
    until(async || store.stream("unknown").await.unwrap().error.is_some_and(|error| error.starts_with("TLS: "))).await;
    pushing.wait("unknown", 1, 0).await;
    assert_eq!(sink.heads().len(), 1);
    pushing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_cannot_be_made_is_a_dead_letter() {
    let sink = Sink::start(|_| ACCEPTED, None).await;
    let section = ReceiverSection { subject: "opaque".into(), subject_value: "${uid}".into(), ..receiver("idp", sink.port) };
    let pushing = Pushing::start(vec![section]);
    for user in ["bob", "ada"] {
        pushing.add("idp", 1, user).await;
    }
    pushing.wait("idp", 0, 1).await;
    assert!(pushing.reasons().await[0].contains("no attribute uid"));
    assert_eq!(sink.heads().len(), 1);
    pushing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_receiver_gets_nothing_until_it_goes_on() {
    let sink = Sink::start(|_| ACCEPTED, None).await;
    let mut pushing = Pushing::new(vec![receiver("idp", sink.port)]);
    pushing.place.store.set_paused("idp", true).await.unwrap();
    pushing.add("idp", 1, "ada").await;
    pushing.begin();
    let store = &pushing.place.store;
    until(async || store.stream("idp").await.unwrap().lease.is_some()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(sink.heads().len(), 0);
    pushing.wait("idp", 1, 0).await;
    store.set_paused("idp", false).await.unwrap();
    pushing.wait("idp", 0, 0).await;
    pushing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_sends_at_a_time_and_another_takes_over_at_once_from_one_that_stops() {
    let (mut pushing, sink) = Pushing::one(|_| ACCEPTED).await;
    let store = pushing.place.store.clone();
    let owner = async || store.stream("idp").await.unwrap().lease.map(|lease| lease.owner);
    until(async || owner().await.is_some()).await;
    let first = owner().await;
    let (stop, stopped) = watch::channel(false);
    let second = push_signals(&pushing.signals, Some(&pushing.users), &store, &stopped).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(owner().await, first, "it is left to the first");
    pushing.stop.send_replace(true);
    std::mem::take(&mut pushing.tasks).join_all().await;
    pushing.add("idp", 1, "ada").await;
    pushing.wait("idp", 0, 0).await;
    let next = owner().await;
    assert!(next.is_some() && next != first && sink.heads().len() == 1);
    stop.send_replace(true);
    second.join_all().await;
    pushing.stop().await;
}
