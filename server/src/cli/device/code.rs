//! `keyfob code`: the codes of a secret, or of a state file.

use std::process::ExitCode;

use keyfob::{Hotp, Status, Totp};
use keyfob_scim::date;
use serde_json::json;
use zeroize::Zeroizing;

use super::authenticator::Authenticator;
use super::{clock, input, secret, state};
use crate::cli::args::CodeArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::file::Wiped;
use crate::store;

pub(crate) fn run(args: &CodeArgs) -> Result<ExitCode> {
    let window = u64::from(args.window);
    let mut lines = Zeroizing::new(Vec::new());
    match authenticator(args)? {
        Authenticator::Totp(totp) => {
            let now = clock::now(&args.clock)?;
            let step = totp.step(now)?;
            for step in step.saturating_sub(window)..=step.saturating_add(window) {
                lines.extend_from_slice(&of_step(&totp, step, now, args)?);
            }
        }
        Authenticator::Hotp { hotp, counter } => {
            for counter in counter..=counter.saturating_add(window) {
                lines.extend_from_slice(&of_counter(&hotp, counter, args)?);
            }
        }
    }
    output::print(&lines)?;
    Ok(ExitCode::SUCCESS)
}

fn authenticator(args: &CodeArgs) -> Result<Authenticator> {
    let Some(path) = &args.state else {
        let text = input::secret(args.authenticator.secret_file.as_deref())?;
        return Authenticator::read(secret::read(&text, args.authenticator.hex)?, &args.authenticator);
    };
    let device = state::read(path)?;
    if matches!(device.status(), Status::Locked | Status::Disabled) {
        let word = store::word(device.status());
        note(&format!("{}: the device is {word}: keyfob verify takes no code", path.display()));
    }
    Authenticator::of_factor(device.factor(), device.moving_factor())
}

/// The line of a step's code at time `now`.
fn of_step(totp: &Totp, step: u64, now: u64, args: &CodeArgs) -> Result<Wiped> {
    let code = totp.hotp().generate(step);
    let period = u64::from(totp.period());
    let from = step.saturating_mul(period).saturating_add(totp.t0());
    let until = from.saturating_add(period);
    let left = until.saturating_sub(now);
    if args.json {
        return output::json(json!({
            "kind": "TOTP",
            "code": code.as_str(),
            "step": step,
            "valid_from": from,
            "valid_until": until,
            "seconds_left": left,
        }));
    }
    if !args.verbose {
        return Ok(line(&[code.as_str()]));
    }
    let when = match from.checked_sub(now) {
        Some(seconds @ 1..) => format!("begins in {seconds} s"),
        _ if left == 0 => "over".to_owned(),
        _ => format!("{left} s left"),
    };
    Ok(line(&[code.as_str(), "  ", &date::format_soffid(from), " to ", &date::format_soffid(until), " UTC, ", &when]))
}

/// The line of a counter's code.
fn of_counter(hotp: &Hotp, counter: u64, args: &CodeArgs) -> Result<Wiped> {
    let code = hotp.generate(counter);
    if args.json {
        return output::json(json!({"kind": "HOTP", "code": code.as_str(), "counter": counter}));
    }
    Ok(if args.verbose { line(&[code.as_str(), "  counter ", &counter.to_string()]) } else { line(&[code.as_str()]) })
}

fn line(parts: &[&str]) -> Wiped {
    Zeroizing::new([&parts.concat(), "\n"].concat().into_bytes())
}
