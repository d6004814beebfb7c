//! How often the code of a device is sent: each message costs money, and disturbs whoever gets it.
//!
//! The time of the last message stands in the device's record, as that of its latest change, so the pause holds over restarts and
//! for all processes that share a store. A wrong answer is a change too: whoever gives one has the message already.

use keyfob::Device;

use crate::{Error, Settings};

/// Whether another message may go out. Errors: 429 as long as a code that lives waits for its answer, and the last change is no such
/// pause ago.
pub(crate) fn check(device: &Device, settings: &Settings, now: u64) -> Result<(), Error> {
    let Some(issued) = device.pending_since() else { return Ok(()) };
    let over = device.last_changed().saturating_add(settings.pause.into());
    let dead = issued.saturating_add(settings.policy.lifetime().into());
    let left = over.min(dead).saturating_sub(now);
    if left == 0 {
        return Ok(());
    }
    let detail =
        format!("the code was sent or tried a moment ago and is still good; another message can be sent in {left} seconds");
    Err(Error::new(429, detail).with_retry_after(left))
}

/// Begins the pause for a code that is sent once more, which changes nothing else of its device. The first sending is a change already.
pub(crate) fn begin(device: &mut Device, now: u64) -> Result<(), Error> {
    Ok(device.set_status(device.status(), now)?)
}
