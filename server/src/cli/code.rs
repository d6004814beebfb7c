//! `keyfob code`: the code of a secret.

use std::process::ExitCode;

use keyfob::Code;
use serde_json::{Value, json};

use super::args::CodeArgs;
use super::authenticator::Authenticator;
use super::{Result, input, output};

pub(crate) fn run(args: &CodeArgs) -> Result<ExitCode> {
    match Authenticator::read(&args.authenticator)? {
        Authenticator::Totp(totp) => {
            let now = input::now(&args.clock)?;
            let (step, code) = (totp.step(now)?, totp.generate(now)?);
            let period = u64::from(totp.period());
            let from = step.saturating_mul(period).saturating_add(totp.t0());
            let until = from.saturating_add(period);
            let object = || json!({"kind": "TOTP", "code": code.as_str(), "step": step, "valid_from": from, "valid_until": until});
            print(&code, args.json.then(object))
        }
        Authenticator::Hotp { hotp, counter } => {
            let code = hotp.generate(counter);
            let object = || json!({"kind": "HOTP", "code": code.as_str(), "counter": counter});
            print(&code, args.json.then(object))
        }
    }
}

fn print(code: &Code, object: Option<Value>) -> Result<ExitCode> {
    match object {
        Some(object) => output::print(&output::json(object)?)?,
        None => output::line(code.as_str())?,
    }
    Ok(ExitCode::SUCCESS)
}
