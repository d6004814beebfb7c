//! The start of the service: checks, the log, the sockets and warnings.

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::configuration::{link_warning, read_all};
use crate::cli::args::ConfigArgs;
use crate::cli::result::Result;
use crate::config::{Config, LogFormat, Problem, log_filter};
use crate::delivery::{self, Delivery};
use crate::file;
use crate::http::{self, Certificate};
use crate::signals::{Receiver, Rules};
use crate::store::{Keys, Store};

/// A configuration and what was read for it.
pub(super) struct Checked {
    pub(super) config: Config,
    pub(super) delivery: Delivery,
    /// None without receivers.
    pub(super) signals: Option<Rules>,
}

/// Checks everything that needs neither a socket nor a store.
pub(super) fn check(args: &ConfigArgs) -> std::result::Result<Checked, Vec<Problem>> {
    let (config, mut problems) = read_all(args);
    let Some(config) = config else { return Err(problems) };
    if let Some(Err(error)) = config.tls.as_ref().map(Certificate::read) {
        problems.push(Problem::new("tls", &error));
    }
    if let Some(Err(error)) = config.sealing_keys.as_ref().map(|key| Keys::parse(key)) {
        problems.push(Problem::new("sealing_keys", &error));
    }
    if config.users.is_some() {
        problems.append(&mut delivery::unfilled(&config.delivery, config.users.as_ref()));
    }
    let signals = config.signals.check(config.public_url.as_deref(), config.users.as_ref());
    match (Delivery::new(&config.delivery), signals) {
        (Ok(delivery), Ok(signals)) if problems.is_empty() => Ok(Checked { config, delivery, signals }),
        (delivery, signals) => Err([problems, delivery.err().unwrap_or_default(), signals.err().unwrap_or_default()].concat()),
    }
}

pub(super) fn start_log(config: &Config) -> Result<()> {
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

/// The sockets of a service.
pub(super) struct Listeners {
    pub(super) service: TcpListener,
    /// Of `metrics_listen`, if that is set.
    pub(super) metrics: Option<TcpListener>,
}

impl Listeners {
    /// Binds the sockets, and puts the port in the place of port 0 in the configuration. Errors:
    /// the key whose address cannot be bound, and what to do.
    pub(super) fn bind(config: &mut Config) -> Result<Self> {
        let service =
            http::bind(config.listen).map_err(|error| unbound("listen", "--listen ADDRESS:PORT", config.listen, &error))?;
        config.listen = service.local_addr()?;
        let Some(address) = config.metrics_listen else { return Ok(Self { service, metrics: None }) };
        let metrics =
            http::bind(address).map_err(|error| unbound("metrics_listen", "--set metrics_listen=ADDRESS:PORT", address, &error))?;
        config.metrics_listen = Some(metrics.local_addr()?);
        Ok(Self { service, metrics: Some(metrics) })
    }
}

/// Why an address cannot be bound, and what to do.
fn unbound(key: &str, option: &str, address: SocketAddr, error: &io::Error) -> String {
    let todo = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there: end it, or name another address",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: name one of its own",
        io::ErrorKind::PermissionDenied => "name a port of 1024 or more",
        _ => "name another address",
    };
    format!("{key}: {address}: {error}; {todo} with {option}")
}

/// Logs warnings for the operator. The service works all the same.
pub(super) fn warn(config: &Config) {
    if let Some(warning) = link_warning(config) {
        tracing::warn!("{warning}");
    }
    for warning in unfilled_templates(config).into_iter().chain(region_warning(config)) {
        tracing::warn!("{warning}");
    }
    let key_file = config.sealing_keys.is_none().then_some(config.sealing_keys_file.as_path());
    let signing_keys = config.settings.signals.map(|_| config.signals.keys_file.as_path());
    let tls_key = config.tls.as_ref().map(|tls| tls.key_file.as_path());
    for (key, path) in [
        ("sealing_keys_file", key_file),
        ("signals.keys_file", signing_keys),
        ("store", config.store.file()),
        ("tls.key_file", tls_key),
    ] {
        if let Some((path, exposed)) = path.and_then(|path| Some((path, file::exposed(path)?))) {
            tracing::warn!("{key}: {}: {exposed}", path.display());
        }
    }
}

/// Warns of accounts of receivers that the store does not have. They may be made later.
pub(super) async fn warn_of_unknown_accounts(receivers: &[Arc<Receiver>], store: &Store) {
    for receiver in receivers {
        if let Some(account) = &receiver.account
            && let Ok(None) = store.account(account).await
        {
            tracing::warn!(
                receiver = receiver.name,
                "signals: its account {account:?} does not exist yet, so it cannot poll or ask for its stream; \
                 keyfob account add {account} --roles query --token makes it"
            );
        }
    }
}

/// A warning about lists of prefixes that refuse every number without a country code, as no region
/// says whose it is.
pub(super) fn region_warning(config: &Config) -> Option<String> {
    let prefixes = &config.settings.message_limits.prefixes;
    let is_refused = !prefixes.is_empty() && prefixes.longest("+").is_none_or(|(_, is_allowed)| !is_allowed);
    (is_refused && config.region.is_none()).then(|| {
        "messages.region: is not set, so the lists of prefixes refuse every telephone number without a country code; set it to the \
         country of your users, as ES"
            .to_owned()
    })
}

/// A warning for each template that cannot be filled, as no users are configured. With users it is
/// a problem.
pub(super) fn unfilled_templates(config: &Config) -> Vec<String> {
    delivery::unfilled(&config.delivery, config.users.as_ref()).iter().map(ToString::to_string).collect()
}
