//! The configuration of a command, from its file, the environment and the flags.

use crate::cli::args::ConfigArgs;
use crate::cli::output::note;
use crate::cli::result::Result;
use crate::config::{Config, Problem};
use crate::store::Store;

/// The configuration of a command. Warns of what is passed over in the environment. Errors: all
/// problems in one line.
pub(crate) fn configured(args: &ConfigArgs) -> Result<Config> {
    let config = read(args).map_err(|problems| in_one_line(&problems))?;
    if let Some(warning) = passed_over(&config) {
        note(&warning);
    }
    Ok(config)
}

/// The configuration of a command that makes neither a store nor a key. To be asked outside of a
/// runtime.
///
/// Errors: as [`configured`]; the store or its key file does not exist.
pub(crate) fn configured_store(args: &ConfigArgs) -> Result<Config> {
    let config = configured(args)?;
    if !Store::exists(&config.store)? {
        return Err(format!(
            "store: there is none at {}, and this command makes none: name yours with --store or --config, or run it in the folder of \
             the store",
            config.store
        )
        .into());
    }
    if config.sealing_keys.is_none() && !config.sealing_keys_file.exists() {
        return Err(format!(
            "sealing_keys_file: {} is missing, and the store was begun with it; put it back, or name it with --set sealing_keys_file=FILE",
            config.sealing_keys_file.display()
        )
        .into());
    }
    Ok(config)
}

/// A warning of variables that are no configuration, though they begin as its own do.
pub(super) fn passed_over(config: &Config) -> Option<String> {
    let first = config.links.first()?;
    let (which, they) = match config.links.len().saturating_sub(1) {
        0 => ("is a service link".to_owned(), "it is passed over (enableServiceLinks: false in the pod leaves it out)"),
        more => (
            format!("and {more} more are service links"),
            "they are passed over (enableServiceLinks: false in the pod leaves them out)",
        ),
    };
    Some(format!("environment: {first} {which} of Kubernetes or Docker, and no configuration; {they}"))
}

/// Reads the configuration as the options and the environment say.
fn read(args: &ConfigArgs) -> std::result::Result<Config, Vec<Problem>> {
    match read_all(args) {
        (Some(config), problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(problems),
    }
}

/// Reads what can be read of the configuration, and every fault. None of a file that cannot be
/// read.
pub(super) fn read_all(args: &ConfigArgs) -> (Option<Config>, Vec<Problem>) {
    let path = args.config.clone().or_else(|| std::env::var_os("KEYFOB_CONFIG").map(Into::into));
    let text = match &path {
        Some(path) => match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return (None, vec![Problem::new(&path.display().to_string(), &error.to_string())]),
        },
        None => String::new(),
    };
    let mut flags = args.set.clone();
    flags.extend(args.store.clone().map(|store| ("store".to_owned(), store)));
    // What is not UTF-8 is not for us, unless its name says that it is.
    let mut problems = Vec::new();
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("KEYFOB_")) else { continue };
        match value.into_string() {
            Ok(value) => environment.push((name.to_owned(), value)),
            Err(_) if name == "KEYFOB_CONFIG" => {}
            Err(_) => problems.push(Problem::new(name, "is not UTF-8")),
        }
    }
    let (config, mut more) = Config::read_all(&text, environment.into_iter(), &flags);
    problems.append(&mut more);
    (config, problems)
}

/// All problems in one line.
fn in_one_line(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
