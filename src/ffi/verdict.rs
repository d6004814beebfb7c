//! Verdicts.

use super::memory::Sized;
use crate::Verdict;

/// Why an answer was accepted or refused. For the host's audit, not for the user.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_reason {
    /// The right answer.
    RIGHT = 0,
    /// A wrong answer.
    WRONG = 1,
    /// A code that was accepted before, or is older than one that was. A fail, unless it is the
    /// very code accepted last, or a recovery code.
    REPLAYED = 2,
    /// The challenge had expired. A fail.
    EXPIRED = 3,
    /// No challenge was pending. A fail.
    NO_CHALLENGE = 4,
    /// A throttle was on. Nothing was counted.
    THROTTLED = 5,
    /// The device was locked before. Nothing was counted.
    LOCKED = 6,
    /// The device is disabled. Nothing was counted.
    DISABLED = 7,
    /// TOTP: the highest accepted step lies ahead of the present time and has used up this code: a
    /// clock was ahead when it was accepted. Nothing was counted. Lasts until that time comes, or
    /// until keyfob_device_forget_steps.
    CLOCK_WAS_AHEAD = 8,
    /// The time is outside the validity of the device. Nothing was counted.
    OUTSIDE_VALIDITY = 9,
}

/// The outcome of an attempt. Show the user only `right` and `locked`. The rest is for the host's
/// audit.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct keyfob_verdict {
    /// sizeof(keyfob_verdict), set by the caller.
    pub size: u32,
    /// 1 if the answer was right, on an open device, for the first time; else 0.
    pub right: u32,
    /// 1 if the device is locked or throttled after this attempt, already on the fail that locks
    /// it; else 0.
    pub locked: u32,
    /// A keyfob_reason.
    pub reason: u32,
    /// Fails after this attempt.
    pub fails: u32,
    /// Recovery codes: how many are left after this attempt; else 0.
    pub recovery_codes_left: u32,
    /// If right: the matched step (TOTP), counter (HOTP), issue (SMS, e-mail) or index of a
    /// recovery code; else 0.
    pub matched: u64,
    /// If right: by how many steps the authenticator's clock is ahead (TOTP), or how many counters
    /// were skipped before the code (HOTP; before the first of the two in a resync); else 0.
    pub drift: i64,
    /// If throttled: from when on the device takes attempts again, in Unix seconds; else 0.
    pub retry_at: u64,
}

// SAFETY: six numbers of 32 bits, of which the first is the size, and three aligned ones of 64.
unsafe impl Sized for keyfob_verdict {
    const FIRST_SIZE: usize = 48;
}

impl From<Verdict> for keyfob_verdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            size: size_of::<Self>() as u32,
            right: verdict.is_right().into(),
            locked: verdict.is_locked().into(),
            reason: verdict.reason() as u32,
            fails: verdict.fails(),
            recovery_codes_left: verdict.recovery_codes_left().unwrap_or_default().into(),
            matched: verdict.matched().unwrap_or_default(),
            drift: verdict.drift().unwrap_or_default(),
            retry_at: verdict.retry_at().unwrap_or_default(),
        }
    }
}
