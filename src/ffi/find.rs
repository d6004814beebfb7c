//! The search for a token by its codes, over an array of records.

use core::ffi::c_char;

use super::guard::guard;
use super::memory::{Out, bytes, chars};
use super::policy::{keyfob_policy, policy};
use super::record::keyfob_record;
use super::result::keyfob_result;
use super::size::KEYFOB_RECORD_SIZE;
use crate::{Device, Search};

/// The most records of one call: a bit of the mask for each.
const MAX_RECORDS: usize = 64;
/// So many devices at a time, for the sake of small stacks.
const BATCH_SIZE: usize = 32;

/// Finds the TOTP and HOTP devices that show the code `first` at time `now`, and `second` next, for
/// an administrator who holds a token without a label. `records` are `count` records, at most 64 in
/// one call. `matches` gets bit n for the record n, counted from 0. `second` may be NULL for a
/// search by one code, which many devices soon show by chance. `policy` may be NULL. It looks where
/// keyfob_device_verify does, and one further for the second code. It identifies and does not
/// authenticate: it changes no record, counts no fail, ignores status, locks and validity, and
/// takes used codes. SMS, e-mail and PIN are never found. Constant time for each device.
/// Thread-safe.
///
/// Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_device_find(
    records: *const keyfob_record,
    count: usize,
    policy: *const keyfob_policy,
    first: *const c_char,
    first_length: usize,
    second: *const c_char,
    second_length: usize,
    now: u64,
    matches: *mut u64,
) -> keyfob_result {
    guard(|| {
        if count > MAX_RECORDS {
            return Err(keyfob_result::LENGTH);
        }
        // SAFETY: the caller keeps to the header; records are plain bytes.
        let records = unsafe { bytes(records.cast(), count.saturating_mul(KEYFOB_RECORD_SIZE)) }?;
        let (records, _) = records.as_chunks::<KEYFOB_RECORD_SIZE>();
        let out = Out::new(matches)?;
        // SAFETY: the caller keeps to the header.
        let (mut room, first) = unsafe { (None, chars(first, first_length)?) };
        // SAFETY: the caller keeps to the header.
        let policy = *unsafe { self::policy(policy, &mut room) }?;
        let search = if second.is_null() {
            Search::for_code(policy, first, now)
        } else {
            // SAFETY: the caller keeps to the header.
            Search::for_two_codes(policy, first, unsafe { chars(second, second_length) }?, now)
        };
        let mut mask = 0;
        for (records, shift) in records.chunks(BATCH_SIZE).zip([0, BATCH_SIZE]) {
            mask |= find(&search, records)? << shift;
        }
        // SAFETY: the caller keeps to the header.
        unsafe { out.write(mask) };
        Ok(())
    })
}

/// A bit for each of up to [`BATCH_SIZE`] records.
fn find(search: &Search, records: &[[u8; KEYFOB_RECORD_SIZE]]) -> Result<u64, keyfob_result> {
    let mut devices = [const { None }; BATCH_SIZE];
    for (to, record) in devices.iter_mut().zip(records) {
        *to = Some(Device::from_bytes(record)?);
    }
    let [Some(first), ..] = &devices else { return Ok(0) };
    let (mut all, mut found) = ([first; BATCH_SIZE], [false; BATCH_SIZE]);
    all.iter_mut().zip(devices.iter().flatten()).for_each(|(to, device)| *to = device);
    search.find(all.get(..records.len()).unwrap_or_default(), &mut found);
    Ok(found.iter().rev().fold(0, |mask, &found| mask << 1 | u64::from(found)))
}
