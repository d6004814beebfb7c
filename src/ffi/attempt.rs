//! Challenges and attempts: in place, or with the caller's store as a callback.

use core::ffi::{c_char, c_void};

use super::challenge::{keyfob_challenge, write_challenge};
use super::guard::guard;
use super::memory::{OutSized, chars};
use super::policy::{keyfob_policy, policy};
use super::random::{Random, keyfob_random_fn};
use super::record::{keyfob_record, record};
use super::result::keyfob_result;
use super::verdict::keyfob_verdict;
use crate::{Device, Next, Policy};

/// Stores `next` if the stored record still has the revision `read` (see keyfob_info). Returns 0
/// when it is stored, 1 if the stored record has another revision (a conflict), anything else if
/// storing failed. Not called if nothing changed, as on a locked device. `context` is the caller's.
/// `next` is valid during the call only. Must return, without an exception and without longjmp.
pub type keyfob_store_fn = Option<unsafe extern "C" fn(context: *mut c_void, next: *const keyfob_record, read: u64) -> i32>;

/// Reads the device and the policy of an attempt, and uses them without moving them, which would
/// cost more than the rest of the C ABI.
#[inline(always)]
unsafe fn read(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    attempt: impl FnOnce(&Device, &Policy) -> Result<(), keyfob_result>,
) -> Result<(), keyfob_result> {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        let device = Device::from_bytes(self::record(record)?);
        let device = device.as_ref().map_err(|&error| error)?;
        attempt(device, self::policy(policy, &mut None)?)
    }
}

/// The destination of the next record, which is written before the answer in any case.
enum To {
    InPlace(*mut keyfob_record),
    Store { store: unsafe extern "C" fn(*mut c_void, *const keyfob_record, u64) -> i32, context: *mut c_void, read: u64 },
}

impl To {
    fn store(store: keyfob_store_fn, context: *mut c_void, read: u64) -> Result<Self, keyfob_result> {
        store.map(|store| Self::Store { store, context, read }).ok_or(keyfob_result::NULL_POINTER)
    }

    /// Stores the next record: the answer comes out after that.
    #[inline(always)]
    unsafe fn take(self, next: &Next<'_>) -> Result<(), keyfob_result> {
        match self {
            Self::InPlace(record) => {
                // SAFETY: a record was read there, so it is neither NULL nor uninitialised; the
                // caller says that it can be written.
                next.write_record(unsafe { &mut (*record).bytes });
                Ok(())
            }
            Self::Store { store, context, read } => {
                let next = next.to_record();
                // SAFETY: the callback is the caller's own; the record lives during the call.
                match unsafe { store(context, next.as_bytes().as_ptr().cast(), read) } {
                    0 => Ok(()),
                    1 => Err(keyfob_result::STORE_CONFLICT),
                    _ => Err(keyfob_result::STORE_FAILED),
                }
            }
        }
    }
}

/// Requests a challenge of the device in `record`, which is changed in place. Store it before you
/// deliver the code. SMS, e-mail: a new code, or the pending one if it is younger than the policy's
/// code_reuse. PIN: positions, which stay until a right answer. `policy` may be NULL. `random` may
/// be NULL in hosted builds, and for any device but a PIN. Set challenge->size before. Not
/// thread-safe on the same record.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, CLOCK, EXHAUSTED, LOCKED,
/// THROTTLED, DISABLED, OUTSIDE_VALIDITY, CLOCK_WAS_AHEAD, RANDOMNESS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_challenge(
    record: *mut keyfob_record,
    policy: *const keyfob_policy,
    random: keyfob_random_fn,
    random_context: *mut c_void,
    now: u64,
    challenge: *mut keyfob_challenge,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answer = OutSized::new(challenge)?;
            read(record, policy, |device, policy| {
                let attempt = device.challenge(policy, &mut Random(random, random_context), now)?;
                write_challenge(&attempt.commit(|next| To::InPlace(record).take(next))?, answer);
                Ok(())
            })
        }
    })
}

/// keyfob_device_challenge with the caller's store: `challenge` is written only when `store` has
/// stored the next record. `record` is the one that was read, and stays as it is. Thread-safe, if
/// `store` and `random` are.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, CLOCK, EXHAUSTED, LOCKED,
/// THROTTLED, DISABLED, OUTSIDE_VALIDITY, CLOCK_WAS_AHEAD, RANDOMNESS, STORE_FAILED,
/// STORE_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_challenge_and_store(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    random: keyfob_random_fn,
    random_context: *mut c_void,
    now: u64,
    store: keyfob_store_fn,
    store_context: *mut c_void,
    challenge: *mut keyfob_challenge,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answer = OutSized::new(challenge)?;
            read(record, policy, |device, policy| {
                let to = To::store(store, store_context, device.revision())?;
                let attempt = device.challenge(policy, &mut Random(random, random_context), now)?;
                write_challenge(&attempt.commit(|next| to.take(next))?, answer);
                Ok(())
            })
        }
    })
}

/// Returns the pending challenge again, to send its message another time. Nothing changes, not even
/// its expiry. Set challenge->size before. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, WRONG_KIND, NO_CHALLENGE, CLOCK,
/// LOCKED, THROTTLED, DISABLED, OUTSIDE_VALIDITY, CLOCK_WAS_AHEAD.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_resend(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    now: u64,
    challenge: *mut keyfob_challenge,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answer = OutSized::new(challenge)?;
            read(record, policy, |device, policy| {
                // By reference: moving a challenge would leave a copy of its code.
                write_challenge(device.resend(policy, now).as_ref().map_err(|&error| error)?, answer);
                Ok(())
            })
        }
    })
}

/// Judges `answer` (a code, or a PIN's digits at the positions asked) at time `now`, in Unix
/// seconds. An answer is its `answer_length` ASCII digits and nothing else. A blank or a hyphen
/// makes it wrong and a fail, so remove those that people type, as in "475 073". A recovery code
/// may have them, as keyfob_recovery_code_check says. SMS, e-mail and PIN want a challenge first,
/// even if the policy asks for the whole PIN. One right answer uses it up. The device in `record`
/// is changed in place: store it before you show the verdict. Where several threads or processes
/// share a device, call keyfob_device_verify_and_store, which keeps that order. `policy` may be
/// NULL. Set verdict->size before. Constant time for a given length. Not thread-safe on the same
/// record.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, CLOCK, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_verify(
    record: *mut keyfob_record,
    policy: *const keyfob_policy,
    answer: *const c_char,
    answer_length: usize,
    now: u64,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let answer = chars(answer, answer_length)?;
                answered.write(&device.verify_and_store(policy, answer, now, |next| To::InPlace(record).take(next))?.into());
                Ok(())
            })
        }
    })
}

/// keyfob_device_verify with the caller's store: `verdict` is written only when `store` has stored
/// the next record. `record` is the one that was read, and stays as it is. On
/// KEYFOB_RESULT_STORE_CONFLICT read again and try again. Thread-safe, if `store` is.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, CLOCK, EXHAUSTED,
/// STORE_FAILED, STORE_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_verify_and_store(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    answer: *const c_char,
    answer_length: usize,
    now: u64,
    store: keyfob_store_fn,
    store_context: *mut c_void,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let to = To::store(store, store_context, device.revision())?;
                let answer = chars(answer, answer_length)?;
                answered.write(&device.verify_and_store(policy, answer, now, |next| to.take(next))?.into());
                Ok(())
            })
        }
    })
}

/// Finds an authenticator by two codes in a row. HOTP that has run ahead is searched over the
/// policy's resync window. TOTP whose clock is off is searched over as many steps each side of the
/// present one, but no more than the policy's max_drift; the drift is learned. Counts, locks and
/// changes the record in place as keyfob_device_verify does. Not thread-safe on the same record.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, WRONG_KIND, NO_DRIFT,
/// CLOCK, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_resync(
    record: *mut keyfob_record,
    policy: *const keyfob_policy,
    first: *const c_char,
    first_length: usize,
    second: *const c_char,
    second_length: usize,
    now: u64,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let (first, second) = (chars(first, first_length)?, chars(second, second_length)?);
                let attempt = device.resync(policy, first, second, now)?;
                answered.write(&attempt.commit(|next| To::InPlace(record).take(next))?.into());
                Ok(())
            })
        }
    })
}

/// keyfob_device_resync with the caller's store, as keyfob_device_verify_and_store. Thread-safe, if
/// `store` is.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, WRONG_KIND, NO_DRIFT,
/// CLOCK, EXHAUSTED, STORE_FAILED, STORE_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_resync_and_store(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    first: *const c_char,
    first_length: usize,
    second: *const c_char,
    second_length: usize,
    now: u64,
    store: keyfob_store_fn,
    store_context: *mut c_void,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let (first, second) = (chars(first, first_length)?, chars(second, second_length)?);
                let to = To::store(store, store_context, device.revision())?;
                let attempt = device.resync(policy, first, second, now)?;
                answered.write(&attempt.commit(|next| to.take(next))?.into());
                Ok(())
            })
        }
    })
}
