//! The service's configuration: a TOML file, the environment and flags, each of which goes before
//! the one before it.

mod catalog;
mod links;
mod log;
mod origins;
mod policy;
mod reader;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use keyfob::{Algorithm, Digits, Kind};
use keyfob_scim::{Profile, Settings};
use toml::Table;
use zeroize::Zeroizing;

use crate::database::{FEWEST, Location, Options};
use crate::delivery;
pub use crate::problem::Problem;
pub(crate) use catalog::Catalog;
pub(crate) use log::filter as log_filter;
use reader::Reader;

/// The fewest bytes of a password.
pub(crate) const SHORTEST_PASSWORD: usize = 8;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: a JSON object a line.
    Json,
}

/// A server's certificate chain and key, PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// A whole configuration, checked.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the store is.
    pub store: Location,
    /// How a database server is used.
    pub database: Options,
    /// The path that all addresses of SCIM start with; empty for none.
    pub base_path: String,
    /// What clients reach the service under, without the base path; none for the `Host` of each
    /// request.
    pub public_url: Option<String>,
    /// The web pages, by their origins in lower case, whose scripts may call SCIM; empty for none.
    pub allowed_origins: Vec<String>,
    /// The keys that records are sealed under, as text; else they are in the file.
    pub key: Option<Zeroizing<String>>,
    /// The file of the keys that records are sealed under.
    pub key_file: PathBuf,
    /// The password of the account `admin`, beside the store's accounts.
    pub admin_password: Option<Zeroizing<String>>,
    /// The longest pause after wrong passwords of an account from one address; zero for none.
    pub password_pause: Duration,
    /// How many connections one address may have, or one IPv6 network of 64 bits; 0 for any number.
    pub connections_per_address: usize,
    /// The filter of the log: `info`, or what `tracing` knows.
    pub log: String,
    /// How the log is written.
    pub log_format: LogFormat,
    /// Whether `/metrics` is there.
    pub metrics: bool,
    /// Where `/metrics` is alone; none for beside everything else.
    pub metrics_listen: Option<SocketAddr>,
    /// TLS; none is plain HTTP.
    pub tls: Option<Tls>,
    /// What the SCIM layer needs to know.
    pub settings: Settings,
    /// The users that may have devices, with their attributes for messages; none for any.
    pub users: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// The names of variables that Kubernetes or Docker have set for a service of this name: they
    /// are no configuration.
    pub links: Vec<String>,
    pub(crate) delivery: delivery::Config,
}

impl Config {
    /// Reads a configuration from the text of a TOML file, then `KEYFOB_*` of the environment, then
    /// flags, as pairs of path and value.
    ///
    /// Errors: every fault, each with its key.
    pub fn read(
        file: &str,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> Result<Self, Vec<Problem>> {
        match Self::read_all(file, environment, flags) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(problems),
        }
    }

    /// Reads what can be read, with defaults in the place of what is wrong, and every fault: what
    /// is right may have faults that only its use shows. None of a file that is no TOML.
    pub(crate) fn read_all(
        file: &str,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> (Option<Self>, Vec<Problem>) {
        let mut table: Table = match file.parse() {
            Ok(table) => table,
            Err(error) => return (None, vec![unreadable(file, &error)]),
        };
        let mut problems = catalog::take_unknown(&mut table);
        let (ours, links) = split(environment);
        let variables = ours.into_iter().map(|(name, text)| (catalog::of_variable(&name), text));
        let flags = flags.iter().map(|(path, text)| (catalog::of_flag(path), text.clone()));
        for (key, text) in variables.chain(flags) {
            match key {
                Ok(key) => reader::set(&mut table, key.path, key.value(&text)),
                Err(problem) => problems.push(problem),
            }
        }
        let mut reader = Reader::new(table);
        reader.problems.append(&mut problems);
        let config = Self { links, ..Self::from(&mut reader) };
        (Some(config), reader.finish())
    }

    fn from(keys: &mut Reader) -> Self {
        let settings = settings(keys);
        let tls = keys.section("tls", |tls| {
            let (certificate, key) = (tls.take("certificate"), tls.take("key"));
            if certificate.is_some() != key.is_some() {
                tls.fault("", "needs both certificate and key");
            }
            certificate.zip(key).map(|(certificate, key)| Tls { certificate, key })
        });
        let (store, database) = store(keys);
        let base_path: String = keys.or("base_path", || "/soffid/webservice/scim2/v1".to_owned());
        let base_path = base_path.trim_matches('/');
        let base_path = if base_path.is_empty() { String::new() } else { format!("/{base_path}") };
        let public_url: Option<String> = keys.take("public_url");
        if public_url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            keys.fault("public_url", "must start with http:// or https://");
        }
        let admin_password = keys.take::<String>("admin_password").map(Zeroizing::new);
        // As of a variable that was meant to be filled in.
        if admin_password.as_ref().is_some_and(|password| password.len() < SHORTEST_PASSWORD) {
            keys.fault("admin_password", &format!("must have at least {SHORTEST_PASSWORD} bytes"));
        }
        let log: String = keys.or("log", || "info".to_owned());
        if let Err(error) = log_filter(&log) {
            keys.fault("log", &error);
        }
        let (metrics, metrics_listen) = (keys.or("metrics", || true), keys.take("metrics_listen"));
        if metrics_listen.is_some() && !metrics {
            keys.fault("metrics_listen", "is of use with metrics = true only; remove one of them");
        }
        Self {
            listen: keys.or("listen", || SocketAddr::from(([127, 0, 0, 1], 8080))),
            store,
            database,
            base_path,
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            allowed_origins: origins::read(keys),
            key: keys.take::<String>("key").map(Zeroizing::new),
            key_file: keys.or("key_file", || PathBuf::from("keyfob.key")),
            admin_password,
            password_pause: Duration::from_secs(keys.or("password_pause", || 900_u32).into()),
            connections_per_address: keys.or("connections_per_address", || 1000),
            log,
            log_format: keys
                .choice("log_format", &[("text", LogFormat::Text), ("json", LogFormat::Json)])
                .unwrap_or(LogFormat::Text),
            metrics,
            metrics_listen,
            tls: tls.flatten(),
            settings,
            users: keys.take("users"),
            links: Vec::new(),
            delivery: delivery::Config {
                development: keys.or("development", || true),
                email: keys.take("email"),
                sms: keys.take("sms"),
                voice: keys.take("voice"),
            },
        }
    }
}

/// The variables of the configuration, and the names of those that are links.
fn split(environment: impl Iterator<Item = (String, String)>) -> (Vec<(String, String)>, Vec<String>) {
    let all: Vec<_> = environment.filter(|(name, _)| name.starts_with("KEYFOB_") && name != "KEYFOB_CONFIG").collect();
    let docker: Vec<String> =
        all.iter().filter_map(|(name, value)| links::docker_link(name, value)).map(|start| format!("{start}_ENV_")).collect();
    let is_link = |(name, value): &(String, String)| {
        // A key of the configuration is one, whatever else its name looks like.
        catalog::of_variable(name).is_err()
            && (links::is_link(name, value) || docker.iter().any(|start| name.starts_with(start.as_str())))
    };
    let (links, ours): (Vec<_>, Vec<_>) = all.into_iter().partition(is_link);
    (ours, links.into_iter().map(|(name, _)| name).collect())
}

fn store(keys: &mut Reader) -> (Location, Options) {
    let options = keys.section("database", |database| {
        let default = Options::default();
        let options = Options {
            password: database.take("password"),
            connections: database.or("connections", || default.connections),
            timeout: database.take("timeout").map_or(default.timeout, Duration::from_secs),
        };
        if !(FEWEST..=1000).contains(&options.connections) {
            database.fault("connections", &format!("must be {FEWEST} to 1000"));
        }
        if !(1..=60).contains(&options.timeout.as_secs()) {
            database.fault("timeout", "must be 1 to 60 seconds");
        }
        options
    });
    let options = options.unwrap_or_default();
    let location = keys.take::<String>("store").map_or_else(Location::default, |url| {
        Location::parse(&url, &options).unwrap_or_else(|error| {
            keys.fault("store", &error);
            Location::default()
        })
    });
    (location, options)
}

/// A file that is no TOML. The library's own text shows the line, which may hold a password.
fn unreadable(file: &str, error: &toml::de::Error) -> Problem {
    let before = error.span().and_then(|span| file.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    Problem::new("configuration", &format!("line {line}: {}", error.message().trim()))
}

fn settings(keys: &mut Reader) -> Settings {
    let mut settings = Settings::default();
    if let Some(profile) = keys.choice("profile", &[("soffid", Profile::Soffid), ("rfc", Profile::Rfc)]) {
        settings.profile = profile;
    }
    keys.section("otp", |otp| {
        if let Some(names) = otp.take::<Vec<String>>("kinds") {
            let kinds: Result<Vec<Kind>, _> = names.iter().map(|name| name.parse()).collect();
            settings.kinds = kinds.unwrap_or_else(|error| {
                otp.refused("kinds", error);
                Vec::new()
            });
        }
        if let Some(issuer) = otp.take("issuer") {
            settings.issuer = issuer;
        }
        let is_allowed = |char: char| char != ':' && !char.is_control();
        if !settings.issuer.chars().all(is_allowed) || settings.issuer.is_empty() || settings.issuer.len() > 40 {
            otp.fault("issuer", "must be 1 to 40 bytes of text without a colon or a control character");
        }
        if let Some(name) = otp.take::<String>("algorithm") {
            match name.parse::<Algorithm>() {
                Ok(algorithm) => settings.algorithm = algorithm,
                Err(error) => otp.refused("algorithm", error),
            }
        }
        if let Some(number) = otp.take::<u8>("digits") {
            match Digits::new(number) {
                Ok(digits) => settings.digits = digits,
                Err(error) => otp.refused("digits", error),
            }
        }
        settings.period = otp.or("period", || settings.period);
        if settings.period == 0 {
            otp.refused("period", keyfob::Error::Period);
        }
    });
    keys.section("policy", |keys| {
        if let Some(policy) = policy::read(keys) {
            settings.policy = policy;
        }
        settings.min_secret_bits = policy::read_min_secret_bits(keys, settings.min_secret_bits);
        settings.message_pause = keys.or("message_pause", || settings.message_pause);
    });
    settings
}
