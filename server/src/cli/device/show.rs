//! `keyfob show`: the device in a state file, without its secret.

use std::fmt::Write as _;
use std::process::ExitCode;

use keyfob::{Algorithm, Device, Digits, Factor};
use serde_json::{Value, json};

use super::{clock, state};
use crate::cli::args::ShowArgs;
use crate::cli::output;
use crate::cli::result::Result;
use crate::file::Wiped;
use crate::store::word;

/// A field of a device: its name, its value, and an explanation for people, if there is one.
type Field = (&'static str, Value, Option<String>);

pub(crate) fn run(args: &ShowArgs) -> Result<ExitCode> {
    // Without the lock: the file is replaced as a whole only.
    let device = state::read(&args.state)?;
    let now = clock::now(&args.clock)?;
    if args.json {
        output::print(&object(&device, now)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for (name, value, note) in fields(&device, now) {
        let value = match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text,
            number => number.to_string(),
        };
        let note = note.map(|note| format!(" ({note})")).unwrap_or_default();
        writeln!(text, "{}: {value}{note}", name.replace('_', " "))?;
    }
    output::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn fields(device: &Device, now: u64) -> [Field; 17] {
    let period = if let Factor::Totp(totp) = device.factor() { Some(totp.period()) } else { None };
    let drift = period.map(|_| device.drift());
    let ahead_until = clock::ahead_until(device, now);
    let has_short_secret = device.generator().is_some_and(|hotp| hotp.secret().is_short());
    let code_count = if let Factor::Recovery(codes) = device.factor() { Some(codes.count()) } else { None };
    let (not_before, not_after) = (device.validity().not_before(), device.validity().not_after());
    [
        ("kind", json!(device.kind().name()), None),
        ("status", json!(device.status().letter()), Some(word(device.status()).to_owned())),
        ("fails", json!(device.fails()), None),
        ("algorithm", json!(device.algorithm().map(Algorithm::name)), None),
        ("digits", json!(device.digits().map(Digits::get)), None),
        ("period", json!(period), period.map(|_| "seconds".to_owned())),
        ("has_short_secret", json!(has_short_secret), has_short_secret.then(|| "fewer than 128 bits".to_owned())),
        ("moving_factor", json!(device.moving_factor()), None),
        ("drift", json!(drift), drift.map(|_| "steps by which the authenticator's clock is ahead".to_owned())),
        ("recovery_code_count", json!(code_count), None),
        ("recovery_codes_left", json!(device.recovery_codes_left()), None),
        ("created", json!(device.created()), Some(clock::utc(device.created()))),
        ("not_before", json!(not_before), not_before.map(clock::utc)),
        ("not_after", json!(not_after), not_after.map(clock::utc)),
        ("last_used", json!(device.last_used()), device.last_used().map(clock::utc)),
        ("throttled_until", json!(device.throttled_until()), device.throttled_until().map(clock::utc)),
        ("ahead_until", json!(ahead_until), ahead_until.map(clock::utc)),
    ]
}

/// The device as a line of JSON, without its secret.
pub(super) fn object(device: &Device, now: u64) -> Result<Wiped> {
    output::json_line(fields(device, now).into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect())
}
