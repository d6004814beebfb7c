//! What challenges and attempts answer.

use core::ffi::c_char;

use zeroize::{Zeroize, Zeroizing};

use super::KEYFOB_CODE_SIZE;
use super::memory::{OutSized, Sized};
use crate::{Challenge, Verdict};

/// Why an answer was accepted or refused: for the host's audit, not for whoever answered.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_reason {
    /// The right answer.
    RIGHT = 0,
    /// A wrong answer.
    WRONG = 1,
    /// A code that was accepted before, or is older than one that was. A fail, unless it is the
    /// very code accepted last.
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
    /// The time lies outside the device's validity. Nothing was counted.
    OUTSIDE_VALIDITY = 9,
}

/// The answer to an attempt. Tell the person only `right` and `locked`; the rest is for the host's
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
    /// Zero.
    pub reserved: u32,
    /// If right: the matched step (TOTP), counter (HOTP) or issue (SMS, e-mail); else 0.
    pub matched: u64,
    /// If right: by how many steps the authenticator's clock is ahead (TOTP), or how many counters
    /// were skipped before the code (HOTP; before the first of the two in a resync); else 0.
    pub drift: i64,
    /// If throttled: from when on the device takes attempts again, in Unix seconds; else 0.
    pub retry_at: u64,
}

// SAFETY: six numbers of 32 bits, of which the first is the size, and three aligned ones of 64.
unsafe impl Sized for keyfob_verdict {
    const FIRST: usize = 48;
}

impl From<Verdict> for keyfob_verdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            size: size_of::<Self>() as u32,
            right: verdict.is_right().into(),
            locked: verdict.is_locked().into(),
            reason: verdict.reason() as u32,
            fails: verdict.fails(),
            reserved: 0,
            matched: verdict.matched().unwrap_or_default(),
            drift: verdict.drift().unwrap_or_default(),
            retry_at: verdict.retry_at().unwrap_or_default(),
        }
    }
}

/// What a challenge wants done.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_challenge_kind {
    /// TOTP, HOTP: nothing; the authenticator shows the code.
    AUTHENTICATOR = 0,
    /// SMS, e-mail: deliver `code`.
    MESSAGE = 1,
    /// PIN: ask for the digits at `positions`.
    POSITIONS = 2,
}

/// A challenge. The caller wipes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct keyfob_challenge {
    /// sizeof(keyfob_challenge), set by the caller.
    pub size: u32,
    /// A keyfob_challenge_kind.
    pub kind: u32,
    /// Message: 1 if the code is a new one, 0 if it was issued before.
    pub fresh: u32,
    /// Message: the code and a NUL; else zeros.
    pub code: [c_char; KEYFOB_CODE_SIZE],
    /// Message: when the code was issued, in Unix seconds.
    pub issued_at: u64,
    /// Message: from when on it is refused, in Unix seconds.
    pub expires_at: u64,
    /// Positions: bit n - 1 stands for position n.
    pub positions: u64,
}

// SAFETY: three numbers of 32 bits, of which the first is the size, twelve bytes, and three aligned
// numbers of 64.
unsafe impl Sized for keyfob_challenge {
    const FIRST: usize = 48;
}

impl core::fmt::Debug for keyfob_challenge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("keyfob_challenge")
    }
}

impl Zeroize for keyfob_challenge {
    fn zeroize(&mut self) {
        self.code.as_mut_slice().zeroize();
    }
}

/// Writes a challenge, of which nothing stays here: its code is wiped.
pub(super) unsafe fn write(challenge: &Challenge, to: OutSized<keyfob_challenge>) {
    let mut out = Zeroizing::new(keyfob_challenge {
        size: size_of::<keyfob_challenge>() as u32,
        kind: keyfob_challenge_kind::AUTHENTICATOR as u32,
        fresh: 0,
        code: [0; KEYFOB_CODE_SIZE],
        issued_at: 0,
        expires_at: 0,
        positions: 0,
    });
    match challenge {
        Challenge::Authenticator => {}
        Challenge::Message { code, issued_at, expires_at, fresh } => {
            out.kind = keyfob_challenge_kind::MESSAGE as u32;
            out.fresh = (*fresh).into();
            out.code.iter_mut().zip(code.as_bytes()).for_each(|(to, from)| *to = *from as c_char);
            (out.issued_at, out.expires_at) = (*issued_at, *expires_at);
        }
        Challenge::Positions(positions) => {
            out.kind = keyfob_challenge_kind::POSITIONS as u32;
            out.positions = positions.mask();
        }
    }
    // SAFETY: the caller's promise is passed on.
    unsafe { to.write(&*out) };
}
