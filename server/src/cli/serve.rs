//! `keyfob serve`: the configuration, the store, the socket, and the end.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use getrandom::SysRng;
use keyfob::Kind;
use keyfob_scim::{Roles, Service};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

use super::args::{ConfigArgs, ServeArgs};
use super::key_watch::KeyWatch;
use super::{Result, note, output};
use crate::config::{Config, LogFormat, Problem};
use crate::delivery::Delivery;
use crate::http::{self, Accounts, App, Limits, Metrics, Requests};
use crate::store::{Account, KeyCheck, KeyFile, Keys, Store};

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
        output::line("The configuration is right.")?;
        return Ok(ExitCode::SUCCESS);
    }
    start_log(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, delivery))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration as the options and the environment say.
pub(crate) fn read(args: &ConfigArgs) -> std::result::Result<Config, Vec<Problem>> {
    let path = args.config.clone().or_else(|| std::env::var_os("KEYFOB_CONFIG").map(Into::into));
    let text = match &path {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| vec![Problem::new(&path.display().to_string(), &error.to_string())])?
        }
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
    match Config::read(&text, environment.into_iter(), &flags) {
        Ok(config) if problems.is_empty() => Ok(config),
        read => Err([problems, read.err().unwrap_or_default()].concat()),
    }
}

/// All problems in one line.
pub(crate) fn told(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// Checks all that can be checked without a socket and a store.
fn checked(args: &ConfigArgs) -> std::result::Result<(Config, Delivery), Vec<Problem>> {
    let config = read(args)?;
    let mut problems = Vec::new();
    if let Some(Err(error)) = config.tls.as_ref().map(http::acceptor) {
        problems.push(Problem::new("tls", &error));
    }
    if let Err(error) = EnvFilter::try_new(&config.log) {
        problems.push(Problem::new("log", &error.to_string()));
    }
    if let Some(Err(error)) = config.key.as_ref().map(|key| Keys::parse(key)) {
        problems.push(Problem::new("key", &error));
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
    // With another key, what is there could not be read, and new devices would hide that the right one is lost.
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

/// Opens the configured store, whatever its keys open. Returns whether its key file was made just now, and what the keys open.
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
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("log: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

async fn serve(mut config: Config, delivery: Delivery) -> Result<()> {
    let tls = config.tls.as_ref().map(http::acceptor).transpose()?;
    let (store, is_new_key) = open(&config).await?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| format!("listen: {}: {error}", config.listen))?;
    config.listen = listener.local_addr()?;
    // Whoever reads the greeting may stop it at once.
    let signals = signals()?;
    let is_durable = store.is_durable().await?;
    let limits = Limits::new(config.connections_per_address, config.database.connections);
    // Last, for its password is shown once: what can fail has not.
    let password = first_account(&config, &store).await?;
    output::print(greeting(&config, &delivery, is_new_key, is_durable, password.as_deref().map(String::as_str))?.as_bytes())?;

    let watching = KeyWatch::start(&config, &store, log_of_keys)?;
    let requests = Requests::default();
    let app = Arc::new(App {
        service: Service::new(config.settings.clone(), SysRng),
        store: store.clone(),
        delivery,
        accounts: Accounts::new(config.admin_password.as_deref().map(String::as_str), config.password_pause)?,
        metrics: Metrics::default(),
        requests: requests.clone(),
        config,
    });
    let (told, stop) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        signals.await;
        tracing::info!("stopping");
        let _ = told.send(true);
    });
    http::listen(listener, tls, http::app(app), &requests, limits, stop).await;
    watching.end().await;
    store.close();
    tracing::info!("stopped");
    Ok(())
}

/// Logs what is told of the key file.
fn log_of_keys(told: std::result::Result<&str, &str>) {
    match told {
        Ok(done) => tracing::info!("{done}"),
        Err(fault) => tracing::error!("key_file: {fault}"),
    }
}

/// Makes the account `admin` where there is none at all, and returns its password.
async fn first_account(config: &Config, store: &Store) -> Result<Option<Zeroizing<String>>> {
    if config.admin_password.is_some() {
        return Ok(None);
    }
    let accounts = store.accounts().await?;
    for account in &accounts.damaged {
        tracing::error!("store: {account}; make it anew with keyfob account add");
    }
    if !accounts.rows.is_empty() || !accounts.damaged.is_empty() {
        return Ok(None);
    }
    let mut bytes = Zeroizing::new([0; 20]);
    getrandom::fill(bytes.as_mut_slice())?;
    let password = Zeroizing::new(BASE32_NOPAD.encode(bytes.as_slice()).to_lowercase());
    let hash = http::hash_password(&password)?;
    let admin = Account { name: "admin".to_owned(), roles: Roles::ALL, password: Some(hash), token: None };
    let is_ours = store.add_account(&admin).await.map_err(|error| {
        format!(
            "the account admin: {error}; if the next start shows no password, set one with keyfob account add admin --roles all"
        )
    })?;
    // Another process may be faster, and shows its own.
    Ok(is_ours.then_some(password))
}

/// What a person is told at the start: where it is, what is on, and what to try.
fn greeting(
    config: &Config,
    delivery: &Delivery,
    is_new_key: bool,
    is_durable: bool,
    password: Option<&str>,
) -> Result<Zeroizing<String>> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}{}", config.listen, config.base_path);
    let kinds: Vec<_> = config.settings.kinds.iter().map(|kind| kind.name()).collect();
    let mut text = Zeroizing::new(String::with_capacity(4096));
    writeln!(text, "keyfob {} listens on {url}", env!("CARGO_PKG_VERSION"))?;
    writeln!(text, "  store       {}", config.store)?;
    if !is_durable {
        writeln!(
            text,
            "  WARNING     the database loses what it has committed when it crashes: set synchronous_commit and fsync on, or used codes are right again"
        )?;
    }
    match (&config.key, is_new_key) {
        (Some(_), _) => writeln!(text, "  key         of the configuration")?,
        (None, false) => writeln!(text, "  key         {}", config.key_file.display())?,
        (None, true) => {
            writeln!(
                text,
                "  key         {} (made just now: keep a copy apart; without it no device can be read)",
                config.key_file.display()
            )?;
        }
    }
    writeln!(text, "  devices     {}", kinds.join(", "))?;
    writeln!(
        text,
        "  guessing    {} for a TOTP device before it locks",
        config.settings.policy.chance(Kind::Totp, config.settings.digits)
    )?;
    for line in delivery.summary() {
        writeln!(text, "  delivery    {line}")?;
    }
    if config.tls.is_none() && !config.listen.ip().is_loopback() {
        writeln!(
            text,
            "  WARNING     passwords and codes travel unencrypted: set tls.certificate and tls.key, or listen on loopback"
        )?;
    }
    let credentials = match password {
        Some(password) => {
            writeln!(text, "  account     admin, password {password} (made up just now, shown only this once)")?;
            format!("admin:{password}")
        }
        None => "admin:PASSWORD".to_owned(),
    };
    writeln!(
        text,
        "Try:\n  curl -u {credentials} {url}/OtpDevice -H 'Content-Type: application/json' -d '{{\"type\": \"TOTP\", \"user\": \"alice\"}}'"
    )?;
    Ok(text)
}

/// Waits until it is told to stop: by an interrupt, or as service managers do. Hears it from the call on.
fn signals() -> Result<impl Future<Output = ()> + Send> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Where it cannot be heard, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
