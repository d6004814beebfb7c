//! Layer 1: the server's choices, given at each call.

use crate::{Digits, Error, GuessChance, Kind};

/// What happens at too many fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lock {
    /// The device is locked until somebody unlocks it.
    Hard {
        /// The fail on which the lock falls, 1 or more; 10 by default.
        fails: u32,
    },
    /// The device takes no attempt for a time that doubles with each further fail.
    Throttle {
        /// The fail that begins the first delay, 1 or more.
        fails: u32,
        /// The first delay, in seconds, 1 or more.
        first: u32,
        /// The longest delay, in seconds.
        longest: u32,
    },
}

impl Lock {
    /// The fail on which the lock or the first delay falls.
    pub const fn fails(self) -> u32 {
        match self {
            Self::Hard { fails } | Self::Throttle { fails, .. } => fails,
        }
    }

    /// How long the device refuses to answer after its `fails`-th fail, in seconds, from the limit on.
    pub(crate) fn delay(self, fails: u32) -> u32 {
        match self {
            Self::Throttle { fails: limit, first, longest } => {
                let doublings = fails.saturating_sub(limit);
                first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(longest)
            }
            Self::Hard { .. } => 0,
        }
    }

    /// How many guesses are evaluated before a hard lock, or within a year of uninterrupted guessing.
    #[inline]
    fn guesses(self) -> u64 {
        match self {
            Self::Hard { fails } => fails.into(),
            Self::Throttle { fails, longest, .. } => self.guesses_in_a_year(fails, longest),
        }
    }

    fn guesses_in_a_year(self, fails: u32, longest: u32) -> u64 {
        const YEAR: u64 = 365 * 24 * 60 * 60;
        let (mut guesses, mut time) = (u64::from(fails), 0_u64);
        for doubling in 0..32 {
            time = time.saturating_add(u64::from(self.delay(fails.saturating_add(doubling))));
            if time > YEAR {
                return guesses;
            }
            guesses = guesses.saturating_add(1);
        }
        let rest = YEAR.saturating_sub(time).checked_div(u64::from(longest)).unwrap_or_default();
        guesses.saturating_add(rest)
    }
}

/// How many digits of a PIN are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// This many positions, drawn anew after each right answer; 3 by default.
    Positions(u8),
    /// The whole PIN, every time. It too is asked by a challenge, so that an answer is right once.
    All,
}

/// The server's choices: how far from its own clock or counter it looks, when it locks, how long codes live.
///
/// A policy is small and `Copy`; build it once. Building refuses one under which guessing would succeed too often.
///
/// ```
/// use keyfob::{Digits, Error, GuessChance, Kind, Lock, Policy};
///
/// let policy = Policy::default();
/// assert_eq!(policy.chance(Kind::Totp, Digits::SIX).to_string(), "1 in 33324");
///
/// // 201 codes of a million would be right at any time, in ten guesses each.
/// assert_eq!(Policy::builder().window(100).build(), Err(Error::GuessBound));
/// let knowingly = Policy::builder().window(100).bound(GuessChance::one_in(400)).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    window: u16,
    look_ahead: u16,
    resync: u16,
    max_drift: u16,
    lock: Lock,
    lifetime: u32,
    reuse: u32,
    asked: Asked,
    pin_len: u8,
    clock_skew: u32,
    bound: GuessChance,
    pin_bound: GuessChance,
}

/// The widest resync window.
const WIDEST_RESYNC: u16 = 10_000;

impl Policy {
    /// The widest TOTP window, HOTP look-ahead and learned drift that a policy may have, in steps or counters.
    pub const WIDEST: u16 = 1_000;

    /// keyfob's defaults.
    pub const DEFAULT: Self = Self {
        window: 1,
        look_ahead: 10,
        resync: 100,
        max_drift: 0,
        lock: Lock::Hard { fails: 10 },
        lifetime: 600,
        reuse: 60,
        asked: Asked::Positions(3),
        pin_len: 8,
        clock_skew: 30,
        bound: GuessChance::one_in(1_000),
        pin_bound: GuessChance::one_in(100),
    };

    /// Starts from the defaults: TOTP window of 1 step each way, HOTP look-ahead of 10, lock at 10 fails, codes that live for 10
    /// minutes, 3 positions of a PIN of 8 digits or more.
    pub const fn builder() -> PolicyBuilder {
        Self::DEFAULT.to_builder()
    }

    /// Soffid's numbers: window of 10 steps each way, look-ahead of 24. A guess is seven times likelier than by default.
    ///
    /// Soffid's add-on itself takes the steps from 10 before to 9 after the present one, and 24 HOTP codes from the expected one; this takes
    /// one more of each, so that the windows are even and every code that Soffid takes is taken.
    pub const fn soffid() -> Self {
        Self { window: 10, look_ahead: 24, ..Self::DEFAULT }
    }

    /// Starts from this policy, its bounds included.
    pub const fn to_builder(self) -> PolicyBuilder {
        PolicyBuilder(self)
    }

    /// TOTP: how many steps before and after the present one are right.
    pub const fn window(&self) -> u16 {
        self.window
    }

    /// HOTP: how many counters after the expected one are right.
    pub const fn look_ahead(&self) -> u16 {
        self.look_ahead
    }

    /// HOTP: how many counters from the expected one a resync searches.
    pub const fn resync_window(&self) -> u16 {
        self.resync
    }

    /// TOTP: the largest drift that is learned, in steps; 0 learns none.
    pub const fn max_drift(&self) -> u16 {
        self.max_drift
    }

    /// What happens at too many fails.
    pub const fn lock(&self) -> Lock {
        self.lock
    }

    /// SMS and e-mail: how long a code lives, in seconds.
    pub const fn lifetime(&self) -> u32 {
        self.lifetime
    }

    /// SMS and e-mail: for how many seconds after its issue a code asked again is the same one.
    pub const fn reuse(&self) -> u32 {
        self.reuse
    }

    /// PIN: how many positions are asked.
    pub const fn asked(&self) -> Asked {
        self.asked
    }

    /// PIN: the fewest digits of a new one.
    pub const fn pin_len(&self) -> u8 {
        self.pin_len
    }

    /// By how many seconds the clocks of those who share a device may differ.
    pub const fn clock_skew(&self) -> u32 {
        self.clock_skew
    }

    /// The largest chance that this policy allows of guessing a code of six digits before the lock.
    pub const fn bound(&self) -> GuessChance {
        self.bound
    }

    /// The largest chance that this policy allows of guessing the positions asked of a PIN before the lock.
    pub const fn pin_bound(&self) -> GuessChance {
        self.pin_bound
    }

    /// The chance that somebody who guesses until the lock falls succeeds, with codes of `digits` digits (which a PIN ignores).
    /// Under [`Lock::Throttle`], the chance within a year of uninterrupted guessing.
    ///
    /// Codes accepted at a time x guesses x the chance of the likeliest code. That last factor is
    /// 10^-digits but for the bias of RFC 4226's truncation: a code of 10 digits has only 2^31
    /// values. Where drift is learned, the window around it counts as well, as far as it can lie
    /// beside the one around the present step. For a PIN this is the chance against one as long as
    /// this policy asks for, whose digits were drawn; people choose worse ones.
    pub fn chance(&self, kind: Kind, digits: Digits) -> GuessChance {
        let accepted = match kind {
            Kind::Totp => self.accepted_steps(),
            Kind::Hotp => self.accepted_counters(),
            Kind::Sms | Kind::Email => 1,
            Kind::Pin => return GuessChance::of_digits(self.fewest_positions(), self.lock.guesses()),
        };
        GuessChance::of_codes(accepted, digits, self.lock.guesses())
    }

    /// How many codes of a TOTP device are right at a time: those around the present step, and
    /// those around the largest drift that are not among them.
    fn accepted_steps(&self) -> u64 {
        let window = u64::from(self.window).saturating_mul(2).saturating_add(1);
        window.saturating_add(window.min(self.max_drift.into()))
    }

    /// How many codes of a HOTP device are right at a time.
    fn accepted_counters(&self) -> u64 {
        u64::from(self.look_ahead).saturating_add(1)
    }

    /// How many positions are asked of the shortest PIN.
    fn fewest_positions(&self) -> u8 {
        match self.asked {
            Asked::Positions(positions) => positions,
            Asked::All => self.pin_len,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Builds a [`Policy`]; see [`Policy::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct PolicyBuilder(Policy);

impl PolicyBuilder {
    /// TOTP: steps before and after the present one that are right: 0 to 1000, 1 by default.
    pub const fn window(mut self, steps: u16) -> Self {
        self.0.window = steps;
        self
    }

    /// HOTP: counters after the expected one that are right: 0 to 1000, 10 by default.
    pub const fn look_ahead(mut self, counters: u16) -> Self {
        self.0.look_ahead = counters;
        self
    }

    /// HOTP: counters that a resync searches: 1 to 10 000, 100 by default.
    pub const fn resync_window(mut self, counters: u16) -> Self {
        self.0.resync = counters;
        self
    }

    /// TOTP: learn by how many steps an authenticator's clock is off, up to this many: 0 to 1000, 0
    /// (off) by default. Searches a second window around what was learned, which doubles the work
    /// of a verification and, unless it is small, the chance of a guess.
    pub const fn max_drift(mut self, steps: u16) -> Self {
        self.0.max_drift = steps;
        self
    }

    /// What happens at too many fails: a hard lock on the 10th by default.
    pub const fn lock(mut self, lock: Lock) -> Self {
        self.0.lock = lock;
        self
    }

    /// SMS and e-mail: seconds that a code lives, 1 or more, 600 by default.
    pub const fn lifetime(mut self, seconds: u32) -> Self {
        self.0.lifetime = seconds;
        self
    }

    /// SMS and e-mail: seconds in which a code asked again is the same one, at most the lifetime, 60 by default.
    pub const fn reuse(mut self, seconds: u32) -> Self {
        self.0.reuse = seconds;
        self
    }

    /// PIN: how many positions are asked, 2 to [`pin_len`](Self::pin_len), or all; 3 by default.
    pub const fn asked(mut self, asked: Asked) -> Self {
        self.0.asked = asked;
        self
    }

    /// PIN: the fewest digits of a new one, 4 to 64, 8 by default.
    pub const fn pin_len(mut self, digits: u8) -> Self {
        self.0.pin_len = digits;
        self
    }

    /// Seconds by which the clocks of those who share a device may differ: a time earlier than what the device has seen by more
    /// than this is [`Error::Clock`]; 0 to 3600, 30 by default. It also covers answers that are judged in another order than their
    /// times were taken in: 0 is for a host with one thread only.
    pub const fn clock_skew(mut self, seconds: u32) -> Self {
        self.0.clock_skew = seconds;
        self
    }

    /// The largest chance allowed of guessing a code of six digits before the lock: 1 in 1000 by default.
    pub const fn bound(mut self, bound: GuessChance) -> Self {
        self.0.bound = bound;
        self
    }

    /// The largest chance allowed of guessing the positions asked of a PIN before the lock: 1 in 100 by default.
    pub const fn pin_bound(mut self, bound: GuessChance) -> Self {
        self.0.pin_bound = bound;
        self
    }

    /// Checks everything and builds the policy.
    ///
    /// Errors: those of [`check`](Self::check).
    pub fn build(self) -> Result<Policy, Error> {
        self.check().copied()
    }

    /// Checks everything and gives the policy where it is: for those who check one at each use.
    ///
    /// Errors: [`Error::Window`], [`Error::LookAhead`], [`Error::ResyncWindow`], [`Error::MaxDrift`], [`Error::LockFails`],
    /// [`Error::LockDelay`], [`Error::LongestDelay`], [`Error::Lifetime`], [`Error::Reuse`], [`Error::PolicyPinLength`],
    /// [`Error::ClockSkew`], [`Error::Positions`], [`Error::GuessBound`], [`Error::PinBound`].
    #[inline]
    pub fn check(&self) -> Result<&Policy, Error> {
        self.0.check().map(|()| &self.0)
    }
}

impl Policy {
    fn check(&self) -> Result<(), Error> {
        let require = |holds: bool, error: Error| if holds { Ok(()) } else { Err(error) };
        require(self.window <= Policy::WIDEST, Error::Window)?;
        require(self.look_ahead <= Policy::WIDEST, Error::LookAhead)?;
        require((1..=WIDEST_RESYNC).contains(&self.resync), Error::ResyncWindow)?;
        require(self.max_drift <= Policy::WIDEST, Error::MaxDrift)?;
        require(self.lock.fails() >= 1, Error::LockFails)?;
        if let Lock::Throttle { first, longest, .. } = self.lock {
            require(first >= 1, Error::LockDelay)?;
            require(first <= longest, Error::LongestDelay)?;
        }
        require(self.lifetime >= 1, Error::Lifetime)?;
        require(self.reuse <= self.lifetime, Error::Reuse)?;
        require((4..=64).contains(&self.pin_len), Error::PolicyPinLength)?;
        require(self.clock_skew <= 3_600, Error::ClockSkew)?;
        require((2..=self.pin_len).contains(&self.fewest_positions()), Error::Positions)?;
        let guesses = self.lock.guesses();
        // No kind accepts more codes than these two.
        let accepted = self.accepted_steps().max(self.accepted_counters());
        require(GuessChance::of_codes(accepted, Digits::SIX, guesses) <= self.bound, Error::GuessBound)?;
        require(GuessChance::of_digits(self.fewest_positions(), guesses) <= self.pin_bound, Error::PinBound)
    }
}
