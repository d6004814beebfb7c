//! `keyfob make-key`: a key file for a service that may not make its own.

use std::process::ExitCode;

use crate::cli::args::MakeKeyArgs;
use crate::cli::output;
use crate::cli::result::Result;
use crate::store::KeyFile;

pub(crate) fn run(args: &MakeKeyArgs) -> Result<ExitCode> {
    KeyFile::new(&args.file).make(args.cipher)?;
    output::line(&format!(
        "{}: created, with a new key; keep a copy in another place: without it no device can be read",
        args.file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
