//! The time of a command, and devices whose clock was ahead.

use keyfob::{Device, Factor, Policy};
use keyfob_scim::date;

use crate::cli::args::Clock;
use crate::cli::clock;
use crate::cli::result::Result;

/// The time of the command in Unix seconds: the option's, else the system's.
pub(super) fn now(options: &Clock) -> Result<u64> {
    let system = || clock::now().map_err(|error| format!("{error}, or give --now TIME").into());
    options.now.map_or_else(system, Ok)
}

/// A time for people.
pub(super) fn utc(seconds: u64) -> String {
    format!("{} UTC", date::format_soffid(seconds))
}

/// The start of the step after the highest accepted one, in Unix seconds. From then on the codes of
/// all steps are accepted. Only for TOTP.
pub(super) fn accepted_from(device: &Device) -> Option<u64> {
    let Factor::Totp(totp) = device.factor() else { return None };
    Some(device.moving_factor().saturating_mul(totp.period().into()).saturating_add(totp.t0()))
}

/// The end, in Unix seconds, of the time without a right code: a code was accepted while a clock
/// was ahead. None if no clock was.
pub(super) fn ahead_until(device: &Device, now: u64) -> Option<u64> {
    let Factor::Totp(totp) = device.factor() else { return None };
    let highest = device.moving_factor().checked_sub(1)?;
    // Before T0 any accepted step lies ahead.
    let latest = totp.step(now).map_or(0, |present| {
        // By the clock of the authenticator as well.
        let shown = present.max(present.saturating_add_signed(device.drift().into()));
        shown.saturating_add(Policy::default().window().into())
    });
    if highest > latest { accepted_from(device) } else { None }
}
