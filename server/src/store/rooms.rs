//! How many signals wait for each receiver, counted in memory: a change asks for room before its
//! commit, and reads no table for it.
//!
//! The count begins with the rows of the store, follows the commits and deletions of this process,
//! and is corrected now and then by the rows of the store. So no process alone exceeds the limit.
//! Several together may, by what the others have written since their last correction.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Below this share of the limit, an outbox that was full counts as one with room again: 9/10.
const ROOM_AGAIN: (u64, u64) = (9, 10);

/// How many signals may wait, and for which receivers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxRules {
    /// The names of the receivers. Each gets a row of each signal.
    pub receivers: Vec<String>,
    /// How many signals may wait for one receiver, and how many dead letters of it are kept. More
    /// are lost and counted.
    pub max_waiting: u64,
}

/// The rooms of all receivers. Clones share them. Without receivers it takes nothing in.
#[derive(Clone, Default)]
pub(super) struct Rooms(Option<Arc<Shared>>);

struct Shared {
    max: u64,
    rooms: Mutex<Vec<Room>>,
    /// Changes each time that this process has stored signals.
    stored: watch::Sender<()>,
}

/// The room of one receiver.
struct Room {
    receiver: String,
    /// How many signals wait, as far as this process knows.
    waiting: u64,
    /// How many more are part of changes that are not committed yet.
    pending: u64,
    /// How many this process has added since it began.
    added: u64,
    /// How many found no room since the process began.
    lost: u64,
    /// How many of them the store does not know of.
    unwritten: u64,
    /// How many were lost since it became full; none while it has room.
    full: Option<u64>,
}

impl Rooms {
    /// Begins with the number of signals that wait for each receiver.
    pub(super) fn new(counted: Vec<(String, u64)>, max: u64) -> Self {
        let room = |(receiver, waiting)| Room { receiver, waiting, pending: 0, added: 0, lost: 0, unwritten: 0, full: None };
        if counted.is_empty() {
            return Self::default();
        }
        Self(Some(Arc::new(Shared {
            max,
            rooms: Mutex::new(counted.into_iter().map(room).collect()),
            stored: watch::Sender::default(),
        })))
    }

    /// How many dead letters of a receiver are kept; none without receivers.
    pub(super) fn max(&self) -> Option<u64> {
        self.0.as_ref().map(|shared| shared.max)
    }

    /// The names of the receivers, by their numbers.
    pub(super) fn receivers(&self) -> Vec<String> {
        self.lock().iter().flat_map(|rooms| rooms.iter()).map(|room| room.receiver.clone()).collect()
    }

    /// Takes room for a signal of each receiver. Returns for each, by its number, whether there
    /// was.
    pub(super) fn take(&self) -> Vec<bool> {
        let Some(shared) = &self.0 else { return Vec::new() };
        shared.lock().iter_mut().map(|room| room.take(shared.max)).collect()
    }

    /// Takes room for a signal of one receiver. Returns whether there was; one that this process
    /// does not know has room.
    pub(super) fn take_one(&self, receiver: &str) -> bool {
        let Some(shared) = &self.0 else { return true };
        shared.lock().iter_mut().find(|room| room.receiver == receiver).is_none_or(|room| room.take(shared.max))
    }

    /// Ends a change that took this much room of a receiver and had `lost` signals without room.
    pub(super) fn end(&self, receiver: &str, taken: u64, lost: u64, is_stored: bool) {
        let Some(shared) = &self.0 else { return };
        let mut rooms = shared.lock();
        let Some(room) = rooms.iter_mut().find(|room| room.receiver == receiver) else { return };
        room.pending = room.pending.saturating_sub(taken);
        if is_stored {
            room.waiting = room.waiting.saturating_add(taken);
            room.added = room.added.saturating_add(taken);
            if lost > 0 {
                room.lose(lost, shared.max);
            }
            if taken > 0 {
                shared.stored.send_replace(());
            }
        }
    }

    /// Changes each time that this process has stored signals. Closed without receivers.
    pub(super) fn stored(&self) -> watch::Receiver<()> {
        self.0.as_ref().map_or_else(|| watch::channel(()).1, |shared| shared.stored.subscribe())
    }

    /// Notes that this many waiting signals of a receiver were deleted or buried.
    pub(super) fn free(&self, receiver: &str, count: u64) {
        let Some(shared) = &self.0 else { return };
        if let Some(room) = shared.lock().iter_mut().find(|room| room.receiver == receiver) {
            room.waiting = room.waiting.saturating_sub(count);
            room.note_room(shared.max);
        }
    }

    /// Notes that this many signals of a receiver are lost: its oldest dead letters, as a rule.
    pub(super) fn lose(&self, receiver: &str, count: u64) {
        let Some(shared) = &self.0 else { return };
        if let Some(room) = shared.lock().iter_mut().find(|room| room.receiver == receiver).filter(|_| count > 0) {
            tracing::warn!(
                "signals: {receiver}: {count} of its oldest dead letters are lost, since it has more than {}",
                shared.max
            );
            room.lost = room.lost.saturating_add(count);
            room.unwritten = room.unwritten.saturating_add(count);
        }
    }

    /// How many signals of a receiver this process has added. To be read before the rows are
    /// counted, for [`correct`](Self::correct).
    pub(super) fn added(&self, receiver: &str) -> u64 {
        self.read(receiver, |room| room.added)
    }

    /// Corrects the count of a receiver by that of its rows. What this process has added since
    /// then counts too, perhaps twice: the next correction puts it right.
    pub(super) fn correct(&self, receiver: &str, rows: u64, added_before: u64) {
        let Some(shared) = &self.0 else { return };
        if let Some(room) = shared.lock().iter_mut().find(|room| room.receiver == receiver) {
            room.waiting = rows.saturating_add(room.added.saturating_sub(added_before));
            room.note_room(shared.max);
        }
    }

    /// How many signals of a receiver this process has lost.
    pub(super) fn lost(&self, receiver: &str) -> u64 {
        self.read(receiver, |room| room.lost)
    }

    /// How many signals of a receiver are lost that the store does not know of.
    pub(super) fn unwritten(&self, receiver: &str) -> u64 {
        self.read(receiver, |room| room.unwritten)
    }

    /// Takes the numbers of lost signals that the store does not know of.
    pub(super) fn take_unwritten(&self) -> Vec<(String, u64)> {
        let Some(mut rooms) = self.lock() else { return Vec::new() };
        let lost = rooms.iter_mut().filter(|room| room.unwritten > 0);
        lost.map(|room| (room.receiver.clone(), std::mem::take(&mut room.unwritten))).collect()
    }

    /// Gives numbers back that were not written.
    pub(super) fn give_back(&self, unwritten: &[(String, u64)]) {
        let Some(mut rooms) = self.lock() else { return };
        for (receiver, count) in unwritten {
            if let Some(room) = rooms.iter_mut().find(|room| room.receiver == *receiver) {
                room.unwritten = room.unwritten.saturating_add(*count);
            }
        }
    }

    fn read(&self, receiver: &str, read: impl Fn(&Room) -> u64) -> u64 {
        self.lock().and_then(|rooms| rooms.iter().find(|room| room.receiver == receiver).map(read)).unwrap_or_default()
    }

    fn lock(&self) -> Option<MutexGuard<'_, Vec<Room>>> {
        self.0.as_ref().map(|shared| shared.lock())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn take(&mut self, max: u64) -> bool {
        let has_room = self.waiting.saturating_add(self.pending) < max;
        self.pending = self.pending.saturating_add(u64::from(has_room));
        has_room
    }

    fn lose(&mut self, count: u64, max: u64) {
        if self.full.is_none() {
            tracing::warn!(
                "signals: {}: its outbox is full: {max} signals wait, and new ones are lost until it takes some",
                self.receiver
            );
        }
        self.full = Some(self.full.unwrap_or_default().saturating_add(count));
        self.lost = self.lost.saturating_add(count);
        self.unwritten = self.unwritten.saturating_add(count);
    }

    fn note_room(&mut self, max: u64) {
        let (part, whole) = ROOM_AGAIN;
        let Some(lost) = self.full.filter(|_| self.waiting.saturating_mul(whole) < max.saturating_mul(part).max(1)) else { return };
        self.full = None;
        tracing::info!("signals: {}: its outbox has room again; {lost} signals were lost meanwhile", self.receiver);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(waiting: u64, max: u64) -> Rooms {
        Rooms::new(vec![("one".into(), waiting), ("other".into(), 0)], max)
    }

    #[test]
    fn room_is_taken_by_changes_that_are_not_committed_yet_and_given_back_by_those_that_are_not_stored() {
        let rooms = rooms(1, 3);
        assert_eq!([rooms.take(), rooms.take(), rooms.take()], [[true, true], [true, true], [false, true]]);
        rooms.end("one", 1, 0, false);
        assert_eq!(rooms.take(), [true, false], "the other has three");
        rooms.end("one", 1, 1, false);
        assert_eq!(rooms.lost("one"), 0, "what was not stored was not lost either");
        rooms.end("one", 1, 1, true);
        assert_eq!((rooms.lost("one"), rooms.lost("other"), rooms.unwritten("one")), (1, 0, 1));
        assert_eq!((rooms.take_unwritten(), rooms.unwritten("one")), (vec![("one".to_owned(), 1)], 0));
        rooms.give_back(&[("one".into(), 1)]);
        assert_eq!((rooms.unwritten("one"), rooms.lost("one")), (1, 1));
    }

    #[test]
    fn count_is_corrected_by_the_rows_and_by_what_was_added_since() {
        let rooms = rooms(0, 10);
        for _ in 0..4 {
            rooms.take();
            rooms.end("one", 1, 0, true);
        }
        let before = rooms.added("one");
        rooms.take();
        rooms.end("one", 1, 0, true);
        rooms.correct("one", 8, before);
        assert_eq!([rooms.take()[0], rooms.take()[0]], [true, false], "eight rows, one since then and one that is pending");
    }

    #[test]
    fn full_outbox_has_room_again_below_nine_tenths_of_the_limit() {
        let rooms = rooms(10, 10);
        let is_full = |rooms: &Rooms| rooms.read("one", |room| room.full.unwrap_or_default());
        assert!(!rooms.take()[0]);
        rooms.end("one", 0, 1, true);
        rooms.free("one", 1);
        assert_eq!(is_full(&rooms), 1, "one place is no end of it");
        assert!(rooms.take()[0], "although it is used");
        rooms.end("one", 1, 0, true);
        rooms.free("one", 2);
        assert_eq!(is_full(&rooms), 0);
    }
}
