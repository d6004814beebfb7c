//! `keyfob verify`: verifies a code against a secret or a state file.

use std::path::Path;
use std::process::ExitCode;

use keyfob::{Attempt, Device, Error, GuessChance, Kind, Policy, PolicyBuilder, Reason, Verdict};
use serde_json::json;

use super::authenticator::Authenticator;
use super::state::State;
use super::{clock, input, recovery, secret};
use crate::cli::args::VerifyArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode> {
    match &args.state {
        Some(path) => against_state(path, args),
        None => against_secret(args),
    }
}

fn against_state(path: &Path, args: &VerifyArgs) -> Result<ExitCode> {
    // Before the lock: no process waits for a person who types.
    let code = input::read_code(args.code.as_deref())?;
    let state = State::lock(path)?;
    let device = state.read()?;
    recovery::check_typing(&device, &code)?;
    let builder = Policy::builder().max_drift(max_drift(&device, args.max_drift)?);
    let policy = policy(builder, device.kind(), args.window)?;
    let attempt = device.verify(&policy, &code, clock::now(&args.clock)?)?;
    conclude(attempt, &state, &device, path, args.json)
}

/// The largest drift to follow: the option's. Without it, a drift that was learned is followed, so
/// that a resync is not in vain, and none is learned anew.
fn max_drift(device: &Device, option: Option<u16>) -> Result<u16> {
    match option {
        Some(_) if device.kind() != Kind::Totp => Err(format!("--max-drift: {}", Error::WrongKind).into()),
        Some(steps) => Ok(steps),
        None if device.drift() == 0 => Ok(0),
        None => Ok(Policy::MAX_WINDOW),
    }
}

/// Stores the next device and prints the verdict.
pub(super) fn conclude(attempt: Attempt<'_, Verdict>, state: &State, device: &Device, path: &Path, json: bool) -> Result<ExitCode> {
    let verdict = attempt.commit(|next| state.replace(&next.to_record()))?;
    if let (Reason::ClockWasAhead, Some(time)) = (verdict.reason(), clock::accepted_from(device)) {
        note(&format!(
            "{}: has accepted a code of a later time, while a clock was ahead; codes are right again from {} on; wait until then, or give \
             keyfob unlock --forget-steps, whose help names the price",
            path.display(),
            clock::utc(time)
        ));
    }
    let mut object = json!({
        "success": verdict.is_right(),
        "locked": verdict.is_locked(),
        "reason": verdict.reason().name(),
        "fails": verdict.fails(),
        "matched": verdict.matched(),
        "drift": verdict.drift(),
    });
    let left = verdict.recovery_codes_left();
    if let Some((left, members)) = left.zip(object.as_object_mut()) {
        members.insert("recovery_codes_left".to_owned(), left.into());
    }
    if left.is_some() && verdict.reason() == Reason::Replayed {
        note("this recovery code was used before: take another one of the list");
    }
    let remark = left.map(recovery::remark).unwrap_or_default();
    output::print_verdict(verdict.is_right(), verdict.is_locked(), &remark, json.then_some(object))
}

/// Without state: a code is right as often as it is tried within its window, and nothing locks.
fn against_secret(args: &VerifyArgs) -> Result<ExitCode> {
    let options = &args.authenticator;
    let (text, code) = input::read_secret_and_code(options.secret_file.as_deref(), args.code.as_deref())?;
    let authenticator = Authenticator::from_secret(secret::parse(&text, options.hex, options.allow_short_secrets)?, options)?;
    // Without a lock there is no guess bound to hold. The library still limits the windows.
    let unbounded = Policy::builder().guess_bound(GuessChance::CERTAIN);
    let (matched, expected) = match authenticator {
        Authenticator::Totp(totp) => {
            let (now, policy) = (clock::now(&args.clock)?, policy(unbounded, Kind::Totp, args.window)?);
            (totp.search(&code, now, policy.window())?, totp.step(now)?)
        }
        Authenticator::Hotp { hotp, counter } => {
            let policy = policy(unbounded, Kind::Hotp, args.window)?;
            (hotp.search(&code, counter..=counter.saturating_add(u64::from(policy.look_ahead()))), counter)
        }
    };
    let drift = matched.map(|matched| matched.wrapping_sub(expected).cast_signed());
    let object = json!({"success": matched.is_some(), "locked": false, "matched": matched, "drift": drift});
    output::print_verdict(matched.is_some(), false, "", args.json.then_some(object))
}

/// The policy with the window of the option.
fn policy(builder: PolicyBuilder, kind: Kind, window: Option<u16>) -> Result<Policy> {
    let builder = match (kind, window) {
        (_, None) => builder,
        (Kind::Totp, Some(steps)) => builder.window(steps),
        (Kind::Hotp, Some(counters)) => builder.look_ahead(counters),
        _ => return Err(format!("--window: {}", Error::WrongKind).into()),
    };
    builder.build().map_err(|error| match error {
        // The bound is the library's default, which no option changes.
        Error::GuessBound => "--window: is so wide that codes could be guessed before the lock; give a smaller number".into(),
        Error::MaxDrift => format!("--max-drift: {}", Error::MaxDrift).into(),
        error => format!("--window: {error}").into(),
    })
}
