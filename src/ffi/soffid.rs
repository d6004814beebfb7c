//! The columns of Soffid's table `SCO_DEVICE`.

use core::ffi::c_char;

use zeroize::Zeroizing;

use super::device::{device, out};
use super::memory::{OutSized, Sized, bytes, read_sized};
use super::{KEYFOB_BASE32_SIZE, guard, keyfob_record, keyfob_result};
use crate::{Algorithm, Device, Digits, Error, Factor, History, Hotp, Kind, Pin, Secret, Status, Totp};

/// A row of Soffid's table SCO_DEVICE, as far as it concerns the engine. Texts end with a NUL; an empty one stands for NULL. Times are Unix
/// seconds. The caller wipes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct keyfob_soffid_row {
    /// sizeof(keyfob_soffid_row).
    pub size: u32,
    /// OTP_FAILS. In reading, those of a row with status C or V count as less than lock_fails, since Soffid opens devices without resetting
    /// them.
    pub fails: u32,
    /// OTP_STATUS: a keyfob_status.
    pub status: u32,
    /// OTP_DIGITS; 0 for NULL, which stands for 6.
    pub digits: u32,
    /// 1 if OTP_LASCOU is not NULL; in reading, anything but 0 says so.
    pub has_last_counter: u32,
    /// 1 if OTP_LASUSE is not NULL; in reading, anything but 0 says so.
    pub has_last_used: u32,
    /// 1 if OTP_LASISS is not NULL. Ignored in importing: a code sent before is not taken over.
    pub has_last_issued: u32,
    /// No column: the fail on which the policy locks, keyfob_policy.lock_fails; 0 for 10. An open row with that many fails is locked when it
    /// is written, whatever the policy says, so that no row has more guesses than this.
    pub lock_fails: u32,
    /// OTP_LASCOU: the highest step or counter accepted.
    pub last_counter: u64,
    /// OTP_CREATED.
    pub created: u64,
    /// OTP_LASUSE.
    pub last_used: u64,
    /// OTP_LASISS: when the pending code was issued.
    pub last_issued: u64,
    /// OTP_TYPE: TOTP, HOTP, SMS, EMAIL or PIN.
    pub kind: [c_char; 8],
    /// OTP_ALGORI: HmacSHA1, HmacSHA256 or HmacSHA512; empty stands for HmacSHA1.
    pub algorithm: [c_char; 16],
    /// OTP_AUTKEY of TOTP and HOTP: the secret in Base32. Empty otherwise, and ignored in reading: the engine needs no such hash.
    pub auth_key: [c_char; 112],
    /// OTP_PIN of a PIN: its digits. Soffid encodes the column as a Password; the host decodes and encodes that.
    pub pin: [c_char; 72],
}

// SAFETY: eight numbers of 32 bits, of which the first is the size, four aligned ones of 64, and 208 bytes.
unsafe impl Sized for keyfob_soffid_row {
    const FIRST: usize = 272;
}

/// A row whose columns are all NULL.
const EMPTY: keyfob_soffid_row = keyfob_soffid_row {
    size: size_of::<keyfob_soffid_row>() as u32,
    fails: 0,
    status: 0,
    digits: 0,
    has_last_counter: 0,
    has_last_used: 0,
    has_last_issued: 0,
    lock_fails: 0,
    last_counter: 0,
    created: 0,
    last_used: 0,
    last_issued: 0,
    kind: [0; 8],
    algorithm: [0; 16],
    auth_key: [0; 112],
    pin: [0; 72],
};

impl core::fmt::Debug for keyfob_soffid_row {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("keyfob_soffid_row")
    }
}

impl zeroize::Zeroize for keyfob_soffid_row {
    fn zeroize(&mut self) {
        self.auth_key.as_mut_slice().zeroize();
        self.pin.as_mut_slice().zeroize();
    }
}

/// Makes the record of a row. SMS and EMAIL rows hold no secret: give one drawn for this device alone in `secret`, which is ignored for the
/// other kinds. A row of HOTP whose digits and algorithm are NULL takes Soffid's configuration: fill it in before. A row has no
/// learned drift and no pending challenge. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, SECRET_LENGTH, SECRET_BASE32, ALGORITHM, DIGITS, STATUS, KIND, PIN_LENGTH, PIN_DIGITS,
/// EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_soffid_import(
    row: *const keyfob_soffid_row,
    secret: *const u8,
    secret_length: usize,
    record: *mut keyfob_record,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let out = out(record)?;
            let mut read = Zeroizing::new(EMPTY);
            read_sized(row, &mut *read)?;
            out.write(import(&read, bytes(secret, secret_length)?)?.to_record().as_bytes());
        }
        Ok(())
    })
}

/// Writes the row of a new device: all columns. What a row cannot say is lost: a lock that disabling keeps, a throttle, the positions asked of
/// a PIN, learned drift, and of SMS and e-mail the secret and the pending code. Set row->size before. For a row that was there before,
/// keyfob_soffid_update writes no more than what has changed. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, SOFFID_PARAMETERS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_soffid_export(record: *const keyfob_record, row: *mut keyfob_soffid_row) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let (out, device) = (OutSized::new(row)?, device(record)?);
            let mut made = Zeroizing::new(EMPTY);
            export(&mut made, &device)?;
            out.write(&*made);
        }
        Ok(())
    })
}

/// Writes to the row that `record` was imported from what attempts have changed: status, fails, last_counter, last_used and, while a challenge is
/// pending, last_issued. Every other column keeps its bytes. The row must be of the same kind.
///
/// A row has no revision. Write it to the table only where OTP_STATUS, OTP_FAILS, OTP_LASCOU and OTP_LASUSE are still those that were read, in one
/// statement (an optimistic lock), or hold the row locked from reading to writing; else two answers at once count as one. What a row cannot
/// say is lost at the next import: a lock that disabling keeps, a throttle, a PIN's positions, learned drift, a pending challenge. Hosts that
/// want those, and all that use SMS, e-mail or PIN, keep the record beside the row. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, KIND, WRONG_KIND, SOFFID_PARAMETERS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_soffid_update(record: *const keyfob_record, row: *mut keyfob_soffid_row) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let (out, device) = (OutSized::new(row)?, device(record)?);
            let mut changed = Zeroizing::new(EMPTY);
            read_sized(row, &mut *changed)?;
            let before = fails(&changed);
            update(&mut changed, &device)?;
            if is_open(&changed) && device.fails() >= limit(&changed) && device.fails() > before {
                // No later fail would be counted: the next import takes this row for one that is a fail away from the lock.
                changed.status = Status::Locked as u32;
            }
            out.write(&*changed);
        }
        Ok(())
    })
}

/// The fail on which the host's policy locks.
const fn limit(row: &keyfob_soffid_row) -> u32 {
    if row.lock_fails == 0 { 10 } else { row.lock_fails }
}

fn is_open(row: &keyfob_soffid_row) -> bool {
    [Status::Created, Status::Validated].iter().any(|&open| row.status == open as u32)
}

/// The fails of a row as keyfob counts them. Soffid locks one fail later and keeps the fails when it unlocks, so that an open row may have
/// more than the limit. The status has the last word: such a device is open, and one fail away from the lock.
fn fails(row: &keyfob_soffid_row) -> u32 {
    if is_open(row) { row.fails.min(limit(row).saturating_sub(1)) } else { row.fails }
}

fn import(row: &keyfob_soffid_row, secret: &[u8]) -> Result<Device, Error> {
    let kind: Kind = text(&row.kind).parse()?;
    let history = History {
        status: u8::try_from(row.status).ok().and_then(Status::from_number).ok_or(Error::Status)?,
        fails: fails(row),
        last_counter: (row.has_last_counter != 0).then_some(row.last_counter),
        created: row.created,
        last_used: (row.has_last_used != 0).then_some(row.last_used),
    };
    let hotp = |secret| {
        let algorithm = match text(&row.algorithm) {
            "" => Algorithm::Sha1,
            name => name.strip_prefix("Hmac").ok_or(Error::Algorithm)?.parse()?,
        };
        let digits = u8::try_from(if row.digits == 0 { 6 } else { row.digits }).map_err(|_| Error::Digits)?;
        Ok::<_, Error>(Hotp::new(secret).with_algorithm(algorithm).with_digits(Digits::new(digits)?))
    };
    let factor = match kind {
        Kind::Totp => Factor::Totp(Totp::of(hotp(Secret::from_base32(text(&row.auth_key))?)?)),
        Kind::Hotp => Factor::Hotp(hotp(Secret::from_base32(text(&row.auth_key))?)?),
        Kind::Sms => Factor::Sms(hotp(Secret::new(secret)?)?),
        Kind::Email => Factor::Email(hotp(Secret::new(secret)?)?),
        Kind::Pin => Factor::Pin(Pin::new(text(&row.pin).as_bytes())?),
    };
    Device::restore(factor, history)
}

/// Fills an empty row. In place, since it may hold a secret.
fn export(row: &mut keyfob_soffid_row, device: &Device) -> Result<(), keyfob_result> {
    write(&mut row.kind, device.kind().name());
    update(row, device)?;
    row.created = device.created();
    row.digits = device.digits().map_or(0, |digits| digits.get().into());
    if let Some(algorithm) = device.algorithm() {
        write(&mut row.algorithm, algorithm.hmac_name());
    }
    match device.factor() {
        Factor::Pin(pin) => write(&mut row.pin, str::from_utf8(pin.expose()).map_err(|_| Error::PinDigits)?),
        Factor::Sms(_) | Factor::Email(_) => {}
        Factor::Totp(_) | Factor::Hotp(_) => {
            let secret = device.generator().map(Hotp::secret).ok_or(Error::WrongKind)?;
            let mut buffer = Zeroizing::new([0; KEYFOB_BASE32_SIZE]);
            let base32 = secret.write_base32(&mut *buffer)?;
            // Padded, as Soffid's own encoder writes it.
            let padding = base32.len().next_multiple_of(8).saturating_sub(base32.len());
            write(&mut row.auth_key, base32);
            row.auth_key.iter_mut().skip(base32.len()).take(padding).for_each(|char| *char = b'=' as c_char);
        }
    }
    Ok(())
}

/// Writes what attempts change, and what they have not changed as it was.
fn update(row: &mut keyfob_soffid_row, device: &Device) -> Result<(), keyfob_result> {
    let sayable = match device.factor() {
        Factor::Totp(totp) => (totp.period(), totp.t0()) == (30, 0),
        _ => true,
    };
    if !sayable {
        return Err(keyfob_result::SOFFID_PARAMETERS);
    }
    if text(&row.kind).parse::<Kind>()? != device.kind() {
        return Err(keyfob_result::WRONG_KIND);
    }
    let history = device.history();
    if fails(row) != history.fails {
        row.fails = history.fails;
    }
    row.status = history.status as u32;
    // A PIN has no counter here; what its column says is Soffid's.
    if device.kind() != Kind::Pin {
        row.has_last_counter = history.last_counter.is_some().into();
        row.last_counter = history.last_counter.unwrap_or(row.last_counter);
    }
    row.has_last_used = history.last_used.is_some().into();
    row.last_used = history.last_used.unwrap_or(row.last_used);
    if let Some(since) = device.pending_since() {
        (row.has_last_issued, row.last_issued) = (1, since);
    }
    Ok(())
}

/// The text in a fixed array, up to its NUL; an array without one is all text. What is not ASCII is no column's value.
fn text(array: &[c_char]) -> &str {
    let length = array.iter().position(|&char| char == 0).unwrap_or(array.len());
    // SAFETY: c_char and u8 have the same size and every value is right for both.
    let bytes = unsafe { core::slice::from_raw_parts(array.as_ptr().cast(), length) };
    str::from_utf8(bytes).unwrap_or("?")
}

fn write(array: &mut [c_char], text: &str) {
    array.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from as c_char);
}
