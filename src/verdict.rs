//! Layer 3: the answer to an attempt.

use crate::device::recovery_codes_left;

/// Why an answer was accepted or refused. For the host's audit, not for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The right answer.
    Right = 0,
    /// A wrong answer.
    Wrong = 1,
    /// TOTP: a code of the window that was accepted before, or is older than one that was; TOTP,
    /// HOTP: the code accepted last. Recovery codes: one used before. Counts as a fail, unless it
    /// is the very code accepted last, or a recovery code.
    Replayed = 2,
    /// SMS, e-mail: the challenge had expired. The verdict does not show whether the code was
    /// right. Counts as a fail.
    Expired = 3,
    /// SMS, e-mail, PIN: no challenge was pending. Counts as a fail.
    NoChallenge = 4,
    /// A throttle was on. Nothing was evaluated or counted.
    Throttled = 5,
    /// The device was locked before. Nothing was evaluated or counted.
    Locked = 6,
    /// The device is disabled. Nothing was evaluated or counted.
    Disabled = 7,
    /// TOTP: the highest accepted step lies ahead of the present time, and has used up this code:
    /// it was accepted while a clock was ahead, the host's or the authenticator's. No fail was
    /// counted. It lasts until that time comes, or an administrator calls
    /// [`Device::forget_steps`](crate::Device::forget_steps).
    ClockWasAhead = 8,
    /// The time lies outside the device's validity ([`Device::validity`](crate::Device::validity)).
    /// Nothing was evaluated or counted.
    OutsideValidity = 9,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Right,
        Self::Wrong,
        Self::Replayed,
        Self::Expired,
        Self::NoChallenge,
        Self::Throttled,
        Self::Locked,
        Self::Disabled,
        Self::ClockWasAhead,
        Self::OutsideValidity,
    ];

    /// A short English name for logs: `right`, `wrong`, `replayed` and so on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Replayed => "replayed",
            Self::Expired => "expired",
            Self::NoChallenge => "no challenge",
            Self::Throttled => "throttled",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
            Self::ClockWasAhead => "clock was ahead",
            Self::OutsideValidity => "outside validity",
        }
    }
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// The outcome of an attempt. Show the user only [`is_right`](Self::is_right) and
/// [`is_locked`](Self::is_locked), which are alike for a wrong, an expired and a replayed code. The
/// rest is for the host's audit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    // Plain numbers, selected without a branch; named only when asked for.
    /// The number of the reason and [`LOCKED_BIT`](Self::LOCKED_BIT), packed because both are read
    /// as soon as they are written.
    pub(crate) packed: u8,
    /// How many recovery codes there are; 0 for other kinds.
    pub(crate) codes: u8,
    pub(crate) fails: u32,
    pub(crate) until: u64,
    pub(crate) matched: u64,
    /// Of recovery codes: the mask of those used up after the attempt.
    pub(crate) expected: u64,
}

impl Verdict {
    /// In `packed`: the device is locked or throttled.
    pub(crate) const LOCKED_BIT: u8 = 0x80;

    /// Whether the answer was right, on an open device, for the first time.
    pub const fn is_right(&self) -> bool {
        self.packed & !Self::LOCKED_BIT == Reason::Right as u8
    }

    /// Whether the device is locked or throttled after this attempt; true already on the fail that
    /// locks it.
    pub const fn is_locked(&self) -> bool {
        self.packed & Self::LOCKED_BIT != 0
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        // Only reasons are ever written; were it otherwise, the answer must not be right.
        Reason::ALL.into_iter().find(|&reason| reason as u8 == self.packed & !Self::LOCKED_BIT).unwrap_or(Reason::Wrong)
    }

    /// Fails after this attempt.
    pub const fn fails(&self) -> u32 {
        self.fails
    }

    /// If a throttle is on: from when on, in Unix seconds, the device takes attempts again.
    pub const fn retry_at(&self) -> Option<u64> {
        if self.until == 0 { None } else { Some(self.until) }
    }

    /// Recovery codes: how many are left after this attempt, 0 to 64; none for other kinds. Tell
    /// the user to renew them before they are used up.
    pub const fn recovery_codes_left(&self) -> Option<u8> {
        if self.codes == 0 { None } else { Some(recovery_codes_left(self.codes, self.expected)) }
    }

    /// If right: the matched step (TOTP), counter (HOTP; of the second code after a resync) or
    /// issue (SMS, e-mail); the index of a recovery code, from 0; 0 for a PIN.
    pub const fn matched(&self) -> Option<u64> {
        if self.is_right() { Some(self.matched) } else { None }
    }

    /// If right: by how many steps the authenticator's clock is ahead (TOTP; negative if behind),
    /// or how many counters were skipped before the code (HOTP; before the first of the two in a
    /// resync). None for recovery codes.
    pub fn drift(&self) -> Option<i64> {
        self.matched().filter(|_| self.codes == 0).map(|matched| matched.wrapping_sub(self.expected).cast_signed())
    }
}

impl core::fmt::Debug for Verdict {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Verdict")
            .field("reason", &self.reason())
            .field("locked", &self.is_locked())
            .field("fails", &self.fails)
            .field("retry_at", &self.retry_at())
            .field("matched", &self.matched())
            .field("drift", &self.drift())
            .field("recovery_codes_left", &self.recovery_codes_left())
            .finish_non_exhaustive()
    }
}
