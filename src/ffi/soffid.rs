//! The columns of Soffid's table `SCO_DEVICE`.

use core::ffi::c_char;

use zeroize::Zeroizing;

use super::guard::guard;
use super::memory::{Out, OutSized, Sized, bytes, read_sized};
use super::record::{device, keyfob_record, out};
use super::result::keyfob_result;
use crate::{Device, Error, Kind, SOFFID_AUTH_KEY_SIZE, SoffidRow, Status};

/// The columns of a row of Soffid's table SCO_DEVICE that concern the engine. Texts end with a NUL.
/// An empty text is NULL. Times are Unix seconds. The caller wipes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct keyfob_soffid_row {
    /// sizeof(keyfob_soffid_row).
    pub size: u32,
    /// OTP_FAILS. In a row with status C or V that is read, they count as less than max_fails,
    /// since Soffid opens devices without resetting them. A number that is negative as a signed one
    /// counts as 0.
    pub fails: u32,
    /// OTP_STATUS: a keyfob_status.
    pub status: u32,
    /// OTP_DIGITS; 0 for NULL, which means 6.
    pub digits: u32,
    /// 1 if OTP_LASCOU is not NULL. In a row that is read, any number but 0 counts as 1.
    pub has_last_counter: u32,
    /// 1 if OTP_LASUSE is not NULL. In a row that is read, any number but 0 counts as 1.
    pub has_last_used: u32,
    /// 1 if OTP_LASISS is not NULL. An import ignores it: a code of the add-on is not taken over.
    pub has_last_issued: u32,
    /// No column: the fail on which the policy locks. With a hard lock it is max_fails of
    /// keyfob_policy, with a throttle that ends in a lock total_fails, and UINT32_MAX with a
    /// throttle that never does; 0 for 10. An open row with that many fails is locked when it is
    /// written, under any policy, so that no row allows more guesses than this.
    pub max_fails: u32,
    /// OTP_LASCOU: the highest step or counter accepted. A negative number means none: the add-on
    /// tries counters from -4 on, which no authenticator has, and stores one that happens to match.
    pub last_counter: i64,
    /// OTP_CREATED. A time before 1970, negative as a signed number, counts as 1970; so does
    /// OTP_LASUSE.
    pub created: u64,
    /// OTP_LASUSE.
    pub last_used: u64,
    /// OTP_LASISS: when the add-on sent a message. It sends no other for a minute after this time,
    /// so keyfob_soffid_update writes NULL while a code of keyfob is pending.
    pub last_issued: u64,
    /// OTP_TYPE: TOTP, HOTP, SMS, EMAIL or PIN.
    pub kind: [c_char; 8],
    /// OTP_ALGORI: HmacSHA1, HmacSHA256 or HmacSHA512. Empty means HmacSHA1.
    pub algorithm: [c_char; 16],
    /// OTP_AUTKEY of TOTP and HOTP: the secret in Base32. Empty otherwise, and ignored in reading:
    /// the engine needs no such hash.
    pub auth_key: [c_char; 112],
    /// OTP_PIN of a PIN: its digits. Soffid encodes the column as a Password; the host decodes and
    /// encodes that.
    pub pin: [c_char; 72],
}

// SAFETY: eight numbers of 32 bits, of which the first is the size, four aligned ones of 64, and
// 208 bytes.
unsafe impl Sized for keyfob_soffid_row {
    const FIRST_SIZE: usize = 272;
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
    max_fails: 0,
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

/// Makes a record from a row. SMS and EMAIL rows hold no secret: give one drawn for this device
/// alone in `secret`, which is ignored for the other kinds. Soffid's configuration has the digits
/// and the algorithm of a HOTP row in which they are NULL: fill them in before. A row has no
/// learned drift and no pending challenge. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, SECRET_LENGTH, SECRET_BASE32, ALGORITHM, DIGITS,
/// STATUS, KIND, WRONG_KIND, PIN_LENGTH, PIN_DIGITS.
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

/// Writes all columns of the row of a new device. A row has no column for a lock that disabling
/// keeps, a throttle, the positions asked of a PIN, a learned drift, and the secret and pending
/// code of SMS and e-mail: these are lost. Set row->size before. For a row that exists already,
/// keyfob_soffid_update writes only the columns that have changed. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, WRONG_KIND, SOFFID_PARAMETERS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_soffid_export(record: *const keyfob_record, row: *mut keyfob_soffid_row) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let (out, device) = (OutSized::new(row)?, device(record)?);
            let mut made = Zeroizing::new(EMPTY);
            let mut key = Zeroizing::new([0; SOFFID_AUTH_KEY_SIZE]);
            export(&mut made, &SoffidRow::export(&device, &mut key)?);
            out.write(&*made);
        }
        Ok(())
    })
}

/// Writes the changes of attempts to the row that `record` was imported from: status, fails,
/// last_counter and last_used. Also last_issued, which becomes NULL while a code is pending, and
/// created, after an unlock by a clock that is behind it. If the row has another factor than the
/// record, as after keyfob_device_replace_factor, the record's is written: auth_key or pin, digits
/// and algorithm. So give these as they were imported. Every other column keeps its bytes. The row
/// must be of the same kind.
///
/// A row has no revision. Write it to the table in one statement that demands the old values of
/// OTP_STATUS, OTP_FAILS, OTP_LASCOU, OTP_AUTKEY, OTP_PIN, OTP_DIGITS and OTP_ALGORI (an optimistic
/// lock), or lock the row from reading to writing. Otherwise two answers at once count as one, and
/// a secret that was replaced meanwhile is still right. Compare no time: drivers read a local time
/// that does not exist as another. Write nothing if the row has not changed, as after a repetition
/// of the code accepted last: a driver may count such an UPDATE as no row.
///
/// The next import loses the parts that have no column: a lock that disabling keeps, a throttle, a
/// PIN's positions, a learned drift, a pending challenge. Hosts that need those, and all that use
/// SMS, e-mail or PIN, keep the record beside the row. They ask keyfob_soffid_has_factor before
/// they use that record again. Thread-safe.
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
            update(&mut changed, &device)?;
            out.write(&*changed);
        }
        Ok(())
    })
}

/// Writes 1 to `has_factor` if the row has the factor of the record: kind, digits, algorithm, and
/// auth_key or pin. Otherwise writes 0: Soffid has changed it since the record was made, and the
/// row has to be imported again. SMS and EMAIL rows hold no secret to compare. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, KIND.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_soffid_has_factor(
    record: *const keyfob_record,
    row: *const keyfob_soffid_row,
    has_factor: *mut u32,
) -> keyfob_result {
    guard(|| {
        let out = Out::new(has_factor)?;
        // SAFETY: the caller keeps to the header.
        unsafe {
            let device = device(record)?;
            let mut read = Zeroizing::new(EMPTY);
            read_sized(row, &mut *read)?;
            let row = of(&read, text(&read.kind).parse()?, Status::Created);
            out.write(row.has_factor_of(&device).into());
        }
        Ok(())
    })
}

/// The engine's row, of this kind and status.
fn of(row: &keyfob_soffid_row, kind: Kind, status: Status) -> SoffidRow<'_> {
    SoffidRow {
        kind,
        status,
        fails: row.fails,
        created: row.created,
        last_used: some(row.has_last_used, row.last_used),
        last_issued: some(row.has_last_issued, row.last_issued),
        last_counter: some(row.has_last_counter, row.last_counter),
        auth_key: text(&row.auth_key),
        pin: text(&row.pin),
        digits: (row.digits != 0).then_some(row.digits),
        algorithm: Some(text(&row.algorithm)).filter(|name| !name.is_empty()),
        max_fails: if row.max_fails == 0 { 10 } else { row.max_fails },
    }
}

fn status(row: &keyfob_soffid_row) -> Result<Status, Error> {
    u8::try_from(row.status).ok().and_then(Status::from_number).ok_or(Error::Status)
}

fn import(row: &keyfob_soffid_row, secret: &[u8]) -> Result<Device, Error> {
    let kind = text(&row.kind).parse()?;
    of(row, kind, status(row)?).import(secret)
}

/// Fills an empty row. In place, since it may hold a secret.
fn export(to: &mut keyfob_soffid_row, row: &SoffidRow<'_>) {
    write(&mut to.kind, row.kind.name());
    put_factor(to, row);
    put_state(to, row);
}

fn update(to: &mut keyfob_soffid_row, device: &Device) -> Result<(), Error> {
    let read = Zeroizing::new(*to);
    let mut key = Zeroizing::new([0; SOFFID_AUTH_KEY_SIZE]);
    let kind = text(&read.kind).parse();
    // A status that is none is written over, and counts as not open until then.
    let before = of(&read, kind.unwrap_or(device.kind()), status(&read).unwrap_or(Status::Disabled));
    let mut row = before;
    row.update(device, &mut key)?;
    // What is wrong with the row comes after what is wrong with the device.
    kind?;
    put_state(to, &row);
    if !before.has_factor_of(device) {
        put_factor(to, &row);
    }
    Ok(())
}

/// Writes what says the factor.
fn put_factor(to: &mut keyfob_soffid_row, row: &SoffidRow<'_>) {
    write(&mut to.algorithm, row.algorithm.unwrap_or_default());
    write(&mut to.auth_key, row.auth_key);
    write(&mut to.pin, row.pin);
    to.digits = row.digits.unwrap_or(0);
}

/// Writes what attempts change. What they have not changed keeps its bytes.
fn put_state(to: &mut keyfob_soffid_row, row: &SoffidRow<'_>) {
    (to.status, to.fails, to.created) = (row.status as u32, row.fails, row.created);
    put(&mut to.has_last_counter, &mut to.last_counter, row.last_counter);
    put(&mut to.has_last_used, &mut to.last_used, row.last_used);
    put(&mut to.has_last_issued, &mut to.last_issued, row.last_issued);
}

fn some<N>(flag: u32, number: N) -> Option<N> {
    (flag != 0).then_some(number)
}

fn put<N: Copy + PartialEq>(flag: &mut u32, number: &mut N, next: Option<N>) {
    if some(*flag, *number) != next {
        (*flag, *number) = (next.is_some().into(), next.unwrap_or(*number));
    }
}

/// The text in a fixed array, up to its NUL; an array without one is all text. What is not ASCII is
/// no column's value.
fn text(array: &[c_char]) -> &str {
    let length = array.iter().position(|&char| char == 0).unwrap_or(array.len());
    // SAFETY: c_char and u8 have the same size and every value is right for both.
    let bytes = unsafe { core::slice::from_raw_parts(array.as_ptr().cast(), length) };
    str::from_utf8(bytes).unwrap_or("?")
}

fn write(array: &mut [c_char], text: &str) {
    array.iter_mut().zip(text.bytes().chain(core::iter::repeat(0))).for_each(|(to, from)| *to = from as c_char);
}
