//! The time of a command, and devices whose clock was ahead.

use std::time::SystemTime;

use keyfob::{Device, Factor, Policy};
use keyfob_scim::date;

use crate::cli::args::Clock;
use crate::cli::result::Result;

/// The time of the command in Unix seconds: the option's, else the system's.
pub(super) fn now(clock: &Clock) -> Result<u64> {
    let system = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs());
    clock.now.map_or_else(system, Ok).map_err(|_| "system clock: is before 1970; set it, or give --now TIME".into())
}

/// A time as people read it.
pub(super) fn utc(seconds: u64) -> String {
    format!("{} UTC", date::format_soffid(seconds))
}

/// When the step after the highest accepted one begins, in Unix seconds: from then on the code of
/// each step is right. Only of TOTP.
pub(super) fn next_right(device: &Device) -> Option<u64> {
    let Factor::Totp(totp) = device.factor() else { return None };
    Some(device.moving_factor().saturating_mul(totp.period().into()).saturating_add(totp.t0()))
}

/// Until when, in Unix seconds, no code is right as one was accepted while a clock was ahead; none
/// if no code was.
pub(super) fn ahead_until(device: &Device, now: u64) -> Option<u64> {
    let Factor::Totp(totp) = device.factor() else { return None };
    let highest = device.moving_factor().checked_sub(1)?;
    // Before T0 any step lies ahead.
    let latest = totp.step(now).map_or(0, |present| present.saturating_add(Policy::default().window().into()));
    if highest > latest { next_right(device) } else { None }
}
