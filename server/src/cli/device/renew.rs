//! `keyfob renew`: new recovery codes for a state file, which end the old ones.

use std::process::ExitCode;

use getrandom::SysRng;
use keyfob::{Device, Factor, RecoveryCodes};

use super::state::State;
use super::{clock, recovery};
use crate::cli::args::RenewArgs;
use crate::cli::output;
use crate::cli::result::Result;

pub(crate) fn run(args: &RenewArgs) -> Result<ExitCode> {
    let state = State::lock(&args.state)?;
    let mut device = state.read()?;
    let Factor::Recovery(old) = device.factor() else {
        return Err(format!("{}: is {}; only recovery codes are renewed", args.state.display(), device.kind()).into());
    };
    let now = clock::now(&args.clock)?;
    let codes = RecoveryCodes::random(args.count.unwrap_or_else(|| old.count()), &mut SysRng)?;
    device.replace_factor(&Device::recovery(codes.clone(), now), now)?;
    let text = recovery::output_text(&codes, args.json)?;
    // First the file, then the output: a person must not keep codes that were not stored.
    state.replace(&device.to_record())?;
    output::print(&text).map_err(|error| format!("{error}; the old codes have ended all the same: give keyfob renew again"))?;
    Ok(ExitCode::SUCCESS)
}
