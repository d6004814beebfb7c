//! The model of a device, written to be easy to read: plain branches, options, and RFC 4226 to the
//! letter.

use std::collections::BTreeSet;

use keyfob::{Challenge, Device, Error, Factor, Hotp, Kind, Lock, PinPositions, Policy, Reason, Status, Validity};

use crate::recovery::places;

pub(crate) struct Model {
    pub(crate) factor: Factor,
    pub(crate) status: Status,
    pub(crate) fails: u32,
    moving: u64,
    drift: i64,
    created: u64,
    last_used: Option<u64>,
    pub(crate) pending: Option<Pending>,
    pub(crate) throttled_until: Option<u64>,
    pub(crate) seen: u64,
    pub(crate) held: bool,
    /// Whether it was validated when it was locked.
    was_validated: bool,
    pub(crate) validity: Validity,
    /// Recovery codes: the indices of those used up.
    used: BTreeSet<u64>,
    revision: u64,
}

#[derive(Clone)]
pub(crate) struct Pending {
    since: u64,
    pub(crate) answer: String,
    /// PIN: the positions asked.
    positions: Vec<u8>,
}

/// The code of a counter or step.
pub(crate) fn code(hotp: &Hotp, counter: u64) -> String {
    crate::common::code(hotp.secret().expose(), hotp.algorithm(), hotp.digits().get().into(), counter)
}

impl Model {
    pub(crate) fn of(device: &Device) -> Self {
        Self {
            factor: device.factor().clone(),
            status: Status::Created,
            fails: 0,
            moving: device.moving_factor(),
            drift: 0,
            created: device.created(),
            last_used: None,
            pending: None,
            throttled_until: None,
            seen: device.created(),
            held: false,
            was_validated: false,
            validity: device.validity(),
            used: BTreeSet::new(),
            revision: 0,
        }
    }

    pub(crate) fn closed(&self, policy: &Policy, now: u64) -> Option<Reason> {
        let due = match policy.lock() {
            Lock::Hard { max_fails: fails } | Lock::ThrottleThenLock { total_fails: fails, .. } => self.fails >= fails,
            Lock::Throttle { .. } => false,
        };
        match self.status {
            Status::Disabled => Some(Reason::Disabled),
            Status::Locked => Some(Reason::Locked),
            _ if due => Some(Reason::Locked),
            _ if !self.is_valid(now) => Some(Reason::OutsideValidity),
            _ if self.throttled_until.is_some_and(|until| now < until) => Some(Reason::Throttled),
            _ if self.lead(policy, now).is_some_and(|steps| steps > u64::from(policy.window())) => Some(Reason::ClockWasAhead),
            _ => None,
        }
    }

    fn is_valid(&self, now: u64) -> bool {
        let (first, last) = (self.validity.not_before(), self.validity.not_after());
        first.is_none_or(|first| first <= now) && last.is_none_or(|last| now <= last)
    }

    /// TOTP: the present step, and that of an authenticator with the learned drift.
    fn centres(&self, policy: &Policy, now: u64) -> Option<[u64; 2]> {
        let Factor::Totp(totp) = &self.factor else { return None };
        let bound = i64::from(policy.max_drift());
        let step = (now - totp.t0()) / u64::from(totp.period());
        Some([step, step.saturating_add_signed(self.drift.clamp(-bound, bound))])
    }

    /// By how many steps the highest accepted one is ahead of both.
    fn lead(&self, policy: &Policy, now: u64) -> Option<u64> {
        let latest = self.centres(policy, now)?.into_iter().max()?;
        self.moving.checked_sub(1)?.checked_sub(latest).filter(|steps| *steps > 0)
    }

    fn is_message(&self) -> bool {
        matches!(self.factor, Factor::Sms(_) | Factor::Email(_))
    }

    pub(crate) fn expired(&self, policy: &Policy, now: u64) -> bool {
        let since = self.pending.as_ref().map(|pending| pending.since);
        self.is_message()
            && since.is_some_and(|since| now.max(self.seen).saturating_sub(since) >= u64::from(policy.code_lifetime()))
    }

    /// Whether an answer can be right: of kinds with a challenge, a code or enough positions are
    /// pending.
    pub(crate) fn waits(&self, policy: &Policy) -> bool {
        match &self.factor {
            Factor::Totp(_) | Factor::Hotp(_) | Factor::Recovery(_) => true,
            Factor::Sms(_) | Factor::Email(_) => self.pending.is_some(),
            Factor::Pin(pin) => match policy.pin_positions() {
                PinPositions::All => self.positions().len() == pin.expose().len(),
                PinPositions::Count(count) => self.positions().len() >= usize::from(count).min(pin.expose().len()),
            },
        }
    }

    /// The counters or steps of the last of `codes`, wherever all of them occur in a row, lowest
    /// first.
    fn places(&self, policy: &Policy, codes: &[&str], now: u64) -> Vec<u64> {
        let (hotp, first, last) = match &self.factor {
            Factor::Totp(totp) => {
                let [present, drifted] = self.centres(policy, now).unwrap();
                let around = |centre: u64, width: u16| centre.saturating_sub(width.into())..=centre + u64::from(width);
                if codes.len() == 2 {
                    let width = policy.resync_window().min(policy.max_drift());
                    let steps = around(present, width);
                    (totp.hotp(), self.moving.max(*steps.start()), *steps.end())
                } else {
                    let width = if self.last_used.is_none() { policy.first_window() } else { policy.window() };
                    let steps: BTreeSet<u64> = around(present, width).chain(around(drifted, policy.window())).collect();
                    return steps.into_iter().filter(|&step| codes == [code(totp.hotp(), step)]).collect();
                }
            }
            Factor::Hotp(hotp) if codes.len() == 2 => (hotp, self.moving, self.moving + u64::from(policy.resync_window())),
            Factor::Hotp(hotp) => (hotp, self.moving, self.moving + u64::from(policy.look_ahead())),
            Factor::Sms(hotp) | Factor::Email(hotp) => (hotp, self.moving, self.moving),
            Factor::Recovery(recovery) => return places(recovery, codes),
            Factor::Pin(_) => {
                let asked = self.pending.as_ref().map(|pending| &pending.answer);
                return if asked.is_some_and(|answer| codes == [answer]) { vec![0] } else { vec![] };
            }
        };
        let window: Vec<u64> = (first..=last).collect();
        let shown: Vec<String> = window.iter().map(|&counter| code(hotp, counter)).collect();
        let places = shown.windows(codes.len()).zip(&window).filter(|(shown, _)| *shown == codes);
        places.map(|(_, counter)| counter + codes.len() as u64 - 1).collect()
    }

    /// Whether these are the codes accepted last: of a resync the last two.
    fn is_repeated(&self, codes: &[&str]) -> bool {
        if let Factor::Recovery(recovery) = &self.factor {
            return places(recovery, codes).iter().any(|index| self.used.contains(index));
        }
        let (Factor::Totp(_) | Factor::Hotp(_), Some(hotp)) = (&self.factor, self.factor.generator()) else { return false };
        let first = self.moving.checked_sub(codes.len() as u64);
        first.is_some_and(|first| (first..self.moving).map(|counter| code(hotp, counter)).eq(codes.iter().copied()))
    }

    /// TOTP: whether the highest accepted step is beyond the present one.
    fn is_beyond(&self, policy: &Policy, now: u64) -> bool {
        self.centres(policy, now).is_some_and(|[present, _]| self.moving.saturating_sub(1) > present)
    }

    pub(crate) fn judge(&mut self, policy: &Policy, codes: &[&str], now: u64) -> (Reason, Option<u64>) {
        if let Some(reason) = self.closed(policy, now) {
            if reason == Reason::Locked && self.status != Status::Locked {
                self.lock();
                self.kill();
                self.changed(now);
            }
            return (reason, None);
        }
        let expired = self.expired(policy, now);
        self.changed(now);
        let places = self.places(policy, codes, now);
        let fresh = places.iter().copied().find(|&place| place >= self.moving || self.factor.kind() == Kind::Pin);
        let waits = self.waits(policy);
        let repeated = self.is_repeated(codes);
        if let Some(matched) = fresh.filter(|_| waits && !expired && !repeated) {
            if let Factor::Totp(totp) = &self.factor {
                let (step, bound) = ((now - totp.t0()) / u64::from(totp.period()), i64::from(policy.max_drift()));
                self.drift = (matched.cast_signed() - step.cast_signed()).clamp(-bound, bound);
            }
            match self.factor.kind() {
                Kind::Pin => {}
                Kind::Recovery => assert!(self.used.insert(matched)),
                _ => self.moving = matched + 1,
            }
            (self.status, self.fails, self.last_used) = (Status::Validated, 0, self.last_used.max(Some(now)));
            (self.pending, self.throttled_until) = (None, None);
            return (Reason::Right, Some(matched));
        }
        let reason = match () {
            () if !waits => Reason::NoChallenge,
            () if expired => Reason::Expired,
            () if repeated => return (Reason::Replayed, None),
            () if !places.is_empty() && self.is_beyond(policy, now) => return (Reason::ClockWasAhead, None),
            () if !places.is_empty() => Reason::Replayed,
            () => Reason::Wrong,
        };
        if expired {
            self.kill();
        }
        self.fails += 1;
        if self.fails >= policy.lock().max_fails() {
            self.kill();
            match policy.lock() {
                Lock::Hard { .. } => self.lock(),
                Lock::ThrottleThenLock { total_fails, .. } if self.fails >= total_fails => self.lock(),
                Lock::Throttle { max_fails: fails, first_delay: first, max_delay: longest }
                | Lock::ThrottleThenLock { max_fails: fails, first_delay: first, max_delay: longest, .. } => {
                    let delay = (0..self.fails - fails).fold(u64::from(first), |delay, _| (delay * 2).min(u64::from(longest)));
                    self.throttled_until = Some(self.seen + delay.min(u64::from(longest)));
                }
            }
        }
        (reason, None)
    }

    fn kill(&mut self) {
        if self.is_message() && self.pending.take().is_some() {
            self.moving += 1;
        }
    }

    /// Checks the challenge that the device returned. Takes over the positions that were drawn, and
    /// nothing else.
    pub(crate) fn challenge(&mut self, policy: &Policy, given: &Result<Challenge, Error>, now: u64) {
        if let Some(reason) = self.closed(policy, now) {
            let error = match reason {
                Reason::Disabled => Error::Disabled,
                Reason::Locked => Error::Locked,
                Reason::ClockWasAhead => Error::ClockWasAhead,
                Reason::OutsideValidity => Error::OutsideValidity,
                _ => Error::Throttled,
            };
            assert_eq!(given.as_ref().err(), Some(&error));
            return;
        }
        let given = given.as_ref().unwrap();
        match self.factor.clone() {
            Factor::Totp(_) | Factor::Hotp(_) | Factor::Recovery(_) => assert_eq!(given, &Challenge::Authenticator),
            Factor::Sms(hotp) | Factor::Email(hotp) => {
                let young = |pending: &Pending| now.max(self.seen) - pending.since < u64::from(policy.code_reuse());
                let reuse = self.pending.as_ref().is_some_and(young) && !self.expired(policy, now);
                if !reuse {
                    self.kill();
                    self.changed(now);
                    self.pending = Some(Pending { since: self.seen, answer: code(&hotp, self.moving), positions: Vec::new() });
                }
                let Challenge::Message { code, issued_at, fresh, .. } = given else { panic!("{given:?}") };
                let Pending { since, answer, .. } = self.pending.as_ref().unwrap();
                assert_eq!((code.as_str(), issued_at, *fresh), (answer.as_str(), since, !reuse));
            }
            Factor::Pin(pin) => {
                let Challenge::Positions(positions) = given else { panic!("{given:?}") };
                let count = match policy.pin_positions() {
                    PinPositions::Count(count) => usize::from(count),
                    PinPositions::All => pin.expose().len(),
                };
                let before = self.positions();
                let positions: Vec<u8> = positions.iter().collect();
                assert_eq!(positions.len(), count.max(before.len()));
                assert!(before.iter().all(|number| positions.contains(number)));
                if positions != before {
                    let answer = positions.iter().map(|&number| char::from(pin.expose()[usize::from(number) - 1])).collect();
                    self.changed(now);
                    self.pending = Some(Pending { since: self.seen, answer, positions });
                }
            }
        }
    }

    fn positions(&self) -> Vec<u8> {
        self.pending.as_ref().map(|pending| pending.positions.clone()).unwrap_or_default()
    }

    fn changed(&mut self, now: u64) {
        self.seen = self.seen.max(now);
        self.revision += 1;
    }

    fn lock(&mut self) {
        (self.was_validated, self.status) = (self.status == Status::Validated, Status::Locked);
    }

    pub(crate) fn unlock(&mut self, now: u64) {
        self.kill();
        if self.status == Status::Locked {
            self.status = if self.last_used.is_some() || self.was_validated { Status::Validated } else { Status::Created };
        }
        (self.fails, self.throttled_until, self.held, self.was_validated) = (0, None, false, false);
        self.believe(now);
        self.changed(now);
    }

    fn believe(&mut self, now: u64) {
        (self.seen, self.drift) = (now, 0);
        self.created = self.created.min(now);
        self.last_used = self.last_used.map(|used| used.min(now));
    }

    /// Forgets the steps that lie ahead. False for kinds without steps.
    pub(crate) fn forget_steps(&mut self, now: u64) -> bool {
        let Factor::Totp(totp) = &self.factor else { return false };
        self.moving = self.moving.min((now - totp.t0()) / u64::from(totp.period()) + 1);
        self.believe(now);
        self.changed(now);
        true
    }

    pub(crate) fn set_status(&mut self, status: Status, now: u64) {
        match (self.status, status) {
            (_, Status::Locked | Status::Disabled) => self.kill(),
            (Status::Locked, _) => {
                self.kill();
                (self.fails, self.throttled_until) = (0, None);
                self.believe(now);
            }
            _ => {}
        }
        self.was_validated = match (self.status, status) {
            (Status::Validated, Status::Locked) => true,
            (Status::Locked, Status::Locked | Status::Disabled) => self.was_validated,
            (Status::Disabled, Status::Locked | Status::Disabled) if self.held => self.was_validated,
            _ => false,
        };
        self.held = status == Status::Disabled && (self.held || self.status == Status::Locked);
        self.status = status;
        self.changed(now);
    }

    pub(crate) fn set_validity(&mut self, validity: Validity, now: u64) {
        self.validity = validity;
        self.changed(now);
    }

    pub(crate) fn replace(&mut self, from: &Device, now: u64) {
        self.kill();
        let same = self.factor.secret().zip(from.factor().secret()).is_some_and(|(old, new)| old == new);
        let kept = match (&self.factor, from.factor()) {
            (Factor::Totp(old), Factor::Totp(new)) if self.moving > 0 => {
                let begins = old.t0() + self.moving * u64::from(old.period());
                let step = begins.saturating_sub(new.t0()).div_ceil(u64::from(new.period()));
                if same {
                    step.max(self.moving)
                } else if now < new.t0() {
                    step
                } else {
                    step.min((now - new.t0()) / u64::from(new.period()))
                }
            }
            _ if same => self.moving,
            _ => 0,
        };
        match from.factor() {
            Factor::Recovery(_) if same => {}
            _ => self.used.clear(),
        }
        self.moving = kept.max(from.moving_factor());
        (self.factor, self.pending, self.drift, self.validity) = (from.factor().clone(), None, 0, from.validity());
        self.changed(now);
    }

    /// Whether it would get fewer recovery codes of its secret.
    pub(crate) fn has_fewer_codes(&self, from: &Device) -> bool {
        match (&self.factor, from.factor()) {
            (Factor::Recovery(old), Factor::Recovery(new)) => old.secret() == new.secret() && new.count() < old.count(),
            _ => false,
        }
    }

    pub(crate) fn left(&self) -> Option<u8> {
        let Factor::Recovery(codes) = &self.factor else { return None };
        Some(codes.count() - u8::try_from(self.used.len()).unwrap())
    }

    pub(crate) fn agrees_with(&self, device: &Device) {
        assert_eq!(device.status(), self.status);
        assert_eq!(device.fails(), self.fails);
        assert_eq!(device.moving_factor(), self.moving);
        assert_eq!(i64::from(device.drift()), self.drift);
        assert_eq!(device.last_changed(), self.seen);
        assert_eq!((device.created(), device.last_used()), (self.created, self.last_used));
        assert_eq!(device.pending_since(), self.pending.as_ref().map(|pending| pending.since));
        assert_eq!(device.was_locked(), self.held);
        assert_eq!(device.throttled_until(), self.throttled_until);
        assert_eq!((device.validity(), device.revision()), (self.validity, self.revision));
        assert_eq!(device.recovery_codes_left(), self.left());
        assert_eq!(device.positions().map(|asked| asked.iter().collect::<Vec<_>>()).unwrap_or_default(), self.positions());
    }
}
