//! A pause after wrong passwords, so that guesses are slower than hashes.
//!
//! A pause is for an account and an address together. Guesses from one address lock out nobody at
//! another.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How many wrong passwords begin the first pause, of a second. Each further one doubles the pause.
const PASSWORDS_BEFORE_PAUSE: u32 = 5;
/// How long wrong passwords count.
const COUNT_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
/// How often expired counts are removed, at most.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How many pairs of an account and an address are kept: about a megabyte.
const MAX_PAIRS: usize = 10_000;

/// A hash of an account's name and an address.
pub(super) type PairHash = [u8; 32];

/// How many wrong passwords came in a row, and the end of the pause after them. The lowest count is
/// evicted first.
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
    counts: HashMap<PairHash, Wrong>,
    /// The same counts in order, since each wrong password of a stranger may evict one.
    order: BTreeSet<(Wrong, PairHash)>,
    swept_at: Option<Instant>,
}

impl Throttle {
    /// A throttle with this longest pause, zero for none.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, pairs: Mutex::default() }
    }

    /// How many seconds are left of a pause. 0 if there is none.
    pub(super) fn remaining_seconds(&self, pair: &PairHash, now: Instant) -> u64 {
        let Ok(pairs) = self.pairs.lock() else { return 0 };
        let left = pairs.counts.get(pair).map_or(Duration::ZERO, |wrong| wrong.until.saturating_duration_since(now));
        left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0))
    }

    /// Counts a wrong password. Returns whether the first pause begins with it.
    pub(super) fn count_wrong(&self, pair: PairHash, now: Instant) -> bool {
        if self.longest.is_zero() {
            return false;
        }
        let Ok(mut pairs) = self.pairs.lock() else { return false };
        let before = pairs.remove(&pair).filter(|wrong| is_counted(wrong, now)).map_or(0, |wrong| wrong.times);
        pairs.evict(now);
        let times = before.saturating_add(1);
        pairs.insert(pair, Wrong { times, until: now.checked_add(self.pause(times)).unwrap_or(now) });
        times == PASSWORDS_BEFORE_PAUSE
    }

    /// Forgets the wrong passwords of a pair after a right one.
    pub(super) fn reset(&self, pair: &PairHash) {
        if let Ok(mut pairs) = self.pairs.lock() {
            pairs.remove(pair);
        }
    }

    fn pause(&self, times: u32) -> Duration {
        let seconds =
            times.checked_sub(PASSWORDS_BEFORE_PAUSE).map_or(0, |doublings| 1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
        Duration::from_secs(seconds).min(self.longest)
    }
}

impl Pairs {
    fn insert(&mut self, pair: PairHash, wrong: Wrong) {
        self.counts.insert(pair, wrong);
        self.order.insert((wrong, pair));
    }

    fn remove(&mut self, pair: &PairHash) -> Option<Wrong> {
        let wrong = self.counts.remove(pair)?;
        self.order.remove(&(wrong, *pair));
        Some(wrong)
    }

    /// Makes room for one more pair. Expired counts are removed first, and then the lowest. With
    /// made-up names nobody can remove a high count of their own.
    fn evict(&mut self, now: Instant) {
        if self.counts.len() < MAX_PAIRS {
            return;
        }
        if self.swept_at.is_none_or(|swept_at| now.saturating_duration_since(swept_at) >= SWEEP_INTERVAL) {
            self.swept_at = Some(now);
            self.counts.retain(|_, wrong| is_counted(wrong, now));
            self.order.retain(|(wrong, _)| is_counted(wrong, now));
        }
        if self.counts.len() >= MAX_PAIRS
            && let Some((_, lowest)) = self.order.pop_first()
        {
            self.counts.remove(&lowest);
        }
    }
}

fn is_counted(wrong: &Wrong, now: Instant) -> bool {
    now.saturating_duration_since(wrong.until) < COUNT_PERIOD
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Throttle").field("longest", &self.longest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize) -> PairHash {
        let mut pair = [0; 32];
        pair[..8].copy_from_slice(&number.to_le_bytes());
        pair
    }

    impl Throttle {
        fn kept(&self) -> usize {
            let pairs = self.pairs.lock().unwrap();
            assert_eq!(pairs.counts.len(), pairs.order.len());
            pairs.counts.len()
        }
    }

    #[test]
    fn pause_begins_at_the_fifth_wrong_password_and_doubles_up_to_the_longest() {
        let (throttle, mut now) = (Throttle::new(Duration::from_secs(900)), Instant::now());
        let mut pauses = Vec::new();
        for time in 1..20 {
            assert_eq!(throttle.remaining_seconds(&pair(1), now), 0);
            assert_eq!(throttle.count_wrong(pair(1), now), time == 5, "once");
            pauses.push(throttle.remaining_seconds(&pair(1), now));
            assert_eq!(throttle.remaining_seconds(&pair(2), now), 0);
            now += Duration::from_secs(pauses[time - 1]);
        }
        assert_eq!(pauses, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]);
        throttle.reset(&pair(1));
        assert!(!throttle.count_wrong(pair(1), now) && throttle.remaining_seconds(&pair(1), now) == 0);
    }

    #[test]
    fn wrong_passwords_count_for_a_day() {
        let (throttle, now) = (Throttle::new(Duration::from_secs(900)), Instant::now());
        (0..4).for_each(|_| assert!(!throttle.count_wrong(pair(1), now)));
        assert!(throttle.count_wrong(pair(1), now + COUNT_PERIOD * 9 / 10));
        assert!(!throttle.count_wrong(pair(1), now + COUNT_PERIOD * 3));
        assert_eq!(throttle.remaining_seconds(&pair(1), now + COUNT_PERIOD * 3), 0);
    }

    #[test]
    fn throttle_keeps_the_highest_counts_when_it_is_full() {
        let (throttle, now) = (Throttle::new(Duration::from_secs(900)), Instant::now());
        for number in [0; 8].into_iter().chain(1..MAX_PAIRS + 500) {
            throttle.count_wrong(pair(number), now);
        }
        assert_eq!(throttle.kept(), MAX_PAIRS);
        assert_eq!(throttle.remaining_seconds(&pair(0), now), 8);
        // Expired counts are removed first.
        throttle.count_wrong(pair(MAX_PAIRS * 2), now + COUNT_PERIOD * 2);
        assert_eq!(throttle.kept(), 1);
    }

    #[test]
    fn throttle_without_a_pause_keeps_nothing() {
        let (throttle, now) = (Throttle::new(Duration::ZERO), Instant::now());
        (0..100).for_each(|_| assert!(!throttle.count_wrong(pair(0), now)));
        assert_eq!((throttle.remaining_seconds(&pair(0), now), throttle.kept()), (0, 0));
    }
}
