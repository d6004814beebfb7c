//! Devices: enrol, look at, and an administrator's work.

use core::ffi::c_char;

use super::code::{hotp, keyfob_parameters, totp};
use super::guard::guard;
use super::memory::{Buffer, Out, OutSized, Sized, chars};
use super::policy::{keyfob_policy, policy};
use super::record::{device, keyfob_record, out};
use super::result::keyfob_result;
use super::size::KEYFOB_RECORD_SIZE;
use crate::{Algorithm, Device, Digits, Error, Factor, Pin, Positions, Secret, Status, Validity};

/// What a device is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_kind {
    /// A time-based authenticator (RFC 6238).
    TOTP = 1,
    /// A counter-based authenticator (RFC 4226).
    HOTP = 2,
    /// Codes sent to a telephone.
    SMS = 3,
    /// Codes sent by e-mail.
    EMAIL = 4,
    /// A security PIN.
    PIN = 5,
    /// Recovery codes (look-up secrets, NIST SP 800-63B-4 section 3.1.2).
    RECOVERY = 6,
}

/// The state of a device, as an ASCII letter.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_status {
    /// C: no right answer yet.
    CREATED = 67,
    /// V: validated by a right answer.
    VALIDATED = 86,
    /// L: locked after too many fails.
    LOCKED = 76,
    /// D: disabled.
    DISABLED = 68,
}

/// All of a device but its secret. Times are Unix seconds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct keyfob_info {
    /// sizeof(keyfob_info), set by the caller.
    pub size: u32,
    /// A keyfob_kind.
    pub kind: u32,
    /// A keyfob_status.
    pub status: u32,
    /// A keyfob_algorithm; 0 for a PIN and for recovery codes.
    pub algorithm: u32,
    /// Digits of a code; 0 for a PIN and for recovery codes.
    pub digits: u32,
    /// TOTP: the length of a step in seconds; else 0.
    pub period: u32,
    /// Fails since the last right answer or unlocking.
    pub fails: u32,
    /// TOTP: the learned drift in steps.
    pub drift: i32,
    /// 1 if there was a right answer, at `last_used`; else 0.
    pub was_used: u32,
    /// 1 if a challenge is pending, since `pending_since`; else 0.
    pub is_pending: u32,
    /// TOTP: the time from which steps are counted; else 0.
    pub t0: u64,
    /// TOTP: the lowest step still to be accepted. HOTP: the expected counter. SMS, e-mail: the
    /// number of the issue. PIN, recovery codes: 0.
    pub moving_factor: u64,
    /// When it was enrolled.
    pub created: u64,
    /// When it last gave a right answer; 0 if never.
    pub last_used: u64,
    /// Since when a challenge is pending; 0 if none is.
    pub pending_since: u64,
    /// PIN: the positions asked by the pending challenge, bit n - 1 for position n; else 0.
    pub positions: u64,
    /// Until when a throttle refuses everything; 0 if there is none.
    pub throttled_until: u64,
    /// How often the device changed: what a store compares and swaps on.
    pub revision: u64,
    /// 1 if the device was locked when it was disabled, so that it can be enabled only after an
    /// unlocking; else 0.
    pub was_locked: u32,
    /// 1 if the secret has fewer than 16 bytes; else 0.
    pub has_short_secret: u32,
    /// TOTP, HOTP: the first second of the device's validity; 0 for no limit.
    pub not_before: u64,
    /// TOTP, HOTP: the last second of the device's validity; 0 for no limit.
    pub not_after: u64,
    /// How many recovery codes there are, the used ones among them; else 0.
    pub recovery_code_count: u32,
    /// How many recovery codes are left; else 0.
    pub recovery_codes_left: u32,
}

// SAFETY: ten numbers of 32 bits, of which the first is the size, eight aligned ones of 64, two
// more of 32, two more of 64, and two more of 32.
unsafe impl Sized for keyfob_info {
    // Up to `revision`.
    const FIRST_SIZE: usize = 104;
}

pub(super) unsafe fn enrol(to: *mut keyfob_record, make: impl FnOnce() -> Result<Device, keyfob_result>) -> keyfob_result {
    guard(|| {
        let out = out(to)?;
        let device = make()?;
        // SAFETY: the caller keeps to the header.
        unsafe { out.write(device.to_record().as_bytes()) };
        Ok(())
    })
}

/// Enrols a time-based authenticator at time `now`. `parameters` may be NULL; `secret` has 16 to 64
/// bytes, or 10 to 64 if `parameters` allow short ones, which are copied into `record`.
/// Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters', PERIOD.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_create_totp(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    now: u64,
    record: *mut keyfob_record,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { enrol(record, || Ok(Device::totp(totp(parameters, secret, secret_length)?, now))) }
}

/// Enrols a counter-based authenticator whose next code is that of `counter`: 0 for a fresh one.
/// Otherwise as keyfob_device_create_totp. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters'.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_create_hotp(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    counter: u64,
    now: u64,
    record: *mut keyfob_record,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { enrol(record, || Ok(Device::hotp(hotp(parameters, secret, secret_length)?.0, counter, now))) }
}

/// Enrols a telephone. `secret` is one drawn for this device alone with keyfob_secret_random.
/// Otherwise as keyfob_device_create_totp. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters'.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_create_sms(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    now: u64,
    record: *mut keyfob_record,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { enrol(record, || Ok(Device::sms(hotp(parameters, secret, secret_length)?.0, now))) }
}

/// Enrols an e-mail address. Otherwise as keyfob_device_create_sms. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters'.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_create_email(
    parameters: *const keyfob_parameters,
    secret: *const u8,
    secret_length: usize,
    now: u64,
    record: *mut keyfob_record,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { enrol(record, || Ok(Device::email(hotp(parameters, secret, secret_length)?.0, now))) }
}

/// Enrols a security PIN of `pin_length` ASCII digits, at least as many as the policy asks for.
/// `policy` may be NULL. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, PIN_LENGTH, PIN_DIGITS, the policy's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_create_pin(
    policy: *const keyfob_policy,
    pin: *const c_char,
    pin_length: usize,
    now: u64,
    record: *mut keyfob_record,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { enrol(record, || Ok(Device::pin(Pin::new(chars(pin, pin_length)?)?, self::policy(policy, &mut None)?, now)?)) }
}

/// Describes a device, without its secret. Set info->size before. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_info(record: *const keyfob_record, info: *mut keyfob_info) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let (out, device) = unsafe { (OutSized::new(info)?, device(record)?) };
        let (period, t0) = match device.factor() {
            Factor::Totp(totp) => (totp.period(), totp.t0()),
            _ => (0, 0),
        };
        let recovery_code_count = if let Factor::Recovery(codes) = device.factor() { codes.count().into() } else { 0 };
        let info = keyfob_info {
            size: size_of::<keyfob_info>() as u32,
            kind: device.kind() as u32,
            status: device.status() as u32,
            algorithm: device.algorithm().map_or(0, |algorithm: Algorithm| algorithm as u32),
            digits: device.digits().map_or(0, |digits: Digits| digits.get().into()),
            period,
            fails: device.fails(),
            drift: device.drift(),
            was_used: device.last_used().is_some().into(),
            is_pending: device.pending_since().is_some().into(),
            t0,
            moving_factor: device.moving_factor(),
            created: device.created(),
            last_used: device.last_used().unwrap_or_default(),
            pending_since: device.pending_since().unwrap_or_default(),
            positions: device.positions().map_or(0, Positions::mask),
            throttled_until: device.throttled_until().unwrap_or_default(),
            revision: device.revision(),
            was_locked: device.was_locked().into(),
            has_short_secret: device.factor().secret().is_some_and(Secret::is_short).into(),
            not_before: device.validity().not_before().unwrap_or_default(),
            not_after: device.validity().not_after().unwrap_or_default(),
            recovery_code_count,
            recovery_codes_left: device.recovery_codes_left().unwrap_or_default().into(),
        };
        // SAFETY: the caller keeps to the header.
        unsafe { out.write(&info) };
        Ok(())
    })
}

/// Copies the secret, or the PIN's digits, to `secret`, which has room for `secret_size` bytes
/// (KEYFOB_SECRET_MAX_SIZE always suffice), and their number to `secret_length`. The caller wipes
/// `secret`, and never logs it. Thread-safe.
///
/// Results: NULL_POINTER, BUFFER_TOO_SMALL, the record's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_secret(
    record: *const keyfob_record,
    secret: *mut u8,
    secret_size: usize,
    secret_length: *mut usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let device = unsafe { device(record) }?;
        let held = match device.factor() {
            Factor::Pin(pin) => pin.expose(),
            other => other.secret().map(Secret::expose).unwrap_or_default(),
        };
        let (length, buffer) = (Out::new(secret_length)?, Buffer::new(secret, secret_size, held.len())?);
        // SAFETY: the caller keeps to the header.
        unsafe {
            buffer.write(held);
            length.write(held.len());
        }
        Ok(())
    })
}

/// Sets the keyfob_status of the device in `record`, in place, as an administrator. A change from L
/// to C or V unlocks. A change from D keeps the fails. Not thread-safe on the same record.
///
/// Results: NULL_POINTER, the record's, STATUS, LOCKED, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_set_status(record: *mut keyfob_record, status: u32, now: u64) -> keyfob_result {
    guard(|| {
        let status = u8::try_from(status).ok().and_then(Status::from_number).ok_or(Error::Status)?;
        // SAFETY: the caller keeps to the header.
        unsafe { change(record, |device| device.set_status(status, now)) }
    })
}

/// Unlocks the device in `record`, in place: resets the fails, ends a throttle and a pending code,
/// and forgets a learned drift. Takes `now` for true, even if the device has seen a later time. No
/// code used before becomes right. For TOTP that was used while a clock was ahead, see
/// keyfob_device_forget_steps. Not thread-safe on the same record.
///
/// Results: NULL_POINTER, the record's, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_unlock(record: *mut keyfob_record, now: u64) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    guard(|| unsafe { change(record, |device| device.unlock(now)) })
}

/// Repairs a TOTP device that was used while a clock was ahead (KEYFOB_REASON_CLOCK_WAS_AHEAD).
/// Takes the highest accepted step of the device in `record`, in place, down to that of `now`, if
/// it is later. Takes `now` for true and forgets a learned drift. Status, fails and locks stay. The
/// price: codes of steps after `now` that were accepted already are right once more when their time
/// comes, for anyone who has seen them. Codes of `now` or before are not. Call it only if an
/// administrator says so, with a clock that is right, and record the call. Not thread-safe on the
/// same record.
///
/// Results: NULL_POINTER, the record's, WRONG_KIND, CLOCK, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_forget_steps(record: *mut keyfob_record, now: u64) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    guard(|| unsafe { change(record, |device| device.forget_steps(now)) })
}

/// Sets from when until when the TOTP or HOTP device in `record`, in place, is usable: from the
/// second `not_before` to the second `not_after`, 0 for no limit. Outside of them each attempt is
/// KEYFOB_REASON_OUTSIDE_VALIDITY and counts no fail. Not thread-safe on the same record.
///
/// Results: NULL_POINTER, the record's, WRONG_KIND, VALIDITY, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_set_validity(
    record: *mut keyfob_record,
    not_before: u64,
    not_after: u64,
    now: u64,
) -> keyfob_result {
    guard(|| {
        let limit = |second| if second == 0 { None } else { Some(second) };
        let validity = Validity::new(limit(not_before), limit(not_after))?;
        // SAFETY: the caller keeps to the header.
        unsafe { change(record, |device| device.set_validity(validity, now)) }
    })
}

/// Gives the device in `record`, in place, another factor of its kind: for a fresh secret after a
/// change of telephone, a new PIN, new recovery codes, an authenticator enrolled again. Takes the
/// parameters, the secret or PIN, and the counter of the device in `from`, created for this, and
/// its validity; nothing else of it counts. Keeps the status, the fails and every lock. Ends a
/// pending challenge and forgets a learned drift. The same secret keeps the higher counter. TOTP
/// keeps the time that is used up, but under a new secret only the time before `now`. Never give it
/// a secret that it had before its present one. Recovery codes of the same secret must not become
/// fewer. Not thread-safe on the same record.
///
/// Results: NULL_POINTER, the record's, WRONG_KIND, RECOVERY_CODE_COUNT, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_replace_factor(
    record: *mut keyfob_record,
    from: *const keyfob_record,
    now: u64,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let from = unsafe { device(from) }?;
        // SAFETY: the caller keeps to the header.
        unsafe { change(record, |device| device.replace_factor(&from, now)) }
    })
}

unsafe fn change(to: *mut keyfob_record, work: impl FnOnce(&mut Device) -> Result<(), Error>) -> Result<(), keyfob_result> {
    // SAFETY: the caller's promise is passed on.
    let mut device = unsafe { device(to) }?;
    work(&mut device)?;
    // SAFETY: the caller's promise is passed on.
    unsafe { out(to)?.write(device.to_record().as_bytes()) };
    Ok(())
}

const _: () = assert!(size_of::<keyfob_record>() == KEYFOB_RECORD_SIZE && align_of::<keyfob_record>() == 1);
