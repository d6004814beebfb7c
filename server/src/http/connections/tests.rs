//! Which connection is closed to make room.

use super::*;
use crate::http::limits::Times;

fn connections(connections: usize, per_address: usize) -> Connections {
    let limits = Limits { connections, per_address, times: Times::default() };
    // Long ago.
    let began = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
    Connections(Arc::new(All { limits, began, open: Mutex::default() }))
}

impl Connections {
    #[track_caller]
    fn permit(&self, address: &str) -> Permit {
        self.admit(address.parse().unwrap()).expect("a permit")
    }

    fn total(&self) -> usize {
        let open = self.open();
        assert_eq!(open.all().count(), open.total);
        open.total
    }
}

impl Permit {
    async fn is_closed(&self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.connection.closing()).await.is_ok()
    }

    /// As if it had waited for its client for so long.
    fn has_waited(&self, time: Duration) {
        self.connection.waiting_since.store(millis(self.connection.began.elapsed().saturating_sub(time)), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn address_at_its_limit_loses_its_own_oldest_connection() {
    let all = connections(100, 3);
    let [other, first, second, third] = ["192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.1"].map(|address| all.permit(address));
    let fourth = all.permit("192.0.2.1");
    assert!(first.is_closed().await, "the oldest");
    assert!(!other.is_closed().await && !second.is_closed().await && !third.is_closed().await && !fourth.is_closed().await);
    assert_eq!(all.total(), 4);
    // A closed connection frees no second permit when it ends.
    drop(first);
    assert_eq!(all.total(), 4);
    drop(second);
    let _fifth = all.permit("192.0.2.1");
    assert!(!third.is_closed().await);
}

#[tokio::test]
async fn address_with_the_most_connections_loses_one_at_the_limit_of_all() {
    let all = connections(4, 0);
    let old = all.permit("192.0.2.1");
    let flood = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|address| all.permit(address));
    let _new = all.permit("192.0.2.3");
    assert!(flood[0].is_closed().await && !old.is_closed().await);
    // Its network has the most again, and loses one of its own.
    let own = all.permit("2001:db8::4");
    assert!(flood[1].is_closed().await && !own.is_closed().await && !old.is_closed().await);
    assert_eq!(all.total(), 4);
    // If each has one, the oldest of all is closed.
    drop((flood, own));
    let (_third, _fourth) = (all.permit("192.0.2.4"), all.permit("192.0.2.5"));
    assert!(!old.is_closed().await);
    let _fifth = all.permit("192.0.2.6");
    assert!(old.is_closed().await);
}

#[tokio::test]
async fn connection_that_waits_for_its_client_is_closed_before_an_older_one() {
    let all = connections(3, 0);
    let [old, idle, young] = ["192.0.2.1"; 3].map(|address| all.permit(address));
    idle.has_waited(IDLE_TIME);
    let new = all.permit("192.0.2.1");
    assert!(idle.is_closed().await && !old.is_closed().await);
    // Not if it goes on, or began to wait a moment ago.
    young.has_waited(IDLE_TIME);
    young.connection().note_progress();
    new.connection().note_wait();
    let _another = all.permit("192.0.2.1");
    assert!(old.is_closed().await && !young.is_closed().await && !new.is_closed().await);
}

#[tokio::test]
async fn connection_with_a_request_is_not_closed_for_its_own_address() {
    let all = connections(2, 0);
    let [asked, idle] = ["192.0.2.1"; 2].map(|address| all.permit(address));
    asked.connection().note_read();
    asked.has_waited(IDLE_TIME);
    let request = asked.connection().begin_request();
    let next = all.permit("192.0.2.1");
    assert!(idle.is_closed().await && !asked.is_closed().await);
    next.connection().note_read();
    let other = next.connection().begin_request();
    assert!(all.admit("192.0.2.1".parse().unwrap()).is_none(), "both are busy");
    let _stranger = all.permit("192.0.2.2");
    assert!(asked.is_closed().await && !next.is_closed().await);
    drop((request, other));
}

#[tokio::test]
async fn pipelining_connection_is_closed_first() {
    let all = connections(3, 0);
    let [old, idle, pipelined] = ["192.0.2.1"; 3].map(|address| all.permit(address));
    idle.has_waited(IDLE_TIME);
    for permit in [&old, &pipelined] {
        for _ in 0..3 {
            permit.connection().note_read();
            drop(permit.connection().begin_request());
            permit.connection().note_written();
        }
    }
    // Without another read: the request was there before.
    let request = pipelined.connection().begin_request();
    let _new = all.permit("192.0.2.1");
    assert!(pipelined.is_closed().await && !old.is_closed().await && !idle.is_closed().await);
    drop(request);
}

#[tokio::test]
async fn refused_connection_is_closed_though_it_waits_for_its_response() {
    let all = connections(3, 3);
    let [idle, asked, refused] = ["192.0.2.1"; 3].map(|address| all.permit(address));
    idle.has_waited(IDLE_TIME);
    for permit in [&asked, &refused] {
        permit.connection().note_read();
    }
    let requests = [&asked, &refused].map(|permit| permit.connection().begin_request());
    refused.connection().mark_refused();
    let _next = all.permit("192.0.2.1");
    assert!(refused.is_closed().await && !idle.is_closed().await && !asked.is_closed().await);
    // Until its next request, which may be accepted.
    idle.connection().note_read();
    drop(idle.connection().begin_request());
    idle.connection().mark_refused();
    idle.connection().note_read();
    let request = idle.connection().begin_request();
    let next = all.permit("192.0.2.1");
    assert!(!idle.is_closed().await && !asked.is_closed().await && !next.is_closed().await);
    drop((requests, request));
}

#[tokio::test]
async fn stalled_connection_is_closed_and_a_busy_one_is_not() {
    let all = connections(10, 0);
    let permits = ["192.0.2.1", "192.0.2.2"].map(|address| all.permit(address));
    for permit in &permits {
        permit.has_waited(Duration::from_secs(1));
    }
    let request = permits[0].connection().begin_request();
    all.stop_lingering();
    assert!(!permits[0].connection().skips_lingering() && permits[1].connection().skips_lingering());
    all.close_stalled(Duration::from_secs(60));
    assert!(!permits[1].is_closed().await);
    all.close_stalled(Duration::ZERO);
    assert!(!permits[0].is_closed().await && permits[1].is_closed().await);
    drop(request);
    all.close_stalled(Duration::from_secs(60));
    assert!(!permits[0].is_closed().await, "its time to read the response begins then");
    all.close_stalled(Duration::ZERO);
    assert!(permits[0].is_closed().await);
    assert_eq!(all.total(), 0);
}
