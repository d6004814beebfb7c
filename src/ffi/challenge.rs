//! Challenges.

use core::ffi::c_char;

use zeroize::{Zeroize, Zeroizing};

use super::memory::{OutSized, Sized};
use super::size::KEYFOB_CODE_SIZE;
use crate::Challenge;

/// What a challenge wants done.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_challenge_kind {
    /// TOTP, HOTP, recovery codes: nothing; the user has the code.
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
    const FIRST_SIZE: usize = 48;
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
pub(super) unsafe fn write_challenge(challenge: &Challenge, to: OutSized<keyfob_challenge>) {
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
