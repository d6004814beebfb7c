//! Layer 1: what happens at too many fails.

/// What happens at too many fails.
///
/// Only a right answer and an unlock reset the fails: those of each variant are in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lock {
    /// The device is locked until somebody unlocks it.
    Hard {
        /// The fail on which the lock falls, 1 or more; 10 by default.
        max_fails: u32,
    },
    /// The device takes no attempt for a time that doubles with each further fail. It never locks.
    Throttle {
        /// The fail that begins the first delay, 1 or more.
        max_fails: u32,
        /// The first delay, in seconds, 1 or more.
        first_delay: u32,
        /// The longest delay, in seconds.
        max_delay: u32,
    },
    /// As [`Throttle`](Self::Throttle), until the total of fails locks the device (NIST SP
    /// 800-63B-4 section 3.2.2, with a total of at most 100).
    ThrottleThenLock {
        /// The fail that begins the first delay, 1 or more.
        max_fails: u32,
        /// The first delay, in seconds, 1 or more.
        first_delay: u32,
        /// The longest delay, in seconds.
        max_delay: u32,
        /// The fail on which the lock falls, more than `max_fails`.
        total_fails: u32,
    },
}

impl Lock {
    /// The fail on which the lock or the first delay falls.
    pub const fn max_fails(self) -> u32 {
        match self {
            Self::Hard { max_fails } | Self::Throttle { max_fails, .. } | Self::ThrottleThenLock { max_fails, .. } => max_fails,
        }
    }

    /// The fail on which the device is locked until somebody unlocks it; none if it never is.
    pub const fn locking_fail(self) -> Option<u32> {
        match self {
            Self::Hard { max_fails: fails } | Self::ThrottleThenLock { total_fails: fails, .. } => Some(fails),
            Self::Throttle { .. } => None,
        }
    }

    /// The first and the longest delay, in seconds; none without a throttle.
    pub const fn delays(self) -> Option<(u32, u32)> {
        match self {
            Self::Throttle { first_delay, max_delay, .. } | Self::ThrottleThenLock { first_delay, max_delay, .. } => {
                Some((first_delay, max_delay))
            }
            Self::Hard { .. } => None,
        }
    }

    /// Whether `fails` lock the device.
    #[inline]
    pub(crate) fn is_due(self, fails: u32) -> bool {
        self.locking_fail().is_some_and(|limit| fails >= limit)
    }

    /// How long the device refuses to answer after its `fails`-th fail, in seconds, from the limit
    /// on.
    pub(crate) fn delay(self, fails: u32) -> u32 {
        let Some((first, longest)) = self.delays() else { return 0 };
        let doublings = fails.saturating_sub(self.max_fails());
        first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(longest)
    }

    /// How many guesses are evaluated before the device locks, or, of one that never does, within a
    /// year of uninterrupted guessing.
    #[inline]
    pub(crate) fn guesses(self) -> u64 {
        match self {
            Self::Hard { max_fails: fails } | Self::ThrottleThenLock { total_fails: fails, .. } => fails.into(),
            Self::Throttle { max_fails: fails, max_delay: longest, .. } => self.guesses_in_a_year(fails, longest),
        }
    }

    fn guesses_in_a_year(self, fails: u32, longest: u32) -> u64 {
        const YEAR_SECONDS: u64 = 365 * 24 * 60 * 60;
        let (mut guesses, mut time) = (u64::from(fails), 0_u64);
        for doubling in 0..32 {
            time = time.saturating_add(u64::from(self.delay(fails.saturating_add(doubling))));
            if time > YEAR_SECONDS {
                return guesses;
            }
            guesses = guesses.saturating_add(1);
        }
        let rest = YEAR_SECONDS.saturating_sub(time).checked_div(u64::from(longest)).unwrap_or_default();
        guesses.saturating_add(rest)
    }
}
