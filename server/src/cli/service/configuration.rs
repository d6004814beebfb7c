//! The configuration of a command, from its file, the environment and the flags.

use crate::cli::args::ConfigArgs;
use crate::cli::output::note;
use crate::cli::result::Result;
use crate::config::{Config, Problem, SetKeys};
use crate::store::Store;

/// The configuration of a command. Warns about ignored variables. Errors: all problems in one line.
pub(crate) fn configured(args: &ConfigArgs) -> Result<Config> {
    let config = read(args).map_err(|problems| in_one_line(&problems))?;
    if let Some(warning) = link_warning(&config) {
        note(&warning);
    }
    Ok(config)
}

/// The configuration of a command that creates neither a store nor a key. Must not be called in a
/// Tokio runtime.
///
/// Errors: as [`configured`]; the store or its key file does not exist.
pub(crate) fn configured_store(args: &ConfigArgs) -> Result<Config> {
    let config = configured(args)?;
    if !Store::exists(&config.store)? {
        return Err(format!(
            "store: there is none at {}, and this command creates none: name yours with --store or --config, or run it in the folder of \
             the store",
            config.store
        )
        .into());
    }
    if config.sealing_keys.is_none() && !config.sealing_keys_file.exists() {
        return Err(format!(
            "sealing_keys_file: {} is missing, and the store needs it; restore it, or name it with --set sealing_keys_file=FILE",
            config.sealing_keys_file.display()
        )
        .into());
    }
    Ok(config)
}

/// A warning about service links, whose names begin like those of the configuration.
pub(super) fn link_warning(config: &Config) -> Option<String> {
    let first = config.links.first()?;
    let (which, they) = match config.links.len().saturating_sub(1) {
        0 => ("is a service link".to_owned(), "it is ignored (enableServiceLinks: false in the pod leaves it out)"),
        more => (
            format!("and {more} more are service links"),
            "they are ignored (enableServiceLinks: false in the pod leaves them out)",
        ),
    };
    Some(format!("environment: {first} {which} of Kubernetes or Docker, not configuration; {they}"))
}

/// Reads the configuration of the options and the environment.
fn read(args: &ConfigArgs) -> std::result::Result<Config, Vec<Problem>> {
    match read_all(args) {
        (Some(config), problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(problems),
    }
}

/// Reads all valid values of the configuration, and all problems. Returns no configuration if the
/// file cannot be read.
pub(super) fn read_all(args: &ConfigArgs) -> (Option<Config>, Vec<Problem>) {
    let Sources { text, environment, flags, mut problems } = match sources(args) {
        Ok(sources) => sources,
        Err(problem) => return (None, vec![problem]),
    };
    let (config, mut more) = Config::read_all(&text, environment.into_iter(), &flags);
    problems.append(&mut more);
    (config, problems)
}

/// The keys that the options and the environment set.
pub(super) fn read_set_keys(args: &ConfigArgs) -> std::result::Result<SetKeys, Vec<Problem>> {
    let Sources { text, environment, flags, problems } = sources(args).map_err(|problem| vec![problem])?;
    match SetKeys::merge(&text, environment.into_iter(), &flags) {
        Ok(set) if problems.is_empty() => Ok(set),
        set => Err([problems, set.err().unwrap_or_default()].concat()),
    }
}

/// Where a configuration comes from.
struct Sources {
    /// Of the file; empty without one.
    text: String,
    environment: Vec<(String, String)>,
    flags: Vec<(String, String)>,
    /// Variables that are no text.
    problems: Vec<Problem>,
}

/// The sources of the options and the environment. Errors: the file cannot be read.
fn sources(args: &ConfigArgs) -> std::result::Result<Sources, Problem> {
    let path = args.config.clone().or_else(|| std::env::var_os("KEYFOB_CONFIG").map(Into::into));
    let text = match &path {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| Problem::new(&path.display().to_string(), &error.to_string()))?
        }
        None => String::new(),
    };
    let mut flags = args.set.clone();
    flags.extend(args.store.clone().map(|store| ("store".to_owned(), store)));
    // Other variables may be no UTF-8.
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
    Ok(Sources { text, environment, flags, problems })
}

/// All problems in one line.
fn in_one_line(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
