//! Where a server is, and how it is reached: read from a URL.

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

/// A connection that carries nothing for so long is looked at by the operating system. Firewalls
/// forget one after minutes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// The time between two looks, of which three without an answer end the connection.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// The default of tokio-postgres, which stands where a URL says nothing.
const DEFAULT_KEEPALIVE_IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// How long sent bytes may go without being acknowledged. It says nothing of how long a statement
/// takes: a system acknowledges what its server has not read yet.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a session is: a host by its position in the URL, and its address if it has one.
pub(super) type Endpoint = (usize, Option<IpAddr>);

/// The endpoint that took a session last. All sessions of a process know it, so one of them waits
/// for a dead host, and not each.
pub(super) type Last = Arc<Mutex<Option<Endpoint>>>;

/// A server, or several of which one takes writes.
#[derive(Clone)]
pub(crate) struct Server {
    pub(super) config: Config,
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) password: Source,
    /// How long a statement may take, and a connection.
    pub(super) timeout: Duration,
    pub(super) last: Last,
    /// Whether a pooler that shares sessions is known not to be between.
    pub(super) is_checked: Arc<AtomicBool>,
}

/// The parameters of a URL that tokio-postgres does not know, or knows otherwise.
#[derive(Default)]
struct Own {
    mode: Option<String>,
    authorities: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Own {
    /// Takes them out of a URL. Errors: the parameter that is wrong, and how.
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

    /// The files of the certificate and the key to show. Errors: one is there without the other.
    fn identity(&self) -> Result<Option<(&Path, &Path)>, String> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Ok(Some((Path::new(certificate), Path::new(key)))),
            (None, None) => Ok(None),
            (Some(_), None) => Err("sslcert: needs sslkey, the file of its private key".to_owned()),
            (None, Some(_)) => Err("sslkey: needs sslcert, the file of its certificate".to_owned()),
        }
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        // The system's authorities are trusted anyway.
        let authorities = self.authorities.as_deref().filter(|authorities| *authorities != "system").map(Path::new);
        let authorities = tls::authorities(authorities).map_err(|error| format!("sslrootcert: {error}"))?;
        let mut config = tls::client(authorities, Some("postgresql"))?;
        if let Some((certificate, key)) = self.identity()? {
            identity::show(&mut config, certificate, key)?;
        }
        Ok(config)
    }
}

/// Errors: a kind of server that does not take writes, or need not.
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
    /// Reads a URL of libpq, and of its parameters those that tokio-postgres or this module knows.
    ///
    /// Without `sslmode`, servers on this machine are reached without TLS unless there is an
    /// `sslcert`, all others with it. A certificate of a server is always checked.
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
                return Err("sslcert: is shown over TLS only; set sslmode=verify-full".to_owned());
            }
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(own.tls()?)),
        };
        let password = Source::find(&mut config, options);
        if config.get_application_name().is_none() {
            config.application_name("keyfob");
        }
        // A standby would serve reads that are behind, and no writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        watch(&mut config);
        Ok(Self { config, tls, password, timeout: options.timeout, last: Last::default(), is_checked: Arc::default() })
    }

    /// After how long the server gives up a statement: a little before this side does, so that
    /// nothing goes on unheard of. A commit is never given up by it.
    pub(super) fn given_up(&self) -> Duration {
        self.timeout.mul_f64(0.9)
    }

    /// The port of a host by its place in the URL.
    pub(super) fn port(&self, at: usize) -> u16 {
        let ports = self.config.get_ports();
        ports.get(at).or(ports.first()).copied().unwrap_or(5432)
    }

    /// A host by its place in the URL, as it is shown.
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

/// Errors: no host; ports or addresses that are neither one for all nor one for each.
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

/// Has the operating system look whether connections live, where the URL does not say how.
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
    /// Without the password.
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
