//! `keyfob serve`: the configuration, the store, the socket, and the end.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use getrandom::SysRng;
use keyfob_scim::Service;
use tokio::sync::watch;

use super::args::{ConfigArgs, ServeArgs};
use super::greeting::Greeting;
use super::signals::Hangups;
use super::{Result, first_account, key_watch, note, output, tls_watch};
use crate::config::{Config, LogFormat, Problem, log_filter};
use crate::delivery::{self, Delivery};
use crate::file;
use crate::http::{self, Accounts, App, Certificate, Limits, Metrics, Requests};
use crate::store::{KeyCheck, KeyFile, Keys, Store};

pub(crate) fn run(args: ServeArgs) -> Result<ExitCode> {
    let mut config = args.config;
    config.set.extend(
        [("listen", args.listen), ("profile", args.profile)].into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))),
    );
    let (config, delivery) = match checked(&config) {
        Ok(checked) => checked,
        Err(problems) => {
            for problem in &problems {
                note(&problem.to_string());
            }
            return Ok(ExitCode::from(2));
        }
    };
    if args.check {
        passed_over(&config).iter().chain(&unfilled(&config)).for_each(|warning| note(warning));
        output::line("The configuration is right.")?;
        return Ok(ExitCode::SUCCESS);
    }
    start_log(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let format = config.log_format;
    match runtime.block_on(serve(config, delivery)) {
        // Whatever the log's filter is, and in its form.
        Err(error) if format == LogFormat::Json => {
            let line = output::json(output::event("ERROR", &error.to_string()))?;
            let _ = io::stderr().write_all(&line);
            Ok(ExitCode::from(2))
        }
        served => served.map(|()| ExitCode::SUCCESS),
    }
}

/// The configuration of a command. Warns of what is passed over in the environment. Errors: all
/// problems in one line.
pub(crate) fn configured(args: &ConfigArgs) -> Result<Config> {
    let config = read(args).map_err(|problems| told(&problems))?;
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
    if config.key.is_none() && !config.key_file.exists() {
        return Err(format!(
            "key_file: {} is missing, and the store was begun with it; put it back, or name it with --set key_file=FILE",
            config.key_file.display()
        )
        .into());
    }
    Ok(config)
}

/// A warning of variables that are no configuration, though they begin as its own do.
fn passed_over(config: &Config) -> Option<String> {
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

/// A warning of each template that cannot be filled, as there are no users with attributes. Where
/// there are, it is a fault.
fn unfilled(config: &Config) -> Vec<String> {
    delivery::unfilled(&config.delivery, config.users.as_ref()).iter().map(ToString::to_string).collect()
}

/// Reads the configuration as the options and the environment say.
pub(crate) fn read(args: &ConfigArgs) -> std::result::Result<Config, Vec<Problem>> {
    match read_all(args) {
        (Some(config), problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(problems),
    }
}

/// Reads what can be read of the configuration, and every fault. None of a file that cannot be
/// read.
fn read_all(args: &ConfigArgs) -> (Option<Config>, Vec<Problem>) {
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
fn told(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// Checks all that can be checked without a socket and a store.
fn checked(args: &ConfigArgs) -> std::result::Result<(Config, Delivery), Vec<Problem>> {
    let (config, mut problems) = read_all(args);
    let Some(config) = config else { return Err(problems) };
    if let Some(Err(error)) = config.tls.as_ref().map(Certificate::read) {
        problems.push(Problem::new("tls", &error));
    }
    if let Some(Err(error)) = config.key.as_ref().map(|key| Keys::parse(key)) {
        problems.push(Problem::new("key", &error));
    }
    if config.users.is_some() {
        problems.append(&mut delivery::unfilled(&config.delivery, config.users.as_ref()));
    }
    match Delivery::new(&config.delivery) {
        Ok(delivery) if problems.is_empty() => Ok((config, delivery)),
        delivery => Err([problems, delivery.err().unwrap_or_default()].concat()),
    }
}

/// Opens the configured store. Returns whether its key file was made just now.
///
/// Errors: those of the store; records may be sealed under a key that is missing.
pub(crate) async fn open(config: &Config) -> Result<(Store, bool)> {
    let (store, is_new, check) = open_unchecked(config).await?;
    // With another key, what is there could not be read, and new devices would hide that the right
    // one is lost.
    if check.is_whole() {
        return Ok((store, is_new));
    }
    store.close();
    let path = config.key_file.display();
    if is_new {
        std::fs::remove_file(&config.key_file)?;
        return Err(
            format!("key_file: {path} is missing, and the store was begun with it; put it back, or begin another store").into()
        );
    }
    let key = if config.key.is_some() { "key: it".to_owned() } else { format!("key_file: {path}") };
    if !check.other.is_empty() {
        return Err(format!("{key} {check}; the store's own is needed here").into());
    }
    Err(format!(
        "{key} {check}: put the missing line back, from a copy of the key file. If there is none, keyfob rotate-key --reseal-only tells \
         what is sealed under it, and lets the store start without it where that is nothing"
    )
    .into())
}

/// Opens the configured store, whatever its keys open. Returns whether its key file was made just
/// now, and what the keys open.
pub(crate) async fn open_unchecked(config: &Config) -> Result<(Store, bool, KeyCheck)> {
    let (keys, is_new) = match &config.key {
        Some(key) => (Keys::parse(key)?, false),
        None => KeyFile::new(&config.key_file).read_or_make().map_err(|error| format!("key_file: {error}"))?,
    };
    let store = Store::open(&config.store, keys)?;
    let check = store.check_keys().await?;
    Ok((store, is_new, check))
}

fn start_log(config: &Config) -> Result<()> {
    let filter = log_filter(&config.log).map_err(|error| format!("log: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

async fn serve(mut config: Config, delivery: Delivery) -> Result<()> {
    let hangups = Hangups::hear()?;
    let certificate = config.tls.as_ref().map(Certificate::read).transpose()?;
    // First, so that a start that cannot serve makes no files.
    let listener =
        http::bind(config.listen).map_err(|error| not_bound("listen", "--listen ADDRESS:PORT", config.listen, &error))?;
    config.listen = listener.local_addr()?;
    let of_metrics = match config.metrics_listen {
        Some(address) => {
            let bound = http::bind(address);
            Some(bound.map_err(|error| not_bound("metrics_listen", "--set metrics_listen=ADDRESS:PORT", address, &error))?)
        }
        None => None,
    };
    if let Some(listener) = &of_metrics {
        config.metrics_listen = Some(listener.local_addr()?);
    }
    let is_new_store = config.store.file().is_some_and(|file| std::fs::metadata(file).map_or(0, |found| found.len()) == 0);
    let (store, is_new_key) = open(&config).await?;
    warn(&config);
    // Whoever reads the greeting may stop it at once.
    let (ask, asked) = watch::channel(());
    let is_stopped = hangups.until_stop(ask)?;
    let is_durable = store.is_durable().await?;
    let limits = Limits::new(config.connections_per_address, config.database.connections);
    // Last, for its password is shown once: what can fail has not.
    let password = first_account::make(&config, &store).await?;
    Greeting { config: &config, delivery: &delivery, is_new_store, is_new_key, is_durable, password: password.as_ref() }.print()?;
    drop(password);

    let mut watching: Vec<_> = key_watch::start(&config, &store, log_of_keys, asked.clone())?.into_iter().collect();
    let tls = match config.tls.as_ref().zip(certificate) {
        Some((files, certificate)) => {
            let (current, tls) = watch::channel(certificate);
            watching.push(tls_watch::start(files, current, log_of_certificate, asked)?);
            Some(tls)
        }
        None => None,
    };
    let requests = Requests::default();
    let app = Arc::new(App {
        service: Service::new(config.settings.clone(), SysRng),
        store: store.clone(),
        delivery,
        accounts: Accounts::new(config.admin_password.as_deref().map(String::as_str), config.password_pause)?,
        metrics: Metrics::new(&store),
        requests: requests.clone(),
        config,
    });
    let (told, stop) = watch::channel(false);
    tokio::spawn(async move {
        is_stopped.await;
        tracing::info!("stopping");
        let _ = told.send(true);
    });
    let metrics = async {
        if let Some(listener) = of_metrics {
            let limits = limits.for_metrics();
            http::listen(listener, None, http::metrics_app(Arc::clone(&app)), &Requests::default(), limits, stop.clone()).await;
        }
    };
    tokio::join!(metrics, http::listen(listener, tls, http::app(Arc::clone(&app)), &requests, limits, stop.clone()));
    // It holds the store.
    drop(app);
    for watching in watching {
        watching.end().await;
    }
    store.close();
    tracing::info!("stopped");
    Ok(())
}

/// Why nobody can listen there, and what to do.
fn not_bound(key: &str, option: &str, address: SocketAddr, error: &io::Error) -> String {
    let todo = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there: end it, or name another address",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: name one of its own",
        io::ErrorKind::PermissionDenied => "name a port of 1024 or more",
        _ => "name another address",
    };
    format!("{key}: {address}: {error}; {todo} with {option}")
}

/// Logs what an operator should change, and what does not keep the service from its work.
fn warn(config: &Config) {
    if let Some(warning) = passed_over(config) {
        tracing::warn!("{warning}");
    }
    for warning in unfilled(config) {
        tracing::warn!("{warning}");
    }
    let key_file = config.key.is_none().then_some(config.key_file.as_path());
    let tls_key = config.tls.as_ref().map(|tls| tls.key.as_path());
    for (key, path) in [("key_file", key_file), ("store", config.store.file()), ("tls.key", tls_key)] {
        if let Some((path, exposed)) = path.and_then(|path| Some((path, file::exposed(path)?))) {
            tracing::warn!("{key}: {}: {exposed}", path.display());
        }
    }
}

/// Logs what is told of the key file.
fn log_of_keys(told: std::result::Result<&str, &str>) {
    match told {
        Ok(done) => tracing::info!("{done}"),
        Err(fault) => tracing::error!("key_file: {fault}"),
    }
}

/// Logs what is told of the certificate.
fn log_of_certificate(told: std::result::Result<&str, &str>) {
    match told {
        Ok(done) => tracing::info!("{done}"),
        Err(fault) => tracing::error!("tls: {fault}"),
    }
}
