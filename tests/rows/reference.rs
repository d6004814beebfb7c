//! The rule of a row, written for reading: the rules of docs/rules.md on the columns themselves,
//! plain branches, RFC 4226 to the letter.

use keyfob::{Algorithm, Challenge, Error, Kind, PinPositions, Policy, Reason, SoffidRow, Status};

use crate::common::code;

/// Soffid's numbers, evened: steps around the present one, counters after the expected one, and
/// counters that a resync searches.
const WINDOW: u64 = 10;
const LOOK_AHEAD: u64 = 24;
const RESYNC: u64 = 100;

/// The columns of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) status: Status,
    pub(crate) fails: u32,
    pub(crate) created: u64,
    pub(crate) last_used: Option<u64>,
    pub(crate) last_issued: Option<u64>,
    pub(crate) last_counter: Option<i64>,
    pub(crate) auth_key: String,
    pub(crate) pin: String,
    pub(crate) digits: Option<u32>,
    pub(crate) algorithm: Option<String>,
    /// No column: the fail that locks.
    pub(crate) max_fails: u32,
}

impl Row {
    pub(crate) fn view(&self) -> SoffidRow<'_> {
        SoffidRow {
            kind: self.kind,
            status: self.status,
            fails: self.fails,
            created: self.created,
            last_used: self.last_used,
            last_issued: self.last_issued,
            last_counter: self.last_counter,
            auth_key: &self.auth_key,
            pin: &self.pin,
            digits: self.digits,
            algorithm: self.algorithm.as_deref(),
            max_fails: self.max_fails,
        }
    }
}

impl From<SoffidRow<'_>> for Row {
    fn from(row: SoffidRow<'_>) -> Self {
        Self {
            kind: row.kind,
            status: row.status,
            fails: row.fails,
            created: row.created,
            last_used: row.last_used,
            last_issued: row.last_issued,
            last_counter: row.last_counter,
            auth_key: row.auth_key.into(),
            pin: row.pin.into(),
            digits: row.digits,
            algorithm: row.algorithm.map(Into::into),
            max_fails: row.max_fails,
        }
    }
}

/// What a verdict says.
#[derive(Debug, PartialEq)]
pub(crate) struct Judged {
    pub(crate) reason: Reason,
    pub(crate) matched: Option<u64>,
    pub(crate) fails: u32,
    pub(crate) is_locked: bool,
}

/// A challenge that waits for its answer.
#[derive(Clone)]
pub(crate) struct Pending {
    since: u64,
    pub(crate) answer: String,
}

/// A row, and what its host keeps beside it.
pub(crate) struct Reference {
    pub(crate) row: Row,
    /// What `auth_key` says; of SMS and e-mail the secret that was drawn for the device.
    pub(crate) secret: Vec<u8>,
    pub(crate) pending: Option<Pending>,
    /// SMS, e-mail, PIN: the latest time at which the device changed, once it has.
    seen: Option<u64>,
    /// SMS, e-mail, PIN: whether it was validated when it was locked.
    was_validated: bool,
}

/// A time of a column: one before 1970 is a negative number, and counts as 1970.
const fn since_1970(time: u64) -> u64 {
    if time > i64::MAX as u64 { 0 } else { time }
}

impl Reference {
    pub(crate) const fn new(row: Row, secret: Vec<u8>) -> Self {
        Self { row, secret, pending: None, seen: None, was_validated: false }
    }

    /// The code of a counter or step; NULL is 6 digits and `HmacSHA1`.
    pub(crate) fn code(&self, counter: u64) -> String {
        let named = |name: &String| Algorithm::ALL.into_iter().find(|known| known.hmac_name().eq_ignore_ascii_case(name));
        let algorithm = self.row.algorithm.as_ref().map_or(Algorithm::Sha1, |name| named(name).unwrap());
        code(&self.secret, algorithm, self.row.digits.unwrap_or(6), counter)
    }

    /// The highest counter or step accepted. A negative one is none.
    pub(crate) fn accepted(&self) -> Option<u64> {
        self.row.last_counter.and_then(|last| last.try_into().ok())
    }

    /// What has not changed stays in the row as it is.
    fn set_accepted(&mut self, counter: Option<u64>) {
        if self.accepted() != counter {
            self.row.last_counter = counter.map(|counter| i64::try_from(counter).unwrap());
        }
    }

    /// The lowest counter or step that was not used.
    pub(crate) fn expected(&self) -> u64 {
        self.accepted().map_or(0, |last| last + 1)
    }

    /// By how many steps the highest accepted one is ahead of the present one: of TOTP.
    fn lead(&self, now: u64) -> u64 {
        let last = self.accepted().filter(|_| self.row.kind == Kind::Totp);
        last.map_or(0, |last| last.saturating_sub(now / 30))
    }

    /// Whether it is asked by a challenge, and its record kept beside the row.
    pub(crate) const fn is_asked(&self) -> bool {
        matches!(self.row.kind, Kind::Sms | Kind::Email | Kind::Pin)
    }

    const fn is_message(&self) -> bool {
        matches!(self.row.kind, Kind::Sms | Kind::Email)
    }

    /// Soffid opens devices without a reset of their fails: an open row is one fail away from the
    /// lock at least.
    fn counted(&self) -> u32 {
        let is_open = matches!(self.row.status, Status::Created | Status::Validated);
        // Negative numbers count as none.
        let fails = if self.row.fails > i32::MAX as u32 { 0 } else { self.row.fails };
        if is_open { fails.min(self.row.max_fails.saturating_sub(1)) } else { fails }
    }

    /// What has not changed stays in the row as it is, even where more fails stand there than
    /// count.
    fn set_fails(&mut self, fails: u32) {
        if self.counted() != fails {
            self.row.fails = fails;
        }
    }

    /// The latest time that the device knows of; a row knows two.
    fn seen(&self) -> u64 {
        self.seen.unwrap_or_else(|| since_1970(self.row.created).max(self.row.last_used.map_or(0, since_1970)))
    }

    fn changed(&mut self, now: u64) {
        if self.is_asked() {
            self.seen = Some(self.seen().max(now));
        }
    }

    fn is_clock_back(&self, policy: &Policy, now: u64) -> bool {
        now + u64::from(policy.clock_skew()) < self.seen()
    }

    fn is_expired(&self, policy: &Policy, now: u64) -> bool {
        let age = |pending: &Pending| now.max(self.seen()).saturating_sub(pending.since);
        self.is_message() && self.pending.as_ref().is_some_and(|pending| age(pending) >= u64::from(policy.code_lifetime()))
    }

    /// The places where `codes` follow each other, lowest first: the counters or steps of the last
    /// one.
    fn places(&self, codes: &[&str], now: u64) -> Vec<u64> {
        let last = |first: u64, more: u64| first.saturating_add(more).min(u64::MAX - 1);
        let (first, last) = match self.row.kind {
            Kind::Totp => {
                let step = now / 30;
                (step - WINDOW, last(step, WINDOW))
            }
            Kind::Hotp if codes.len() == 2 => (self.expected(), last(self.expected(), RESYNC)),
            Kind::Hotp => (self.expected(), last(self.expected(), LOOK_AHEAD)),
            Kind::Recovery => panic!("Soffid has none"),
            Kind::Sms | Kind::Email | Kind::Pin => {
                let number = if self.is_message() { self.accepted().unwrap_or(0) } else { 0 };
                let waits = self.pending.as_ref().is_some_and(|pending| codes == [pending.answer.as_str()]);
                return if waits { vec![number] } else { vec![] };
            }
        };
        let shown: Vec<String> = (first..=last).map(|counter| self.code(counter)).collect();
        let places = shown.windows(codes.len()).zip(first..).filter(|(shown, _)| *shown == codes);
        places.map(|(_, counter)| counter + codes.len() as u64 - 1).collect()
    }

    /// Whether these are the codes accepted last: of a resync the last two.
    fn is_again(&self, codes: &[&str]) -> bool {
        let first = self.expected().checked_sub(codes.len() as u64).filter(|_| !self.is_asked());
        first.is_some_and(|first| (first..self.expected()).map(|counter| self.code(counter)).eq(codes.iter().copied()))
    }

    /// Judges a code, or two in a row.
    pub(crate) fn judge(&mut self, policy: &Policy, codes: &[&str], now: u64) -> Result<Judged, Error> {
        if self.is_clock_back(policy, now) {
            return Err(Error::Clock);
        }
        let (before, limit) = (self.counted(), policy.lock().max_fails());
        let closed = |reason, is_locked| Ok(Judged { reason, matched: None, fails: before, is_locked });
        match self.row.status {
            Status::Disabled => return closed(Reason::Disabled, false),
            Status::Locked => return closed(Reason::Locked, true),
            // A policy that allows fewer fails than when they were counted.
            _ if before >= limit => {
                self.lock();
                self.end_code();
                self.changed(now);
                return closed(Reason::Locked, true);
            }
            _ if self.lead(now) > policy.window().into() => return closed(Reason::ClockWasAhead, false),
            _ => {}
        }
        let (is_unasked, is_expired) = (self.is_asked() && self.pending.is_none(), self.is_expired(policy, now));
        let places = self.places(codes, now);
        let fresh = places.iter().copied().find(|&place| self.is_asked() || place >= self.expected());
        self.changed(now);
        let is_again = self.is_again(codes);
        if let Some(matched) = fresh.filter(|_| !is_expired && !is_again) {
            self.set_fails(0);
            self.row.status = Status::Validated;
            self.row.last_used = Some(now.max(self.row.last_used.map_or(0, since_1970)));
            if !self.is_asked() {
                self.set_accepted(Some(matched));
            }
            self.pending = None;
            return Ok(Judged { reason: Reason::Right, matched: Some(matched), fails: 0, is_locked: false });
        }
        let reason = match () {
            () if is_unasked => Reason::NoChallenge,
            () if is_expired => Reason::Expired,
            // The codes accepted last, and one that a clock ahead used up: neither is a fail.
            () if is_again => return closed(Reason::Replayed, false),
            () if !places.is_empty() && self.lead(now) > 0 => return closed(Reason::ClockWasAhead, false),
            () if !places.is_empty() => Reason::Replayed,
            () => Reason::Wrong,
        };
        let fails = before + 1;
        self.set_fails(fails);
        if is_expired || fails >= limit {
            self.end_code();
        }
        if fails >= limit || fails >= self.row.max_fails {
            self.lock();
        }
        Ok(Judged { reason, matched: None, fails, is_locked: fails >= limit })
    }

    fn lock(&mut self) {
        self.was_validated = self.is_asked() && self.row.status == Status::Validated;
        self.row.status = Status::Locked;
    }

    /// A code that was sent counts as given out already, so that its end changes no column.
    /// Positions of a PIN stay.
    fn end_code(&mut self) {
        if self.is_message() {
            self.pending = None;
        }
    }

    /// Holds a challenge that the device gave to the rule, and takes over the positions drawn.
    pub(crate) fn challenge(&mut self, policy: &Policy, given: &Result<Challenge, Error>, now: u64) {
        let refused = match self.row.status {
            _ if self.is_clock_back(policy, now) => Some(Error::Clock),
            Status::Disabled => Some(Error::Disabled),
            Status::Locked => Some(Error::Locked),
            _ if self.counted() >= policy.lock().max_fails() => Some(Error::Locked),
            _ if self.lead(now) > policy.window().into() => Some(Error::ClockWasAhead),
            _ => None,
        };
        if refused.is_some() {
            assert_eq!(given.as_ref().err(), refused.as_ref());
            return;
        }
        let is_young = |pending: &Pending| now.max(self.seen()).saturating_sub(pending.since) < u64::from(policy.code_reuse());
        let is_again = self.pending.as_ref().is_some_and(is_young) && !self.is_expired(policy, now);
        match self.row.kind {
            Kind::Totp | Kind::Hotp | Kind::Recovery => assert_eq!(given, &Ok(Challenge::Authenticator)),
            Kind::Sms | Kind::Email => {
                if !is_again {
                    let counter = self.expected();
                    self.set_accepted(Some(counter));
                    self.issue(self.code(counter), now);
                }
                // Or the add-on would send no code of its own for a minute.
                self.row.last_issued = None;
                let Ok(Challenge::Message { code, fresh, .. }) = given else { panic!("{given:?}") };
                assert_eq!((code.as_str(), *fresh), (self.pending.as_ref().unwrap().answer.as_str(), !is_again));
            }
            Kind::Pin => {
                let Ok(Challenge::Positions(positions)) = given else { panic!("{given:?}") };
                let answer: String =
                    positions.iter().map(|number| self.row.pin.as_bytes()[usize::from(number) - 1] as char).collect();
                match (&self.pending, policy.pin_positions()) {
                    (Some(pending), _) => assert_eq!(answer, pending.answer, "they stay until they are answered"),
                    (None, PinPositions::Count(count)) => assert_eq!(answer.len(), self.row.pin.len().min(count.into())),
                    (None, PinPositions::All) => assert_eq!(answer, self.row.pin),
                }
                if self.pending.is_none() {
                    self.issue(answer, now);
                }
            }
        }
    }

    /// From the latest time that the device knows of.
    fn issue(&mut self, answer: String, now: u64) {
        self.changed(now);
        self.pending = Some(Pending { since: self.seen(), answer });
    }

    pub(crate) fn unlock(&mut self, now: u64) {
        self.set_fails(0);
        if self.row.status == Status::Locked {
            let is_validated = self.row.last_used.is_some() || self.was_validated;
            self.row.status = if is_validated { Status::Validated } else { Status::Created };
        }
        self.was_validated = false;
        // No time lies ahead of the clock that is believed.
        if since_1970(self.row.created) > now {
            self.row.created = now;
        }
        self.row.last_used = self.row.last_used.map(|used| if since_1970(used) > now { now } else { used });
        self.end_code();
        if self.is_asked() {
            self.seen = Some(now);
        }
    }

    /// To open a locked device is to unlock it; a disabled one keeps its fails. For authenticators.
    pub(crate) fn set_status(&mut self, status: Status, now: u64) {
        if self.row.status == Status::Locked && matches!(status, Status::Created | Status::Validated) {
            self.unlock(now);
        }
        self.row.status = status;
    }

    /// Another secret, from a device of which the `next` counter or step is the first that was not
    /// used, and the words of the row for it.
    pub(crate) fn replace(&mut self, words: &Row, secret: Vec<u8>, next: u64, now: u64) {
        let kept = if self.row.kind == Kind::Totp { self.expected().min(now / 30) } else { 0 };
        self.set_accepted(kept.max(next).checked_sub(1));
        self.row.auth_key.clone_from(&words.auth_key);
        (self.row.digits, self.row.algorithm, self.secret) = (words.digits, words.algorithm.clone(), secret);
    }
}
