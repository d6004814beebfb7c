//! `keyfob resync`: finds a HOTP device that has run ahead.

use std::process::ExitCode;

use keyfob::{Error, Kind, Policy};

use super::state::State;
use super::{clock, input, verify};
use crate::cli::args::ResyncArgs;
use crate::cli::result::Result;

pub(crate) fn run(args: &ResyncArgs) -> Result<ExitCode> {
    let state = State::lock(&args.state)?;
    let (first, second) = (input::read_code(Some(&args.code1))?, input::read_code(Some(&args.code2))?);
    let device = state.read()?;
    // TOTP needs a policy that learns drift, which no option of this command gives.
    if device.kind() != Kind::Hotp {
        return Err(Error::WrongKind.into());
    }
    let builder = Policy::builder();
    let builder = args.window.map_or(builder, |counters| builder.resync_window(counters));
    let policy = builder.build().map_err(|error| format!("--window: {error}"))?;
    let attempt = device.resync(&policy, &first, &second, clock::now(&args.clock)?)?;
    verify::print_verdict(attempt.commit(|next| state.replace(&next.to_record()))?, args.json)
}
