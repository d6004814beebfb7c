//! A fair queue: networks share its slots and turns, and so do the names of each network.

use std::collections::{HashMap, VecDeque};

use super::throttle::PairHash;
use crate::http::network::Network;

/// How many items whose turn takes time may wait. This is usually half a second's work of two
/// cores.
pub(super) const MAX_WAITING: usize = 128;

/// The queue.
pub(super) struct FairQueue<T> {
    networks: HashMap<Network, Names<T>>,
    /// The networks in the order of their turns.
    turns: VecDeque<Network>,
    /// How many items wait whose turn takes time.
    counted: usize,
}

/// What waits of one network.
struct Names<T> {
    waiting: HashMap<PairHash, VecDeque<Waiting<T>>>,
    turns: VecDeque<PairHash>,
    counted: usize,
}

struct Waiting<T> {
    /// Whether its turn takes time, and so counts.
    counts: bool,
    item: T,
}

/// Where a new item has room.
enum Room {
    Free,
    /// In place of the latest item of this network and this name.
    InPlaceOf(Network, PairHash),
    None,
}

impl<T> FairQueue<T> {
    pub(super) fn new() -> Self {
        Self { networks: HashMap::new(), turns: VecDeque::new(), counted: 0 }
    }

    /// Adds an item. `counts` says that its turn takes time: only such items take slots. Others are
    /// admitted and refused in the same way, so that clients cannot tell them apart.
    ///
    /// Returns the item that it evicts: the latest of the name and the network with the most items.
    ///
    /// Errors: the item itself, if that is its own name.
    pub(super) fn push(&mut self, network: Network, name: PairHash, counts: bool, item: T) -> Result<Option<T>, T> {
        let evicted = match self.room(&network, &name) {
            Room::None => return Err(item),
            Room::InPlaceOf(network, name) if counts => self.take_latest(&network, &name),
            Room::InPlaceOf(..) | Room::Free => None,
        };
        let turns = &mut self.turns;
        let names = self.networks.entry(network).or_insert_with(|| {
            turns.push_back(network);
            Names { waiting: HashMap::new(), turns: VecDeque::new(), counted: 0 }
        });
        let turns = &mut names.turns;
        let waiting = names.waiting.entry(name).or_insert_with(|| {
            turns.push_back(name);
            VecDeque::new()
        });
        waiting.push_back(Waiting { counts, item });
        names.counted = names.counted.saturating_add(usize::from(counts));
        self.counted = self.counted.saturating_add(usize::from(counts));
        Ok(evicted)
    }

    /// Takes the next item whose turn takes time. Items before it whose turn takes none are added
    /// to
    /// `free`.
    pub(super) fn pop(&mut self, free: &mut Vec<T>) -> Option<T> {
        while let Some(network) = self.turns.pop_front() {
            let Some(names) = self.networks.get_mut(&network) else { continue };
            let next = names.pop(free);
            if names.waiting.is_empty() {
                self.networks.remove(&network);
            } else {
                self.turns.push_back(network);
            }
            if next.is_some() {
                self.counted = self.counted.saturating_sub(1);
                return next;
            }
        }
        None
    }

    /// How many items wait, including those whose turn takes no time.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.networks.values().flat_map(|names| names.waiting.values()).map(VecDeque::len).sum()
    }

    /// Where one more item of this network and this name has room.
    fn room(&self, network: &Network, name: &PairHash) -> Room {
        if self.counted < MAX_WAITING {
            return Room::Free;
        }
        let own = self.networks.get(network);
        let own_counted = own.map_or(0, |names| names.counted);
        let fullest = self.networks.iter().max_by_key(|(_, names)| names.counted);
        let Some((fullest_network, fullest)) = fullest else { return Room::None };
        if fullest.counted > own_counted.saturating_add(1) {
            return fullest.fullest().map_or(Room::None, |(name, _)| Room::InPlaceOf(*fullest_network, name));
        }
        // No network has more than this one: it evicts an item of its own.
        let own_waiting = own.and_then(|names| names.waiting.get(name)).map_or(0, VecDeque::len);
        match own.and_then(Names::fullest) {
            Some((name, counted)) if counted > own_waiting.saturating_add(1) => Room::InPlaceOf(*network, name),
            _ => Room::None,
        }
    }

    /// Takes the latest counted item of a name out of the queue.
    fn take_latest(&mut self, network: &Network, name: &PairHash) -> Option<T> {
        let names = self.networks.get_mut(network)?;
        let waiting = names.waiting.get_mut(name)?;
        let latest = waiting.iter().rposition(|waiting| waiting.counts)?;
        let taken = waiting.remove(latest)?.item;
        names.counted = names.counted.saturating_sub(1);
        self.counted = self.counted.saturating_sub(1);
        Some(taken)
    }
}

impl<T> Names<T> {
    fn pop(&mut self, free: &mut Vec<T>) -> Option<T> {
        while let Some(name) = self.turns.pop_front() {
            let Some(waiting) = self.waiting.get_mut(&name) else { continue };
            let next = waiting.pop_front();
            if waiting.is_empty() {
                self.waiting.remove(&name);
            } else {
                self.turns.push_back(name);
            }
            match next {
                Some(Waiting { counts: true, item }) => {
                    self.counted = self.counted.saturating_sub(1);
                    return Some(item);
                }
                Some(Waiting { item, .. }) => free.push(item),
                None => {}
            }
        }
        None
    }

    /// The name with the most counted items, and how many it has.
    fn fullest(&self) -> Option<(PairHash, usize)> {
        let counted = |waiting: &VecDeque<Waiting<T>>| waiting.iter().filter(|waiting| waiting.counts).count();
        self.waiting.iter().map(|(name, waiting)| (*name, counted(waiting))).max_by_key(|(_, counted)| *counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: usize) -> Network {
        (number as u128).to_be_bytes()
    }

    fn name(number: usize) -> PairHash {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&number.to_le_bytes());
        name
    }

    /// Takes all turns. Those that take no time are negative.
    fn drain(queue: &mut FairQueue<i32>) -> Vec<i32> {
        let mut order = Vec::new();
        loop {
            let mut free = Vec::new();
            let next = queue.pop(&mut free);
            order.extend(free.into_iter().map(|item| -item));
            match next {
                Some(item) => order.push(item),
                None => break,
            }
        }
        assert!(queue.counted == 0 && queue.networks.is_empty() && queue.turns.is_empty());
        order
    }

    #[test]
    fn turns_alternate_among_addresses_and_the_names_of_each() {
        let mut queue = FairQueue::new();
        // Four of a name at an address, two of another name there, and one of another address.
        for (from, of, item) in [(1, 1, 11), (1, 1, 12), (1, 1, 13), (1, 1, 14), (1, 2, 21), (1, 2, 22), (2, 1, 31)] {
            assert_eq!(queue.push(network(from), name(of), true, item), Ok(None));
        }
        assert_eq!(drain(&mut queue), [11, 31, 21, 12, 22, 13, 14]);
    }

    #[test]
    fn free_turns_wait_as_others_do_and_delay_none_of_them() {
        let mut queue = FairQueue::new();
        for item in 0..1000 {
            assert_eq!(queue.push(network(1), name(item), false, i32::try_from(item).unwrap() + 1), Ok(None));
        }
        queue.push(network(1), name(2000), true, 2000).unwrap();
        queue.push(network(1), name(3000), false, 3000).unwrap();
        assert_eq!(queue.counted, 1);
        let mut free = Vec::new();
        assert_eq!((queue.pop(&mut free), free.len()), (Some(2000), 1000));
        assert_eq!(drain(&mut queue), [-3000]);
    }

    #[test]
    fn full_queue_evicts_from_the_address_and_the_name_with_the_most() {
        let mut queue = FairQueue::new();
        let mut next = 0..;
        // The first network has all slots: three of a name that comes late, the rest of another.
        for of in [vec![1; MAX_WAITING - 3], vec![2; 3]].concat() {
            assert_eq!(queue.push(network(1), name(of), true, next.next().unwrap()), Ok(None));
        }
        let full = i32::try_from(MAX_WAITING).unwrap();
        // Another address, another name of the first, and few of the late one push out the latest
        // of the first name.
        assert_eq!(queue.push(network(2), name(1), true, 1000), Ok(Some(full - 4)));
        assert_eq!(queue.push(network(1), name(3), true, 1001), Ok(Some(full - 5)));
        assert_eq!(queue.push(network(1), name(2), true, 1002), Ok(Some(full - 6)));
        // The first name gets no more.
        assert_eq!(queue.push(network(1), name(1), true, 1003), Err(1003));
        assert_eq!((queue.counted, queue.networks[&network(1)].counted), (MAX_WAITING, MAX_WAITING - 1));
        let order = drain(&mut queue);
        assert_eq!(order.len(), MAX_WAITING);
        assert_eq!(order[..6], [0, 1000, full - 3, 1001, 1, full - 2]);
    }

    #[test]
    fn free_turns_are_refused_as_others_are_and_evict_none() {
        for counts in [true, false] {
            let mut queue = FairQueue::new();
            (0..MAX_WAITING).for_each(|item| assert_eq!(queue.push(network(1), name(1), true, item), Ok(None)));
            assert!(queue.push(network(1), name(1), counts, 1).is_err(), "the name with the most");
            assert!(queue.push(network(1), name(2), counts, 2).is_ok(), "another name");
            assert!(queue.push(network(2), name(1), counts, 3).is_ok(), "another address");
            assert_eq!(queue.counted, MAX_WAITING, "{counts}");
        }
        let mut queue = FairQueue::new();
        (0..MAX_WAITING).for_each(|item| assert_eq!(queue.push(network(item), name(1), true, item), Ok(None)));
        for counts in [true, false] {
            assert!(queue.push(network(MAX_WAITING), name(1), counts, 1).is_err(), "all have one: none gives way");
        }
    }
}
