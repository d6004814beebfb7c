//! A pause after wrong passwords, so that none is guessed at the speed of its hash.
//!
//! It is one of an account and an address together: whoever guesses from one place keeps nobody out
//! who comes from another.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The wrong password that begins the first pause, of a second. Each further one doubles it.
const FREE: u32 = 5;
/// How long wrong passwords count.
const COUNTED: Duration = Duration::from_secs(24 * 60 * 60);
/// How often those that count no more are dropped, at most.
const SWEPT: Duration = Duration::from_secs(60 * 60);
/// How many accounts and addresses are kept: some megabyte.
const MOST: usize = 10_000;

/// A hash of an account's name and an address.
pub(super) type Pair = [u8; 32];

/// Wrong passwords in a row, and the end of the pause after them. The least is the first that makes
/// room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wrong {
    times: u32,
    until: Instant,
}

/// The pauses.
pub(super) struct Throttle {
    longest: Duration,
    pairs: Mutex<Pairs>,
}

#[derive(Default)]
struct Pairs {
    of: HashMap<Pair, Wrong>,
    /// The same in their order: strangers can have each of their wrong passwords make room.
    order: BTreeSet<(Wrong, Pair)>,
    swept: Option<Instant>,
}

impl Throttle {
    /// With the longest pause; zero for none.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, pairs: Mutex::default() }
    }

    /// For how many seconds no password is looked at; 0 for none.
    pub(super) fn left(&self, pair: &Pair, now: Instant) -> u64 {
        let Ok(pairs) = self.pairs.lock() else { return 0 };
        let left = pairs.of.get(pair).map_or(Duration::ZERO, |wrong| wrong.until.saturating_duration_since(now));
        left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0))
    }

    /// Counts a wrong password. Tells whether the first pause begins with it.
    pub(super) fn wrong(&self, pair: Pair, now: Instant) -> bool {
        if self.longest.is_zero() {
            return false;
        }
        let Ok(mut pairs) = self.pairs.lock() else { return false };
        let before = pairs.remove(&pair).filter(|wrong| is_counted(wrong, now)).map_or(0, |wrong| wrong.times);
        pairs.make_room(now);
        let times = before.saturating_add(1);
        pairs.insert(pair, Wrong { times, until: now.checked_add(self.pause(times)).unwrap_or(now) });
        times == FREE
    }

    /// Forgets the wrong ones: a right one came from there.
    pub(super) fn right(&self, pair: &Pair) {
        if let Ok(mut pairs) = self.pairs.lock() {
            pairs.remove(pair);
        }
    }

    fn pause(&self, times: u32) -> Duration {
        let seconds = times.checked_sub(FREE).map_or(0, |doublings| 1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
        Duration::from_secs(seconds).min(self.longest)
    }
}

impl Pairs {
    fn insert(&mut self, pair: Pair, wrong: Wrong) {
        self.of.insert(pair, wrong);
        self.order.insert((wrong, pair));
    }

    fn remove(&mut self, pair: &Pair) -> Option<Wrong> {
        let wrong = self.of.remove(pair)?;
        self.order.remove(&(wrong, *pair));
        Some(wrong)
    }

    /// Makes room for one more. Those that count no more go first, and then the lowest count:
    /// whoever makes room with names of their own does not lose their highest count by it.
    fn make_room(&mut self, now: Instant) {
        if self.of.len() < MOST {
            return;
        }
        if self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEPT) {
            self.swept = Some(now);
            self.of.retain(|_, wrong| is_counted(wrong, now));
            self.order.retain(|(wrong, _)| is_counted(wrong, now));
        }
        if self.of.len() >= MOST
            && let Some((_, least)) = self.order.pop_first()
        {
            self.of.remove(&least);
        }
    }
}

fn is_counted(wrong: &Wrong, now: Instant) -> bool {
    now.saturating_duration_since(wrong.until) < COUNTED
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Throttle").field("longest", &self.longest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize) -> Pair {
        let mut pair = [0; 32];
        pair[..8].copy_from_slice(&number.to_le_bytes());
        pair
    }

    impl Throttle {
        fn kept(&self) -> usize {
            let pairs = self.pairs.lock().unwrap();
            assert_eq!(pairs.of.len(), pairs.order.len());
            pairs.of.len()
        }
    }

    #[test]
    fn the_fifth_wrong_password_begins_a_pause_that_doubles_up_to_the_longest() {
        let (throttle, mut now) = (Throttle::new(Duration::from_secs(900)), Instant::now());
        let mut pauses = Vec::new();
        for time in 1..20 {
            assert_eq!(throttle.left(&pair(1), now), 0);
            assert_eq!(throttle.wrong(pair(1), now), time == 5, "it is told once");
            pauses.push(throttle.left(&pair(1), now));
            assert_eq!(throttle.left(&pair(2), now), 0);
            now += Duration::from_secs(pauses[time - 1]);
        }
        assert_eq!(pauses, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]);
        throttle.right(&pair(1));
        assert!(!throttle.wrong(pair(1), now) && throttle.left(&pair(1), now) == 0);
    }

    #[test]
    fn what_was_wrong_counts_for_a_day() {
        let (throttle, now) = (Throttle::new(Duration::from_secs(900)), Instant::now());
        (0..4).for_each(|_| assert!(!throttle.wrong(pair(1), now)));
        assert!(throttle.wrong(pair(1), now + COUNTED * 9 / 10));
        assert!(!throttle.wrong(pair(1), now + COUNTED * 3));
        assert_eq!(throttle.left(&pair(1), now + COUNTED * 3), 0);
    }

    #[test]
    fn it_keeps_so_many_and_the_highest_counts_of_them() {
        let (throttle, now) = (Throttle::new(Duration::from_secs(900)), Instant::now());
        for number in [0; 8].into_iter().chain(1..MOST + 500) {
            throttle.wrong(pair(number), now);
        }
        assert_eq!(throttle.kept(), MOST);
        assert_eq!(throttle.left(&pair(0), now), 8);
        // Those of yesterday go first.
        throttle.wrong(pair(MOST * 2), now + COUNTED * 2);
        assert_eq!(throttle.kept(), 1);
    }

    #[test]
    fn without_a_pause_nothing_is_kept() {
        let (throttle, now) = (Throttle::new(Duration::ZERO), Instant::now());
        (0..100).for_each(|_| assert!(!throttle.wrong(pair(0), now)));
        assert_eq!((throttle.left(&pair(0), now), throttle.kept()), (0, 0));
    }
}
