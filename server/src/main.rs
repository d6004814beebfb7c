//! `keyfob`: one-time passwords on the command line, and their service. Exit status: 0 done or
//! right, 1 wrong, 2 bad use or an error.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    keyfob_server::cli::main()
}
