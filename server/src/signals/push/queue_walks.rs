//! The order of signals over random walks of a queue and a store of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyfob_scim::Signal;
use proptest::prelude::*;
use tokio::time::Instant;

use super::queue::{PageRequest, Queue};
use crate::store::OutboxSignal;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A device has a signal.
    Store(i64),
    /// A page is asked for.
    Read,
    /// The page arrives, as the store had it when it was asked for.
    Arrive,
    /// The next signals are sent, up to so many.
    Send(usize),
    /// The token under way at this place is accepted.
    Pass(usize),
    /// It fails.
    Fail(usize),
    /// The store has removed what was accepted.
    Remove,
    /// The stream was paused.
    Clear,
    /// Seconds go by.
    Wait(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1..5_i64).prop_map(Event::Store),
        3 => Just(Event::Read),
        3 => Just(Event::Arrive),
        4 => (1..5_usize).prop_map(Event::Send),
        4 => (0..8_usize).prop_map(Event::Pass),
        2 => (0..8_usize).prop_map(Event::Fail),
        2 => Just(Event::Remove),
        1 => Just(Event::Clear),
        2 => (1..200_u8).prop_map(Event::Wait),
    ]
}

/// A queue, and what is true of its signals.
struct Walk {
    queue: Queue,
    now: Instant,
    /// The rows of the store with their devices.
    rows: BTreeMap<i64, i64>,
    last: i64,
    page: Option<(PageRequest, Vec<OutboxSignal>)>,
    under_way: Vec<OutboxSignal>,
    accepted: BTreeSet<i64>,
    /// What was accepted and is in the store still.
    unremoved: Vec<i64>,
}

impl Walk {
    fn new() -> Self {
        Self {
            queue: Queue::default(),
            now: Instant::now(),
            rows: BTreeMap::new(),
            last: 0,
            page: None,
            under_way: Vec::new(),
            accepted: BTreeSet::new(),
            unremoved: Vec::new(),
        }
    }

    fn take(&mut self, at: usize) -> Option<OutboxSignal> {
        (!self.under_way.is_empty()).then(|| self.under_way.remove(at % self.under_way.len()))
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Store(device) => {
                self.last += 1;
                self.rows.insert(self.last, device);
            }
            Event::Read => {
                if let Some(request) = self.queue.read(true, self.now) {
                    let rows = self.rows.iter().filter(|(_, device)| !request.held.contains(device)).take(request.limit);
                    let page = rows.map(|(id, device)| signal(*id, *device)).collect();
                    self.page = Some((request, page));
                }
            }
            Event::Arrive => {
                if let Some((request, page)) = self.page.take() {
                    self.queue.add(&request, Some(page), self.now);
                }
            }
            Event::Send(many) => (0..many).for_each(|_| self.send()),
            Event::Pass(at) => {
                if let Some(signal) = self.take(at) {
                    self.queue.pass(&signal);
                    self.accepted.insert(signal.id);
                    self.unremoved.push(signal.id);
                }
            }
            Event::Fail(at) => {
                if let Some(signal) = self.take(at) {
                    self.queue.fail(&signal, self.now, self.now, Duration::ZERO, 0);
                }
            }
            Event::Remove => {
                self.unremoved.iter().for_each(|id| _ = self.rows.remove(id));
                self.queue.removed(self.unremoved.drain(..));
            }
            Event::Clear => self.queue.clear(),
            Event::Wait(seconds) => self.now += Duration::from_secs(seconds.into()),
        }
    }

    /// Sends one, which must be the first of its device that was not accepted.
    fn send(&mut self) {
        let Some(signal) = self.queue.next(self.now) else { return };
        let first = self.rows.iter().find(|(id, device)| **device == signal.device && !self.accepted.contains(id));
        assert_eq!(first.map(|(id, _)| *id), Some(signal.id), "the first of its device");
        assert!(self.under_way.iter().all(|other| other.device != signal.device), "one of a device at a time");
        self.under_way.push(signal);
    }
}

fn signal(id: i64, device: i64) -> OutboxSignal {
    OutboxSignal { id, jti: format!("{id:x}-"), device, since: 0, signal: Signal::verification(None, String::new(), 0) }
}

proptest! {
    #[test]
    fn signals_of_a_device_go_one_by_one_in_their_order_and_none_is_left(events in prop::collection::vec(event(), 0..120)) {
        let mut walk = Walk::new();
        for event in events {
            walk.step(event);
        }
        // From now on all goes well.
        for _ in 0..2 * walk.last + 4 {
            for event in [Event::Wait(200), Event::Wait(200), Event::Read, Event::Arrive, Event::Send(8)] {
                walk.step(event);
            }
            while !walk.under_way.is_empty() {
                walk.step(Event::Pass(0));
            }
            walk.step(Event::Remove);
        }
        prop_assert!(walk.rows.is_empty(), "left: {:?}", walk.rows);
    }
}
