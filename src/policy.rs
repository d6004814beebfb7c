//! Layer 1: the server's choices, given at each call.

use crate::{Digits, Error, GuessChance, Kind, Lock};

/// How many digits of a PIN are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinPositions {
    /// This many positions, drawn anew after each right answer; 3 by default.
    Count(u8),
    /// The whole PIN, every time. It too is asked by a challenge, so that an answer is right once.
    All,
}

/// The server's choices: how far from its own clock or counter it looks, when it locks, how long
/// codes live.
///
/// A policy is small and `Copy`; build it once. Building refuses one under which guessing would
/// succeed too often.
///
/// ```
/// use keyfob::{Digits, Error, GuessChance, Kind, Lock, Policy};
///
/// let policy = Policy::default();
/// assert_eq!(policy.guess_chance(Kind::Totp, Digits::SIX).to_string(), "1 in 33324");
///
/// // 201 codes of a million would be right at any time, in ten guesses each.
/// assert_eq!(Policy::builder().window(100).build(), Err(Error::GuessBound));
/// let knowingly = Policy::builder().window(100).guess_bound(GuessChance::one_in(400)).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    window: u16,
    look_ahead: u16,
    resync_window: u16,
    max_drift: u16,
    first_window: u16,
    lock: Lock,
    code_lifetime: u32,
    code_reuse: u32,
    pin_positions: PinPositions,
    pin_min_length: u8,
    clock_skew: u32,
    guess_bound: GuessChance,
    pin_guess_bound: GuessChance,
}

/// The widest resync window.
const MAX_RESYNC_WINDOW: u16 = 10_000;

impl Policy {
    /// The widest TOTP window, HOTP look-ahead and learned drift that a policy may have, in steps
    /// or counters.
    pub const MAX_WINDOW: u16 = 1_000;

    /// keyfob's defaults.
    pub const DEFAULT: Self = Self {
        window: 1,
        look_ahead: 10,
        resync_window: 100,
        max_drift: 0,
        first_window: 0,
        lock: Lock::Hard { max_fails: 10 },
        code_lifetime: 600,
        code_reuse: 60,
        pin_positions: PinPositions::Count(3),
        pin_min_length: 8,
        clock_skew: 30,
        guess_bound: GuessChance::one_in(1_000),
        pin_guess_bound: GuessChance::one_in(100),
    };

    /// Starts from the defaults: TOTP window of 1 step each way, HOTP look-ahead of 10, lock at 10
    /// fails, codes that live for 10 minutes, 3 positions of a PIN of 8 digits or more.
    pub const fn builder() -> PolicyBuilder {
        Self::DEFAULT.to_builder()
    }

    /// Soffid's numbers: window of 10 steps each way, look-ahead of 24. A guess is seven times
    /// likelier than by default.
    ///
    /// Soffid's add-on itself takes the steps from 10 before to 9 after the present one, and 24
    /// HOTP codes from the expected one; this takes one more of each, so that the windows are even
    /// and every code that Soffid takes is taken.
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

    /// HOTP: how many counters from the expected one a resync searches. TOTP: how many steps before
    /// and after the present one, no more of them than [`max_drift`](Self::max_drift).
    pub const fn resync_window(&self) -> u16 {
        self.resync_window
    }

    /// TOTP: the largest drift that is learned, in steps; 0 learns none.
    pub const fn max_drift(&self) -> u16 {
        self.max_drift
    }

    /// TOTP: how many steps before and after the present one are right until the first right
    /// answer: at least [`window`](Self::window).
    pub const fn first_window(&self) -> u16 {
        if self.first_window > self.window { self.first_window } else { self.window }
    }

    /// What happens at too many fails.
    pub const fn lock(&self) -> Lock {
        self.lock
    }

    /// SMS and e-mail: how long a code lives, in seconds.
    pub const fn code_lifetime(&self) -> u32 {
        self.code_lifetime
    }

    /// SMS and e-mail: for how many seconds after its issue a code asked again is the same one.
    pub const fn code_reuse(&self) -> u32 {
        self.code_reuse
    }

    /// PIN: how many positions are asked.
    pub const fn pin_positions(&self) -> PinPositions {
        self.pin_positions
    }

    /// PIN: the fewest digits of a new one.
    pub const fn pin_min_length(&self) -> u8 {
        self.pin_min_length
    }

    /// By how many seconds the clocks of hosts that share a device may differ.
    pub const fn clock_skew(&self) -> u32 {
        self.clock_skew
    }

    /// The largest chance that this policy allows of guessing a code of six digits before the lock.
    pub const fn guess_bound(&self) -> GuessChance {
        self.guess_bound
    }

    /// The largest chance that this policy allows of guessing the positions asked of a PIN before
    /// the lock.
    pub const fn pin_guess_bound(&self) -> GuessChance {
        self.pin_guess_bound
    }

    /// The chance that somebody who guesses until the lock falls succeeds, with codes of `digits`
    /// digits (which a PIN and recovery codes ignore). Under [`Lock::Throttle`], the chance within
    /// a year of uninterrupted guessing.
    ///
    /// Codes accepted at a time x guesses x the chance of the likeliest code. That last factor is
    /// 10^-digits but for the bias of RFC 4226's truncation: a code of 10 digits has only 2^31
    /// values. Where drift is learned, the window around it counts as well, as far as it can lie
    /// beside the one around the present step. For a PIN this is the chance against one as long as
    /// this policy asks for, whose digits were drawn; people choose worse ones. For recovery codes
    /// it is that against 64 of them.
    pub fn guess_chance(&self, kind: Kind, digits: Digits) -> GuessChance {
        let accepted = match kind {
            Kind::Totp => self.accepted_steps(),
            Kind::Hotp => self.accepted_counters(),
            Kind::Sms | Kind::Email => 1,
            Kind::Pin => return GuessChance::for_pin_digits(self.fewest_positions(), self.lock.guesses()),
            Kind::Recovery => return GuessChance::for_recovery_codes(self.lock.guesses()),
        };
        GuessChance::for_codes(accepted, digits, self.lock.guesses())
    }

    /// How many codes of a TOTP device are right at a time: those around the present step, and
    /// those around the largest drift that are not among them. Most are right before the first
    /// right answer, if a token file already named a drift.
    fn accepted_steps(&self) -> u64 {
        let width = |steps: u16| u64::from(steps).saturating_mul(2).saturating_add(1);
        let present = self.first_window();
        let beside = self.max_drift.saturating_add(self.window).saturating_sub(present);
        width(present).saturating_add(width(self.window).min(beside.into()))
    }

    /// How many codes of a HOTP device are right at a time.
    fn accepted_counters(&self) -> u64 {
        u64::from(self.look_ahead).saturating_add(1)
    }

    /// How many codes of a device are right at a time, of the kind that accepts most.
    pub(crate) fn most_accepted(&self) -> u64 {
        self.accepted_steps().max(self.accepted_counters())
    }

    /// How many positions are asked of the shortest PIN.
    fn fewest_positions(&self) -> u8 {
        match self.pin_positions {
            PinPositions::Count(positions) => positions,
            PinPositions::All => self.pin_min_length,
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

    /// HOTP: counters that a resync searches: 1 to 10 000, 100 by default. TOTP: the steps that it
    /// searches before and after the present one, no more of them than
    /// [`max_drift`](Self::max_drift).
    pub const fn resync_window(mut self, counters: u16) -> Self {
        self.0.resync_window = counters;
        self
    }

    /// TOTP: learn by how many steps an authenticator's clock is off, up to this many: 0 to 1000, 0
    /// (off) by default. Searches a second window around what was learned, which doubles the work
    /// of a verification and, unless it is small, the chance of a guess.
    pub const fn max_drift(mut self, steps: u16) -> Self {
        self.0.max_drift = steps;
        self
    }

    /// TOTP: steps before and after the present one that are right until the first right answer,
    /// for tokens that lay in a drawer for years: 0 to 1000, and at most the window and the largest
    /// drift together, since the second answer is searched around the drift that the first one
    /// showed. 0, the default, for no more than the window.
    pub const fn first_window(mut self, steps: u16) -> Self {
        self.0.first_window = steps;
        self
    }

    /// What happens at too many fails: a hard lock on the 10th by default.
    pub const fn lock(mut self, lock: Lock) -> Self {
        self.0.lock = lock;
        self
    }

    /// SMS and e-mail: seconds that a code lives, 1 or more, 600 by default.
    pub const fn code_lifetime(mut self, seconds: u32) -> Self {
        self.0.code_lifetime = seconds;
        self
    }

    /// SMS and e-mail: seconds in which a code asked again is the same one, at most the lifetime,
    /// 60 by default.
    pub const fn code_reuse(mut self, seconds: u32) -> Self {
        self.0.code_reuse = seconds;
        self
    }

    /// PIN: how many positions are asked, 2 to [`pin_min_length`](Self::pin_min_length), or all; 3
    /// by default.
    pub const fn pin_positions(mut self, positions: PinPositions) -> Self {
        self.0.pin_positions = positions;
        self
    }

    /// PIN: the fewest digits of a new one, 4 to 64, 8 by default.
    pub const fn pin_min_length(mut self, digits: u8) -> Self {
        self.0.pin_min_length = digits;
        self
    }

    /// Seconds by which the clocks of hosts that share a device may differ, 0 to 3600, 30 by
    /// default. A time that is further behind the latest one the device has seen is
    /// [`Error::Clock`]. The skew also covers answers that are judged in another order than their
    /// times were taken in, so 0 is for a host with one thread only.
    pub const fn clock_skew(mut self, seconds: u32) -> Self {
        self.0.clock_skew = seconds;
        self
    }

    /// The largest chance allowed of guessing a code of six digits before the lock: 1 in 1000 by
    /// default.
    pub const fn guess_bound(mut self, bound: GuessChance) -> Self {
        self.0.guess_bound = bound;
        self
    }

    /// The largest chance allowed of guessing the positions asked of a PIN before the lock: 1 in
    /// 100 by default.
    pub const fn pin_guess_bound(mut self, bound: GuessChance) -> Self {
        self.0.pin_guess_bound = bound;
        self
    }

    /// Checks everything and builds the policy.
    ///
    /// Errors: those of [`check`](Self::check).
    pub fn build(self) -> Result<Policy, Error> {
        self.check().copied()
    }

    /// Checks everything and returns a reference, for callers that check a policy at each use.
    ///
    /// Errors: [`Error::Window`], [`Error::LookAhead`], [`Error::ResyncWindow`],
    /// [`Error::MaxDrift`], [`Error::FirstWindow`], [`Error::MaxFails`], [`Error::FirstDelay`],
    /// [`Error::MaxDelay`], [`Error::TotalFails`], [`Error::CodeLifetime`], [`Error::CodeReuse`],
    /// [`Error::PinMinLength`], [`Error::ClockSkew`], [`Error::PinPositions`],
    /// [`Error::GuessBound`], [`Error::PinGuessBound`].
    #[inline]
    pub fn check(&self) -> Result<&Policy, Error> {
        self.0.check().map(|()| &self.0)
    }
}

impl Policy {
    fn check(&self) -> Result<(), Error> {
        let require = |holds: bool, error: Error| if holds { Ok(()) } else { Err(error) };
        require(self.window <= Policy::MAX_WINDOW, Error::Window)?;
        require(self.look_ahead <= Policy::MAX_WINDOW, Error::LookAhead)?;
        require((1..=MAX_RESYNC_WINDOW).contains(&self.resync_window), Error::ResyncWindow)?;
        require(self.max_drift <= Policy::MAX_WINDOW, Error::MaxDrift)?;
        let first = self.first_window <= Policy::MAX_WINDOW && self.first_window() <= self.window.saturating_add(self.max_drift);
        require(first, Error::FirstWindow)?;
        require(self.lock.max_fails() >= 1, Error::MaxFails)?;
        if let Some((first, longest)) = self.lock.delays() {
            require(first >= 1, Error::FirstDelay)?;
            require(first <= longest, Error::MaxDelay)?;
        }
        if let Lock::ThrottleThenLock { max_fails, total_fails, .. } = self.lock {
            require(total_fails > max_fails, Error::TotalFails)?;
        }
        require(self.code_lifetime >= 1, Error::CodeLifetime)?;
        require(self.code_reuse <= self.code_lifetime, Error::CodeReuse)?;
        require((4..=64).contains(&self.pin_min_length), Error::PinMinLength)?;
        require(self.clock_skew <= 3_600, Error::ClockSkew)?;
        require((2..=self.pin_min_length).contains(&self.fewest_positions()), Error::PinPositions)?;
        let guesses = self.lock.guesses();
        require(GuessChance::for_codes(self.most_accepted(), Digits::SIX, guesses) <= self.guess_bound, Error::GuessBound)?;
        require(GuessChance::for_pin_digits(self.fewest_positions(), guesses) <= self.pin_guess_bound, Error::PinGuessBound)
    }
}
