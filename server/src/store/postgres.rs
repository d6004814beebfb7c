//! PostgreSQL, and what speaks its protocol: a session that is made anew when it is lost.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::location::Options;
use super::sql::{Access, Connection, Dialect, Failure, Fault, Record, Sql, Value};
use crate::tls;

/// How many statements a session keeps prepared: filters that people think up are without end.
const PREPARED: usize = 256;

/// A server, or several of which one takes writes.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    timeout: Duration,
}

impl Server {
    /// Reads a URL of libpq, and of its parameters what tokio-postgres knows, and `sslrootcert`.
    ///
    /// Without `sslmode`, servers on this machine are reached without TLS, all others with it. A certificate is always checked.
    pub(crate) fn parse(url: &str, options: &Options) -> Result<Self, String> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut rest, mut mode, mut authorities) = (Vec::new(), None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", path)) => {
                    let path = percent_decode_str(path).decode_utf8().map_err(|_| "sslrootcert: is not UTF-8")?;
                    authorities = Some(PathBuf::from(path.into_owned()));
                }
                _ => rest.push(parameter),
            }
        }
        let mut config: Config = format!("{base}?{}", rest.join("&")).parse().map_err(|error| explained(&error))?;
        let is_here = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        if config.get_hosts().is_empty() {
            return Err("names no host".to_owned());
        }
        config.ssl_mode(match mode {
            Some("disable") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err("sslmode: must be disable or verify-full".to_owned()),
            None if config.get_hosts().iter().all(is_here) => SslMode::Disable,
            None => SslMode::Require,
        });
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(tls::client(tls::authorities(authorities.as_deref())?, "postgresql")?)),
        };
        if let Some(password) = &options.password {
            config.password(password);
        }
        if config.get_application_name().is_none() {
            config.application_name("keyfob");
        }
        // A standby would serve reads that are behind, and no writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(options.timeout);
        Ok(Self { config, tls, timeout: options.timeout })
    }

    /// Opens a session.
    pub(crate) fn connect(&self) -> Result<Postgres, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| Fault::new(error.to_string()))?;
        let mut connection = Postgres { server: self.clone(), runtime, session: None, is_in_transaction: false, deadline: None };
        connection.session()?;
        Ok(connection)
    }

    async fn open(&self) -> Result<Client, tokio_postgres::Error> {
        // The task of the session ends with its client.
        let client = if let Some(tls) = &self.tls {
            let (client, session) = self.config.connect(tls.clone()).await?;
            tokio::spawn(session);
            client
        } else {
            let (client, session) = self.config.connect(NoTls).await?;
            tokio::spawn(session);
            client
        };
        // A commit is never given up by it.
        let limit = self.limit().as_millis();
        client.batch_execute(&format!("SET statement_timeout = {limit}; SET lock_timeout = {limit}")).await?;
        Ok(client)
    }

    /// After how long the server gives up a statement: a little before this side does, so that nothing goes on unheard of.
    fn limit(&self) -> Duration {
        self.timeout.mul_f64(0.9)
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
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            let ports = self.config.get_ports();
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            let comma = if at == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}:{port}")?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

/// A connection to a server.
pub(crate) struct Postgres {
    server: Server,
    runtime: Runtime,
    session: Option<Session>,
    /// Since a transaction was begun, until it is committed or given up.
    is_in_transaction: bool,
    /// Until when all statements of a search may take.
    deadline: Option<Instant>,
}

struct Session {
    client: Client,
    prepared: HashMap<String, Statement>,
    /// After how long the server gives up a statement.
    limit: Duration,
}

impl Postgres {
    /// The session, opened if there is none. Errors: besides those of the server, a transaction went with the session that it was in.
    fn session(&mut self) -> Result<&mut Session, Fault> {
        if self.session.as_ref().is_none_or(|session| session.client.is_closed()) {
            self.session = None;
            if self.is_in_transaction {
                return Err(Fault::of(Failure::Unreached, format!("{} ended the session within a transaction", self.server)));
            }
            let server = &self.server;
            let opened = self.runtime.block_on(async { tokio::time::timeout(server.timeout, server.open()).await });
            let unreached = |text: &str| Fault::of(Failure::Unreached, format!("cannot connect to {server}: {text}"));
            let client = match opened {
                Ok(Ok(client)) => client,
                Ok(Err(error)) => return Err(unreached(&explained(&error))),
                Err(_) => return Err(unreached("it does not answer")),
            };
            self.session = Some(Session { client, prepared: HashMap::new(), limit: server.limit() });
        }
        self.session.as_mut().ok_or_else(|| Fault::new("there is no session"))
    }

    /// How long the next statement may take. Errors: there is no time left.
    fn limit(&self) -> Result<Duration, Fault> {
        let Some(deadline) = self.deadline else { return Ok(self.server.limit()) };
        let left = deadline.saturating_duration_since(Instant::now());
        // The server counts whole milliseconds, and takes 0 for no limit.
        if left < Duration::from_millis(1) {
            return Err(Fault::of(Failure::TooLong, "there is no time left"));
        }
        Ok(left.min(self.server.limit()))
    }

    /// Does something in the session, for as long as a statement may take. A session that is in doubt is given up.
    fn run_with<T>(&mut self, work: impl AsyncFnOnce(&mut Session) -> Result<T, tokio_postgres::Error>) -> Result<T, Fault> {
        self.session()?;
        let limit = self.limit()?;
        let Some(session) = &mut self.session else { return Err(Fault::new("there is no session")) };
        let timeout = limit.saturating_add(self.server.timeout.saturating_sub(self.server.limit()));
        let limited = async {
            session.limit_to(limit).await?;
            work(session).await
        };
        let fault = match self.runtime.block_on(async { tokio::time::timeout(timeout, limited).await }) {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => Fault::of(failure(&error), explained(&error)),
            Err(_) => Fault::of(Failure::Unknown, format!("{} does not answer", self.server)),
        };
        if matches!(fault.failure, Failure::Unreached | Failure::Unknown) {
            self.session = None;
        }
        Err(fault)
    }
}

impl Session {
    /// Has the server give up statements after this time.
    async fn limit_to(&mut self, limit: Duration) -> Result<(), tokio_postgres::Error> {
        if self.limit != limit {
            self.client.batch_execute(&format!("SET statement_timeout = {}", limit.as_millis())).await?;
            self.limit = limit;
        }
        Ok(())
    }

    async fn prepare(&mut self, sql: &Sql) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.prepared.get(sql.text.as_ref()) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&sql.text).await?;
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        self.prepared.insert(sql.text.clone().into_owned(), statement.clone());
        Ok(statement)
    }
}

fn values(sql: &Sql) -> Vec<&(dyn ToSql + Sync)> {
    sql.values.iter().map(|value| value as _).collect()
}

impl Connection for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn end_at(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, Fault> {
        self.run_with(async |session| {
            let (statement, values) = (session.prepare(sql).await?, values(sql));
            session.client.query(&statement, &values).await
        })?
        .iter()
        .map(record)
        .collect()
    }

    fn change(&mut self, sql: &Sql) -> Result<u64, Fault> {
        self.run_with(async |session| {
            let (statement, values) = (session.prepare(sql).await?, values(sql));
            session.client.execute(&statement, &values).await
        })
    }

    fn begin(&mut self, access: Access) -> Result<(), Fault> {
        self.run(self.dialect().begin(access))?;
        self.is_in_transaction = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.run("COMMIT")?;
        self.is_in_transaction = false;
        Ok(())
    }

    fn rollback(&mut self) {
        // The server gives it up as well when its session ends.
        if self.session.is_some() && self.run("ROLLBACK").is_err() {
            self.session = None;
        }
        self.is_in_transaction = false;
    }
}

/// What an error leaves open. Its codes are those of PostgreSQL (appendix A), which the others use too.
fn failure(error: &tokio_postgres::Error) -> Failure {
    let Some(code) = error.code() else {
        return if error.is_closed() || is_broken(error) { Failure::Unknown } else { Failure::Refused };
    };
    match code.code() {
        // Serialization failure, deadlock; a table, its type or a row that another process has just made.
        "40001" | "40P01" | "23505" | "42P07" | "42710" => Failure::Conflict,
        // A server that became a standby, or starts; a statement that was prepared for tables as they were before, or in another session.
        "25006" | "57P03" | "0A000" | "26000" => Failure::Unreached,
        "40003" | "57P01" | "57P02" | "57P05" => Failure::Unknown,
        "57014" => Failure::TooLong,
        "XX001" | "XX002" => Failure::Damaged,
        code if code.starts_with("08") => Failure::Unknown,
        _ => Failure::Refused,
    }
}

fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// An error with its cause: the outermost alone says little. None of them holds a value.
fn explained(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

fn record(row: &tokio_postgres::Row) -> Result<Record, Fault> {
    let read = |at: usize| row.try_get::<_, Value>(at).map_err(|error| Fault::new(explained(&error)));
    (0..row.len()).map(read).collect::<Result<_, _>>().map(Record)
}

type Converted<T> = Result<T, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Number(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::List(values) => values.to_sql(kind, out),
            Self::Unreadable(what) => Err((*what).into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        match kind.kind() {
            Kind::Array(kind) => <Self as ToSql>::accepts(kind),
            _ => [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(kind),
        }
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Converted<Self> {
        Ok(match *kind {
            Type::INT4 => Self::Number(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Self::Number(i64::from_sql(kind, raw)?),
            Type::BYTEA => Self::Bytes(Vec::from_sql(kind, raw)?),
            _ => Self::Text(String::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Converted<Self> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Self as ToSql>::accepts(kind) || *kind == Type::NAME
    }
}
