//! The pause between the messages of a device. Each message costs money, and disturbs the person
//! who gets it.
//!
//! The record needs no time of the last message. Sending a code changes the device, so the last
//! message is not younger than the latest change. A pending code or fails show that a code was sent
//! since the last right code: a right code resets both, and a code that ends otherwise ends by a
//! fail. So the pause holds over restarts, and for all processes that share a store.

use keyfob::Device;

use crate::error::Error;
use crate::settings::Settings;

/// Checks that another message may go out.
///
/// Errors: 429 during the pause after the last message and the last wrong code. A right code ends
/// the pause, as does an administrator who ends the code of a device without fails.
pub(crate) fn check(device: &Device, settings: &Settings, now: u64) -> Result<(), Error> {
    let is_begun = device.pending_since().is_some() || device.fails() > 0;
    let left = device.last_changed().saturating_add(settings.message_pause.into()).saturating_sub(now);
    if !is_begun || left == 0 {
        return Ok(());
    }
    let detail = format!("a code was sent or tried a moment ago; another message can be sent in {left} seconds");
    Err(Error::new(429, detail).with_retry_after(left))
}

/// Begins the pause for a code that is sent again. That changes nothing else in the device, while
/// the first sending is a change already.
pub(crate) fn begin(device: &mut Device, now: u64) -> Result<(), Error> {
    Ok(device.set_status(device.status(), now)?)
}
