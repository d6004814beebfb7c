//! Layer 1: what happens at too many fails.

/// What happens at too many fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lock {
    /// The device is locked until somebody unlocks it.
    Hard {
        /// The fail on which the lock falls, 1 or more; 10 by default.
        max_fails: u32,
    },
    /// The device takes no attempt for a time that doubles with each further fail.
    Throttle {
        /// The fail that begins the first delay, 1 or more.
        max_fails: u32,
        /// The first delay, in seconds, 1 or more.
        first_delay: u32,
        /// The longest delay, in seconds.
        max_delay: u32,
    },
}

impl Lock {
    /// The fail on which the lock or the first delay falls.
    pub const fn max_fails(self) -> u32 {
        match self {
            Self::Hard { max_fails: fails } | Self::Throttle { max_fails: fails, .. } => fails,
        }
    }

    /// How long the device refuses to answer after its `fails`-th fail, in seconds, from the limit
    /// on.
    pub(crate) fn delay(self, fails: u32) -> u32 {
        match self {
            Self::Throttle { max_fails: limit, first_delay: first, max_delay: longest } => {
                let doublings = fails.saturating_sub(limit);
                first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(longest)
            }
            Self::Hard { .. } => 0,
        }
    }

    /// How many guesses are evaluated before a hard lock, or within a year of uninterrupted
    /// guessing.
    #[inline]
    pub(crate) fn guesses(self) -> u64 {
        match self {
            Self::Hard { max_fails: fails } => fails.into(),
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
