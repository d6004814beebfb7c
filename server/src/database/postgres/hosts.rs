//! Opening a session: which host takes it, and how long to wait for a host that does not reply.
//!
//! tokio-postgres tries one address after the other. Its time limit covers the connection but not
//! the handshake, so a host that hangs would block the others. Here each address is a try of its
//! own with a head start, after which the next one is tried in parallel.

use std::net::IpAddr;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, NoTls, Socket};

use super::error::explained;
use super::password::{self, Source};
use super::server::{Endpoint, Server};

/// The longest head start.
const MAX_HEAD_START: Duration = Duration::from_secs(1);

/// An open session.
pub(super) struct Opened {
    pub(super) client: Client,
    task: JoinHandle<Result<(), Error>>,
}

impl Opened {
    /// Ends the session, and waits until the server knows.
    pub(super) async fn close(self) {
        drop(self.client);
        let _ = self.task.await;
    }
}

impl Server {
    /// Opens a session with the first host that takes one. Errors: the error of each host.
    pub(super) async fn open(&self) -> Result<Opened, String> {
        let until = deadline(self.timeout);
        let last = self.last.lock().ok().and_then(|last| *last);
        let mut hosts: Vec<usize> = (0..self.config.get_hosts().len()).collect();
        self.arrange(&mut hosts, last.as_ref().map(|(host, _)| host));
        let opened = first(hosts, until, |host| {
            let (server, last) = (self.clone(), last.and_then(|(_, address)| address));
            async move { server.open_host(host, last, until).await }
        });
        let (place, opened) = opened.await.map_err(|errors| errors.join("; "))?;
        if let Ok(mut last) = self.last.lock() {
            *last = Some(place);
        }
        Ok(opened)
    }

    /// Opens a session with a host, at the first of its addresses that takes one.
    async fn open_host(self, at: usize, last: Option<IpAddr>, until: Instant) -> Result<(Endpoint, Opened), String> {
        let mut addresses = self.addresses(at, until).await.map_err(|text| self.blame(at, None, &text))?;
        self.arrange(&mut addresses, Some(&last));
        let opened = first(addresses, until, |address| {
            let server = self.clone();
            async move {
                let config = server.config_of(at, address);
                let opened = match &server.tls {
                    Some(tls) => timeout_at(until, open(config, tls.clone(), &server)).await,
                    None => timeout_at(until, open(config, NoTls, &server)).await,
                };
                match opened {
                    Ok(Ok(opened)) => Ok(((at, address), opened)),
                    Ok(Err(text)) => Err(server.blame(at, address, &text)),
                    Err(_) => Err(server.blame(at, address, "does not answer")),
                }
            }
        });
        opened.await.map_err(|errors| errors.join("; "))
    }

    /// The addresses of a host. A Unix socket has none.
    async fn addresses(&self, at: usize, until: Instant) -> Result<Vec<Option<IpAddr>>, String> {
        if let Some(address) = self.config.get_hostaddrs().get(at) {
            return Ok(vec![Some(*address)]);
        }
        let Some(Host::Tcp(name)) = self.config.get_hosts().get(at) else { return Ok(vec![None]) };
        let found = match timeout_at(until, tokio::net::lookup_host((name.as_str(), self.port(at)))).await {
            Ok(found) => found.map_err(|error| error.to_string())?,
            Err(_) => return Err("no name server answers".to_owned()),
        };
        let found: Vec<_> = found.map(|address| Some(address.ip())).collect();
        if found.is_empty() { Err("has no address".to_owned()) } else { Ok(found) }
    }

    /// Sorts endpoints in the order of the tries: first the one that took a session last, or at
    /// random if the URL says so.
    fn arrange<P: PartialEq>(&self, places: &mut [P], last: Option<&P>) {
        if self.config.get_load_balance_hosts() == LoadBalanceHosts::Random {
            places.sort_by_cached_key(|_| getrandom::u32().unwrap_or_default());
        } else {
            places.sort_by_key(|place| last != Some(place));
        }
    }

    /// An error with its host and its address.
    fn blame(&self, at: usize, address: Option<IpAddr>, text: &str) -> String {
        let host = self.shown(at);
        match address {
            Some(address) if !host.contains(&address.to_string()) => format!("{host} ({address}): {text}"),
            _ => format!("{host}: {text}"),
        }
    }

    /// The configuration for one host and one address.
    fn config_of(&self, at: usize, address: Option<IpAddr>) -> Config {
        let all = &self.config;
        let mut config = Config::new();
        match all.get_hosts().get(at) {
            Some(Host::Tcp(name)) => config.host(name),
            #[cfg(unix)]
            Some(Host::Unix(path)) => config.host_path(path),
            None => &mut config,
        };
        config.port(self.port(at));
        address.map(|address| config.hostaddr(address));
        all.get_user().map(|user| config.user(user));
        all.get_password().map(|password| config.password(password));
        if let (Source::File(path), Some(host)) = (&self.password, all.get_hosts().get(at)) {
            password::look_up(path, host, self.port(at), all).map(|password| config.password(password));
        }
        all.get_dbname().map(|name| config.dbname(name));
        all.get_options().map(|options| config.options(options));
        all.get_application_name().map(|name| config.application_name(name));
        all.get_tcp_user_timeout().map(|limit| config.tcp_user_timeout(*limit));
        all.get_keepalives_interval().map(|interval| config.keepalives_interval(interval));
        all.get_keepalives_retries().map(|retries| config.keepalives_retries(retries));
        config
            .ssl_mode(all.get_ssl_mode())
            .ssl_negotiation(all.get_ssl_negotiation())
            .channel_binding(all.get_channel_binding())
            .keepalives(all.get_keepalives())
            .keepalives_idle(all.get_keepalives_idle())
            .target_session_attrs(all.get_target_session_attrs());
        config
    }
}

/// Opens a session with one endpoint. Errors: a sentence for people.
async fn open<T>(config: Config, tls: T, server: &Server) -> Result<Opened, String>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, session) = config.connect(tls).await.map_err(|error| server.password.refused(&error))?;
    // The session's task ends with its client.
    let task = tokio::spawn(session);
    let given_up = server.given_up().as_millis();
    let settings = format!("SET statement_timeout = {given_up}; SET lock_timeout = {given_up}");
    client.batch_execute(&settings).await.map_err(|error| explained(&error))?;
    Ok(Opened { client, task })
}

fn deadline(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now)
}

/// Tries one endpoint after the other and returns the first success. The next try starts when one
/// has failed or has had its head start. Errors: the errors of all.
async fn first<P, T, F>(places: Vec<P>, until: Instant, attempt: impl Fn(P) -> F) -> Result<T, Vec<String>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, String>> + Send + 'static,
{
    let many = u32::try_from(places.len().max(1)).unwrap_or(u32::MAX);
    let left = until.saturating_duration_since(Instant::now());
    let head_start = left.checked_div(many).unwrap_or_default().min(MAX_HEAD_START);
    let (mut tries, mut errors) = (JoinSet::new(), Vec::new());
    let mut places = places.into_iter();
    loop {
        if let Some(place) = places.next() {
            tries.spawn(attempt(place));
        }
        let ended = if places.len() == 0 {
            tries.join_next().await
        } else {
            let Ok(ended) = timeout(head_start, tries.join_next()).await else { continue };
            ended
        };
        match ended {
            None => return Err(errors),
            Some(Ok(Ok(done))) => return Ok(done),
            Some(Ok(Err(error))) => errors.push(error),
            Some(Err(error)) => errors.push(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::options::Options;

    /// A try that fails at once, never ends, or succeeds.
    async fn attempt(fate: &'static str) -> Result<&'static str, String> {
        match fate {
            "hangs" => std::future::pending().await,
            "fails" => Err(fate.to_owned()),
            _ => Ok(fate),
        }
    }

    #[tokio::test]
    async fn endpoint_that_hangs_holds_up_the_next_for_a_while_and_one_that_fails_not_at_all() {
        let until = deadline(Duration::from_secs(60));
        assert_eq!(first(vec!["fails", "hangs", "fails", "well", "later"], until, attempt).await, Ok("well"));
        assert_eq!(first(vec!["fails", "fails"], until, attempt).await, Err(vec!["fails".to_owned(); 2]));
        assert_eq!(first(Vec::new(), until, attempt).await, Err(Vec::new()));
    }

    #[test]
    fn url_parameters_hold_for_each_host_and_keepalives_fill_the_rest() {
        let parse = |url: &str| Server::parse(url, &Options::default()).unwrap();
        let server = parse("postgres://otp:hunter2@db1:5433/keyfob?sslmode=require&options=-c%20x%3D1&channel_binding=require");
        assert!(server.config_of(0, None) == server.config);
        assert_eq!(server.config.get_keepalives_idle(), Duration::from_secs(30));
        assert_eq!(server.config.get_tcp_user_timeout(), Some(&Duration::from_secs(2)));
        let said = "keepalives=0&keepalives_idle=7&keepalives_interval=8&keepalives_retries=9&tcp_user_timeout=10";
        let server = parse(&format!("postgres://db1,db2:1/keyfob?sslmode=disable&{said}"));
        let config = server.config_of(1, None);
        assert_eq!((config.get_hosts().len(), config.get_ports(), config.get_keepalives()), (1, [1].as_slice(), false));
        let seconds = Duration::from_secs;
        assert_eq!((config.get_keepalives_idle(), config.get_keepalives_interval()), (seconds(7), Some(seconds(8))));
        assert_eq!((config.get_keepalives_retries(), config.get_tcp_user_timeout()), (Some(9), Some(&seconds(10))));
    }

    #[tokio::test]
    async fn slow_endpoint_is_not_given_up_while_others_are_tried() {
        let slow = |place: u64| async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if place == 0 { Ok(place) } else { Err("fails".to_owned()) }
        };
        assert_eq!(first((0..100).collect(), deadline(Duration::from_secs(1)), slow).await, Ok(0));
    }
}
