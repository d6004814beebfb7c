//! Records, and the devices in them.

use super::guard::guard;
use super::memory::{Buffer, bytes};
use super::result::keyfob_result;
use super::size::KEYFOB_RECORD_SIZE;
use crate::Device;

/// A device: plain bytes that the caller owns and may copy, compare and store. They hold the secret
/// in the clear.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct keyfob_record {
    /// The bytes. docs/record-format.md has their table.
    pub bytes: [u8; KEYFOB_RECORD_SIZE],
}

impl core::fmt::Debug for keyfob_record {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("keyfob_record")
    }
}

/// The device in the record at `pointer`. Inlined, as `To::commit` is: a device has 200 bytes, and
/// moving it costs as much as all the rest of the C ABI.
#[inline(always)]
pub(super) unsafe fn device(pointer: *const keyfob_record) -> Result<Device, keyfob_result> {
    // SAFETY: the caller's promise is passed on.
    Ok(Device::from_bytes(unsafe { record(pointer) }?)?)
}

/// The bytes of the record at `pointer`, for callers that use the result of [`Device::from_bytes`]
/// without moving it.
pub(super) unsafe fn record<'a>(pointer: *const keyfob_record) -> Result<&'a [u8], keyfob_result> {
    // SAFETY: the caller's promise is passed on; a record is plain bytes.
    unsafe { bytes(pointer.cast(), KEYFOB_RECORD_SIZE) }
}

/// Where a record is written at the end.
pub(super) fn out(pointer: *mut keyfob_record) -> Result<Buffer, keyfob_result> {
    Buffer::new(pointer.cast(), KEYFOB_RECORD_SIZE, KEYFOB_RECORD_SIZE)
}

/// Reads `length` bytes from storage as a record. A foreign, a newer, a cut and a damaged record
/// have results of their own. Writes a right one to `record`, which may be NULL to check only.
/// Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, RECORD_LENGTH, the record's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_record_read(bytes: *const u8, length: usize, record: *mut keyfob_record) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let device = Device::from_bytes(unsafe { self::bytes(bytes, length) }?);
        // Used where it is: moving it costs more than reading it.
        let device = device.as_ref().map_err(|&error| error)?;
        if !record.is_null() {
            // SAFETY: the caller keeps to the header.
            unsafe { out(record)?.write(device.to_record().as_bytes()) };
        }
        Ok(())
    })
}
