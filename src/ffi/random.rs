//! Randomness: of the caller's callback, or of the operating system in hosted builds.

use core::ffi::c_void;

use rand_core::{TryCryptoRng, TryRng};

use crate::Error;

/// Fills `length` bytes at `bytes` with randomness fit for secrets and returns 0; anything else is
/// a failure. `context` is what the caller passed along. Must return, without an exception and
/// without longjmp, and must not call keyfob with the same record.
pub type keyfob_random_fn = Option<unsafe extern "C" fn(context: *mut c_void, bytes: *mut u8, length: usize) -> i32>;

/// The callback; without one, the operating system.
pub(super) struct Random(pub(super) keyfob_random_fn, pub(super) *mut c_void);

impl TryRng for Random {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        match self.0 {
            // SAFETY: the callback is the caller's own; the memory has the length that it gets.
            Some(fill) => match unsafe { fill(self.1, bytes.as_mut_ptr(), bytes.len()) } {
                0 => Ok(()),
                _ => Err(Error::Randomness),
            },
            None => system(bytes),
        }
    }
}

impl TryCryptoRng for Random {}

#[cfg(feature = "getrandom")]
fn system(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|_| Error::Randomness)
}

#[cfg(not(feature = "getrandom"))]
fn system(_: &mut [u8]) -> Result<(), Error> {
    Err(Error::Randomness)
}
