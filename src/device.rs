//! Layer 3: the device: its factor and its history.

use crate::{Algorithm, Digits, Error, Hotp, Kind, Pin, Policy, Positions, RecoveryCodes, Secret, Status, Totp, Validity};

/// What a device verifies with: its kind, parameters and secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Factor {
    /// A time-based authenticator.
    Totp(Totp),
    /// A counter-based authenticator.
    Hotp(Hotp),
    /// Codes sent to a telephone, made as HOTP of the number of the issue.
    Sms(Hotp),
    /// Codes sent by e-mail, made as HOTP of the number of the issue.
    Email(Hotp),
    /// A security PIN.
    Pin(Pin),
    /// Recovery codes.
    Recovery(RecoveryCodes),
}

impl Factor {
    /// The kind of device that it is for.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Totp(_) => Kind::Totp,
            Self::Hotp(_) => Kind::Hotp,
            Self::Sms(_) => Kind::Sms,
            Self::Email(_) => Kind::Email,
            Self::Pin(_) => Kind::Pin,
            Self::Recovery(_) => Kind::Recovery,
        }
    }

    /// The secret, algorithm and digits that make its codes; none for a PIN and for recovery codes.
    pub const fn generator(&self) -> Option<&Hotp> {
        match self {
            Self::Totp(totp) => Some(totp.hotp()),
            Self::Hotp(hotp) | Self::Sms(hotp) | Self::Email(hotp) => Some(hotp),
            Self::Pin(_) | Self::Recovery(_) => None,
        }
    }

    /// The secret; none for a PIN.
    pub const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Totp(totp) => Some(totp.secret()),
            Self::Hotp(hotp) | Self::Sms(hotp) | Self::Email(hotp) => Some(hotp.secret()),
            Self::Recovery(codes) => Some(codes.secret()),
            Self::Pin(_) => None,
        }
    }
}

/// A second factor and its history: the content of a [`Record`](crate::Record).
///
/// [`verify`](Device::verify) and [`challenge`](Device::challenge) do not change a device. They
/// return an [`Attempt`](crate::Attempt) with the next device, and the attempt releases its verdict
/// or challenge once the next device is stored. All times are Unix seconds.
///
#[doc = include_str!("device.md")]
#[cfg_attr(feature = "seal", doc = include_str!("sealed.md"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub(crate) factor: Factor,
    pub(crate) created: u64,
    /// [`Validity::ALWAYS`] for other kinds than TOTP and HOTP.
    pub(crate) validity: Validity,
    pub(crate) state: State,
}

/// The history of a device in another system: see [`Device::restore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// The status.
    pub status: Status,
    /// Fails since the last right answer.
    pub fails: u32,
    /// TOTP: the highest accepted step. HOTP: the highest accepted counter. SMS, e-mail: the
    /// number of the last code that was issued. PIN, recovery codes: ignored.
    pub last_counter: Option<u64>,
    /// When it was enrolled, in Unix seconds.
    pub created: u64,
    /// When it last gave a right answer, in Unix seconds.
    pub last_used: Option<u64>,
}

/// The fields that attempts change. They are plain numbers, so that the next state is selected
/// without a branch. Flags are 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// A letter of [`Status`].
    pub(crate) status: u8,
    pub(crate) fails: u32,
    /// TOTP: the lowest step still to be accepted. HOTP: the expected counter. SMS, e-mail: the
    /// number of the present issue, or of the next if none is pending. PIN, recovery codes: 0.
    pub(crate) moving: u64,
    /// TOTP: the learned drift in steps.
    pub(crate) drift: i32,
    /// Whether there was a right answer, and when the last was.
    pub(crate) used: u8,
    pub(crate) used_at: u64,
    /// SMS, e-mail, PIN: whether a challenge waits for its answer, and since when.
    pub(crate) pending: u8,
    pub(crate) issued_at: u64,
    /// PIN: the positions asked. Recovery codes: those used up. A bit for each.
    pub(crate) mask: u64,
    /// The latest time at which the device changed.
    pub(crate) seen: u64,
    /// The time until which a throttle refuses everything; 0 for none.
    pub(crate) until: u64,
    /// Disabled: whether it was locked before, which enabling must not undo.
    pub(crate) held: u8,
    /// Locked, also if disabled since: whether it was validated before.
    pub(crate) validated: u8,
    /// How often the device changed.
    pub(crate) revision: u64,
}

impl Device {
    /// Enrols a time-based authenticator at time `now`.
    pub const fn totp(totp: Totp, now: u64) -> Self {
        Self::new(Factor::Totp(totp), now, 0)
    }

    /// Enrols a counter-based authenticator whose next code is that of `counter`: 0 for a fresh
    /// one.
    pub const fn hotp(hotp: Hotp, counter: u64, now: u64) -> Self {
        Self::new(Factor::Hotp(hotp), now, counter)
    }

    /// Enrols a telephone. The secret is drawn for this device alone:
    /// [`Secret::random`](crate::Secret::random).
    pub const fn sms(hotp: Hotp, now: u64) -> Self {
        Self::new(Factor::Sms(hotp), now, 0)
    }

    /// Enrols an e-mail address. The secret is drawn for this device alone:
    /// [`Secret::random`](crate::Secret::random).
    pub const fn email(hotp: Hotp, now: u64) -> Self {
        Self::new(Factor::Email(hotp), now, 0)
    }

    /// Enrols a security PIN. Errors: [`Error::PinLength`] if it is shorter than the policy asks
    /// for.
    pub fn pin(pin: Pin, policy: &Policy, now: u64) -> Result<Self, Error> {
        if pin.count() < policy.pin_min_length() { Err(Error::PinLength) } else { Ok(Self::new(Factor::Pin(pin), now, 0)) }
    }

    /// Enrols recovery codes, for a user who may lose the other factors.
    pub const fn recovery(codes: RecoveryCodes, now: u64) -> Self {
        Self::new(Factor::Recovery(codes), now, 0)
    }

    pub(crate) const fn new(factor: Factor, now: u64, moving: u64) -> Self {
        let state = State { moving, seen: now, ..State::FRESH };
        Self { factor, created: now, validity: Validity::ALWAYS, state }
    }

    /// With a validity, such as that of a token file. Errors: [`Error::WrongKind`] for other kinds
    /// than TOTP and HOTP.
    pub fn with_validity(self, validity: Validity) -> Result<Self, Error> {
        match self.factor {
            Factor::Totp(_) | Factor::Hotp(_) => Ok(Self { validity, ..self }),
            _ => Err(Error::WrongKind),
        }
    }

    /// TOTP: with the drift in steps that another system knows, positive if the authenticator's
    /// clock is ahead. A policy that learns drift searches around it.
    ///
    /// Errors: [`Error::WrongKind`] for other kinds than TOTP, [`Error::MaxDrift`] beyond
    /// [`Policy::MAX_WINDOW`] steps.
    pub fn with_drift(mut self, drift: i32) -> Result<Self, Error> {
        if !matches!(self.factor, Factor::Totp(_)) {
            return Err(Error::WrongKind);
        }
        if drift.unsigned_abs() > u32::from(Policy::MAX_WINDOW) {
            return Err(Error::MaxDrift);
        }
        self.state.drift = drift;
        Ok(self)
    }

    /// Takes over a device from another system, such as from the columns of Soffid's `SCO_DEVICE`.
    /// A pending challenge is not taken over: the next challenge is a fresh one.
    ///
    /// Errors: [`Error::WrongKind`] for recovery codes, since a history does not say which are used
    /// up. [`Error::Exhausted`] if `last_counter` is [`u64::MAX`].
    pub fn restore(factor: Factor, history: History) -> Result<Self, Error> {
        let moving = match (history.last_counter, &factor) {
            (_, Factor::Recovery(_)) => return Err(Error::WrongKind),
            (None, _) | (_, Factor::Pin(_)) => 0,
            (Some(last), _) => last.checked_add(1).ok_or(Error::Exhausted)?,
        };
        let mut device = Self::new(factor, history.created, moving);
        device.state.status = history.status as u8;
        device.state.fails = history.fails;
        if let Some(last_used) = history.last_used {
            (device.state.used, device.state.used_at) = (1, last_used);
            device.state.seen = history.created.max(last_used);
        }
        Ok(device)
    }

    /// Kind, parameters and secret.
    pub const fn factor(&self) -> &Factor {
        &self.factor
    }

    /// The kind.
    pub const fn kind(&self) -> Kind {
        self.factor.kind()
    }

    /// The status.
    pub fn status(&self) -> Status {
        // The state holds only letters of a status. Anything else must not open the device.
        Status::from_number(self.state.status).unwrap_or(Status::Disabled)
    }

    /// The hash algorithm; none for a PIN and for recovery codes.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.generator().map(Hotp::algorithm)
    }

    /// The digits of a code; none for a PIN and for recovery codes.
    pub fn digits(&self) -> Option<Digits> {
        self.generator().map(Hotp::digits)
    }

    /// Fails since the last right answer or unlocking.
    pub const fn fails(&self) -> u32 {
        self.state.fails
    }

    /// TOTP: the lowest step still to be accepted. HOTP: the expected counter. SMS, e-mail: the
    /// number of the issue. PIN, recovery codes: 0.
    pub const fn moving_factor(&self) -> u64 {
        self.state.moving
    }

    /// The history for another system, and for [`restore`](Self::restore). A pending code counts as
    /// used, so that it is not issued again. A throttle, a lock from before disabling, positions,
    /// learned drift and which recovery codes are used up are lost.
    pub fn history(&self) -> History {
        let issued = self.state.pending == 1 && matches!(self.factor, Factor::Sms(_) | Factor::Email(_));
        History {
            status: self.status(),
            fails: self.state.fails,
            last_counter: if issued { Some(self.state.moving) } else { self.state.moving.checked_sub(1) },
            created: self.created,
            last_used: self.last_used(),
        }
    }

    /// TOTP: the learned drift in steps, positive if the authenticator's clock is ahead.
    pub const fn drift(&self) -> i32 {
        self.state.drift
    }

    /// The time in which the device is usable: [`Validity::ALWAYS`] for other kinds than TOTP and
    /// HOTP.
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// When the device was enrolled.
    pub const fn created(&self) -> u64 {
        self.created
    }

    /// Whether it was locked when it was disabled: then only an unlock lets it be enabled.
    pub const fn was_locked(&self) -> bool {
        self.state.held == 1
    }

    /// The latest time at which it changed: by an attempt, a challenge or an administrator.
    pub const fn last_changed(&self) -> u64 {
        self.state.seen
    }

    /// When it last gave a right answer.
    pub const fn last_used(&self) -> Option<u64> {
        if self.state.used == 1 { Some(self.state.used_at) } else { None }
    }

    /// When the pending challenge was issued (it may have expired); always none for TOTP, HOTP and
    /// recovery codes.
    pub const fn pending_since(&self) -> Option<u64> {
        if self.state.pending == 1 { Some(self.state.issued_at) } else { None }
    }

    /// PIN: the positions asked by the pending challenge.
    pub const fn positions(&self) -> Option<Positions> {
        match self.factor {
            Factor::Pin(_) if self.state.mask != 0 => Some(Positions::from_mask(self.state.mask)),
            _ => None,
        }
    }

    /// Recovery codes: how many are left, 0 to 64; none for other kinds.
    pub const fn recovery_codes_left(&self) -> Option<u8> {
        match &self.factor {
            Factor::Recovery(codes) => Some(recovery_codes_left(codes.count(), self.state.mask)),
            _ => None,
        }
    }

    /// The end of the last throttle, which may be over; none if there was none since the last right
    /// answer.
    pub const fn throttled_until(&self) -> Option<u64> {
        if self.state.until == 0 { None } else { Some(self.state.until) }
    }

    /// How often the device changed. A store compares and swaps on it.
    pub const fn revision(&self) -> u64 {
        self.state.revision
    }

    /// The secret, algorithm and digits that make its codes; none for a PIN and for recovery codes.
    pub const fn generator(&self) -> Option<&Hotp> {
        self.factor.generator()
    }

    /// [`Error::Clock`] if `now` lies before the latest time that the device has seen, by more than
    /// clocks may differ.
    pub(crate) fn check_clock(&self, policy: &Policy, now: u64) -> Result<(), Error> {
        if now.saturating_add(u64::from(policy.clock_skew())) < self.state.seen { Err(Error::Clock) } else { Ok(()) }
    }

    /// Whether it is locked, or has as many fails as lock it under this policy.
    pub(crate) fn is_locked(&self, policy: &Policy) -> bool {
        (self.state.status == Status::Locked as u8) | policy.lock().is_due(self.state.fails)
    }

    /// Whether a throttle refuses everything at `now`.
    pub(crate) const fn is_throttled(&self, now: u64) -> bool {
        now < self.state.until
    }

    /// Whether the pending code is older than the policy's lifetime, by this clock or by any that
    /// the device has seen: an expired code stays expired. Challenges of a PIN do not expire.
    pub(crate) fn is_expired(&self, policy: &Policy, now: u64) -> bool {
        let message = matches!(self.factor, Factor::Sms(_) | Factor::Email(_));
        message && self.age(now) >= u64::from(policy.code_lifetime())
    }

    /// How long ago the challenge was issued, by this clock or by the latest that the device has
    /// seen.
    pub(crate) fn age(&self, now: u64) -> u64 {
        now.max(self.state.seen).saturating_sub(self.state.issued_at)
    }
}

/// How many of `count` recovery codes are left behind those of a mask.
#[expect(clippy::cast_possible_truncation, reason = "at most 64")]
pub(crate) const fn recovery_codes_left(count: u8, used: u64) -> u8 {
    count.saturating_sub(used.count_ones() as u8)
}

impl State {
    /// Of a device just enrolled, long ago.
    pub(crate) const FRESH: Self = Self {
        status: Status::Created as u8,
        fails: 0,
        moving: 0,
        drift: 0,
        used: 0,
        used_at: 0,
        pending: 0,
        issued_at: 0,
        mask: 0,
        seen: 0,
        until: 0,
        held: 0,
        validated: 0,
        revision: 0,
    };

    /// Ends a pending code for good. Challenges of a PIN stay until they are answered. At the end
    /// of the range the number stays, and no code of it is issued or accepted.
    pub(crate) fn kill_code(&mut self, kind: Kind) {
        if matches!(kind, Kind::Sms | Kind::Email) && self.pending == 1 {
            self.moving = self.moving.saturating_add(1);
            (self.pending, self.issued_at) = (0, 0);
        }
    }
}
