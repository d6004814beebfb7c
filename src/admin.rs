//! Layer 3: what an administrator may do with a device.

use subtle::ConstantTimeEq;

use crate::device::State;
use crate::{Device, Error, Factor, Kind, Status, Validity};

/// What an administrator may do. Whoever stores the device after one of these compares and swaps on
/// the [`revision`](Device::revision) that it had before, as for an attempt: another's attempt in
/// the meantime must not be written over, since its code would be right again.
impl Device {
    /// Sets the status as an administrator. Leaving [`Status::Locked`] for an open status is an
    /// [`unlock`](Self::unlock); leaving [`Status::Disabled`] keeps the fails, so that disabling is
    /// no way around a lock. A pending code ends with a lock, with disabling and with an unlock;
    /// between the open statuses it stays.
    ///
    /// A time ahead of the truth makes later attempts [`Error::Clock`] until an unlock. Errors:
    /// [`Error::Locked`] if a device that was locked when it was disabled shall be opened: unlock
    /// it first. [`Error::Exhausted`].
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

    /// Resets the fails, ends a throttle and a pending code, and opens a locked device again:
    /// validated if it ever gave a right answer or was validated when it was locked, else created.
    /// A disabled one stays disabled.
    ///
    /// Takes `now` for true even if it lies before what the device has seen, and takes down to it
    /// the times of enrolment and of the last right answer: after a host's clock was ahead, the
    /// device works again. No code used before becomes right by it, so TOTP that was used while the
    /// clock was ahead refuses codes until that time comes
    /// ([`Reason::ClockWasAhead`](crate::Reason::ClockWasAhead)), unless
    /// [`forget_steps`](Self::forget_steps) is called. Learned drift is forgotten. Errors:
    /// [`Error::Exhausted`].
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

    /// The way back for TOTP that was used while a clock was ahead: takes the highest accepted step
    /// down to that of `now`, if it lies beyond. Takes `now` for true as [`unlock`](Self::unlock)
    /// does, and forgets a learned drift; status, fails and locks stay.
    ///
    /// The price: the codes of steps after `now` that were accepted already are right once more
    /// when their time comes, for anyone who has seen them. Nothing of `now` or before is right
    /// again, and the code of the present step is not: the next one is. So call it only on an
    /// administrator's word, with a clock that is right, and record that.
    ///
    /// Errors: [`Error::WrongKind`] for other kinds, whose counters know no time; [`Error::Clock`]
    /// before T0; [`Error::Exhausted`].
    pub fn forget_steps(&mut self, now: u64) -> Result<(), Error> {
        let Factor::Totp(totp) = &self.factor else { return Err(Error::WrongKind) };
        let lowest = totp.step(now)?.saturating_add(1);
        let next = State { moving: self.state.moving.min(lowest), drift: 0, seen: now, ..self.state };
        self.change(next, now)
    }

    /// Sets from when until when the device is usable. Status, fails, locks and a drift stay.
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

    /// Gives the device the factor and the counter of another one of its kind, which was made for
    /// that: a fresh secret after a change of telephone, a new PIN, an authenticator enrolled
    /// again. Its validity comes with it. Keeps the status, the fails and every lock, so that it is
    /// no way around one. A
    /// pending challenge ends, and learned drift is forgotten: given its own factor, a device
    /// forgets only these.
    ///
    /// Nothing that was used becomes right by it. The same secret again keeps the higher of both
    /// counters, or TOTP steps: another period or T0 wants a new secret. Under a new secret TOTP
    /// keeps the lowest step still to be accepted, but none beyond that of `now`, so that an
    /// authenticator that was ahead does not shut out the next one. The device remembers only its
    /// present secret, so never give it one that it had before that.
    ///
    /// Errors: [`Error::WrongKind`] for a device of another kind, [`Error::Exhausted`].
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
            (Factor::Hotp(_), Factor::Hotp(_)) | (Factor::Sms(_), Factor::Sms(_)) | (Factor::Email(_), Factor::Email(_))
                if is_same =>
            {
                next.moving
            }
            _ if self.kind() == from.kind() => 0,
            _ => return Err(Error::WrongKind),
        };
        next.moving = kept.max(other.moving);
        (next.drift, next.pending, next.issued_at, next.positions) = (0, 0, 0, 0);
        self.change(next, now)?;
        self.factor = from.factor.clone();
        self.validity = from.validity;
        Ok(())
    }

    fn change(&mut self, next: State, now: u64) -> Result<(), Error> {
        let revision = next.revision.checked_add(1).ok_or(Error::Exhausted)?;
        let seen = next.seen.max(now);
        // No time lies beyond the latest one seen, or a row made of them would bring that back.
        self.created = self.created.min(seen);
        self.state = State { revision, seen, used_at: next.used_at.min(seen), ..next };
        Ok(())
    }
}

/// Whether both make codes of the same key, whatever the algorithm and the digits: fewer digits are
/// the end of more. HMAC fills a key up with zeros, so zeros at its end make no other one.
fn is_same_key(one: &Factor, other: &Factor) -> bool {
    match (one.generator(), other.generator()) {
        (Some(one), Some(other)) => one.secret().padded().ct_eq(other.secret().padded()).into(),
        _ => false,
    }
}

impl State {
    /// Unlocks, believes `now` and forgets a drift.
    fn reset(&mut self, kind: Kind, now: u64) {
        (self.fails, self.until, self.held, self.validated, self.seen, self.drift) = (0, 0, 0, 0, now, 0);
        self.kill_code(kind);
    }
}
