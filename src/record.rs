//! Layer 3: a device as 168 plain bytes. docs/record-format.md has their table.

use core::fmt;

use zeroize::ZeroizeOnDrop;

use crate::code::{Algorithm, Digits};
use crate::device::State;
use crate::wipe::wipe;
use crate::{Device, Error, Factor, Hotp, Kind, Pin, Positions, RecoveryCodes, Secret, Status, Totp, Validity};

/// The size of a record in bytes.
pub const RECORD_SIZE: usize = 168;

const MAGIC: [u8; 2] = *b"kf";
/// The version of records that say nothing of what [`EXTENDED`] brought: older readers read them.
const PLAIN: u8 = 1;
/// The version of records with a validity or a short secret.
const EXTENDED: u8 = 2;
/// The version of records of recovery codes.
const RECOVERY: u8 = 3;
const USED: u32 = 1;
const PENDING: u32 = 2;
const WAS_LOCKED: u32 = 4;
const VALIDATED: u32 = 8;
/// No device learns a larger drift than this many steps.
const MAX_DRIFT_STEPS: i32 = 1_000;

/// A device as bytes: what hosts store. Wiped on drop; `Debug` shows nothing of it.
///
/// The bytes hold the secret in the clear: seal them for storage that others can read. Every byte
/// is defined, so that equal devices have equal records, and a check at the end tells damaged ones.
/// It is no protection from forgery: sealing is.
#[derive(Clone)]
pub struct Record([u8; RECORD_SIZE]);

impl Record {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; RECORD_SIZE] {
        &self.0
    }

    /// The record of `device` in `state`.
    pub(crate) fn of(device: &Device, state: &State) -> Self {
        let mut record = Self([0; RECORD_SIZE]);
        device.write_with(state, &mut record.0);
        record
    }

    /// A record's bytes, which may be encrypted.
    #[cfg(feature = "seal")]
    pub(crate) const fn from_bytes(bytes: [u8; RECORD_SIZE]) -> Self {
        Self(bytes)
    }

    #[cfg(feature = "seal")]
    pub(crate) const fn as_mut_bytes(&mut self) -> &mut [u8; RECORD_SIZE] {
        &mut self.0
    }
}

impl AsRef<[u8]> for Record {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl ZeroizeOnDrop for Record {}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({RECORD_SIZE} bytes)")
    }
}

impl Device {
    /// Writes the device as a record.
    pub fn to_record(&self) -> Record {
        Record::of(self, &self.state)
    }

    /// Writes the record of this device in `state`, which may be another than its own.
    pub(crate) fn write_with(&self, state: &State, record: &mut [u8; RECORD_SIZE]) {
        let State { status, fails, moving, drift, used, used_at, pending, issued_at, mask, seen, until, held, validated, revision } =
            *state;
        let secret = match &self.factor {
            Factor::Pin(pin) => pin.wiped(),
            Factor::Totp(totp) => totp.secret().wiped(),
            Factor::Hotp(hotp) | Factor::Sms(hotp) | Factor::Email(hotp) => hotp.secret().wiped(),
            Factor::Recovery(codes) => codes.secret().wiped(),
        };
        let (period, t0) = match &self.factor {
            Factor::Totp(totp) => (totp.period(), totp.t0()),
            _ => (0, 0),
        };
        let [k, f] = MAGIC;
        let (algorithm, digits) = match &self.factor {
            Factor::Recovery(codes) => (0, codes.count()),
            _ => (self.algorithm().map_or(0, |algorithm| algorithm as u8), self.digits().map_or(0, Digits::get)),
        };
        let version = version(self.kind(), secret.count(), self.validity);
        let head = u64::from_le_bytes([k, f, version, self.kind() as u8, status, algorithm, digits, secret.count()]);
        // TOTP and HOTP have no challenge; their validity stands in its words.
        let [third, fourth] = match &self.factor {
            Factor::Totp(_) | Factor::Hotp(_) => self.validity.to_words(),
            _ => [mask, issued_at],
        };
        let flags = used | pending << 1 | held << 2 | validated << 3;
        let mut to = Writer(record);
        // Word by word, since the check reads words: one that was written in parts would have to be
        // waited for.
        for word in [head, pair(period, fails), pair(drift.cast_unsigned(), flags.into())] {
            to.put(word.to_le_bytes());
        }
        for number in [t0, moving, third, fourth, self.created, used_at, seen, until, revision] {
            to.put(number.to_le_bytes());
        }
        to.put(*secret.padded());
        let check = check(record);
        if let Some(end) = record.last_chunk_mut() {
            *end = check.to_le_bytes();
        }
    }

    /// Reads a record of [`RECORD_SIZE`] bytes.
    ///
    /// Errors: [`Error::RecordLength`], [`Error::RecordForeign`], [`Error::RecordNewer`],
    /// [`Error::RecordDamaged`].
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let [magic @ .., version] = bytes.first_chunk::<3>().ok_or(Error::RecordLength)?;
        if *magic != MAGIC || *version == 0 {
            return Err(Error::RecordForeign);
        }
        if *version > RECOVERY {
            return Err(Error::RecordNewer);
        }
        let bytes: &[u8; RECORD_SIZE] = bytes.try_into().map_err(|_| Error::RecordLength)?;
        if bytes.last_chunk() != Some(&check(bytes).to_le_bytes()) {
            return Err(Error::RecordDamaged);
        }
        Self::read(bytes)
    }

    /// Reads the fields. They are damaged if they are not what [`to_record`](Self::to_record)
    /// writes of any device. The device is put together last and at once, in the result that
    /// [`from_bytes`](Self::from_bytes) returns, since moving it costs more than reading it.
    #[inline]
    fn read(record: &[u8; RECORD_SIZE]) -> Result<Self, Error> {
        const DAMAGED: Error = Error::RecordDamaged;
        let mut from = Reader(record);
        let [_, _, version, kind, status, algorithm, digits, len] = from.take().ok_or(DAMAGED)?;
        let mut number = || from.number().ok_or(DAMAGED);
        let [[period, fails], [drift, flags]] = [halves(number()?), halves(number()?)];
        let drift = drift.cast_signed();
        let [t0, moving, mask, issued_at] = [number()?, number()?, number()?, number()?];
        let [created, used_at, seen, until, revision] = [number()?, number()?, number()?, number()?, number()?];
        let secret = from.0.first_chunk().ok_or(DAMAGED)?;

        let (kind, status) = (Kind::from_number(kind).ok_or(DAMAGED)?, Status::from_number(status).ok_or(DAMAGED)? as u8);
        let [used, pending, held, validated] = [USED, PENDING, WAS_LOCKED, VALIDATED].map(|flag| u8::from(flags & flag != 0));
        let is_totp = kind == Kind::Totp;
        let (validity, mask, issued_at) = if matches!(kind, Kind::Totp | Kind::Hotp) {
            (Validity::from_words([mask, issued_at]).ok_or(DAMAGED)?, 0, 0)
        } else {
            (Validity::ALWAYS, mask, issued_at)
        };
        let bits = if kind == Kind::Pin { len } else { digits };
        let is_mask = match kind {
            Kind::Pin if pending == 1 => Positions::from_mask(mask).count() >= 2,
            Kind::Recovery => true,
            _ => mask == 0,
        } && mask & !Positions::all(bits).mask() == 0;
        let canonical = flags & !(USED | PENDING | WAS_LOCKED | VALIDATED) == 0
            && if is_totp { period > 0 } else { (period, t0, drift) == (0, 0, 0) }
            && (-MAX_DRIFT_STEPS..=MAX_DRIFT_STEPS).contains(&drift)
            && (kind != Kind::Pin || digits == 0)
            && (!matches!(kind, Kind::Pin | Kind::Recovery) || (algorithm, moving) == (0, 0))
            && (used == 1 || used_at == 0)
            && (pending == 1 || issued_at == 0)
            && (pending == 0 || !matches!(kind, Kind::Totp | Kind::Hotp | Kind::Recovery))
            && (held == 0 || status == Status::Disabled as u8)
            && (validated == 0 || held == 1 || status == Status::Locked as u8)
            && version == self::version(kind, len, validity)
            && is_mask;
        if !canonical {
            return Err(DAMAGED);
        }
        let factor = if kind == Kind::Pin {
            Factor::Pin(Pin::from_padded(secret, len).ok_or(DAMAGED)?)
        } else if !Secret::is_padded(secret, len) {
            return Err(DAMAGED);
        } else if kind == Kind::Recovery {
            if len < Secret::MIN_COUNT || !RecoveryCodes::is_count(digits) {
                return Err(DAMAGED);
            }
            Factor::Recovery(RecoveryCodes::from_parts(Secret::from_padded(secret, len), digits))
        } else {
            let (algorithm, digits) =
                (Algorithm::from_number(algorithm).ok_or(DAMAGED)?, Digits::new(digits).map_err(|_| DAMAGED)?);
            let hotp = || Hotp::from_parts(Secret::from_padded(secret, len), algorithm, digits);
            match kind {
                Kind::Totp => Factor::Totp(Totp::from_parts(hotp(), period, t0)),
                Kind::Hotp => Factor::Hotp(hotp()),
                Kind::Sms => Factor::Sms(hotp()),
                _ => Factor::Email(hotp()),
            }
        };
        let state =
            State { status, fails, moving, drift, used, used_at, pending, issued_at, mask, seen, until, held, validated, revision };
        Ok(Self { factor, created, validity, state })
    }
}

/// The lowest version that says all of a device.
fn version(kind: Kind, len: u8, validity: Validity) -> u8 {
    let is_short = len < Secret::MIN_COUNT && kind != Kind::Pin;
    match kind {
        Kind::Recovery => RECOVERY,
        _ if is_short || validity != Validity::ALWAYS => EXTENDED,
        _ => PLAIN,
    }
}

/// Fills a record from its front.
pub(crate) struct Writer<'b>(pub(crate) &'b mut [u8]);

impl Writer<'_> {
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some((front, rest)) = core::mem::take(&mut self.0).split_first_chunk_mut() {
            *front = bytes;
            self.0 = rest;
        }
    }
}

/// Empties a record from its front.
pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl Reader<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*front)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

/// A word of two numbers of 32 bits, the lower one first.
fn pair(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The numbers of a [`pair`].
fn halves(word: u64) -> [u32; 2] {
    [(word & 0xffff_ffff) as u32, (word >> 32) as u32]
}

/// A check over all but the last eight bytes. Each step is a bijection of the sum and of the word,
/// so that any change within one word is found for sure and any other with a chance of 1 in 2^64;
/// no table, which the secret's bytes would index. Four sums, which do not wait for each other.
fn check(record: &[u8; RECORD_SIZE]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(ODD).rotate_left(29);
    let mut sums = [ODD; 4];
    for row in record.as_chunks::<8>().0.as_chunks::<4>().0 {
        for (sum, word) in sums.iter_mut().zip(row) {
            *sum = step(*sum, u64::from_le_bytes(*word));
        }
    }
    let sum = sums.into_iter().fold(ODD, step);
    (sum ^ sum >> 32).wrapping_mul(ODD)
}
