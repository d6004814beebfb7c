//! The command line: what each command does, and what it prints for people and scripts.

mod args;
mod clock;
mod device;
mod export_protection;
mod input;
mod manual;
mod output;
mod result;
mod service;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};
use result::Result;

/// Reads the command line of the process and runs its command.
pub fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|error| {
        output::note(&error.to_string());
        ExitCode::from(2)
    })
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Code(args) => device::code::run(&args),
        Command::Verify(args) => device::verify::run(&args),
        Command::Enroll(args) => device::enroll::run(args),
        Command::Show(args) => device::show::run(&args),
        Command::Renew(args) => device::renew::run(&args),
        Command::Unlock(args) => device::unlock::run(&args),
        Command::Resync(args) => device::resync::run(&args),
        Command::Serve(args) => service::serve::run(args),
        Command::Config(args) => service::config::run(&args),
        Command::MakeKey(args) => service::make_key::run(&args),
        Command::Health(args) => service::health::run(&args),
        Command::Account(command) => service::account::run(command),
        Command::Audit(args) => service::audit::run(&args),
        Command::Export(args) => service::export::run(&args),
        Command::Find(args) => service::find::run(&args),
        Command::Import(args) => service::import::run(&args),
        Command::ImportSoffid(args) => service::import_soffid::run(&args),
        Command::Migrate(args) => service::migrate::run(&args),
        Command::Backup(args) => service::backup::run(&args),
        Command::Restore(args) => service::restore::run(&args),
        Command::RotateKey(args) => service::rotate::run(&args),
        Command::Signals(command) => service::signals::run(command),
        Command::MakeSigningKey(args) => service::signing_key::make(&args),
        Command::RotateSigningKey(args) => service::signing_key::rotate(&args),
        Command::Completions { shell } => {
            // Into memory first: the generator panics if its writer fails.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "keyfob", &mut script);
            output::print(&script)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { folder } => manual::run(Cli::command(), &folder),
    }
}
