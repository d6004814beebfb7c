//! Layer 3: no answer before the new state is stored.

use core::fmt;

use crate::device::State;
use crate::{Device, RECORD_SIZE, Record};
#[cfg(feature = "seal")]
use crate::{SEAL_NONCE_SIZE, SEALED_SIZE, SealKey};

/// The next device and an answer that comes out only by committing it.
///
/// A host that serves several attempts at once stores with compare and swap on
/// [`Device::revision`]. If the stored revision is no longer the one that was read (one less than
/// the next device's), it reads again and makes the attempt again. An attempt on a device that
/// takes none (locked, disabled, throttled) changes nothing, and then nothing is stored.
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
pub struct Attempt<'d, T> {
    device: &'d Device,
    next: State,
    held: Held<T>,
}

impl<'d, T> Attempt<'d, T> {
    pub(crate) const fn new(device: &'d Device, next: State, answer: T) -> Self {
        Self { device, next, held: Held(answer) }
    }

    /// Gives the next device to `store` and, once that has stored it, returns the answer. Does not
    /// call `store` if nothing changed.
    ///
    /// Errors are those of `store`; the answer is then lost, as it must be.
    pub fn commit<E>(self, store: impl FnOnce(&Next<'_>) -> Result<(), E>) -> Result<T, E> {
        self.next().store_if_changed(store)?;
        Ok(self.held.release())
    }

    /// Whether there is something to store. This tells nothing of the answer: an open device
    /// changes with every attempt.
    pub const fn is_changed(&self) -> bool {
        self.next().is_changed()
    }

    /// The next device, and the answer held back: for hosts that store asynchronously.
    ///
    /// Release the answer only after the device is stored.
    pub fn split(self) -> (Device, Held<T>) {
        (self.next().to_device(), self.held)
    }

    const fn next(&self) -> Next<'_> {
        Next { device: self.device, state: &self.next }
    }
}

/// The next device, for its store. An attempt changes no secret, so this has none of its own: it
/// borrows that of the device before.
pub struct Next<'a> {
    device: &'a Device,
    state: &'a State,
}

impl<'a> Next<'a> {
    pub(crate) const fn new(device: &'a Device, state: &'a State) -> Self {
        Self { device, state }
    }

    /// Gives it to `store`, if it is another device than the one before.
    #[inline]
    pub(crate) fn store_if_changed<E>(&self, store: impl FnOnce(&Self) -> Result<(), E>) -> Result<(), E> {
        if self.is_changed() { store(self) } else { Ok(()) }
    }

    const fn is_changed(&self) -> bool {
        self.state.revision != self.device.state.revision
    }

    /// Its revision, as [`Device::revision`]: one more than that of the device before.
    pub const fn revision(&self) -> u64 {
        self.state.revision
    }

    /// Its record.
    pub fn to_record(&self) -> Record {
        Record::of(self.device, self.state)
    }

    /// Writes its record over `record`, without another copy of the secret on the way.
    pub fn write_record(&self, record: &mut [u8; RECORD_SIZE]) {
        self.device.write_with(self.state, record);
    }

    /// Its record, sealed under `key` for the device of this id, as
    /// [`SealKey::seal`](crate::SealKey::seal) seals a device. `nonce` is drawn at random for each
    /// call.
    #[cfg(feature = "seal")]
    pub fn seal(&self, key: &SealKey, device_id: &[u8], nonce: [u8; SEAL_NONCE_SIZE]) -> [u8; SEALED_SIZE] {
        key.seal_record(self.to_record(), device_id, nonce)
    }

    /// The device.
    pub fn to_device(&self) -> Device {
        Device { state: *self.state, ..self.device.clone() }
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

// None tells anything: the next device's fails would give the answer away.
impl<T> fmt::Debug for Attempt<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(..)")
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held(..)")
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next(..)")
    }
}
