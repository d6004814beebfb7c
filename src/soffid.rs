//! Layer 3: rows of Soffid's table `SCO_DEVICE`, read and written as Soffid's own add-on does.

use core::fmt;

use subtle::{Choice, ConstantTimeEq};

use crate::secret::SECRET_MAX_SIZE;
use crate::{Algorithm, Device, Digits, Error, Factor, History, Hotp, Kind, Pin, Secret, Status, Totp, Validity};

/// Room for any secret in Base32 as Soffid writes it, with its padding: see [`SoffidRow::export`].
pub const SOFFID_AUTH_KEY_SIZE: usize = SECRET_MAX_SIZE.div_ceil(5) * 8;

/// A row of Soffid's table `SCO_DEVICE`, as far as it concerns the engine. None stands for NULL,
/// and times are Unix seconds. Key and PIN are secrets of the caller's, who wipes them; `Debug`
/// does not show them.
///
/// ```
/// use keyfob::{Kind, SoffidRow, Status};
///
/// let row = SoffidRow {
///     kind: Kind::Totp,
///     status: Status::Validated,
///     fails: 2,
///     created: 1_634_193_883,
///     last_used: None,
///     last_issued: None,
///     last_counter: None,
///     auth_key: "GEZDGNBVGY3TQOJQGEZDGNBVGY======",
///     pin: "",
///     digits: None,
///     algorithm: Some("HmacSHA1"),
///     max_fails: 10,
/// };
/// let device = row.import(&[])?;
/// assert_eq!((device.status(), device.fails()), (Status::Validated, 2));
/// # Ok::<(), keyfob::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct SoffidRow<'r> {
    /// `OTP_TYPE`, by [its name](Kind::name).
    pub kind: Kind,
    /// `OTP_STATUS`, by [its letter](Status::letter).
    pub status: Status,
    /// `OTP_FAILS`. Those of an open row count as less than `max_fails`, since Soffid opens
    /// devices without resetting them. What is negative as a signed number of 32 bits counts as 0.
    pub fails: u32,
    /// `OTP_CREATED`. A time before 1970, which is negative as a signed number of 64 bits, counts
    /// as 1970.
    pub created: u64,
    /// `OTP_LASUSE`: when it last gave a right answer. A time before 1970 counts as 1970.
    pub last_used: Option<u64>,
    /// `OTP_LASISS`: when the add-on sent a message. Not read: the add-on's code is not taken over.
    /// The add-on sends no other message for a minute after this time, so [`update`](Self::update)
    /// writes NULL while a code of the engine is pending.
    pub last_issued: Option<u64>,
    /// `OTP_LASCOU`: the highest step or counter accepted. A PIN has none. A negative number counts
    /// as none: the add-on tries counters from -4 on, which no authenticator has, and stores one
    /// that happens to match.
    pub last_counter: Option<i64>,
    /// `OTP_AUTKEY` of TOTP and HOTP: the secret in Base32. Not read for the other kinds, which
    /// have a hash there that the engine does not need.
    pub auth_key: &'r str,
    /// `OTP_PIN` of a PIN: its digits, decoded from the `Password` that Soffid stores.
    pub pin: &'r str,
    /// `OTP_DIGITS`; none stands for 6.
    pub digits: Option<u32>,
    /// `OTP_ALGORI`: `HmacSHA1`, `HmacSHA256` or `HmacSHA512`; none stands for `HmacSHA1`.
    pub algorithm: Option<&'r str>,
    /// No column: the fail on which the policy locks ([`Lock::locking_fail`](crate::Lock)), or
    /// `u32::MAX` if it never does. An open row with that many fails is locked when it is updated,
    /// whatever the policy says, so that no row has more guesses than this.
    pub max_fails: u32,
}

impl<'r> SoffidRow<'r> {
    /// The device of a row. SMS and e-mail rows hold no secret: `drawn` is a secret that was drawn
    /// for this device alone. For the other kinds it is ignored. The device has no learned drift
    /// and no pending challenge.
    ///
    /// Errors: [`Error::SecretLength`], [`Error::SecretBase32`], [`Error::Algorithm`],
    /// [`Error::Digits`], [`Error::PinLength`], [`Error::PinDigits`], [`Error::WrongKind`] for
    /// recovery codes, which Soffid does not know.
    pub fn import(&self, drawn: &[u8]) -> Result<Device, Error> {
        let factor = match self.kind {
            Kind::Totp => Factor::Totp(Totp::from_hotp(self.generator(Secret::from_base32(self.auth_key)?)?)),
            Kind::Hotp => Factor::Hotp(self.generator(Secret::from_base32(self.auth_key)?)?),
            Kind::Sms => Factor::Sms(self.generator(Secret::new(drawn)?)?),
            Kind::Email => Factor::Email(self.generator(Secret::new(drawn)?)?),
            Kind::Pin => Factor::Pin(Pin::new(self.pin.as_bytes())?),
            Kind::Recovery => return Err(Error::WrongKind),
        };
        let history = History {
            status: self.status,
            fails: self.counted_fails(),
            last_counter: self.accepted_counter(),
            created: since_1970(self.created),
            last_used: self.last_used.map(since_1970),
        };
        Device::restore(factor, history)
    }

    /// The row of a new device, with its secret written into `key`. A row has no place for a lock
    /// that disabling keeps, a throttle, the positions asked of a PIN, a learned drift, whether an
    /// administrator validated a locked device, and the secret and the pending code of SMS and
    /// e-mail: these are lost. `max_fails` is 0: set it before the row is imported again. For an
    /// existing row, use [`update`](Self::update), which writes only the changes.
    ///
    /// Errors: [`Error::SoffidParameters`], [`Error::WrongKind`] for recovery codes.
    pub fn export(device: &'r Device, key: &'r mut [u8; SOFFID_AUTH_KEY_SIZE]) -> Result<Self, Error> {
        check_parameters(device)?;
        let history = device.history();
        let mut row = Self {
            kind: device.kind(),
            status: history.status,
            fails: history.fails,
            created: history.created,
            last_used: history.last_used,
            last_issued: None,
            last_counter: if device.kind() == Kind::Pin { None } else { column(history.last_counter)? },
            auth_key: "",
            pin: "",
            digits: None,
            algorithm: None,
            max_fails: 0,
        };
        row.set_factor(device, key)?;
        Ok(row)
    }

    /// Brings the row of an imported device up to date after attempts: status, fails,
    /// `last_counter` and `last_used`. Sets `last_issued` to none while a code is pending, and
    /// lowers `created` after an [unlock](Device::unlock) by a clock that is behind it. If the row
    /// [has another factor](Self::has_factor_of) than the device, as after
    /// [`replace_factor`](Device::replace_factor), the device's is written, its secret into `key`.
    /// Everything else stays as Soffid wrote it.
    ///
    /// A row has no revision. Write it in one statement, on the condition that all columns read
    /// still have the values that were read, except the time of issue.
    ///
    /// Errors: [`Error::SoffidParameters`]; [`Error::WrongKind`] if the row is of another kind.
    pub fn update(&mut self, device: &'r Device, key: &'r mut [u8; SOFFID_AUTH_KEY_SIZE]) -> Result<(), Error> {
        check_parameters(device)?;
        if self.kind != device.kind() {
            return Err(Error::WrongKind);
        }
        let (history, before) = (device.history(), self.counted_fails());
        let counter = column(history.last_counter)?;
        if before != history.fails {
            self.fails = history.fails;
        }
        self.status = history.status;
        // A PIN has no counter here: the column of its row belongs to Soffid.
        if self.kind != Kind::Pin && self.accepted_counter() != history.last_counter {
            self.last_counter = counter;
        }
        if self.last_used.map(since_1970) != history.last_used {
            self.last_used = history.last_used;
        }
        if history.created < since_1970(self.created) {
            self.created = history.created;
        }
        if matches!(self.kind, Kind::Sms | Kind::Email) && device.pending_since().is_some() {
            self.last_issued = None;
        }
        if self.is_open() && history.fails >= self.max_fails && history.fails > before {
            // An import counts an open row with so many fails as one fail away from the lock, so it
            // would never lock.
            self.status = Status::Locked;
        }
        if !self.has_factor_of(device) {
            self.set_factor(device, key)?;
        }
        Ok(())
    }

    /// Whether the row has the device's factor: secret, digits and algorithm, or the PIN. SMS and
    /// e-mail rows hold no secret.
    pub fn has_factor_of(&self, device: &Device) -> bool {
        let has = |secret: Result<Secret, Error>, hotp: &Hotp| {
            secret.and_then(|secret| self.generator(secret)).is_ok_and(|generator| generator == *hotp)
        };
        self.kind == device.kind()
            && match device.factor() {
                Factor::Recovery(_) => false,
                Factor::Pin(pin) => Pin::new(self.pin.as_bytes()).is_ok_and(|own| own == *pin),
                Factor::Sms(hotp) | Factor::Email(hotp) => has(Ok(hotp.secret().clone()), hotp),
                Factor::Totp(_) | Factor::Hotp(_) => {
                    device.generator().is_some_and(|hotp| has(Secret::from_base32(self.auth_key), hotp))
                }
            }
    }

    fn set_factor(&mut self, device: &'r Device, key: &'r mut [u8; SOFFID_AUTH_KEY_SIZE]) -> Result<(), Error> {
        self.digits = device.digits().map(|digits| digits.get().into());
        self.algorithm = device.algorithm().map(Algorithm::hmac_name);
        match device.factor() {
            Factor::Pin(pin) => self.pin = str::from_utf8(pin.expose()).map_err(|_| Error::PinDigits)?,
            Factor::Sms(_) | Factor::Email(_) => {}
            Factor::Recovery(_) => return Err(Error::WrongKind),
            Factor::Totp(_) | Factor::Hotp(_) => {
                let secret = device.generator().map(Hotp::secret).ok_or(Error::WrongKind)?;
                let length = secret.write_base32(key)?.len();
                // Padded, as Soffid's own encoder writes it.
                let padded = key.get_mut(..length.next_multiple_of(8)).ok_or(Error::BufferTooSmall)?;
                padded.iter_mut().skip(length).for_each(|char| *char = b'=');
                self.auth_key = str::from_utf8(padded).map_err(|_| Error::SecretBase32)?;
            }
        }
        Ok(())
    }

    /// The fails as keyfob counts them. Soffid locks one fail later and keeps the fails when it
    /// unlocks, so an open row may have more than the limit. The status decides: such a device is
    /// open, and one fail away from the lock.
    pub fn counted_fails(&self) -> u32 {
        let fails = if self.fails.cast_signed() < 0 { 0 } else { self.fails };
        if self.is_open() { fails.min(self.max_fails.saturating_sub(1)) } else { fails }
    }

    /// The accepted counter of `OTP_LASCOU`.
    fn accepted_counter(&self) -> Option<u64> {
        self.last_counter.and_then(|counter| counter.try_into().ok())
    }

    const fn is_open(&self) -> bool {
        matches!(self.status, Status::Created | Status::Validated)
    }

    fn generator(&self, secret: Secret) -> Result<Hotp, Error> {
        let algorithm = match self.algorithm {
            None => Algorithm::Sha1,
            Some(name) => {
                let named = |algorithm: &Algorithm| algorithm.hmac_name().eq_ignore_ascii_case(name);
                Algorithm::ALL.into_iter().find(named).ok_or(Error::Algorithm)?
            }
        };
        let digits = u8::try_from(self.digits.unwrap_or(6)).map_err(|_| Error::Digits)?;
        Ok(Hotp::new(secret).with_algorithm(algorithm).with_digits(Digits::new(digits)?))
    }
}

/// Key and PIN are compared in constant time for a given length.
impl PartialEq for SoffidRow<'_> {
    fn eq(&self, other: &Self) -> bool {
        let columns = |row: &Self| {
            let times = (row.created, row.last_used, row.last_issued);
            // By name, so that a new column is not forgotten here.
            let Self { kind, status, fails, last_counter, digits, max_fails, .. } = *row;
            (kind, status, fails, last_counter, digits, max_fails, times)
        };
        let secrets = self.auth_key.as_bytes().ct_eq(other.auth_key.as_bytes()) & self.pin.as_bytes().ct_eq(other.pin.as_bytes());
        let others = columns(self) == columns(other) && self.algorithm == other.algorithm;
        bool::from(secrets & Choice::from(u8::from(others)))
    }
}

impl Eq for SoffidRow<'_> {}

impl fmt::Debug for SoffidRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoffidRow").field("kind", &self.kind).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A time in Unix seconds. A negative time of the host arrives as a huge number.
const fn since_1970(time: u64) -> u64 {
    if time.cast_signed() < 0 { 0 } else { time }
}

/// A counter for `OTP_LASCOU`, which is signed.
fn column(counter: Option<u64>) -> Result<Option<i64>, Error> {
    counter.map(i64::try_from).transpose().map_err(|_| Error::SoffidParameters)
}

/// Soffid counts steps of 30 seconds from 0 and knows no validity. A short secret could be written
/// to a row, but no import would read it again.
fn check_parameters(device: &Device) -> Result<(), Error> {
    let is_short = device.generator().is_some_and(|hotp| hotp.secret().is_short());
    match device.factor() {
        Factor::Recovery(_) => Err(Error::WrongKind),
        _ if is_short || device.validity() != Validity::ALWAYS => Err(Error::SoffidParameters),
        Factor::Totp(totp) if (totp.period(), totp.t0()) != (30, 0) => Err(Error::SoffidParameters),
        _ => Ok(()),
    }
}
