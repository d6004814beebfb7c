//! Challenges and attempts: in place, or with the caller's store as a callback.

use core::ffi::{c_char, c_void};

use zeroize::{Zeroize, Zeroizing};

use super::device::record;
use super::memory::{OutSized, Sized, bytes};
use super::policy::{keyfob_policy, policy};
use super::random::{Random, keyfob_random};
use super::{KEYFOB_CODE_SIZE, guard, keyfob_record, keyfob_result};
use crate::{Challenge, Device, Next, Policy, Verdict};

/// Why an answer was accepted or refused: for the host's audit, not for whoever answered.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_reason {
    /// The right answer.
    RIGHT = 0,
    /// A wrong answer.
    WRONG = 1,
    /// A code that was accepted before, or is older than one that was. A fail.
    REPLAYED = 2,
    /// The challenge had expired. A fail.
    EXPIRED = 3,
    /// No challenge was pending. A fail.
    NO_CHALLENGE = 4,
    /// A throttle was on. Nothing was counted.
    THROTTLED = 5,
    /// The device was locked before. Nothing was counted.
    LOCKED = 6,
    /// The device is disabled. Nothing was counted.
    DISABLED = 7,
}

/// The answer to an attempt. Tell the person only `right` and `locked`; the rest is for the host's audit.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct keyfob_verdict {
    /// sizeof(keyfob_verdict), set by the caller.
    pub size: u32,
    /// 1 if the answer was right, on an open device, for the first time; else 0.
    pub right: u32,
    /// 1 if the device is locked or throttled after this attempt, already on the fail that locks it; else 0.
    pub locked: u32,
    /// A keyfob_reason.
    pub reason: u32,
    /// Fails after this attempt.
    pub fails: u32,
    /// Zero.
    pub reserved: u32,
    /// If right: the matched step (TOTP), counter (HOTP) or issue (SMS, e-mail); else 0.
    pub matched: u64,
    /// If right: by how many steps the authenticator's clock is ahead (TOTP), or how many counters were skipped
    /// before the code (HOTP; before the first of the two in a resync); else 0.
    pub drift: i64,
    /// If throttled: from when on the device takes attempts again, in Unix seconds; else 0.
    pub retry_at: u64,
}

// SAFETY: six numbers of 32 bits, of which the first is the size, and three aligned ones of 64.
unsafe impl Sized for keyfob_verdict {
    const FIRST: usize = 48;
}

impl From<Verdict> for keyfob_verdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            size: size_of::<Self>() as u32,
            right: verdict.is_right().into(),
            locked: verdict.is_locked().into(),
            reason: verdict.reason() as u32,
            fails: verdict.fails(),
            reserved: 0,
            matched: verdict.matched().unwrap_or_default(),
            drift: verdict.drift().unwrap_or_default(),
            retry_at: verdict.retry_at().unwrap_or_default(),
        }
    }
}

/// What a challenge wants done.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_challenge_kind {
    /// TOTP, HOTP: nothing; the authenticator shows the code.
    AUTHENTICATOR = 0,
    /// SMS, e-mail: deliver `code`.
    MESSAGE = 1,
    /// PIN: ask for the digits at `positions`.
    POSITIONS = 2,
}

/// A challenge. The caller wipes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct keyfob_challenge {
    /// sizeof(keyfob_challenge), set by the caller.
    pub size: u32,
    /// A keyfob_challenge_kind.
    pub kind: u32,
    /// Message: 1 if the code is a new one, 0 if it was issued before.
    pub fresh: u32,
    /// Message: the code and a NUL; else zeros.
    pub code: [c_char; KEYFOB_CODE_SIZE],
    /// Message: when the code was issued, in Unix seconds.
    pub issued_at: u64,
    /// Message: from when on it is refused, in Unix seconds.
    pub expires_at: u64,
    /// Positions: bit n - 1 stands for position n.
    pub positions: u64,
}

// SAFETY: three numbers of 32 bits, of which the first is the size, twelve bytes, and three aligned numbers of 64.
unsafe impl Sized for keyfob_challenge {
    const FIRST: usize = 48;
}

impl core::fmt::Debug for keyfob_challenge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("keyfob_challenge")
    }
}

impl Zeroize for keyfob_challenge {
    fn zeroize(&mut self) {
        self.code.as_mut_slice().zeroize();
    }
}

/// Writes a challenge, of which nothing stays here: its code is wiped.
unsafe fn write(challenge: &Challenge, to: OutSized<keyfob_challenge>) {
    let mut out = Zeroizing::new(keyfob_challenge {
        size: size_of::<keyfob_challenge>() as u32,
        kind: keyfob_challenge_kind::AUTHENTICATOR as u32,
        fresh: 0,
        code: [0; KEYFOB_CODE_SIZE],
        issued_at: 0,
        expires_at: 0,
        positions: 0,
    });
    match challenge {
        Challenge::Authenticator => {}
        Challenge::Message { code, issued_at, expires_at, fresh } => {
            out.kind = keyfob_challenge_kind::MESSAGE as u32;
            out.fresh = (*fresh).into();
            out.code.iter_mut().zip(code.as_bytes()).for_each(|(to, from)| *to = *from as c_char);
            (out.issued_at, out.expires_at) = (*issued_at, *expires_at);
        }
        Challenge::Positions(positions) => {
            out.kind = keyfob_challenge_kind::POSITIONS as u32;
            out.positions = positions.mask();
        }
    }
    // SAFETY: the caller's promise is passed on.
    unsafe { to.write(&*out) };
}

/// Stores `next` if the stored record still has the revision `read` (see keyfob_info), and returns 0; 1 if it has another (a conflict), anything
/// else if storing failed. Not called if nothing changed, as on a locked device. `context` is what the caller passed along;
/// `next` is valid during the call only. Must return, without an exception and without longjmp.
pub type keyfob_store = Option<unsafe extern "C" fn(context: *mut c_void, next: *const keyfob_record, read: u64) -> i32>;

/// Reads the device and the policy of an attempt, which are used where they were read: moving them would cost more than the rest of the C ABI.
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

/// Where the next record of an attempt goes: before the answer, in any case.
enum To {
    Place(*mut keyfob_record),
    Store { store: unsafe extern "C" fn(*mut c_void, *const keyfob_record, u64) -> i32, context: *mut c_void, read: u64 },
}

impl To {
    fn store(store: keyfob_store, context: *mut c_void, read: u64) -> Result<Self, keyfob_result> {
        store.map(|store| Self::Store { store, context, read }).ok_or(keyfob_result::NULL_POINTER)
    }

    /// Stores the next record: the answer comes out after that.
    #[inline(always)]
    unsafe fn take(self, next: &Next<'_>) -> Result<(), keyfob_result> {
        match self {
            Self::Place(record) => {
                // SAFETY: a record was read there, so it is neither NULL nor uninitialised; the caller says that it can be written.
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

/// Requests a challenge of the device in `record`, which is changed in place; store it before you deliver the code. SMS, e-mail: a new code, or
/// the pending one if it is younger than the policy's time of reuse. PIN: positions, which stay until answered rightly. `policy`
/// may be NULL; `random` too in hosted builds, and where the device is no PIN. Set challenge->size before. Not thread-safe on the same record.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, CLOCK, EXHAUSTED, LOCKED, THROTTLED, DISABLED, RANDOMNESS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_challenge(
    record: *mut keyfob_record,
    policy: *const keyfob_policy,
    random: keyfob_random,
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
                write(&attempt.commit(|next| To::Place(record).take(next))?, answer);
                Ok(())
            })
        }
    })
}

/// keyfob_device_challenge with the caller's store: `challenge` is written only when `store` has stored the next record. `record` is the one that
/// was read, and stays as it is. Thread-safe, if `store` and `random` are.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, CLOCK, EXHAUSTED, LOCKED, THROTTLED, DISABLED, RANDOMNESS, STORE_FAILED,
/// STORE_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_challenge_and_store(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    random: keyfob_random,
    random_context: *mut c_void,
    now: u64,
    store: keyfob_store,
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
                write(&attempt.commit(|next| to.take(next))?, answer);
                Ok(())
            })
        }
    })
}

/// The pending challenge once more, for sending a message again: nothing changes, its expiry included. Set challenge->size before. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, WRONG_KIND, NO_CHALLENGE, CLOCK, LOCKED, THROTTLED, DISABLED.
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
                write(device.resend(policy, now).as_ref().map_err(|&error| error)?, answer);
                Ok(())
            })
        }
    })
}

/// Judges `answer` (a code, or a PIN's digits at the positions asked; `answer_length` bytes as they were typed) at time `now`, in Unix seconds. SMS,
/// e-mail and PIN want a challenge first, which one right answer uses up, also where the policy asks for the whole PIN. The
/// device in `record` is changed in place: store it before you tell anybody the verdict. Where several may answer at once,
/// keyfob_device_verify_and_store keeps that order. `policy` may be NULL. Set verdict->size before. Constant time for a given length.
/// Not thread-safe on the same record.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, CLOCK, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_verify(
    record: *mut keyfob_record,
    policy: *const keyfob_policy,
    answer: *const u8,
    answer_length: usize,
    now: u64,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let answer = bytes(answer, answer_length)?;
                answered.write(&device.verify_and_store(policy, answer, now, |next| To::Place(record).take(next))?.into());
                Ok(())
            })
        }
    })
}

/// keyfob_device_verify with the caller's store: `verdict` is written only when `store` has stored the next record. `record` is the one that was
/// read, and stays as it is. On KEYFOB_RESULT_STORE_CONFLICT read again and try again. Thread-safe, if `store` is.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, CLOCK, EXHAUSTED, STORE_FAILED, STORE_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_verify_and_store(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    answer: *const u8,
    answer_length: usize,
    now: u64,
    store: keyfob_store,
    store_context: *mut c_void,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let to = To::store(store, store_context, device.revision())?;
                let answer = bytes(answer, answer_length)?;
                answered.write(&device.verify_and_store(policy, answer, now, |next| to.take(next))?.into());
                Ok(())
            })
        }
    })
}

/// Finds a HOTP authenticator that has run ahead, by two codes in a row, over the policy's resync window. Counts and locks as
/// keyfob_device_verify, in place as that does. KEYFOB_RESULT_WRONG_KIND for other kinds. Not thread-safe on the same record.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, WRONG_KIND, CLOCK, EXHAUSTED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_resync(
    record: *mut keyfob_record,
    policy: *const keyfob_policy,
    first: *const u8,
    first_length: usize,
    second: *const u8,
    second_length: usize,
    now: u64,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let (first, second) = (bytes(first, first_length)?, bytes(second, second_length)?);
                let attempt = device.resync(policy, first, second, now)?;
                answered.write(&attempt.commit(|next| To::Place(record).take(next))?.into());
                Ok(())
            })
        }
    })
}

/// keyfob_device_resync with the caller's store, as keyfob_device_verify_and_store. Thread-safe, if `store` is.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, WRONG_KIND, CLOCK, EXHAUSTED, STORE_FAILED, STORE_CONFLICT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_resync_and_store(
    record: *const keyfob_record,
    policy: *const keyfob_policy,
    first: *const u8,
    first_length: usize,
    second: *const u8,
    second_length: usize,
    now: u64,
    store: keyfob_store,
    store_context: *mut c_void,
    verdict: *mut keyfob_verdict,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let answered = OutSized::new(verdict)?;
            read(record, policy, |device, policy| {
                let (first, second) = (bytes(first, first_length)?, bytes(second, second_length)?);
                let to = To::store(store, store_context, device.revision())?;
                let attempt = device.resync(policy, first, second, now)?;
                answered.write(&attempt.commit(|next| to.take(next))?.into());
                Ok(())
            })
        }
    })
}
