//! Layer 3: what is sent or shown to somebody who shall answer.

use rand_core::TryCryptoRng;

use crate::device::State;
use crate::hotp::MAX_COUNTER;
use crate::{Attempt, Code, Device, Error, Factor, Hotp, Policy, Positions, Status};

/// A challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// TOTP, HOTP, recovery codes: the user has the code; there is nothing to send.
    Authenticator,
    /// SMS, e-mail: the code to deliver.
    Message {
        /// The code.
        code: Code,
        /// When it was issued, in Unix seconds.
        issued_at: u64,
        /// From when on it is refused, in Unix seconds.
        expires_at: u64,
        /// Whether it is a new one rather than one issued before.
        fresh: bool,
    },
    /// PIN: the positions to ask for, counted from 1: 1 is the first digit. The answer is the
    /// digits there, in ascending order of position.
    Positions(Positions),
}

impl Device {
    /// Requests a challenge at time `now`. Never lowers the fails.
    ///
    /// `rng` is any generator that is fit for secrets, by the traits of
    /// [`rand_core`](crate::rand_core) 0.10: that of the operating system is `getrandom::SysRng`
    /// (crate getrandom 0.4, feature `sys_rng`). Only a PIN's positions are drawn with it.
    ///
    /// SMS, e-mail: a new code, or the pending one if it was issued less than
    /// [`Policy::code_reuse`] seconds ago. An older code ends. PIN: positions drawn with `rng`, or
    /// the pending ones, which stay until answered rightly. If the policy asks for more positions
    /// by now, more are drawn. TOTP, HOTP, recovery codes: nothing changes.
    ///
    /// Deliver the code only after committing. Errors: [`Error::Clock`], [`Error::Disabled`],
    /// [`Error::Locked`], [`Error::OutsideValidity`], [`Error::Throttled`],
    /// [`Error::ClockWasAhead`], [`Error::Randomness`], [`Error::Exhausted`].
    pub fn challenge<R: TryCryptoRng + ?Sized>(
        &self,
        policy: &Policy,
        rng: &mut R,
        now: u64,
    ) -> Result<Attempt<'_, Challenge>, Error> {
        self.check_open(policy, now)?;
        let mut next = self.state;
        let challenge = match &self.factor {
            Factor::Totp(_) | Factor::Hotp(_) | Factor::Recovery(_) => Challenge::Authenticator,
            Factor::Sms(hotp) | Factor::Email(hotp) => {
                let reuse =
                    self.state.pending == 1 && !self.is_expired(policy, now) && self.age(now) < u64::from(policy.code_reuse());
                if !reuse {
                    next.kill_code(self.kind());
                    next.issue(0, now)?;
                    if next.moving > MAX_COUNTER {
                        return Err(Error::Exhausted);
                    }
                }
                next.message(hotp, policy, !reuse)
            }
            Factor::Pin(pin) => {
                let pending = Positions::from_mask(self.state.mask);
                let asked = pending.draw(pin.count_asked(policy), pin.count(), rng)?;
                if asked != pending {
                    next.issue(asked.mask(), now)?;
                }
                Challenge::Positions(asked)
            }
        };
        Ok(Attempt::new(self, next, challenge))
    }

    /// The pending challenge once more, as it is: for sending a message again. Nothing changes, its
    /// expiry included.
    ///
    /// Errors: [`Error::NoChallenge`] if none is pending, or it has expired or asks for less than
    /// the policy, [`Error::WrongKind`] for TOTP, HOTP and recovery codes, and those of
    /// [`challenge`](Self::challenge).
    pub fn resend(&self, policy: &Policy, now: u64) -> Result<Challenge, Error> {
        self.check_open(policy, now)?;
        match &self.factor {
            Factor::Totp(_) | Factor::Hotp(_) | Factor::Recovery(_) => Err(Error::WrongKind),
            _ if self.state.pending == 0 || self.is_expired(policy, now) => Err(Error::NoChallenge),
            Factor::Sms(hotp) | Factor::Email(hotp) => Ok(self.state.message(hotp, policy, false)),
            // Fewer positions than the policy asks for by now are no challenge any more.
            Factor::Pin(_) => match self.asked(policy) {
                0 => Err(Error::NoChallenge),
                mask => Ok(Challenge::Positions(Positions::from_mask(mask))),
            },
        }
    }

    /// Whether status, locks and clock let attempts be judged; otherwise not even a right answer is
    /// one. Before T0 and at the end of a counter an open device refuses all the same.
    ///
    /// Errors: [`Error::Clock`], [`Error::Disabled`], [`Error::Locked`] also if the fails reach a
    /// limit that was lowered since, [`Error::OutsideValidity`], [`Error::Throttled`],
    /// [`Error::ClockWasAhead`].
    pub fn check_open(&self, policy: &Policy, now: u64) -> Result<(), Error> {
        self.check_clock(policy, now)?;
        if self.status() == Status::Disabled {
            Err(Error::Disabled)
        } else if self.is_locked(policy) {
            Err(Error::Locked)
        } else if !self.validity.contains(now) {
            Err(Error::OutsideValidity)
        } else if self.is_throttled(now) {
            Err(Error::Throttled)
        } else if self.is_ahead(policy, now) {
            Err(Error::ClockWasAhead)
        } else {
            Ok(())
        }
    }
}

impl State {
    /// Not inlined: the compiler would move the code once more, and leave it behind on the stack.
    #[inline(never)]
    fn message(&self, hotp: &Hotp, policy: &Policy, fresh: bool) -> Challenge {
        let expires_at = self.issued_at.saturating_add(u64::from(policy.code_lifetime()));
        Challenge::Message { code: hotp.generate(self.moving), issued_at: self.issued_at, expires_at, fresh }
    }

    fn issue(&mut self, mask: u64, now: u64) -> Result<(), Error> {
        self.revision = self.revision.checked_add(1).ok_or(Error::Exhausted)?;
        // Issued at the latest time seen, as expiry is measured from there: a host whose clock is
        // behind issues no dead code.
        self.seen = self.seen.max(now);
        (self.pending, self.issued_at, self.mask) = (1, self.seen, mask);
        Ok(())
    }
}
