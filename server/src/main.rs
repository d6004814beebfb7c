//! `keyfob`: one-time passwords on the command line. Exit status: 0 done or right, 1 wrong, 2 bad use or an error.
#![forbid(unsafe_code)]
// No panic is reachable from any input: what may panic is not written. Tests may.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod args;
mod authenticator;
mod code;
// Used as soon as there is something to deliver.
#[allow(dead_code, unused_imports)]
mod delivery;
mod device;
mod enroll;
mod file;
mod input;
mod output;
mod qr;
mod state;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Cli, Command};

/// Errors end the command and are only ever printed, so a message is all they need.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|error| {
        note(&error.to_string());
        ExitCode::from(2)
    })
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Code(args) => code::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Enroll(args) => enroll::run(args),
        Command::Show(args) => device::show(&args),
        Command::Unlock(args) => device::unlock(&args),
        Command::Resync(args) => device::resync(&args),
        Command::Completions { shell } => {
            // Into memory first: the generator panics if its writer fails.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "keyfob", &mut script);
            output::print(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Tells the person something. If even standard error is closed, there is nobody left to tell.
fn note(message: &str) {
    let _ = writeln!(std::io::stderr(), "keyfob: {message}");
}
