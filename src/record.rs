//! Layer 3: a device as 168 plain bytes. The table of them stands in DESIGN.md.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::code::{Algorithm, Digits};
use crate::device::State;
use crate::secret::SECRET_MAX;
use crate::{Device, Error, Factor, Hotp, Kind, Pin, Positions, Secret, Status, Totp};

/// The size of a record in bytes.
pub const RECORD_SIZE: usize = 168;

const MAGIC: [u8; 2] = *b"kf";
const VERSION: u8 = 1;
const USED: u8 = 1;
const PENDING: u8 = 2;
const HELD: u8 = 4;
/// No device learns a larger drift than this many steps.
const DRIFT_MAX: i32 = 1_000;

/// A device as bytes: what hosts store. Wiped on drop; `Debug` shows nothing of it.
///
/// The bytes hold the secret in the clear: seal them for storage that others can read. Every byte is defined, so that equal
/// devices have equal records, and a check at the end tells damaged ones. It is no protection from forgery: sealing is.
#[derive(Clone)]
pub struct Record([u8; RECORD_SIZE]);

impl Record {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; RECORD_SIZE] {
        &self.0
    }

    #[cfg(feature = "seal")]
    pub(crate) const fn as_mut_bytes(&mut self) -> &mut [u8] {
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
        self.0.as_mut_slice().zeroize();
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
        let State { status, fails, moving, drift, used, used_at, pending, issued_at, positions, seen, until, held, revision } =
            self.state;
        let (secret, len) = match &self.factor {
            Factor::Pin(pin) => (pin.padded(), pin.expose().len()),
            Factor::Totp(totp) => (totp.secret().padded(), totp.secret().expose().len()),
            Factor::Hotp(hotp) | Factor::Sms(hotp) | Factor::Email(hotp) => (hotp.secret().padded(), hotp.secret().expose().len()),
        };
        let (period, t0) = match &self.factor {
            Factor::Totp(totp) => (totp.period(), totp.t0()),
            _ => (0, 0),
        };
        let mut record = Record([0; RECORD_SIZE]);
        let mut to = Writer(&mut record.0);
        to.put(MAGIC);
        to.put([
            VERSION,
            self.kind() as u8,
            status,
            self.algorithm().map_or(0, |algorithm| algorithm as u8),
            self.digits().map_or(0, Digits::get),
            u8::try_from(len).unwrap_or_default(),
        ]);
        to.put(period.to_le_bytes());
        to.put(fails.to_le_bytes());
        to.put(drift.to_le_bytes());
        to.put([used | pending << 1 | held << 2, 0, 0, 0]);
        for number in [t0, moving, positions, issued_at, self.created, used_at, seen, until, revision] {
            to.put(number.to_le_bytes());
        }
        to.put(*secret);
        let check = check(&record.0);
        if let Some(end) = record.0.last_chunk_mut() {
            *end = check.to_le_bytes();
        }
        record
    }

    /// Reads a record of [`RECORD_SIZE`] bytes.
    ///
    /// Errors: [`Error::RecordLength`], [`Error::RecordForeign`], [`Error::RecordNewer`], [`Error::RecordDamaged`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let [magic @ .., version] = bytes.first_chunk::<3>().ok_or(Error::RecordLength)?;
        if *magic != MAGIC || *version == 0 {
            return Err(Error::RecordForeign);
        }
        if *version > VERSION {
            return Err(Error::RecordNewer);
        }
        let bytes: &[u8; RECORD_SIZE] = bytes.try_into().map_err(|_| Error::RecordLength)?;
        if bytes.last_chunk() != Some(&check(bytes).to_le_bytes()) {
            return Err(Error::RecordDamaged);
        }
        Self::read(Reader(bytes)).ok_or(Error::RecordDamaged)
    }

    /// Reads the fields; none if they are not what [`to_record`](Self::to_record) writes of any device.
    fn read(mut from: Reader<'_>) -> Option<Self> {
        let [_, _, _, kind, status, algorithm, digits, len] = from.take()?;
        let kind = Kind::from_number(kind)?;
        let status = Status::from_number(status)? as u8;
        let period = u32::from_le_bytes(from.take()?);
        let fails = u32::from_le_bytes(from.take()?);
        let drift = i32::from_le_bytes(from.take()?);
        let [flags, 0, 0, 0] = from.take()? else { return None };
        let [t0, moving, positions, issued_at, created, used_at, seen, until, revision] = from.numbers()?;
        let (secret, padding) = from.0.get(..SECRET_MAX)?.split_at_checked(usize::from(len))?;

        let (used, pending, held) = (flags & USED, (flags & PENDING) >> 1, (flags & HELD) >> 2);
        let factor = if kind == Kind::Pin {
            Factor::Pin(Pin::new(secret).ok()?)
        } else {
            let hotp = Hotp::new(Secret::new(secret).ok()?)
                .with_algorithm(Algorithm::from_number(algorithm)?)
                .with_digits(Digits::new(digits).ok()?);
            match kind {
                Kind::Totp => Factor::Totp(Totp::of(hotp).with_period(period).ok()?.with_t0(t0)),
                Kind::Hotp => Factor::Hotp(hotp),
                Kind::Sms => Factor::Sms(hotp),
                _ => Factor::Email(hotp),
            }
        };
        let is_totp = kind == Kind::Totp;
        let asked = match (&factor, pending) {
            (Factor::Pin(pin), 1) => {
                Positions::from_mask(positions).count() >= 2 && positions & !Positions::all(pin.count()).mask() == 0
            }
            _ => positions == 0,
        };
        let canonical = flags & !(USED | PENDING | HELD) == 0
            && padding.iter().all(|&byte| byte == 0)
            && (is_totp || (period, t0, drift) == (0, 0, 0))
            && (-DRIFT_MAX..=DRIFT_MAX).contains(&drift)
            && (kind != Kind::Pin || (algorithm, digits, moving) == (0, 0, 0))
            && (used == 1 || used_at == 0)
            && (pending == 1 || issued_at == 0)
            && (pending == 0 || !matches!(kind, Kind::Totp | Kind::Hotp))
            && (held == 0 || status == Status::Disabled as u8)
            && asked;
        let state =
            State { status, fails, moving, drift, used, used_at, pending, issued_at, positions, seen, until, held, revision };
        canonical.then_some(Self { factor, created, state })
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

    fn numbers<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = u64::from_le_bytes(self.take()?);
        }
        Some(numbers)
    }
}

/// A check over all but the last eight bytes. Each step is a bijection of the sum, so that any change within one word is found for
/// sure and any other with a chance of 1 in 2^64; no table, which the secret's bytes would index.
fn check(record: &[u8; RECORD_SIZE]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = record.as_chunks().0;
    let sum = words
        .iter()
        .take(RECORD_SIZE / 8 - 1)
        .fold(ODD, |sum, word| (sum ^ u64::from_le_bytes(*word)).wrapping_mul(ODD).rotate_left(29));
    (sum ^ sum >> 32).wrapping_mul(ODD)
}
