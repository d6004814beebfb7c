//! Layer 3: no answer before the new state is stored.

use core::fmt;

use crate::Device;

/// The next device and an answer that comes out only by committing it.
///
/// Whoever serves several attempts at once stores with compare and swap on [`Device::revision`]: if it finds another revision
/// stored than the one it read, which is one less than the next device's, it reads again and makes the attempt again. An attempt on a
/// device that takes none (locked, disabled, throttled) changes nothing, and then nothing is stored.
///
/// ```
/// # use keyfob::{Device, Policy, Secret, Totp, Error};
/// # let totp = Totp::new(Secret::new(b"12345678901234567890")?);
/// # let mut stored = Device::totp(totp, 0).to_record();
/// let policy = Policy::default();
/// let device = Device::from_bytes(stored.as_bytes())?;
/// let attempt = device.verify(&policy, b"287082", 59)?;
/// let verdict = attempt.commit(|next| {
///     stored = next.to_record(); // in real life: write it durably, or say why that failed
///     Ok::<(), Error>(())
/// })?;
/// assert!(verdict.is_right());
/// # Ok::<(), Error>(())
/// ```
#[must_use = "the answer comes out by committing"]
pub struct Attempt<T> {
    next: Device,
    changed: bool,
    held: Held<T>,
}

impl<T> Attempt<T> {
    #[inline]
    pub(crate) const fn new(device: &Device, next: Device, answer: T) -> Self {
        let changed = next.revision() != device.revision();
        Self { next, changed, held: Held(answer) }
    }

    /// Gives the next device to `store` and, once that has stored it, returns the answer. Does not call `store` if nothing changed.
    ///
    /// Errors are those of `store`; the answer is then lost, as it must be.
    #[inline]
    pub fn commit<E>(self, store: impl FnOnce(&Device) -> Result<(), E>) -> Result<T, E> {
        if self.changed {
            store(&self.next)?;
        }
        Ok(self.held.release())
    }

    /// Whether there is something to store. This tells nothing of the answer: an open device changes with every attempt.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// The next device, and the answer held back: for hosts that store asynchronously.
    ///
    /// Release the answer only after the device is stored.
    pub fn split(self) -> (Device, Held<T>) {
        (self.next, self.held)
    }
}

/// An answer held back until its device is stored.
#[must_use = "store the device, then release the answer"]
pub struct Held<T>(T);

impl<T> Held<T> {
    /// The answer. Call this only after the device that came with it is stored.
    pub fn release(self) -> T {
        self.0
    }
}

// Neither tells anything: the next device's fails would give the answer away.
impl<T> fmt::Debug for Attempt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(..)")
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held(..)")
    }
}
