//! A queue that shares its places and its turns out: among addresses first, and those of one
//! address among the names that come from it.

use std::collections::{HashMap, VecDeque};

use super::throttle::Pair;
use crate::http::network::Network;

/// How many may wait whose turn takes time. Half a second's work of two cores, as a rule.
pub(super) const MOST: usize = 128;

/// Who waits.
pub(super) struct Fair<T> {
    addresses: HashMap<Network, Address<T>>,
    /// The addresses in the order of their turns.
    turns: VecDeque<Network>,
    /// How many wait whose turn takes time.
    many: usize,
}

struct Address<T> {
    names: HashMap<Pair, VecDeque<Waiting<T>>>,
    turns: VecDeque<Pair>,
    many: usize,
}

struct Waiting<T> {
    /// Whether its turn takes time, and so counts.
    counts: bool,
    item: T,
}

/// Where there is room.
enum Room {
    Free,
    /// In the place of the latest of this address and this name.
    Of(Network, Pair),
    None,
}

impl<T> Fair<T> {
    pub(super) fn new() -> Self {
        Self { addresses: HashMap::new(), turns: VecDeque::new(), many: 0 }
    }

    /// Lets an item wait. `counts` says that its turn takes time: only such items take places.
    /// Others are let in and refused just as they are, so that nobody learns from it which they
    /// are.
    ///
    /// Returns what has lost its place to it: the latest of the name and the address that have the
    /// most. Errors: the item itself, if that is its own name.
    pub(super) fn push(&mut self, address: Network, name: Pair, counts: bool, item: T) -> Result<Option<T>, T> {
        let lost = match self.room(&address, &name) {
            Room::None => return Err(item),
            Room::Of(address, name) if counts => self.take_latest(&address, &name),
            Room::Of(..) | Room::Free => None,
        };
        let turns = &mut self.turns;
        let of = self.addresses.entry(address).or_insert_with(|| {
            turns.push_back(address);
            Address { names: HashMap::new(), turns: VecDeque::new(), many: 0 }
        });
        let turns = &mut of.turns;
        let waiting = of.names.entry(name).or_insert_with(|| {
            turns.push_back(name);
            VecDeque::new()
        });
        waiting.push_back(Waiting { counts, item });
        of.many = of.many.saturating_add(usize::from(counts));
        self.many = self.many.saturating_add(usize::from(counts));
        Ok(lost)
    }

    /// The next one whose turn takes time. Those before it whose turn takes none are added to
    /// `free`.
    pub(super) fn pop(&mut self, free: &mut Vec<T>) -> Option<T> {
        while let Some(network) = self.turns.pop_front() {
            let Some(address) = self.addresses.get_mut(&network) else { continue };
            let next = address.pop(free);
            if address.names.is_empty() {
                self.addresses.remove(&network);
            } else {
                self.turns.push_back(network);
            }
            if next.is_some() {
                self.many = self.many.saturating_sub(1);
                return next;
            }
        }
        None
    }

    /// How many wait, those whose turn takes no time among them.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.addresses.values().flat_map(|address| address.names.values()).map(VecDeque::len).sum()
    }

    /// Whether there is room for one more of this address and this name.
    fn room(&self, network: &Network, name: &Pair) -> Room {
        if self.many < MOST {
            return Room::Free;
        }
        let own = self.addresses.get(network);
        let own_many = own.map_or(0, |address| address.many);
        let fullest = self.addresses.iter().max_by_key(|(_, address)| address.many);
        let Some((fullest_network, fullest)) = fullest else { return Room::None };
        if fullest.many > own_many.saturating_add(1) {
            return fullest.fullest().map_or(Room::None, |(name, _)| Room::Of(*fullest_network, name));
        }
        // Nobody has more than this address: it makes room among its own names.
        let own_waiting = own.and_then(|address| address.names.get(name)).map_or(0, VecDeque::len);
        match own.and_then(Address::fullest) {
            Some((name, many)) if many > own_waiting.saturating_add(1) => Room::Of(*network, name),
            _ => Room::None,
        }
    }

    /// Takes the latest that counts out of the queue.
    fn take_latest(&mut self, network: &Network, name: &Pair) -> Option<T> {
        let address = self.addresses.get_mut(network)?;
        let waiting = address.names.get_mut(name)?;
        let latest = waiting.iter().rposition(|waiting| waiting.counts)?;
        let taken = waiting.remove(latest)?.item;
        address.many = address.many.saturating_sub(1);
        self.many = self.many.saturating_sub(1);
        Some(taken)
    }
}

impl<T> Address<T> {
    fn pop(&mut self, free: &mut Vec<T>) -> Option<T> {
        while let Some(name) = self.turns.pop_front() {
            let Some(waiting) = self.names.get_mut(&name) else { continue };
            let next = waiting.pop_front();
            if waiting.is_empty() {
                self.names.remove(&name);
            } else {
                self.turns.push_back(name);
            }
            match next {
                Some(Waiting { counts: true, item }) => {
                    self.many = self.many.saturating_sub(1);
                    return Some(item);
                }
                Some(Waiting { item, .. }) => free.push(item),
                None => {}
            }
        }
        None
    }

    /// The name that has the most places, and how many.
    fn fullest(&self) -> Option<(Pair, usize)> {
        let many = |waiting: &VecDeque<Waiting<T>>| waiting.iter().filter(|waiting| waiting.counts).count();
        self.names.iter().map(|(name, waiting)| (*name, many(waiting))).max_by_key(|(_, many)| *many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: usize) -> Network {
        (number as u128).to_be_bytes()
    }

    fn name(number: usize) -> Pair {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&number.to_le_bytes());
        name
    }

    /// Takes the turns of all that wait; those that take no time are negative.
    fn drain(queue: &mut Fair<i32>) -> Vec<i32> {
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
        assert!(queue.many == 0 && queue.addresses.is_empty() && queue.turns.is_empty());
        order
    }

    #[test]
    fn addresses_take_turns_and_so_do_the_names_of_an_address() {
        let mut queue = Fair::new();
        // Four of a name at an address, two of another name there, and one of another address.
        for (from, of, item) in [(1, 1, 11), (1, 1, 12), (1, 1, 13), (1, 1, 14), (1, 2, 21), (1, 2, 22), (2, 1, 31)] {
            assert_eq!(queue.push(network(from), name(of), true, item), Ok(None));
        }
        assert_eq!(drain(&mut queue), [11, 31, 21, 12, 22, 13, 14]);
    }

    #[test]
    fn what_takes_no_time_has_its_turn_as_others_have_and_delays_none_of_them() {
        let mut queue = Fair::new();
        for item in 0..1000 {
            assert_eq!(queue.push(network(1), name(item), false, i32::try_from(item).unwrap() + 1), Ok(None));
        }
        queue.push(network(1), name(2000), true, 2000).unwrap();
        queue.push(network(1), name(3000), false, 3000).unwrap();
        assert_eq!(queue.many, 1);
        let mut free = Vec::new();
        assert_eq!((queue.pop(&mut free), free.len()), (Some(2000), 1000));
        assert_eq!(drain(&mut queue), [-3000]);
    }

    #[test]
    fn where_it_is_full_the_address_and_the_name_with_the_most_lose() {
        let mut queue = Fair::new();
        let mut next = 0..;
        // The first address has all places: three of a name that comes late, the rest of another.
        for of in [vec![1; MOST - 3], vec![2; 3]].concat() {
            assert_eq!(queue.push(network(1), name(of), true, next.next().unwrap()), Ok(None));
        }
        let full = i32::try_from(MOST).unwrap();
        // Another address, another name of the first, and few of the late one push out the latest
        // of the first name.
        assert_eq!(queue.push(network(2), name(1), true, 1000), Ok(Some(full - 4)));
        assert_eq!(queue.push(network(1), name(3), true, 1001), Ok(Some(full - 5)));
        assert_eq!(queue.push(network(1), name(2), true, 1002), Ok(Some(full - 6)));
        // The first name gets no more.
        assert_eq!(queue.push(network(1), name(1), true, 1003), Err(1003));
        assert_eq!((queue.many, queue.addresses[&network(1)].many), (MOST, MOST - 1));
        let order = drain(&mut queue);
        assert_eq!(order.len(), MOST);
        assert_eq!(order[..6], [0, 1000, full - 3, 1001, 1, full - 2]);
    }

    #[test]
    fn what_takes_no_time_is_refused_as_others_are_and_pushes_out_nothing() {
        for counts in [true, false] {
            let mut queue = Fair::new();
            (0..MOST).for_each(|item| assert_eq!(queue.push(network(1), name(1), true, item), Ok(None)));
            assert!(queue.push(network(1), name(1), counts, 1).is_err(), "the name with the most");
            assert!(queue.push(network(1), name(2), counts, 2).is_ok(), "another name");
            assert!(queue.push(network(2), name(1), counts, 3).is_ok(), "another address");
            assert_eq!(queue.many, MOST, "{counts}");
        }
        let mut queue = Fair::new();
        (0..MOST).for_each(|item| assert_eq!(queue.push(network(item), name(1), true, item), Ok(None)));
        for counts in [true, false] {
            assert!(queue.push(network(MOST), name(1), counts, 1).is_err(), "all have one: none gives way");
        }
    }
}
