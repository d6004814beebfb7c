//! How often the code of a device is sent: each message costs money, and disturbs the person who
//! gets it.
//!
//! The record has no time of the last message, and needs none. To send a code changes the device,
//! so the last message is no younger than the latest change; and whether one was sent since the
//! last right answer shows in what that answer takes back: the code that waits for it, and the
//! fails. A code that ends otherwise ends by a fail. So the pause holds over restarts and for all
//! processes that share a store.

use keyfob::Device;

use crate::error::Error;
use crate::settings::Settings;

/// Whether another message may go out. Errors: 429 until the pause is over since the last message
/// and the last wrong answer, unless a right answer has come since, or an administrator has ended
/// the code and no fails are left.
pub(crate) fn check(device: &Device, settings: &Settings, now: u64) -> Result<(), Error> {
    let is_begun = device.pending_since().is_some() || device.fails() > 0;
    let left = device.last_changed().saturating_add(settings.message_pause.into()).saturating_sub(now);
    if !is_begun || left == 0 {
        return Ok(());
    }
    let detail = format!("a code was sent or tried a moment ago; another message can be sent in {left} seconds");
    Err(Error::new(429, detail).with_retry_after(left))
}

/// Begins the pause for a code that is sent once more, which changes nothing else of its device.
/// The first sending is a change already.
pub(crate) fn begin(device: &mut Device, now: u64) -> Result<(), Error> {
    Ok(device.set_status(device.status(), now)?)
}
