//! The command line: what each command does, and what it tells people and scripts.

mod account;
mod args;
mod audit;
mod authenticator;
mod code;
mod device;
mod enroll;
mod first_account;
mod greeting;
mod import;
mod input;
mod key_watch;
mod migrate;
mod output;
mod qr;
mod rotate;
mod secret;
mod serve;
mod signals;
mod state;
mod terminal;
mod tls_watch;
mod verify;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::config::Catalog;
use args::{Cli, Command};

/// Errors end the command and are only ever printed, so a message is all they need.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Reads the command line of the process and does what it says.
pub fn main() -> ExitCode {
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
        Command::Serve(args) => serve::run(args),
        Command::Config => {
            output::print(Catalog.to_string().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Account(command) => account::run(command),
        Command::Audit(args) => audit::run(&args),
        Command::ImportSoffid(args) => import::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::RotateKey(args) => rotate::run(&args),
        Command::Completions { shell } => {
            // Into memory first: the generator panics if its writer fails.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "keyfob", &mut script);
            output::print(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Tells of rows that a list left out, each by a sentence. Returns the exit status: 1 if there is
/// such a row.
fn left_out(damaged: &[String]) -> ExitCode {
    for row in damaged {
        note(row);
    }
    ExitCode::from(u8::from(!damaged.is_empty()))
}

/// Tells the person something. If even standard error is closed, there is nobody left to tell.
fn note(message: &str) {
    let _ = writeln!(std::io::stderr(), "keyfob: {message}");
}
