//! `keyfob code`: the codes of a secret or of a state file.

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
                lines.extend_from_slice(&step_line(&totp, step, now, args)?);
            }
        }
        Authenticator::Hotp { hotp, counter } => {
            for counter in counter..=counter.saturating_add(window) {
                lines.extend_from_slice(&counter_line(&hotp, counter, args)?);
            }
        }
    }
    output::print(&lines)?;
    Ok(ExitCode::SUCCESS)
}

fn authenticator(args: &CodeArgs) -> Result<Authenticator> {
    let Some(path) = &args.state else {
        let text = input::read_secret(args.authenticator.secret_file.as_deref())?;
        return Authenticator::from_secret(
            secret::parse(&text, args.authenticator.hex, args.authenticator.allow_short_secrets)?,
            &args.authenticator,
        );
    };
    let device = state::read(path)?;
    if matches!(device.status(), Status::Locked | Status::Disabled) {
        let word = store::word(device.status());
        note(&format!("{}: the device is {word}: keyfob verify accepts no code", path.display()));
    }
    Authenticator::from_factor(device.factor(), device.moving_factor())
}

/// The line for the code of a step, at time `now`.
fn step_line(totp: &Totp, step: u64, now: u64, args: &CodeArgs) -> Result<Wiped> {
    let code = totp.hotp().generate(step);
    let period = u64::from(totp.period());
    let from = step.saturating_mul(period).saturating_add(totp.t0());
    let until = from.saturating_add(period);
    let left = until.saturating_sub(now);
    if args.json {
        return output::json_line(json!({
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

/// The line for the code of a counter.
fn counter_line(hotp: &Hotp, counter: u64, args: &CodeArgs) -> Result<Wiped> {
    let code = hotp.generate(counter);
    if args.json {
        return output::json_line(json!({"kind": "HOTP", "code": code.as_str(), "counter": counter}));
    }
    Ok(if args.verbose { line(&[code.as_str(), "  counter ", &counter.to_string()]) } else { line(&[code.as_str()]) })
}

fn line(parts: &[&str]) -> Wiped {
    Zeroizing::new([&parts.concat(), "\n"].concat().into_bytes())
}
