//! Policies: a plain struct, presets for it, and its check.

use super::guard::guard;
use super::memory::{Out, OutSized, Sized, read_sized};
use super::result::keyfob_result;
use crate::{Digits, Error, GuessChance, Kind, Lock, PinPositions, Policy, PolicyBuilder};

/// What happens at too many fails.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum keyfob_lock {
    /// The device is locked until it is unlocked.
    HARD = 0,
    /// The device takes no attempt for a time that doubles with each further fail.
    THROTTLE = 1,
    /// As THROTTLE, until a total of fails locks the device.
    THROTTLE_THEN_LOCK = 2,
}

/// The server's choices. Fill one with keyfob_policy_default or keyfob_policy_soffid, change its
/// fields, and check it once with keyfob_policy_check. As an argument of a function, NULL is the
/// default.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct keyfob_policy {
    /// sizeof(keyfob_policy).
    pub size: u32,
    /// TOTP: steps before and after the present one that are right, 0 to 1000; 1 by default.
    pub window: u32,
    /// HOTP: counters after the expected one that are right, 0 to 1000; 10 by default.
    pub look_ahead: u32,
    /// HOTP: counters that a resync searches, 1 to 10000; 100 by default. TOTP: the steps that it
    /// searches each side of the present one, but no more than max_drift.
    pub resync_window: u32,
    /// TOTP: the largest drift that is learned, in steps, 0 to 1000; 0 by default, which learns
    /// none.
    pub max_drift: u32,
    /// A keyfob_lock; hard by default.
    pub lock: u32,
    /// The fail on which the lock or the first delay falls, 1 or more; 10 by default.
    pub max_fails: u32,
    /// Throttle: the first delay, in seconds, 1 or more.
    pub first_delay: u32,
    /// Throttle: the longest delay, in seconds.
    pub max_delay: u32,
    /// SMS, e-mail: how long a code lives, in seconds, 1 or more; 600 by default.
    pub code_lifetime: u32,
    /// SMS, e-mail: for how many seconds a code asked again is the same one, at most the lifetime;
    /// 60 by default.
    pub code_reuse: u32,
    /// PIN: positions asked by a challenge, 2 to pin_min_length, or 0 for all; 3 by default.
    pub pin_positions: u32,
    /// PIN: the fewest digits of a new one, 4 to 64; 8 by default.
    pub pin_min_length: u32,
    /// Seconds by which the clocks of hosts that share a device may differ; 30 by default. 0 is for
    /// a host with one thread only.
    pub clock_skew: u32,
    /// The largest chance of guessing a code of six digits before the lock, in parts per billion;
    /// 1000000 (1 in 1000) by default.
    pub guess_bound: u32,
    /// The same for the positions of a PIN; 10000000 (1 in 100) by default.
    pub pin_guess_bound: u32,
    /// TOTP: steps each side of the present one that are right until the first right answer, 0 to
    /// 1000, at most `window` and `max_drift` together; 0, the default, for `window`.
    pub first_window: u32,
    /// Throttle that ends in a lock: the fail on which the lock falls, more than max_fails. The
    /// other locks ignore it.
    pub total_fails: u32,
}

// SAFETY: eighteen numbers of 32 bits, of which the first is the size.
unsafe impl Sized for keyfob_policy {
    const FIRST_SIZE: usize = 64;
}

impl keyfob_policy {
    fn of(policy: Policy) -> Self {
        let lock = policy.lock();
        let (first_delay, max_delay) = lock.delays().unwrap_or_default();
        let (kind, total_fails) = match lock {
            Lock::Hard { .. } => (keyfob_lock::HARD, 0),
            Lock::Throttle { .. } => (keyfob_lock::THROTTLE, 0),
            Lock::ThrottleThenLock { total_fails, .. } => (keyfob_lock::THROTTLE_THEN_LOCK, total_fails),
        };
        Self {
            size: size_of::<Self>() as u32,
            window: policy.window().into(),
            look_ahead: policy.look_ahead().into(),
            resync_window: policy.resync_window().into(),
            max_drift: policy.max_drift().into(),
            lock: kind as u32,
            max_fails: lock.max_fails(),
            first_delay,
            max_delay,
            code_lifetime: policy.code_lifetime(),
            code_reuse: policy.code_reuse(),
            pin_positions: match policy.pin_positions() {
                PinPositions::Count(count) => count.into(),
                PinPositions::All => 0,
            },
            pin_min_length: policy.pin_min_length().into(),
            clock_skew: policy.clock_skew(),
            guess_bound: policy.guess_bound().parts_per_billion(),
            pin_guess_bound: policy.pin_guess_bound().parts_per_billion(),
            first_window: if policy.first_window() > policy.window() { policy.first_window().into() } else { 0 },
            total_fails,
        }
    }

    /// What is too large for its field becomes the largest number there, which no field may hold.
    fn builder(self) -> Result<PolicyBuilder, keyfob_result> {
        let narrow = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        let narrowest = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        let Self { max_fails, first_delay, max_delay, total_fails, .. } = self;
        let lock = match self.lock {
            0 => Lock::Hard { max_fails },
            1 => Lock::Throttle { max_fails, first_delay, max_delay },
            2 => Lock::ThrottleThenLock { max_fails, first_delay, max_delay, total_fails },
            _ => return Err(keyfob_result::LOCK_KIND),
        };
        let asked = if self.pin_positions == 0 { PinPositions::All } else { PinPositions::Count(narrowest(self.pin_positions)) };
        let builder = Policy::builder()
            .window(narrow(self.window))
            .look_ahead(narrow(self.look_ahead))
            .resync_window(narrow(self.resync_window))
            .max_drift(narrow(self.max_drift))
            .first_window(narrow(self.first_window))
            .lock(lock)
            .code_lifetime(self.code_lifetime)
            .code_reuse(self.code_reuse)
            .pin_positions(asked)
            .pin_min_length(narrowest(self.pin_min_length))
            .clock_skew(self.clock_skew)
            .guess_bound(GuessChance::from_parts_per_billion(self.guess_bound))
            .pin_guess_bound(GuessChance::from_parts_per_billion(self.pin_guess_bound));
        Ok(builder)
    }
}

/// The policy at `pointer`, put together in `room` and checked there; the default for NULL. Its
/// parts were just written, and moving them all would wait for each.
#[inline(never)]
pub(super) unsafe fn policy(pointer: *const keyfob_policy, room: &mut Option<PolicyBuilder>) -> Result<&Policy, keyfob_result> {
    if pointer.is_null() {
        return Ok(&Policy::DEFAULT);
    }
    let mut policy = keyfob_policy::of(Policy::DEFAULT);
    // SAFETY: the caller's promise is passed on.
    unsafe { read_sized(pointer, &mut policy) }?;
    Ok(room.insert(policy.builder()?).check()?)
}

/// Fills `policy` with keyfob's defaults. Set policy->size before. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_policy_default(policy: *mut keyfob_policy) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    guard(|| unsafe { OutSized::new(policy).map(|out| out.write(&keyfob_policy::of(Policy::default()))) })
}

/// Fills `policy` with Soffid's numbers: window of 10 steps, look-ahead of 24, which take one step
/// and one counter more than Soffid does. Set policy->size before. Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_policy_soffid(policy: *mut keyfob_policy) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    guard(|| unsafe { OutSized::new(policy).map(|out| out.write(&keyfob_policy::of(Policy::soffid()))) })
}

/// Checks a policy, its bound on guessing included; NULL is the default, which is right.
/// Thread-safe.
///
/// Results: the policy's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_policy_check(policy: *const keyfob_policy) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    guard(|| unsafe { self::policy(policy, &mut None).map(drop) })
}

/// Writes the chance, in parts per billion, that an attacker who guesses until the lock succeeds
/// against a device of this keyfob_kind with codes of `digits` digits (6 to 10; ignored for a PIN).
/// `policy` may be NULL. Thread-safe.
///
/// Results: NULL_POINTER, the policy's, KIND, DIGITS.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_policy_guess_chance(
    policy: *const keyfob_policy,
    kind: u32,
    digits: u32,
    chance: *mut u32,
) -> keyfob_result {
    guard(|| {
        let out = Out::new(chance)?;
        // SAFETY: the caller keeps to the header.
        let mut room = None;
        let policy = unsafe { self::policy(policy, &mut room) }?;
        let kind = u8::try_from(kind).ok().and_then(Kind::from_number).ok_or(keyfob_result::KIND)?;
        let digits = match kind {
            Kind::Pin | Kind::Recovery => Digits::SIX,
            _ => u8::try_from(digits).map_err(|_| Error::Digits).and_then(Digits::new)?,
        };
        // SAFETY: the caller keeps to the header.
        unsafe { out.write(policy.guess_chance(kind, digits).parts_per_billion()) };
        Ok(())
    })
}
