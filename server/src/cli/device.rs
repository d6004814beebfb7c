//! `keyfob show`, `unlock` and `resync`: the administrator's work on a state file.

use std::fmt::Write as _;
use std::process::ExitCode;

use keyfob::{Algorithm, Device, Digits, Error, Factor, Policy, Status};
use keyfob_scim::date;
use serde_json::{Value, json};

use super::args::{ResyncArgs, ShowArgs, UnlockArgs};
use super::state::{self, State};
use super::{Result, input, note, output, verify};
use crate::store::word;

/// A field of a device, and what the text says beside its value, if that explains it.
type Field = (&'static str, Value, Option<String>);

pub(crate) fn show(args: &ShowArgs) -> Result<ExitCode> {
    // Without the lock: the file is only ever replaced as a whole.
    let device = state::read(&args.state)?;
    let now = input::now(&args.clock)?;
    if args.json {
        output::print(&object(&device, now)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for (name, value, beside) in fields(&device, now) {
        let value = match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text,
            number => number.to_string(),
        };
        let beside = beside.map(|beside| format!(" ({beside})")).unwrap_or_default();
        writeln!(text, "{}: {value}{beside}", name.replace('_', " "))?;
    }
    output::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn fields(device: &Device, now: u64) -> [Field; 11] {
    let period = if let Factor::Totp(totp) = device.factor() { Some(totp.period()) } else { None };
    let ahead_until = ahead_until(device, now);
    [
        ("kind", json!(device.kind().name()), None),
        ("status", json!(device.status().letter()), Some(word(device.status()).to_owned())),
        ("fails", json!(device.fails()), None),
        ("algorithm", json!(device.algorithm().map(Algorithm::name)), None),
        ("digits", json!(device.digits().map(Digits::get)), None),
        ("period", json!(period), period.map(|_| "seconds".to_owned())),
        ("moving_factor", json!(device.moving_factor()), None),
        ("created", json!(device.created()), Some(utc(device.created()))),
        ("last_used", json!(device.last_used()), device.last_used().map(utc)),
        ("throttled_until", json!(device.throttled_until()), device.throttled_until().map(utc)),
        ("ahead_until", json!(ahead_until), ahead_until.map(utc)),
    ]
}

/// The device as a line of JSON, without its secret.
fn object(device: &Device, now: u64) -> Result<output::Wiped> {
    output::json(fields(device, now).into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect())
}

/// A time as people read it.
pub(super) fn utc(seconds: u64) -> String {
    format!("{} UTC", date::write(seconds, false))
}

/// When the step after the highest accepted one begins, in Unix seconds: from then on the code of
/// each step is right. Only of TOTP.
pub(super) fn next_right(device: &Device) -> Option<u64> {
    let Factor::Totp(totp) = device.factor() else { return None };
    Some(device.moving_factor().saturating_mul(totp.period().into()).saturating_add(totp.t0()))
}

/// Until when, in Unix seconds, no code is right as one was accepted while a clock was ahead; none
/// if no code was.
fn ahead_until(device: &Device, now: u64) -> Option<u64> {
    let Factor::Totp(totp) = device.factor() else { return None };
    let highest = device.moving_factor().checked_sub(1)?;
    // Before T0 any step lies ahead.
    let latest = totp.step(now).map_or(0, |present| present.saturating_add(Policy::default().window().into()));
    if highest > latest { next_right(device) } else { None }
}

pub(crate) fn unlock(args: &UnlockArgs) -> Result<ExitCode> {
    let state = State::lock(&args.state)?;
    let mut device = state.read()?;
    if device.status() == Status::Disabled {
        return Err(format!("{}: {}, which unlocking does not change", args.state.display(), Error::Disabled).into());
    }
    let now = input::now(&args.clock)?;
    device.unlock(now)?;
    if args.forget_steps {
        let before = device.moving_factor();
        device.forget_steps(now).map_err(|error| format!("--forget-steps: {error}"))?;
        if device.moving_factor() < before {
            let period = if let Factor::Totp(totp) = device.factor() { totp.period() } else { 0 };
            note(&format!(
                "codes are right again from the next one on, in at most {period} seconds; codes used while the clock was ahead are right \
                 once more when their time comes"
            ));
        }
    }
    state.replace(&device.to_record())?;
    if args.json {
        output::print(&object(&device, now)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn resync(args: &ResyncArgs) -> Result<ExitCode> {
    let state = State::lock(&args.state)?;
    let (first, second) = (input::code(Some(&args.code1))?, input::code(Some(&args.code2))?);
    let device = state.read()?;
    let builder = Policy::builder();
    let builder = args.window.map_or(builder, |counters| builder.resync_window(counters));
    let policy = builder.build().map_err(|error| format!("--window: {error}"))?;
    let attempt = device.resync(&policy, &first, &second, input::now(&args.clock)?)?;
    verify::answer(attempt.commit(|next| state.replace(&next.to_record()))?, args.json)
}
