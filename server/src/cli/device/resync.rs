//! `keyfob resync`: finds a HOTP device that has run ahead, or a TOTP device whose clock is off.

use std::process::ExitCode;

use keyfob::{Device, Kind, Policy};

use super::state::State;
use super::{clock, input, verify};
use crate::cli::args::ResyncArgs;
use crate::cli::result::Result;

/// How far beyond the learned drift TOTP is searched without `--window`, in steps.
const TOTP_WINDOW_STEPS: u16 = 20;

pub(crate) fn run(args: &ResyncArgs) -> Result<ExitCode> {
    let state = State::lock(&args.state)?;
    let (first, second) = (input::read_code(Some(&args.code1))?, input::read_code(Some(&args.code2))?);
    let device = state.read()?;
    let policy = policy(&device, args.window)?;
    let attempt = device.resync(&policy, &first, &second, clock::now(&args.clock)?)?;
    verify::conclude(attempt, &state, &device, &args.state, args.json)
}

/// The policy that searches as far as the option says. Of TOTP it learns any drift found there.
fn policy(device: &Device, window: Option<u16>) -> Result<Policy> {
    let mut builder = Policy::builder();
    if device.kind() == Kind::Totp {
        let learned = u16::try_from(device.drift().unsigned_abs()).unwrap_or(Policy::MAX_WINDOW);
        let steps = window.unwrap_or_else(|| learned.saturating_add(TOTP_WINDOW_STEPS).min(Policy::MAX_WINDOW));
        if !(1..=Policy::MAX_WINDOW).contains(&steps) {
            return Err("--window: must be 1 to 1000 steps for TOTP".into());
        }
        builder = builder.resync_window(steps).max_drift(steps);
    } else if let Some(counters) = window {
        builder = builder.resync_window(counters);
    }
    builder.build().map_err(|error| format!("--window: {error}").into())
}
