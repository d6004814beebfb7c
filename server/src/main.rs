//! `keyfob`: one-time passwords on the command line, and their service. Exit status: 0 done or
//! right, 1 wrong, 2 bad use or an error.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// musl's own allocator takes many times as long (docs/measurements.md).
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keyfob_server::cli::main()
}
