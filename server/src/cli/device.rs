//! `keyfob show`, `unlock` and `resync`: the administrator's work on a state file.

use std::fmt::Write as _;
use std::process::ExitCode;

use keyfob::{Algorithm, Digits, Error, Factor, Policy, Status};
use serde_json::{Value, json};

use super::args::{ResyncArgs, ShowArgs, UnlockArgs};
use super::state::{self, State};
use super::{Result, input, note, output, verify};

pub(crate) fn show(args: &ShowArgs) -> Result<ExitCode> {
    // Without the lock: the file is only ever replaced as a whole.
    let device = state::read(&args.state)?;
    let period = if let Factor::Totp(totp) = device.factor() { Some(totp.period()) } else { None };
    let fields = [
        ("kind", json!(device.kind().name())),
        ("status", json!(device.status().letter())),
        ("fails", json!(device.fails())),
        ("algorithm", json!(device.algorithm().map(Algorithm::name))),
        ("digits", json!(device.digits().map(Digits::get))),
        ("period", json!(period)),
        ("moving_factor", json!(device.moving_factor())),
        ("created", json!(device.created())),
        ("last_used", json!(device.last_used())),
        ("throttled_until", json!(device.throttled_until())),
    ];
    if args.json {
        let object = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        output::print(&output::json(object)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for (name, value) in fields {
        let value = match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text,
            number => number.to_string(),
        };
        writeln!(text, "{}: {value}", name.replace('_', " "))?;
    }
    output::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
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
            note("codes used while the clock was ahead are right once more when their time comes");
        }
    }
    state.replace(&device.to_record())?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn resync(args: &ResyncArgs) -> Result<ExitCode> {
    let state = State::lock(&args.state)?;
    let (first, second) = (input::code(Some(&args.code1))?, input::code(Some(&args.code2))?);
    let device = state.read()?;
    let attempt = device.resync(&Policy::default(), &first, &second, input::now(&args.clock)?)?;
    verify::answer(attempt.commit(|next| state.replace(&next.to_record()))?, args.json)
}
