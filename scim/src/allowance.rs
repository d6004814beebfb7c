//! The rate limit of searches for tokens: an allowance of seconds, which refills with time.

/// What a store still admits of searches for tokens. It keeps one number, which is enough for an
/// exact limit over any number of processes: see [`Step::Admit`](crate::Step::Admit).
///
/// The allowance holds 300 seconds and refills by a second each second. A search by two codes costs
/// 10 of them, one by a single code all 300. So in any `t` seconds a store admits at most
/// `30 + t / 10` searches by two codes, or `1 + t / 300` by one, of all accounts together.
///
/// Hosts may have clocks that differ by up to five minutes: the limit counts by the one that is
/// ahead.
///
/// ```
/// use keyfob_scim::Allowance;
///
/// let now = 1_700_000_000;
/// let (next, wait) = Allowance::default().spend(300, now);
/// assert_eq!(wait, 0);
/// assert_eq!(next.spend(10, now), (next, 10));
/// assert_eq!(next.spend(10, now + 10).1, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Until when what was spent is refilled, in Unix seconds.
    full_at: u64,
}

impl Allowance {
    /// The most that it holds.
    pub(crate) const MAX_SECONDS: u64 = 300;
    /// How far apart the clocks of hosts may be.
    const MAX_CLOCK_SKEW_SECONDS: u64 = 300;

    /// The allowance of the number that a store keeps; 0 is a full one.
    pub const fn from_number(number: u64) -> Self {
        Self { full_at: number }
    }

    /// The number that a store keeps.
    pub const fn number(self) -> u64 {
        self.full_at
    }

    /// Spends so many seconds at this time, in Unix seconds, if it has as many. Returns the
    /// allowance to store, and after how many seconds it has enough: 0 if they are spent.
    #[must_use]
    pub fn spend(self, seconds: u64, now: u64) -> (Self, u64) {
        let is_sane = self.full_at <= now.saturating_add(Self::MAX_SECONDS).saturating_add(Self::MAX_CLOCK_SKEW_SECONDS);
        // A clock was ahead: without this, no search would be admitted up to its time.
        let full_at = if is_sane { self.full_at } else { now.saturating_add(Self::MAX_SECONDS) };
        let spent = full_at.max(now).saturating_add(seconds);
        match spent.saturating_sub(now).saturating_sub(Self::MAX_SECONDS) {
            0 => (Self { full_at: spent }, 0),
            wait => (Self { full_at }, wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    proptest! {
        /// Whatever the requests, their times and the skew of their clocks.
        #[test]
        fn no_more_is_spent_than_the_allowance_and_the_time(
            requests in prop::collection::vec((0..200_u64, 0..=300_u64, prop_oneof![Just(10_u64), Just(300)]), 1..200),
        ) {
            let (mut allowance, mut time, mut last, mut spent) = (Allowance::default(), NOW, NOW, 0);
            for (later, skew, cost) in requests {
                time += later;
                last = last.max(time + skew);
                let (next, wait) = allowance.spend(cost, time + skew);
                if wait == 0 {
                    spent += cost;
                }
                allowance = next;
                prop_assert!(spent <= Allowance::MAX_SECONDS + last - NOW, "{spent} in {}", last - NOW);
            }
        }

        #[test]
        fn wait_is_exact(full_at in NOW - 400..NOW + 300, cost in 1..=300_u64) {
            let (next, wait) = Allowance::from_number(full_at).spend(cost, NOW);
            prop_assert!(wait <= cost);
            if wait > 0 {
                prop_assert!(next.spend(cost, NOW + wait - 1).1 == 1 && next.spend(cost, NOW + wait).1 == 0);
            }
        }
    }

    #[test]
    fn clock_that_was_ahead_closes_no_search_for_longer_than_an_empty_allowance() {
        let (ahead, _) = Allowance::default().spend(10, NOW + 100_000_000);
        let (next, wait) = ahead.spend(10, NOW);
        assert_eq!((next.number(), wait), (NOW + Allowance::MAX_SECONDS, 10));
        assert_eq!(next.spend(10, NOW + 10).1, 0);
        assert_eq!(Allowance::from_number(u64::MAX).spend(300, u64::MAX).1, 0, "no arithmetic fails");
    }
}
