//! `keyfob unlock`: opens a locked device in a state file.

use std::process::ExitCode;

use keyfob::{Error, Factor, Status};

use super::state::State;
use super::{clock, show};
use crate::cli::args::UnlockArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;

pub(crate) fn run(args: &UnlockArgs) -> Result<ExitCode> {
    let state = State::lock(&args.state)?;
    let mut device = state.read()?;
    if device.status() == Status::Disabled {
        return Err(format!("{}: {}, which unlocking does not change", args.state.display(), Error::Disabled).into());
    }
    let now = clock::now(&args.clock)?;
    let drift = device.drift();
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
    if drift != 0 {
        note(&format!(
            "the learned drift of {drift} steps is forgotten; if right codes are refused now, give keyfob resync with two codes in a row"
        ));
    }
    if args.json {
        output::print(&show::object(&device, now)?)?;
    }
    Ok(ExitCode::SUCCESS)
}
