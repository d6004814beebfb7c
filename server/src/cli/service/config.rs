//! `keyfob config`: an example of the configuration file, or what the present one sets.

use std::process::ExitCode;

use super::configuration::read_set_keys;
use crate::cli::args::ConfigPrintArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::{Catalog, Example};

pub(crate) fn run(args: &ConfigPrintArgs) -> Result<ExitCode> {
    if args.effective {
        let set = match read_set_keys(&args.config) {
            Ok(set) => set,
            Err(problems) => {
                for problem in problems {
                    note(&problem.to_string());
                }
                return Ok(ExitCode::from(2));
            }
        };
        output::print(set.to_string().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.config.config.is_some() || args.config.store.is_some() || !args.config.set.is_empty() {
        return Err("--config, --store and --set need --effective".into());
    }
    let text = if args.table { Catalog.to_string() } else { Example.to_string() };
    output::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
