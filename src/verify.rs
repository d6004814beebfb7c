//! Layer 3: the one path on which every answer is judged.
//!
//! Nothing here branches on the secret, on what was submitted or on where it matched: the whole
//! window is computed even for a locked device, both outcomes are computed, and each field of the
//! next state is selected.

use core::ops::RangeInclusive;

use subtle::{Choice, ConditionallySelectable};

use crate::code::Submitted;
use crate::device::State;
use crate::hmac::HmacState;
use crate::hotp::{Found, MAX_COUNTER, SubmittedCodes, any, lowest_place, search};
use crate::{Attempt, Device, Error, Factor, Hotp, Next, Pin, Policy, Positions, Reason, RecoveryCodes, Status, Totp, Verdict};

/// No other windows.
const NONE: [Option<RangeInclusive<u64>>; 2] = [None, None];

impl Device {
    /// Judges `answer` at time `now`: the code, or of a PIN the digits at the positions asked.
    ///
    /// An answer is exactly its ASCII digits; anything else is a wrong one, so take out the blanks
    /// and hyphens that people type before the call. Only a recovery code may have them, as
    /// [`RecoveryCode::is_well_formed`](crate::RecoveryCode::is_well_formed) says. Each answer that
    /// an open device refuses is a fail, and the fail that reaches the policy's limit locks. Three
    /// refusals are none: of the very code that TOTP or HOTP accepted last, of a recovery code used
    /// before (both [`Reason::Replayed`]), and of codes used up while a clock was ahead
    /// ([`Reason::ClockWasAhead`]). A right answer resets the fails and validates
    /// the device. A wrong clock is an error rather than a fail, so that it locks nobody out. SMS,
    /// e-mail and PIN want a [`challenge`](Self::challenge) first, which one right answer uses up.
    ///
    /// Errors: [`Error::Clock`], [`Error::Exhausted`].
    pub fn verify(&self, policy: &Policy, answer: &[u8], now: u64) -> Result<Attempt<'_, Verdict>, Error> {
        let mut next = State::FRESH;
        let verdict = self.judge(policy, answer, now, &mut next)?;
        Ok(Attempt::new(self, next, verdict))
    }

    /// [`verify`](Self::verify) and [`commit`](Attempt::commit) in one: gives the next device to
    /// `store`, if anything changed, and the verdict only when that has stored it. A little
    /// quicker, since no attempt is moved.
    ///
    /// Errors: those of `store`, [`Error::Clock`], [`Error::Exhausted`].
    #[inline]
    pub fn verify_and_store<E: From<Error>>(
        &self,
        policy: &Policy,
        answer: &[u8],
        now: u64,
        store: impl FnOnce(&Next<'_>) -> Result<(), E>,
    ) -> Result<Verdict, E> {
        let mut next = State::FRESH;
        let verdict = self.judge(policy, answer, now, &mut next)?;
        Next::new(self, &next).store_if_changed(store)?;
        Ok(verdict)
    }

    fn judge(&self, policy: &Policy, answer: &[u8], now: u64, next: &mut State) -> Result<Verdict, Error> {
        let (found, expected, mask) = match &self.factor {
            Factor::Totp(totp) => (self.find_step(totp, policy, answer, now)?, totp.step(now)?, 0),
            Factor::Hotp(hotp) => {
                // And the counter before, whose code was accepted last.
                let window = self.state.moving.saturating_sub(1)..=*self.ahead(policy.look_ahead())?.end();
                (self.find(hotp, answer, None, window, NONE), self.state.moving, 0)
            }
            Factor::Sms(hotp) | Factor::Email(hotp) => (self.find(hotp, answer, None, self.ahead(0)?, NONE), self.state.moving, 0),
            Factor::Pin(pin) => (self.find_pin(pin, policy, answer), 0, 0),
            Factor::Recovery(codes) => {
                let (found, mask) = self.find_recovery_code(codes, answer);
                (found, 0, mask)
            }
        };
        self.settle(policy, &found, expected, mask, now, next)
    }

    /// Finds an authenticator by `first` and `second`, two codes in a row. HOTP that has run ahead:
    /// over [`Policy::resync_window`] counters from the expected one. TOTP whose clock is off: over
    /// as many steps before and after the present one, but no more than [`Policy::max_drift`], and
    /// none of those used up; its drift is learned. Counts, locks and resets as
    /// [`verify`](Self::verify).
    ///
    /// Errors: [`Error::WrongKind`] for other kinds, [`Error::NoDrift`] for TOTP under a policy
    /// that learns none, [`Error::Clock`], [`Error::Exhausted`].
    pub fn resync(&self, policy: &Policy, first: &[u8], second: &[u8], now: u64) -> Result<Attempt<'_, Verdict>, Error> {
        // And the two before, which may be the codes of a resync that is sent again.
        let last = self.state.moving.checked_sub(2).map(|first| first..=first.saturating_add(1));
        let find = |hotp, window| self.find(hotp, first, Some(second), window, [last.clone(), None]);
        let (found, expected) = match &self.factor {
            // What matches is the second code, one after the expected first.
            Factor::Hotp(hotp) => (find(hotp, self.ahead(policy.resync_window())?), self.state.moving.saturating_add(1)),
            Factor::Totp(totp) => (find(totp.hotp(), self.fresh_steps(totp, policy, now)?), totp.step(now)?),
            _ => return Err(Error::WrongKind),
        };
        let mut next = State::FRESH;
        let verdict = self.settle(policy, &found, expected, 0, now, &mut next)?;
        Ok(Attempt::new(self, next, verdict))
    }

    /// Searches a window, and others besides, with one key.
    fn find(
        &self,
        hotp: &Hotp,
        first: &[u8],
        second: Option<&[u8]>,
        window: RangeInclusive<u64>,
        others: [Option<RangeInclusive<u64>>; 2],
    ) -> Found {
        let submitted = |code| Submitted::new(code, hotp.digits());
        let codes = SubmittedCodes { first: submitted(first), second: second.map(submitted) };
        HmacState::scope(hotp.algorithm(), hotp.secret(), |state| {
            let search = |window| search(state, hotp.digits(), &codes, window, self.state.moving);
            others.into_iter().flatten().fold(search(window), |found, other| found.or(&search(other)))
        })
    }

    /// Searches around the present step and, if drift is learned, around the drift as well,
    /// whatever it is: a clock that was put right drifts no more. Searches the step accepted last,
    /// too, where it lies in neither window: a client may repeat its code for hours.
    fn find_step(&self, totp: &Totp, policy: &Policy, answer: &[u8], now: u64) -> Result<Found, Error> {
        let (present, drifted) = self.steps(totp, policy, now)?;
        let is_searched = |step| present.contains(&step) || drifted.as_ref().is_some_and(|steps| steps.contains(&step));
        let last = self.state.moving.checked_sub(1).filter(|&last| !is_searched(last)).map(|last| last..=last);
        Ok(self.find(totp.hotp(), answer, None, present, [drifted, last]))
    }

    /// The steps around the present one and, if drift is learned, those around the drift.
    #[inline]
    fn steps(&self, totp: &Totp, policy: &Policy, now: u64) -> Result<(RangeInclusive<u64>, Option<RangeInclusive<u64>>), Error> {
        let width = if self.state.used == 0 { policy.first_window() } else { policy.window() };
        let present = totp.window(now, 0, width)?;
        let drifted = match policy.max_drift() {
            0 => None,
            _ => Some(totp.window(now, self.kept_drift(policy), policy.window())?),
        };
        Ok((present, drifted))
    }

    /// The counters whose codes an authenticator may show at `now`, as far as
    /// [`verify`](Self::verify) looks for them, and `more` after them; those used up as well. None
    /// of other kinds, before T0 and at the end of the counters.
    pub(crate) fn shown(&self, policy: &Policy, now: u64, more: u64) -> [Option<RangeInclusive<u64>>; 2] {
        let (first, second) = match &self.factor {
            Factor::Totp(totp) => match self.steps(totp, policy, now) {
                Ok((present, drifted)) => (Some(present), drifted.filter(|_| self.state.drift != 0)),
                Err(_) => (None, None),
            },
            Factor::Hotp(_) => (self.ahead(policy.look_ahead()).ok(), None),
            _ => (None, None),
        };
        let extended = |window: RangeInclusive<u64>| *window.start()..=window.end().saturating_add(more).min(MAX_COUNTER);
        [first.map(extended), second.map(extended)]
    }

    /// The steps that a resync searches, both codes among them: none of those used up.
    fn fresh_steps(&self, totp: &Totp, policy: &Policy, now: u64) -> Result<RangeInclusive<u64>, Error> {
        let steps = policy.resync_window().min(policy.max_drift());
        if steps == 0 {
            return Err(Error::NoDrift);
        }
        let (first, last) = totp.window(now, 0, steps)?.into_inner();
        Ok(first.max(self.state.moving)..=last)
    }

    /// The learned drift, as far as the policy allows one.
    fn kept_drift(&self, policy: &Policy) -> i32 {
        let bound = i32::from(policy.max_drift());
        self.state.drift.clamp(bound.saturating_neg(), bound)
    }

    /// Whether the highest accepted step is more than `steps` ahead of the present one, by the
    /// authenticator's drift as well: only of TOTP.
    fn is_ahead_by(&self, steps: u16, policy: &Policy, present: u64) -> bool {
        let latest = present.max(present.saturating_add_signed(self.kept_drift(policy).into()));
        let highest = self.state.moving.saturating_sub(1);
        matches!(self.factor, Factor::Totp(_)) && highest > latest.saturating_add(steps.into())
    }

    /// Whether no code of TOTP can be right at `now`, since a step beyond the windows was accepted
    /// while a clock was ahead.
    pub(crate) fn is_ahead(&self, policy: &Policy, now: u64) -> bool {
        let Factor::Totp(totp) = &self.factor else { return false };
        totp.step(now).is_ok_and(|present| self.is_ahead_by(policy.window(), policy, present))
    }

    fn find_pin(&self, pin: &Pin, policy: &Policy, answer: &[u8]) -> Found {
        let positions = match self.asked(policy) {
            0 => Positions::all(pin.count()),
            mask => Positions::from_mask(mask),
        };
        let none = Choice::from(0);
        Found { right: pin.answers(positions, answer), replayed: none, last: none, counter: 0 }
    }

    /// Finds a code among all of them, and the mask of those used up after it.
    fn find_recovery_code(&self, codes: &RecoveryCodes, answer: &[u8]) -> (Found, u64) {
        let places = codes.places(answer);
        let (fresh, used) = (places & !self.state.mask, places & self.state.mask);
        let [right, replayed] = [fresh, used].map(|places| Choice::from(any(places)));
        let first = fresh & fresh.wrapping_neg();
        // No guess is by chance a code of 64 bits that is used up, so each counts as the last one.
        let found = Found { right, replayed, last: replayed, counter: lowest_place(fresh) };
        (found, self.state.mask | first)
    }

    /// The expected counter and `more` after it.
    fn ahead(&self, more: u16) -> Result<RangeInclusive<u64>, Error> {
        let first = self.state.moving;
        let last = first.saturating_add(u64::from(more)).min(MAX_COUNTER);
        if first > last { Err(Error::Exhausted) } else { Ok(first..=last) }
    }

    /// The positions of a PIN that are to be answered now: those pending if they are as many as the
    /// policy asks for; 0 for none.
    pub(crate) fn asked(&self, policy: &Policy) -> u64 {
        let Factor::Pin(pin) = &self.factor else { return 0 };
        let pending = Positions::from_mask(self.state.mask);
        if pending.count() >= pin.count_asked(policy) { pending.mask() } else { 0 }
    }

    /// The verdict, and the next state in the place of `next`, where it stays: its parts were just
    /// written, and moving them all would wait for each. A right answer sets the state's mask to
    /// `mask`.
    #[inline]
    fn settle(
        &self,
        policy: &Policy,
        found: &Found,
        expected: u64,
        mask: u64,
        now: u64,
        next: &mut State,
    ) -> Result<Verdict, Error> {
        self.check_clock(policy, now)?;
        let state = &self.state;
        let revision = state.revision.checked_add(1).ok_or(Error::Exhausted)?;
        // Conditions are bits, and become choices where they select: a choice is hidden from the
        // compiler, for which the processor waits.
        let message = bit(matches!(self.factor, Factor::Sms(_) | Factor::Email(_)));
        let pin = bit(matches!(self.factor, Factor::Pin(_)));
        let totp = bit(matches!(self.factor, Factor::Totp(_)));
        let pending = state.pending;
        let (replayed, last) = (found.replayed.unwrap_u8(), found.last.unwrap_u8());
        // Once in a million the window has the code at a further place as well. It was used all the
        // same (RFC 6238 section 5.2).
        let matches = found.right.unwrap_u8() & not(last);

        // The obstacles, from the weakest to the strongest. The first two count as fails, the
        // others leave nothing to judge.
        let unasked = (message & not(pending)) | (pin & bit(self.asked(policy) == 0));
        let expired = pending & bit(self.is_expired(policy, now));
        let disabled = bit(state.status == Status::Disabled as u8);
        let locked = bit(self.is_locked(policy)) & not(disabled);
        let outside = bit(!self.validity.contains(now)) & not(locked | disabled);
        let throttled = bit(self.is_throttled(now)) & not(outside | locked | disabled);
        let ahead = bit(self.is_ahead_by(policy.window(), policy, expected)) & not(throttled | outside | locked | disabled);
        let open = not(ahead | throttled | outside | locked | disabled);
        let right = matches & open & not(unasked | expired);
        let refused = open & not(right);

        let evaluated = open & not(unasked | expired);
        let again = evaluated & replayed & not(matches);
        // Not the code accepted last, and that one lies ahead of the present step, by a clock or a
        // drift that was put right: it has used up codes that are shown only now.
        let overtaken = again & not(last) & totp & bit(state.moving.saturating_sub(1) > expected);
        // Neither can be a guess that comes right later, and both happen to people who do nothing
        // wrong.
        let fail = refused & not((again & last) | overtaken);

        // Of these one holds, unless the answer is right, whose number is 0.
        let reason = [
            (Reason::Wrong, evaluated & not(matches | replayed)),
            (Reason::Replayed, again & not(overtaken)),
            (Reason::ClockWasAhead, ahead | overtaken),
            (Reason::Expired, open & expired & not(unasked)),
            (Reason::NoChallenge, open & unasked),
            (Reason::Throttled, throttled),
            (Reason::OutsideValidity, outside),
            (Reason::Locked, locked),
            (Reason::Disabled, disabled),
        ]
        .into_iter()
        .fold(Reason::Right as u8, |reason, (other, holds)| reason | (other as u8).wrapping_mul(holds));

        let fails = state.fails.saturating_add(1);
        let strikes = fail & bit(fails >= policy.lock().max_fails());
        let due = bit(policy.lock().is_due(fails));
        let locks = (fail & due) | (locked & bit(state.status != Status::Locked as u8));
        let dies = message & pending & (strikes | locks | (open & expired));
        let delays = Choice::from(strikes & not(due));
        let moves = Choice::from(right & bit(self.generator().is_some()));
        let learns = Choice::from(right & totp);
        let ends = Choice::from(right | dies);
        let changed = Choice::from(right | refused | locks);
        let [right, fail, locks, dies] = [right, fail, locks, dies].map(Choice::from);

        let mut to = *state;
        to.fails.conditional_assign(&fails, fail);
        to.fails.conditional_assign(&0, right);
        to.status.conditional_assign(&(Status::Validated as u8), right);
        to.status.conditional_assign(&(Status::Locked as u8), locks);
        to.validated.conditional_assign(&bit(state.status == Status::Validated as u8), locks);
        // From the latest time seen, so that a host whose clock is behind does not shorten the
        // delay for the others.
        let until = state.seen.max(now).saturating_add(u64::from(policy.lock().delay(fails)));
        to.until.conditional_assign(&until, delays);
        to.until.conditional_assign(&0, right);
        to.moving.conditional_assign(&found.counter.saturating_add(1), moves);
        to.moving.conditional_assign(&state.moving.saturating_add(1), dies);
        to.drift.conditional_assign(&learned(found.counter, expected, policy.max_drift()), learns);
        to.pending.conditional_assign(&0, ends);
        to.issued_at.conditional_assign(&0, ends);
        to.mask.conditional_assign(&mask, right);
        to.used.conditional_assign(&1, right);
        // Like the latest time seen, it does not go back when a host answers whose clock is behind.
        to.used_at.conditional_assign(&state.used_at.max(now), right);
        to.seen.conditional_assign(&state.seen.max(now), changed);
        to.revision.conditional_assign(&revision, changed);

        let (codes, expected) = match &self.factor {
            Factor::Recovery(codes) => (codes.count(), to.mask),
            _ => (0, expected),
        };
        let locked = bit(to.status == Status::Locked as u8);
        let throttled = bit(to.until > now) & not(locked | disabled);
        let verdict = Verdict {
            packed: reason | (locked | throttled).wrapping_mul(Verdict::LOCKED_BIT),
            codes,
            fails: to.fails,
            until: u64::conditional_select(&0, &to.until, Choice::from(throttled)),
            // Zero unless right: not even the bytes of a verdict tell that a refused code was a
            // right one.
            matched: u64::conditional_select(&0, &found.counter, right),
            expected,
        };
        *next = to;
        Ok(verdict)
    }
}

/// The drift of a match, kept within the bound.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "the bound is 1000 steps each way")]
fn learned(matched: u64, expected: u64, bound: u16) -> i32 {
    if bound == 0 {
        return 0;
    }
    let bound = u64::from(bound);
    let (lowest, highest) = (expected.saturating_sub(bound), expected.saturating_add(bound));
    let mut kept = matched;
    kept.conditional_assign(&lowest, Choice::from(bit(lowest > matched)));
    kept.conditional_assign(&highest, Choice::from(bit(matched > highest)));
    kept.wrapping_sub(expected) as i64 as i32
}

fn bit(holds: bool) -> u8 {
    u8::from(holds)
}

const fn not(bit: u8) -> u8 {
    bit ^ 1
}
