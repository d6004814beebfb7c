//! The signals of one receiver that are in memory, and the order in which they may be sent.
//!
//! Those of a device go one by one, as the store has them. A token that failed leaves memory with
//! all others of its device, and they are read again after the pause: what an operator has dropped
//! meanwhile is not sent.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::health::{Health, later};
use super::pause::pause;
use crate::store::OutboxSignal;

/// How many new signals a page has.
pub(super) const PAGE_SIGNALS: usize = 1000;
/// How many signals of one device are in memory.
const MAX_OF_DEVICE: usize = 16;
/// How many devices may be left out of a page. With more, nothing is read before the first of their
/// pauses ends.
const MAX_HELD: usize = 1000;

/// Signals in memory.
#[derive(Default)]
pub(super) struct Queue {
    /// The signals that are not under way, by their devices.
    devices: HashMap<i64, VecDeque<OutboxSignal>>,
    /// The devices whose next signal may be sent.
    ready: VecDeque<i64>,
    /// The devices with a signal under way.
    busy: HashSet<i64>,
    /// The devices of which the store has more signals than memory.
    capped: HashSet<i64>,
    /// The devices whose last token failed.
    pauses: HashMap<i64, Pause>,
    health: Health,
    /// The rows of all signals that are in memory, under way, or to be removed from the store.
    known: HashSet<i64>,
    /// The rows that were removed while a page is read, which may have them still.
    removed: HashSet<i64>,
    /// Whether a page is read.
    is_reading: bool,
    /// Whether the store has more signals than the last page had.
    has_more: bool,
}

/// The pause of a device.
struct Pause {
    fails: u32,
    end: Instant,
}

/// What to read: signals without those of `held` devices.
pub(super) struct PageRequest {
    pub(super) held: Vec<i64>,
    pub(super) limit: usize,
}

impl Queue {
    /// The next signal to send.
    pub(super) fn next(&mut self, now: Instant) -> Option<OutboxSignal> {
        // While nothing passes, one token at a time finds out whether it does again.
        if self.health.rests(now) || self.health.is_down() && !self.busy.is_empty() {
            return None;
        }
        while let Some(device) = self.ready.pop_front() {
            if let Some(signal) = self.devices.get_mut(&device).and_then(VecDeque::pop_front) {
                self.busy.insert(device);
                return Some(signal);
            }
        }
        None
    }

    /// Whether a token has failed and none of its device has passed since.
    pub(super) fn is_failing(&self) -> bool {
        !self.pauses.is_empty()
    }

    /// Whether nothing passes.
    pub(super) const fn is_down(&self) -> bool {
        self.health.is_down()
    }

    /// The receiver has taken or refused a signal, which is to be removed from the store.
    pub(super) fn pass(&mut self, signal: &OutboxSignal) {
        self.health.pass();
        self.leave(signal);
    }

    /// A signal is given up, which says nothing of the receiver. It is to be removed from the
    /// store.
    pub(super) fn leave(&mut self, signal: &OutboxSignal) {
        let device = signal.device;
        self.pauses.remove(&device);
        self.busy.remove(&device);
        match self.devices.get(&device) {
            Some(signals) if !signals.is_empty() => self.ready.push_back(device),
            _ => {
                self.devices.remove(&device);
                self.has_more |= self.capped.remove(&device);
            }
        }
    }

    /// The token of a signal, sent at that time, has failed. The receiver asks for a pause. Returns
    /// when there is a next try.
    pub(super) fn fail(&mut self, signal: &OutboxSignal, sent: Instant, now: Instant, asked: Duration, random: u32) -> Instant {
        let device = signal.device;
        self.health.fail(device, sent, now, asked, random);
        self.busy.remove(&device);
        self.known.remove(&signal.id);
        self.forget(device);
        let fails = self.pauses.get(&device).map_or(0, |pause| pause.fails).saturating_add(1);
        let end = later(now, pause(fails, random).max(asked));
        self.pauses.insert(device, Pause { fails, end });
        self.health.end().unwrap_or(end)
    }

    /// The token of a signal has failed, as for [`fail`](Self::fail), and is given up. It is to be
    /// removed from the store.
    pub(super) fn give_up(&mut self, signal: &OutboxSignal, sent: Instant, now: Instant, asked: Duration, random: u32) -> Instant {
        self.health.fail(signal.device, sent, now, asked, random);
        self.leave(signal);
        self.health.end().unwrap_or(now)
    }

    /// Takes the signals out of memory that wait since that time or before, to be removed from the
    /// store.
    pub(super) fn take_older(&mut self, than: u64) -> Vec<OutboxSignal> {
        let mut older = Vec::new();
        for signals in self.devices.values_mut() {
            while signals.front().is_some_and(|signal| signal.since <= than) {
                older.extend(signals.pop_front());
            }
        }
        older
    }

    /// Takes all signals out of memory that are not under way. The store has them.
    pub(super) fn clear(&mut self) {
        let devices: Vec<i64> = self.devices.keys().copied().collect();
        for device in devices {
            self.forget(device);
        }
        self.ready.clear();
        self.has_more = true;
    }

    fn forget(&mut self, device: i64) {
        for signal in self.devices.remove(&device).unwrap_or_default() {
            self.known.remove(&signal.id);
        }
    }

    /// Notes that rows were removed from the store.
    pub(super) fn removed(&mut self, ids: impl Iterator<Item = i64>) {
        for id in ids {
            self.known.remove(&id);
            if self.is_reading {
                self.removed.insert(id);
            }
        }
    }

    /// What to read next, if there is room. `is_due`: new signals may be there.
    pub(super) fn read(&mut self, is_due: bool, now: Instant) -> Option<PageRequest> {
        let waiting: usize = self.devices.values().map(VecDeque::len).sum();
        if self.is_reading || self.health.rests(now) || waiting >= PAGE_SIGNALS / 2 || !(is_due || self.has_more) {
            return None;
        }
        let pausing = self.pauses.iter().filter(|(_, pause)| now < pause.end).map(|(device, _)| *device);
        let full = self.devices.iter().filter(|(_, signals)| signals.len() >= MAX_OF_DEVICE).map(|(device, _)| *device);
        let full: Vec<i64> = full.collect();
        self.capped.extend(&full);
        let held: Vec<i64> = pausing.chain(full).collect();
        if held.len() >= MAX_HELD {
            return None;
        }
        self.is_reading = true;
        Some(PageRequest { held, limit: self.known.len().saturating_add(PAGE_SIGNALS) })
    }

    /// Takes in a page; none if it could not be read.
    pub(super) fn add(&mut self, request: &PageRequest, page: Option<Vec<OutboxSignal>>, now: Instant) {
        self.is_reading = false;
        let removed = std::mem::take(&mut self.removed);
        let Some(page) = page else { return };
        self.has_more = page.len() >= request.limit;
        if !self.has_more {
            self.end_pauses(request, &page, now);
        }
        // A device gets a row only if it has those before it.
        let mut left_out = HashSet::new();
        for signal in page {
            let (id, device) = (signal.id, signal.device);
            if self.known.contains(&id) || removed.contains(&id) || left_out.contains(&device) {
                continue;
            }
            let is_pausing = self.pauses.get(&device).is_some_and(|pause| now < pause.end);
            let signals = self.devices.entry(device).or_default();
            if is_pausing || signals.len() >= MAX_OF_DEVICE {
                left_out.insert(device);
                if !is_pausing {
                    self.capped.insert(device);
                }
                continue;
            }
            signals.push_back(signal);
            self.known.insert(id);
            if signals.len() == 1 && !self.busy.contains(&device) {
                self.ready.push_back(device);
            }
        }
        self.devices.retain(|_, signals| !signals.is_empty());
    }

    /// Forgets the pauses of devices that have no signals any more: an operator has dropped them.
    fn end_pauses(&mut self, request: &PageRequest, page: &[OutboxSignal], now: Instant) {
        let found: HashSet<i64> = page.iter().map(|signal| signal.device).chain(request.held.iter().copied()).collect();
        let busy = &self.busy;
        self.pauses.retain(|device, pause| now < pause.end || found.contains(device) || busy.contains(device));
    }

    /// When a pause ends, if one does.
    pub(super) fn pause_end(&self, now: Instant) -> Option<Instant> {
        let ends = self.pauses.values().map(|pause| pause.end).filter(|end| *end > now).min();
        match self.health.end() {
            Some(end) if now < end => Some(end),
            _ => ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use keyfob_scim::Signal;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn signal(id: i64, device: i64) -> OutboxSignal {
        let signal = Signal::verification(None, String::new(), 0);
        OutboxSignal { id, jti: format!("{id:x}-"), device, since: u64::try_from(id).unwrap(), signal }
    }

    /// A queue that has read these rows, each with its device.
    fn queue(rows: &[(i64, i64)]) -> Queue {
        let mut queue = Queue::default();
        read(&mut queue, rows, Instant::now());
        queue
    }

    fn read(queue: &mut Queue, rows: &[(i64, i64)], now: Instant) {
        let request = queue.read(true, now).unwrap();
        let rows = rows.iter().filter(|(_, device)| !request.held.contains(device));
        queue.add(&request, Some(rows.map(|(id, device)| signal(*id, *device)).collect()), now);
    }

    /// Sends all that may be sent. Returns the rows.
    fn sent(queue: &mut Queue, now: Instant) -> Vec<i64> {
        std::iter::from_fn(|| queue.next(now)).map(|signal| signal.id).collect()
    }

    #[test]
    fn token_of_a_device_waits_for_the_one_before_it() {
        let (mut queue, now) = (queue(&[(1, 10), (2, 10), (3, 20), (4, 10)]), Instant::now());
        assert_eq!(sent(&mut queue, now), [1, 3]);
        queue.pass(&signal(1, 10));
        assert_eq!(sent(&mut queue, now), [2]);
        queue.leave(&signal(2, 10));
        assert_eq!(sent(&mut queue, now), [4]);
    }

    #[test]
    fn row_is_sent_once_although_pages_have_it_again() {
        let (mut queue, now) = (queue(&[(1, 10), (2, 20), (3, 30)]), Instant::now());
        assert_eq!(sent(&mut queue, now), [1, 2, 3]);
        queue.pass(&signal(1, 10));
        read(&mut queue, &[(1, 10), (2, 20), (3, 30), (4, 30)], now);
        assert_eq!(sent(&mut queue, now), [0_i64; 0], "the first is still in the store, and the last one waits for the third");
        // A page that began before the first was removed.
        let request = queue.read(true, now).unwrap();
        queue.removed([1].into_iter());
        queue.add(&request, Some(vec![signal(1, 10), signal(5, 10)]), now);
        assert_eq!(sent(&mut queue, now), [5]);
    }

    #[test]
    fn failed_token_holds_up_its_device_alone_while_others_pass() {
        let rows = [(1, 10), (2, 10), (3, 20), (4, 20)];
        let (mut queue, now) = (queue(&rows), Instant::now());
        assert_eq!(sent(&mut queue, now), [1, 3]);
        let next = queue.fail(&signal(1, 10), now, now, Duration::ZERO, 0);
        assert_eq!((next, queue.is_failing(), queue.is_down()), (now + SECOND, true, false));
        queue.pass(&signal(3, 20));
        assert_eq!(sent(&mut queue, now), [4]);
        read(&mut queue, &rows, now);
        assert_eq!(sent(&mut queue, now), [0_i64; 0], "the device waits");
        assert_eq!(queue.pause_end(now), Some(now + SECOND));
        read(&mut queue, &rows, now + SECOND);
        assert_eq!(sent(&mut queue, now + SECOND), [1], "in its order again");
        let next = queue.fail(&signal(1, 10), now + SECOND, now + SECOND, Duration::ZERO, 0);
        assert_eq!(next, now + 3 * SECOND, "the pause doubles");
        read(&mut queue, &rows, now + 3 * SECOND);
        assert_eq!(sent(&mut queue, now + 3 * SECOND), [1]);
        // A receiver may ask for more.
        let next = queue.fail(&signal(1, 10), now + 3 * SECOND, now + 3 * SECOND, 50 * SECOND, 0);
        assert_eq!(next, now + 53 * SECOND);
        read(&mut queue, &rows, now + 52 * SECOND);
        assert_eq!(sent(&mut queue, now + 52 * SECOND), [0_i64; 0]);
        read(&mut queue, &rows, next);
        assert_eq!(sent(&mut queue, next), [1]);
        queue.pass(&signal(1, 10));
        assert!(!queue.is_failing());
    }

    #[test]
    fn one_token_at_a_time_is_tried_while_nothing_passes() {
        let rows = [(1, 10), (2, 20), (3, 30), (4, 40)];
        let (mut queue, now) = (queue(&rows), Instant::now());
        assert_eq!(sent(&mut queue, now), [1, 2, 3, 4]);
        for (id, device) in &rows[..3] {
            queue.fail(&signal(*id, *device), now, now + SECOND, Duration::ZERO, 0);
        }
        queue.pass(&signal(4, 40));
        assert!(!queue.is_down());
        let later = now + 10 * SECOND;
        read(&mut queue, &rows[..3], later);
        assert_eq!(sent(&mut queue, later), [1, 2, 3]);
        for (id, device) in &rows[..3] {
            queue.fail(&signal(*id, *device), later, later, Duration::ZERO, 0);
        }
        assert!(queue.is_down() && queue.read(true, later).is_none(), "nothing is read meanwhile");
        let end = queue.pause_end(later).unwrap();
        // Another device has one now.
        let rows = [&rows[..], &[(5, 50)]].concat();
        read(&mut queue, &rows, end);
        assert_eq!(sent(&mut queue, end).len(), 1);
        assert!(queue.next(end).is_none());
    }

    #[test]
    fn device_with_many_signals_holds_up_no_others() {
        let many = i64::try_from(PAGE_SIGNALS).unwrap();
        let rows: Vec<_> = (1..=many).map(|id| (id, 10)).collect();
        let (mut queue, now) = (queue(&rows), Instant::now());
        let request = queue.read(false, now).unwrap();
        assert_eq!(request.held, [10]);
        queue.add(&request, Some(vec![signal(many + 1, 20)]), now);
        assert_eq!(sent(&mut queue, now), [1, many + 1]);
        for id in 1..i64::try_from(MAX_OF_DEVICE).unwrap() {
            queue.pass(&signal(id, 10));
            queue.removed([id].into_iter());
            assert_eq!(sent(&mut queue, now), [id + 1]);
        }
    }

    #[test]
    fn old_signals_are_taken_while_nothing_passes() {
        let mut queue = queue(&[(1, 10), (2, 20), (3, 10), (4, 10)]);
        let mut older: Vec<_> = queue.take_older(3).into_iter().map(|signal| signal.id).collect();
        older.sort_unstable();
        assert_eq!(older, [1, 2, 3]);
        assert_eq!(sent(&mut queue, Instant::now()), [4]);
    }

    #[test]
    fn pause_of_a_device_ends_with_its_signals() {
        let (mut queue, now) = (queue(&[(1, 10)]), Instant::now());
        assert_eq!(sent(&mut queue, now), [1]);
        queue.fail(&signal(1, 10), now, now, Duration::ZERO, 0);
        read(&mut queue, &[], now);
        assert!(queue.is_failing(), "it was left out of the page");
        read(&mut queue, &[], now + SECOND);
        assert!(!queue.is_failing(), "an operator has dropped it");
    }
}
