//! Who makes room for whom.

use super::*;
use crate::http::limits::Times;

fn connections(connections: usize, per_address: usize) -> Connections {
    let limits = Limits { connections, per_address, times: Times::default() };
    // A while ago.
    let began = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
    Connections(Arc::new(All { limits, began, open: Mutex::default() }))
}

impl Connections {
    #[track_caller]
    fn place(&self, address: &str) -> Place {
        self.admit(address.parse().unwrap()).expect("a place")
    }

    fn total(&self) -> usize {
        let open = self.open();
        assert_eq!(open.all().count(), open.total);
        open.total
    }
}

impl Place {
    async fn is_cut(&self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.connection.cut()).await.is_ok()
    }

    /// As if it had waited for its client for so long.
    fn has_waited(&self, time: Duration) {
        self.connection.waits.store(millis(self.connection.began.elapsed().saturating_sub(time)), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn an_address_with_all_it_may_have_makes_room_for_its_own_next() {
    let all = connections(100, 3);
    let [other, first, second, third] = ["192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.1"].map(|address| all.place(address));
    let fourth = all.place("192.0.2.1");
    assert!(first.is_cut().await, "the oldest");
    assert!(!other.is_cut().await && !second.is_cut().await && !third.is_cut().await && !fourth.is_cut().await);
    assert_eq!(all.total(), 4);
    // One that is cut leaves no second place when it ends.
    drop(first);
    assert_eq!(all.total(), 4);
    drop(second);
    let _fifth = all.place("192.0.2.1");
    assert!(!third.is_cut().await);
}

#[tokio::test]
async fn the_address_with_the_most_makes_room_for_anybody() {
    let all = connections(4, 0);
    let old = all.place("192.0.2.1");
    let flood = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|address| all.place(address));
    let _new = all.place("192.0.2.3");
    assert!(flood[0].is_cut().await && !old.is_cut().await);
    // It has the most again, and takes no place but its own.
    let own = all.place("2001:db8::4");
    assert!(flood[1].is_cut().await && !own.is_cut().await && !old.is_cut().await);
    assert_eq!(all.total(), 4);
    // Where each has one, the oldest of all goes.
    drop((flood, own));
    let (_third, _fourth) = (all.place("192.0.2.4"), all.place("192.0.2.5"));
    assert!(!old.is_cut().await);
    let _fifth = all.place("192.0.2.6");
    assert!(old.is_cut().await);
}

#[tokio::test]
async fn what_has_waited_for_its_client_goes_before_what_is_older() {
    let all = connections(3, 0);
    let [old, idle, young] = ["192.0.2.1"; 3].map(|address| all.place(address));
    idle.has_waited(IDLE);
    let new = all.place("192.0.2.1");
    assert!(idle.is_cut().await && !old.is_cut().await);
    // Not if it goes on, nor if it waits since a moment ago.
    young.has_waited(IDLE);
    young.connection().progresses();
    new.connection().waits();
    let _another = all.place("192.0.2.1");
    assert!(old.is_cut().await && !young.is_cut().await && !new.is_cut().await);
}

#[tokio::test]
async fn a_request_that_is_answered_makes_no_room_for_its_own_address() {
    let all = connections(2, 0);
    let [asked, idle] = ["192.0.2.1"; 2].map(|address| all.place(address));
    asked.connection().reads();
    asked.has_waited(IDLE);
    let request = asked.connection().asks();
    let next = all.place("192.0.2.1");
    assert!(idle.is_cut().await && !asked.is_cut().await);
    next.connection().reads();
    let other = next.connection().asks();
    assert!(all.admit("192.0.2.1".parse().unwrap()).is_none(), "both are asked");
    let _stranger = all.place("192.0.2.2");
    assert!(asked.is_cut().await && !next.is_cut().await);
    drop((request, other));
}

#[tokio::test]
async fn who_does_not_wait_for_answers_goes_first() {
    let all = connections(3, 0);
    let [old, idle, pipelined] = ["192.0.2.1"; 3].map(|address| all.place(address));
    idle.has_waited(IDLE);
    for place in [&old, &pipelined] {
        for _ in 0..3 {
            place.connection().reads();
            drop(place.connection().asks());
            place.connection().answered();
        }
    }
    // Without another read: it was there before.
    let request = pipelined.connection().asks();
    let _new = all.place("192.0.2.1");
    assert!(pipelined.is_cut().await && !old.is_cut().await && !idle.is_cut().await);
    drop(request);
}

#[tokio::test]
async fn a_request_that_is_refused_makes_room_though_it_waits_for_its_answer() {
    let all = connections(3, 3);
    let [idle, asked, refused] = ["192.0.2.1"; 3].map(|address| all.place(address));
    idle.has_waited(IDLE);
    for place in [&asked, &refused] {
        place.connection().reads();
    }
    let requests = [&asked, &refused].map(|place| place.connection().asks());
    refused.connection().gives_way();
    let _next = all.place("192.0.2.1");
    assert!(refused.is_cut().await && !idle.is_cut().await && !asked.is_cut().await);
    // Until it asks again: it may be let in.
    idle.connection().reads();
    drop(idle.connection().asks());
    idle.connection().gives_way();
    idle.connection().reads();
    let request = idle.connection().asks();
    let next = all.place("192.0.2.1");
    assert!(!idle.is_cut().await && !asked.is_cut().await && !next.is_cut().await);
    drop((requests, request));
}

#[tokio::test]
async fn what_stalls_is_cut_and_what_is_answered_is_not() {
    let all = connections(10, 0);
    let places = ["192.0.2.1", "192.0.2.2"].map(|address| all.place(address));
    for place in &places {
        place.has_waited(Duration::from_secs(1));
    }
    let request = places[0].connection().asks();
    all.leave();
    assert!(!places[0].connection().is_left() && places[1].connection().is_left());
    all.cut_stalled(Duration::from_secs(60));
    assert!(!places[1].is_cut().await);
    all.cut_stalled(Duration::ZERO);
    assert!(!places[0].is_cut().await && places[1].is_cut().await);
    drop(request);
    all.cut_stalled(Duration::from_secs(60));
    assert!(!places[0].is_cut().await, "its time to take the answer begins with that");
    all.cut_stalled(Duration::ZERO);
    assert!(places[0].is_cut().await);
    assert_eq!(all.total(), 0);
}
