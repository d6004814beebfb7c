//! The URL of a server: where it is, and how to reach it.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::explained;
use super::identity;
use super::password::{self, Source};
use crate::database::options::Options;
use crate::tls;

/// After how long the operating system checks an idle connection. Firewalls forget one after
/// minutes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// The time between two checks. Three without a reply end the connection.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// The default of tokio-postgres, if the URL sets nothing.
const DEFAULT_KEEPALIVE_IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// How long sent bytes may stay unacknowledged. It does not limit statements: the operating system
/// acknowledges bytes before the server reads them.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a session is: a host by its position in the URL, and its address if it has one.
pub(super) type Endpoint = (usize, Option<IpAddr>);

/// The endpoint that took a session last. All connections of a process share it, so only one of
/// them waits for a dead host.
pub(super) type Last = Arc<Mutex<Option<Endpoint>>>;

/// A server, or several of which one accepts writes.
#[derive(Clone)]
pub(crate) struct Server {
    pub(super) config: Config,
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) password: Source,
    /// How long a statement may take, and the opening of a session.
    pub(super) timeout: Duration,
    pub(super) last: Last,
    /// Whether a check has found no pooler that shares sessions.
    pub(super) is_checked: Arc<AtomicBool>,
    /// Whether a pooler has shown that it shares sessions or does not empty them. From then on no
    /// session keeps a statement.
    pub(super) is_shared: Arc<AtomicBool>,
}

/// The parameters of a URL that tokio-postgres does not know, or reads differently.
#[derive(Default)]
struct Own {
    mode: Option<String>,
    authorities: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Own {
    /// Takes them out of a URL. Returns the rest of it. Errors: the wrong parameter, and why it is
    /// wrong.
    fn take(url: &str) -> Result<(String, Self), String> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut rest, mut own) = (Vec::new(), Self::default());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = || match percent_decode_str(value).decode_utf8() {
                Ok(value) => Ok(value.into_owned()),
                Err(_) => Err(format!("{name}: is not UTF-8")),
            };
            match name {
                "sslmode" => own.mode = Some(value()?),
                "sslrootcert" => own.authorities = Some(value()?),
                "sslcert" => own.certificate = Some(value()?),
                "sslkey" => own.key = Some(value()?),
                "target_session_attrs" => check_target(&value()?)?,
                _ => rest.push(parameter),
            }
        }
        Ok((format!("{base}?{}", rest.join("&")), own))
    }

    /// The files of the client's certificate and key. Errors: one is given without the other.
    fn identity(&self) -> Result<Option<(&Path, &Path)>, String> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Ok(Some((Path::new(certificate), Path::new(key)))),
            (None, None) => Ok(None),
            (Some(_), None) => Err("sslcert: needs sslkey, the file of its private key".to_owned()),
            (None, Some(_)) => Err("sslkey: needs sslcert, the file of its certificate".to_owned()),
        }
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        // The system's authorities are always trusted.
        let authorities = self.authorities.as_deref().filter(|authorities| *authorities != "system").map(Path::new);
        let authorities = tls::authorities(authorities).map_err(|error| format!("sslrootcert: {error}"))?;
        let mut config = tls::client(authorities, Some("postgresql"))?;
        if let Some((certificate, key)) = self.identity()? {
            identity::show(&mut config, certificate, key)?;
        }
        Ok(config)
    }
}

/// Errors: a kind of server that may refuse writes.
fn check_target(kind: &str) -> Result<(), String> {
    match kind {
        "primary" | "read-write" => Ok(()),
        "any" | "standby" | "prefer-standby" | "read-only" => Err(format!(
            "target_session_attrs: {kind} may be a server that takes no writes, and every verdict is one; it must be primary or read-write"
        )),
        _ => Err("target_session_attrs: must be primary or read-write".to_owned()),
    }
}

impl Server {
    /// Reads a URL of libpq with the parameters that tokio-postgres or this module knows.
    ///
    /// Without `sslmode`, TLS is off for servers on this machine unless there is an `sslcert`, and
    /// on for all others. A server's certificate is always checked.
    pub(crate) fn parse(url: &str, options: &Options) -> Result<Self, String> {
        password::check_encoding(url)?;
        let (url, own) = Own::take(url)?;
        let mut config: Config = url.parse().map_err(|error| explained(&error))?;
        check_hosts(&config)?;
        let is_here = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        config.ssl_mode(match own.mode.as_deref() {
            Some("disable") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err("sslmode: must be disable or verify-full".to_owned()),
            None if own.identity()?.is_none() && config.get_hosts().iter().all(is_here) => SslMode::Disable,
            None => SslMode::Require,
        });
        let tls = match config.get_ssl_mode() {
            SslMode::Disable if own.identity()?.is_some() => {
                return Err("sslcert: needs TLS; set sslmode=verify-full".to_owned());
            }
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(own.tls()?)),
        };
        let password = Source::find(&mut config, options);
        if config.get_application_name().is_none() {
            config.application_name("keyfob");
        }
        // A standby would serve outdated reads and refuse writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        watch(&mut config);
        Ok(Self {
            config,
            tls,
            password,
            timeout: options.timeout,
            last: Last::default(),
            is_checked: Arc::default(),
            is_shared: Arc::default(),
        })
    }

    /// The statement timeout of the server: a little shorter than that of this side, so that no
    /// statement goes on unnoticed. It never ends a commit.
    pub(super) fn given_up(&self) -> Duration {
        self.timeout.mul_f64(0.9)
    }

    /// The port of a host by its position in the URL.
    pub(super) fn port(&self, at: usize) -> u16 {
        let ports = self.config.get_ports();
        ports.get(at).or(ports.first()).copied().unwrap_or(5432)
    }

    /// A host by its position in the URL, as text.
    pub(super) fn shown(&self, at: usize) -> String {
        let port = self.port(at);
        match self.config.get_hosts().get(at) {
            Some(Host::Tcp(name)) => format!("{name}:{port}"),
            #[cfg(unix)]
            Some(Host::Unix(path)) => format!("{}:{port}", path.display()),
            None => String::new(),
        }
    }
}

/// Errors: no host; more than one port but not one for each host; addresses but not one for each
/// host.
fn check_hosts(config: &Config) -> Result<(), String> {
    let (hosts, ports, addresses) = (config.get_hosts().len(), config.get_ports().len(), config.get_hostaddrs().len());
    if hosts == 0 {
        return Err("names no host".to_owned());
    }
    if ports > 1 && ports != hosts {
        return Err(format!("names {hosts} hosts and {ports} ports: give each host its port, or all of them one"));
    }
    if addresses > 0 && addresses != hosts {
        return Err(format!("names {hosts} hosts and {addresses} of hostaddr: give each host its address, or none"));
    }
    Ok(())
}

/// Sets the keepalives that the URL leaves open.
fn watch(config: &mut Config) {
    if config.get_keepalives_idle() == DEFAULT_KEEPALIVE_IDLE {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(3);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Server {
    /// Shows the URL without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        for at in 0..self.config.get_hosts().len() {
            write!(f, "{}{}", if at == 0 { "" } else { "," }, self.shown(at))?;
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}
