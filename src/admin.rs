//! Layer 3: an administrator's operations on a device.

use subtle::ConstantTimeEq;

use crate::device::State;
use crate::{Device, Error, Factor, Kind, Status, Validity};

/// An administrator's operations. Store the device after one of them by compare and swap on its
/// earlier [`revision`](Device::revision), as for an attempt. Otherwise it may overwrite an attempt
/// that was made in the meantime, and the code of that attempt would be right again.
impl Device {
    /// Sets the status. A change from [`Status::Locked`] to an open status is an
    /// [`unlock`](Self::unlock). A change from [`Status::Disabled`] keeps the fails, so that
    /// disabling is no way around a lock. A lock, disabling and an unlock end a pending code. A
    /// change between the open statuses keeps it.
    ///
    /// After a `now` that is ahead of the true time, attempts are [`Error::Clock`] until an unlock.
    ///
    /// Errors: [`Error::Locked`] for an open status if the device was locked when it was disabled:
    /// unlock it first. [`Error::Exhausted`].
    pub fn set_status(&mut self, status: Status, now: u64) -> Result<(), Error> {
        let mut next = self.state;
        let opens = matches!(status, Status::Created | Status::Validated);
        if opens && self.state.held == 1 {
            return Err(Error::Locked);
        }
        match self.status() {
            Status::Locked if opens => next.reset(self.kind(), now),
            was => {
                if !opens {
                    next.kill_code(self.kind());
                }
                next.held = u8::from(status == Status::Disabled && (was == Status::Locked || self.state.held == 1));
                next.validated |= u8::from(was == Status::Validated);
                // Only a lock keeps it.
                next.validated &= u8::from(status == Status::Locked) | next.held;
            }
        }
        next.status = status as u8;
        self.change(next, now)
    }

    /// Resets the fails, ends a throttle and a pending code, and opens a locked device. Its status
    /// is then validated if it ever gave a right answer or was validated when it was locked, else
    /// created. A disabled device stays disabled. Learned drift is forgotten.
    ///
    /// Trusts `now` even if the device has seen a later time, and lowers the times of enrolment and
    /// of the last right answer to it. So the device works again after a host's clock was ahead. No
    /// used code becomes right again: TOTP that was used while the clock was ahead refuses codes
    /// until that time comes ([`Reason::ClockWasAhead`](crate::Reason::ClockWasAhead)), or until
    /// [`forget_steps`](Self::forget_steps).
    ///
    /// Errors: [`Error::Exhausted`].
    pub fn unlock(&mut self, now: u64) -> Result<(), Error> {
        let mut next = self.state;
        next.reset(self.kind(), now);
        if self.status() == Status::Locked {
            let is_validated = self.state.used == 1 || self.state.validated == 1;
            let status = if is_validated { Status::Validated } else { Status::Created };
            next.status = status as u8;
        }
        self.change(next, now)
    }

    /// Makes TOTP usable again that was used while a clock was ahead: lowers the highest accepted
    /// step to that of `now`, if it lies beyond. Trusts `now` as [`unlock`](Self::unlock) does, and
    /// forgets a learned drift. Status, fails and locks stay.
    ///
    /// The price: codes of steps after `now` that were accepted already are right once more when
    /// their time comes, for anyone who has seen them. No code of the present step or before is
    /// right again. The first right code is that of the next step. So call it only if an
    /// administrator says so, with a clock that is right, and record that.
    ///
    /// Errors: [`Error::WrongKind`] for other kinds, whose counters know no time; [`Error::Clock`]
    /// before T0; [`Error::Exhausted`].
    pub fn forget_steps(&mut self, now: u64) -> Result<(), Error> {
        let Factor::Totp(totp) = &self.factor else { return Err(Error::WrongKind) };
        let lowest = totp.step(now)?.saturating_add(1);
        let next = State { moving: self.state.moving.min(lowest), drift: 0, seen: now, ..self.state };
        self.change(next, now)
    }

    /// Sets the time in which the device is usable. Status, fails, locks and a drift stay.
    ///
    /// Errors: [`Error::WrongKind`] for other kinds than TOTP and HOTP, [`Error::Exhausted`].
    pub fn set_validity(&mut self, validity: Validity, now: u64) -> Result<(), Error> {
        if !matches!(self.factor, Factor::Totp(_) | Factor::Hotp(_)) {
            return Err(Error::WrongKind);
        }
        self.change(self.state, now)?;
        self.validity = validity;
        Ok(())
    }

    /// Gives the device the factor, the counter and the validity of `from`, a device of the same
    /// kind that was made for this purpose: with a fresh secret after a change of telephone, with a
    /// new PIN, with new recovery codes, which end the old ones, or with an authenticator that is
    /// enrolled again. Keeps the status, the fails and every lock, so that it is no way around one.
    /// Ends a pending challenge and forgets a learned drift.
    ///
    /// No used code becomes right again. With the same secret the device keeps the higher of both
    /// counters, or TOTP steps: another period or T0 needs a new secret. With a new secret TOTP
    /// keeps the lowest step still to be accepted, but none beyond that of `now`, so that an
    /// authenticator that was ahead does not shut out the next one. The device remembers only its
    /// present secret, so never give it an older one of its own.
    ///
    /// Errors: [`Error::WrongKind`] for a device of another kind, [`Error::RecoveryCodeCount`] for
    /// fewer recovery codes of the same secret, of which more might come back, unused, later,
    /// [`Error::Exhausted`].
    pub fn replace_factor(&mut self, from: &Self, now: u64) -> Result<(), Error> {
        let (mut next, mut other) = (self.state, from.state);
        next.kill_code(self.kind());
        other.kill_code(from.kind());
        let is_same = is_same_key(&self.factor, &from.factor);
        let kept = match (&self.factor, &from.factor) {
            (Factor::Totp(old), Factor::Totp(new)) => {
                let lowest = new.lowest_from(old, next.moving);
                if is_same { next.moving.max(lowest) } else { new.step(now).map_or(lowest, |step| lowest.min(step)) }
            }
            (Factor::Recovery(old), Factor::Recovery(new)) if is_same && new.count() < old.count() => {
                return Err(Error::RecoveryCodeCount);
            }
            (Factor::Hotp(_), Factor::Hotp(_)) | (Factor::Sms(_), Factor::Sms(_)) | (Factor::Email(_), Factor::Email(_))
                if is_same =>
            {
                next.moving
            }
            _ if self.kind() == from.kind() => 0,
            _ => return Err(Error::WrongKind),
        };
        next.moving = kept.max(other.moving);
        next.mask = match &from.factor {
            Factor::Recovery(_) if is_same => next.mask | other.mask,
            Factor::Recovery(_) => other.mask,
            _ => 0,
        };
        (next.drift, next.pending, next.issued_at) = (0, 0, 0);
        self.change(next, now)?;
        self.factor = from.factor.clone();
        self.validity = from.validity;
        Ok(())
    }

    fn change(&mut self, next: State, now: u64) -> Result<(), Error> {
        let revision = next.revision.checked_add(1).ok_or(Error::Exhausted)?;
        let seen = next.seen.max(now);
        // No time may lie beyond the latest one seen: a row made of them would restore that time.
        self.created = self.created.min(seen);
        self.state = State { revision, seen, used_at: next.used_at.min(seen), ..next };
        Ok(())
    }
}

/// Whether both have the same key, whatever the algorithm and the digits: a code of fewer digits is
/// the end of one of more. HMAC pads a key with zeros, so zeros at its end do not change it.
fn is_same_key(one: &Factor, other: &Factor) -> bool {
    match (one.secret(), other.secret()) {
        (Some(one), Some(other)) => one.padded().ct_eq(other.padded()).into(),
        _ => false,
    }
}

impl State {
    /// Unlocks, trusts `now` and forgets a drift.
    fn reset(&mut self, kind: Kind, now: u64) {
        (self.fails, self.until, self.held, self.validated, self.seen, self.drift) = (0, 0, 0, 0, now, 0);
        self.kill_code(kind);
    }
}
