//! The configuration of the service. Lowest to highest precedence: TOML file, environment, flags.

mod catalog;
mod example;
mod key;
mod links;
mod log;
mod messages;
mod names;
mod origins;
mod policy;
mod reader;
mod receivers;
mod set_keys;
mod signal_keys;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use keyfob::{Algorithm, Digits, Kind};
use keyfob_scim::{Profile, Settings};
use toml::Table;
use zeroize::Zeroizing;

use crate::database::{Location, MIN_CONNECTIONS, Options};
use crate::delivery;
pub use crate::problem::Problem;
use crate::signals;
pub(crate) use catalog::Catalog;
pub(crate) use example::Example;
pub(crate) use log::filter as log_filter;
use reader::TableReader;
pub(crate) use set_keys::SetKeys;

/// The shortest password.
pub(crate) const MIN_PASSWORD_BYTES: usize = 8;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: a JSON object a line.
    Json,
}

/// The PEM files of a server's certificate chain and its key.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain.
    pub certificate_file: PathBuf,
    /// The key.
    pub key_file: PathBuf,
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
    /// The start of the path of all SCIM addresses; empty for none.
    pub base_path: String,
    /// The address of the service for clients, without the base path; none for the `Host` of each
    /// request.
    pub public_url: Option<String>,
    /// The origins, in lower case, of the web pages whose scripts may call SCIM.
    pub allowed_origins: Vec<String>,
    /// The keys that seal records, as text; none if they are in the file.
    pub sealing_keys: Option<Zeroizing<String>>,
    /// The file of the keys that seal records.
    pub sealing_keys_file: PathBuf,
    /// The password of the account `admin`, beside the store's accounts.
    pub admin_password: Option<Zeroizing<String>>,
    /// The longest pause after wrong passwords of an account from one address; zero for none.
    pub password_max_pause: Duration,
    /// The most connections of one IPv4 address or one IPv6 network of 64 bits; 0 for any number.
    pub max_connections_per_address: usize,
    /// The filter of the log: a level, or directives of `tracing`.
    pub log: String,
    /// How the log is written.
    pub log_format: LogFormat,
    /// Whether `/metrics` answers.
    pub metrics: bool,
    /// The address where only `/metrics` answers; none if it answers at the service's.
    pub metrics_listen: Option<SocketAddr>,
    /// TLS; none for plain HTTP.
    pub tls: Option<Tls>,
    /// The settings of the SCIM layer.
    pub settings: Settings,
    /// The country of telephone numbers without a country code; none if such numbers are unknown.
    pub region: Option<String>,
    /// The users that may have devices, with their attributes for messages; none for any.
    pub users: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Variables that Kubernetes or Docker have set for a service of this name. They do not
    /// configure it.
    pub links: Vec<String>,
    pub(crate) delivery: delivery::Config,
    pub(crate) signals: signals::Config,
}

impl Config {
    /// Reads a configuration from the text of a TOML file, then `KEYFOB_*` of the environment, then
    /// flags, as pairs of path and value.
    ///
    /// Errors: all problems, each with its key.
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

    /// Reads all valid values, with defaults for invalid ones, and returns all problems. The use of
    /// a valid value may show more problems. Returns no configuration for a file that is not TOML.
    pub(crate) fn read_all(
        file: &str,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> (Option<Self>, Vec<Problem>) {
        let Merged { table, problems, links } = match merge(file, environment, flags) {
            Ok(merged) => merged,
            Err(problem) => return (None, vec![problem]),
        };
        let mut reader = TableReader::new(table);
        reader.problems = problems;
        let config = Self { links, ..Self::from(&mut reader) };
        (Some(config), reader.finish())
    }

    fn from(table: &mut TableReader) -> Self {
        let mut settings = settings(table);
        let (message_limits, region) = table.read_section("messages", messages::read).unwrap_or_default();
        settings.message_limits = message_limits;
        let signals = receivers::read(table, settings.profile);
        settings.signals = signals.settings();
        let tls = table.read_section("tls", |tls| {
            let (certificate, key) = (tls.take("certificate_file"), tls.take("key_file"));
            if certificate.is_some() != key.is_some() {
                tls.reject("", "needs both certificate_file and key_file");
            }
            certificate.zip(key).map(|(certificate_file, key_file)| Tls { certificate_file, key_file })
        });
        let (store, database) = store(table);
        let base_path: String = table.take_or("base_path", || "/soffid/webservice/scim2/v1".to_owned());
        let base_path = base_path.trim_matches('/');
        let base_path = if base_path.is_empty() { String::new() } else { format!("/{base_path}") };
        let public_url: Option<String> = table.take("public_url");
        if public_url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            table.reject("public_url", "must start with http:// or https://");
        }
        let admin_password = table.take::<String>("admin_password").map(Zeroizing::new);
        // An empty one comes from a variable that was never filled in.
        if admin_password.as_ref().is_some_and(|password| password.len() < MIN_PASSWORD_BYTES) {
            table.reject("admin_password", &format!("must have at least {MIN_PASSWORD_BYTES} bytes"));
        }
        let log: String = table.take_or("log", || "info".to_owned());
        if let Err(error) = log_filter(&log) {
            table.reject("log", &error);
        }
        let (metrics, metrics_listen) = (table.take_or("metrics", || true), table.take("metrics_listen"));
        if metrics_listen.is_some() && !metrics {
            table.reject("metrics_listen", "needs metrics = true; remove one of them");
        }
        Self {
            listen: table.take_or("listen", || SocketAddr::from(([127, 0, 0, 1], 8080))),
            store,
            database,
            base_path,
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            allowed_origins: origins::read(table),
            sealing_keys: table.take::<String>("sealing_keys").map(Zeroizing::new),
            sealing_keys_file: table.take_or("sealing_keys_file", || PathBuf::from("keyfob.key")),
            admin_password,
            password_max_pause: Duration::from_secs(table.take_or("password_max_pause", || 900_u32).into()),
            max_connections_per_address: table.take_or("max_connections_per_address", || 1000),
            log,
            log_format: table
                .take_choice("log_format", &[("text", LogFormat::Text), ("json", LogFormat::Json)])
                .unwrap_or(LogFormat::Text),
            metrics,
            metrics_listen,
            tls: tls.flatten(),
            settings,
            region,
            users: table.take("users"),
            links: Vec::new(),
            delivery: delivery::Config {
                development: table.take_or("development", || true),
                email: table.take_sections("email"),
                sms: table.take_sections("sms"),
                voice: table.take_sections("voice"),
            },
            signals,
        }
    }
}

/// What the file, the environment and the flags set together.
struct Merged {
    table: Table,
    /// Unknown keys, which the table does not have.
    problems: Vec<Problem>,
    links: Vec<String>,
}

/// Merges the sources of a configuration. Errors: the file is not TOML.
fn merge(file: &str, environment: impl Iterator<Item = (String, String)>, flags: &[(String, String)]) -> Result<Merged, Problem> {
    let mut table: Table = file.parse().map_err(|error| unreadable(file, &error))?;
    let mut problems = names::take_unknown(&mut table);
    let (ours, links) = split(environment);
    let variables = ours.into_iter().map(|(name, text)| (names::find_by_variable(&name), text));
    let flags = flags.iter().map(|(path, text)| (names::find_by_flag(path), text.clone()));
    for (key, text) in variables.chain(flags) {
        match key {
            Ok(key) => reader::set(&mut table, key.path, key.parse(&text)),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(Merged { table, problems, links })
}

/// Splits the variables into those of the configuration and the names of service links.
fn split(environment: impl Iterator<Item = (String, String)>) -> (Vec<(String, String)>, Vec<String>) {
    let all: Vec<_> = environment.filter(|(name, _)| name.starts_with("KEYFOB_") && name != "KEYFOB_CONFIG").collect();
    let docker: Vec<String> =
        all.iter().filter_map(|(name, value)| links::docker_link(name, value)).map(|start| format!("{start}_ENV_")).collect();
    let is_link = |(name, value): &(String, String)| {
        // A key of the configuration wins over a link of the same name.
        names::find_by_variable(name).is_err()
            && (links::is_link(name, value) || docker.iter().any(|start| name.starts_with(start.as_str())))
    };
    let (links, ours): (Vec<_>, Vec<_>) = all.into_iter().partition(is_link);
    (ours, links.into_iter().map(|(name, _)| name).collect())
}

fn store(table: &mut TableReader) -> (Location, Options) {
    let options = table.read_section("database", |database| {
        let default = Options::default();
        let options = Options {
            password: database.take("password"),
            connections: database.take_or("connections", || default.connections),
            timeout: database.take("timeout").map_or(default.timeout, Duration::from_secs),
        };
        if !(MIN_CONNECTIONS..=1000).contains(&options.connections) {
            database.reject("connections", &format!("must be {MIN_CONNECTIONS} to 1000"));
        }
        if !(1..=60).contains(&options.timeout.as_secs()) {
            database.reject("timeout", "must be 1 to 60 seconds");
        }
        options
    });
    let options = options.unwrap_or_default();
    let location = table.take::<String>("store").map_or_else(Location::default, |url| {
        Location::parse(&url, &options).unwrap_or_else(|error| {
            table.reject("store", &error);
            Location::default()
        })
    });
    (location, options)
}

/// The problem of a file that is not TOML. The library's own text shows the line, which may hold a
/// password.
fn unreadable(file: &str, error: &toml::de::Error) -> Problem {
    let before = error.span().and_then(|span| file.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    Problem::new("configuration", &format!("line {line}: {}", error.message().trim()))
}

fn settings(table: &mut TableReader) -> Settings {
    let mut settings = Settings::default();
    if let Some(profile) = table.take_choice("profile", &[("soffid", Profile::Soffid), ("rfc", Profile::Rfc)]) {
        settings.profile = profile;
        settings.kinds = profile.default_kinds();
    }
    table.read_section("otp", |otp| {
        if let Some(names) = otp.take::<Vec<String>>("kinds") {
            let kinds: Result<Vec<Kind>, _> = names.iter().map(|name| name.parse()).collect();
            settings.kinds = kinds.unwrap_or_else(|error| {
                otp.reject_by_engine("kinds", error);
                Vec::new()
            });
        }
        if let Some(issuer) = otp.take("issuer") {
            settings.issuer = issuer;
        }
        let is_allowed = |char: char| char != ':' && !char.is_control();
        if !settings.issuer.chars().all(is_allowed) || settings.issuer.is_empty() || settings.issuer.len() > 40 {
            otp.reject("issuer", "must be 1 to 40 bytes of text without a colon or a control character");
        }
        if let Some(name) = otp.take::<String>("algorithm") {
            match name.parse::<Algorithm>() {
                Ok(algorithm) => settings.algorithm = algorithm,
                Err(error) => otp.reject_by_engine("algorithm", error),
            }
        }
        if let Some(number) = otp.take::<u8>("digits") {
            match Digits::new(number) {
                Ok(digits) => settings.digits = digits,
                Err(error) => otp.reject_by_engine("digits", error),
            }
        }
        settings.period = otp.take_or("period", || settings.period);
        if settings.period == 0 {
            otp.reject_by_engine("period", keyfob::Error::Period);
        }
    });
    table.read_section("policy", |policy| {
        if let Some(rules) = policy::read(policy) {
            settings.policy = rules;
        }
        settings.min_secret_bits = policy::read_min_secret_bits(policy, settings.min_secret_bits);
        settings.message_pause = policy.take_or("message_pause", || settings.message_pause);
    });
    settings
}
